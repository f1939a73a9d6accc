"""The one way out for writes: what is appended to a log or sent to replicas passes here, in its deterministic form.

A handler whose effect depends on time or chance sets `ctx.rewritten` to the command that repeats it. Nobody listens:
nothing is kept, and the gate PROPAGATING is closed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from pyredis.engine.execution import gates

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.command import Handler
    from pyredis.engine.engine import Engine
    from pyredis.keyspace.database import Database

Listener = Callable[[int, Sequence[bytes]], None]

ANY_DATABASE = -1
"""Where MULTI runs: nothing has to be selected before."""


class Propagation:
    """Listeners get (database index, command), in order of execution."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._listeners: tuple[Listener, ...] = ()
        self._held: list[tuple[int, Sequence[bytes]]] | None = None
        self.send: Listener = self._fan_out  # passes a write on: to the one listener itself, if there is but one
        self.count = 0  # writes of clients that were passed on
        self._heard: dict[bytes, Handler] = {}
        self._muted = False
        engine.keyspace.on_expired = partial(self.send_deletion, "lazyfree-lazy-expire")
        engine.keyspace.on_fields_expired = self._send_expired_fields

    def listen(self, listener: Listener) -> None:
        """Send every write from now on to `listener`."""
        self._listeners = (*self._listeners, listener)
        self._set_gate()

    def unlisten(self, listener: Listener) -> None:
        """Send no more to `listener`."""
        self._listeners = tuple(one for one in self._listeners if one != listener)
        self._set_gate()

    def mute(self, on: bool) -> None:
        """While a dataset is loaded, nobody hears of what that changes."""
        self._muted = on
        self._set_gate()

    def feed(self, client: "Client", argv: Sequence[bytes]) -> None:
        """A command of `client` changed something; an empty rewritten form: all was sent already."""
        words = argv if client.rewritten is None else client.rewritten
        self.count += 1
        client.wrote = self.count
        if words:
            self.send(client.db.index, words)

    def heard(self, word: bytes, handler: "Handler") -> "Handler":
        """The handler of a command that a client calls by `word`, followed by feeding what it changed.

        For commands that change no other database than their client's. The last lines are `feed`, written out.
        """
        made = self._heard.get(word)
        if made is not None:
            return made

        def call(client: "Client", *words: bytes) -> Any:
            db = client.db
            before = db.dirty
            client.rewritten = None
            try:
                value = handler(client, *words)
            except Exception:
                if db.dirty != before:
                    self.feed(client, (word, *words))
                raise
            if db.dirty != before:
                self.count = client.wrote = self.count + 1
                if client.rewritten is None:
                    self.send(db.index, (word, *words))
                elif client.rewritten:
                    self.send(db.index, client.rewritten)
            return value

        self._heard[word] = call
        return call

    def send_deletion(self, lazily: str, db: "Database", key: bytes) -> None:
        """The server itself deleted a key: by UNLINK where the parameter `lazily` is on."""
        self.send(db.index, (b"UNLINK" if self._engine.config[lazily] else b"DEL", key))

    def _send_expired_fields(self, db: "Database", key: bytes, fields: list[bytes]) -> None:
        for field in fields:
            self.send(db.index, (b"HDEL", key, field))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commands that take effect as one: what they send is a transaction, if it is more than one."""
        if self._held is not None or self._muted or not self._listeners:
            yield
            return
        held = self._held = []
        self._choose_way()
        try:
            yield
        finally:
            self._held = None
            self._choose_way()
            if len(held) > 1:
                held = [(ANY_DATABASE, (b"MULTI",)), *held, (held[-1][0], (b"EXEC",))]
            for index, argv in held:
                self.send(index, argv)

    def _set_gate(self) -> None:
        if self._listeners and not self._muted:
            self._engine.gates |= gates.PROPAGATING
        else:
            self._engine.gates &= ~gates.PROPAGATING
        self._choose_way()

    def _choose_way(self) -> None:
        if self._held is not None:
            self.send = self._hold
        elif self._muted:
            self.send = _ignore
        else:
            self.send = self._listeners[0] if len(self._listeners) == 1 else self._fan_out

    def _hold(self, index: int, argv: Sequence[bytes]) -> None:
        assert self._held is not None
        self._held.append((index, argv))

    def _fan_out(self, index: int, argv: Sequence[bytes]) -> None:
        for listener in self._listeners:
            listener(index, argv)


def _ignore(index: int, argv: Sequence[bytes]) -> None:
    """Nobody hears."""
