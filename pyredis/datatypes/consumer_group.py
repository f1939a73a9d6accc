"""Consumer groups of a stream: how far a group has read, its consumers, and what was delivered and not acknowledged.

Every delivery is pending twice: in the group, by ID, and in its consumer, as one of the consumer's IDs. A delivery
names its consumer instead of pointing at it, so that nothing here is a reference cycle. Times are ms since 1970.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from operator import itemgetter

from pyredis.datatypes.dismantling import Parts, dismantle

UNKNOWN = -1
"""A number of entries read that nobody knows; a time that never was."""

_LAST = itemgetter(-1)
_FULL = 512


class SortedIds:
    """Different IDs in order, in chunks of limited size. Adding behind the last one is the common case."""

    __slots__ = ("chunks",)

    def __init__(self) -> None:
        self.chunks: list[list[int]] = []

    def __del__(self, dismantle: Callable[[Parts], None] = dismantle) -> None:
        dismantle(self.chunks)

    def __iter__(self) -> Iterator[int]:
        for chunk in self.chunks:
            yield from chunk

    def copy(self) -> "SortedIds":
        """An independent copy."""
        twin = SortedIds()
        twin.chunks = [chunk[:] for chunk in self.chunks]
        return twin

    @property
    def first(self) -> int:
        """The lowest ID. IndexError when there is none."""
        return self.chunks[0][0]

    @property
    def last(self) -> int:
        """The highest ID. IndexError when there is none."""
        return self.chunks[-1][-1]

    def since(self, start: int) -> Iterator[int]:
        """The IDs from `start` on; there may be no change meanwhile."""
        chunks = self.chunks
        at = bisect_left(chunks, start, key=_LAST)
        if at < len(chunks):
            chunk = chunks[at]
            yield from chunk[bisect_left(chunk, start) :]
            for later in range(at + 1, len(chunks)):
                yield from chunks[later]

    def add(self, id: int) -> None:
        """Add an ID that is not there."""
        chunks = self.chunks
        if not chunks or (id > chunks[-1][-1] and len(chunks[-1]) >= _FULL):
            chunks.append([id])
        elif id > chunks[-1][-1]:
            chunks[-1].append(id)
        else:
            at = bisect_left(chunks, id, key=_LAST)
            chunk = chunks[at]
            insort(chunk, id)
            if len(chunk) > 2 * _FULL:
                chunks.insert(at + 1, chunk[_FULL:])
                del chunk[_FULL:]

    def remove(self, id: int) -> None:
        """Take an ID out that is there."""
        chunks = self.chunks
        at = bisect_left(chunks, id, key=_LAST)
        chunk = chunks[at]
        del chunk[bisect_left(chunk, id)]
        if not chunk:
            del chunks[at]


class Delivery:
    """An entry given to a consumer and not acknowledged: to whom, when last, and how often."""

    __slots__ = ("consumer", "count", "time")

    def __init__(self, consumer: bytes, time: int, count: int = 1) -> None:
        self.consumer = consumer
        self.time = time
        self.count = count


class Consumer:
    """One reader of a group. `seen` is when it last tried to read, `active` when it last got something."""

    __slots__ = ("active", "count", "name", "pending", "seen")

    def __init__(self, name: bytes, now: int) -> None:
        self.name = name
        self.seen = now
        self.active = UNKNOWN
        self.pending = SortedIds()
        self.count = 0

    def copy(self) -> "Consumer":
        """An independent copy."""
        twin = Consumer(self.name, self.seen)
        twin.active = self.active
        twin.pending, twin.count = self.pending.copy(), self.count
        return twin


class Group:
    """A group: `last_id` is the last entry delivered, `entries_read` how many that makes, or UNKNOWN."""

    __slots__ = ("consumers", "deliveries", "entries_read", "last_id", "pending")

    def __init__(self, last_id: int, entries_read: int = UNKNOWN) -> None:
        self.last_id = last_id
        self.entries_read = entries_read
        self.consumers: dict[bytes, Consumer] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.pending = SortedIds()

    def __del__(self, dismantle: Callable[[Parts], None] = dismantle) -> None:
        dismantle(self.deliveries)

    def copy(self) -> "Group":
        """An independent copy."""
        twin = Group(self.last_id, self.entries_read)
        twin.consumers = {name: consumer.copy() for name, consumer in self.consumers.items()}
        twin.deliveries = {id: Delivery(one.consumer, one.time, one.count) for id, one in self.deliveries.items()}
        twin.pending = self.pending.copy()
        return twin

    def deliver(self, id: int, consumer: Consumer, time: int) -> Delivery:
        """An entry goes to a consumer for the first time, whoever had it before."""
        delivery = self.deliveries.get(id)
        if delivery is None:
            delivery = self.deliveries[id] = Delivery(consumer.name, time)
            self.pending.add(id)
            consumer.pending.add(id)
            consumer.count += 1
        else:
            self.assign(id, delivery, consumer)
            delivery.time, delivery.count = time, 1
        return delivery

    def assign(self, id: int, delivery: Delivery, consumer: Consumer) -> None:
        """Let what is pending belong to another consumer."""
        if delivery.consumer != consumer.name:
            self._take_from(delivery.consumer, id)
            consumer.pending.add(id)
            consumer.count += 1
            delivery.consumer = consumer.name

    def acknowledge(self, id: int) -> bool:
        """An entry is no longer pending; False when it was not."""
        delivery = self.deliveries.pop(id, None)
        if delivery is None:
            return False
        self.pending.remove(id)
        self._take_from(delivery.consumer, id)
        return True

    def remove_consumer(self, name: bytes) -> int | None:
        """Forget a consumer and what it has pending: how much that was, or None when there is no such consumer."""
        consumer = self.consumers.pop(name, None)
        if consumer is None:
            return None
        for id in consumer.pending:
            del self.deliveries[id]
            self.pending.remove(id)
        return consumer.count

    def _take_from(self, name: bytes, id: int) -> None:
        consumer = self.consumers[name]
        consumer.pending.remove(id)
        consumer.count -= 1
