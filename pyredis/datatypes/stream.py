"""A stream: entries in the order of their IDs, in nodes as Redis's radix tree of listpacks has them.

An entry is a flat tuple of fields and values; entries with the same fields as their node's first share those. A node
is full by `stream-node-max-bytes` and `-entries`, and knows the bytes of its double, so that `MAXLEN ~`, which drops
whole nodes, drops what Redis 8.2 would. What was deleted still counts in its node, which goes with its last entry.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from pyredis.datatypes.allocation import allocated
from pyredis.datatypes.consumer_group import UNKNOWN, Group
from pyredis.datatypes.dismantling import Parts, dismantle
from pyredis.datatypes.listpack import EMPTY_SIZE, entry_size, integer_size
from pyredis.datatypes.radix_tree import radix_tree_nodes
from pyredis.datatypes.stream_id import MAX_ID, SEQUENCE_MASK
from pyredis.errors import CommandError

Entry = tuple[bytes, ...]

KEEPREF, DELREF, ACKED = b"KEEPREF", b"DELREF", b"ACKED"
"""What becomes of deliveries of an entry that is deleted: they stay, they go, or it is only deleted without any."""

LARGEST_NODE = 1 << 30
_FIRST = attrgetter("first")
_SMALL = 128  # below, an integer takes 2 bytes in a listpack

_STREAM, _GROUP, _CONSUMER, _DELIVERY = 136, 40, 32, 32
_TREE_KEY, _TREE_NODE = 16, 244
_RESERVED = 4096  # what Redis allocates at once for a node


class Limits(NamedTuple):
    """When a node is full, in bytes and in entries (0: never)."""

    bytes: int
    entries: int


_UNLIMITED = Limits(2 * LARGEST_NODE, 0)


class Trim(NamedTuple):
    """What to delete at the head: all but `length` entries, or if that is None what is below `minimum`.

    An approximate trim deletes whole nodes only, together up to `limit` entries (0: any number).
    """

    length: int | None = None
    minimum: int = 0
    approximate: bool = False
    limit: int = 0
    policy: bytes = KEEPREF


class Node:
    """A run of entries. `first` is the ID it began with, `last` the last one added, both deleted or not.

    `single` is the first entry's field where that has only one.
    """

    __slots__ = ("deleted", "entries", "fields", "first", "ids", "last", "single", "size")

    def __init__(self, first: int, fields: Entry) -> None:
        self.first = self.last = first
        self.fields = fields
        self.single = fields[0] if len(fields) == 1 else None
        self.ids: list[int] = []
        self.entries: list[Entry] = []
        self.deleted = 0
        self.size = EMPTY_SIZE + integer_size(len(fields)) + sum(map(entry_size, fields)) + 2

    def copy(self) -> "Node":
        """An independent copy."""
        twin = Node(self.first, self.fields)
        twin.last, twin.deleted, twin.size = self.last, self.deleted, self.size
        twin.ids, twin.entries = self.ids[:], self.entries[:]
        return twin

    @property
    def listpack_size(self) -> int:
        """The size of Redis's listpack."""
        return self.size + integer_size(len(self.ids)) + integer_size(self.deleted)

    def add(self, id: int, words: Entry, limits: Limits) -> bool:
        """Add an entry behind all others; False when the node is full."""
        ids, size = self.ids, self.size
        count = len(ids) + self.deleted
        if 0 < limits.entries <= count:
            return False
        is_single = len(words) == 2 and words[0] == self.single
        length = len(words[0]) + len(words[1]) if is_single else sum(map(len, words))
        if (size + 4 if count < _SMALL else self.listpack_size) + length >= (limits.bytes or LARGEST_NODE):
            return False
        size += 4 if id - self.first < _SMALL else _difference_size(id, self.first)
        if is_single:
            value = words[1]
            self.entries.append((self.single, value))  # type: ignore[arg-type]
            self.size = size + 4 + entry_size(value)
        else:
            self.size = size
            self._add_words(words)
        ids.append(id)
        self.last = id
        return True

    def _add_words(self, words: Entry) -> None:
        """Add what any entry has besides its ID."""
        fields, count = words[::2], len(words) // 2
        if fields == self.fields:
            self.size += 2 + integer_size(count + 3) + sum(map(entry_size, words[1::2]))
            shared = [*words]
            shared[::2] = self.fields
            words = (*shared,)
        else:
            self.size += 2 + integer_size(count) + sum(map(entry_size, words)) + integer_size(2 * count + 4)
        self.entries.append(words)

    def remove(self, start: int, stop: int) -> None:
        """Delete the entries at these positions."""
        del self.ids[start:stop]
        del self.entries[start:stop]
        self.deleted += stop - start


def _difference_size(id: int, first: int) -> int:
    """The bytes of what an ID is above its node's first one: both numbers' differences, which may be negative."""
    sequence = id - first & SEQUENCE_MASK
    if sequence >> 63:
        sequence -= 1 << 64
    return integer_size((id >> 64) - (first >> 64)) + integer_size(sequence)


