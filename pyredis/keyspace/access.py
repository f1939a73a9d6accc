"""When and how often keys are used: for OBJECT IDLETIME and FREQ, and for eviction.

Nothing is kept until somebody asks: an OBJECT IDLETIME or FREQ, or a maxmemory policy that needs it. From
then on every access is recorded; a key not used since counts as used when recording began. Under an LFU
policy a record is a counter of 8 bits that grows with falling probability and decays with the minutes
(Redis's `evict.c`: `lfu-log-factor`, `lfu-decay-time`); under any other it is the time of the last access.
A change of policy between the two starts over.
"""

from typing import Any, Protocol

from pyredis.config.store import Config
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
        events.FLUSHED,
        events.SWAPPED,
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
        self._records: list[dict[bytes, Any]] = []
        self.since: int | None = None
        self.counts_frequency = False
        self._follow(host.config["maxmemory-policy"])
        host.config.on_change("maxmemory-policy", self._follow)

    def idle_ms(self, db: Database, key: bytes) -> int:
        """How long ago the key was used, ms; recording begins if it had not."""
        since = self.start()
        last: int = self._records[db.index].get(key, since)
        return max(self._space.now - last, 0)

    def frequency(self, db: Database, key: bytes) -> int:
        """The decayed access counter, 0 to 255, of a key under an LFU policy."""
        since = self.start()
        at, counter = self._records[db.index].get(key, (since, INITIAL_FREQUENCY))
        return self._decayed(at, counter)

    def start(self) -> int:
        """Record accesses from now on; returns since when they are."""
        if self.since is None:
            self.since = self._space.now
            self._records = [{} for _ in self._space.databases]
            self._space.on_access = self._accessed
            self._space.observe(self._changed)
        return self.since

    def stop(self) -> None:
        """Record nothing and forget what was recorded."""
        self.since = None
        self._records = []
        self._space.on_access = None
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
        records = self._records[db.index]
        if not self.counts_frequency:
            records[key] = self._space.now
            return
        at, counter = records.get(key, (self.since, INITIAL_FREQUENCY))
        records[key] = (self._space.now, self._grown(self._decayed(at, counter)))

    def _changed(self, db: Database, key: bytes, event: Event) -> None:
        """The keyspace's observer: new values start fresh, and records of keys that are gone go."""
        if event in _GONE:
            self._records[db.index].pop(key, None)
        elif event is events.NEW or event is events.SET:
            if not self.counts_frequency:
                self._records[db.index][key] = self._space.now
            elif event is events.NEW:
                self._records[db.index][key] = (self._space.now, INITIAL_FREQUENCY)

    def _decayed(self, at: int, counter: int) -> int:
        """The counter less one for each `lfu-decay-time` minutes since `at`."""
        period: int = self._config["lfu-decay-time"] * _MINUTE
        return max(counter - (self._space.now - at) // period, 0) if period else counter

    def _grown(self, counter: int) -> int:
        """One more access: the higher the counter, the less likely it grows."""
        if counter >= HIGHEST_FREQUENCY:
            return counter
        above = max(counter - INITIAL_FREQUENCY, 0)
        chances: int = above * self._config["lfu-log-factor"] + 1
        return counter + (self._space.random.randrange(chances) == 0)
