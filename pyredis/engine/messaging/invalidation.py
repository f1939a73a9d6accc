"""Client-side caching: clients are told when keys change that they read, or that begin with their prefixes.

By default the server remembers which keys a tracking client read, and forgets one when it was told of; in BCAST mode
nothing is remembered. A message goes to the client itself (RESP3), or to the one it redirects to, as a push or, in
RESP2, as a message of the channel `__redis__:invalidate`. What a client changed itself it is told behind the reply.

Nobody tracks: the keyspace is not observed and the gate TRACKED is open.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from pyredis.engine.command_table.command import READONLY
from pyredis.engine.execution import detours, gates
from pyredis.engine.messaging.tracking_mode import Mode
from pyredis.engine.roster import Clients
from pyredis.keyspace import events
from pyredis.protocol.replies import Push

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields
    from pyredis.keyspace.database import Database
    from pyredis.protocol.parser import Argv

CHANNEL = b"__redis__:invalidate"
_TOLD_BESIDE = frozenset((events.NEW, events.OVERWRITTEN, events.TYPE_CHANGED, events.SWAPPED))
"""Events that come with another one that says what changed, and SWAPDB's, of which clients are not told."""

_NOT_READING = frozenset(("pubsub", "scripting"))  # a script reads by the commands it calls


_KEY_BYTES = 450
"""About what a key takes that is remembered, without its name: with a dict of those who read it."""


class Tracking:
    """Who tracks what."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.clients: dict[int, Client] = {}
        self.keys: dict[bytes, dict[int, None]] = {}
        self._changed_keys: dict[bytes, Client | None] = {}  # since the last broadcast, and by whom last
        self._flushed = -1  # the last database that the running command emptied
        self._is_broadcasting = False
        engine[Clients].on_forget.append(self.stop)
        engine.info.add("Clients", lambda: {"tracking_clients": len(self.clients)})
        engine.info.add("Stats", self._fields)
        engine.cron_steps.append(self._tell)

    def _fields(self) -> "Fields":
        return {
            "tracking_total_keys": len(self.keys),
            "tracking_total_items": self.items,
            "tracking_total_prefixes": self.prefixes,
        }

    @property
    def items(self) -> int:
        """Pairs of a key and a client that read it."""
        return sum(map(len, self.keys.values()))

    @property
    def size(self) -> int:
        """About the bytes of the keys remembered."""
        return _KEY_BYTES * len(self.keys)

    @property
    def prefixes(self) -> int:
        """Different prefixes that somebody listens to."""
        return len({prefix for _, mode in self._broadcasting() for prefix in mode.prefixes})

    def start(self, client: "Client", mode: Mode) -> None:
        """Track for a client, or go on in another way."""
        if not self.clients:
            self._engine.keyspace.observe(self._changed)
            self._engine.gates |= detours.TRACKED
        client.tracking = mode
        client.gates |= detours.TRACKING
        self.clients[client.id] = client

    def stop(self, client: "Client") -> None:
        """Track no more for a client; what it read is forgotten as its keys change."""
        client.tracking = None
        client.gates &= ~detours.TRACKING
        if self.clients.pop(client.id, None) is not None and not self.clients:
            self._engine.keyspace.unobserve(self._changed)
            self._engine.gates &= ~detours.TRACKED
            self.keys.clear()
            self._changed_keys.clear()

    def remember(self, client: "Client", entry: "Entry", argv: "Argv") -> None:
        """A tracking client ran a command: what it read may be cached."""
        mode, command = client.tracking, entry.command
        if mode is None or mode.broadcast or not command.flags & READONLY or command.group in _NOT_READING:
            return
        if (mode.optin and not mode.caching) or (mode.optout and mode.caching):
            return
        for key in command.keys_in(argv):
            self.keys.setdefault(key, {})[client.id] = None

    def done(self, client: "Client", entry: "Entry | None") -> None:
        """A command is done, its reply queued; CLIENT CACHING held for one command."""
        self._flushed = -1
        if self._changed_keys and not self._is_broadcasting:
            self._is_broadcasting = True
            self._engine.host.soon(self._broadcast)
        mode = client.tracking
        if mode is not None and client.transaction is None and entry is not None:
            mode.caching = mode.caching and entry.command.container == "client"

    # Telling

    def _tell(self) -> None:
        """Send what was changed by no command (keys that expire)."""
        self._flushed = -1
        if self._changed_keys:
            self._broadcast()

    def _changed(self, db: "Database", key: bytes, event: events.Event) -> None:
        if not event.modifies or event in _TOLD_BESIDE:
            return
        if event is events.FLUSHED:
            if db.index <= self._flushed or self._flushed < 0:  # FLUSHALL says it of one database after the other
                self._tell_all()
            self._flushed = db.index
            return
        self._changed_keys[key] = self._engine.running
        readers = self.keys.pop(key, None)
        if readers:
            self._invalidate(key, readers, self._engine.running)

    def _invalidate(self, key: bytes, readers: Iterable[int], by: "Client | None") -> None:
        """Tell who read a key; `by`: whose command changed it."""
        for id in readers:
            client = self.clients.get(id)
            mode = client.tracking if client is not None else None
            if client is None or mode is None or mode.broadcast:
                continue
            if not (mode.noloop and client is by):
                self._send(client, mode, [key])

    def _broadcast(self) -> None:
        """Tell who listens to prefixes of the keys that changed, each prefix in a message of its own."""
        changed, self._changed_keys = sorted(self._changed_keys.items(), key=itemgetter(0)), {}
        self._is_broadcasting = False
        for client, mode in self._broadcasting():
            for prefix in sorted(mode.prefixes):
                keys = [key for key, by in changed if key.startswith(prefix) and not (mode.noloop and by is client)]
                if keys:
                    self._send(client, mode, keys)

    def _tell_all(self) -> None:
        """Every key is gone: a null instead of keys, to everybody."""
        self.keys.clear()
        for client in list(self.clients.values()):
            if client.tracking is not None:
                self._send(client, client.tracking, None)

    def _send(self, client: "Client", mode: Mode, keys: Sequence[bytes] | None) -> None:
        """Send keys that are no longer valid, where the client wants to be told."""
        target: Client | None = client
        if mode.redirect:
            target = self._engine[Clients].listed.get(mode.redirect)
            if target is None:
                mode.broken = True
                if client.resp == 3:
                    client.push(Push((b"tracking-redir-broken", mode.redirect)))
                return
        assert target is not None
        if target.resp == 3:
            target.push(Push((b"invalidate", keys)))
        elif mode.redirect and target.gates & gates.SUBSCRIBED:
            target.push(Push((b"message", CHANNEL, keys)))

    def _broadcasting(self) -> list[tuple["Client", Mode]]:
        modes = [(client, client.tracking) for client in self.clients.values()]
        return [(client, mode) for client, mode in modes if mode is not None and mode.broadcast]

    def shrink(self) -> None:
        """Forget keys beyond `tracking-table-max-keys`, as if they had changed: before the next command."""
        most: int = self._engine.config["tracking-table-max-keys"]
        while most and len(self.keys) > most:
            key = next(iter(self.keys))
            self._invalidate(key, self.keys.pop(key), None)
