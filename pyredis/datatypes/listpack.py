"""A short run of list elements with the size Redis's listpack of it would have, and the limits on such runs.

Redis keeps a small list in one listpack and a large one in a chain of them, and decides by their bytes and entries
(`list-max-listpack-size`). So that OBJECT ENCODING tells the same, every run here knows the bytes of its double:
7 around it, and for each element a header, the text or the integer in as few bytes as hold it, and a back length.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from pyredis.datatypes.numeric import parse_int

EMPTY_SIZE = 7
LARGE = 1 << 62
"""The size of a run that is one large element: Redis keeps that outside a listpack, and nothing is added to it."""
MARGIN = 8
"""What Redis allows for an entry's header and back length when it asks whether a quicklist's node has room."""

_SIZES = (4096, 8192, 16384, 32768, 65536)  # what list-max-listpack-size -1 to -5 stand for
_SAFE_SIZE = 8192  # the bytes of a listpack that is limited by its entries
_LONGEST_INTEGER = 20
_ZERO, _MINUS = b"0-"
_POSITIVE_SIZES = [2] * 8 + [3] * 5 + [4] * 3 + [5] * 8 + [6] * 8 + [10] * 33
"""The bytes of a positive integer by its bits; a negative one has as many as its complement, but at least 3."""


class Limits(NamedTuple):
    """What a listpack may grow to, in bytes and entries, and what a chain must shrink to before it is one again."""

    size: int
    entries: int
    low_size: int
    low_entries: int

    def forbid(self, size: int, count: int) -> bool:
        """Whether a listpack of this size is too large."""
        return size > self.size or count > self.entries


@lru_cache(64)
def limits(setting: int) -> Limits:
    """The limits that a value of `list-max-listpack-size` means: positive ones count entries."""
    if setting >= 0:
        return Limits(_SAFE_SIZE, setting or 1, LARGE - 1, (setting or 1) // 2)
    size = _SIZES[min(-setting, len(_SIZES)) - 1]
    return Limits(size, LARGE, size // 2, LARGE)


def integer_size(number: int) -> int:
    """The bytes of a 64 bit integer in a listpack."""
    if 0 <= number < 128:
        return 2
    return max(_POSITIVE_SIZES[(number if number >= 0 else ~number).bit_length()], 3 if number < 0 else 2)


def entry_size(element: bytes) -> int:
    """The bytes of an element in a listpack."""
    length = len(element)
    if element > b":" or length > _LONGEST_INTEGER or not length:  # what sorts behind the digits is no integer
        if length < 64:
            return length + 2
    elif element.isdigit() and length < _LONGEST_INTEGER - 1:
        if element[0] != _ZERO or length == 1:
            return _POSITIVE_SIZES[int(element).bit_length()]
    elif (element[0] == _MINUS or element.isdigit()) and (number := parse_int(element)) is not None:
        return integer_size(number)
    body = length + (1 if length < 64 else 2 if length < 4096 else 5)
    for back, most in enumerate((128, 16383, 2097151, 268435455), 1):
        if body < most:
            return body + back
    return body + 5


def entries_size(elements: Iterable[bytes]) -> int:
    """The bytes of several elements."""
    size = 0
    for element in elements:
        short = len(element) + 2
        size += short if short < 66 and element > b":" else entry_size(element)
    return size


class Listpack(list[bytes]):
    """Elements with `size`, the bytes of Redis's listpack of them. Its own methods keep that true; `list`'s read."""

    __slots__ = ("size",)

    def __init__(self, elements: Iterable[bytes] = ()) -> None:
        super().__init__(elements)
        self.size = EMPTY_SIZE + sum(map(entry_size, self))

    def copy(self) -> "Listpack":
        """An independent copy."""
        twin = Listpack()
        twin.extend(self)
        twin.size = self.size
        return twin

    def has_room(self, length: int, limits: Limits) -> bool:
        """Whether Redis would add an element of `length` bytes here and not start another listpack."""
        return self.size + length + MARGIN <= limits.size and len(self) < limits.entries

    def push_left(self, element: bytes) -> None:
        """Add at the head."""
        self.insert(0, element)
        self.size += entry_size(element)

    def push_right(self, element: bytes) -> None:
        """Add at the tail."""
        self.append(element)
        self.size += entry_size(element)

    def extend_left(self, elements: Sequence[bytes]) -> None:
        """Add at the head, one after the other."""
        self[:0] = reversed(elements)
        self.size += entries_size(elements)

    def extend_right(self, elements: Sequence[bytes]) -> None:
        """Add at the tail."""
        self += elements
        self.size += entries_size(elements)

    def put(self, at: int, element: bytes) -> None:
        """Insert before position `at`."""
        self.insert(at, element)
        self.size += entry_size(element)

    def pop_left(self) -> bytes:
        """Take the first element."""
        element = self.pop(0)
        self.size -= entry_size(element)
        return element

    def pop_right(self) -> bytes:
        """Take the last element."""
        element = self.pop()
        self.size -= entry_size(element)
        return element

    def replace(self, at: int, element: bytes) -> None:
        """Let another element stand at a position."""
        self.size += entry_size(element) - entry_size(self[at])
        self[at] = element

    def drop(self, start: int, stop: int) -> None:
        """Delete the elements from `start` up to `stop`."""
        self.size -= sum(map(entry_size, islice(self, start, stop)))
        del self[start:stop]

    def discard(self, element: bytes, most: int, *, from_right: bool) -> int:
        """Delete up to `most` elements that are equal, the first or the last ones; how many went."""
        found = self.count(element)
        if found > most:
            skipped = found - most if from_right else 0
            places = [at for at, one in enumerate(self) if one == element][skipped : skipped + most]
            for at in reversed(places):
                del self[at]
            found = most
        elif found:
            self[:] = [one for one in self if one != element]
        self.size -= found * entry_size(element)
        return found
