"""Consumer groups of a stream: how far a group has read, its consumers, and what was delivered and not acknowledged.

Every delivery is pending twice: in the group, by ID, and in its consumer, as one of the consumer's IDs. A delivery
names its consumer instead of pointing at it, so that nothing here is a reference cycle. Times are ms since 1970.

What is pending is kept in order by `sortedcontainers`: `pending[0]` is the first, `pending.irange(id)` what comes from
an ID on. There may be no change while that is walked.
"""

from collections.abc import Callable
from typing import Any

from pyredis.datatypes.dismantling import Parts, dismantle

UNKNOWN = -1
"""A number of entries read that nobody knows; a time that never was."""


def _no_ids() -> Any:
    """IDs in order: a SortedList, imported with the first group."""
    from sortedcontainers import SortedList

    return SortedList()


class Delivery:
    """An entry given to a consumer and not acknowledged: to whom, when last, and how often."""

    __slots__ = ("consumer", "count", "time")

    def __init__(self, consumer: bytes, time: int, count: int = 1) -> None:
        self.consumer = consumer
        self.time = time
        self.count = count


class Consumer:
    """One reader of a group. `seen` is when it last tried to read, `active` when it last got something."""

    __slots__ = ("active", "name", "pending", "seen")

    def __init__(self, name: bytes, now: int) -> None:
        self.name = name
        self.seen = now
        self.active = UNKNOWN
        self.pending = _no_ids()

    @property
    def count(self) -> int:
        """How many entries it has pending."""
        return len(self.pending)

    def copy(self) -> "Consumer":
        """An independent copy."""
        twin = Consumer(self.name, self.seen)
        twin.active = self.active
        twin.pending = self.pending.copy()
        return twin


class Group:
    """A group: `last_id` is the last entry delivered, `entries_read` how many that makes, or UNKNOWN."""

    __slots__ = ("consumers", "deliveries", "entries_read", "last_id", "pending")

    def __init__(self, last_id: int, entries_read: int = UNKNOWN) -> None:
        self.last_id = last_id
        self.entries_read = entries_read
        self.consumers: dict[bytes, Consumer] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.pending = _no_ids()

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
        else:
            self.assign(id, delivery, consumer)
            delivery.time, delivery.count = time, 1
        return delivery

    def assign(self, id: int, delivery: Delivery, consumer: Consumer) -> None:
        """Let what is pending belong to another consumer."""
        if delivery.consumer != consumer.name:
            self._take_from(delivery.consumer, id)
            consumer.pending.add(id)
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
        self.consumers[name].pending.remove(id)
