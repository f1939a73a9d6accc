"""The one way out for writes: what is appended to a log or sent to replicas passes here, in its deterministic form.

A handler whose effect depends on time or chance sets `ctx.rewritten` to the command that repeats it. Nobody listens: nothing is
kept, and the gate PROPAGATING is closed.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pyredis.engine import gates

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine

Listener = Callable[[int, Sequence[bytes]], None]


class Propagation:
    """Listeners get (database index, command), in order of execution."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._listeners: tuple[Listener, ...] = ()
        engine.keyspace.on_expired = lambda db, key: self.send(db.index, (b"DEL", key))

    def listen(self, listener: Listener) -> None:
        """Send every write from now on to `listener`."""
        self._listeners = (*self._listeners, listener)
        self._engine.gates |= gates.PROPAGATING

    def feed(self, client: "Client", argv: Sequence[bytes]) -> None:
        """A command of `client` changed something."""
        self.send(client.db.index, client.rewritten or argv)

    def send(self, index: int, argv: Sequence[bytes]) -> None:
        """Pass a write on."""
        for listener in self._listeners:
            listener(index, argv)
