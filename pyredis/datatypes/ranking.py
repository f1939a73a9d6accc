"""Members in order of (score, member), with ranks: the index of a large sorted set.

A list of runs, each a list of members beside an array of their scores, with the last pair of each run kept apart: a
place is found by two binary searches in C, one over the runs and one inside a run. Ranks need how many members stand
in the runs before: the counts of the runs are summed up over groups of `_GROUP` runs, so that a change touches two
numbers and a rank adds up two short slices. With a million members that is some 50 groups, where a tree would take 11
steps in Python for each.

The index does not know which member has which score; who uses it keeps that in a table.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from itertools import accumulate

from pyredis.datatypes.dismantling import Parts, dismantle

_FULL = 1024  # members of a run before it splits in two
_SPARSE = 256  # members of two adjoining runs together that become one
_GROUP = 32


def place(scores: MutableSequence[float], members: Sequence[bytes], score: float, member: bytes) -> int:
    """How many of the sorted pairs stand before (score, member)."""
    at = bisect_left(scores, score)
    if at < len(scores) and scores[at] == score:
        return bisect_left(members, member, at, bisect_right(scores, score, at))
    return at


class Ranking:
    """Sorted pairs; built from `members` and their `scores`, which are in order already."""

    __slots__ = ("_counts", "_last_members", "_last_scores", "_members", "_scores", "_sums")

    def __init__(self, members: list[bytes], scores: Sequence[float]) -> None:
        self._fill(members, scores)

    def __del__(self, dismantle: Callable[[Parts], None] = dismantle) -> None:
        dismantle(self._members)

    def _fill(self, members: list[bytes], scores: Sequence[float]) -> None:
        """Cut sorted pairs into runs, and derive everything else from these."""
        starts = range(0, len(members), _FULL // 2)
        self._members = [members[at : at + _FULL // 2] for at in starts]
        self._scores = [array("d", scores[at : at + _FULL // 2]) for at in starts]
        self._counts = [len(run) for run in self._members]
        self._last_members = [run[-1] for run in self._members]
        self._last_scores = array("d", [run[-1] for run in self._scores])
        self._sum_up()

    def __len__(self) -> int:
        return sum(self._sums)

    # Changing

    def insert(self, score: float, member: bytes) -> None:
        """Add a pair that is not there."""
        last_scores = self._last_scores
        if not last_scores:
            self._fill([member], [score])
            return
        run = place(last_scores, self._last_members, score, member)
        if run == len(last_scores):
            run -= 1
            last_scores[run] = score
            self._last_members[run] = member
        members, scores = self._members[run], self._scores[run]
        at = place(scores, members, score, member)
        members.insert(at, member)
        scores.insert(at, score)
        self._counts[run] += 1
        self._sums[run // _GROUP] += 1
        if len(members) > _FULL:
            self._split(run)

    def remove(self, score: float, member: bytes) -> None:
        """Take away a pair that is there."""
        run = place(self._last_scores, self._last_members, score, member)
        at = place(self._scores[run], self._members[run], score, member)
        self._delete(run, at, at + 1)

    def delete(self, start: int, stop: int) -> None:
        """Take away the pairs of ranks from `start` to before `stop`."""
        left = min(stop, len(self)) - start
        while left > 0:
            run, at = self._locate(start)
            end = min(at + left, self._counts[run])
            left -= end - at
            self._delete(run, at, end)

    def pop(self, *, highest: bool) -> tuple[bytes, float]:
        """Take away the first or the last pair; there must be one."""
        run = len(self._counts) - 1 if highest else 0
        at = self._counts[run] - 1 if highest else 0
        popped = self._members[run][at], self._scores[run][at]
        self._delete(run, at, at + 1)
        return popped

    # Asking

    def before(self, score: float, member: bytes) -> int:
        """How many pairs are smaller than (score, member): the rank of one that is there."""
        run = place(self._last_scores, self._last_members, score, member)
        if run == len(self._last_scores):
            return len(self)
        return self._in_front_of(run) + place(self._scores[run], self._members[run], score, member)

    def below(self, score: float, *, inclusive: bool) -> int:
        """How many scores are smaller than `score`, or with `inclusive` not greater."""
        bisect = bisect_right if inclusive else bisect_left
        run = bisect(self._last_scores, score)
        if run == len(self._last_scores):
            return len(self)
        return self._in_front_of(run) + bisect(self._scores[run], score)

    def below_member(self, member: bytes, *, inclusive: bool) -> int:
        """As `below` for members, where all scores are the same."""
        bisect = bisect_right if inclusive else bisect_left
        run = bisect(self._last_members, member)
        if run == len(self._last_members):
            return len(self)
        return self._in_front_of(run) + bisect(self._members[run], member)

    def slice(self, start: int, stop: int) -> tuple[list[bytes], Sequence[float]]:
        """Members and scores of ranks from `start` to before `stop`."""
        left = min(stop, len(self)) - start
        if left <= 0:
            return [], []
        run, at = self._locate(start)
        members = self._members[run][at : at + left]
        scores = self._scores[run][at : at + left]
        while len(members) < left:
            run += 1
            more = left - len(members)
            members += self._members[run][:more]
            scores += self._scores[run][:more]
        return members, scores

    def items(self) -> Iterator[tuple[bytes, float]]:
        """Every member and its score, in order; nothing must change meanwhile."""
        for members, scores in zip(self._members, self._scores, strict=True):
            yield from zip(members, scores, strict=True)

    def ends(self) -> tuple[float, float]:
        """The lowest and the highest score; there must be one."""
        return self._scores[0][0], self._last_scores[-1]

    # Inside

    def _in_front_of(self, run: int) -> int:
        """How many pairs stand in the runs before `run`."""
        group = run // _GROUP
        return sum(self._sums[:group]) + sum(self._counts[group * _GROUP : run])

    def _locate(self, rank: int) -> tuple[int, int]:
        """The run and the place in it of an existing rank."""
        if rank < self._counts[0]:
            return 0, rank
        sums = list(accumulate(self._sums))
        group = bisect_right(sums, rank)
        if group:
            rank -= sums[group - 1]
        first = group * _GROUP
        counts = list(accumulate(self._counts[first : first + _GROUP]))
        run = bisect_right(counts, rank)
        if run:
            rank -= counts[run - 1]
        return first + run, rank

    def _delete(self, run: int, start: int, stop: int) -> None:
        """Take pairs out of one run; an empty run goes, a sparse one joins the next."""
        members, scores = self._members[run], self._scores[run]
        del members[start:stop]
        del scores[start:stop]
        if not members:
            self._drop(run)
            return
        self._counts[run] -= stop - start
        self._sums[run // _GROUP] -= stop - start
        if start == len(members):
            self._last_members[run] = members[-1]
            self._last_scores[run] = scores[-1]
        if len(members) < _SPARSE // 2 and sum(self._counts[run : run + 2]) < _SPARSE and run + 1 < len(self._counts):
            self._members[run + 1][:0] = members
            self._scores[run + 1][:0] = scores
            self._counts[run + 1] = len(self._members[run + 1])
            self._drop(run)

    def _drop(self, run: int) -> None:
        del self._members[run], self._scores[run], self._counts[run]
        del self._last_members[run], self._last_scores[run]
        self._sum_up()

    def _split(self, run: int) -> None:
        """Divide a run in two halves."""
        members, scores = self._members[run], self._scores[run]
        half = len(members) // 2
        self._members[run : run + 1] = [members[:half], members[half:]]
        self._scores[run : run + 1] = [scores[:half], scores[half:]]
        self._counts[run : run + 1] = [half, len(members) - half]
        self._last_members.insert(run, members[half - 1])
        self._last_scores.insert(run, scores[half - 1])
        self._sum_up()

    def _sum_up(self) -> None:
        counts = self._counts
        self._sums = [sum(counts[at : at + _GROUP]) for at in range(0, len(counts), _GROUP)]
