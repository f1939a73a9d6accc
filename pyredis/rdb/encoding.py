"""The words of RDB: lengths, strings and numbers, read from a cursor that never trusts them, and written.

A length's first two bits tell its form: 6 bits, 14 bits, 32 or 64 bits in network order, or a special string: an
integer of 1, 2 or 4 bytes, or LZF. Numbers elsewhere are little-endian. What does not fit raises `CorruptData`; where
more bytes might make it fit, `Truncated`. Nothing is allocated on the word of a length alone.
"""

from struct import Struct

from pyredis.datatypes.numeric import parse_float
from pyredis.rdb.lzf import BadLZF, compress, decompress

_INT8, _INT16, _INT32, _LZF = 0xC0, 0xC1, 0xC2, 0xC3
INTEGER_WIDTHS = {_INT8: 1, _INT16: 2, _INT32: 4}
"""The bytes of a string that is an integer, by its first byte."""
_LENGTH_32, _LENGTH_64 = 0x80, 0x81
_SHORTEST_COMPRESSED = 64  # Redis tries from 21 bytes on; in Python what there is to save so early is too dear
_TEXT_SPECIALS = {253: float("nan"), 254: float("inf"), 255: float("-inf")}

_double = Struct("<d")
_int64 = Struct("<q")
_uint32 = Struct("<I")
_big_32, _big_64 = Struct(">I"), Struct(">Q")


class CorruptData(Exception):
    """The bytes at `offset` are not what they should be: `reason` says what was read."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"at byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class Truncated(CorruptData):
    """The data ends too early."""


class EmptyCollection(CorruptData):
    """A collection without elements, which old servers wrote by mistake: a file goes on behind it."""


class Reader:
    """A cursor over `data`, at `at`, up to `end`."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def corrupt(self, reason: str) -> CorruptData:
        """What to raise for something wrong where the cursor is."""
        return CorruptData(self.at, reason)

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        at = self.at
        stop = at + count
        if stop > self.end:
            raise Truncated(at, f"{count} bytes expected, {self.end - at} left")
        self.at = stop
        return self.data[at:stop]

    def byte(self) -> int:
        """One byte."""
        at = self.at
        if at >= self.end:
            raise Truncated(at, "a byte expected at the end")
        self.at = at + 1
        return self.data[at]

    def length(self) -> int:
        """A length, or any unsigned number saved as one."""
        first = self.byte()
        if first < 0x40:
            return first
        if first < 0x80:
            return (first & 0x3F) << 8 | self.byte()
        if first == _LENGTH_32:
            return int(_big_32.unpack(self.take(4))[0])
        if first == _LENGTH_64:
            return int(_big_64.unpack(self.take(8))[0])
        raise CorruptData(self.at - 1, f"no length: 0x{first:02x}")

    def string(self) -> bytes:
        """A string in any of its forms."""
        at = self.at
        if at < self.end and (first := self.data[at]) < 0x40:
            stop = at + 1 + first
            if stop <= self.end:
                self.at = stop
                return self.data[at + 1 : stop]
        elif at < self.end and first >= 0xC0:
            return self._special(first)
        return self.take(self.length())

    def _special(self, form: int) -> bytes:
        width = INTEGER_WIDTHS.get(form)
        if width is not None:
            self.at += 1
            return b"%d" % int.from_bytes(self.take(width), "little", signed=True)
        if form != _LZF:
            raise self.corrupt(f"no string: 0x{form:02x}")
        start = self.at
        self.at += 1
        packed_size, size = self.length(), self.length()
        try:
            return decompress(self.take(packed_size), size)
        except BadLZF as fault:
            raise CorruptData(start, f"LZF: {fault}")

    def double(self) -> float:
        """A double in 8 bytes."""
        return float(_double.unpack(self.take(8))[0])

    def text_double(self) -> float:
        """A double as its text, as scores were saved before RDB 8."""
        size = self.byte()
        if size in _TEXT_SPECIALS:
            return _TEXT_SPECIALS[size]
        start = self.at
        number = parse_float(self.take(size))
        if number is None:
            raise CorruptData(start, "no number")
        return number

    def int64(self) -> int:
        """A signed 64 bit number, of times mostly."""
        return int(_int64.unpack(self.take(8))[0])

    def uint32(self) -> int:
        """An unsigned 32 bit number."""
        return int(_uint32.unpack(self.take(4))[0])


def length_bytes(number: int) -> bytes:
    """A length, or any unsigned 64 bit number, in its shortest form."""
    if number < 0x40:
        return _SHORT[number]
    if number < 0x4000:
        return bytes((0x40 | number >> 8, number & 255))
    if number < 1 << 32:
        return b"\x80" + _big_32.pack(number)
    return b"\x81" + _big_64.pack(number)


def integer_bytes(number: int) -> bytes | None:
    """A string that is a 32 bit integer, or None for a larger one."""
    if -0x80 <= number <= 0x7F:
        return b"\xc0" + number.to_bytes(1, "little", signed=True)
    if -0x8000 <= number <= 0x7FFF:
        return b"\xc1" + number.to_bytes(2, "little", signed=True)
    if -0x80000000 <= number <= 0x7FFFFFFF:
        return b"\xc2" + number.to_bytes(4, "little", signed=True)
    return None


def string_bytes(text: bytes, compressing: bool = True) -> bytes:
    """A string as Redis saves it: as an integer if it is one, packed if that pays and `compressing`, else plain."""
    size = len(text)
    if size <= 11:
        if text[:1] <= b"9" and (written := _as_integer(text)) is not None:
            return written
    elif compressing and size >= _SHORTEST_COMPRESSED and (packed := compress(text)) is not None:
        return b"\xc3" + length_bytes(len(packed)) + length_bytes(size) + packed
    return length_bytes(size) + text


def _as_integer(text: bytes) -> bytes | None:
    try:
        number = int(text)
    except ValueError:
        return None
    return integer_bytes(number) if b"%d" % number == text else None


def double_bytes(number: float) -> bytes:
    """A double in 8 bytes."""
    return _double.pack(number)


def int64_bytes(number: int) -> bytes:
    """A signed 64 bit number."""
    return _int64.pack(number)


_SHORT = [bytes((size,)) for size in range(0x40)]
