"""The gate to the keyspace: every access to a key passes here.

`Database` alone does lazy expiry, hit and miss counts, the dirty count, and telling observers. Values stand plain in
a `Table`; what only some keys have (an expiry) stands in side tables. A string is `bytes`, an `int` after arithmetic,
or a `bytearray` once it was changed in place (Redis's raw encoding); other types bring their own classes.

Commands read with `get`, `string`, `peek`, take with `take` what they will change, and mutate by `set` (a new value,
expiry gone), `put` (a new value, expiry kept), `changed` (changed in place), `remove`, `expire_at` and `persist`:
each names its event.
"""

from binascii import crc_hqx
from collections.abc import Callable, Iterator, Sequence, Sized
from random import Random
from typing import Any, TypeVar

from pyredis.datatypes.deadlines import Deadlines
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.key_slot import BRACE, key_slot
from pyredis.datatypes.slotted_table import SlottedTable
from pyredis.datatypes.table import Table
from pyredis.errors import WrongType
from pyredis.keyspace import events
from pyredis.keyspace.events import Event
from pyredis.keyspace.kinds import type_name

T = TypeVar("T")
Observer = Callable[["Database", bytes, Event], None]
StringValue = bytes | bytearray | int
STRING_TYPES = frozenset((bytes, bytearray, int))

DELETE, HIDE, SHOW = range(3)
"""What becomes of a key or field past its time that somebody looks at; `engine.execution.expiry_view` decides."""


class Keyspace:
    """All databases of a server and what they share.

    `now` is wall time in ms, set by the engine once a batch, so that a batch, a script or a transaction sees one time.
    `slotted` is the database of a node of a cluster, which has only one: its keys can be counted, listed and dropped by
    their slot.
    """

    def __init__(self, count: int, random: Random, *, slotted: bool = False) -> None:
        self.now = 0
        self.random = random
        self.observers: tuple[Observer, ...] = ()
        self.on_access: Callable[[Database, bytes], None] | None = None  # set while access times are kept
        self.before_use: Callable[[Database, bytes, Any], None] | None = None  # sees a value before it may be changed
        self.accesses_plainly = True  # neither of the two is set
        self.on_swap: list[Callable[[Database, Database], None]] = []  # told after two databases were exchanged
        self.touching = True  # whether the present command counts as an access (CLIENT NO-TOUCH)
        self.on_expiry_set: Callable[[Database, bytes, int], None] | None = None  # a key was given an expiry
        self.on_expired: Callable[[Database, bytes], None] | None = None  # propagates the DEL
        self.on_fields_expired: Callable[[Database, bytes, list[bytes]], None] | None = None  # propagates the HDELs
        self.view = DELETE  # what becomes of keys and fields past their time
        self.stores_past = False  # whether a time in the past is stored as any other, and deletes nothing
        self.expired_count = 0
        self.expired_fields = 0
        kind = SlottedDatabase if slotted else Database
        self.databases: list[Database] = [kind(self, index) for index in range(count)]
        first = self.databases[0]
        self.slotted: SlottedDatabase | None = first if isinstance(first, SlottedDatabase) else None

    def observe(self, observer: Observer) -> None:
        """Tell `observer` of every event from now on."""
        if observer not in self.observers:
            self.observers = (*self.observers, observer)

    def update_access_hooks(self) -> None:
        """After `on_access` or `before_use` was set."""
        self.accesses_plainly = self.on_access is None and self.before_use is None

    def unobserve(self, observer: Observer) -> None:
        """Stop telling `observer`."""
        self.observers = tuple(one for one in self.observers if one != observer)

    @property
    def past(self) -> int:
        """What has a time before this one, ms, is overdue: nothing where all is shown."""
        return 0 if self.view == SHOW else self.now

    @property
    def dirty(self) -> int:
        """Changes ever made, over all databases."""
        return sum(db.dirty for db in self.databases)

    @property
    def hits(self) -> int:
        """Reads that found their key."""
        return sum(db.hits for db in self.databases)

    @property
    def misses(self) -> int:
        """Reads that did not find their key."""
        return sum(db.misses for db in self.databases)

    def reset_stats(self) -> None:
        """CONFIG RESETSTAT's part of the keyspace."""
        self.expired_count = self.expired_fields = 0
        for db in self.databases:
            db.hits = db.misses = 0

    def swap(self, first: int, second: int) -> None:
        """SWAPDB: exchange contents; clients stay with their number."""
        self.databases[first].dirty += 1
        if first == second:
            return
        one, two = self.databases[first], self.databases[second]
        one.table, two.table = two.table, one.table
        one.expires, two.expires = two.expires, one.expires
        one.fields_due, two.fields_due = two.fields_due, one.fields_due
        for tell in self.on_swap:
            tell(one, two)


