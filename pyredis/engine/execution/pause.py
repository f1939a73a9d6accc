"""Commands (all, or those that may write) are held back: by CLIENT PAUSE, a failover, MIGRATE, a server about to end.

Each has a purpose of its own, so that the end of one pause does not end another; together they hold back what any of
them does.
"""

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
    from pyredis.engine.host import Step, Timer
    from pyredis.protocol.parser import Argv

PAUSED = "pause"
"""A client's `waiting` while a pause holds its next command."""

ASKED, FAILING_OVER, ENDING, MIGRATING = "asked", "failing over", "ending", "migrating"
"""Purposes: CLIENT PAUSE, FAILOVER, SHUTDOWN, MIGRATE."""

FOREVER = 1 << 62


class Pause:
    """A component."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._pauses: dict[str, tuple[int, bool]] = {}  # by purpose: until when, ms since 1970, and whether everything
        self._held: list[Client] = []
        self._steps: list[Step] = []
        self._timer: Timer | None = None  # for the end of the next one

    @property
    def active(self) -> bool:
        """Whether commands are held back now."""
        return bool(self._pauses)

    def is_for(self, purpose: str) -> bool:
        """Whether one for this purpose stands."""
        return purpose in self._pauses

    @property
    def until(self) -> int:
        """When the last of them ends, ms since 1970."""
        return max((until for until, _ in self._pauses.values()), default=0)

    @property
    def everything(self) -> bool:
        """Whether all commands are, and not only writes."""
        return any(everything for _, everything in self._pauses.values())

    def begin(self, until: int, everything: bool, purpose: str = ASKED) -> None:
        """Pause; one that stands already is only ever prolonged and widened."""
        before = self._pauses.get(purpose, (0, False))
        self._pauses[purpose] = max(until, before[0]), everything or before[1]
        self._engine.gates |= gates.PAUSED
        self._engine[ExpiryView].update()
        self._wait()

    def end(self, purpose: str = ASKED) -> None:
        """Let the held commands run, in the order they came, unless another pause holds them."""
        self._pauses.pop(purpose, None)
        self._wait()
        if not self._pauses:
            self._engine.gates &= ~gates.PAUSED
            self._engine[ExpiryView].update()
            steps, self._steps = self._steps, []
            for step in steps:
                step()
        held, self._held = self._held, []
        for client in held:
            if client.waiting is PAUSED:  # else it was disconnected meanwhile
                client.waiting = None
                client.sink.resume()

    def when_over(self, step: "Step") -> None:
        """Run `step` once nothing is held back any more."""
        self._steps.append(step)

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
        if self._timer is not None:
            self._timer.cancel()
        ends = min((until for until, _ in self._pauses.values()), default=FOREVER)
        if ends < FOREVER:
            self._timer = self._engine.host.at(ends, partial(self._engine.when_free, self._over))

    def _over(self) -> None:
        now = self._engine.keyspace.now
        over = [purpose for purpose, (until, _) in self._pauses.items() if now >= until]
        for purpose in over:
            self.end(purpose)
        if not over:  # the clock was set back
            self._wait()
