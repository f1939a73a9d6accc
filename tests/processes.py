"""Servers as processes of their own, on ephemeral loopback ports, and gone afterwards."""

import contextlib
import subprocess
import sys

from tests.oracle import ask, free_port, wait_for

SERVER = [sys.executable, "-m", "pyredis.cli"]


@contextlib.contextmanager
def started(*arguments, command=SERVER, ready=True, **options):
    """A server's port and its process, once it answers; `options` are Popen's."""
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*command, "--port", str(port), *arguments], **quiet | options)
    try:
        if ready:
            wait_for(lambda: ask(port, "PING") == b"+PONG\r\n")
        yield port, process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def starter(*always, **defaults):
    """What starts one server after the other: `start(*arguments, **options)` gives port and process."""
    with contextlib.ExitStack() as running:
        yield lambda *arguments, **options: running.enter_context(started(*always, *arguments, **defaults | options))
