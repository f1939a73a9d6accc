"""Log lines in Redis's form, `pid:role date level message`, since tools read them.

Levels are Redis's: debug `.`, verbose `-`, notice `*`, warning `#`; Python's ERROR and above print as warnings.
"""

import logging
import os
import sys
import time

from pyredis.config.store import Config
from pyredis.log_levels import LEVELS, VERBOSE

_MARKS = {logging.DEBUG: ".", VERBOSE: "-", logging.INFO: "*"}


class RedisFormatter(logging.Formatter):
    """`role` is M for a master, S for a replica, X for a Sentinel, C for a child."""

    def __init__(self, role: str = "M") -> None:
        super().__init__("%(message)s")
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        """The line without its end."""
        date = time.strftime("%d %b %Y %H:%M:%S", time.localtime(record.created))
        mark = _MARKS.get(record.levelno, "#")
        return f"{os.getpid()}:{self.role} {date}.{int(record.msecs):03d} {mark} {super().format(record)}"


def set_up(config: Config) -> None:
    """Log where `logfile` and `syslog-*` say, from `loglevel` up. Raises OSError if the file cannot be opened."""
    logger = logging.getLogger("pyredis")
    logger.propagate = False
    logger.handlers.clear()
    logger.setLevel(LEVELS[config["loglevel"]])
    handlers: list[logging.Handler] = []
    if config["logfile"]:
        path = os.path.join(config["dir"], config["logfile"])  # noqa: PTH118
        handlers.append(logging.FileHandler(path, encoding="utf-8"))
    elif not config["daemonize"]:
        handlers.append(logging.StreamHandler(sys.stdout))
    for handler in handlers:
        handler.setFormatter(RedisFormatter())
    if config["syslog-enabled"]:
        handlers.append(_syslog(config))
    logger.handlers = handlers or [logging.NullHandler()]
    config.on_change("loglevel", lambda level: logger.setLevel(LEVELS[level]))


def _syslog(config: Config) -> logging.Handler:
    from logging.handlers import SysLogHandler  # rare, and slow to import

    handler = SysLogHandler("/dev/log", facility=config["syslog-facility"])
    handler.ident = f"{config['syslog-ident']}[{os.getpid()}]: "
    return handler
