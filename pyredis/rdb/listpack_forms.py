"""Redis's listpack, byte by byte: read into a list of elements, checked in full, and written.

4 bytes of size and 2 of count (65535: not known) stand before the entries and 0xFF behind them. An entry is its form
with its length or its integer, the text if it is one, and its own size once more for walking backwards, in groups of
7 bits, the highest first, of which all but the first have their top bit set.
"""

from collections.abc import Iterable
from struct import Struct

from pyredis.datatypes.numeric import parse_int
from pyredis.rdb.encoding import CorruptData

HEADER = 6
_END = 0xFF
_UNKNOWN_COUNT = 0xFFFF
_header = Struct("<IH")
_LONGEST_INTEGER = 20
_WIDTHS = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}
_SMALL = [b"%d" % number for number in range(128)]


def read_listpack(blob: bytes) -> list[bytes]:
    """The elements, integers as their text. Raises CorruptData for any blob that Redis would not write."""
    count = _checked_header(blob)
    found: list[bytes] = []
    add = found.append
    at, end = HEADER, len(blob) - 1
    while at < end:
        start = at
        first = blob[at]
        if first < 0x80:
            add(_SMALL[first])
            at += 1
        elif first < 0xC0:
            at += 1 + (first & 0x3F)
            add(blob[start + 1 : at])
        else:
            element, at = _large(blob, at)
            add(element)
        size = at - start
        # For most entries the size is one byte, the last one of the entry.
        if size < 128 and at < end and blob[at] == size:
            at += 1
        else:
            at = _past_size(blob, at, end, size)
    if count not in (len(found), _UNKNOWN_COUNT):
        raise CorruptData(4, f"listpack: {len(found)} entries, not {count}")
    return found


def _checked_header(blob: bytes) -> int:
    """How many entries the listpack says it has."""
    if len(blob) <= HEADER:
        raise CorruptData(0, f"listpack: {len(blob)} bytes are too few")
    size, count = _header.unpack_from(blob)
    if size != len(blob):
        raise CorruptData(0, f"listpack: {len(blob)} bytes, not {size}")
    if blob[-1] != _END:
        raise CorruptData(size - 1, "listpack: no end")
    return int(count)


def _large(blob: bytes, at: int) -> tuple[bytes, int]:
    """An element in one of the longer forms, and where it ends; the caller finds an end beyond the blob's."""
    first = blob[at]
    if first < 0xE0:
        number = (first & 0x1F) << 8 | blob[at + 1]
        return b"%d" % (number - 0x2000 if number >= 0x1000 else number), at + 2
    if first < 0xF0:
        start = at + 2
        stop = start + ((first & 0xF) << 8 | blob[at + 1])
        return blob[start:stop], stop
    if first == 0xF0:
        start = at + 5
        stop = start + int.from_bytes(blob[at + 1 : start], "little")
        return blob[start:stop], stop
    width = _WIDTHS.get(first)
    if width is None:
        raise CorruptData(at, f"listpack: no entry begins with 0x{first:02x}")
    stop = at + 1 + width
    return b"%d" % int.from_bytes(blob[at + 1 : stop], "little", signed=True), stop


def _past_size(blob: bytes, at: int, end: int, size: int) -> int:
    """Where the next entry begins: behind the size of this one, which is checked."""
    written = _size_bytes(size)
    if at + len(written) > end or not blob.startswith(written, at):
        raise CorruptData(at, f"listpack: the entry's size is not {size}")
    return at + len(written)


def _size_bytes(size: int) -> bytes:
    """An entry's size as it stands behind it."""
    if size < 128:
        return bytes((size,))
    count = 2
    while count < 5 and size >= (1 << 7 * count) - 1:
        count += 1
    groups = [size >> 7 * place & 127 | 128 for place in reversed(range(count))]
    groups[0] &= 127
    return bytes(groups)


def write_listpack(elements: Iterable[bytes]) -> bytes:
    """A listpack of these elements; what is a 64 bit integer is held as one."""
    entries = [entry_bytes(element) for element in elements]
    body = b"".join(entries)
    return _header.pack(HEADER + len(body) + 1, min(len(entries), _UNKNOWN_COUNT)) + body + b"\xff"


def entry_bytes(element: bytes) -> bytes:
    """One entry, with its size behind it."""
    if element[:1] <= b"9" and len(element) <= _LONGEST_INTEGER and (number := parse_int(element)) is not None:
        return integer_entry(number)
    size = len(element)
    if size < 64:
        body = bytes((0x80 | size,)) + element
    elif size < 4096:
        body = bytes((0xE0 | size >> 8, size & 255)) + element
    else:
        body = b"\xf0" + size.to_bytes(4, "little") + element
    return body + _size_bytes(len(body))


def integer_entry(number: int) -> bytes:
    """An entry that is a 64 bit integer."""
    if 0 <= number < 128:
        return bytes((number, 1))
    if -0x1000 <= number < 0x1000:
        return bytes((0xC0 | (number >> 8 & 0x1F), number & 255, 2))
    bits = (number if number >= 0 else ~number).bit_length()
    for form, width in _WIDTHS.items():
        if bits < 8 * width:
            return bytes((form,)) + number.to_bytes(width, "little", signed=True) + bytes((width + 1,))
    raise OverflowError(number)
