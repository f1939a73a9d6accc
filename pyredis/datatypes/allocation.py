"""The bytes Redis's allocator gives for strings, hash tables and their entries: what MEMORY USAGE estimates from."""

from collections.abc import Iterable

_TABLE = 56
_SLOT = 8
_LEAST_SLOTS = 4
ENTRY = 24  # of a hash table, without what it points to


def allocated(size: int) -> int:
    """The class of a block of `size` bytes: multiples of 8 up to 64, then four to each power of two."""
    if size <= 64:
        return -(-size // 8) * 8
    step = 1 << (size - 1).bit_length() - 3
    return -(-size // step) * step


def string_size(length: int, *, tiny: bool = False) -> int:
    """The bytes of a string with its header and end; `tiny` allows the one-byte header of short keys."""
    if tiny and length < 32:
        header = 1
    elif length < 1 << 8:
        header = 3
    elif length < 1 << 16:
        header = 5
    else:
        header = 9 if length < 1 << 32 else 17
    return header + length + 1


def table_size(count: int, sampled: Iterable[int]) -> int:
    """The bytes of a hash table of `count` entries, judged by the bytes of what some of its entries point to."""
    slots = max(1 << (count - 1).bit_length(), _LEAST_SLOTS) if count else 0
    sizes = list(sampled)
    entries = count * (sum(sizes) + ENTRY * len(sizes)) // len(sizes) if sizes else 0
    return _TABLE + _SLOT * slots + entries


def bulk_size(text: bytes) -> int:
    """The bytes of a short string that stands alone."""
    return allocated(string_size(len(text), tiny=True))
