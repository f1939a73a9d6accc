"""What clients did to a set of distinct integers, and what a final read says of it.

Every operation adds one integer that nobody else adds, perhaps followed by WAIT. Its outcome is what its client may
believe: OK is acknowledged, FAILED was refused, INDETERMINATE is neither. A WAIT that answers fewer replicas than were
asked for has not failed: the write stands on the master and may live or die, so it is indeterminate; scored as an
acknowledgement it would blame the servers for a loss of which they told.

Then the final read convicts: *lost* is what was acknowledged and is not there, *resurrected* what was refused and is.
What is indeterminate may be in either state.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Outcome(Enum):
    OK = "acknowledged"
    FAILED = "refused"
    INDETERMINATE = "unknown"


@dataclass(frozen=True, slots=True)
class Operation:
    """One integer added: from `began` to `ended`, seconds of one monotonic clock."""

    value: int
    began: float
    ended: float
    outcome: Outcome


def outcome_of(replies: Sequence[Any], asked: int | None) -> Outcome:
    """What a write's replies mean, read as far as the connection lived; `asked`: WAIT's number, or None without it."""
    if not replies:
        return Outcome.INDETERMINATE
    written, *waited = replies
    if isinstance(written, Exception):
        return Outcome.FAILED
    if asked is None:
        return Outcome.OK
    enough = bool(waited) and isinstance(waited[0], int) and waited[0] >= asked
    return Outcome.OK if enough else Outcome.INDETERMINATE


@dataclass(frozen=True)
class Verdict:
    """What became of a history. `survived`: indeterminate and there. `invented`: there and never added."""

    acknowledged: int
    refused: int
    indeterminate: int
    survived: int
    lost: frozenset[int]
    resurrected: frozenset[int]
    repeated: frozenset[int]
    invented: frozenset[int]

    def line(self) -> str:
        """The counts, on one line."""
        return (
            f"acknowledged {self.acknowledged:>6}, lost {len(self.lost):>6}, refused {self.refused},"
            f" indeterminate {self.indeterminate} ({self.survived} survived), resurrected {len(self.resurrected)},"
            f" repeated {len(self.repeated)}, invented {len(self.invented)}"
        )


def check(history: Iterable[Operation], final: Sequence[int]) -> Verdict:
    """Compare what was done with what is there in the end; each value is added by one operation."""
    history = list(history)
    by = {outcome: frozenset(done.value for done in history if done.outcome is outcome) for outcome in Outcome}
    there = Counter(final)
    return Verdict(
        acknowledged=len(by[Outcome.OK]),
        refused=len(by[Outcome.FAILED]),
        indeterminate=len(by[Outcome.INDETERMINATE]),
        survived=len(by[Outcome.INDETERMINATE] & there.keys()),
        lost=by[Outcome.OK] - there.keys(),
        resurrected=by[Outcome.FAILED] & there.keys(),
        repeated=frozenset(value for value, times in there.items() if times > 1),
        invented=frozenset(there.keys() - {done.value for done in history}),
    )
