"""Integers of 1 to 64 bits at any bit offset of a string: the arithmetic of BITFIELD.

A field is big-endian like the bitmap around it, two's complement if signed, and may start and end within
bytes. What lies behind the string's end reads as zero. Unsigned fields have at most 63 bits, for a reply is a
signed 64 bit integer.

"""

from typing import NamedTuple

from pyredis.datatypes.numeric import INT64_MAX, parse_int

WRAP, SATURATE, FAIL = b"WRAP", b"SAT", b"FAIL"

_UINT64 = (1 << 64) - 1


class FieldType(NamedTuple):
    """`i8`, `u16` …: whether signed, and the width in bits."""

    signed: bool
    bits: int

    @property
    def least(self) -> int:
        """The smallest value."""
        return -(1 << self.bits - 1) if self.signed else 0

    @property
    def greatest(self) -> int:
        """The greatest value."""
        return (1 << self.bits - self.signed) - 1


def parse_type(text: bytes) -> FieldType | None:
    """The type that `text` names up to its first NUL: i1 to i64 and u1 to u63, else None."""
    signed = text[:1] == b"i"
    bits = parse_int(text[1:].partition(b"\0")[0])
    if bits is None or not (signed or text[:1] == b"u") or not 1 <= bits <= 63 + signed:
        return None
    return FieldType(signed, bits)


def get_field(data: bytes | bytearray, field: FieldType, offset: int) -> int:
    """The integer at bit `offset`."""
    first, size, shift = _window(field, offset)
    window = int.from_bytes(data[first : first + size].ljust(size, b"\0"), "big")
    return _wrap(field, window >> shift)


def set_field(data: bytearray, field: FieldType, offset: int, value: int) -> None:
    """Write the low bits of `value` at bit `offset`, growing `data` to hold them."""
    first, size, shift = _window(field, offset)
    if first + size > len(data):
        data.extend(bytes(first + size - len(data)))
    mask = ((1 << field.bits) - 1) << shift
    window = int.from_bytes(data[first : first + size], "big")
    data[first : first + size] = (window & ~mask | value << shift & mask).to_bytes(size, "big")


def assigned(field: FieldType, value: int, overflow: bytes) -> int | None:
    """What SET stores for a signed 64 bit `value`, None where FAIL refuses it.

    An unsigned field takes a negative value for a huge one, as it would appear in 64 unsigned bits. A signed
    one that saturates takes the values furthest below its range for huge ones too: the real server's check
    wraps around there, and clients see it.
    """
    if not field.signed:
        value &= _UINT64
    elif value < field.least and field.greatest - value > INT64_MAX and overflow == SATURATE:
        return field.greatest
    return _fitted(field, value, overflow)


def incremented(field: FieldType, value: int, increment: int, overflow: bytes) -> int | None:
    """What INCRBY makes of the field's `value`, None where FAIL refuses it."""
    return _fitted(field, value + increment, overflow)


def _fitted(field: FieldType, value: int, overflow: bytes) -> int | None:
    if field.least <= value <= field.greatest:
        return value
    if overflow == FAIL:
        return None
    if overflow == SATURATE:
        return field.greatest if value > 0 else field.least
    return _wrap(field, value)


def _window(field: FieldType, offset: int) -> tuple[int, int, int]:
    """First byte, number of bytes and the bits to the right of the field in the bytes that hold it."""
    first = offset >> 3
    size = (offset + field.bits + 7 >> 3) - first
    return first, size, (first + size << 3) - offset - field.bits


def _wrap(field: FieldType, value: int) -> int:
    """The low bits of `value`, read as the type says."""
    value &= (1 << field.bits) - 1
    return value - (1 << field.bits) if field.signed and value >> field.bits - 1 else value