class Database:
    """One numbered database. `dirty`, `hits` and `misses` are counts; times are ms since 1970."""

    __slots__ = ("dirty", "expires", "fields_due", "hits", "index", "misses", "space", "table")

    new_table: Callable[[], Table[Any]] = Table

    def __init__(self, space: Keyspace, index: int) -> None:
        self.space = space
        self.index = index
        self.table: Table[Any] = self.new_table()
        self.expires: Table[int] = Table()
        self.fields_due: Deadlines | None = None  # hashes by when their next field expires, if ever one had such
        self.dirty = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return self.table.count

    # Reading

    def get(self, key: bytes) -> Any:
        """The value to read, or None; counts a hit or a miss and the access."""
        value = self.table.get(key)
        if value is None:
            self._miss(key)
            return None
        if self.expires.count and self.expire_if_due(key):
            self._miss(key)
            return None
        self.hits += 1
        if not self.space.accesses_plainly:
            self._used(key, value)
        return value

    def look(self, key: bytes, *, quietly: bool = False) -> Any:
        """The value, or None; counts a hit or a miss but no access: for TYPE and TTL; `quietly`: no event."""
        value = self.peek(key)
        if value is None and quietly:
            self.misses += 1
        elif value is None:
            self._miss(key)
        else:
            self.hits += 1
        return value

    def get_many(self, keys: Sequence[bytes]) -> list[Any]:
        """`get` for several keys."""
        return self.look_many(keys) if self.space.accesses_plainly else [self.get(key) for key in keys]

    def look_many(self, keys: Sequence[bytes]) -> list[Any]:
        """`look` for several keys."""
        if self.expires.count and self._any_due(keys):
            return [self.look(key) for key in keys]
        values = self.table.get_many(keys)
        missing = values.count(None)
        self.hits += len(values) - missing
        self.misses += missing
        if missing and self.space.observers:
            for key, value in zip(keys, values, strict=True):
                if value is None:
                    self._tell(key, events.KEY_MISS)
        return values

    def string(self, key: bytes) -> StringValue | None:
        """A string to read, or None. Raises WrongType."""
        table = self.table
        value = table.directory[hash(key) & table.mask].get(key)
        if value.__class__ is bytes and not self.expires.count and self.space.accesses_plainly:
            self.hits += 1
            return value
        value = self.get(key)
        if value is None or value.__class__ in STRING_TYPES:
            return value  # type: ignore[return-value]
        raise WrongType

    def get_as(self, key: bytes, kind: type[T]) -> T | None:
        """A value of the class `kind` to read, or None. Raises WrongType."""
        table = self.table
        value = table.directory[hash(key) & table.mask].get(key)
        if value is None or self.expires.count or not self.space.accesses_plainly:
            value = self.get(key)
        else:
            self.hits += 1
        if value is None or isinstance(value, kind):
            return value
        raise WrongType

    def take_as(self, key: bytes, kind: type[T]) -> T | None:
        """A value of the class `kind` that a write is about to change, or None. Raises WrongType."""
        table = self.table
        value = table.directory[hash(key) & table.mask].get(key)
        if self.expires.count or not self.space.accesses_plainly:
            value = self.take(key)
        if value is None or isinstance(value, kind):
            return value
        raise WrongType

    def take(self, key: bytes) -> Any:
        """The value that a write is about to change, or None; not counted as hit or miss."""
        value = self.peek(key)
        if value is not None and not self.space.accesses_plainly:
            self._used(key, value)
        return value

    def take_string(self, key: bytes) -> StringValue | None:
        """A string that a write is about to change, or None. Raises WrongType."""
        table = self.table
        value = table.directory[hash(key) & table.mask].get(key)
        if self.expires.count or not self.space.accesses_plainly:
            value = self.take(key)
        if value is None or value.__class__ in STRING_TYPES:
            return value  # type: ignore[return-value]
        raise WrongType

    def peek(self, key: bytes) -> Any:
        """The value, or None, without counting or touching: for writes, and what looks at the keyspace itself."""
        value = self.table.get(key)
        if value is None or (self.expires.count and self.expire_if_due(key)):
            return None
        return value

    def __contains__(self, key: bytes) -> bool:
        return self.peek(key) is not None

    def expire_time(self, key: bytes) -> int | None:
        """When the key expires, ms since 1970, or None."""
        return self.expires.get(key)

    def keys(self) -> Iterator[bytes]:
        """Every key that is not expired; the database must not change meanwhile."""
        if not self.expires.count:
            return iter(self.table)
        return (key for key in self.table if not self.is_due(key))

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """One step of SCAN; expired keys are left out and deleted."""
        after, keys = self.table.scan(cursor, count)
        if self.expires.count:
            keys = [key for key in keys if not self.expire_if_due(key)]
        return after, keys

    def random_key(self) -> bytes | None:
        """A uniformly random key that is not expired, or None.

        Where keys do not expire on access (a replica) all may be due: after 100 of those, one is good enough.
        """
        left = 100
        while (key := self.table.random_key(self.space.random)) is not None:
            if not (self.expires.count and self.expire_if_due(key)):
                break
            left -= self.space.view != DELETE
            if not left:
                break
        return key

    # Changing

    def set(self, key: bytes, value: Any, event: Event) -> None:
        """Store a value whatever was there; an expiry is gone."""
        observers, table = self.space.observers, self.table
        if observers:
            self._tell_overwritten(key, self.peek(key), value)
        bucket = table.directory[hash(key) & table.mask]
        if key in bucket and not (self.expires.count and self._set_free(key)):
            bucket[key] = value
        else:
            self._add(key, value)
        self.dirty += 1
        if observers:
            self._tell(key, event)

    def move(self, key: bytes, target: "Database", to: bytes, left: Event, arrived: Event) -> None:
        """Let an existing key go on as `to` in `target`, with its expiry; `left` and `arrived` are the events."""
        value, when, before = self.table.get(key), self.expires.get(key), target.peek(to)
        if self.space.before_use is not None:
            self.space.before_use(self, key, value)
        self._drop(key)
        target._place(to, value, when)
        self.changed(key, left, 0)
        target.changed(to, arrived)
        target._tell_overwritten(to, before, value)

    def copy(self, key: bytes, value: Any, target: "Database", to: bytes) -> None:
        """Store a copy of what was read from `key` in `target`, with the same expiry."""
        target.place(to, value, self.expires.get(key), events.COPY_TO)

    def place(self, key: bytes, value: Any, when: int | None, event: Event) -> None:
        """Store a value that was made elsewhere, with its expiry; what was there goes, the key counts as new."""
        before = self.peek(key)
        self._place(key, value, when)
        self.changed(key, event)
        self._tell_overwritten(key, before, value)

    def put(self, key: bytes, value: Any, event: Event, count: int = 1) -> None:
        """Store a value and keep the expiry there is; it counts as `count` changes."""
        table = self.table
        bucket = table.directory[hash(key) & table.mask]
        if key in bucket and not (self.expires.count and self._expire_hidden(key)):
            bucket[key] = value
        else:
            self._add(key, value)
        self.dirty += count
        if self.space.observers:
            self._tell(key, event)

    def load(self, key: bytes, value: Any, when: int | None) -> bool:
        """Store what a file holds: no change, and nobody is told. False when the key was there; it is replaced."""
        is_new = self.table.set(key, value)
        if when is not None:
            self.expires.set(key, when)
        elif not is_new:
            self.expires.pop(key)
        if value.__class__ is Hash:
            self.fields_change(key, value)
        return is_new

    def reshape(self, key: bytes, value: Any) -> None:
        """Keep an existing value in another form, as Redis changes encodings: nothing has changed, nobody is told."""
        self.table.set(key, value)

    def set_pairs(self, words: Sequence[bytes], event: Event) -> None:
        """`set` for key, value, key, value, …"""
        keys, values = words[::2], words[1::2]
        if self.space.observers:
            for key, value in zip(keys, values, strict=True):
                self.set(key, value, event)
            return
        if self.expires.count:
            for key, when in zip(keys, self.expires.get_many(keys), strict=True):
                if when is not None:
                    self._set_free(key)
        self.table.update(keys, values)
        self.dirty += len(keys)

    def changed(self, key: bytes, event: Event, count: int = 1) -> None:
        """The value was changed in place, by `count` changes."""
        self.dirty += count
        if self.space.observers:
            self._tell(key, event)

    def changed_unnoticed(self, count: int = 1) -> None:
        """A value was changed in a way of which Redis tells nobody but its replicas (XACK, XCLAIM)."""
        self.dirty += count

    def shrunk(self, key: bytes, value: Sized, event: Event, count: int = 1) -> None:
        """The container at a key lost elements, by `count` changes; an empty one goes."""
        self.changed(key, event, count)
        if not len(value):
            self._drop(key)
            self.changed(key, events.DEL, 0)

    def remove(self, key: bytes, event: Event = events.DEL) -> bool:
        """Delete; False when there was no such key. A replica, which expires none, deletes expired ones too."""
        if key not in self.table or (self.expire_if_due(key) and key not in self.table):
            return False
        self._drop(key)
        self.changed(key, event)
        return True

    def remove_many(self, keys: Sequence[bytes]) -> int:
        """`remove` for several keys; how many there were."""
        if self.space.observers or self.fields_due is not None or (self.expires.count and self._any_due(keys)):
            return sum(map(self.remove, keys))
        removed = self.table.discard(keys)
        if self.expires.count:
            self.expires.discard(keys)
        self.dirty += removed
        return removed

    def expire_at(self, key: bytes, when: int, event: Event | None = events.EXPIRE) -> None:
        """Let an existing key expire at `when` ms; no event when the command that sets it names its own."""
        self._set_expiry(key, when)
        if event is not None:
            self.changed(key, event)

    def persist(self, key: bytes, event: Event = events.PERSIST) -> bool:
        """Take the expiry away; False when there was none."""
        if self.expires.pop(key) is None:
            return False
        self.changed(key, event)
        return True

    def flush(self) -> int:
        """Drop every key; observers hear of it once, before, even if there is none. Returns how many there were."""
        count = self.table.count
        self._tell(b"", events.FLUSHED)
        self.table, self.expires, self.fields_due = self.new_table(), Table(), None
        self.dirty += count
        return count

    # Expiry

    def is_due(self, key: bytes) -> bool:
        """Whether the key is past its time, deleted or not."""
        when = self.expires.get(key)
        return when is not None and when < self.space.past

    def _any_due(self, keys: Sequence[bytes]) -> bool:
        """Whether one of the keys is past its time."""
        now = self.space.now
        return any(when is not None and now > when for when in self.expires.get_many(keys))

    def expire_if_due(self, key: bytes) -> bool:
        """Lazy expiry: whether the key is past its time and not to be seen; then it is deleted, or only hidden."""
        when = self.expires.get(key)
        if when is None or self.space.now <= when or self.space.view == SHOW:
            return False
        if self.space.view == DELETE:
            self.expire(key)
        return True

    def expire(self, key: bytes) -> None:
        """Delete a key whose time has come."""
        self._drop(key)
        space = self.space
        space.expired_count += 1
        if space.observers:
            self._tell(key, events.EXPIRED)
        if space.on_expired is not None:
            space.on_expired(self, key)

    def evict(self, key: bytes) -> None:
        """Delete an existing key to make room; like expiry, that is no change of the dataset."""
        self._drop(key)
        self._tell(key, events.EVICTED)

    def fields_change(self, key: bytes, value: Hash) -> None:
        """Times of a hash's fields were set: the active cycle comes when the first has passed."""
        when = value.next_expiry
        if when is not None:
            if self.fields_due is None:
                self.fields_due = Deadlines()
            if self.fields_due.get(key) != when:
                self.fields_due.set(key, when)

    # Inside

    def _set_free(self, key: bytes) -> bool:
        """Take an existing key's expiry away; True when its time had come: then the key went as expired."""
        when = self.expires.get(key)
        if when is None:
            return False
        if self.space.now > when and self.space.view == DELETE:
            self.expire(key)
            return True
        self.expires.pop(key)
        return False

    def _expire_hidden(self, key: bytes) -> bool:
        """Whether an existing key was past its time and only hidden: a client who may write all the same ends it."""
        if self.space.view != HIDE or not self.is_due(key):
            return False
        self.expire(key)
        return True

    def _set_expiry(self, key: bytes, when: int) -> None:
        self.expires.set(key, when)
        if self.space.on_expiry_set is not None:
            self.space.on_expiry_set(self, key, when)

    def _place(self, key: bytes, value: Any, when: int | None) -> None:
        """Store a value with its expiry; what was there goes without an event, the key counts as new."""
        self._drop(key)
        self._add(key, value)
        if when is not None:
            self._set_expiry(key, when)
        if value.__class__ is Hash:
            self.fields_change(key, value)

    def _add(self, key: bytes, value: Any) -> None:
        self.table.set(key, value)
        if self.space.observers:
            self._tell(key, events.NEW)

    def _drop(self, key: bytes) -> None:
        self.table.pop(key)
        if self.expires.count:
            self.expires.pop(key)
        if self.fields_due is not None:
            self.fields_due.pop(key)

    def _used(self, key: bytes, value: Any) -> None:
        """Somebody is told that a command gets hold of a value."""
        space = self.space
        if space.on_access is not None:
            space.on_access(self, key)
        if space.before_use is not None:
            space.before_use(self, key, value)

    def _miss(self, key: bytes) -> None:
        self.misses += 1
        if self.space.observers:
            self._tell(key, events.KEY_MISS)

    def _tell_overwritten(self, key: bytes, before: Any, value: Any) -> None:
        """Observers hear that a value took the place of another, and of another type (Redis 8.2)."""
        if before is not None and self.space.observers:
            self._tell(key, events.OVERWRITTEN)
            if type_name(before) != type_name(value):
                self._tell(key, events.TYPE_CHANGED)

    def _tell(self, key: bytes, event: Event) -> None:
        for observer in self.space.observers:
            observer(self, key, event)


