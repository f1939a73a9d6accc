"""A client's connection: bytes from the socket to the parser, commands to the engine, replies back in one write.

`data_received` is the whole path: parse what the read brought, run it, let the replies be written once. Nothing is
awaited and no task is made.

Nobody is kept waiting by who sends much: a client's turn ends after `SLICE_BYTES` of what it sent, or after `TURN_NS`
of commands. The rest has its turn, or the socket is read again, when all others that had something to say were served.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, cast

from pyredis.engine.client import CLOSED, TURN
from pyredis.engine.execution import gates
from pyredis.engine.execution.run import run
from pyredis.engine.memory.client_memory import ClientMemory
from pyredis.engine.observability.client_info import client_line
from pyredis.protocol.parser import Argv, RequestParser
from pyredis.server.limits import output_hard_limit, output_limit_exceeded

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.server.server import Server

log = logging.getLogger("pyredis")

PENDING_MAX = 10_000
"""Commands kept for a client that waits before its socket is no longer read."""

TURN_NS = 4_000_000
"""How long a client's commands may run before others have their turn."""

SLICE_BYTES = 64 * 1024
"""How much of what a client sent is parsed and run before others have their turn."""

_COMMANDS = 64  # that run before the clock is looked at
_CONGESTED_BYTES = 64 * 1024  # pending output from which limits are looked at


