"""WATCH: the keys whose change makes EXEC fail; and how a transaction begins and ends."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyredis.engine.execution import gates
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError, Redirection
from pyredis.keyspace import events

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.keyspace.database import Database
    from pyredis.protocol.parser import Argv


PRESENT, ABSENT, DUE = "present", "absent", "due"
"""What a watched key was at WATCH. One past its time then may be deleted without counting as changed."""


class Watches:
    """Who watches which key. The keyspace is observed only while somebody does."""

    def __init__(self, engine: "Engine") -> None:
        self._keyspace = engine.keyspace
        self._watchers: dict[tuple[int, bytes], set[Client]] = {}
        self._watched: dict[Client, dict[tuple[int, bytes], str]] = {}
        self._touched: set[Client] = set()
        engine[Clients].on_forget.append(self.clear)
        names = ("watching_clients", "total_watched_keys")
        engine.info.add("Clients", lambda: dict(zip(names, self.total, strict=True)))
        engine.keyspace.on_swap.append(self._swapped)

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
        if event is events.FLUSHED:
            self._flushed(db)
            return
        self._touch((db.index, key), event, _state(db, key))

    def _flushed(self, db: "Database") -> None:
        """All keys of a database are about to go."""
        for place in self._watchers:
            if place[0] == db.index and place[1] in db.table:
                self._touch(place, events.FLUSHED, ABSENT)

    def _swapped(self, one: "Database", two: "Database") -> None:
        """Two databases took each other's place: a watched key that is or was there counts as changed."""
        for place in self._watchers:
            for db, other in ((one, two), (two, one)):
                if place[0] == db.index and (place[1] in db.table or place[1] in other.table):
                    self._touch(place, events.SWAPPED, _state(db, place[1]))

    def _touch(self, place: tuple[int, bytes], event: events.Event, now: str) -> None:
        """Something happened to a key that is `now` present, absent or due."""
        for client in self._watchers.get(place, ()):
            watched = self._watched[client]
            before = watched[place]
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


def up_to_exec(engine: "Engine", commands: "Iterator[Argv]") -> tuple[list["Argv"], bool]:
    """Take the commands up to EXEC; and whether that came, and before it only plain commands, no scripts."""
    find, last = engine.entries.get, engine.exec
    taken = []
    for argv in commands:
        taken.append(argv)
        entry = find(argv[0])
        if entry is None or not entry.plain or entry.script or not entry.minimum <= len(argv) <= entry.maximum:
            return taken, entry is last and len(argv) == 1
    return taken, False


def leave(client: "Client") -> None:
    """Out of the transaction; nothing is watched any more."""
    client.transaction = None
    client.gates &= ~gates.IN_TRANSACTION
    client.engine[Watches].clear(client)


def aborted(client: "Client", reason: CommandError) -> CommandError:
    """EXEC itself may not run: the transaction is over, and the error says why."""
    if client.transaction is not None:
        leave(client)
    if isinstance(reason, Redirection):
        return reason
    why = reason.text if reason.code == CommandError.code else reason.line
    return CommandError(b"Transaction discarded because of: " + why, b"EXECABORT")
