"""Runs pyredis-server as where there is no Unix: `python -m tests.server.without_unix [arguments]`."""

import asyncio
import functools
import os
import signal
import socket
import sys

MODULES = ("fcntl", "grp", "pwd", "resource", "setproctitle", "syslog", "termios", "uvloop")
FUNCTIONS = """
chown fchmod fchown fork forkpty getegid geteuid getgid getpgid getuid killpg major mkfifo nice pread pwrite
sched_getaffinity sched_setaffinity setpgid setsid set_blocking statvfs sysconf uname wait wait3 wait4 waitid
WEXITSTATUS WIFEXITED WIFSIGNALED WNOHANG WTERMSIG
"""
SIGNALS = """
SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 setitimer getitimer ITIMER_REAL
"""


def hide():
    """Take away what Windows lacks, as far as the interpreter itself can do without."""
    pair = functools.partial(socket.socketpair, socket.AF_UNIX)
    socket.socketpair = pair  # there it is made of two connections
    for name in MODULES:
        sys.modules[name] = None
    for module, names in ((os, FUNCTIONS), (signal, SIGNALS), (socket, "AF_UNIX")):
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)

    def add_signal_handler(self, *arguments):
        raise NotImplementedError

    asyncio.SelectorEventLoop.add_signal_handler = add_signal_handler


if __name__ == "__main__":
    hide()
    from pyredis.cli import main

    sys.exit(main())
