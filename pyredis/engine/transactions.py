"""MULTI: what is queued on a client, and WATCH: the keys whose change makes EXEC fail."""

from typing import TYPE_CHECKING, NamedTuple

from pyredis.keyspace import events

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.engine.entry import Entry
    from pyredis.keyspace.database import Database
    from pyredis.protocol.parser import Argv


class Queued(NamedTuple):
    """A command waiting for EXEC."""

    entry: "Entry"
    argv: "Argv"


class Transaction:
    """The commands queued since MULTI; spoiled by one that could not be queued."""

    __slots__ = ("queue", "spoiled")

    def __init__(self) -> None:
        self.queue: list[Queued] = []
        self.spoiled = False

    def add(self, entry: "Entry", argv: "Argv") -> None:
        """Queue a command."""
        self.queue.append(Queued(entry, argv))

    def spoil(self) -> None:
        """EXEC will abort."""
        self.spoiled = True


class Watches:
    """Who watches which key. The keyspace is observed only while somebody does."""

    def __init__(self, engine: "Engine") -> None:
        self._keyspace = engine.keyspace
        self._watchers: dict[tuple[int, bytes], set[Client]] = {}
        self._watched: dict[Client, dict[tuple[int, bytes], bool]] = {}
        self._touched: set[Client] = set()
        engine.on_forget.append(self.clear)

    def add(self, client: "Client", key: bytes) -> None:
        """Watch a key; one that is already expired counts as absent."""
        place = (client.db.index, key)
        if not self._watchers:
            self._keyspace.observe(self._changed)
        self._watchers.setdefault(place, set()).add(client)
        self._watched.setdefault(client, {}).setdefault(place, client.db.is_due(key))

    def clear(self, client: "Client") -> None:
        """UNWATCH, and the end of every transaction."""
        for place in self._watched.pop(client, ()):
            watchers = self._watchers[place]
            watchers.discard(client)
            if not watchers:
                del self._watchers[place]
        self._touched.discard(client)
        if not self._watchers:
            self._keyspace.unobserve(self._changed)

    def touched(self, client: "Client") -> bool:
        """Whether a watched key changed, or expired meanwhile."""
        return client in self._touched or any(
            not was_due and self._keyspace.databases[index].is_due(key)
            for (index, key), was_due in self._watched.get(client, {}).items()
        )

    def count(self, client: "Client") -> int:
        """How many keys the client watches."""
        return len(self._watched.get(client, ()))

    @property
    def total(self) -> tuple[int, int]:
        """How many clients watch, and how many keys are watched."""
        return len(self._watched), len(self._watchers)

    def _changed(self, db: "Database", key: bytes, event: events.Event) -> None:
        if event is events.KEY_MISS:
            return
        watchers = self._watchers.get((db.index, key))
        if watchers:
            self._touched |= watchers
