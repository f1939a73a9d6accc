"""Names that have a time (ms since 1970), soonest first: fields of a hash that expire, hashes that have such fields.

A dict holds the truth and a heap the order. A time that was changed or taken away stays in the heap until it comes up
there; when such dead entries outnumber the live ones the heap is made anew, so each operation is O(log n) on average.
A name is overdue once its time has passed, not at that millisecond itself, as keys are.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from pyredis.datatypes.dismantling import Parts, dismantle

_SPARE = 32  # dead entries not worth a clean-up


class Deadlines:
    """bytes → time."""

    __slots__ = ("_heap", "_times")

    def __init__(self) -> None:
        self._times: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def __del__(self, dismantle: Callable[[Parts], None] = dismantle) -> None:
        dismantle(self._times)
        dismantle(self._heap)

    def __len__(self) -> int:
        return len(self._times)

    def get(self, name: bytes) -> int | None:
        """The time of a name, or None."""
        return self._times.get(name)

    def set(self, name: bytes, when: int) -> None:
        """Give a name its time, whatever it had."""
        self._times[name] = when
        heappush(self._heap, (when, name))
        if len(self._heap) > 2 * len(self._times) + _SPARE:
            self._heap = [(when, name) for name, when in self._times.items()]
            heapify(self._heap)

    def pop(self, name: bytes) -> int | None:
        """Take a name's time away and return it, or None."""
        return self._times.pop(name, None)

    def soonest(self) -> int | None:
        """The earliest time, or None."""
        heap, times = self._heap, self._times
        while heap:
            when, name = heap[0]
            if times.get(name) == when:
                return when
            heappop(heap)
        return None

    def any_overdue(self, now: int) -> bool:
        """Whether a time has passed."""
        when = self.soonest()
        return when is not None and when < now

    def is_overdue(self, name: bytes, now: int) -> bool:
        """Whether the name has a time and it has passed."""
        when = self._times.get(name)
        return when is not None and when < now

    def take_overdue(self, now: int, limit: int | None = None) -> list[bytes]:
        """Remove and return names whose time has passed, soonest first, at most `limit`."""
        taken: list[bytes] = []
        while self.any_overdue(now) and (limit is None or len(taken) < limit):
            name = heappop(self._heap)[1]
            del self._times[name]
            taken.append(name)
        return taken

    def copy(self) -> "Deadlines":
        """An independent copy."""
        twin = Deadlines()
        twin._times = self._times.copy()
        twin._heap = self._heap.copy()
        return twin
