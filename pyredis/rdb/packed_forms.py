"""The older packed collections of Redis: ziplist, zipmap and intset, each checked in full.

A ziplist (until 6.2) has 4 bytes of size, 4 of the last entry's place and 2 of count (65535: not known); an entry is
the size of the one before it (a byte, or FE and 4 bytes), its form, and a text or an integer; FF ends it. A zipmap
(until 2.4) is a count, then field and value with their lengths, and behind a value's length how many unused bytes
follow the value. An intset (to this day) is the width of its integers, their count, and the integers in order.
"""

from collections.abc import Iterable
from itertools import pairwise
from struct import Struct, pack, unpack_from

from pyredis.rdb.encoding import CorruptData

_END = 0xFF
_ziplist_header = Struct("<IIH")
_UNKNOWN_COUNT = 0xFFFF
_ZIPLIST_INTEGERS = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}
_WIDE = 0xFE
_ZIPMAP_LONG = 0xFE
_intset_header = Struct("<II")
_INTSET_CODES = {2: "h", 4: "i", 8: "q"}


def read_ziplist(blob: bytes) -> list[bytes]:
    """The elements, integers as their text. Raises CorruptData."""
    if len(blob) < _ziplist_header.size + 1:
        raise CorruptData(0, f"ziplist: {len(blob)} bytes are too few")
    size, tail, count = _ziplist_header.unpack_from(blob)
    if size != len(blob) or blob[-1] != _END:
        raise CorruptData(0, f"ziplist: {len(blob)} bytes, not {size}, or no end")
    found: list[bytes] = []
    at, end, before, last = _ziplist_header.size, size - 1, 0, 0
    while at < end:
        last = at
        element, at = _ziplist_entry(blob, at, end, before)
        found.append(element)
        before = at - last
    if found and last != tail:
        raise CorruptData(4, f"ziplist: the last entry is at {last}, not {tail}")
    if count not in (len(found), _UNKNOWN_COUNT):
        raise CorruptData(8, f"ziplist: {len(found)} entries, not {count}")
    return found


def _ziplist_entry(blob: bytes, start: int, end: int, before: int) -> tuple[bytes, int]:
    """An element, and where its entry ends; the one before it took `before` bytes."""
    at = start + 1
    previous = blob[start]
    if previous >= _WIDE:
        at = start + 5
        previous = int.from_bytes(blob[start + 1 : at], "little") if blob[start] == _WIDE else -1
    if previous != before:
        raise CorruptData(start, f"ziplist: the entry before takes {before} bytes, not {previous}")
    element, at = _ziplist_element(blob, at)
    if at > end:
        raise CorruptData(start, "ziplist: an entry reaches beyond the end")
    return element, at


def _ziplist_element(blob: bytes, at: int) -> tuple[bytes, int]:
    """An element and where it ends, which may be beyond the end."""
    if at + 1 >= len(blob):
        return b"", len(blob)
    form = blob[at]
    if form < 0x40:
        start, size = at + 1, form
    elif form < 0x80:
        start, size = at + 2, (form & 0x3F) << 8 | blob[at + 1]
    elif form == 0x80:
        start, size = at + 5, int.from_bytes(blob[at + 1 : at + 5], "big")
    elif 0xF1 <= form <= 0xFD:
        return b"%d" % (form - 0xF1), at + 1
    elif form in _ZIPLIST_INTEGERS:
        stop = at + 1 + _ZIPLIST_INTEGERS[form]
        return b"%d" % int.from_bytes(blob[at + 1 : stop], "little", signed=True), stop
    else:
        raise CorruptData(at, f"ziplist: no entry has the form 0x{form:02x}")
    return blob[start : start + size], start + size


def read_zipmap(blob: bytes) -> list[bytes]:
    """Field, value, field, value, … Raises CorruptData, also for an empty zipmap."""
    end = len(blob) - 1
    if end < 1 or blob[end] != _END:
        raise CorruptData(0, "zipmap: no end")
    found: list[bytes] = []
    at = 1
    while at < end:
        size, at = _zipmap_length(blob, at, end)
        spare = 0
        if len(found) % 2:
            spare, at = blob[at], at + 1
        found.append(blob[at : at + size])
        at += size + spare
        if at > end:
            raise CorruptData(at, "zipmap: an entry reaches beyond the end")
    if len(found) % 2 or not found:
        raise CorruptData(at, f"zipmap: {len(found)} words")
    if blob[0] not in (len(found) // 2, _ZIPMAP_LONG, _END):
        raise CorruptData(0, f"zipmap: {len(found) // 2} fields, not {blob[0]}")
    return found


def _zipmap_length(blob: bytes, at: int, end: int) -> tuple[int, int]:
    """A word's length, and where that ends."""
    if blob[at] == _END:
        raise CorruptData(at, "zipmap: it ends too early")
    if blob[at] < _ZIPMAP_LONG:
        return blob[at], at + 1
    if at + 5 > end:
        raise CorruptData(at, "zipmap: a length reaches beyond the end")
    return int.from_bytes(blob[at + 1 : at + 5], "little"), at + 5


def read_intset(blob: bytes) -> tuple[int, ...]:
    """The integers. Raises CorruptData, also for an empty intset."""
    if len(blob) < _intset_header.size:
        raise CorruptData(0, f"intset: {len(blob)} bytes are too few")
    width, count = _intset_header.unpack_from(blob)
    if width not in _INTSET_CODES:
        raise CorruptData(0, f"intset: integers of {width} bytes")
    if not count or _intset_header.size + width * count != len(blob):
        raise CorruptData(4, f"intset: {count} integers of {width} bytes in {len(blob)} bytes")
    numbers = unpack_from(f"<{count}{_INTSET_CODES[width]}", blob, _intset_header.size)
    if any(one >= other for one, other in pairwise(numbers)):
        raise CorruptData(_intset_header.size, "intset: the integers are not in order")
    return numbers


def write_intset(numbers: Iterable[int]) -> bytes:
    """An intset of different 64 bit integers."""
    ordered = sorted(numbers)
    widest = max((number if number >= 0 else ~number).bit_length() for number in (ordered[0], ordered[-1]))
    width = 2 if widest < 16 else 4 if widest < 32 else 8
    return _intset_header.pack(width, len(ordered)) + pack(f"<{len(ordered)}{_INTSET_CODES[width]}", *ordered)
