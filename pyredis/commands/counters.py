"""Strings as numbers: INCR, DECR, INCRBY, DECRBY on 64 bit integers, INCRBYFLOAT on long doubles.

All four integer commands are announced as `incrby`. INCRBYFLOAT propagates as a SET of the result, so that no
replica has to compute it again.

"""

from pyredis.datatypes.numeric import (
    INT64_MAX,
    INT64_MIN,
    LongDouble,
    add_long_double,
    format_long_double,
    parse_int,
    parse_long_double,
)
from pyredis.datatypes.text import content
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer
from pyredis.engine.command_table.command import DENYOOM, FAST, WRITE, Keys, command
from pyredis.errors import NOT_A_FLOAT, OVERFLOW, CommandError, not_an_integer
from pyredis.keyspace import events

_LONGEST_INTEGER = 20
_KEY = [Keys(1, "RW access update")]


@command("INCR", flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", complexity="O(1)", keys=_KEY)
def incr(ctx: Client, key: bytes) -> int:
    """INCR key

    Adds one to the integer at a key; a missing key counts as 0.
    """
    return _add(ctx, key, 1)


@command("DECR", flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", complexity="O(1)", keys=_KEY)
def decr(ctx: Client, key: bytes) -> int:
    """DECR key

    Takes one from the integer at a key; a missing key counts as 0.
    """
    return _add(ctx, key, -1)


@command("INCRBY", flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", complexity="O(1)", keys=_KEY)
def incrby(ctx: Client, key: bytes, increment: bytes) -> int:
    """INCRBY key increment

    Adds a number to the integer at a key; a missing key counts as 0.
    """
    return _add(ctx, key, integer(increment))


@command("DECRBY", flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", complexity="O(1)", keys=_KEY)
def decrby(ctx: Client, key: bytes, decrement: bytes) -> int:
    """DECRBY key decrement

    Takes a number from the integer at a key; a missing key counts as 0.
    """
    number = integer(decrement)
    if number == INT64_MIN:
        raise CommandError(b"decrement would overflow")
    return _add(ctx, key, -number)


def _add(ctx: Client, key: bytes, increment: int) -> int:
    """Add to the integer at `key`. Raises what Redis answers for other strings and for overflow."""
    db = ctx.db
    value = db.take_string(key)
    total = increment + (value if isinstance(value, int) else _number(value))
    if not INT64_MIN <= total <= INT64_MAX:
        raise CommandError(OVERFLOW)
    db.put(key, total, events.INCRBY)
    return total


def _number(value: bytes | bytearray | None) -> int:
    """The integer a string spells. Raises what Redis answers for other strings."""
    if value is None:
        return 0
    number = parse_int(bytes(value)) if len(value) <= _LONGEST_INTEGER else None
    if number is None:
        raise not_an_integer()
    return number


@command("INCRBYFLOAT", flags=WRITE | DENYOOM | FAST, group="string", since="2.6.0", complexity="O(1)", keys=_KEY)
def incrbyfloat(ctx: Client, key: bytes, increment: bytes) -> bytes:
    """INCRBYFLOAT key increment

    Adds a fraction to the number at a key, in long double precision; a missing key counts as 0.
    """
    value = ctx.db.take_string(key)
    before = LongDouble(0, 0) if value is None else parse_long_double(bytes(content(value)))
    added = parse_long_double(increment)
    if before is None or added is None:
        raise CommandError(NOT_A_FLOAT)
    total = add_long_double(before, added)
    if total.is_infinite:
        raise CommandError(b"increment would produce NaN or Infinity")
    text = format_long_double(total)
    ctx.db.put(key, text, events.INCRBYFLOAT)
    ctx.rewritten = (b"SET", key, text, b"KEEPTTL")
    return text
