"""Strings by their parts: APPEND, STRLEN, GETRANGE, SUBSTR, SETRANGE, LCS.

APPEND and SETRANGE leave a bytearray behind, which later ones change in place.

"""

from typing import Any

from pyredis.datatypes import subsequence
from pyredis.datatypes.bitmap import resolve_range
from pyredis.datatypes.subsequence import Match
from pyredis.datatypes.text import buffer, content
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import OFFSET_OUT_OF_RANGE, STRING_TOO_LONG, CommandError, syntax_error
from pyredis.keyspace import events
from pyredis.keyspace.database import STRING_TYPES

_CELL_BYTES = 4  # of Redis's table for LCS, which its limit counts
_RANGE_COST = "O(N) in the length of the answer"


def _check_length(ctx: Client, length: int) -> None:
    """Raise unless a string may be `length` bytes long."""
    if length > ctx.engine.config["proto-max-bulk-len"] and not ctx.role.is_obeyed:
        raise CommandError(STRING_TOO_LONG)


@command(
    "APPEND",
    flags=WRITE | DENYOOM | FAST,
    group="string",
    since="2.0.0",
    complexity="O(1) amortized",
    keys=[Keys(1, "RW insert")],
)
def append(ctx: Client, key: bytes, value: bytes) -> int:
    """APPEND key value

    Adds to the end of a string, or stores a new one, and answers its length.
    """
    stored = ctx.db.take_string(key)
    if stored is None:
        ctx.db.put(key, value, events.APPEND)
        return len(value)
    data = buffer(stored)
    _check_length(ctx, len(data) + len(value))
    data += value
    ctx.db.put(key, data, events.APPEND)
    return len(data)


@command("STRLEN", flags=READONLY | FAST, group="string", since="2.2.0", complexity="O(1)", keys=[Keys(1, "RO")])
def strlen(ctx: Client, key: bytes) -> int:
    """STRLEN key

    Answers the length of a string in bytes, 0 for a missing key.
    """
    return len(content(ctx.db.string(key)))


@command(
    "GETRANGE",
    flags=READONLY,
    group="string",
    since="2.4.0",
    complexity=_RANGE_COST,
    keys=[Keys(1, "RO access")],
)
def getrange(ctx: Client, key: bytes, start: bytes, end: bytes) -> bytes:
    """GETRANGE key start end

    Answers the part of a string from one index to another, both included; negative ones count from the end.
    """
    return _part(ctx, key, start, end)


@command(
    "SUBSTR",
    flags=READONLY,
    group="string",
    since="1.0.0",
    complexity=_RANGE_COST,
    keys=[Keys(1, "RO access")],
    deprecated=("2.0.0", "`GETRANGE`"),
)
def substr(ctx: Client, key: bytes, start: bytes, end: bytes) -> bytes:
    """SUBSTR key start end

    The old name of GETRANGE.
    """
    return _part(ctx, key, start, end)


def _part(ctx: Client, key: bytes, start: bytes, end: bytes) -> bytes:
    first, last = integer(start), integer(end)
    data = content(ctx.db.string(key))
    if first < 0 and last < 0 and first > last:
        return b""
    first, last = resolve_range(first, last, len(data))
    return bytes(data[first : last + 1])


@command(
    "SETRANGE",
    flags=WRITE | DENYOOM,
    group="string",
    since="2.2.0",
    complexity="O(1) amortized; O(M) in the length of a long value",
    keys=[Keys(1, "RW update")],
)
def setrange(ctx: Client, key: bytes, offset: bytes, value: bytes) -> int:
    """SETRANGE key offset value

    Overwrites a string from an offset on, with zeros in between if it was shorter, and answers its length.
    """
    start = integer(offset)
    if start < 0:
        raise CommandError(OFFSET_OUT_OF_RANGE)
    stored = ctx.db.take_string(key)
    if not value:
        return len(content(stored))
    end = start + len(value)
    _check_length(ctx, end)
    data = buffer(stored)
    if end > len(data):
        data.extend(bytes(end - len(data)))
    data[start:end] = value
    ctx.db.put(key, data, events.SETRANGE)
    return len(data)


@command(
    "LCS",
    flags=READONLY,
    group="string",
    since="7.0.0",
    complexity="O(N*M) in the lengths of both strings",
    keys=[Keys(1, "RO access", last=1)],
)
def lcs(ctx: Client, key1: bytes, key2: bytes, *words: bytes) -> Any:
    """LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]

    Answers the longest common subsequence of two strings, its length, or where its parts stand.
    """
    first, second = _strings(ctx, key1, key2)
    only_length = positions = with_length = False
    least = 0
    options = Arguments(words)
    while options:
        if options.flag(b"IDX"):
            positions = True
        elif options.flag(b"LEN"):
            only_length = True
        elif options.flag(b"WITHMATCHLEN"):
            with_length = True
        elif options.flag(b"MINMATCHLEN", 1):
            least = options.integer()
        else:
            raise syntax_error()
    if only_length and positions:
        raise CommandError(b"If you want both the length and indexes, please just use IDX.")
    if (len(first) + 1) * (len(second) + 1) * _CELL_BYTES > ctx.engine.config["proto-max-bulk-len"]:
        raise CommandError(b"Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
    if only_length:
        return subsequence.lcs_length(first, second)
    text, matches = subsequence.lcs(first, second)
    if not positions:
        return text
    shown = [_position(match, with_length) for match in matches if match.length >= least]
    return {b"matches": shown, b"len": len(text)}


def _strings(ctx: Client, key1: bytes, key2: bytes) -> list[bytes]:
    """Both strings; both keys are looked up before either is refused."""
    values = [ctx.db.get(key1), ctx.db.get(key2)]
    if any(value is not None and value.__class__ not in STRING_TYPES for value in values):
        raise CommandError(b"The specified keys must contain string values")
    return [bytes(content(value)) for value in values]


def _position(match: Match, with_length: bool) -> list[Any]:
    first, second = [match.first_start, match.first_end], [match.second_start, match.second_end]
    return [first, second, match.length] if with_length else [first, second]
