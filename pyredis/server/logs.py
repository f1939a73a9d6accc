"""Log lines in Redis's form, `pid:role date level message`, since tools read them.

Levels are Redis's: debug `.`, verbose `-`, notice `*`, warning `#`; Python's ERROR and above print as warnings. A
record is one line: what a client could put into it, line ends and control bytes, is shown as an escape, where Redis
writes it as it is. Only a traceback has more lines, indented, so that none looks like a record.

A log that cannot be written is no reason to stop, nor to complain: there is nowhere to complain to. A file that was
renamed or removed, as logrotate does, is made anew for the next line.
"""

import contextlib
import faulthandler
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from textwrap import indent

from pyredis.config.store import Config
from pyredis.log_levels import LEVELS, VERBOSE

STARTING = {"role": "C"}
"""`extra` of a record before there is a server."""
FROM_SIGNAL = {"role": "signal-handler"}
"""`extra` of a record that tells of a signal."""

_MARKS = {logging.DEBUG: ".", VERBOSE: "-", logging.INFO: "*"}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class RedisFormatter(logging.Formatter):
    """The role is M for a master, S for a replica, C for a child and before there is a server.

    What a signal handler says has seconds since 1970 and no level, as in Redis, where it can do no more.
    """

    def __init__(self, is_replica: Callable[[], bool]) -> None:
        super().__init__("%(message)s")
        self._is_replica = is_replica
        self._pid = os.getpid()

    def format(self, record: logging.LogRecord) -> str:
        """The line without its end."""
        pid, told = os.getpid(), getattr(record, "role", None)
        if told == FROM_SIGNAL["role"]:
            return f"{pid}:{told} ({int(record.created)}) {message_of(record)}"
        date = time.strftime("%d %b %Y %H:%M:%S", time.localtime(record.created))
        mark = _MARKS.get(record.levelno, "#")
        role = told or ("C" if pid != self._pid else "S" if self._is_replica() else "M")
        line = f"{pid}:{role} {date}.{int(record.msecs):03d} {mark} {message_of(record)}"
        if record.exc_info and record.exc_info[0] is not None:
            line += "\n" + indent(self.formatException(record.exc_info), "  ")
        return line


def message_of(record: logging.LogRecord) -> str:
    """A record's message without a traceback, on one line, with nothing in it that UTF-8 does not have."""
    text = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), record.getMessage())
    return text.encode("utf-8", "backslashreplace").decode()


class LineHandler(logging.Handler):
    """Writes each record at once, to a file or, without a path, to standard output; what cannot be written is lost.

    `crash_log`: whether the interpreter reports a crash of the process there too.
    """

    def __init__(self, path: str | None, is_replica: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self.setFormatter(RedisFormatter(is_replica))
        self.crash_log = False
        self.on_open: Callable[[], None] = lambda: None  # hears that the file is another one
        self._path = path
        self._file = -1 if path else 1
        self._identity: tuple[int, int] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """One line, one write."""
        with contextlib.suppress(OSError):
            self.open()
            os.write(self._file, (self.format(record) + "\n").encode("utf-8", "backslashreplace"))

    def open(self) -> None:
        """Make sure that the file is the one the path leads to. Raises OSError when it cannot be opened."""
        if self._path is None:
            return
        with contextlib.suppress(FileNotFoundError):
            if self._identity == _identity(os.stat(self._path)):  # noqa: PTH116
                return
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self.close()
        self._file, self._identity = file, _identity(os.fstat(file))
        self.report_crashes(self.crash_log)
        self.on_open()

    def fileno(self) -> int:
        """The file's descriptor."""
        return self._file

    def report_crashes(self, wanted: bool) -> None:
        """`crash-log-enabled`: a fatal signal leaves a traceback in the log file, or on standard error."""
        self.crash_log = wanted
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # there is no standard error
            faulthandler.disable()
            if wanted:
                faulthandler.enable(self._file if self._path else 2)

    def close(self) -> None:
        """The file is opened again by the next record."""
        super().close()
        if self._path is not None and self._file >= 0:
            if self.crash_log:
                faulthandler.disable()
            os.close(self._file)
            self._file, self._identity = -1, None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


class SyslogHandler(logging.Handler):
    """Messages to the system's log, whether or not it is there."""

    _PRIORITIES = {logging.DEBUG: "LOG_DEBUG", VERBOSE: "LOG_INFO", logging.INFO: "LOG_NOTICE"}

    def __init__(self, ident: str, facility: str) -> None:
        super().__init__()
        import syslog  # rare, and not on every system

        self._syslog = syslog
        where = getattr(syslog, f"LOG_{facility.upper()}")
        syslog.openlog(ident, syslog.LOG_PID | syslog.LOG_NDELAY | syslog.LOG_NOWAIT, where)

    def emit(self, record: logging.LogRecord) -> None:
        """The C library is silent when nobody listens."""
        priority = self._PRIORITIES.get(record.levelno, "LOG_WARNING")
        self._syslog.syslog(getattr(self._syslog, priority), message_of(record))


def begin(logger: logging.Logger) -> None:
    """Log on standard output, until `set_up` knows better."""
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.handlers = [LineHandler(None)]


def set_up(config: Config, logger: logging.Logger) -> None:
    """Log where `logfile` and `syslog-*` say, from `loglevel` up. Raises OSError if the file cannot be opened."""
    logger.propagate = False
    logger.setLevel(LEVELS[config["loglevel"]])
    handlers: list[logging.Handler] = []
    path = os.path.join(config["dir"], config["logfile"]) if config["logfile"] else None  # noqa: PTH118
    lines = LineHandler(path, lambda: bool(config["replicaof"]))
    lines.open()
    lines.report_crashes(config["crash-log-enabled"])
    if config["logfile"] or (sys.stdout is not None and not config["daemonize"]):
        handlers.append(lines)
    if config["syslog-enabled"]:
        handlers.append(SyslogHandler(config["syslog-ident"], config["syslog-facility"]))
    logger.handlers = handlers or [logging.NullHandler()]
    config.on_change("loglevel", lambda level: logger.setLevel(LEVELS[level]))
    config.on_change("crash-log-enabled", lines.report_crashes)
