"""The hash table of a database: a directory of small dicts (extendible hashing, Fagin et al. 1979).

One large dict would be quicker by some 50 ns a look-up, but it cannot be scanned while it changes, cannot give a
random key, and stops the world for tens of milliseconds when it grows. Here the low bits of a key's hash choose a
directory entry; a bucket that grows past `BUCKET_LIMIT` splits in two by one bit more, and only it. `depths[i]` says
by how many bits the bucket at entry i is told apart; a bucket of smaller depth stands at several entries.

A scan goes through the keys in the order of their hashes' reversed bits, their places, of which the low bits come
first. Buckets are runs of that order, so a split or a merge leaves every key on its side of the cursor: what is there
from start to end is returned. A cursor is a place with its bits in order again, of which few are set, as in Redis.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from random import Random
from typing import ClassVar, Generic, Self, TypeVar

from pyredis.datatypes.dismantling import Parts, dismantle

V = TypeVar("V")

BUCKET_LIMIT = 341  # what a dict of 512 slots holds: one key more would double it
_FILL = BUCKET_LIMIT * 3 // 4  # keys that a bucket gets at most, on average, where room is made
_FEW = 50  # keys that are stored one by one, whatever the table's size
_SAMPLED_BUCKETS = 10  # that a sample looks at for one with enough keys
RESERVED_MAX = 1 << 24
"""Keys for which room is made at most: who asks for more may be wrong."""
PLACE_BITS = 64
PLACES = 1 << PLACE_BITS
_HASHES = PLACES - 1
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_STEPS = 10  # buckets for each key asked for that a step of a scan looks into: some may be empty


class _Order:
    """Keys by their `places`, which ascend."""

    __slots__ = ("_given", "_known", "keys", "places")

    def __init__(self, given: list[bytes], hash: Callable[[bytes], int]) -> None:
        reversed_bytes = array("Q", [hash(key) & _HASHES for key in given]).tobytes().translate(_REVERSED)
        swapped = array("Q", reversed_bytes)
        swapped.byteswap()
        places = swapped.tolist()
        order = sorted(range(len(places)), key=places.__getitem__)
        self._given = given
        self._known = frozenset(given)
        self.places = [places[at] for at in order]
        self.keys = [given[at] for at in order]

    def serves(self, bucket: dict[bytes, V]) -> bool:
        """Whether all of a bucket's keys are among these, and not too few are left."""
        if len(bucket) == len(self.keys):
            return self._given == list(bucket)
        return len(bucket) < len(self.keys) <= 2 * len(bucket) and self._known.issuperset(bucket)

    def find_living(self, bucket: dict[bytes, V], at: int, last: int, count: int, found: list[bytes]) -> int:
        """Add keys that a bucket still has, from `at` up to `last`, until `count` are found; where it stopped."""
        while at < last and len(found) < count:
            if self.keys[at] in bucket:
                found.append(self.keys[at])
            at += 1
        return at


_NOTHING = _Order([], hash)


