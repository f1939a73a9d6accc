"""The command line of `redis-server`: a configuration file, `-` for standard input, `--name value …`.

Options become configuration lines that are read after the file and standard input, so they win. A word
with `--` begins a new option only when the one before has a value (or the word itself holds both, as in
`"--port 6380"`); values are quoted, so that each stays one word.
"""

import re
from enum import Enum

from pyredis.config.words import quote_word, split_words


class Action(Enum):
    """What the command line asks for."""

    RUN = "run"
    VERSION = "version"
    HELP = "help"
    TEST_MEMORY = "test-memory"
    CHECK_SYSTEM = "check-system"


class Options:
    """A parsed command line.

    `file`: path of the configuration. `stdin`: read standard input too. `lines`: configuration text
    for after both. `sentinel`: start as a Sentinel. `megabytes`: of `--test-memory`, None when not told,
    and 0 for what is no number.
    """

    __slots__ = ("action", "file", "lines", "megabytes", "sentinel", "stdin")

    def __init__(self) -> None:
        self.action = Action.RUN
        self.file: str | None = None
        self.stdin = False
        self.lines = ""
        self.sentinel = False
        self.megabytes: int | None = None


_ACTIONS = {
    "-v": Action.VERSION,
    "--version": Action.VERSION,
    "-h": Action.HELP,
    "--help": Action.HELP,
    "--test-memory": Action.TEST_MEMORY,
    "--check-system": Action.CHECK_SYSTEM,
}


def parse(argv: list[str]) -> Options:
    """`argv` without the program's name. Errors show only when the lines are loaded, as in Redis."""
    options = Options()
    options.sentinel = "--sentinel" in argv
    if not argv:
        return options
    options.action = _ACTIONS.get(argv[0], Action.RUN)
    if options.action is Action.TEST_MEMORY and len(argv) == 2:
        number = re.match(r"\s*[+-]?\d+", argv[1])
        options.megabytes = int(number[0]) if number else 0
    if options.action is Action.RUN:
        first = 0
        if not argv[0].startswith("-"):
            options.file = argv[0]
            first = 1
        _collect(options, argv, first)
    return options


def _collect(options: Options, argv: list[str], first: int) -> None:
    """Turns the words from `first` on into lines."""
    text = ""
    complete = True
    last = len(argv) - 1
    for at in range(first, len(argv)):
        word = argv[at]
        if word == "-" and at in (0, last):
            options.stdin = True
        elif complete and word.startswith("--"):
            text += ("\n" if text else "") + word[2:] + " "
            follower = argv[at + 1] if at < last else None
            added, complete = _option(word, follower)
            text += added
        else:
            text += quote_word(word.encode("utf-8", "surrogateescape")).decode("ascii") + " "
            complete = True
    options.lines = text


def _option(word: str, follower: str | None) -> tuple[str, bool]:
    """What to add to the option `word`, and whether it is complete; `--save`, `--sentinel` may be bare."""
    words = split_words(word.encode("utf-8", "surrogateescape"))
    if words is None or len(words) != 1:
        return "", True
    before_option = follower is not None and follower.startswith("--")
    empty = '""' if word.lower() == "--save" and (before_option or follower is None) else ""
    return empty, before_option and word.lower() in ("--save", "--sentinel")
