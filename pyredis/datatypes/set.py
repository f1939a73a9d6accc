"""Sets of members without order.

A small set is one dict, in order of insertion (Redis's listpack) or, while every member is an integer, standing for a
sorted array (Redis's intset); a large one (Redis's hashtable) is a `Table`, which can be scanned while it changes and
has random members. Forms only ever change from intset over listpack to large.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, islice, repeat
from typing import NamedTuple

from pyredis.datatypes.allocation import allocated, bulk_size, table_size
from pyredis.datatypes.listpack import EMPTY_SIZE, entry_size
from pyredis.datatypes.numeric import is_canonical_int
from pyredis.datatypes.table import Table

INTSET, LISTPACK, HASHTABLE = b"intset", b"listpack", b"hashtable"
_INTSET_HEADER = 8


class Limits(NamedTuple):
    """How many members an intset may have, and how many, of how many bytes, a listpack."""

    integers: int
    entries: int
    bytes: int


def _is_integer(member: bytes) -> bool:
    """Whether an intset may hold it; what is no number at all is told quickly."""
    return (member.isdigit() or member[:1] == b"-") and is_canonical_int(member)


class Set:
    """Members are bytes. `members` is public for reading: `in` works in both forms."""

    __slots__ = ("is_intset", "members")

    def __init__(self, encoding: bytes = INTSET) -> None:
        self.members: dict[bytes, bool] | Table[bool] = Table() if encoding is HASHTABLE else {}
        self.is_intset = encoding is INTSET

    @classmethod
    def for_member(cls, member: bytes, count: int, limits: Limits) -> "Set":
        """An empty set in the form for `count` members of which the first is given."""
        if count <= limits.integers and _is_integer(member):
            return cls(INTSET)
        return cls(LISTPACK if count <= limits.entries else HASHTABLE)

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, member: bytes) -> bool:
        return member in self.members

    @property
    def encoding(self) -> bytes:
        """Redis's name of the form."""
        if isinstance(self.members, dict):
            return INTSET if self.is_intset else LISTPACK
        return HASHTABLE

    # Changing

    def add_many(self, members: Sequence[bytes], limits: Limits) -> int:
        """Add members; returns how many are new. It becomes large at once if that is what so many make of it."""
        content = self.members
        if isinstance(content, dict):
            if len(members) <= (limits.integers if self.is_intset else limits.entries):
                return sum([self.add(member, limits) for member in members])
            content = self.enlarge()
        return content.update(members, repeat(True, len(members)))

    def add(self, member: bytes, limits: Limits) -> bool:
        """Add a member; False when it was there."""
        members = self.members
        if not isinstance(members, dict):
            return members.set(member, True)
        if member in members:
            return False
        if self.is_intset:
            self._add_to_intset(members, member, limits)
        elif len(members) < limits.entries and len(member) <= limits.bytes:
            members[member] = True
        else:
            self.enlarge().set(member, True)
        return True

    def _add_to_intset(self, members: dict[bytes, bool], member: bytes, limits: Limits) -> None:
        if _is_integer(member):
            members[member] = True
            if len(members) > limits.integers:
                self.enlarge()
            return
        longest = max(map(len, members), default=0)
        if len(members) < limits.entries and max(longest, len(member)) <= limits.bytes:
            self.members = dict.fromkeys((*self.in_order(), member), True)
            self.is_intset = False
        else:
            self.enlarge().set(member, True)

    def remove(self, member: bytes) -> bool:
        """Delete a member; False when it was not there."""
        members = self.members
        if isinstance(members, dict):
            return members.pop(member, False)
        return members.pop(member) is not None

    def remove_many(self, members: Sequence[bytes]) -> int:
        """Delete members; returns how many there were."""
        content = self.members
        return sum(map(self.remove, members)) if isinstance(content, dict) else content.discard(members)

    def has(self, members: Sequence[bytes]) -> list[bool]:
        """Whether each of them is a member."""
        content = self.members
        if isinstance(content, dict):
            return [member in content for member in members]
        directory, mask = content.directory, content.mask
        return [member in directory[hash(member) & mask] for member in members]

    def enlarge(self) -> Table[bool]:
        """Take the large form."""
        self.members = table = Table.filled(self.members.items())
        self.is_intset = False
        return table

    def reduce(self, members: Iterable[bytes], limits: Limits) -> None:
        """Keep only these few members, in the smallest form that SPOP gives what it leaves."""
        rest = Set(INTSET if self.is_intset else LISTPACK)
        for member in members:
            rest.add(member, limits)
        self.members, self.is_intset = rest.members, rest.is_intset

    # Looking

    def in_order(self) -> list[bytes]:
        """Every member, in Redis's order when small."""
        members = self.members
        if isinstance(members, dict):
            return sorted(members, key=int) if self.is_intset else list(members)
        return list(chain.from_iterable(members.buckets()))

    # For the keyspace

    def copy(self) -> "Set":
        """An independent copy in the same form."""
        twin = Set()
        twin.members, twin.is_intset = self.members.copy(), self.is_intset
        return twin

    def memory_usage(self, samples: int) -> int:
        """The bytes Redis would take, judged by `samples` members (0: all)."""
        members = self.members
        if not isinstance(members, dict):
            return table_size(len(members), map(bulk_size, islice(members, samples or None)))
        if not self.is_intset:
            return allocated(EMPTY_SIZE + sum(map(entry_size, members)))
        widest = max((number if number >= 0 else ~number).bit_length() for number in map(int, members))
        return allocated(_INTSET_HEADER + len(members) * (2 if widest < 16 else 4 if widest < 32 else 8))
