"""MIGRATE: keys go to another server, and are deleted here as far as they have arrived.

Redis does nothing else until the target has answered. Here its answer is waited for like any other event, and what
must not happen meanwhile is held back: writes, by a pause, for what is written to a key after it was sent would be lost
with it; and so expiry and eviction, too. Reads go on: until the target's answer the keys are here. As MIGRATE is a
write itself, there is one at a time.

A key is deleted only after the target has said that it has it. Whatever breaks off before leaves it here, and then it
may be there, too: never in neither place.

    connecting ── connected ─→ writing ── all is taken ─→ reading ── the last reply ─→ done

A timeout ends any of these when nothing moved for so long, and each has its text. A link that breaks before the first
key was answered is tried once more, since one that was kept may have been closed by the target.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pyredis.cluster.key_transfer import Garbled, KeyTransfer, Parcel
from pyredis.cluster.target_links import Address, TargetLinks
from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.dispatch import failed
from pyredis.engine.execution.pause import FOREVER, MIGRATING, Pause
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.messaging.invalidation import Tracking
from pyredis.errors import CommandError
from pyredis.protocol.replies import OK
from pyredis.rdb.payload import dump
from pyredis.replication.following import Following

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.engine.host import Timer

Values = Sequence[tuple[bytes, Any]]
"""Keys with what they hold."""

CONNECTING, WRITING, READING = (
    b"error or timeout connecting to the client",
    b"error or timeout writing to target instance",
    b"error or timeout reading to target instance",
)


class Request(NamedTuple):
    """What MIGRATE asks for, beside the keys. `credentials` are AUTH's words, `timeout` is ms."""

    target: Address
    database: int
    timeout: int
    credentials: tuple[bytes, ...] = ()
    copy: bool = False
    replace: bool = False


class Migration:
    """One that is under way: the `User` of a link. `phase` is the error that would be answered now."""

    def __init__(self, engine: "Engine", client: "Client", request: Request, values: Values) -> None:
        self._engine = engine
        self._links = engine[TargetLinks]
        self._values = values
        self._may_retry = True
        self._timer: Timer | None = None
        self._unsent = 0
        self.client = client
        self.db = client.db
        self.request = request
        self.master = engine[Following].master
        self.transfer: KeyTransfer | None = None
        self.phase = CONNECTING
        link = self._links.take(request.target, self)
        self._link = link if link is not None else self._links.dial(request.target, self)

    def begin(self) -> None:
        """Wait for the connection, or do without waiting."""
        if self._link.is_connected:
            self._send()
        else:
            self._wait()

    def abandon(self) -> None:
        """The server ends: nobody is told, and nothing changes any more."""
        self._stop_waiting()
        self._link.close()

    # From the link and the timer: what follows has to wait while a script overruns

    def connected(self) -> None:
        """The target is there."""
        self._engine.when_free(self._send)

    def received(self, data: bytes) -> None:
        """It answers."""
        self._engine.when_free(partial(self._hear, data))

    def lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._engine.when_free(partial(self._break_off, error))

    def _send(self) -> None:
        engine, request = self._engine, self.request
        self.transfer = KeyTransfer(
            list(self._parcels()),
            credentials=request.credentials,
            database=None if self._link.database == request.database else request.database,
            replace=request.replace,
            asking=engine.config["cluster-enabled"],
        )
        self._link.write(self.transfer.request)
        self.phase, self._unsent = WRITING, self._link.pending()
        self._wait()

    def _parcels(self) -> Iterator[Parcel]:
        """What goes: keys whose time has come meanwhile do not."""
        now = self._engine.keyspace.now
        for key, value in self._values:
            when = self.db.expire_time(key)
            if when is None:
                yield Parcel(key, 0, dump(value))
            elif when >= now:
                yield Parcel(key, max(when - now, 1), dump(value))

    def _hear(self, data: bytes) -> None:
        if self.transfer is None:
            return  # it is over
        self.phase = READING
        try:
            self.transfer.feed(data)
        except Garbled:
            self._link.close()
            self._end()
            return
        if not self.transfer.is_done:
            self._wait()
            return
        database = None if self.transfer.refusal else self.request.database
        self._links.give_back(self._link, database)
        self._end()

    def _break_off(self, error: Exception | None) -> None:
        if self._timer is None:
            return  # it is over
        if self.phase is CONNECTING:
            self.phase = WRITING if isinstance(error, ConnectionError) else CONNECTING  # as Redis sees a refusal
            self._end()
            return
        self.phase = READING
        if self._may_retry and not (self.transfer is not None and self.transfer.heard):
            self._may_retry = False
            self._try_again()
        else:
            self._end()

    def _try_again(self) -> None:
        self.transfer, self.phase = None, CONNECTING
        try:
            self._link = self._links.dial(self.request.target, self)
        except OSError:
            self._end()
        else:
            self._wait()

    # Time

    def _wait(self) -> None:
        """The target has the timeout's time from now on."""
        self._stop_waiting()
        host = self._engine.host
        self._timer = host.at(host.now + self.request.timeout, partial(self._engine.when_free, self._time_is_up))

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        if self._timer is None:
            return  # it was over before a script let us see that
        unsent = 0 if self.phase is CONNECTING else self._link.pending()
        if 0 < unsent < self._unsent:
            self._unsent = unsent
            self._wait()
            return
        if self.phase is WRITING and not unsent:
            self.phase = READING
        self._link.close()
        self._end()

    def _end(self) -> None:
        self._stop_waiting()
        transfer, self.transfer = self.transfer, None
        self._engine[Migrations].ended(self, transfer)


