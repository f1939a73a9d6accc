"""How much memory the server uses, and whether that is more than `maxmemory` (bytes).

`used_memory` is what an empty Redis 8.2 says of itself, and what data, clients, scripts and side tables take here
(`keyspace.footprint`). Without `maxmemory` nothing is kept: whoever asks gets an estimate from a sample of the keys.
With it, a running total follows every event of the keyspace: the key is measured anew, and a side table remembers
its size. While the total is above the limit the gate OVER_LIMIT stands. Clients are added as `ClientMemory` sees them
grow, the rest ten times a second.
"""

import contextlib
import gc
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from pyredis.datatypes.table import Table
from pyredis.engine.execution import gates
from pyredis.engine.memory.client_memory import ClientMemory
from pyredis.keyspace import events
from pyredis.keyspace.footprint import NUMBER, SLOT, footprint

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.keyspace.database import Database

STARTUP = 653_768
"""`used_memory_startup` of Redis 8.2.3."""

EXPIRY = SLOT + NUMBER
RECORD = SLOT + NUMBER
"""What an expiry and an access record take."""

_UNIT = 8  # sizes are remembered in units of so many bytes: up to 2 KB, Python has these numbers already

_ALL_MEASURED = 1000  # up to so many keys an estimate looks at every one
_SAMPLED_BUCKETS, _SAMPLED_KEYS = 32, 6  # of more, at so many of so many buckets
_LESS_THAN_USED = (
    "WARNING: the new maxmemory value set via CONFIG SET (%d) is smaller than the current memory usage (%d). This will "
    "result in key eviction and/or the inability to accept new write commands depending on the maxmemory-policy."
)
_BESIDE = frozenset((events.NEW, events.OVERWRITTEN, events.TYPE_CHANGED, events.KEY_MISS))
"""Events that come with another one for the same change, or change nothing."""


