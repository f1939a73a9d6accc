"""What SCAN, HSCAN, SSCAN and ZSCAN share: the cursor and the options of a step through a `Table`.

A handler of a collection does as Redis does, in this order: `read_cursor`; look the key up (no key: `EMPTY`,
whatever the options say; a value of another type: WRONGTYPE); only then `ScanOptions(words, of=…)`. A small
collection, which stands in no Table, is answered whole, with the cursor 0; a large one by

    position, members = table.scan(position, options.count)
    return reply(position, options.select(members))
"""

import re
from typing import Any

from pyredis.datatypes.numeric import parse_int
from pyredis.engine.command_table.arguments import Arguments
from pyredis.errors import CommandError, syntax_error
from pyredis.patterns import Predicate, compile_pattern

_UINT64 = 1 << 64
_CURSOR = re.compile(rb"[ \t-\r]*[+-]?[0-9]+")

ScanReply = tuple[bytes, list[Any]]

EMPTY: ScanReply = (b"0", [])
"""The answer for a key that does not exist."""


def read_cursor(word: bytes) -> int:
    """The cursor of a SCAN, as C's `strtoull` reads it. Raises Redis's error."""
    number = int(word) if _CURSOR.fullmatch(word) else _UINT64
    if abs(number) >= _UINT64 or (number < 0 and parse_int(word) is not None):
        raise CommandError(b"invalid cursor")
    return number % _UINT64


class ScanOptions:
    """MATCH and COUNT; TYPE where `of` is "keys", NOVALUES where it is "fields" (of a hash); else "members".

    `matches` is None where every element does, of `pattern`. Raises Redis's errors.
    """

    __slots__ = ("count", "matches", "no_values", "pattern", "type")

    def __init__(self, words: tuple[bytes, ...], *, of: str = "members") -> None:
        self.count = 10
        self.matches: Predicate | None = None
        self.pattern: bytes | None = None
        self.type: bytes | None = None
        self.no_values = False
        options = Arguments(words)
        while options:
            if options.flag(b"COUNT", 1):
                self.count = options.integer()
                if self.count < 1:
                    raise syntax_error()
            elif options.flag(b"MATCH", 1):
                self.pattern = options.word()
                self.matches = None if self.pattern == b"*" else compile_pattern(self.pattern)
            elif of == "keys" and options.flag(b"TYPE", 1):
                self.type = options.word().lower()
            elif options.flag(b"NOVALUES"):
                if of != "fields":
                    raise CommandError(b"NOVALUES option can only be used in HSCAN")
                self.no_values = True
            else:
                raise syntax_error()

    def select(self, found: list[bytes]) -> list[bytes]:
        """Those that match the pattern."""
        return found if self.matches is None else list(filter(self.matches, found))


def reply(cursor: int, found: list[Any]) -> ScanReply:
    """The answer of a step; `found` has, for HSCAN and ZSCAN, each element's value behind it."""
    return b"%d" % cursor, found
