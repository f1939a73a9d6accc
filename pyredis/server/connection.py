"""A client's connection: bytes from the socket to the parser, commands to the engine, replies back in one write.

`data_received` is the whole path: parse what the read brought, run it, let the replies be written once. Nothing is
awaited and no task is made.
"""

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from pyredis.engine import gates
from pyredis.engine.client_memory import ClientMemory
from pyredis.engine.execution import resume, run
from pyredis.protocol.parser import RequestParser
from pyredis.server.limits import output_limit_exceeded

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.server.server import Server

PENDING_MAX = 10_000
"""Commands kept for a client that waits before its socket is no longer read."""

_CONGESTED_BYTES = 64 * 1024  # pending output from which limits are looked at


class Connection(asyncio.Protocol):
    """One socket; the engine knows it as a client's `Sink`."""

    __slots__ = (
        "_congested",
        "_transport",
        "address",
        "client",
        "fd",
        "local_address",
        "parser",
        "server",
        "soft_limit_since",
    )

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.address = self.local_address = ""
        self.fd = -1
        self.soft_limit_since: int | None = None
        self._congested = False

    # From the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a new peer, unless it is one too many or may not come in."""
        self._transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        self.fd = sock.fileno()
        self.address, self.local_address = _addresses(sock, self.server.unix_path)
        self.parser = RequestParser()
        self.parser.weigh = self._weigh
        self.adopt_limits()
        refusal = self.server.refusal(sock)
        if refusal is not None:
            self._transport.write(refusal)
            self._transport.close()
            return
        self.client = self.server.welcome(self, sock)
        self.parser.limit(authenticated=not self.client.gates)

    def data_received(self, data: bytes) -> None:
        """Run what the read brought; the replies go out when all that could be read was run."""
        client = self.client
        engine = client.engine
        size = len(data)
        if not self.parser.regular and self.parser.strict.buffered + size > self.server.query_buffer_max:
            self._reject()  # even if the command were whole now
            return
        batch = self.parser.feed(data)
        client.bytes_in += size
        stats = engine.stats
        stats.bytes_in += size
        stats.reads += 1
        engine.tick()
        client.last_active = engine.keyspace.now
        if client.waiting is None:
            run(engine, client, batch)
        else:
            self._keep(batch)
        if client.out:
            self.flush_soon(client)
        if not self.parser.regular:
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        client = getattr(self, "client", None)
        if client is not None:
            self.server.farewell(client)

    def pause_writing(self) -> None:
        """The peer does not keep up: from now on every write looks at the limits."""
        self._congested = True

    def resume_writing(self) -> None:
        """The peer has taken most of what waited."""
        self._congested = False

    def eof_received(self) -> bool:
        """Half-closed peers get what is queued, then the connection closes."""
        return False

    # For the engine: a Sink

    def write(self, data: bytes) -> None:
        """Send; a peer that does not take its replies is dropped at its class's output buffer limit."""
        server = self.server
        if len(data) > server.smallest_output_limit and self.check_output(len(data)):
            return  # as in Redis, which never begins to send a reply that is too large
        engine = server.engine
        if engine.before_replies:
            for step in engine.before_replies:
                step()
        self._transport.write(data)
        engine.stats.writes += 1
        if self._congested:
            self.check_output()

    def flush_soon(self, client: "Client") -> None:
        """Have the client's replies written together with others'."""
        self.server.flush_soon(client)

    def adopt_limits(self) -> None:
        """Take over the server's limits, at the start and when they change."""
        self.parser.strict.bulk_max = self.server.bulk_max
        self._transport.set_write_buffer_limits(min(_CONGESTED_BYTES, self.server.smallest_output_limit))

    def check_output(self, more: int = 0) -> bool:
        """Drop the peer if `more` than what waits for it is not allowed by `client-output-buffer-limit`."""
        if not output_limit_exceeded(self.server, self, more):
            return False
        self.client.engine.stats.output_buffer_disconnections += 1
        self.client.close(at_once=True)
        return True

    def close(self) -> None:
        """Close when everything is sent."""
        self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def resume(self) -> None:
        """Run what came while the client waited."""
        self._transport.resume_reading()
        resume(self.client.engine, self.client)
        self._settle()

    def output_pending(self) -> int:
        """Bytes the peer has not taken."""
        return self._transport.get_write_buffer_size()

    def input_pending(self) -> int:
        """Bytes that are not yet an argument."""
        return self.parser.strict.buffered

    def arguments_pending(self) -> int:
        """Bytes of the arguments of a command that is not yet whole."""
        return self.parser.strict.held

    # Inside

    def _settle(self) -> None:
        """After commands ran: lift limits of who authenticated, drop who sent malformed or boundless input."""
        parser = self.parser
        if not parser.strict.authenticated and not self.client.gates & gates.UNAUTHENTICATED:
            parser.limit(authenticated=True)
        if parser.error is not None or parser.strict.buffered > self.server.query_buffer_max:
            self._reject()
        memory = self.client.engine[ClientMemory]
        if memory.follows:
            memory.served((self.client,))

    def _weigh(self, size: int) -> None:
        """A command of so many bytes is whole that came in several reads: may it run, and do clients still fit?"""
        memory = self.client.engine[ClientMemory]
        if size > self.server.query_buffer_max:
            self._drop_input()
        elif memory.follows:
            memory.served((self.client,), size)

    def _keep(self, batch: list[list[bytes]]) -> None:
        pending = self.client.pending
        pending.extend(batch)
        if len(pending) > PENDING_MAX:
            self._transport.pause_reading()

    def _drop_input(self) -> None:
        """It sent more than `client-query-buffer-limit` allows."""
        self.client.engine.stats.query_buffer_disconnections += 1
        self.client.close(at_once=True)

    def _reject(self) -> None:
        """Malformed or boundless input: say why, then close."""
        client = self.client
        error = self.parser.error
        if error is None:
            self._drop_input()
        elif client.waiting is None:
            client.engine.stats.count_error(b"ERR")
            client.out.append(b"-ERR Protocol error: %b\r\n" % error.text)
            client.close()


def _addresses(sock: socket.socket, unix_path: str) -> tuple[str, str]:
    """The peer's and our own address as CLIENT LIST shows them."""
    if sock.family == getattr(socket, "AF_UNIX", None):
        return f"{unix_path}:0", f"{unix_path}:0"
    return format_address(sock.getpeername()), format_address(sock.getsockname())


def format_address(name: tuple[str | int, ...]) -> str:
    """`host:port`, an IPv6 host in brackets."""
    host, port = name[0], name[1]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