class SlottedDatabase(Database):
    """A database in which a slot's keys stand together. Expiries do not: nobody asks for those of a slot.

    What `Database` looks up right where it is needed, by the hash of a plain table, goes through the table here.
    """

    __slots__ = ()

    new_table = SlottedTable
    table: SlottedTable[Any]

    def string(self, key: bytes) -> StringValue | None:
        """A string to read, or None. Raises WrongType."""
        table = self.table
        slot = key_slot(key) if BRACE in key else crc_hqx(key, 0)
        value = table.directory[slot & table.mask].get(key)
        if value.__class__ is bytes and not self.expires.count and self.space.accesses_plainly:
            self.hits += 1
            return value
        return _string(self.get(key))

    def take_string(self, key: bytes) -> StringValue | None:
        """A string that a write is about to change, or None. Raises WrongType."""
        return _string(self.take(key))

    def get_as(self, key: bytes, kind: type[T]) -> T | None:
        """A value of the class `kind` to read, or None. Raises WrongType."""
        return _of_kind(self.get(key), kind)

    def take_as(self, key: bytes, kind: type[T]) -> T | None:
        """A value of the class `kind` that a write is about to change, or None. Raises WrongType."""
        return _of_kind(self.take(key), kind)

    def set(self, key: bytes, value: Any, event: Event) -> None:
        """Store a value whatever was there; an expiry is gone."""
        if self.space.observers:
            self._tell_overwritten(key, self.peek(key), value)
        table = self.table
        slot = key_slot(key) if BRACE in key else crc_hqx(key, 0)
        bucket = table.directory[slot & table.mask]
        if key in bucket and not (self.expires.count and self._set_free(key)):
            bucket[key] = value
        else:
            self._add(key, value)
        self.dirty += 1
        if self.space.observers:
            self._tell(key, event)

    def put(self, key: bytes, value: Any, event: Event, count: int = 1) -> None:
        """Store a value and keep the expiry there is; it counts as `count` changes."""
        bucket = self.table.bucket(key)
        if key in bucket and not (self.expires.count and self._expire_hidden(key)):
            bucket[key] = value
        else:
            self._add(key, value)
        self.changed(key, event, count)

    # By slot

    def count_in_slot(self, slot: int) -> int:
        """How many keys a slot has, expired ones that are still there among them."""
        return self.table.count_in_slot(slot)

    def keys_in_slot(self, slot: int, count: int) -> list[bytes]:
        """At most `count` of them."""
        return self.table.keys_in_slot(slot, count)

    def unexpired_in_slot(self, slot: int) -> list[bytes]:
        """All that are not expired."""
        keys = self.table.keys_in_slot(slot, self.table.count)
        return [key for key in keys if not self.is_due(key)] if self.expires.count else keys

    def remove_slot(self, slot: int, event: Event = events.SLOT_LOST) -> list[bytes]:
        """Delete the keys of a slot, expired or not; they are returned."""
        keys = self.table.clear_slot(slot)
        self.expires.discard(keys)
        for key in keys:
            if self.fields_due is not None:
                self.fields_due.pop(key)
            self.changed(key, event)
        return keys


def _string(value: Any) -> StringValue | None:
    if value is None or value.__class__ in STRING_TYPES:
        return value  # type: ignore[return-value]
    raise WrongType


def _of_kind(value: Any, kind: type[T]) -> T | None:
    if value is None or isinstance(value, kind):
        return value
    raise WrongType
