"""Redis's log levels by their names, as Python's numbers: `verbose` stands between debug and info, `notice` is info."""

import logging

VERBOSE = 15
LEVELS = {
    "debug": logging.DEBUG,
    "verbose": VERBOSE,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "nothing": logging.CRITICAL + 1,
}
