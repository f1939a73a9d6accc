"""Bounds on what a client may make the server keep: what it sends, and what it does not take."""

import sys
from typing import TYPE_CHECKING, Any

from pyredis.engine.execution import gates
from pyredis.engine.memory.client_memory import ClientMemory
from pyredis.engine.roster import Clients

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine

FREE_BYTES = 16 * 1024
"""What every client may have waiting: Redis keeps as much beside the buffers that it counts."""


class Limits:
    """Sizes in bytes. `smallest_output`: no class of clients is bounded below that."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._memory = engine[ClientMemory]
        self._over_soft: dict[Client, int] = {}  # since when
        engine[Clients].on_forget.append(self._forget)
        for name in (
            *("proto-max-bulk-len", "client-query-buffer-limit", "client-output-buffer-limit"),
            "repl-backlog-size",
        ):
            engine.config.on_change(name, self._changed)
        self._changed()

    def output_max(self, client: "Client") -> int:
        """The bytes of replies for which a client is dropped, or 0: that of its class, or of all clients' memory."""
        hard = self._outputs[_class(client)][0]
        hard = hard and max(hard, FREE_BYTES)
        memory = 0 if client.no_evict else self._memory.limit
        return min(hard or memory, memory or hard)

    def fills_memory(self, client: "Client", waiting: int) -> bool:
        """Whether a client for which so many bytes wait takes all of `maxmemory-clients` alone."""
        limit = self._memory.limit
        return bool(limit) and not client.no_evict and waiting >= limit

    def exceeds(self, client: "Client", waiting: int) -> bool:
        """Whether more waits for a client than its hard limit, or than its soft limit for too long."""
        if waiting <= FREE_BYTES:
            waiting = 0
        hard, soft, seconds = self._outputs[_class(client)]
        if hard and waiting >= hard:
            return True
        if not soft or waiting < soft:
            self._over_soft.pop(client, None)
            return False
        now = self._engine.clock.now_ms()
        return bool(now - self._over_soft.setdefault(client, now) > seconds * 1000)

    def check_overstayed(self) -> None:
        """A soft limit may be overstayed while nothing more is written."""
        for client in list(self._over_soft):
            client.sink.check_output(0)

    def _forget(self, client: "Client") -> None:
        self._over_soft.pop(client, None)

    def _changed(self, _: Any = None) -> None:
        config = self._engine.config
        self.bulk_max: int = config["proto-max-bulk-len"]
        self.query_buffer_max: int = config["client-query-buffer-limit"]
        outputs = config["client-output-buffer-limit"]
        self._outputs = dict(zip(("normal", "replica", "pubsub"), outputs, strict=True))
        hard, *soft = self._outputs["replica"]
        if hard:  # who is dropped for less could have it all again, and would be dropped again
            self._outputs["replica"] = max(hard, config["repl-backlog-size"]), *soft
        bounds = [size for hard, soft, _ in outputs for size in (hard, soft) if size]
        self.smallest_output = min(bounds, default=sys.maxsize) - 1
        for client in self._engine[Clients].listed.values():
            client.sink.adopt_limits()


def _class(client: "Client") -> str:
    """The class whose `client-output-buffer-limit` holds: normal, replica or pubsub."""
    return "pubsub" if client.gates & gates.SUBSCRIBED else client.role.output_class
