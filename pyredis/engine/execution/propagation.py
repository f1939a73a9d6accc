"""The one way out for writes: what goes to the append-only log and to replicas is one stream of bytes.

A command that changed something is encoded once, in its deterministic form, and has an offset in the stream; the log
and the replication backlog read it as it comes. A handler whose effect depends on time or chance sets `ctx.rewritten`
to the command that repeats it, or to () when it has sent all there is to send. SELECT stands where the database
changes, MULTI and EXEC around what takes effect as one. Nobody reads: nothing is encoded, and the rows of commands
do without (`Engine.rewire`). What a client writes by the commands of one read is sent in one piece, before anything
else is; if all of them changed something and are sent as they came, it is what was read. A replica writes no stream of
its own: its master's is passed on, byte for byte.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from pyredis.protocol.encoder import encode_command

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.command import Handler
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine
    from pyredis.keyspace.database import Database

Reader = Callable[[bytes], None]

LOG, REPLICAS = 1, 2
EVERYBODY = LOG | REPLICAS
"""Who reads the stream, as redis.set_repl names them."""

_ANY_DATABASE = -1
_MULTI, _EXEC = encode_command((b"MULTI",)), encode_command((b"EXEC",))


class Propagation:
    """A component. `offset` is how many bytes the replicas' stream has had, `id` what replicas know it by.

    `to`: who is to get what is sent now. `second_id` names the stream this one goes on from, up to `second_offset`.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._readers: tuple[tuple[Reader, int], ...] = ()
        self._held: list[tuple[int, bytes, int]] | None = None  # of a transaction: database, command, for whom
        self._writers: list[Client] = []  # of what is held
        self._written_for: tuple[Reader, ...] = ()  # those of them who get what is written here
        self._muted = False
        self._follows = False
        self._counts = False  # whether it is a part of the replicas' stream
        self._selected = {LOG: _ANY_DATABASE, REPLICAS: _ANY_DATABASE}
        self._ready = _ANY_DATABASE  # the database whose commands everybody may have just so
        self.active = False
        """Whether somebody reads what is written here."""
        self.to = EVERYBODY
        self._offset = 0
        self.select_bytes = 0  # of them, which say what database is meant
        self._gathering: Client | None = None  # whose read runs
        self._gathered: list[Sequence[bytes]] = []  # what it wrote
        self.renew_id()
        self.forget_second_id()
        engine.keyspace.on_expired = partial(self.send_deletion, "lazyfree-lazy-expire")
        engine.keyspace.on_fields_expired = self._send_expired_fields

    @property
    def offset(self) -> int:
        """How many bytes the replicas' stream has had."""
        self.send_gathered()
        return self._offset

    @offset.setter
    def offset(self, value: int) -> None:
        self._offset = value

    # Which stream it is

    def new_id(self) -> str:
        """A name that no stream has."""
        return f"{self._engine.random.getrandbits(160):040x}"

    def renew_id(self) -> None:
        """From now on it is another stream."""
        self.id = self.new_id()

    def forget_second_id(self) -> None:
        """It goes on from no other."""
        self.second_id, self.second_offset = "0" * 40, -1

    def go_on_as(self, id: str) -> None:
        """The same stream by another name: who has it up to here may go on with it."""
        self.second_id, self.second_offset = self.id, self.offset + 1
        self.id = id

    def follow(self, on: bool) -> None:
        """While a master is followed its stream is passed on; what is written here is for the log alone."""
        self.select_anew()
        self._follows = on
        self._rewire()

    @property
    def database(self) -> int:
        """The database that the replicas' stream is in; 0 where it would be told."""
        return max(self._selected[REPLICAS], 0)

    # Who reads it

    def listen(self, reader: Reader, who: int) -> None:
        """Let `reader` have every byte from now on that is for `who`: LOG or REPLICAS. The first tells its database."""
        self.select_anew(who)
        self._readers = (*self._readers, (reader, who))
        self._rewire()

    def unlisten(self, reader: Reader) -> None:
        """Send no more to `reader`."""
        self.send_gathered()
        self._readers = tuple(one for one in self._readers if one[0] != reader)
        self._rewire()

    def mute(self, on: bool) -> None:
        """While a dataset is loaded, nobody hears of what that changes."""
        self.send_gathered()
        self._muted = on
        self._rewire()

    def select_anew(self, who: int = EVERYBODY) -> None:
        """Somebody begins to read here: the next command is preceded by SELECT."""
        self.send_gathered()
        for one in (LOG, REPLICAS):
            if one & who:
                self._selected[one] = _ANY_DATABASE
        self._ready = _ANY_DATABASE

    # What is sent

    def send(self, index: int, words: Sequence[bytes]) -> None:
        """Pass on a command that repeats what was changed in a database."""
        if not self.active or not self.to:
            return
        self.send_gathered()
        data = encode_command(words)
        if self._held is not None:
            self._held.append((index, data, self.to))
        elif index == self._ready and self.to == EVERYBODY:
            self._pass_on(data, EVERYBODY)
        else:
            self._select(index, self.to)
            self._pass_on(data, self.to)

    def send_to_replicas(self, index: int, words: Sequence[bytes]) -> None:
        """The same for what is no change of data: no log needs it."""
        to, self.to = self.to, self.to & REPLICAS
        self.send(index, words)
        self.to = to

    def pass_on(self, data: bytes) -> None:
        """Bytes of a master's stream, as they are, for the replicas of its replica."""
        self._offset = self.offset + len(data)
        for reader, who in self._readers:
            if who & REPLICAS:
                reader(data)

    def _select(self, index: int, to: int) -> None:
        """Say which database is meant to those for whom it is not the last."""
        lacking = sum(who for who, selected in self._selected.items() if who & to and selected != index)
        if lacking:
            words = encode_command((b"SELECT", b"%d" % index))
            self.select_bytes += len(words) if lacking & REPLICAS else 0
            self._pass_on(words, lacking)
            self._selected.update(dict.fromkeys((who for who in self._selected if who & lacking), index))
        self._ready = index if set(self._selected.values()) == {index} else _ANY_DATABASE

    def _pass_on(self, data: bytes, to: int) -> None:
        if self._follows:
            to &= LOG
        elif to & REPLICAS:
            self._offset += len(data)
        for reader, who in self._readers:
            if who & to:
                reader(data)

    def send_deletion(self, lazily: str, db: "Database", key: bytes) -> None:
        """The server itself deleted a key: by UNLINK where the parameter `lazily` is on."""
        self.send(db.index, (b"UNLINK" if self._engine.config[lazily] else b"DEL", key))

    def _send_expired_fields(self, db: "Database", key: bytes, fields: list[bytes]) -> None:
        with self.transaction():
            for field in fields:
                self.send(db.index, (b"HDEL", key, field))

    def feed(self, client: "Client") -> None:
        """The client's command changed something."""
        words = client.argv if client.rewritten is None else client.rewritten
        if words and client.db.index == self._ready and self._held is None and self.to == EVERYBODY:
            self._gathered.append(words)
            if client is not self._gathering:
                self.send_gathered()
                client.wrote = self._offset
            return
        if words:
            self.send(client.db.index, words)
        if self._held is not None:
            self._writers.append(client)
        else:
            client.wrote = self.offset

    def end_of_writes(self, client: "Client") -> int:
        """Where in the stream the client's last write ends."""
        self.send_gathered()
        return client.wrote

    def gather(self, client: "Client") -> None:
        """The commands of a client's read run from here on, until `settle`."""
        self._gathering = client

    def settle(self, batch: Sequence[Sequence[bytes]], read: bytes | None) -> None:
        """They have run; they were a `batch`, which came as the bytes `read`, if that is known."""
        self.send_gathered(read if read is not None and self._gathered == batch else None)
        self._gathering = None

    def send_gathered(self, data: bytes | None = None) -> None:
        """Send what was gathered, if there is something; it is `data`, if that is known."""
        if not self._gathered:
            return
        gathered, self._gathered = self._gathered, []
        if data is None:
            data = b"".join(map(encode_command, gathered))
        if self._counts:
            self._offset += len(data)
        for reader in self._written_for:
            reader(data)
        if self._gathering is not None:
            self._gathering.wrote = self._offset

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commands that take effect as one: what they send is a transaction, if it is more than one."""
        if self._held is not None or not self.active:
            yield
            return
        self.send_gathered()
        held = self._held = []
        try:
            yield
        finally:
            self._held = None
            self._send_together(held)
            for client in self._writers:
                client.wrote = self.offset
            self._writers.clear()

    def _send_together(self, held: list[tuple[int, bytes, int]]) -> None:
        everybody = reduce(or_, (to for _, _, to in held), 0)
        if len(held) > 1:
            self._pass_on(_MULTI, everybody)
        for index, data, to in held:
            self._select(index, to)
            self._pass_on(data, to)
        if len(held) > 1:
            self._pass_on(_EXEC, everybody)

    # Inside

    def _rewire(self) -> None:
        written = LOG if self._follows else EVERYBODY
        self._written_for = tuple(reader for reader, who in self._readers if who & written and not self._muted)
        self.active = bool(self._written_for)
        self._counts = self.active and not self._follows
        self._engine.record = self._recorded if self.active else None
        self._engine.rewire()

    def _recorded(self, entry: "Entry") -> "Handler":
        """A row's function, followed by feeding what it changed."""
        handler, feed = entry.handler, self.feed
        if not entry.changes:
            return handler
        everything = self._engine.keyspace if entry.every_database else None

        def record(client: "Client", *words: bytes) -> Any:
            place = everything or client.db
            before = place.dirty
            client.rewritten = None
            try:
                if len(words) == 2:  # most have so many, and spreading a tuple costs as much again
                    value = handler(client, words[0], words[1])
                else:
                    value = handler(client, *words)
            except Exception:
                if place.dirty != before:
                    feed(client)
                raise
            if place.dirty != before:
                feed(client)
            return value

        return record
