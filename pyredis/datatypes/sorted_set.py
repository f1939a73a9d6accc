"""Sorted sets: members with scores, in order of score and, among equal scores, of the members' bytes.

Two forms, as in Redis: a small set (Redis's listpack) is a list of members beside an array of scores, both in order;
a large one (skiplist) is a `Table` from member to score and a `Ranking`. `Limits` say where small ends; a set that
became large stays so. A small set forgets the sign of a zero score, for a listpack keeps it as an integer.

Ranks count from 0. Ranges are given as ranks: from `start` to before `stop`.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, islice
from operator import eq
from random import Random
from typing import NamedTuple

from pyredis.datatypes.allocation import allocated, bulk_size, table_size
from pyredis.datatypes.listpack import EMPTY_SIZE, entry_size
from pyredis.datatypes.numeric import format_double
from pyredis.datatypes.ranking import Ranking, place
from pyredis.datatypes.table import Table

_SKIPLIST = 600  # its head, which has every level
_NODE = 38  # of the skiplist, on average
_MANY = 4  # the ranking is made anew for changes to more than one in so many members
_equals = re.compile(rb"\x01+").finditer


class Limits(NamedTuple):
    """What a small set may hold: `entries` members of `size` bytes each."""

    entries: int
    size: int


class SortedSet:
    """An empty sorted set. While it is small, `table` is None and there is no `ranking`."""

    __slots__ = ("members", "ranking", "scores", "table")

    ranking: Ranking

    def __init__(self) -> None:
        self.members: list[bytes] = []
        self.scores = array("d")
        self.table: Table[float] | None = None

    @classmethod
    def of(cls, scores: Mapping[bytes, float], limits: Limits) -> "SortedSet":
        """A sorted set of these members, small if it may be; built by one sort."""
        return cls.of_sorted(*in_order(scores), limits)

    @classmethod
    def of_sorted(cls, members: list[bytes], scores: Sequence[float], limits: Limits) -> "SortedSet":
        """As `of`, of members that are in order already."""
        made = cls()
        made.members, made.scores = members, array("d", scores)
        if len(members) > limits.entries or max(map(len, members), default=0) > limits.size:
            made.enlarge()
        else:
            made.scores = array("d", [score + 0.0 for score in scores])
        return made

    def copy(self) -> "SortedSet":
        """An independent copy of the same form."""
        twin = SortedSet()
        if self.table is None:
            twin.members, twin.scores = self.members[:], self.scores[:]
        else:
            pairs = list(self.ranking.items())
            twin.members = [member for member, _ in pairs]
            twin.scores = array("d", [score for _, score in pairs])
            twin.enlarge()
        return twin

    def __len__(self) -> int:
        return len(self.members) if self.table is None else self.table.count

    @property
    def is_large(self) -> bool:
        """Whether it is in the large form."""
        return self.table is not None

    # Single members

    def score(self, member: bytes) -> float | None:
        """The score of a member, or None."""
        table = self.table
        if table is not None:
            return table.directory[hash(member) & table.mask].get(member)
        if member in self.members:
            return self.scores[self.members.index(member)]
        return None

    def rank(self, member: bytes) -> tuple[int, float] | None:
        """Rank and score of a member, or None."""
        table = self.table
        if table is None:
            if member not in self.members:
                return None
            at = self.members.index(member)
            return at, self.scores[at]
        score = table.get(member)
        return None if score is None else (self.ranking.before(score, member), score)

    def add(self, member: bytes, score: float, limits: Limits) -> None:
        """Add a member that is not there; a small set that would pass its limits becomes large."""
        table = self.table
        if table is None:
            members, scores = self.members, self.scores
            if len(members) < limits.entries and len(member) <= limits.size:
                at = place(scores, members, score, member)
                members.insert(at, member)
                scores.insert(at, score + 0.0)
                return
            table = self.enlarge()
        table.set(member, score)
        self.ranking.insert(score, member)

    def move(self, member: bytes, before: float, score: float) -> None:
        """Give a member that has the score `before` another one."""
        table = self.table
        if table is None:
            at = self.members.index(member)
            del self.members[at], self.scores[at]
            at = place(self.scores, self.members, score, member)
            self.members.insert(at, member)
            self.scores.insert(at, score + 0.0)
            return
        table.directory[hash(member) & table.mask][member] = score
        self.ranking.remove(before, member)
        self.ranking.insert(score, member)

    def remove(self, member: bytes) -> bool:
        """Take a member away; False when it is not there."""
        table = self.table
        if table is None:
            if member not in self.members:
                return False
            at = self.members.index(member)
            del self.members[at], self.scores[at]
            return True
        score = table.pop(member)
        if score is None:
            return False
        self.ranking.remove(score, member)
        return True

    # Many members at once

    def scores_of(self, members: Sequence[bytes]) -> list[float | None]:
        """The scores of members, None where there is none."""
        return [*map(self.score, members)] if self.table is None else self.table.get_many(members)

    def update(self, scores: dict[bytes, float]) -> None:
        """Give members scores, whether they are there or not; it becomes large. Where they are many, by one sort."""
        table = self.enlarge()
        if len(scores) * _MANY < table.count:
            for member, score in scores.items():
                before = table.get(member)
                if before is not None:
                    self.ranking.remove(before, member)
                table.set(member, score)
                self.ranking.insert(score, member)
            return
        everything = dict(self.ranking.items())
        everything.update(scores)
        table.update([*scores], scores.values())
        self.ranking = Ranking(*in_order(everything))

    def remove_many(self, members: Sequence[bytes]) -> int:
        """Take members away; returns how many there were."""
        table = self.table
        if table is None or len(members) * _MANY < table.count:
            return sum(map(self.remove, members))
        before, scores = self.ranking.slice(0, table.count)
        removed = table.discard(members)
        gone = {*members}
        stays = [member not in gone for member in before]
        self.ranking = Ranking([*compress(before, stays)], array("d", compress(scores, stays)))
        return removed

    # Ranges

    def slice(self, start: int, stop: int) -> tuple[list[bytes], Sequence[float]]:
        """Members and scores of a range; new sequences."""
        if self.table is None:
            return self.members[start:stop], self.scores[start:stop]
        return self.ranking.slice(start, stop)

    def pop(self, *, highest: bool) -> tuple[bytes, float]:
        """Take the first or the last member away, with its score; there must be one."""
        table = self.table
        if table is None:
            at = -1 if highest else 0
            return self.members.pop(at), self.scores.pop(at)
        popped = self.ranking.pop(highest=highest)
        table.pop(popped[0])
        return popped

    def take(self, start: int, stop: int) -> tuple[list[bytes], Sequence[float]]:
        """Take a range away: its members and scores."""
        taken = self.slice(start, stop)
        members = taken[0]
        table = self.table
        if table is None:
            del self.members[start:stop], self.scores[start:stop]
        elif members:
            self.ranking.delete(start, start + len(members))
            table.discard(members)
        return taken

    def below(self, score: float, *, inclusive: bool) -> int:
        """How many scores are smaller than `score`, or with `inclusive` not greater."""
        if self.table is None:
            return (bisect_right if inclusive else bisect_left)(self.scores, score)
        return self.ranking.below(score, inclusive=inclusive)

    def below_member(self, member: bytes, *, inclusive: bool) -> int:
        """How many members are smaller than `member`, or with `inclusive` not greater; all have the same score."""
        if self.table is None:
            return (bisect_right if inclusive else bisect_left)(self.members, member)
        return self.ranking.below_member(member, inclusive=inclusive)

    def items(self) -> Iterator[tuple[bytes, float]]:
        """Every member and its score, in order; nothing must change meanwhile."""
        return zip(self.members, self.scores, strict=True) if self.table is None else self.ranking.items()

    def as_dict(self) -> dict[bytes, float]:
        """Every member's score, in no order."""
        if self.table is None:
            return dict(self.items())
        found: dict[bytes, float] = {}
        for bucket in self.table.buckets():
            found.update(bucket)
        return found

    # Chance

    def random_member(self, random: Random) -> bytes:
        """Any member, each as likely; there must be one."""
        if self.table is None:
            return self.members[random.randrange(len(self.members))]
        member = self.table.random_key(random)
        assert member is not None
        return member

    def random_members(self, random: Random, count: int) -> list[bytes]:
        """`count` different members, or all there are."""
        size = len(self)
        if self.table is None or count * 3 > size:
            members = self.slice(0, size)[0]
            return members if count >= size else random.sample(members, count)
        found: dict[bytes, None] = {}
        while len(found) < count:
            found[self.random_member(random)] = None
        return list(found)

    # Form

    def memory_usage(self, samples: int) -> int:
        """Bytes Redis would use, judged by the first `samples` members; 0 for all."""
        size = len(self)
        if self.table is None:
            entries = sum(map(entry_size, self.members)) + sum(entry_size(format_double(one)) for one in self.scores)
            return allocated(EMPTY_SIZE + entries)
        sampled = self.slice(0, min(samples or size, size))[0]
        nodes = [bulk_size(member) + _NODE for member in sampled]
        return _SKIPLIST + table_size(size, nodes)

    def enlarge(self) -> "Table[float]":
        """Go over to the large form."""
        table = self.table
        if table is None:
            table = self.table = Table()
            table.update(self.members, self.scores)
            self.ranking = Ranking(self.members, self.scores)
            self.members, self.scores = [], array("d")
        return table


def in_order(scores: Mapping[bytes, float]) -> tuple[list[bytes], "array[float]"]:
    """Members and scores, sorted as in a sorted set: by score, and then each run of equal scores by member."""
    members = sorted(scores, key=scores.__getitem__)
    ordered = array("d", map(scores.__getitem__, members))
    for run in _equals(bytes(map(eq, ordered, islice(ordered, 1, None)))):
        start, stop = run.start(), run.end() + 1
        members[start:stop] = equals = sorted(members[start:stop])
        ordered[start:stop] = array("d", map(scores.__getitem__, equals))  # zeros have signs
    return members, ordered
