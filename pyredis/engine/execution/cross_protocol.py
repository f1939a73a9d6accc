"""Cross-protocol scripting: a web page that makes a browser POST to the server's port, commands in the body.

A browser's request begins with a line that names POST, or has one that begins with `Host:`. Whoever sends a command of
such a name is disconnected before anything else of his runs, whoever he is and whatever he waits for (Redis 3.2.7).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine

NAMES = frozenset((b"post", b"host:"))
_LOG_EVERY_MS = 60_000


class CrossProtocol:
    """A component. The log is told at most once a minute."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._logged: int | None = None

    def abort(self, client: "Client") -> None:
        """Disconnect at once; no reply leaves."""
        now = self._engine.keyspace.now
        if self._logged is None or now - self._logged > _LOG_EVERY_MS:
            self._logged = now
            self._engine.log.warning(
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. "
                "This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your "
                "Redis instance. Connection from %s aborted.",
                client.sink.address,
            )
        client.close(at_once=True)
