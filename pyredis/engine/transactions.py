"""MULTI: what is queued on a client, and WATCH: the keys whose change makes EXEC fail."""

from typing import TYPE_CHECKING, NamedTuple

from pyredis.engine import gates
from pyredis.errors import CommandError
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


PRESENT, ABSENT, DUE = "present", "absent", "due"
"""What a watched key was at WATCH. One past its time then may be deleted without counting as changed."""


class Watches:
    """Who watches which key. The keyspace is observed only while somebody does."""

    def __init__(self, engine: "Engine") -> None:
        self._keyspace = engine.keyspace
        self._watchers: dict[tuple[int, bytes], set[Client]] = {}
        self._watched: dict[Client, dict[tuple[int, bytes], str]] = {}
        self._touched: set[Client] = set()
        engine.on_forget.append(self.clear)

    def add(self, client: "Client", key: bytes) -> None:
        """Watch a key, unless it is watched already."""
        place = (client.db.index, key)
        if not self._watchers:
            self._keyspace.observe(self._changed)
        self._watchers.setdefault(place, set()).add(client)
        self._watched.setdefault(client, {}).setdefault(place, _state(client.db, key))

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
            state is not DUE and self._keyspace.databases[index].is_due(key)
            for (index, key), state in self._watched.get(client, {}).items()
        )

    def count(self, client: "Client") -> int:
        """How many keys the client watches."""
        return len(self._watched.get(client, ()))

    @property
    def total(self) -> tuple[int, int]:
        """How many clients watch, and how many keys are watched."""
        return len(self._watched), len(self._watchers)

    def _changed(self, db: "Database", key: bytes, event: events.Event) -> None:
        if not event.modifies:
            return
        place = (db.index, key)
        for client in self._watchers.get(place, ()):
            watched = self._watched[client]
            before = watched[place]
            now = ABSENT if event is events.FLUSHED else _state(db, key)
            if before is DUE and now is ABSENT:
                watched[place] = ABSENT
            elif event is events.SWAPPED and now is DUE and before is not PRESENT:
                watched[place] = DUE
            else:
                self._touched.add(client)


def _state(db: "Database", key: bytes) -> str:
    if db.is_due(key):
        return DUE
    return ABSENT if db.table.get(key) is None else PRESENT


def leave(client: "Client") -> None:
    """Out of the transaction; nothing is watched any more."""
    client.transaction = None
    client.gates &= ~gates.IN_TRANSACTION
    client.engine[Watches].clear(client)


def aborted(client: "Client", reason: CommandError) -> CommandError:
    """EXEC itself may not run: the transaction is over, and the error says why."""
    if client.transaction is not None:
        leave(client)
    why = reason.text if reason.code == CommandError.code else reason.line
    return CommandError(b"Transaction discarded because of: " + why, b"EXECABORT")
