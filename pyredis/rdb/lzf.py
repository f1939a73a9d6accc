"""LZF (Marc Lehmann's liblzf), the compression of strings in RDB files.

A stream of literal runs (a byte below 32: one more bytes follow) and of matches: three bits of length and five of
distance, a byte more of length where those are all ones, the low byte of the distance. Lengths are from 3 to 264 and
count from 2, distances from 1 to 8192 and count from 1.

Packing is slow in Python, some 0.1 µs a byte, so data is tried first with zlib restricted to matches: a few µs tell
whether there is anything to be had.
"""

from zlib import DEFLATED, Z_FIXED, compressobj

_FARTHEST = 8192
_LONGEST = 264
_LONGEST_RUN = 32
_SAMPLE = 4096
_WORTH = 0.9  # of the size, else it is not tried
LARGEST_FACTOR = 88
"""How many times longer than its packed form data can be: a match of 264 bytes takes 3."""


class BadLZF(ValueError):
    """The data is no LZF stream of the size that was said."""


def decompress(packed: bytes, size: int) -> bytes:
    """Exactly `size` bytes. Raises BadLZF when that is not what `packed` holds."""
    if size > LARGEST_FACTOR * len(packed):
        raise BadLZF(f"{len(packed)} bytes cannot hold {size}")
    out = bytearray()
    at, end = 0, len(packed)
    try:
        while at < end:
            control = packed[at]
            at += 1
            if control < _LONGEST_RUN:
                out += packed[at : at + control + 1]
                at += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += packed[at]
                at += 1
            start = len(out) - ((control & 31) << 8 | packed[at]) - 1
            at += 1
            _repeat(out, start, length + 2)
            if len(out) > size:
                break
    except IndexError:
        raise BadLZF("it ends within a match")
    if at != end or len(out) != size:
        raise BadLZF(f"it does not hold {size} bytes")
    return bytes(out)


def _repeat(out: bytearray, start: int, length: int) -> None:
    """Append `length` bytes from `start` on, which may run into what is being appended."""
    if start < 0:
        raise BadLZF("a match begins before the data")
    chunk = out[start : start + length]
    if len(chunk) < length:
        chunk = (chunk * (length // len(chunk) + 1))[:length]
    out += chunk


def compress(data: bytes) -> bytes | None:
    """The packed form, or None unless it saves more than 4 bytes, as Redis wants it."""
    if not _is_worth_it(data):
        return None
    out = bytearray()
    seen: dict[bytes, int] = {}
    at = begun = 0
    last = len(data) - 2
    while at < last:
        key = data[at : at + 3]
        before = seen.get(key)
        seen[key] = at
        if before is None or at - before > _FARTHEST:
            at += 1
            continue
        length = _common(data, before, at)
        _put_literals(out, data, begun, at)
        _put_match(out, at - before - 1, length - 2)
        at += length
        begun = at
    _put_literals(out, data, begun, len(data))
    return bytes(out) if len(out) < len(data) - 4 else None


def _is_worth_it(data: bytes) -> bool:
    sample = data[:_SAMPLE]
    packer = compressobj(1, DEFLATED, -9, 1, Z_FIXED)
    return len(packer.compress(sample)) + len(packer.flush()) < _WORTH * len(sample)


def _common(data: bytes, before: int, at: int) -> int:
    """How many bytes from `before` and from `at` on are equal, at most the longest match."""
    length, most = 3, min(_LONGEST, len(data) - at)
    while length + 16 <= most and data[before + length : before + length + 16] == data[at + length : at + length + 16]:
        length += 16
    while length < most and data[before + length] == data[at + length]:
        length += 1
    return length


def _put_literals(out: bytearray, data: bytes, start: int, stop: int) -> None:
    for at in range(start, stop, _LONGEST_RUN):
        run = data[at : min(at + _LONGEST_RUN, stop)]
        out.append(len(run) - 1)
        out += run


def _put_match(out: bytearray, distance: int, length: int) -> None:
    if length < 7:
        out.append(length << 5 | distance >> 8)
    else:
        out += bytes((7 << 5 | distance >> 8, length - 7))
    out.append(distance & 255)
