"""How much each slot is used: keys, time, bytes in and out (CLUSTER SLOT-STATS of Redis 8.2).

Keys are counted by the keyspace anyway. The rest is gathered only with `cluster-slot-stats-enabled`: then the detour
MEASURED leads every command off the plain path, and this stands before the router to hear which slot a command has.
A command counts once it was admitted and routed, with what it took as a client's own: EXEC and scripts with all they
run, unless these may go to several slots; one that waited for a key, when it is served; of a queued one only the bytes.

Numbers stay while nothing is gathered. They are lost with the slot, and by CONFIG RESETSTAT.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pyredis.cluster.view import View
from pyredis.datatypes.key_slot import SLOTS, key_slot
from pyredis.engine.command_table.arguments import Arguments, integer_between
from pyredis.engine.execution import detours
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import CommandError, syntax_error
from pyredis.protocol.encoder import encode_command
from pyredis.protocol.replies import QUEUED
from pyredis.replication.replicas import Replicas

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.command import Handler
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine, Router
    from pyredis.protocol.parser import Argv

_KEY_COUNT = b"key-count"
_MULTI_BYTES = len(encode_command((b"MULTI",)))
_NO_SLOT = b"Invalid or out of range slot"
_NO_LIMIT = b"Limit has to lie in between 1 and 16384 (maximum number of slots)."
_MEASURED = (b"cpu-usec", b"network-bytes-in", b"network-bytes-out")


class Usage:
    """One slot's."""

    __slots__ = ("bytes_in", "bytes_out", "microseconds")

    def __init__(self) -> None:
        self.microseconds = self.bytes_in = self.bytes_out = 0

    @property
    def figures(self) -> tuple[int, int, int]:
        """As `_MEASURED` names them."""
        return self.microseconds, self.bytes_in, self.bytes_out


_UNUSED = Usage()


def _order(words: Sequence[bytes]) -> tuple[int, int]:
    """LIMIT, and 1 for ASC or -1 for DESC. Raises Redis's errors."""
    limit: int | None = None
    direction = 0
    options = Arguments(list(words))
    while options:
        again = True
        if options.flag(b"LIMIT", 1):
            again, limit = limit is not None, integer_between(options.word(), 1, SLOTS, _NO_LIMIT)
        elif options.flag(b"ASC"):
            again, direction = bool(direction), 1
        elif options.flag(b"DESC"):
            again, direction = bool(direction), -1
        else:
            raise syntax_error()
        if again:
            raise CommandError(b"Multiple filters of the same type are disallowed.")
    return limit or SLOTS, direction or -1


class Begun(NamedTuple):
    """A command that runs: what went to replicas before it; `slot` is of the one around it."""

    stream_bytes: int
    slot: int | None


