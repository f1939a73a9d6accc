"""Bounds on what a client may make the server keep: output buffers and idle time."""

from typing import TYPE_CHECKING

from pyredis.engine.execution import gates
from pyredis.engine.memory.client_memory import ClientMemory

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.server.connection import Connection
    from pyredis.server.server import Server


FREE_BYTES = 16 * 1024
"""What every client may have waiting: Redis keeps as much beside the buffers that it counts."""


def client_class(client: "Client") -> str:
    """The class whose `client-output-buffer-limit` holds: normal, replica or pubsub."""
    return "pubsub" if client.gates & gates.SUBSCRIBED else "normal"


def output_hard_limit(server: "Server", client: "Client") -> int:
    """The bytes of replies for which a client is dropped, or 0: that of its class, or of all clients' memory."""
    hard = server.output_limits[client_class(client)][0]
    memory = 0 if client.no_evict else client.engine[ClientMemory].limit
    return min(hard or memory, memory or hard)


def output_limit_exceeded(server: "Server", connection: "Connection", more: int = 0) -> bool:
    """Whether more waits for the peer than its hard limit, or than its soft limit for too long (bytes, s).

    `more`: a reply that is about to be written.
    """
    waiting = connection.output_pending() + more
    if waiting <= FREE_BYTES:
        waiting = 0
    hard, soft, seconds = server.output_limits[client_class(connection.client)]
    if hard and waiting >= hard:
        return True
    if not soft or waiting < soft:
        connection.soft_limit_since = None
        return False
    now = connection.client.engine.clock.now_ms()
    if connection.soft_limit_since is None:
        connection.soft_limit_since = now
    return bool(now - connection.soft_limit_since > seconds * 1000)


def drop_idle(server: "Server") -> None:
    """Close clients that said nothing for `timeout` seconds (0: never), but those that listen or wait."""
    timeout = server.engine.config["timeout"]
    if not timeout:
        return
    now = server.engine.keyspace.now
    for client in list(server.engine.clients.values()):
        listens = client.monitoring or client.gates & gates.SUBSCRIBED
        if now - client.last_active > timeout * 1000 and client.waiting is None and not listens:
            server.engine.stats.dropped_idle += 1
            client.close()
