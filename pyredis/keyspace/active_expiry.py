"""The active expire cycle: keys whose time has come are deleted though nobody asks for them.

It follows `expire.c` of Redis. `hz` times a second each database's expiring keys are walked by a scan
cursor, a few keys at a time (20 and more with `active-expire-effort`), and on while more of them than
acceptable were stale (10 % and less with the effort). It ends with the walk, or after its share of the
period (25 % and 2 % more a step of effort); a database it had no time for is the first of the next cycle,
which then visits all.

Fields of hashes are expired by their hash's next time, so nothing is looked at that is not due.
"""

from collections.abc import Callable
from typing import Protocol

from pyredis.clock import Clock
from pyredis.config.store import Config
from pyredis.keyspace import hash_fields
from pyredis.keyspace.database import DELETE, Database, Keyspace

_KEYS = 20
_TIME_PERCENT = 25
_STALE_PERCENT = 10
_DATABASES = 16
_SLICES_BETWEEN_LOOKS_AT_THE_CLOCK = 16
_FIELDS = 100  # of one hash at a time
_WEIGHT = 0.05  # of one cycle in the running average of stale keys


class Counters(Protocol):
    """The statistics it writes."""

    expired_stale_percent: float
    expired_time_cap_reached: int
    expire_cycle_ms: int


class Host(Protocol):
    """What is needed of the engine."""

    config: Config
    clock: Clock
    cron_steps: list[Callable[[], None]]

    @property
    def hz(self) -> int:
        """How often a second it is called."""

    @property
    def keyspace(self) -> Keyspace:
        """The databases."""

    @property
    def stats(self) -> Counters:
        """Where it reports."""


class ActiveExpiry:
    """A component; `enabled` is switched by DEBUG SET-ACTIVE-EXPIRE."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._space = host.keyspace
        self._config = host.config
        self._clock = host.clock
        self._stats = host.stats
        self.enabled = True
        self.on_cycle: Callable[[int], None] | None = None  # hears how many ms each cycle took
        self._cursors = [0] * len(host.keyspace.databases)
        self._next = 0
        self._ran_out_of_time = False
        self._spent_us = 0
        self._sampled = self._expired = 0
        host.cron_steps.append(self.step)

    def step(self) -> None:
        """One cycle, unless switched off or somebody else expires keys (a master; a pause)."""
        if self.enabled and self._space.view == DELETE:
            self.cycle()

    def cycle(self) -> None:
        """Expire what the time allows, and report."""
        started = self._clock.ticks_ns()
        effort = self._config["active-expire-effort"] - 1
        percent = _TIME_PERCENT + 2 * effort
        deadline = started + percent * 10_000_000 // self._host.hz
        databases = self._space.databases
        wanted = len(databases) if self._ran_out_of_time else min(_DATABASES, len(databases))
        self._ran_out_of_time = False
        self._sampled = self._expired = 0
        for _ in databases:
            if not wanted or self._ran_out_of_time:
                break
            db = databases[self._next]
            self._next = (self._next + 1) % len(databases)
            self._expire_fields(db, deadline)
            if db.expires.count:
                wanted -= 1
                self._walk(db, effort, deadline)
        self._report(self._clock.ticks_ns() - started)

    def _expire_fields(self, db: Database, deadline: int) -> None:
        """Delete fields of hashes whose time has passed, until the cycle's time is up."""
        while hash_fields.expire_some(db, _FIELDS) and self._clock.ticks_ns() <= deadline:
            pass

    def _walk(self, db: Database, effort: int, deadline: int) -> None:
        """Walk on in one database while it is worth it."""
        size = _KEYS + _KEYS // 4 * effort
        acceptable = _STALE_PERCENT - effort
        slices = 0
        while db.expires.count:
            seen, expired = self._slice(db, size)
            self._sampled += seen
            self._expired += expired
            slices += 1
            if not self._cursors[db.index] or (seen and expired * 100 // seen <= acceptable):
                break
            if slices % _SLICES_BETWEEN_LOOKS_AT_THE_CLOCK == 0 and self._clock.ticks_ns() > deadline:
                self._ran_out_of_time = True
                self._stats.expired_time_cap_reached += 1
                break

    def _slice(self, db: Database, size: int) -> tuple[int, int]:
        """Look at about `size` keys: how many they were, how many of them expired."""
        seen = expired = 0
        for _ in range(size * 20):
            self._cursors[db.index], keys = db.expires.scan(self._cursors[db.index], size)
            seen += len(keys)
            expired += sum(map(db.expire_if_due, keys))
            if seen >= size or not self._cursors[db.index]:
                break
        return seen, expired

    def _report(self, nanoseconds: int) -> None:
        """Account for a cycle."""
        if self.on_cycle is not None:
            self.on_cycle(nanoseconds // 1_000_000)
        self._spent_us += nanoseconds // 1000
        milliseconds, self._spent_us = divmod(self._spent_us, 1000)
        stats = self._stats
        stats.expire_cycle_ms += milliseconds
        stale = 100 * self._expired / self._sampled if self._sampled else 0.0
        stats.expired_stale_percent += (stale - stats.expired_stale_percent) * _WEIGHT
