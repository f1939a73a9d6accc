"""CLIENT PAUSE: commands (all, or those that may write) wait until a time or CLIENT UNPAUSE."""

from functools import partial
from typing import TYPE_CHECKING, Any

from pyredis.engine.command_table.command import MAY_REPLICATE, WRITE
from pyredis.engine.execution import gates
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.protocol.replies import NO_REPLY

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine
    from pyredis.engine.host import Timer
    from pyredis.protocol.parser import Argv

PAUSED = "pause"
"""A client's `waiting` while a pause holds its next command."""


class Pause:
    """`until` is ms since 1970; `everything` is False for WRITE mode."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.until = 0
        self.everything = False
        self._held: list[Client] = []
        self._timer: Timer | None = None  # for `until`

    @property
    def active(self) -> bool:
        """Whether commands are held back now."""
        return bool(self._engine.gates & gates.PAUSED)

    def begin(self, until: int, everything: bool) -> None:
        """Pause; a pause that stands already is only ever prolonged and widened."""
        self.until = max(until, self.until) if self.active else until
        self.everything = everything or (self.active and self.everything)
        self._engine.gates |= gates.PAUSED
        self._engine[ExpiryView].update()
        self._wait()

    def end(self) -> None:
        """Let the held commands run, in the order they came."""
        self._cancel()
        self._engine.gates &= ~gates.PAUSED
        self._engine[ExpiryView].update()
        held, self._held = self._held, []
        for client in held:
            if client.waiting is PAUSED:  # else it was disconnected meanwhile
                client.waiting = None
                client.sink.resume()

    def hold(self, client: "Client", entry: "Entry", argv: "Argv") -> Any:
        """The gate: NO_REPLY for a command that has to wait."""
        if not self._holds(client, entry, argv):
            return None
        client.waiting = PAUSED
        client.pending.appendleft(argv)  # one that waited for a key runs before what came after it
        self._held.append(client)
        return NO_REPLY

    def _holds(self, client: "Client", entry: "Entry", argv: "Argv") -> bool:
        if client.monitoring:
            return False
        if self.everything:
            return True
        return bool(self._engine.flags(client.transaction, entry, argv) & (WRITE | MAY_REPLICATE))

    def _wait(self) -> None:
        self._cancel()
        self._timer = self._engine.host.at(self.until, partial(self._engine.when_free, self._over))

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _over(self) -> None:
        if self.active and self._engine.keyspace.now >= self.until:
            self.end()
        elif self.active:  # the clock was set back
            self._wait()
