"""The one way out for writes: what goes to the append-only log and to replicas is one stream of bytes.

A command that changed something is encoded once, in its deterministic form, and has an offset in the stream; the log
and the replication backlog read it as it comes. A handler whose effect depends on time or chance sets `ctx.rewritten`
to the command that repeats it, or to () when it has sent all there is to send. SELECT stands where the database
changes, MULTI and EXEC around what takes effect as one. Nobody reads: nothing is encoded, and the rows of commands
do without (`Engine.rewire`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
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
_MULTI, _EXEC = (encode_command((b"MULTI",)), EVERYBODY), (encode_command((b"EXEC",)), EVERYBODY)


class Propagation:
    """A component. `offset` is how many bytes the stream has had, `id` what replicas know it by.

    `to`: who is to get what is sent now. `second_id` names the stream this one goes on from, up to `second_offset`.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._readers: tuple[tuple[Reader, int], ...] = ()
        self._held: list[tuple[bytes, int]] | None = None
        self._writers: list[Client] = []  # of what is held
        self._muted = False
        self._selected = _ANY_DATABASE
        self.to = EVERYBODY
        self.offset = 0
        self.second_id, self.second_offset = "0" * 40, -1
        self.renew_id()
        engine.keyspace.on_expired = partial(self.send_deletion, "lazyfree-lazy-expire")
        engine.keyspace.on_fields_expired = self._send_expired_fields

    @property
    def active(self) -> bool:
        """Whether somebody reads."""
        return bool(self._readers) and not self._muted

    def renew_id(self) -> None:
        """From now on it is another stream."""
        self.id = f"{self._engine.random.getrandbits(160):040x}"

    def listen(self, reader: Reader, who: int) -> None:
        """Let `reader` have every byte from now on that is for `who`: LOG or REPLICAS. The first tells its database."""
        self._readers = (*self._readers, (reader, who))
        self.select_anew()
        self._rewire()

    def unlisten(self, reader: Reader) -> None:
        """Send no more to `reader`."""
        self._readers = tuple(one for one in self._readers if one[0] != reader)
        self._rewire()

    def mute(self, on: bool) -> None:
        """While a dataset is loaded, nobody hears of what that changes."""
        self._muted = on
        self._rewire()

    def select_anew(self) -> None:
        """Somebody begins to read here: the next command is preceded by SELECT."""
        self._selected = _ANY_DATABASE

    # What is sent

    def send(self, index: int, words: Sequence[bytes]) -> None:
        """Pass on a command that repeats what was changed in a database."""
        if not self.active or not self.to:
            return
        data = encode_command(words)
        if index != self._selected:
            data = encode_command((b"SELECT", b"%d" % index)) + data
            self._selected = index if self.to == EVERYBODY else _ANY_DATABASE
        if self._held is not None:
            self._held.append((data, self.to))
        else:
            self._pass_on(data, self.to)

    def pass_on(self, data: bytes) -> None:
        """Bytes of a master's stream, as they are, for the replicas of its replica."""
        self._pass_on(data, REPLICAS)

    def _pass_on(self, data: bytes, to: int) -> None:
        self.offset += len(data)
        for reader, who in self._readers:
            if who & to:
                reader(data)

    def send_deletion(self, lazily: str, db: "Database", key: bytes) -> None:
        """The server itself deleted a key: by UNLINK where the parameter `lazily` is on."""
        self.send(db.index, (b"UNLINK" if self._engine.config[lazily] else b"DEL", key))

    def _send_expired_fields(self, db: "Database", key: bytes, fields: list[bytes]) -> None:
        for field in fields:
            self.send(db.index, (b"HDEL", key, field))

    def feed(self, client: "Client") -> None:
        """The client's command changed something."""
        words = client.argv if client.rewritten is None else client.rewritten
        if self._held is None and client.db.index == self._selected and words and self.to == EVERYBODY:
            data = encode_command(words)  # what `send` does, in short
            self.offset += len(data)
            for reader, _ in self._readers:
                reader(data)
        elif words:
            self.send(client.db.index, words)
        client.wrote = self.offset
        if self._held is not None:
            self._writers.append(client)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commands that take effect as one: what they send is a transaction, if it is more than one."""
        if self._held is not None or not self.active:
            yield
            return
        held = self._held = []
        try:
            yield
        finally:
            self._held = None
            for data, to in [_MULTI, *held, _EXEC] if len(held) > 1 else held:
                self._pass_on(data, to)
            for client in self._writers:
                client.wrote = self.offset
            self._writers.clear()

    # Inside

    def _rewire(self) -> None:
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
