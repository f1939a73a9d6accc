"""When and how often keys are used: for OBJECT IDLETIME and FREQ, and for eviction.

Nothing is kept until somebody asks: an OBJECT IDLETIME or FREQ, or a maxmemory policy that needs it. From then on every
access is recorded; a key not used since counts as used when any key was, before that (`last_use`). A record is a
number: the time of the last access, ms since 1970. Under an LFU policy its lowest 8 bits are a counter instead, which
grows with falling probability and decays with the minutes (Redis's `evict.c`: `lfu-log-factor`, `lfu-decay-time`).
A change of policy between the two starts over.
"""

from collections.abc import Callable
from typing import Protocol

from pyredis.config.store import Config
from pyredis.datatypes.table import Table
from pyredis.keyspace import events
from pyredis.keyspace.database import Database, Keyspace
from pyredis.keyspace.events import Event

INITIAL_FREQUENCY = 5
HIGHEST_FREQUENCY = 255
_MINUTE = 60_000
_GONE = frozenset(
    (
        events.DEL,
        events.EXPIRED,
        events.EVICTED,
        events.RENAME_FROM,
        events.MOVE_FROM,
    )
)


class Host(Protocol):
    """What is needed of the engine."""

    config: Config
    keyspace: Keyspace


class Access:
    """Access records of all databases; `since` is ms since 1970, None while nothing is recorded."""

    def __init__(self, host: Host) -> None:
        self._space = host.keyspace
        self._config = host.config
        self._records: list[Table[int]] = []
        self.since: int | None = None
        self.last_use: Callable[[], int] = lambda: self._space.now
        self._replaced = 0  # when, ms since 1970
        self.counts_frequency = False
        self._new = b""  # the key that came last, until it has been told by what
        self._follow(host.config["maxmemory-policy"])
        host.config.on_change("maxmemory-policy", self._follow)
        host.keyspace.on_swap.append(self._swapped)

    def idle_ms(self, db: Database, key: bytes) -> int:
        """How long ago the key was used, ms; recording begins if it had not."""
        since = self.start()
        return max(self._space.now - (self._records[db.index].get(key) or since), 0)

    def idle_times(self, db: Database, keys: list[bytes]) -> list[int]:
        """`idle_ms` of several keys."""
        since, now = self.start(), self._space.now
        get = self._records[db.index].get
        return [now - (get(key) or since) for key in keys]

    def frequency(self, db: Database, key: bytes) -> int:
        """The decayed access counter, 0 to 255, of a key under an LFU policy."""
        since = self.start()
        return self._decayed(self._records[db.index].get(key) or since << 8 | INITIAL_FREQUENCY)

    def restore(self, db: Database, key: bytes, idle_ms: int | None, frequency: int | None) -> None:
        """A key comes with the record it had elsewhere; what the policy does not count is dropped."""
        if self.counts_frequency:
            if frequency is not None:
                self.start()
                self._records[db.index].set(key, self._space.now << 8 | frequency)
        elif idle_ms is not None:
            self.start()
            self._records[db.index].set(key, self._space.now - idle_ms)

    def start(self) -> int:
        """Record accesses from now on; returns since when all are known."""
        if self.since is None:
            self.since = max(self.last_use(), self._replaced)
            self._records = [Table() for _ in self._space.databases]
            self._space.on_access = self._accessed
            self._space.update_access_hooks()
            self._space.observe(self._changed)
        return self.since

    def replaced(self) -> None:
        """A dataset was loaded: keys that it tells nothing of count as used now."""
        self._replaced = self._space.now
        if self.since is not None:
            self.since = self._replaced

    def stop(self) -> None:
        """Record nothing and forget what was recorded."""
        self.since = None
        self._records = []
        self._space.on_access = None
        self._space.update_access_hooks()
        self._space.unobserve(self._changed)

    def _follow(self, policy: str) -> None:
        """The policy was set: some need records, and LFU needs others than the rest."""
        counts = policy.endswith("lfu")
        if counts != self.counts_frequency:
            self.stop()
            self.counts_frequency = counts
        if policy.endswith(("lru", "lfu", "lrm")):
            self.start()

    def _accessed(self, db: Database, key: bytes) -> None:
        """A command used the key."""
        if not self._space.touching:
            return
        if self.counts_frequency:
            self._records[db.index].set(key, self._space.now << 8 | self._grown(self.frequency(db, key)))
        else:
            self._records[db.index].set(key, self._space.now)

    def _changed(self, db: Database, key: bytes, event: Event) -> None:
        """The keyspace's observer: new values start fresh, and records of keys that are gone go."""
        if event in _GONE:
            self._records[db.index].pop(key)
        elif event is events.FLUSHED:
            self._records[db.index] = Table()
        elif event is events.NEW or event is events.SET:
            if not self.counts_frequency:
                self._records[db.index].set(key, self._space.now)
            elif event is events.NEW:
                self._records[db.index].set(key, self._space.now << 8 | INITIAL_FREQUENCY)
                self._new = key
            elif key is self._new:
                self._new = b""
            else:
                self._accessed(db, key)  # to overwrite a key is to use it

    def _swapped(self, one: Database, two: Database) -> None:
        records = self._records
        if records:
            records[one.index], records[two.index] = records[two.index], records[one.index]

    def _decayed(self, record: int) -> int:
        """A record's counter less one for each `lfu-decay-time` minutes that have begun since."""
        counter = record & HIGHEST_FREQUENCY
        minutes = self._space.now // _MINUTE - (record >> 8) // _MINUTE
        period: int = self._config["lfu-decay-time"]
        return max(counter - minutes // period, 0) if period else counter

    def _grown(self, counter: int) -> int:
        """One more access: the higher the counter, the less likely it grows."""
        if counter >= HIGHEST_FREQUENCY:
            return counter
        above = max(counter - INITIAL_FREQUENCY, 0)
        chances: int = above * self._config["lfu-log-factor"] + 1
        return counter + (self._space.random.randrange(chances) == 0)