class Memory:
    """`limit` is `maxmemory`. `parts`: what there is beside keys and clients, by name, with what tells its bytes.

    `spared`: the same, of what is used but not held against the limit. To evict for it would make more of it.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._space = engine.keyspace
        self.limit = 0
        self.parts: dict[str, Callable[[], int]] = {}
        self.spared: dict[str, Callable[[], int]] = {}
        self.on_over: Callable[[], None] | None = None  # the limit was lowered below what is used
        self._sizes: list[Table[int]] = []  # of every key, while there is a limit
        self._totals: list[int] = []  # a database's
        self._data = 0
        self._room: float = 0  # what the data may take
        self._beside = 0
        self._estimated: tuple[object, int] = (None, 0)
        engine[ClientMemory].on_change = self.judge
        engine.keyspace.on_swap.append(self._swapped)
        engine.cron_steps.append(self._look_around)
        engine.config.on_change("maxmemory", self._limit_changed)
        self._set_limit(engine.config["maxmemory"])

    def used(self) -> int:
        """Bytes in use, now."""
        data = self._data if self.limit else self._estimate()
        return STARTUP + data + self._engine[ClientMemory].estimate() + self.beside() + self._spared()

    def overhead(self) -> int:
        """Of `used`, what is not the data's."""
        keys = sum(map(len, self._space.databases))
        expiring = sum(db.expires.count for db in self._space.databases)
        clients = self._engine[ClientMemory].estimate()
        return STARTUP + clients + self.beside() + self._spared() + keys * SLOT + expiring * EXPIRY

    def beside(self) -> int:
        """Bytes beside keys and clients that are held against the limit."""
        return sum(part() for part in self.parts.values())

    def _spared(self) -> int:
        return sum(part() for part in self.spared.values())

    @property
    def is_over(self) -> bool:
        """Whether more is used than `maxmemory`."""
        return bool(self._engine.gates & gates.OVER_LIMIT)

    def judge(self) -> None:
        """Open or close the gate; after anything but the data has changed."""
        if self.limit:
            self._room = self.limit - STARTUP - self._beside - self._engine[ClientMemory].total
            self._set_gate()

    def recount(self) -> None:
        """Keys came without a word (a file was loaded): count them all."""
        if self.limit:
            self._start()
            self._look_around()

    # Inside

    def _set_gate(self) -> None:
        if self._data > self._room:
            self._engine.gates |= gates.OVER_LIMIT
        else:
            self._engine.gates &= ~gates.OVER_LIMIT

    def _limit_changed(self, limit: int) -> None:
        """CONFIG SET maxmemory."""
        self._set_limit(limit)
        used = self.used()
        if limit and used > limit:
            self._engine.log.warning(_LESS_THAN_USED, limit, used)

    def _set_limit(self, limit: int) -> None:
        started = not self.limit and limit
        self.limit = limit
        if not limit:
            self._space.unobserve(self._changed)
            self._engine.gates &= ~gates.OVER_LIMIT
            self._sizes, self._totals, self._data = [], [], 0
            return
        if started:
            self._start()
        self._look_around()
        if self.is_over and self.on_over is not None:
            self.on_over()

    def _start(self) -> None:
        """Measure every key there is, and follow what becomes of them."""
        self._sizes = [Table.filled((key, _size(db, key)) for key in db.table) for db in self._space.databases]
        self._totals = [_UNIT * sum(size for _, size in sizes.items()) for sizes in self._sizes]
        self._data = sum(self._totals)
        self._space.observe(self._changed)

    def _look_around(self) -> None:
        """The cron step."""
        if self.limit:
            self._beside = self.beside()
            self.judge()

    def _changed(self, db: "Database", key: bytes, event: events.Event) -> None:
        """The keyspace's observer."""
        if event in _BESIDE:
            return
        index = db.index
        sizes = self._sizes[index]
        if event is events.FLUSHED:
            change = -self._totals[index]
            self._sizes[index] = Table()
        else:
            change = -(sizes.get(key) or 0)
            if key in db.table:
                size = _size(db, key)
                sizes.set(key, size)
                change += size
            else:
                sizes.pop(key)
            change *= _UNIT
        self._totals[index] += change
        self._data += change
        self._set_gate()

    def _swapped(self, one: "Database", two: "Database") -> None:
        if self.limit:
            sizes, totals, first, second = self._sizes, self._totals, one.index, two.index
            sizes[first], sizes[second] = sizes[second], sizes[first]
            totals[first], totals[second] = totals[second], totals[first]

    def _estimate(self) -> int:
        """Bytes of the data, judged by a sample; the same as long as nothing changes."""
        space = self._space
        state = (space.dirty, *map(len, space.databases))
        if self._estimated[0] != state:
            self._estimated = state, sum(_estimate(db) for db in space.databases if len(db))
        return self._estimated[1]


def give_back() -> None:
    """Give the system back what the process holds and does not use: O(N) in the objects there are."""
    import ctypes  # takes as long as many a module of ours, and is rarely asked for

    gc.collect()  # the lists of free objects go, each of which may hold an arena
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only the GNU library has it
        ctypes.CDLL(None).malloc_trim(0)


def _size(db: "Database", key: bytes) -> int:
    """A key with everything kept about it while there is a limit, in units."""
    size = footprint(key, db.table.get(key)) + SLOT
    if db.expires.count and key in db.expires:
        size += EXPIRY
    if db.space.on_access is not None:
        size += RECORD
    return -(-size // _UNIT)


def _estimate(db: "Database") -> int:
    """The bytes of a database's keys and expiries."""
    beside = db.expires.count * EXPIRY
    if db.space.on_access is not None:
        beside += db.table.count * RECORD
    pairs = list(db.table.items() if len(db) <= _ALL_MEASURED else _sampled(db.table))
    return beside + sum(footprint(key, value) for key, value in pairs) * len(db) // (len(pairs) or 1)


def _sampled(table: Table[Any]) -> Iterator[tuple[bytes, Any]]:
    """Some keys and their values, always the same ones of a table that stays the same."""
    random = Random(0)
    for _ in range(_SAMPLED_BUCKETS):
        pairs = list(table.random_bucket(random).items())
        yield from random.sample(pairs, min(_SAMPLED_KEYS, len(pairs)))
