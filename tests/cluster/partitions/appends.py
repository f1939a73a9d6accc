"""Numbers appended to lists by clients everywhere, and what the lists say of them in the end.

Every append has a number that no other has. Its outcome is what its client may believe: OK is acknowledged, FAILED was
refused, INDETERMINATE is neither. What was acknowledged may be lost only where replication is allowed to lose it: on
the losing side of a partition, until that side must have noticed. A read, without what is lost, is a prefix of the
final list: nothing is reordered, nothing comes back.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.replication.partitions.history import Outcome


@dataclass(frozen=True, slots=True)
class Append:
    """One number: from `began` to `ended`, seconds of one monotonic clock. `node`: who answered, 0 for nobody."""

    key: str
    value: int
    began: float
    ended: float
    outcome: Outcome
    node: int


@dataclass(frozen=True, slots=True)
class Read:
    """A list as a node had it."""

    key: str
    values: tuple[int, ...]
    node: int


@dataclass(frozen=True)
class Verdict:
    """`lost`: acknowledged and gone. `torn`: reads that are no prefix."""

    acknowledged: int
    refused: int
    indeterminate: int
    lost: tuple[Append, ...]
    resurrected: frozenset[int]
    repeated: frozenset[int]
    torn: tuple[Read, ...]

    def line(self) -> str:
        """The counts, on one line."""
        return (
            f"acknowledged {self.acknowledged:>5}, lost {len(self.lost):>4}, refused {self.refused:>4}, indeterminate"
            f" {self.indeterminate:>3}, resurrected {len(self.resurrected)}, repeated {len(self.repeated)},"
            f" torn reads {len(self.torn)}"
        )


def check(appends: Iterable[Append], reads: Iterable[Read], final: Mapping[str, Sequence[int]]) -> Verdict:
    """Compare what was done and read with what the lists hold in the end."""
    appends = list(appends)
    there = Counter(value for values in final.values() for value in values)
    by = {outcome: [done for done in appends if done.outcome is outcome] for outcome in Outcome}
    return Verdict(
        acknowledged=len(by[Outcome.OK]),
        refused=len(by[Outcome.FAILED]),
        indeterminate=len(by[Outcome.INDETERMINATE]),
        lost=tuple(done for done in by[Outcome.OK] if done.value not in there),
        resurrected=frozenset(done.value for done in by[Outcome.FAILED] if done.value in there),
        repeated=frozenset(value for value, times in there.items() if times > 1),
        torn=tuple(read for read in reads if not _is_prefix(read, final[read.key])),
    )


def _is_prefix(read: Read, final: Sequence[int]) -> bool:
    held = set(final)
    kept = [value for value in read.values if value in held]
    return kept == list(final[: len(kept)])