class Stream:
    """Entries by ID. `last_id` is the highest there ever was, `max_deleted_id` the highest that was deleted by name."""

    __slots__ = ("entries_added", "groups", "last_id", "length", "max_deleted_id", "nodes")

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.length = 0
        self.last_id = 0
        self.max_deleted_id = 0
        self.entries_added = 0
        self.groups: dict[bytes, Group] = {}

    def __del__(self, dismantle: Callable[[Parts], None] = dismantle) -> None:
        dismantle(self.nodes)

    def __len__(self) -> int:
        return self.length

    def copy(self) -> "Stream":
        """An independent copy, with its groups."""
        twin = Stream()
        twin.nodes = [node.copy() for node in self.nodes]
        twin.length, twin.last_id, twin.max_deleted_id = self.length, self.last_id, self.max_deleted_id
        twin.entries_added = self.entries_added
        twin.groups = {name: group.copy() for name, group in self.groups.items()}
        return twin

    # Adding

    def next_id(self, now: int) -> int:
        """The ID of an entry added at `now` ms."""
        return now << 64 if now > self.last_id >> 64 else self.last_id + 1

    def append(self, id: int, words: Entry, limits: Limits) -> None:
        """Add an entry, fields and values in turn; its ID is above `last_id`. Raises for one that no node can hold."""
        nodes = self.nodes
        if not (nodes and nodes[-1].add(id, words, limits)):
            if sum(map(len, words)) > LARGEST_NODE:
                raise CommandError(b"Elements are too large to be stored")
            node = Node(id, words[::2])
            node.add(id, words, _UNLIMITED)
            nodes.append(node)
        self.length += 1
        self.entries_added += 1
        self.last_id = id

    # Reading

    @property
    def first_id(self) -> int:
        """The first entry's ID; 0 without entries."""
        for node in self.nodes:
            if node.ids:
                return node.ids[0]
        return 0

    @property
    def top_id(self) -> int:
        """The last entry's ID, which may be below `last_id`; 0 without entries."""
        for node in reversed(self.nodes):
            if node.ids:
                return node.ids[-1]
        return 0

    def get(self, id: int) -> Entry | None:
        """The entry with this ID, or None."""
        at, position = self._find(id)
        return None if position is None else self.nodes[at].entries[position]

    def range(self, start: int = 0, end: int = MAX_ID, count: int = 0) -> list[tuple[int, Entry]]:
        """The entries from `start` to `end`, the first `count` of them (0: all)."""
        nodes, left = self.nodes, count or self.length
        found: list[tuple[int, Entry]] = []
        for at in range(self._node_of(start), len(nodes)):
            node = nodes[at]
            ids = node.ids
            if node.first > end:
                break
            low = bisect_left(ids, start) if node.first < start else 0
            high = bisect_right(ids, end) if node.last > end else len(ids)
            if high - low >= left:
                found += zip(ids[low : low + left], node.entries[low : low + left], strict=True)
                break
            found += zip(ids[low:high], node.entries[low:high], strict=True)
            left -= high - low
        return found

    def reversed_range(self, start: int = 0, end: int = MAX_ID, count: int = 0) -> list[tuple[int, Entry]]:
        """The entries from `end` back to `start`, the last `count` of them (0: all), last first."""
        nodes, left = self.nodes, count or self.length
        found: list[tuple[int, Entry]] = []
        for at in range(self._node_of(end), -1, -1) if nodes else ():
            node = nodes[at]
            ids = node.ids
            if node.last < start:
                break
            low = bisect_left(ids, start) if node.first < start else 0
            high = bisect_right(ids, end) if node.last > end else len(ids)
            low = max(low, high - left)
            found += zip(reversed(ids[low:high]), reversed(node.entries[low:high]), strict=True)
            left -= high - low
            if left <= 0:
                break
        return found

    # Deleting

    def delete(self, id: int) -> bool:
        """Delete an entry by its ID; False when it is not there."""
        at, position = self._find(id)
        if position is None:
            return False
        node = self.nodes[at]
        node.remove(position, position + 1)
        if not node.ids:
            del self.nodes[at]
        self.length -= 1
        self.max_deleted_id = max(self.max_deleted_id, id)
        return True

    def trim(self, how: Trim) -> int:
        """Delete entries at the head; how many went. Whole nodes only go with KEEPREF, as in Redis 8.2."""
        before, at = self.length, 0
        nodes = self.nodes
        if how.policy == KEEPREF:
            self._trim_nodes(how)
        while at < len(nodes) and not how.approximate:
            node = nodes[at]
            if how.length is not None and self.length <= how.length:
                break
            goes_on = self._is_surplus(node, how)
            self._trim_within(node, how)
            if not goes_on:
                break  # the node stays even if only deleted entries are left in it
            if node.ids:
                at += 1
            else:
                del nodes[at]
        return before - self.length

    def _trim_nodes(self, how: Trim) -> None:
        """Drop whole nodes."""
        count = gone = 0
        for node in self.nodes:
            live = len(node.ids)
            if (
                (how.length is not None and self.length <= how.length)
                or (how.limit and gone + live > how.limit)
                or not self._is_surplus(node, how)
            ):
                break
            self.length -= live
            gone += live
            count += 1
        del self.nodes[:count]

    def _is_surplus(self, node: Node, how: Trim) -> bool:
        """Whether none of a node's entries should be left."""
        if how.length is None:
            return node.last < how.minimum
        return self.length - len(node.ids) >= how.length

    def _trim_within(self, node: Node, how: Trim) -> None:
        """Delete at the head of one node."""
        ids = node.ids
        surplus = len(ids) if how.length is None else min(self.length - how.length, len(ids))
        below = len(ids) if how.length is not None else bisect_left(ids, how.minimum)
        if how.policy == ACKED:
            free = (at for at, id in enumerate(ids[:below]) if not self.is_referenced(id))
            places = list(islice(free, surplus))
            for at in reversed(places):
                node.remove(at, at + 1)
            self.length -= len(places)
            return
        count = min(surplus, below)
        if how.policy == DELREF:
            for id in ids[:count]:
                self.forget(id)
        node.remove(0, count)
        self.length -= count

    # Groups

    def is_referenced(self, id: int) -> bool:
        """Whether a group has the entry pending or has still to read it."""
        return any(id > group.last_id or id in group.deliveries for group in self.groups.values())

    def forget(self, id: int) -> None:
        """Take an entry out of what is pending in any group."""
        for group in self.groups.values():
            group.acknowledge(id)

    def advance(self, group: Group, id: int) -> bool:
        """A group has read an entry: it counts, and goes on from there. False when it had been that far."""
        if id <= group.last_id:
            return False
        known = group.entries_read != UNKNOWN and group.last_id >= self.first_id
        if known and not self.has_gaps_after(group.last_id):
            group.entries_read += 1
        elif self.entries_added:
            group.entries_read = self.entries_up_to(id)
        group.last_id = id
        return True

    def has_gaps_after(self, id: int) -> bool:
        """Whether an entry was deleted by name at or behind `id`."""
        return bool(self.length and self.max_deleted_id and id <= self.max_deleted_id)

    def entries_up_to(self, id: int) -> int:
        """How many entries were ever added up to `id`, or UNKNOWN if that cannot be told without counting."""
        if not self.entries_added:
            return 0
        if not self.length and id <= self.last_id:
            return self.entries_added
        if id and id < self.max_deleted_id:
            return UNKNOWN
        if id >= self.last_id:
            return self.entries_added if id == self.last_id else UNKNOWN
        first = self.first_id
        if not self.max_deleted_id or self.max_deleted_id < first:
            if id < first:
                return self.entries_added - self.length
            if id == first:
                return self.entries_added - self.length + 1
        return UNKNOWN

    def lag(self, group: Group) -> int | None:
        """How many entries a group has still to read, or None if nobody knows."""
        if not self.entries_added or not self.length:
            return 0
        first = self.first_id
        if group.last_id < first and self.max_deleted_id < first:
            return self.length
        read = group.entries_read
        if read == UNKNOWN or self.has_gaps_after(group.last_id):
            read = self.entries_up_to(group.last_id)
        return None if read == UNKNOWN else self.entries_added - read

    # What Redis would take

    def tree_nodes(self) -> int:
        """The nodes of Redis's radix tree."""
        return radix_tree_nodes([node.first for node in self.nodes])

    def memory_usage(self, samples: int) -> int:
        """The bytes Redis would take, judged by the first `samples` nodes (0: all)."""
        nodes = self.nodes
        sizes = [allocated(node.listpack_size) for node in islice(nodes, samples or None)]
        full = sum(sizes) * (len(nodes) - 1) // len(sizes) + max(sizes[-1], _RESERVED) if sizes else 0
        groups = sum(
            _GROUP
            + _tree_size(len(group.deliveries), _DELIVERY)
            + sum(_CONSUMER + len(one.name) + _tree_size(one.count, 0) for one in group.consumers.values())
            for group in self.groups.values()
        )
        return _STREAM + _TREE_NODE * self.tree_nodes() + _TREE_KEY * len(nodes) + full + groups

    # Inside

    def _node_of(self, id: int) -> int:
        """The index of the node where an ID belongs; 0 for what is below all."""
        nodes = self.nodes
        if not nodes or id < nodes[0].first:
            return 0
        if id >= nodes[-1].first:
            return len(nodes) - 1
        return bisect_right(nodes, id, key=_FIRST) - 1

    def _find(self, id: int) -> tuple[int, int | None]:
        """Where an entry stands: the index of its node, and its position there or None."""
        at = self._node_of(id)
        if at < len(self.nodes):
            ids = self.nodes[at].ids
            position = bisect_left(ids, id)
            if position < len(ids) and ids[position] == id:
                return at, position
        return at, None


def _tree_size(count: int, payload: int) -> int:
    """The bytes of a radix tree of so many IDs that lie close together."""
    return (_TREE_KEY + payload) * count + _TREE_NODE * (2 * count or 1)
