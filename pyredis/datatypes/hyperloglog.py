"""HyperLogLog: how many different elements were added, within some 0.8 %, in at most 12 KiB.

A sketch is an ordinary string in Redis's layout, byte for byte, so keys move between servers: the word `HYLL`, the
encoding (0 dense, 1 sparse), three unused bytes, the last estimate as 64 bits little-endian (its top bit set: out
of date), then 16384 registers of 6 bits. An element's hash chooses a register by its low 14 bits; the register keeps
the greatest position of the first 1 bit seen in the rest.

Dense registers are packed from the low bit on, four in three bytes. Sparse ones are runs in order of the registers:
`00nnnnnn` n+1 zeros, `01nnnnnn nnnnnnnn` n+1 zeros, `1vvvvvnn` n+1 registers of the value v+1. A sparse sketch turns
dense, for good, where a value passes 32 or its bytes a limit.

Registers are also handled unpacked, a byte each: all at once by translation tables and whole-number arithmetic over
all bytes. The estimate is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017), as Redis's.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from math import floor, inf, sqrt

REGISTERS = 1 << 14
HEADER = 16
MAGIC = b"HYLL"
DENSE, SPARSE = 0, 1
DENSE_SIZE = HEADER + REGISTERS * 6 // 8

_ENCODING_AT, _CACHE_AT, _STALE_AT, _STALE = 4, 8, 15, 0x80
_INDEX_BITS = 14
_LONGEST = 64 - _INDEX_BITS  # bits behind the index
_EMPTY = MAGIC + bytes([SPARSE]) + bytes(HEADER - 5) + b"\x7f\xff"
_ALPHA = 0.721347520444481703680  # 1 / (2 ln 2)

_WORD = (1 << 64) - 1
_SEED, _MULTIPLIER, _SHIFT = 0xADC83B19, 0xC6A4A7935BD1E995, 47

_ZEROS_MAX = 64  # registers of a one-byte run of zeros
_RUN_MAX = 4  # registers of a run of one value
_VALUE_MAX = 32  # greatest value of a sparse register
_MERGED = 5  # codes looked at for equal neighbours behind a change
_LONG_RUN = re.compile(rb"[\x40-\x7f](?s:.?)")


class Corrupt(ValueError):
    """The runs of a sparse sketch do not cover its registers."""


# The hash


def murmur(data: bytes) -> int:
    """MurmurHash64A with Redis's seed."""
    size = len(data)
    hashed = (_SEED ^ size * _MULTIPLIER) & _WORD
    whole = size & ~7
    for (word,) in struct.iter_unpack("<Q", data[:whole]):
        word = word * _MULTIPLIER & _WORD
        word = (word ^ word >> _SHIFT) * _MULTIPLIER & _WORD
        hashed = (hashed ^ word) * _MULTIPLIER & _WORD
    if whole != size:
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _WORD
    hashed = (hashed ^ hashed >> _SHIFT) * _MULTIPLIER & _WORD
    return hashed ^ hashed >> _SHIFT


def place(element: bytes) -> tuple[int, int]:
    """The register of an element, and the value it asks for (1 to 51)."""
    hashed = murmur(element)
    rest = hashed >> _INDEX_BITS | 1 << _LONGEST
    return hashed & REGISTERS - 1, (rest & -rest).bit_length()


# Registers, a byte each


def _table(function: Callable[[int], int]) -> bytes:
    return bytes(function(byte) & 0xFF for byte in range(256))


_LOW_6, _LOW_4_UP, _LOW_2_UP = _table(lambda b: b & 63), _table(lambda b: (b & 15) << 2), _table(lambda b: (b & 3) << 4)
_HIGH_2, _HIGH_4, _HIGH_6 = _table(lambda b: b >> 6), _table(lambda b: b >> 4), _table(lambda b: b >> 2)
_UP_6, _UP_4, _UP_2 = _table(lambda b: b << 6), _table(lambda b: b << 4), _table(lambda b: b << 2)
_TOP_BITS = int.from_bytes(b"\x80" * REGISTERS, "little")