class Migrations:
    """A component. `current`: the one that is under way."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.current: Migration | None = None
        engine.on_stop.append(self._stop)

    def begin(self, client: "Client", request: Request, values: Values) -> None:
        """Send existing keys of the client's database away; the client waits. Raises CommandError."""
        try:
            migration = Migration(self._engine, client, request, values)
        except OSError:
            raise CommandError(CONNECTING, b"IOERR")
        self.current = migration
        client.waiting = MIGRATING
        self._engine[Pause].begin(FOREVER, False, MIGRATING)
        migration.begin()

    def ended(self, migration: Migration, transfer: KeyTransfer | None) -> None:
        """It is over: what arrived goes here, and all go on."""
        self.current = None
        client = migration.client
        failure = self._outcome(migration, transfer)
        self._settle(client, OK if failure is None else failed(self._engine, client, client.last_entry, failure))
        self._engine[Pause].end(MIGRATING)

    def _outcome(self, migration: Migration, transfer: KeyTransfer | None) -> CommandError | None:
        """Delete what arrived; the error to answer."""
        if transfer is not None and transfer.arrived and not migration.request.copy:
            if self._is_another_dataset(migration):
                return CommandError(b"The server's part changed meanwhile: no key that was migrated is deleted")
            self._delete(migration, transfer.arrived)
        if transfer is not None and transfer.refusal and transfer.heard:
            return CommandError(b"Target instance replied with error: " + transfer.refusal)
        if transfer is None or not transfer.is_done:
            return CommandError(migration.phase, b"IOERR")
        return None

    def _is_another_dataset(self, migration: Migration) -> bool:
        """Whether the keys that are here now are not those that were sent, or no longer ours to delete."""
        return migration.master != self._engine[Following].master or bool(self._engine.gates & gates.LOADING)

    def _delete(self, migration: Migration, keys: Sequence[bytes]) -> None:
        engine, client, db = self._engine, migration.client, migration.db
        engine.running = client
        removed = [key for key in keys if db.remove(key)]
        engine.running = None
        if removed:
            engine[Propagation].send(db.index, (b"DEL", *removed))
            client.wrote = engine[Propagation].offset

    def _settle(self, client: "Client", answer: Any) -> None:
        """Let the client go on, if it is still there, and all who were told of what went."""
        waits = client.waiting is MIGRATING
        if waits:
            client.waiting = None
            client.answer(answer)
        if self._engine.gates & detours.TRACKED:
            self._engine[Tracking].done(client, client.last_entry)
        if self._engine.gates & detours.WAITED_FOR:
            self._engine[Blocking].serve()
        if waits:
            client.sink.resume()

    def _stop(self) -> None:
        if self.current is not None:
            self.current.abandon()
            self.current = None