class Connection(asyncio.Protocol):
    """One socket; the engine knows it as a client's `Sink`."""

    __slots__ = (
        "_congested",
        "_in_line",
        "_rest",
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
        self._in_line = False  # for its next turn
        self._rest = b""  # of a large read, for that turn

    # From the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a new peer, unless it is one too many, may not come in or has left already."""
        self._transport = cast(asyncio.Transport, transport)
        self.parser = RequestParser()
        sock = transport.get_extra_info("socket")
        try:
            self.fd = sock.fileno()
            self.address, self.local_address = _addresses(sock, self.server.unix_path)
            refusal = self.server.refusal(sock)
            if refusal is None:
                self.client = self.server.welcome(self, sock)
        except OSError:  # the peer was quicker to hang up
            self._transport.abort()
            return
        if refusal is not None:
            self._transport.write(refusal)
            self._transport.close()
            return
        self.parser.weigh = self._weigh
        self.adopt_limits()
        self.parser.limit(authenticated=not self.client.gates)

    def data_received(self, data: bytes) -> None:
        """Run what the read brought; the replies go out when all that could be read was run."""
        if len(data) > SLICE_BYTES:
            data = self._slice(data)
        client, parser = self.client, self.parser
        engine = client.engine
        size = len(data)
        client.bytes_in += size
        stats = engine.stats
        stats.bytes_in += size
        stats.reads += 1
        engine.tick()
        client.last_active = engine.keyspace.now
        if not parser.regular and not self._takes(data):
            return
        batch = parser.feed(data)
        if client.waiting is not None:
            self._keep(batch)
        elif len(batch) <= _COMMANDS:
            run(engine, client, batch)
        else:
            self._serve(batch)
        if client.out:
            self.flush_soon(client)
        if not parser.regular:
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        self.parser.weigh = None  # what refers to itself would stay until a collection
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
        """Take over the server's limits: at the start, when they change, and when the client's class does."""
        self.parser.strict.bulk_max = self.server.bulk_max
        self._transport.set_write_buffer_limits(min(_CONGESTED_BYTES, self.server.smallest_output_limit))
        self.client.output_max = output_hard_limit(self.server, self.client)

    def check_output(self, more: int = 0) -> bool:
        """Drop the peer if `more` than what waits for it is not allowed; whether it is dropped."""
        client = self.client
        if client.waiting is CLOSED:
            client.drop_output()
            return True
        if not output_limit_exceeded(self.server, self, more) and not self._fills_memory(more):
            return False
        self.overflow()
        return True

    def overflow(self) -> None:
        """Drop the peer: it is sent more than `client-output-buffer-limit` or `maxmemory-clients` allows."""
        client = self.client
        if client.waiting is CLOSED:
            return
        stats = client.engine.stats
        line = client_line(client, running=False).decode("utf-8", "backslashreplace").strip()
        if self._fills_memory(client.output_max):
            stats.evicted_clients += 1
            log.info("Evicting client: %s", line)
        else:
            stats.output_buffer_disconnections += 1
            log.warning("Client %s scheduled to be closed ASAP for overcoming of output buffer limits.", line)
        client.close(at_once=True)

    def close(self) -> None:
        """Close when everything is sent."""
        self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def resume(self) -> None:
        """Run what came while the client waited."""
        client = self.client
        pending, client.pending = client.pending, deque()
        client.engine.tick()
        self._serve(pending)
        self._read_on()
        client.flush()
        self._settle()

    def begin_turn(self) -> None:
        """All others were served: go on with the client's commands, with what was read, or else with reading."""
        client = self.client
        self._in_line = False
        if client.waiting is CLOSED:
            return
        if client.waiting is TURN:
            client.waiting = None
            self.resume()
        elif self._rest:
            data, self._rest = self._rest, b""
            self.data_received(data)
        if self._rest:
            self._end_turn()
        self._read_on()

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

    def _serve(self, batch: Iterable[Argv]) -> None:
        """Run commands until the client's turn is over; the others wait for its next one."""
        client, engine = self.client, self.client.engine
        ends = engine.clock.ticks_ns() + TURN_NS
        commands = iter(batch)
        while chunk := list(islice(commands, _COMMANDS)):
            run(engine, client, chunk)
            if client.output_max:
                client.recount()
            if client.waiting is not None:
                break
            if engine.clock.ticks_ns() > ends:
                client.waiting = TURN
                self._end_turn()
                break
        client.keep(commands)

    def _slice(self, data: bytes) -> bytes:
        """What is taken of a large read now, whole commands if possible, or all of it within a large argument."""
        if len(data) > self.parser.strict.lacking:
            cut = data.rfind(b"\r\n*", 0, SLICE_BYTES) + 2
            cut = cut if cut > 1 else SLICE_BYTES
            data, self._rest = data[:cut], data[cut:]
        self._end_turn()
        return data

    def _end_turn(self) -> None:
        """Read no more until all others were served."""
        if not self._in_line and self.client.waiting is not CLOSED:
            self._in_line = True
            self._transport.pause_reading()
            self.server.next_turn(self)

    def _read_on(self) -> None:
        """Read from the socket, unless something else is to be done before."""
        client = self.client
        if not self._in_line and client.waiting is not CLOSED and len(client.pending) <= PENDING_MAX:
            self._transport.resume_reading()

    def _settle(self) -> None:
        """After commands ran: lift limits of who authenticated, drop who sent malformed or boundless input."""
        parser = self.parser
        if not parser.strict.authenticated:
            self._serve_limited()
        if parser.error is not None or parser.strict.buffered > self.server.query_buffer_max:
            self._reject()
        memory = self.client.engine[ClientMemory]
        if memory.follows:
            memory.served((self.client,))

    def _serve_limited(self) -> None:
        """What a read holds behind the command of a client that had not authenticated, one by one until it has."""
        client, parser = self.client, self.parser
        while client.waiting is None and not parser.strict.authenticated:
            if not client.gates & gates.UNAUTHENTICATED:
                parser.limit(authenticated=True)
            batch = parser.more()
            if not batch:
                break
            self._serve(batch)
        if client.out:
            self.flush_soon(client)

    def _takes(self, data: bytes) -> bool:
        """Whether input is to be parsed now that is no plain read of an authenticated client."""
        strict, client = self.parser.strict, self.client
        if strict.buffered + len(data) > self.server.query_buffer_max:
            self._reject()  # even if the command were whole now
            return False
        if client.waiting is None or strict.authenticated:
            return True
        strict.feed(data)  # what it may send depends on the command that waits
        self._transport.pause_reading()
        return False

    def _fills_memory(self, more: int) -> bool:
        """Whether the client alone, with `more` bytes, takes all of `maxmemory-clients`."""
        limit = self.client.engine[ClientMemory].limit
        return bool(limit) and not self.client.no_evict and self.output_pending() + more >= limit

    def _weigh(self, size: int) -> None:
        """A command of so many bytes is whole that came in several reads: may it run, and do clients still fit?"""
        memory = self.client.engine[ClientMemory]
        if size > self.server.query_buffer_max:
            self._drop_input()
        elif memory.follows:
            memory.served((self.client,), size)

    def _keep(self, batch: list[Argv]) -> None:
        client = self.client
        client.keep(batch)
        if len(client.pending) > PENDING_MAX:
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
