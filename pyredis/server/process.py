"""The process around a server: daemon, pid file, supervisor, file limits."""

import bisect
import contextlib
import errno
import gc
import logging
import os
import socket

from pyredis.config.store import Config, ConfigError, fatal

DEFAULT_PID_FILE = "/var/run/redis.pid"
RESERVED_FILES = 32


def demand_abilities(config: Config) -> None:
    """Raises FatalError when the configuration asks for what the system cannot do."""
    if config["daemonize"] and not hasattr(os, "fork"):
        raise fatal("'daemonize yes' cannot be: this system has no processes that fork. Start it as a service instead.")
    if config["unixsocket"] and not hasattr(socket, "AF_UNIX"):
        raise fatal("'unixsocket' cannot be set: this system's Python has no Unix sockets.")
    if config["syslog-enabled"]:
        try:
            import syslog  # noqa: F401
        except ImportError:
            raise fatal("'syslog-enabled yes' cannot be: this system has no such log. Set 'logfile'.") from None


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


def write_pid_file(config: Config, log: logging.Logger) -> str:
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


def remove_pid_file(path: str, log: logging.Logger) -> None:
    """Remove it at an orderly exit."""
    if path:
        log.info("Removing the pid file.")
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
    if not path or config["supervised"] not in ("systemd", "auto") or not hasattr(socket, "AF_UNIX"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.sendto(text.encode(), "\0" + path[1:] if path[0] == "@" else path)


def fit_max_clients(config: Config, log: logging.Logger) -> bool:
    """Room for `maxclients` connections; where there is less, `maxclients` is lowered. False: too little to start."""
    asked = config["maxclients"]
    room = room_for_clients(asked, log)
    if room <= 0:
        log.warning(
            "Your current 'ulimit -n' of %d is not enough for the server to start. "
            "Please increase your open file limit to at least %d. Exiting.",
            room + RESERVED_FILES,
            asked + RESERVED_FILES,
        )
        return False
    config.replace("maxclients", min(asked, room))
    return True


def require_room(clients: int, log: logging.Logger) -> None:
    """CONFIG SET maxclients. Raises ConfigError when the system does not let so many in."""
    room = room_for_clients(clients, log)
    if room < clients:
        raise ConfigError(
            f"The operating system is not able to handle the specified number of clients, try with {max(room, 0)}"
        )


def room_for_clients(clients: int, log: logging.Logger) -> int:
    """For how many clients files may be open, at least `clients` if the limit can be raised so far.

    Like Redis it is raised in steps of 16 below what is asked for; the hard limit with it where that is allowed.
    """
    try:
        import resource
    except ImportError:  # Windows
        return clients

    def allow(limit: int) -> bool:
        enough = hard == resource.RLIM_INFINITY or limit <= hard
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard if enough else limit))
        except (ValueError, OSError, OverflowError):
            return False
        return True

    wanted = clients + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return clients
    limits = range(wanted, soft, -16)
    first = bisect.bisect_left(limits, True, key=allow)
    limit = limits[first] if first < len(limits) and allow(limits[first]) else soft
    _tell_of_limit(log, wanted, soft, limit)
    return limit - RESERVED_FILES


def _tell_of_limit(log: logging.Logger, wanted: int, before: int, limit: int) -> None:
    clients = wanted - RESERVED_FILES
    if limit == wanted:
        log.info("Increased maximum number of open files to %d (it was originally set to %d).", limit, before)
    elif limit > RESERVED_FILES:
        log.warning("You requested maxclients of %d requiring at least %d max file descriptors.", clients, wanted)
        log.warning(
            "Server can't set maximum open files to %d because of OS error: %s.", wanted, os.strerror(errno.EPERM)
        )
        log.warning(
            "Current maximum open files is %d. maxclients has been reduced to %d to compensate for low ulimit. "
            "If you need higher maxclients increase 'ulimit -n'.",
            limit,
            limit - RESERVED_FILES,
        )


def exit_at_once() -> None:
    """The process ends here, with code 1; no reply that is not sent yet leaves."""
    logging.shutdown()
    os._exit(1)


def calm_collector() -> None:
    """The engine makes no reference cycles while it runs commands, so collections may be rare.

    What exists after start is never looked at again; a key's bytes are not tracked at all.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
