"""Strings as bitmaps: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.

Arguments are judged before the key is looked at. A bitmap is kept as a bytearray from its first SETBIT on, so
setting a bit costs the same at any length.


"""

from pyredis.datatypes.bitmap import OPERATIONS, bit_count, bit_operation, bit_position, get_bit, set_bit
from pyredis.datatypes.numeric import INT64_MAX, parse_int
from pyredis.datatypes.text import buffer, content
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, syntax_error
from pyredis.keyspace import events

_NO_OFFSET = b"bit offset is not an integer or out of range"
_NO_BIT = b"bit is not an integer or out of range"
_AT_LEAST_TWO = frozenset((b"DIFF", b"DIFF1", b"ANDOR"))


def bit_offset(ctx: Client, word: bytes, width: int = 0) -> int:
    """A bit offset within the largest string allowed; with a `width`, `#n` counts in units of it.

    The product of `#n` wraps at 64 bits, as in Redis. Raises Redis's error.
    """
    counted = width and word.startswith(b"#")
    offset = parse_int(word[1:] if counted else word)
    if offset is not None and counted:
        offset = (offset * width + INT64_MAX + 1) % (1 << 64) - INT64_MAX - 1
    if offset is None or offset < 0:
        raise CommandError(_NO_OFFSET)
    if offset >> 3 >= ctx.engine.config["proto-max-bulk-len"] and not ctx.role.is_obeyed:
        raise CommandError(_NO_OFFSET)
    return offset


@command(
    "SETBIT",
    flags=WRITE | DENYOOM,
    group="bitmap",
    since="2.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access update")],
)
def setbit(ctx: Client, key: bytes, offset: bytes, value: bytes) -> int:
    """SETBIT key offset value

    Sets one bit of a string and answers what it was; the string grows with zeros as far as needed.
    """
    at = bit_offset(ctx, offset)
    bit = parse_int(value)
    if bit is None or bit & ~1:
        raise CommandError(_NO_BIT)
    stored = ctx.db.take_string(key)
    data = buffer(stored)
    size = len(data)
    before = set_bit(data, at, bit)
    store(ctx, key, data, int(stored is None or len(data) != size or before != bit))
    return before


def store(ctx: Client, key: bytes, data: bytearray, changes: int) -> None:
    """Store what a string became by `changes` of its bits or fields.

    Without any it may still be new, longer, or of another form than before; Redis keeps it and tells nobody.
    """
    db = ctx.db
    if changes:
        db.put(key, data, events.SETBIT)
        db.dirty += changes - 1
    elif db.table.set(key, data):
        db.changed(key, events.NEW, 0)


@command(
    "GETBIT",
    flags=READONLY | FAST,
    group="bitmap",
    since="2.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
)
def getbit(ctx: Client, key: bytes, offset: bytes) -> int:
    """GETBIT key offset

    Answers one bit of a string, 0 behind its end.
    """
    at = bit_offset(ctx, offset)
    return get_bit(content(ctx.db.string(key)), at)


@command(
    "BITCOUNT",
    flags=READONLY,
    group="bitmap",
    since="2.6.0",
    complexity="O(N)",
    keys=[Keys(1, "RO access")],
)
def bitcount(ctx: Client, key: bytes, *stretch: bytes) -> int:
    """BITCOUNT key [start end [BYTE | BIT]]

    Counts the bits that are set in a string or a stretch of it.
    """
    start, end, by_bit = 0, -1, False
    if stretch:
        if not 2 <= len(stretch) <= 3:
            raise syntax_error()
        start, end = integer(stretch[0]), integer(stretch[1])
        by_bit = len(stretch) == 3 and _is_bit_unit(stretch[2])
    return bit_count(content(ctx.db.string(key)), start, end, by_bit)


@command(
    "BITPOS",
    flags=READONLY,
    group="bitmap",
    since="2.8.7",
    complexity="O(N)",
    keys=[Keys(1, "RO access")],
)
def bitpos(ctx: Client, key: bytes, bit: bytes, *stretch: bytes) -> int:
    """BITPOS key bit [start [end [BYTE | BIT]]]

    Finds the first bit of a kind in a string or a stretch of it; -1 where there is none.
    """
    wanted = integer(bit)
    if wanted not in (0, 1):
        raise CommandError(b"The bit argument must be 1 or 0.")
    if len(stretch) > 3:
        raise syntax_error()
    start = integer(stretch[0]) if stretch else 0
    by_bit = len(stretch) == 3 and _is_bit_unit(stretch[2])
    end = integer(stretch[1]) if len(stretch) > 1 else None
    value = ctx.db.string(key)
    if value is None:  # an endless row of zeros, whatever the stretch
        return -wanted
    return bit_position(content(value), wanted, start, end, by_bit)


def _is_bit_unit(word: bytes) -> bool:
    unit = word.upper()
    if unit not in (b"BIT", b"BYTE"):
        raise syntax_error()
    return unit == b"BIT"


@command(
    "BITOP",
    flags=WRITE | DENYOOM,
    group="bitmap",
    since="2.6.0",
    complexity="O(N)",
    keys=[Keys(2, "OW update"), Keys(3, "RO access", last=-1)],
)
def bitop(ctx: Client, operation: bytes, destkey: bytes, key: bytes, *keys: bytes) -> int:
    """BITOP <AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]

    Combines strings bit by bit into another and answers its length in bytes.
    """
    name = operation.upper()
    if name not in OPERATIONS:
        raise syntax_error()
    if name == b"NOT" and keys:
        raise CommandError(b"BITOP NOT must be called with a single source key.")
    if name in _AT_LEAST_TWO and not keys:
        raise CommandError(b"BITOP %b must be called with at least two source keys." % name)
    db = ctx.db
    sources = [content(db.string(source)) for source in (key, *keys)]
    result = bit_operation(name, sources)
    if result:
        db.set(destkey, bytearray(result), events.SET)
    else:
        db.remove(destkey)
    return len(result)