class SlotStats:
    """A `Meter` of the engine, and a `Router` before another."""

    def __init__(self, engine: "Engine", view: View) -> None:
        self._engine = engine
        self._view = view
        self._replicas = engine[Replicas]
        self._propagation = engine[Propagation]
        self._inner: Router | None = engine.router
        self._usage: dict[int, Usage] = {}
        self._slot: int | None = None  # of the command that runs
        engine.on_reset.append(self._usage.clear)
        engine.config.on_change("cluster-slot-stats-enabled", self._switch)
        self._switch(engine.config["cluster-slot-stats-enabled"])

    def _switch(self, on: Any) -> None:
        engine = self._engine
        engine.gates = engine.gates & ~detours.MEASURED | (detours.MEASURED if on else 0)
        engine.meter = self if on else None
        engine.router = self if on else self._inner
        engine.rewire()

    def forget(self, slot: int) -> None:
        """It is another node's, or nobody's."""
        self._usage.pop(slot, None)

    # CLUSTER SLOT-STATS

    def range(self, first: bytes, last: bytes) -> list[Any]:
        """The slots of this shard from one to another. Raises Redis's errors."""
        begin, end = (integer_between(word, 0, SLOTS - 1, _NO_SLOT) for word in (first, last))
        if begin > end:
            raise CommandError(b"Start slot number %d is greater than end slot number %d" % (begin, end))
        return [self._row(slot) for slot in self._own_slots() if begin <= slot <= end]

    def ordered(self, metric: bytes, words: Sequence[bytes]) -> list[Any]:
        """The slots of this shard by a metric, those with most first unless `words` say otherwise."""
        name = metric.lower()
        if name not in self._metrics:
            raise CommandError(b"Unrecognized sort metric for ORDERBY.")
        limit, direction = _order(words)
        slots = sorted(self._own_slots(), key=lambda slot: direction * self._figures(slot)[name])
        return [self._row(slot) for slot in slots[:limit]]

    @property
    def _metrics(self) -> tuple[bytes, ...]:
        """What is told; the rest of it only while it is gathered."""
        return (_KEY_COUNT, *_MEASURED) if self._engine.meter is not None else (_KEY_COUNT,)

    def _own_slots(self) -> Iterator[int]:
        myself = self._view.myself
        owner = myself if myself.is_master else myself.master
        return (slot for slot, other in enumerate(self._view.owners) if other is owner and owner is not None)

    def _figures(self, slot: int) -> dict[bytes, int]:
        db = self._engine.keyspace.slotted
        assert db is not None
        figures = (db.count_in_slot(slot), *self._usage.get(slot, _UNUSED).figures)
        return dict(zip(self._metrics, figures, strict=False))

    def _row(self, slot: int) -> list[Any]:
        return [slot, self._figures(slot)]

    # As the router

    def route(self, client: "Client", entry: "Entry", argv: "Argv") -> None:
        """A command that may run here has its slot."""
        assert self._inner is not None
        self._inner.route(client, entry, argv)
        commands = [(entry, argv)]
        if entry is self._engine.exec and client.transaction is not None:
            commands = [(queued.entry, queued.argv) for queued in client.transaction.queue]
        keys = (key for one, words in commands for key in one.command.places_in(words))
        first = next(keys, None)
        self._slot = None if first is None else key_slot(first)

    def lead(self, entry: "Entry") -> "Handler":
        """Nothing is measured on the plain path."""
        assert self._inner is not None
        return self._inner.lead(entry)

    def slot_of(self, client: "Client", entry: "Entry", argv: "Argv") -> int | None:
        """As for anybody: `called` hears what comes of it."""
        assert self._inner is not None
        return self._inner.slot_of(client, entry, argv)

    # As the meter

    def begin(self) -> Begun:
        """A command is about to run."""
        begun = Begun(self._stream_bytes(), self._slot)
        self._slot, self._engine.stats.last_ns = None, 0  # a command that is refused takes no time
        return begun

    def applied(self, entry: "Entry", argv: "Argv") -> None:
        """What a replica's master sends counts, too; nothing is answered."""
        keys = entry.command.places_in(argv)
        if keys:
            usage = self._usage.setdefault(key_slot(keys[0]), Usage())
            usage.bytes_in += len(encode_command(argv))
            usage.microseconds += self._engine.stats.last_ns // 1000

    def called(self, slot: int | None) -> None:
        """A script has the slot of what it calls; one that may go to several counts for none."""
        self._slot = slot

    def end(self, begun: Begun, client: "Client", argv: "Argv", value: Any, bytes_out: int) -> None:
        """It ran, or was refused, or waits; `value` is what it answered, in so many bytes."""
        slot, self._slot = self._slot, begun.slot
        if slot is None or client.waiting is not None:
            return
        usage, entry = self._usage.setdefault(slot, Usage()), client.last_entry
        usage.bytes_in += len(encode_command(argv))
        if value is QUEUED:
            return
        if entry is self._engine.exec:
            usage.bytes_in += _MULTI_BYTES
        elif entry is not None and entry.command.name == "spublish" and value.__class__ is int:
            bytes_out += value * len(encode_command((b"smessage", *argv[1:])))
        usage.microseconds += self._engine.stats.last_ns // 1000
        usage.bytes_out += bytes_out + self._stream_bytes() - begun.stream_bytes

    def _stream_bytes(self) -> int:
        """What went to replicas so far, all together; only differences mean something."""
        replicas = len(self._replicas.attached)
        return (self._propagation.offset - self._propagation.select_bytes) * replicas if replicas else 0
