"""Strings as bitmaps: the arithmetic of SETBIT, GETBIT, BITCOUNT, BITPOS and BITOP.

Bit 0 is the most significant bit of the first byte, and a string goes on with zeros behind its end. Whole
stretches are handled as big integers, little-endian, so that operands of different lengths line up at their
first byte.

"""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_, xor

Bits = bytes | bytearray

_CHUNK = 1 << 14
_ZEROS, _ONES = bytes(_CHUNK), b"\xff" * _CHUNK


def get_bit(data: Bits, offset: int) -> int:
    """The bit at `offset`, 0 behind the end."""
    index = offset >> 3
    return data[index] >> (7 - (offset & 7)) & 1 if index < len(data) else 0


def set_bit(data: bytearray, offset: int, bit: int) -> int:
    """Set the bit at `offset`, growing `data` to hold it; the bit that was there."""
    index = offset >> 3
    if index >= len(data):
        data.extend(bytes(index + 1 - len(data)))
    mask = 0x80 >> (offset & 7)
    before = data[index]
    data[index] = before | mask if bit else before & ~mask
    return 1 if before & mask else 0


def resolve_range(start: int, end: int, length: int) -> tuple[int, int]:
    """First and last unit, both included, of a range over `length` units; it is empty if first > last."""
    if start < 0:
        start = max(0, start + length)
    if end < 0:
        end = max(0, end + length)
    return start, min(end, length - 1)


def bit_count(data: Bits, start: int = 0, end: int = -1, by_bit: bool = False) -> int:
    """How many bits are set from `start` to `end`, both included (bytes or bits; negative: from the end)."""
    if start < 0 and end < 0 and start > end:
        return 0
    first, last = resolve_range(start, end, len(data) << 3 if by_bit else len(data))
    if first > last:
        return 0
    if not by_bit:
        return _count(data, first, last)
    left, right = first >> 3, last >> 3
    outside = (data[left] & ~(0xFF >> (first & 7))).bit_count() + (data[right] & (0x7F >> (last & 7))).bit_count()
    return _count(data, left, right) - outside


def _count(data: Bits, first: int, last: int) -> int:
    view = memoryview(data)
    return sum(
        int.from_bytes(view[at : min(at + _CHUNK, last + 1)], "little").bit_count()
        for at in range(first, last + 1, _CHUNK)
    )


def bit_position(data: Bits, bit: int, start: int = 0, end: int | None = None, by_bit: bool = False) -> int:
    """The first position of `bit` from `start` to `end`, or -1.

    Without an `end` the zeros behind the string count too: the first clear bit of `ff` is bit 8. An empty
    range holds neither bit.
    """
    length = len(data) << 3 if by_bit else len(data)
    first, last = resolve_range(start, length - 1 if end is None else end, length)
    if first > last:
        return -1
    if not by_bit:
        first, last = first << 3, (last << 3) + 7
    found = _find(data, bit, first, last >> 3)
    if found <= last:
        return found
    return last + 1 if end is None and not bit else -1


def _find(data: Bits, bit: int, first: int, last_byte: int) -> int:
    """The position of `bit` at or after bit `first`, or one behind `last_byte`."""
    blank = _ZEROS if bit else _ONES
    at = first >> 3
    byte = data[at] if bit else data[at] ^ 0xFF
    byte &= 0xFF >> (first & 7)
    if byte:
        return (at << 3) + 8 - byte.bit_length()
    for chunk_start in range(at + 1, last_byte + 1, _CHUNK):
        chunk = bytes(data[chunk_start : min(chunk_start + _CHUNK, last_byte + 1)])
        if chunk != blank[: len(chunk)]:  # comparing is quicker than stripping
            rest = chunk.lstrip(blank[:1])
            byte = rest[0] if bit else rest[0] ^ 0xFF
            return ((chunk_start + len(chunk) - len(rest)) << 3) + 8 - byte.bit_length()
    return (last_byte + 1) << 3


def _exactly_one(operands: Sequence[int]) -> int:
    """The bits set in one operand only."""
    once = more = 0
    for operand in operands:
        more |= once & operand
        once |= operand
    return once & ~more


# By the name in BITOP (8.2); NOT is apart because it needs the length. The operands are never empty.
_OPERATIONS: dict[bytes, Callable[[Sequence[int]], int]] = {
    b"AND": lambda operands: reduce(and_, operands),
    b"OR": lambda operands: reduce(or_, operands),
    b"XOR": lambda operands: reduce(xor, operands),
    b"DIFF": lambda operands: operands[0] & ~reduce(or_, operands[1:], 0),
    b"DIFF1": lambda operands: reduce(or_, operands[1:], 0) & ~operands[0],
    b"ANDOR": lambda operands: operands[0] & reduce(or_, operands[1:], 0),
    b"ONE": _exactly_one,
}

OPERATIONS = frozenset({*_OPERATIONS, b"NOT"})


def bit_operation(operation: bytes, sources: Sequence[Bits]) -> bytes:
    """Combine `sources` to the length of the longest. `operation` is in OPERATIONS; NOT has one source."""
    size = max(map(len, sources))
    operands = [int.from_bytes(source, "little") for source in sources]
    if operation == b"NOT":
        result = operands[0] ^ ((1 << 8 * size) - 1)
    else:
        result = _OPERATIONS[operation](operands)
    return result.to_bytes(size, "little")
