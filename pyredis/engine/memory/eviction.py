"""Eviction: keys are deleted while more memory is used than `maxmemory`, as `maxmemory-policy` chooses them.

The algorithm is that of Redis's `evict.c`: the best of a few random keys go into a pool of the 16 best found so far,
and the best of the pool is deleted, if it is still there. A command that finds the gate OVER_LIMIT makes room first,
for as long as `maxmemory-eviction-tenacity` allows; what is left to do is done beside the commands that follow.
Only when nothing can be evicted are commands that may take memory refused.
"""

from bisect import insort
from typing import TYPE_CHECKING, Any

from pyredis.datatypes.table import Table
from pyredis.engine.execution import gates
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.memory.used_memory import Memory
from pyredis.engine.observability.latency import LatencyMonitor
from pyredis.keyspace.access import HIGHEST_FREQUENCY, Access
from pyredis.keyspace.lazyfree import is_laborious

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields
    from pyredis.keyspace.database import Database

POOL = 16
_KEYS_BETWEEN_LOOKS_AT_THE_CLOCK = 16
_MS = 1_000_000


def time_limit_ns(tenacity: int) -> float:
    """How long a command may be held up, by `maxmemory-eviction-tenacity`."""
    if tenacity <= 10:
        return 50_000 * tenacity
    return 500_000 * 1.15 ** (tenacity - 10) if tenacity < 100 else float("inf")


class Eviction:
    """A component. `exhausted`: at the last command nothing could be evicted though too much memory was used."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._memory = engine[Memory]
        self._pool: list[tuple[int, int, bytes]] = []  # score, database, key: the best last
        self._next = 0  # the database before that whose random key goes next
        self._goes_on = False
        self.exhausted = False
        self._exceeded_since: int | None = None  # ns
        engine[Memory].on_over = self._go_on
        engine.config.on_change("maxmemory-policy", lambda _: self._pool.clear())
        engine.cron_steps.append(self._step)
        engine.info.add("Stats", self._fields)

    @property
    def refuses(self) -> bool:
        """Whether commands that may take memory are refused."""
        return self.exhausted and self._memory.is_over

    def _fields(self) -> "Fields":
        """How long the limit was exceeded, all in all and at present, ms."""
        since = self._exceeded_since
        present = 0 if since is None else (self._engine.clock.ticks_ns() - since) // _MS
        before = self._engine.stats.eviction_exceeded_ns // _MS
        return {"total_eviction_exceeded_time": before + present, "current_eviction_exceeded_time": present}

    def make_room(self) -> None:
        """Evict until all fits, nothing is left to evict or the time is up."""
        if not self._may_evict():
            self.exhausted = False
            return
        self.exhausted = self._memory.is_over and not self._evict()
        if self.exhausted or self._goes_on:
            if self._exceeded_since is None:
                self._exceeded_since = self._engine.clock.ticks_ns()
        elif self._exceeded_since is not None:
            self._engine.stats.eviction_exceeded_ns += self._engine.clock.ticks_ns() - self._exceeded_since
            self._exceeded_since = None

    # Inside

    def _may_evict(self) -> bool:
        """Not beside a script that runs too long, nor while keys may not change."""
        engine = self._engine
        if engine.config["replicaof"] and engine.config["replica-ignore-maxmemory"]:
            return False  # the master evicts
        return not engine.gates & (gates.BUSY | gates.LOADING | gates.PAUSED)

    def _step(self) -> None:
        """Cron: the memory went back under the limit."""
        if self._exceeded_since is not None:
            self.make_room()

    def _go_on(self) -> None:
        """Evict more soon."""
        if not self._goes_on and self._engine.config["maxmemory-policy"] != "noeviction":
            self._goes_on = True
            self._engine.host.soon(self._continue)

    def _continue(self) -> None:
        """The next step beside commands."""
        self._goes_on = False
        self._engine.tick()
        self.make_room()

    def _evict(self) -> bool:
        """Evict for as long as may be; False when nothing is left to evict."""
        engine, memory = self._engine, self._memory
        policy: str = engine.config["maxmemory-policy"]
        if policy == "noeviction":
            return False
        ticks = engine.clock.ticks_ns
        started = ticks()
        deadline = started + time_limit_ns(engine.config["maxmemory-eviction-tenacity"])
        running, engine.running = engine.running, None  # nobody's doing: a tracking client is told even with NOLOOP
        count, found = 0, True
        while memory.is_over and (found := self._evict_one(policy)):
            count += 1
            if count % _KEYS_BETWEEN_LOOKS_AT_THE_CLOCK == 0 and ticks() > deadline:
                self._go_on()
                break
        engine.running = running
        engine[LatencyMonitor].note("eviction-cycle", (ticks() - started) // _MS)
        return found

    def _evict_one(self, policy: str) -> bool:
        """Delete one key; False when there is none to delete."""
        volatile = policy.startswith("volatile")
        if policy.endswith("random"):
            chosen = self._random(volatile)
        else:
            chosen = self._best(policy, volatile)
        if chosen is None:
            return False
        db, key = chosen
        started = self._engine.clock.ticks_ns()
        if self._engine.config["lazyfree-lazy-eviction"]:
            self._engine.stats.lazyfreed_objects += is_laborious(db.table.get(key))
        db.evict(key)
        self._engine.stats.evicted_keys += 1
        self._engine[Propagation].send_deletion("lazyfree-lazy-eviction", db, key)
        self._engine[LatencyMonitor].note("eviction-del", (self._engine.clock.ticks_ns() - started) // _MS)
        return True

    def _random(self, volatile: bool) -> tuple["Database", bytes] | None:
        """A random key, of each database in turn."""
        databases = self._engine.keyspace.databases
        for _ in databases:
            self._next = (self._next + 1) % len(databases)
            db = databases[self._next]
            candidates = db.expires if volatile else db.table
            if candidates.count and (key := candidates.random_key(self._engine.random)) is not None:
                return db, key
        return None

    def _best(self, policy: str, volatile: bool) -> tuple["Database", bytes] | None:
        """The best key of the pool, which is filled up from every database."""
        databases = self._engine.keyspace.databases
        while True:
            filled = [db for db in databases if _candidates(db, volatile).count]
            if not filled:
                return None
            for db in filled:
                self._populate(db, policy, volatile)
            while self._pool:
                _, index, key = self._pool.pop()
                if key in _candidates(databases[index], volatile):
                    return databases[index], key

    def _populate(self, db: "Database", policy: str, volatile: bool) -> None:
        """Take a few random keys into the pool, if they are better than its worst."""
        pool, engine = self._pool, self._engine
        keys = _candidates(db, volatile).sample(engine.random, engine.config["maxmemory-samples"])
        for score, key in zip(self._scores(db, keys, policy), keys, strict=True):
            if len(pool) < POOL:
                insort(pool, (score, db.index, key))
            elif score > pool[0][0]:
                del pool[0]
                insort(pool, (score, db.index, key))

    def _scores(self, db: "Database", keys: list[bytes], policy: str) -> list[int]:
        """How well each key should go: the longer it idles, the seldomer it is used, the sooner it expires."""
        access = self._engine[Access]
        if policy.endswith("lfu"):
            return [HIGHEST_FREQUENCY - access.frequency(db, key) for key in keys]
        if policy.endswith("ttl"):
            return [-(db.expires.get(key) or 0) for key in keys]
        return access.idle_times(db, keys)


def _candidates(db: "Database", volatile: bool) -> Table[Any]:
    """Where the keys stand that may go."""
    return db.expires if volatile else db.table
