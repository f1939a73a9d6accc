"""The process around a server: daemon, pid file, supervisor, file limits, signals."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from pyredis.config.store import Config

if TYPE_CHECKING:
    from pyredis.server.server import Server

log = logging.getLogger("pyredis")

DEFAULT_PID_FILE = "/var/run/redis.pid"
RESERVED_FILES = 32


def daemonize() -> None:
    """Go on in a child of its own session; the parent exits with code 0."""
    if os.fork():
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def fill_standard_files() -> None:
    """Let no socket become standard input, output or error where the process was started without: libuv aborts then."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def write_pid_file(config: Config) -> str:
    """Write the pid where `pidfile` says, or at Redis's default for a daemon; the path, or '' for none."""
    path = config["pidfile"] or (DEFAULT_PID_FILE if config["daemonize"] else "")
    if path:
        path = os.path.join(config["dir"], path)  # noqa: PTH118
        try:
            with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(f"{os.getpid()}\n")
        except OSError as error:
            log.warning("Failed to write PID file: %s", error.strerror)
            return ""
    return path


def remove_pid_file(path: str) -> None:
    """Remove it at an orderly exit."""
    if path:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108


def is_supervised(config: Config) -> bool:
    """Whether a supervisor keeps the process, so that it must not go to the background."""
    mode = config["supervised"]
    return (mode in ("systemd", "auto") and "NOTIFY_SOCKET" in os.environ) or (
        mode in ("upstart", "auto") and "UPSTART_JOB" in os.environ
    )


def notify_supervisor(config: Config, text: str) -> None:
    """systemd's notify protocol: a datagram to $NOTIFY_SOCKET."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path or config["supervised"] not in ("systemd", "auto"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.sendto(text.encode(), "\0" + path[1:] if path[0] == "@" else path)


def raise_file_limit(config: Config) -> None:
    """Room for `maxclients` connections; lowers `maxclients` where the system does not allow it."""
    if sys.platform == "win32":
        return
    import resource

    wanted = config["maxclients"] + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < wanted:
        config.replace("maxclients", max(hard - RESERVED_FILES, 1))
        log.warning("You requested maxclients of %d but only %d files may be open.", wanted - 32, hard)


def handle_signals(loop: asyncio.AbstractEventLoop, server: "Server") -> None:
    """SIGTERM and SIGINT shut down in order, once a script that runs is done; a second SIGINT ends it at once."""

    def stop(name: str, parameter: str) -> None:
        if server.asked_to_end and name == "SIGINT":
            log.warning("You insist... exiting now.")
            os._exit(1)
        log.warning("Received %s scheduling shutdown...", name)
        asked = server.engine.config[parameter]
        save = True if "save" in asked else False if "nosave" in asked else None
        server.shut_down_when_idle(save=save, now="now" in asked, force="force" in asked)

    for number, parameter in ((signal.SIGTERM, "shutdown-on-sigterm"), (signal.SIGINT, "shutdown-on-sigint")):
        told = (signal.Signals(number).name, parameter)
        if sys.platform == "win32":
            signal.signal(number, lambda *_, told=told: loop.call_soon_threadsafe(stop, *told))
        else:
            loop.add_signal_handler(number, stop, *told)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def exit_at_once() -> None:
    """The process ends here, with code 1; no reply that is not sent yet leaves."""
    logging.shutdown()
    os._exit(1)


def calm_collector() -> None:
    """The engine makes no reference cycles while it runs commands, so collections may be rare.

    What exists after start is never looked at again; a key's bytes are not tracked at all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