class Table(Generic[V]):
    """bytes → V. `directory` and `mask` are public for the hot path: `directory[hash(key) & mask]` is the bucket.

    A subclass may have another `hash_of`, and then methods of its own for single keys; here they name the built-in
    hash, since to look the function up would cost a tenth of the look-up.
    """

    __slots__ = ("_walked", "count", "depths", "directory", "mask")

    hash_of: Callable[[bytes], int] = staticmethod(hash)
    deepest: ClassVar[int] = 64
    """By how many bits of it buckets are told apart at most."""

    def __init__(self) -> None:
        self.clear()

    def __del__(self, dismantle: Callable[[Parts], None] = dismantle) -> None:
        if self.mask:
            dismantle(self.directory)

    @classmethod
    def filled(cls, items: Iterable[tuple[bytes, V]]) -> "Table[V]":
        """A table of some keys and values."""
        pairs = list(items)
        table: Table[V] = cls()
        table.update([key for key, _ in pairs], [value for _, value in pairs])
        return table

    def _split_until_small(self, index: int) -> None:
        """Split the bucket at `index`, and what comes of it, until none is too large."""
        pending = [index]
        while pending:
            index = pending.pop()
            bucket = self.directory[index]
            if len(bucket) > BUCKET_LIMIT and bucket.__class__ is dict:
                depth = self.depths[index]
                self._split(index)
                if depth < self.deepest:
                    pending += (index, index | 1 << depth)

    def copy(self) -> Self:
        """Another table with the same keys and the same values."""
        twin = type(self)()
        copies = {id(bucket): bucket.copy() for bucket in Table.buckets(self)}
        twin.directory = [copies[id(bucket)] for bucket in self.directory]
        twin.depths = self.depths.copy()
        twin.mask, twin.count = self.mask, self.count
        return twin

    def clear(self) -> None:
        """Forget everything; the old buckets are freed with the last reference to them."""
        self.directory: list[dict[bytes, V]] = [{}]
        self.depths = [0]
        self.mask = 0
        self.count = 0
        self._walked = _NOTHING  # of the bucket last scanned in parts

    def reserve(self, count: int) -> None:
        """Make room in an empty table for `count` keys that will come: it need not split then."""
        if self.count:
            return
        depth = min(_depth_for(count), self.deepest)
        self.mask = (1 << depth) - 1
        self.directory = [{} for _ in range(self.mask + 1)]
        self.depths = [depth] * (self.mask + 1)

    def __len__(self) -> int:
        return self.count

    def __contains__(self, key: bytes) -> bool:
        return key in self.directory[hash(key) & self.mask]

    def __iter__(self) -> Iterator[bytes]:
        for bucket in self.buckets():
            yield from bucket

    def items(self) -> Iterator[tuple[bytes, V]]:
        """Every key and value; the table must not change meanwhile."""
        for bucket in self.buckets():
            yield from bucket.items()

    def buckets(self) -> Iterator[dict[bytes, V]]:
        """Each bucket once: at the lowest of its directory entries."""
        depths = self.depths
        for index, bucket in enumerate(self.directory):
            if index >> depths[index] == 0:
                yield bucket

    def get(self, key: bytes) -> V | None:
        """The value, or None."""
        return self.directory[hash(key) & self.mask].get(key)

    def __setitem__(self, key: bytes, value: V) -> None:
        self.set(key, value)

    def set(self, key: bytes, value: V) -> bool:
        """Store; True when the key is new."""
        bucket = self.directory[hash(key) & self.mask]
        before = len(bucket)
        bucket[key] = value
        if len(bucket) == before:
            return False
        self.count += 1
        if before >= BUCKET_LIMIT:
            self._split(hash(key) & self.mask)
        return True

    def pop(self, key: bytes, default: None = None) -> V | None:
        """Remove and return the value, or None."""
        index = hash(key) & self.mask
        bucket = self.directory[index]
        value = bucket.pop(key, default)
        if value is not None:
            self.count -= 1
            if not bucket:
                self._merge(index)
        return value

    # Many keys at once: what a command with many arguments costs is what one of them costs here

    def get_many(self, keys: Iterable[bytes]) -> list[V | None]:
        """The values, None where there is none."""
        directory, mask, hash = self.directory, self.mask, self.hash_of
        return [directory[hash(key) & mask].get(key) for key in keys]

    def update(self, keys: Sequence[bytes], values: Iterable[V]) -> int:
        """Store a value for each key, of equal keys the last one; returns how many are new.

        With fewer keys than buckets one by one; else without a look at each bucket's size, which is mended afterwards.
        """
        if len(keys) <= max(self.mask, _FEW):
            return sum(map(self.set, keys, values))
        before = self.count
        if len(keys) > before:
            self._spread(before + len(keys))
        directory, mask, hash = self.directory, self.mask, self.hash_of
        for key, value in zip(keys, values, strict=True):
            directory[hash(key) & mask][key] = value
        self.count = sum(map(len, self.buckets()))
        if _depth_for(self.count) + 1 < mask.bit_length():
            self._spread(self.count)  # many were equal: the room is not needed
        for index in [index for index, bucket in enumerate(self.directory) if len(bucket) > BUCKET_LIMIT]:
            self._split_until_small(index)
        return self.count - before

    def discard(self, keys: Iterable[bytes]) -> int:
        """Remove keys; returns how many there were."""
        before = self.count
        directory, mask, hash = self.directory, self.mask, self.hash_of
        for key in keys:
            bucket = directory[hash(key) & mask]
            if bucket.pop(key, None) is not None:
                self.count -= 1
                if not bucket:
                    self._merge(hash(key) & mask)
                    directory, mask = self.directory, self.mask
        return before - self.count

    def _spread(self, count: int) -> None:
        """Distribute the keys anew, over buckets enough for `count` of them."""
        buckets = list(self.buckets())
        self.count = 0
        self.reserve(count)
        directory, mask, hash = self.directory, self.mask, self.hash_of
        for bucket in buckets:
            self.count += len(bucket)
            for key, value in bucket.items():
                directory[hash(key) & mask][key] = value

    def random_key(self, random: Random) -> bytes | None:
        """A uniformly random key, or None when empty."""
        if not self.count:
            return None
        top = self.mask.bit_length()
        size, directory, fraction = self.mask + 1, self.directory, random.random
        for _ in range(100):
            place = fraction() * size
            index = int(place)
            bucket = directory[index]
            # A bucket that stands at several entries is drawn that much more often, so it is taken that much less.
            among = (BUCKET_LIMIT + 1) << (top - self.depths[index]) if top else len(bucket)
            draw = int((place - index) * among)  # what is left of the fraction is as random: 53 bits are plenty
            if draw < len(bucket):
                return next(islice(bucket, draw, None))
        return self._nth_key(random.randrange(self.count))

    def random_bucket(self, random: Random) -> dict[bytes, V]:
        """A random bucket of a table that is not empty."""
        return self.directory[int(random.random() * (self.mask + 1))]

    def sample(self, random: Random, count: int) -> list[bytes]:
        """`count` random keys of one bucket, the same perhaps twice: quicker than one at a time. None when empty."""
        fraction = random.random
        for _ in range(_SAMPLED_BUCKETS if self.count else 0):
            bucket = self.random_bucket(random)
            if len(bucket) >= count:
                keys, size = list(bucket), len(bucket)
                return [keys[int(fraction() * size)] for _ in range(count)]
        found = [self.random_key(random) for _ in range(min(count, self.count))]
        return [key for key in found if key is not None]

    def _nth_key(self, position: int) -> bytes:
        """The key at `position` in bucket order: for a table of which little is left."""
        for bucket in self.buckets():
            if position < len(bucket):
                return next(islice(bucket, position, None))
            position -= len(bucket)
        raise IndexError(position)

    def scan(self, cursor: int, count: int, first: int = 0, end: int = PLACES) -> tuple[int, list[bytes]]:
        """A step of a scan from `cursor` on: the next cursor, 0 at the end, and `count` keys, or some more of one hash.

        `first` and `end` bound the places; a cursor outside begins anew.
        """
        place = reversed_bits(cursor)
        place = place if first <= place < end else first
        found: list[bytes] = []
        for _ in range(count * _STEPS):
            bucket, start, stop = self._bucket_at(place)
            if place == start and stop <= end and len(found) + len(bucket) <= count:
                found += bucket
                place = stop
            else:
                place = self._scan_part(bucket, place, min(stop, end), count, found)
            if place >= end:
                return 0, found
            if len(found) >= count:
                break
        return reversed_bits(place), found

    def _bucket_at(self, place: int) -> tuple[dict[bytes, V], int, int]:
        """The bucket whose keys have this place or near ones, where they begin and where they end."""
        index = reversed_bits(place) & self.mask
        size = PLACES >> self.depths[index]
        start = place & -size
        return self.directory[index], start, start + size

    def _scan_part(self, bucket: dict[bytes, V], place: int, end: int, count: int, found: list[bytes]) -> int:
        """Add keys of a bucket from `place` on to those found, until there are `count`; returns where to go on."""
        order = self._in_order(bucket)
        places, keys = order.places, order.keys
        at, last = bisect_left(places, place), bisect_left(places, end)
        if len(places) == len(bucket):
            stop = at + count - len(found)
            found += keys[at : min(stop, last)]
        else:
            stop = order.find_living(bucket, at, last, count, found)
        while stop < last and places[stop] == places[stop - 1]:
            found += [keys[stop]] if keys[stop] in bucket else ()
            stop += 1
        if stop >= last:
            self._walked = _NOTHING
            return end
        bits = (places[stop - 1] ^ places[stop]).bit_length() - 1
        return places[stop] >> bits << bits  # what is behind one and not behind the other, with the fewest bits

    def _in_order(self, bucket: dict[bytes, V]) -> "_Order":
        """The order of a bucket's keys: steps that follow find the same bucket, of which some keys may be gone."""
        if not self._walked.serves(bucket):
            self._walked = _Order(list(bucket), self.hash_of)
        return self._walked

    def _split(self, index: int) -> None:
        """Divide the bucket at `index` by one bit more; a bucket of full depth doubles the directory first."""
        depth = self.depths[index]
        if 1 << depth > self.mask:
            self.directory += self.directory
            self.depths += self.depths
            self.mask = self.mask * 2 + 1
        bit = 1 << depth
        bucket, hash = self.directory[index], self.hash_of
        ones = {key: value for key, value in bucket.items() if hash(key) & bit}
        zeros = {key: value for key, value in bucket.items() if key not in ones} if ones else bucket
        low = index & (bit - 1)
        self._point(low, depth + 1, zeros)
        self._point(low | bit, depth + 1, ones)

    def _merge(self, index: int) -> None:
        """An empty bucket gives its entries to its sibling; an empty table starts over."""
        if not self.count:
            self.clear()
            return
        depth = self.depths[index]
        if not depth:
            return
        bit = 1 << (depth - 1)
        sibling = index ^ bit
        if self.depths[sibling] == depth:
            self._point(index & (bit - 1), depth - 1, self.directory[sibling])

    def _point(self, low: int, depth: int, bucket: dict[bytes, V]) -> None:
        """Let every entry whose lowest `depth` bits are `low` stand for `bucket`."""
        for index in range(low, self.mask + 1, 1 << depth):
            self.directory[index] = bucket
            self.depths[index] = depth


def _depth_for(count: int) -> int:
    """By how many bits buckets are told apart that have room for `count` keys."""
    return (min(count, RESERVED_MAX) // _FILL).bit_length()


def reversed_bits(value: int) -> int:
    """64 bits from the last to the first."""
    return int.from_bytes(value.to_bytes(8, "little").translate(_REVERSED), "big")
