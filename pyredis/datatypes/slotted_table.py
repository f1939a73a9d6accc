"""A table whose hash begins with the key's slot: a slot's keys are a bucket of it, so there is no second index.

The directory tells keys apart by the bits of their slots alone, of which there are 14. While there are few keys a
bucket holds those of several slots; one that is told apart by all 14 bits holds one slot's, and when it outgrows a
bucket it becomes a plain `Table` that stands in its place. So a hot slot splits as any table does, and the directory
never has more than 16384 entries: one directory for all bits would double with each split of the one hot slot.

For a scan both are one table with one hash: the slot, and above it the hash by which the inner table goes. So the keys
of a slot stand together there, and to scan a slot is to scan between two places.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import Self, TypeVar, cast

from pyredis.datatypes.key_slot import SLOT_BITS, SLOTS, key_slot
from pyredis.datatypes.table import BUCKET_LIMIT, PLACES, Table, reversed_bits

V = TypeVar("V")

_SLOT_PLACES = PLACES // SLOTS
_DRAWS = 30  # of a bucket by chance, before all are looked at


def slotted_hash(key: bytes) -> int:
    """The slot, and above it what tells the keys of one slot apart."""
    return hash(key) << SLOT_BITS | key_slot(key)


class SlottedTable(Table[V]):
    """bytes → V. A bucket is at `directory[key_slot(key) & mask]`, and may be a `Table`."""

    __slots__ = ("_largest",)

    hash_of = staticmethod(slotted_hash)
    deepest = SLOT_BITS

    def __contains__(self, key: bytes) -> bool:
        return key in self.directory[key_slot(key) & self.mask]

    def clear(self) -> None:
        """Forget everything; the old buckets are freed with the last reference to them."""
        super().clear()
        self._largest = BUCKET_LIMIT  # no bucket holds more keys: what a random key needs to know

    def bucket(self, key: bytes) -> dict[bytes, V]:
        """Where a key stands, if it is there: values of keys that are may be replaced in it."""
        return self.directory[key_slot(key) & self.mask]

    def copy(self) -> Self:
        """Another table with the same keys and the same values."""
        twin = super().copy()
        twin._largest = self._largest
        return twin

    def get(self, key: bytes) -> V | None:
        """The value, or None."""
        return self.directory[key_slot(key) & self.mask].get(key)

    def set(self, key: bytes, value: V) -> bool:
        """Store; True when the key is new."""
        index = key_slot(key) & self.mask
        bucket = self.directory[index]
        before = len(bucket)
        bucket[key] = value
        if len(bucket) == before:
            return False
        self.count += 1
        if before >= BUCKET_LIMIT:
            self._split_until_small(index)
            self._largest = max(self._largest, before + 1)
        return True

    def pop(self, key: bytes, default: None = None) -> V | None:
        """Remove and return the value, or None."""
        index = key_slot(key) & self.mask
        bucket = self.directory[index]
        value = bucket.pop(key, default)
        if value is not None:
            self.count -= 1
            if not bucket:
                self._merge(index)
        return value

    def update(self, keys: Sequence[bytes], values: Iterable[V]) -> int:
        """Store a value for each key, of equal keys the last one; returns how many are new."""
        new = super().update(keys, values)
        self._largest = max(self._largest, max(map(len, self.directory)))
        return new

    # Slots

    def keys_in_slot(self, slot: int, count: int) -> list[bytes]:
        """At most `count` keys of a slot."""
        return [*islice(self._of_slot(slot), max(count, 0))]

    def count_in_slot(self, slot: int) -> int:
        """How many keys a slot has."""
        index = slot & self.mask
        whole = self.depths[index] == SLOT_BITS
        return len(self.directory[index]) if whole else sum(1 for _ in self._of_slot(slot))

    def clear_slot(self, slot: int) -> list[bytes]:
        """Remove the keys of a slot, and return them."""
        keys = list(self._of_slot(slot))
        index = slot & self.mask
        if len(keys) < len(self.directory[index]):
            self.discard(keys)
            return keys
        depth = self.depths[index]
        self._point(index & (1 << depth) - 1, depth, {})  # a table that stood there takes itself apart
        self.count -= len(keys)
        self._merge(index)
        return keys

    def scan_slot(self, slot: int, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """One step of a scan of a slot's keys alone; a cursor of another slot begins anew."""
        first = reversed_bits(slot)
        return self.scan(cursor, count, first, first + _SLOT_PLACES)

    def _of_slot(self, slot: int) -> Iterator[bytes]:
        index = slot & self.mask
        bucket = self.directory[index]
        return iter(bucket) if self.depths[index] == SLOT_BITS else (key for key in bucket if key_slot(key) == slot)

    # All keys

    def buckets(self) -> Iterator[dict[bytes, V]]:
        """Each bucket once, those of inner tables among them."""
        for bucket in super().buckets():
            inner = _inner(bucket)
            if inner is None:
                yield bucket
            else:
                yield from inner.buckets()

    def random_bucket(self, random: Random) -> dict[bytes, V]:
        """A random bucket of a table that is not empty."""
        bucket = self._draw(random)
        inner = _inner(bucket)
        return bucket if inner is None else inner.random_bucket(random)

    def random_key(self, random: Random) -> bytes | None:
        """A uniformly random key, or None when empty."""
        if not self.count:
            return None
        bucket = self._draw(random)
        inner = _inner(bucket)
        if inner is not None:
            return inner.random_key(random)
        return next(islice(bucket, int(random.random() * len(bucket)), None))

    def _draw(self, random: Random) -> dict[bytes, V]:
        """What stands in the directory, drawn the more often the more keys it holds."""
        top, size = self.mask.bit_length(), self.mask + 1
        for _ in range(_DRAWS):
            index = int(random.random() * size)
            bucket = self.directory[index]
            if random.random() * (self._largest << (top - self.depths[index])) < len(bucket):
                return bucket
        # Some slots have far more keys than others, and there are few buckets for so long a directory.
        buckets = [self.directory[index] for index in self._leaves()]
        sizes = list(map(len, buckets))
        self._largest = max(BUCKET_LIMIT, *sizes)
        return random.choices(buckets, sizes)[0]

    def _leaves(self) -> Iterator[int]:
        """Where each bucket stands first: in time for the buckets, not for the directory."""
        depths = self.depths
        pending = [(0, 0)]
        while pending:
            index, depth = pending.pop()
            if depths[index] <= depth:
                yield index
            else:
                pending += ((index, depth + 1), (index | 1 << depth, depth + 1))

    def _bucket_at(self, place: int) -> tuple[dict[bytes, V], int, int]:
        found = super()._bucket_at(place)
        inner = _inner(found[0])
        if inner is None:
            return found
        bucket, start, end = inner._bucket_at(place << SLOT_BITS & PLACES - 1)
        return bucket, found[1] + (start >> SLOT_BITS), found[1] + (end >> SLOT_BITS)

    # Inside

    def _split(self, index: int) -> None:
        """Divide a bucket; one that holds a single slot becomes a table, which divides itself."""
        if self.depths[index] < SLOT_BITS:
            super()._split(index)
        else:
            self.directory[index] = cast("dict[bytes, V]", Table.filled(self.directory[index].items()))

    def _merge(self, index: int) -> None:
        """As of any bucket, but what holds one slot's keys as a table goes on doing so."""
        if self.count and self.depths[index] == SLOT_BITS:
            if _inner(self.directory[index]) is not None:
                self.directory[index] = {}
            if _inner(self.directory[index ^ SLOTS >> 1]) is not None:
                return
        super()._merge(index)


def _inner(bucket: dict[bytes, V]) -> Table[V] | None:
    """The table that stands in a bucket's place: it does all that a bucket is asked to."""
    return None if bucket.__class__ is dict else cast("Table[V]", bucket)