def _either(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    both = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return both.to_bytes(len(one), "little")


def _unpack(packed: bytes | bytearray) -> bytearray:
    """Registers of 6 bits as bytes."""
    first, second, third = packed[0::3], packed[1::3], packed[2::3]
    registers = bytearray(REGISTERS)
    registers[0::4] = first.translate(_LOW_6)
    registers[1::4] = _either(first.translate(_HIGH_2), second.translate(_LOW_4_UP))
    registers[2::4] = _either(second.translate(_HIGH_4), third.translate(_LOW_2_UP))
    registers[3::4] = third.translate(_HIGH_6)
    return registers


def _pack(registers: bytes | bytearray) -> bytearray:
    """Bytes as registers of 6 bits."""
    first, second, third, fourth = (registers[at::4] for at in range(4))
    packed = bytearray(DENSE_SIZE - HEADER)
    packed[0::3] = _either(first, second.translate(_UP_6))
    packed[1::3] = _either(second.translate(_HIGH_6), third.translate(_UP_4))
    packed[2::3] = _either(third.translate(_HIGH_4), fourth.translate(_UP_2))
    return packed


def _decode(code: int) -> bytes:
    """The registers of a one-byte run."""
    return bytes([(code >> 2 & 31) + 1]) * ((code & 3) + 1) if code & 0x80 else bytes((code & 63) + 1)


_RUNS = tuple(b"" if 0x40 <= code < 0x80 else _decode(code) for code in range(256))
_SPANS = bytes(map(len, _RUNS))
"""How many registers a one-byte code covers; 0 for the first byte of a long run."""


def _expand(sketch: bytes | bytearray) -> bytearray:
    """The registers of a sparse sketch. Raises Corrupt."""
    registers = bytearray()
    at, end = HEADER, len(sketch)
    while at < end and len(registers) <= REGISTERS:
        run = _RUNS[sketch[at]]
        at += 1
        if not run:
            run = bytes(_long_span(sketch, at - 1))
            at += 1
        registers += run
    if at < end or len(registers) != REGISTERS:
        raise Corrupt
    return registers


def _long_span(sketch: bytes | bytearray, at: int) -> int:
    """Registers of the long run at `at`; the byte missing behind a cut-off one counts as 0."""
    return ((sketch[at] & 63) << 8 | (sketch[at + 1] if at + 1 < len(sketch) else 0)) + 1


def registers_of(sketch: bytes | bytearray) -> bytearray:
    """All registers, a byte each. Raises Corrupt."""
    return _unpack(sketch[HEADER:]) if is_dense(sketch) else _expand(sketch)


def greatest(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    """The greater value of each register: the union of two sketches.

    All at once: with a top bit lent to every byte, a subtraction leaves it standing where nothing had to be borrowed.
    """
    left, right = int.from_bytes(one, "little"), int.from_bytes(other, "little")
    kept = (left | _TOP_BITS) - right & _TOP_BITS
    mask = kept - (kept >> 7)
    return (right ^ (left ^ right) & mask).to_bytes(REGISTERS, "little")


# The estimate


def estimate(registers: bytes | bytearray) -> int:
    """How many different elements, from the registers; beyond all bounds Redis's -2**63."""
    counts = [registers.count(value) for value in range(_LONGEST + 2)]
    z = REGISTERS * _tau((REGISTERS - counts[_LONGEST + 1]) / REGISTERS)
    for count in counts[_LONGEST:0:-1]:
        z = (z + count) * 0.5
    z += REGISTERS * _sigma(counts[0] / REGISTERS)
    found = _ALPHA * REGISTERS * REGISTERS / z if z else inf
    if found >= 1 << 63:
        return -(1 << 63)
    return floor(found) + (found - floor(found) >= 0.5)


def _sigma(x: float) -> float:
    if x == 1:
        return inf
    y, z, before = 1.0, x, None
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    y, z, before = 1.0, 1 - x, None
    while z != before:
        x = sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) ** 2 * y
    return z / 3


# Sketches


def new() -> bytearray:
    """A sketch of nothing, sparse."""
    return bytearray(_EMPTY)


def is_valid(value: bytes | bytearray) -> bool:
    """Whether a string looks like a sketch; the runs of a sparse one are not looked at."""
    if len(value) < HEADER or value[:4] != MAGIC or value[_ENCODING_AT] > SPARSE:
        return False
    return value[_ENCODING_AT] == SPARSE or len(value) == DENSE_SIZE


def is_dense(sketch: bytes | bytearray) -> bool:
    """Whether a sketch is in the dense encoding."""
    return sketch[_ENCODING_AT] == DENSE


def invalidate(sketch: bytearray) -> None:
    """Say that the estimate kept is out of date."""
    sketch[_STALE_AT] |= _STALE


def cached(sketch: bytes | bytearray) -> int | None:
    """The estimate kept, or None when it is out of date."""
    if sketch[_STALE_AT] & _STALE:
        return None
    return int.from_bytes(sketch[_CACHE_AT:HEADER], "little")


def count(sketch: bytearray) -> int:
    """The estimate, which is kept. Raises Corrupt."""
    found = estimate(registers_of(sketch))
    sketch[_CACHE_AT:HEADER] = (found & _WORD).to_bytes(8, "little")
    return found


def to_dense(sketch: bytearray) -> None:
    """Turn a sparse sketch dense; its estimate stays. Raises Corrupt."""
    sketch[HEADER:] = _pack(_expand(sketch))
    sketch[_ENCODING_AT] = DENSE


def add(sketch: bytearray, element: bytes, most: int) -> bool:
    """Add an element; whether that changed anything. `most`: bytes of a sparse sketch. Raises Corrupt."""
    index, value = place(element)
    if is_dense(sketch):
        return _raise_dense(sketch, index, value)
    return _Cursor(sketch).lift(index, value, most)


def _raise_dense(sketch: bytearray, index: int, value: int) -> bool:
    at = HEADER + index // 4 * 3
    shift = index % 4 * 6
    four = int.from_bytes(sketch[at : at + 3], "little")
    before = four >> shift & 63
    if value <= before:
        return False
    sketch[at : at + 3] = (four + (value - before << shift)).to_bytes(3, "little")
    return True


def merge_into(sketch: bytearray, registers: bytes, most: int) -> None:
    """Give a sketch the registers of a union that it is part of. Raises Corrupt."""
    cursor = _Cursor(sketch)
    for index in () if is_dense(sketch) else (at for at, value in enumerate(registers) if value):
        cursor.lift(index, registers[index], most)
        if is_dense(sketch):
            break
    if is_dense(sketch):
        sketch[HEADER:] = _pack(registers)
    invalidate(sketch)


class _Cursor:
    """A place among the codes of a sparse sketch, from which later registers are found.

    `at` is a code's place in the string, `first` its first register, `before` the place of the code before it.
    """

    __slots__ = ("at", "before", "first", "sketch")

    def __init__(self, sketch: bytearray) -> None:
        self.sketch = sketch
        self._rewind()

    def _rewind(self) -> None:
        self.before = self.at = HEADER
        self.first = 0

    def lift(self, index: int, value: int, most: int) -> bool:
        """Set a register no smaller than those before it to at least `value`; whether that changed it. Raises Corrupt.

        The codes become what Redis makes of them, which depends on the order in which registers were set.
        """
        sketch = self.sketch
        if value > _VALUE_MAX:
            return self._promote(index, value)
        span = self._seek(index)
        at = self.at
        code = sketch[at]
        present = (code >> 2 & 31) + 1 if code & 0x80 else 0
        if value <= present:
            return False
        left, right = index - self.first, self.first + span - 1 - index
        size = 2 if 0x40 <= code < 0x80 else 1
        codes = _run(present, left) + _run(value, 1) + _run(present, right)
        length = len(sketch) + len(codes) - size
        if len(codes) > size and length > most:
            return self._promote(index, value)
        sketch[at : at + size] = codes
        del sketch[length:]  # a long run that was cut off at the end
        self._join()
        invalidate(sketch)
        return True

    def _promote(self, index: int, value: int) -> bool:
        to_dense(self.sketch)
        _raise_dense(self.sketch, index, value)
        invalidate(self.sketch)
        return True

    def _seek(self, index: int) -> int:
        """Go on to the code that covers a register: the number it covers. Raises Corrupt where none does."""
        sketch, end = self.sketch, len(self.sketch)
        while self.at < end:
            long = _LONG_RUN.search(sketch, self.at)
            if self._seek_short(index, long.start() if long else end):
                return _SPANS[sketch[self.at]]
            if long:
                span = _long_span(sketch, self.at)
                if index < self.first + span:
                    return span
                self.before, self.at, self.first = self.at, long.end(), self.first + span
        raise Corrupt

    def _seek_short(self, index: int, stop: int) -> bool:
        """Go on among one-byte codes, at most to `stop`; whether one of them covers the register."""
        if stop == self.at:
            return False
        spans = self.sketch[self.at : stop].translate(_SPANS)
        total = sum(spans)
        if index >= self.first + total:
            self.before, self.at, self.first = stop - 1, stop, self.first + total
            return False
        ends = list(accumulate(spans))
        number = bisect_right(ends, index - self.first)
        if number:
            self.at += number
            self.before = self.at - 1
            self.first += ends[number - 1]
        return True

    def _join(self) -> None:
        """Make one of neighbouring runs of the same value, close behind the code before the change."""
        sketch, at = self.sketch, self.before
        for _ in range(_MERGED):
            if at >= len(sketch):
                break
            code, following = sketch[at], sketch[at + 1] if at + 1 < len(sketch) else 0
            joined = (code & 3) + (following & 3) + 2
            if code & following & 0x80 and code >> 2 == following >> 2 and joined <= _RUN_MAX:
                sketch[at : at + 2] = bytes([code & ~3 | joined - 1])
                if at < self.at:
                    self._rewind()  # the code that the cursor stood at is no more
            else:
                at += 2 if 0x40 <= code < 0x80 else 1


def _run(value: int, length: int) -> bytes:
    """The code of a run; nothing for none."""
    if not length:
        return b""
    if value:
        return bytes([0x80 | value - 1 << 2 | length - 1])
    if length <= _ZEROS_MAX:
        return bytes([length - 1])
    return (0x4000 | length - 1).to_bytes(2, "big")


def describe(sketch: bytes | bytearray) -> bytes:
    """The runs of a sparse sketch in PFDEBUG DECODE's words: `z:` and `Z:` zeros, `v:value,length`."""
    words = []
    at = HEADER
    while at < len(sketch):
        code = sketch[at]
        if 0x40 <= code < 0x80:
            words.append(b"Z:%d" % _long_span(sketch, at))
            at += 1
        elif code & 0x80:
            words.append(b"v:%d,%d" % ((code >> 2 & 31) + 1, (code & 3) + 1))
        else:
            words.append(b"z:%d" % (code + 1))
        at += 1
    return b" ".join(words)
