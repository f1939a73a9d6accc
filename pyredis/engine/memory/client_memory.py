"""How much memory clients take, and `maxmemory-clients`: the largest are disconnected until all fit (Redis 7.0).

A client's size is what Redis counts for it: its structures, what it sent and what waits for it, what is queued,
watched and subscribed. Sizes are taken after a client was read from or written to, but only while a limit needs them;
cron measures those of all. A client marked NO-EVICT counts and stays.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pyredis.engine.client import CLOSED
from pyredis.engine.execution.blocking import Wait
from pyredis.engine.execution.multi import Watches
from pyredis.engine.execution.roles import NORMAL
from pyredis.engine.messaging.channels import PubSub
from pyredis.engine.roster import Clients

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine

REPLY_BUFFER = 1024
QUERY_BUFFER = 20474
_CLIENT = 928
_CHUNK = 16384
_SMALLEST_LIMIT = 128 << 10
_SLICE = 200  # clients measured at a time
_WATCH, _QUEUED, _SUBSCRIPTION, _PREFIX = 88, 40, 32, 40


class Size(NamedTuple):
    """The bytes of one client's parts, by the names of CLIENT LIST."""

    query: int
    query_free: int
    arguments: int
    queued: int
    in_buffer: int
    in_chunks: int
    subscribed: int
    watched: int

    @property
    def chunks(self) -> int:
        """Blocks of output behind the first."""
        return -(-self.in_chunks // _CHUNK)

    @property
    def total(self) -> int:
        """All of it."""
        beside = self.arguments + self.queued + self.in_chunks + self.subscribed + self.watched
        return _CLIENT + REPLY_BUFFER + self.query + self.query_free + beside


def size_of(client: "Client", *, running: bool = False) -> Size:
    """What a client takes; `running`: its command is the one that asks."""
    sink, engine = client.sink, client.engine
    holds = running or isinstance(client.waiting, Wait)
    transaction = client.transaction
    argv = [b"exec"] if running and transaction else client.argv  # not the queued command that asks
    query = sink.input_pending() + sum(map(wire_size, client.pending)) + (wire_size(argv) if running else 0)
    pending = sink.output_pending()
    in_buffer = pending if pending <= REPLY_BUFFER else 0
    pubsub, prefixes = engine[PubSub], len(client.tracking.prefixes) if client.tracking else 0
    return Size(
        query=query,
        query_free=max(QUERY_BUFFER - query, 0) if running else 0,
        arguments=(sum(map(len, argv)) if holds else 0) + sink.arguments_pending(),
        queued=transaction.size if transaction else 0,
        in_buffer=in_buffer,
        in_chunks=pending - in_buffer,
        subscribed=_SUBSCRIPTION * (pubsub.count(client) + pubsub.shards.count(client)) + _PREFIX * prefixes,
        watched=_WATCH * engine[Watches].count(client) + (_QUEUED * len(transaction.queue) if transaction else 0),
    )


def wire_size(argv: list[bytes]) -> int:
    """The bytes of a command as sent."""
    return len(b"*%d\r\n" % len(argv)) + sum(len(b"$%d\r\n" % len(word)) + len(word) + 2 for word in argv)


class ClientMemory:
    """`total` is the bytes of all clients as last seen. `follows`: clients are measured as they are served."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._sizes: dict[Client, int] = {}
        self.total = 0
        self.on_change: Callable[[], None] | None = None
        self.limit = 0
        self._next = 0  # whose turn it is
        engine[Clients].on_forget.append(self._forget)
        engine.info.add("Memory", lambda: {"mem_clients_normal": self.estimate()})
        engine.cron_steps.append(self._step)
        for name in ("maxmemory", "maxmemory-clients"):
            engine.config.on_change(name, self._set_limit)
        self._set_limit()

    def update(self, client: "Client", more: int = 0) -> None:
        """Measure a client; `more` is what it is about to run."""
        if client.waiting is CLOSED or client.role is not NORMAL:
            self._forget(client)
            return
        size = size_of(client).total + more
        self.total += size - self._sizes.get(client, 0)
        self._sizes[client] = size

    def served(self, clients: Iterable["Client"], more: int = 0) -> None:
        """Clients were read from or written to: measure them, and see whether all still fit."""
        for client in clients:
            self.update(client, more)
        self.evict_clients()
        if self.on_change is not None:
            self.on_change()

    def estimate(self) -> int:
        """The bytes of all clients; judged by some of them where nobody follows them."""
        if self.follows:
            return self.total
        clients = list(self._engine[Clients].listed.values())
        sampled = clients[:: len(clients) // _SLICE + 1]
        return sum(size_of(client).total for client in sampled) * len(clients) // (len(sampled) or 1)

    def evict_clients(self) -> None:
        """Clients grew: disconnect the largest until they are below the limit."""
        if not self.limit or self.total < self.limit:
            return
        for client in sorted(self._sizes, key=self._sizes.__getitem__, reverse=True):
            if self.total < self.limit:
                break
            if not client.no_evict:
                self._engine.stats.evicted_clients += 1
                client.close(at_once=True)
                self._engine[Clients].disconnect(client)  # gone before the loop tells us so

    def _forget(self, client: "Client") -> None:
        self.total -= self._sizes.pop(client, 0)

    def _step(self) -> None:
        """Cron: all clients get their turn within a second."""
        if not self.follows:
            self.total = 0
            self._sizes.clear()
            return
        clients = list(self._engine[Clients].listed.values())
        count = max(_SLICE, len(clients) // self._engine.hz)
        start = self._next if self._next < len(clients) else 0
        for client in clients[start : start + count]:
            self.update(client)
        self._next = start + count
        self.evict_clients()

    def _set_limit(self, _: object = None) -> None:
        config = self._engine.config
        limit = config["maxmemory-clients"]
        if limit < 0:
            limit = config["maxmemory"] * -limit // 100
        self.limit = max(limit, _SMALLEST_LIMIT) if limit else 0
        self.follows = bool(limit or config["maxmemory"])
        for client in self._engine[Clients].listed.values():
            client.sink.adopt_limits()
        self._step()
