"""Logs: one a server, and Redis's levels by their names, as Python's numbers.

`verbose` stands between debug and info, `notice` is info.
"""

import logging

VERBOSE = 15
LEVELS = {
    "debug": logging.DEBUG,
    "verbose": VERBOSE,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "nothing": logging.CRITICAL + 1,
}


class ServerLog(logging.Logger):
    """A server's own logger, in no register: its handlers and level are nobody else's, and go with it.

    Whatever is configured for the logger `pyredis` hears it, too.
    """

    def __init__(self) -> None:
        super().__init__("pyredis")
        self.parent = logging.getLogger("pyredis")

    def isEnabledFor(self, level: int) -> bool:
        """Asked each time: nobody tells a logger that is in no register when its parent's level changes."""
        return self.manager.disable < level and level >= self.getEffectiveLevel()
