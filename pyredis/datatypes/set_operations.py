"""Union, intersection and difference of sets, as Redis computes them: which form the result takes is part of it.

`None` stands for a set that does not exist. Large inputs go through loops that run in C; only a result small enough
to be an intset or a listpack is put together member by member, since then form and order depend on the way there.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, filterfalse

from pyredis.datatypes.numeric import is_canonical_int
from pyredis.datatypes.set import HASHTABLE, INTSET, LISTPACK, Limits, Set
from pyredis.datatypes.table import Table

Operands = Sequence[Set | None]

_CHUNK = 1000  # members of an intersection looked at before its limit is


class Combined:
    """A result: its `members` in Redis's order, and, when asked for, the set of them."""

    __slots__ = ("_small", "members")

    def __init__(self, members: list[bytes], small: Set | None = None) -> None:
        self.members = members
        self._small = small

    def as_set(self) -> Set:
        """A set in the form Redis would store the result in."""
        if self._small is not None:
            return self._small
        large = Set(HASHTABLE)
        large.members = Table.filled((member, True) for member in self.members)
        return large


def _added(members: Iterable[bytes], limits: Limits, encoding: bytes = INTSET) -> Combined:
    """The members, each given once, as they stand in a set that began in a form and to which they were added."""
    found = list(members)
    if len(found) > max(limits.integers, limits.entries):
        return Combined(found)
    result = Set(encoding)
    for member in found:
        result.add(member, limits)
    return Combined(result.in_order(), result)


def union(sets: Operands, limits: Limits) -> Combined:
    """All members of all sets."""
    everything = chain.from_iterable([one.in_order() for one in sets if one is not None])
    return _added(dict.fromkeys(everything), limits)


def common(sets: Operands, limit: int = 0) -> list[bytes]:
    """The members that every set has, in the order of the smallest; not many more than `limit`, if that is not 0."""
    there = [one for one in sets if one is not None]
    if len(there) < len(sets):
        return []
    smallest, *others = sorted(there, key=len)
    others = [other for other in others if other is not smallest]
    members = smallest.in_order()
    if not limit:
        return _in_all(members, others)
    found: list[bytes] = []
    for start in range(0, len(members), _CHUNK):
        found += _in_all(members[start : start + _CHUNK], others)
        if len(found) >= limit:
            break
    return found


def _in_all(members: list[bytes], others: list[Set]) -> list[bytes]:
    for other in others:
        members = _within(members, other)
    return members


def intersection(sets: Operands, limits: Limits) -> Combined:
    """`common` as a result."""
    found = common(sets)
    if not found:
        return _added((), limits)
    if len(found) <= limits.integers and all(map(is_canonical_int, found)):
        return _added(found, limits)
    smallest = min((one for one in sets if one is not None), key=len)
    return _added(found, limits, INTSET if smallest.is_intset else LISTPACK)


def difference(sets: Operands, limits: Limits) -> Combined:
    """The members of the first set that no other has."""
    first, *others = sets
    if first is None or any(other is first for other in others):
        return _added((), limits)
    there = sorted((other for other in others if other is not None), key=len, reverse=True)
    found = members = first.in_order()
    for other in there:
        found = _without(found, other)
    one_by_one = len(first) * (len(there) + 1) // 2
    if one_by_one <= len(first) + sum(map(len, there)):
        return _added(found, limits)
    # Redis takes a copy of the first set then and removes what others have: the copy's form stays.
    if len(members) > max(limits.integers, limits.entries):
        return Combined(found)
    result = _added(members, limits).as_set()
    for member in {*members}.difference(found):
        result.remove(member)
    return Combined(result.in_order(), result)


def _within(members: list[bytes], other: Set) -> list[bytes]:
    within = other.members
    if isinstance(within, dict):
        return list(filter(within.__contains__, members))
    directory, mask = within.directory, within.mask
    return [member for member in members if member in directory[hash(member) & mask]]


def _without(members: list[bytes], other: Set) -> list[bytes]:
    without = other.members
    if isinstance(without, dict):
        return list(filterfalse(without.__contains__, members))
    directory, mask = without.directory, without.mask
    return [member for member in members if member not in directory[hash(member) & mask]]
