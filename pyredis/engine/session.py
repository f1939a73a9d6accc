"""A client's session: bytes in, replies and a close out. It knows no socket and no loop: a `Link` carries the bytes.

`received` is the whole path: parse what the read brought, run it, let the replies be written once. They leave through
one method, `Client.flush`, which hands them to `write` here.

Nobody is kept waiting by who sends much: a client's turn ends after `SLICE_BYTES` of what it sent, or after `TURN_NS`
of commands. The rest has its turn, or the link is read again, when all others that had something to say were served.
"""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

from pyredis.engine.client import CLOSED, TURN, Client
from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.execution.run import run, run_one
from pyredis.engine.host import Link
from pyredis.engine.memory.client_memory import ClientMemory
from pyredis.engine.observability.client_info import shown
from pyredis.engine.sessions import Sessions
from pyredis.protocol.parser import SLICE_BYTES, Argv, RequestParser, first_slice

PENDING_MAX = 10_000
"""Commands kept for a client that waits before its link is no longer read."""

TURN_NS = 4_000_000
"""How long a client's commands may run before others have their turn."""

_COMMANDS = 64  # that run before the clock is looked at
_CONGESTED_BYTES = 64 * 1024  # pending output from which limits are looked at


class Session:
    """One client's. The link knows it as its `Peer`, the engine as the client's `Sink`."""

    __slots__ = (
        "_flush_soon",
        "_in_line",
        "_limits",
        "_link",
        "_rest",
        "_sessions",
        "address",
        "client",
        "drained",
        "fd",
        "is_congested",
        "local_address",
        "parser",
    )

    client: Client

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._limits = sessions.limits
        self._flush_soon = sessions.flush_soon
        self.parser = RequestParser()
        self.address = self.local_address = ""
        self.fd = -1
        self.is_congested = False
        self.drained: Callable[[], None] | None = None
        self._in_line = False  # for its next turn
        self._rest = b""  # of a large read, for that turn

    # From the link: a Peer

    def connected(self, link: Link) -> None:
        """Greet a new peer, unless it is one too many or may not come in. Raises OSError when it has left already."""
        self._link = link
        self.fd, self.address, self.local_address = link.fd, link.address, link.local_address
        refusal = self._sessions.refusal(link)
        if refusal is not None:
            link.write(refusal)
            link.close()
            return
        self.client = self._sessions.welcome(self, link)
        self.parser.weigh = self._weigh
        self.adopt_limits()
        self.parser.limit(authenticated=not self.client.gates)

    def received(self, data: bytes) -> None:
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
        elif len(batch) == 1:
            run_one(engine, client, batch[0])
        elif len(batch) <= _COMMANDS:
            if engine.record is None:
                run(engine, client, batch)
            else:
                self._run_gathering(batch, data)
        else:
            self._serve(batch)
        if client.out:
            self._flush_soon(client)
        if not parser.regular:
            self._after_commands()

    def lost(self, error: Exception | None) -> None:
        """The peer is gone."""
        self.parser.weigh = None  # what refers to itself would stay until a collection
        client = getattr(self, "client", None)
        if client is not None:
            self._sessions.farewell(client, error)

    def congested(self) -> None:
        """The peer does not keep up: from now on every write looks at the limits."""
        self.is_congested = True

    def writable(self) -> None:
        """The peer has taken most of what waited."""
        self.is_congested = False
        if self.drained is not None:
            self.drained()

    # For the engine: a Sink

    def write(self, data: bytes) -> None:
        """Send; a peer that does not take its replies is dropped at its class's output buffer limit."""
        if len(data) > self._limits.smallest_output and self.check_output(len(data)):
            return  # as in Redis, which never begins to send a reply that is too large
        engine = self._sessions.engine
        if engine.before_replies:
            for step in engine.before_replies:
                step()
        self._link.write(data)
        engine.stats.writes += 1
        if self.is_congested:
            self.check_output()

    def flush_soon(self, client: "Client") -> None:
        """Have the client's replies written together with others'."""
        self._sessions.flush_soon(client)

    def adopt_limits(self) -> None:
        """Take over the server's limits: at the start, when they change, and when the client's class does."""
        self.parser.strict.bulk_max = self._limits.bulk_max
        self._link.congest_at(min(_CONGESTED_BYTES, self._limits.smallest_output))
        self.client.output_max = self._limits.output_max(self.client)

    def check_output(self, more: int = 0) -> bool:
        """Drop the peer if `more` than what waits for it is not allowed; whether it is dropped."""
        client = self.client
        if client.waiting is CLOSED:
            client.drop_output()
            return True
        waiting = self.output_pending() + more
        if not self._limits.exceeds(client, waiting) and not self._limits.fills_memory(client, waiting):
            return False
        self.overflow()
        return True

    def overflow(self) -> None:
        """Drop the peer: it is sent more than `client-output-buffer-limit` or `maxmemory-clients` allows."""
        client = self.client
        if client.waiting is CLOSED:
            return
        stats = client.engine.stats
        line = shown(client)
        if self._limits.fills_memory(client, self.output_pending() + client.output_max):
            stats.evicted_clients += 1
            client.engine.log.info("Evicting client: %s", line)
        else:
            stats.output_buffer_disconnections += 1
            client.engine.log.warning(
                "Client %s scheduled to be closed ASAP for overcoming of output buffer limits.", line
            )
        client.close(at_once=True)

    def close(self) -> None:
        """Close when everything is sent."""
        self._link.close()

    def abort(self) -> None:
        """Close now."""
        self._link.abort()

    def resume(self) -> None:
        """Run what came while the client waited."""
        client = self.client
        pending, client.pending = client.pending, deque()
        client.engine.tick()
        self._serve(pending)
        self._read_on()
        client.flush()
        self._after_commands()

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
            self.received(data)
        if self._rest:
            self._end_turn()
        self._read_on()

    def output_pending(self) -> int:
        """Bytes the peer has not taken."""
        return self._link.pending()

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
            if engine.record is None:
                run(engine, client, chunk)
            else:
                self._run_gathering(chunk, None)
            if client.output_max:
                client.recount()
            if client.waiting is not None:
                break
            if engine.clock.ticks_ns() > ends:
                client.waiting = TURN
                self._end_turn()
                break
        client.keep(commands)

    def _run_gathering(self, batch: list[Argv], read: bytes | None) -> None:
        """Run commands of a read, while somebody reads what they write: that is sent in one piece."""
        engine, client, parser = self.client.engine, self.client, self.parser
        propagation = engine[Propagation]
        propagation.gather(client)
        try:
            run(engine, client, batch)
        finally:
            propagation.settle(batch, read if parser.was_exact else None)
            parser.was_exact = True

    def _slice(self, data: bytes) -> bytes:
        """What is taken of a large read now, whole commands if possible, or all of it within a large argument."""
        if len(data) > self.parser.strict.lacking:
            data, self._rest = first_slice(data)
        self._end_turn()
        return data

    def _end_turn(self) -> None:
        """Read no more until all others were served."""
        if not self._in_line and self.client.waiting is not CLOSED:
            self._in_line = True
            self._link.pause_reading()
            self._sessions.next_turn(self)

    def _read_on(self) -> None:
        """Read from the link, unless something else is to be done before."""
        client = self.client
        if not self._in_line and client.waiting is not CLOSED and len(client.pending) <= PENDING_MAX:
            self._link.resume_reading()

    def _after_commands(self) -> None:
        """After commands ran: lift limits of who authenticated, drop who sent malformed or boundless input."""
        parser = self.parser
        if not parser.strict.authenticated:
            self._serve_limited()
        if parser.error is not None or parser.strict.buffered > self._limits.query_buffer_max:
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
        if strict.buffered + len(data) > self._limits.query_buffer_max:
            self._reject()  # even if the command were whole now
            return False
        if client.waiting is None or strict.authenticated:
            return True
        strict.feed(data)  # what it may send depends on the command that waits
        self._link.pause_reading()
        return False

    def _weigh(self, size: int) -> None:
        """A command of so many bytes is whole that came in several reads: may it run, and do clients still fit?"""
        memory = self.client.engine[ClientMemory]
        if size > self._limits.query_buffer_max:
            self._drop_input()
        elif memory.follows:
            memory.served((self.client,), size)

    def _keep(self, batch: list[Argv]) -> None:
        client = self.client
        client.keep(batch)
        if len(client.pending) > PENDING_MAX:
            self._link.pause_reading()

    def _drop_input(self) -> None:
        """It sent more than `client-query-buffer-limit` allows."""
        client = self.client
        client.engine.stats.query_buffer_disconnections += 1
        client.engine.log.warning("Closing client that reached max query buffer length: %s", shown(client))
        client.close(at_once=True)

    def _reject(self) -> None:
        """Malformed or boundless input: say why, then close."""
        client = self.client
        error = self.parser.error
        if error is None:
            self._drop_input()
        elif client.waiting is None:
            client.engine.stats.count_error(b"ERR")
            self._sessions.tell_of_protocol_error(client, error.text)
            if not client.gates & detours.REPLY_MODE:
                client.out.append(b"-ERR Protocol error: %b\r\n" % error.text)
            client.close()
