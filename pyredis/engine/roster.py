"""Who is known to the server: every client is made, listed and forgotten here."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyredis.engine.acl.user import User
from pyredis.engine.client import CLOSED, Client, NullSink, Sink
from pyredis.engine.execution.roles import NORMAL, Role

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine


class Clients:
    """A component. `listed` are those that are connected, by id; `on_forget`: components drop what they keep of one."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.listed: dict[int, Client] = {}
        self.on_forget: list[Callable[[Client], None]] = []
        self.first_user: User  # whose permissions a client has until it authenticates: `Acl` fills it in
        self._next_id = 1

    def connect(self, sink: Sink | None = None, role: Role = NORMAL) -> Client:
        """A new client, counted and listed."""
        client = Client(self._engine, self._next_id, sink or NullSink(), role, self.first_user)
        self._next_id += 1
        self.listed[client.id] = client
        self._engine.connected = len(self.listed)
        self._engine.stats.connections += 1
        return client

    def internal(self, role: Role) -> Client:
        """A client that nobody sees: scripts and logs run their commands as such."""
        return Client(self._engine, 0, NullSink(), role, self.first_user)

    def disconnect(self, client: Client) -> None:
        """Forget a client whose connection is gone."""
        self.listed.pop(client.id, None)
        self._engine.connected = len(self.listed)
        client.waiting = CLOSED
        client.pending.clear()
        client.drop_output()
        self.forget(client)

    def forget(self, client: Client) -> None:
        """RESET and disconnection: whatever components keep about the client is dropped."""
        for forget in self.on_forget:
            forget(client)
