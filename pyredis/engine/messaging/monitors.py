"""MONITOR: clients that are shown every command as it is executed."""

from typing import TYPE_CHECKING

from pyredis.config.words import quote_word
from pyredis.engine.client import REPLY_ON
from pyredis.engine.execution import detours, gates
from pyredis.engine.roster import Clients

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine


class Monitors:
    """Costs nothing while there is none: its gate is closed."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.clients: dict[int, Client] = {}
        engine[Clients].on_forget.append(self.remove)

    def add(self, client: "Client") -> None:
        """Show `client` everything from now on."""
        client.monitoring = True
        client.gates |= gates.MONITORING
        self.clients[client.id] = client
        self._engine.gates |= detours.MONITORED

    def remove(self, client: "Client") -> None:
        """Stop showing it anything."""
        client.monitoring = False
        client.gates &= ~gates.MONITORING
        if self.clients.pop(client.id, None) is not None and not self.clients:
            self._engine.gates &= ~detours.MONITORED

    def feed(self, client: "Client", argv: list[bytes]) -> None:
        """Show a command about to run: `+<s>.<µs> [<db> <address>] "arg" …`."""
        now = self._engine.clock.now_us()
        words = b" ".join(
            b'"(redacted)"' if at in client.redacted else quote_word(word) for at, word in enumerate(argv)
        )
        address = client.sink.address.encode() or b"lua"
        line = b"+%d.%06d [%d %b] %b\r\n" % (*divmod(now, 1_000_000), client.db.index, address, words)
        for monitor in list(self.clients.values()):
            if monitor.reply_mode == REPLY_ON:
                monitor.send(line)
                monitor.flush_soon()
