"""One connection to a master, from dialling until it is lost: the handshake, perhaps a full sync, then the stream.

What comes has its turn after others: a large read is applied in pieces, and nothing while a script overruns or a
dataset is loaded; the rest waits here, and then in the socket. What becomes of this server is for `Following` to say;
this tells it how far the connection is.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pyredis.engine.client import CLOSED, Client, NullSink
from pyredis.engine.execution import gates
from pyredis.engine.execution.pause import Pause
from pyredis.engine.execution.roles import MASTER
from pyredis.engine.host import Link
from pyredis.engine.roster import Clients
from pyredis.engine.sessions import Sessions
from pyredis.errors import ProtocolError
from pyredis.protocol.parser import SLICE_BYTES, first_slice
from pyredis.replication.applied_stream import AppliedStream
from pyredis.replication.bulk_payload import PayloadError, PayloadReader
from pyredis.replication.handshake import (
    Continue,
    FullSync,
    HandshakeFailed,
    History,
    Introduction,
    NotNow,
    Outcome,
    handshake,
)
from pyredis.replication.transfer import Transfer, TransferFailed

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

_LINE_MAX = 4096
_LOST = "Connection with master lost."
_WAITING_MAX = 64 * 1024  # of the stream that is read before its turn has come
_PROGRESS_MS = 5000


class Phase(Enum):
    """How far a connection to a master is, in ROLE's words."""

    NONE = "none"
    CONNECT = "connect"
    CONNECTING = "connecting"
    HANDSHAKE = "handshake"
    TRANSFER = "sync"
    CONNECTED = "connected"


class Owner(Protocol):
    """Who wants to follow, and decides. What it is told has become of the link stands in its `phase` already."""

    def introduction(self) -> Introduction:
        """What this server says of itself."""

    def history(self) -> History:
        """What it has."""

    def answered(self, outcome: Outcome) -> Transfer | None:
        """The master's answer to PSYNC: what takes in the dataset, if it comes. Raises TransferFailed."""

    def loaded(self) -> None:
        """The dataset that came is there."""

    def database(self) -> int:
        """In which one the stream goes on."""

    def lost(self, phase: Phase) -> None:
        """The connection is gone, or of no use, and nothing more is heard of it; the log knows why."""


class MasterSink(NullSink):
    """What the master's client has for a connection: nothing is answered."""

    def __init__(self, link: Link, close: Callable[[], None]) -> None:
        self.address, self.local_address, self.fd = link.address, link.local_address, link.fd
        self.close = self.abort = close  # type: ignore[method-assign]


class MasterLink:
    """A `Peer`. `last_io`: when the master was heard last, ms since 1970. `client`: as whom its stream runs."""

    def __init__(self, engine: "Engine", owner: Owner, address: tuple[str, int]) -> None:
        self._engine = engine
        self._log = engine.log
        self._owner: Owner | None = owner
        self.phase = Phase.CONNECTING
        self.last_io = engine.clock.now_ms()
        self.client: Client | None = None
        self.stream: AppliedStream | None = None
        self.payload: PayloadReader | None = None
        self.dropped_data = False  # the old dataset is gone, and no other has come
        self._talk: Generator[bytes, bytes, Outcome] | None = None
        self._line = b""  # a part of one
        self._was_heard = False
        self._wants_acks = True  # a master that knows of no offsets does not
        self._transfer_began = self._told_progress = 0
        self._transfer: Transfer | None = None
        self._waiting = bytearray()  # what was read and has its turn later
        self._is_busy = False  # what comes has to wait
        self._link = engine.host.dial(address, self, engine.config["bind-source-addr"])

    @property
    def received_offset(self) -> int | None:
        """The offset up to which the stream has come, whatever of it took effect; None before it begins."""
        return None if self.stream is None else self.stream.received + len(self._waiting)

    # From the link

    def connected(self, link: Link) -> None:
        """Introduce ourselves."""
        if self._owner is None:
            link.abort()
            return
        self._link = link
        self._log.info("Non blocking connect for SYNC fired the event.")
        self.phase = Phase.HANDSHAKE
        self._talk = handshake(self._owner.introduction(), self._owner.history())
        link.write(next(self._talk))

    def received(self, data: bytes) -> None:
        """Whatever it is, it goes to whose turn it is."""
        self.last_io = self._engine.clock.now_ms()
        self._engine.stats.replication_bytes_in += len(data)
        if not self._is_busy:
            self._handle(data)
            return
        self._waiting += data
        if self._is_full:
            self._link.pause_reading()

    def _handle(self, data: bytes) -> None:
        while data and self._owner is not None:
            if self._is_busy:
                self._waiting += data
                break
            if self._talk is not None:
                data = self._hear(data)
            elif self.payload is not None:
                data = self._take(data)
            else:
                data = self._apply(data)

    def congested(self) -> None:
        """The master does not read: nothing is sent that could wait."""

    def writable(self) -> None:
        """It does again."""

    def lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self.phase is Phase.CONNECTING:
            self._fail(f"Error condition on socket for SYNC: {_reason(error)}")
        elif self.phase is Phase.CONNECTED:
            self._fail(_LOST, logging.INFO)
        elif self._transfer is not None:
            self._fail(self._transfer.cut_short(_reason(error)))
        else:
            self._fail(f"Master did not reply to the handshake: {_reason(error)}")

    # Ending

    def _fail(self, why: str, level: int = logging.WARNING) -> None:
        """The connection is of no use."""
        owner, phase = self._owner, self.phase
        if owner is not None:
            self._log.log(level, "%s", why)
            self.close()
            owner.lost(phase)

    def close(self) -> None:
        """Part with the master; nobody is told."""
        self._owner = None
        self.phase = Phase.NONE
        self._link.abort()
        if self._transfer is not None:
            self.dropped_data = self._transfer.drops_data
            self._transfer.abandon()
            self._transfer = None
        if self.client is not None and self.client.waiting is not CLOSED:
            self._engine[Clients].disconnect(self.client)

    def _killed(self) -> None:
        """CLIENT KILL: it is down from now on, whatever else the same transaction does. Or the server ends."""
        if self._engine[Sessions].closed:
            self.close()
        else:
            self._fail(_LOST, logging.INFO)

    # The handshake

    def _hear(self, data: bytes) -> bytes:
        """Answer the next line; what stands behind it."""
        line, end, rest = (self._line + data).partition(b"\n")
        if not end:
            self._line = line
            if len(line) > _LINE_MAX:
                self._fail("Master sent a line without an end")
            return b""
        self._line = b""
        assert self._talk is not None and self._owner is not None
        try:
            answer = self._talk.send(line.removesuffix(b"\r"))
        except StopIteration as done:
            self._talk = None
            self._decide(done.value)
        except HandshakeFailed as failure:
            self._fail(str(failure))
        else:
            if not self._was_heard:
                self._was_heard = True
                self._log.info("Master replied to PING, replication can continue...")
            if answer:
                self._link.write(answer)
        return rest

    def _decide(self, outcome: Outcome) -> None:
        assert self._owner is not None
        if isinstance(outcome, Continue):
            self.phase = Phase.CONNECTED
        try:
            self._transfer = self._owner.answered(outcome)
        except TransferFailed as failure:
            self._fail(str(failure))
            return
        if self._owner is None:
            return  # it gave up following meanwhile
        if isinstance(outcome, NotNow):
            text = f"Master is currently unable to PSYNC but should be in the future: {outcome.line.decode('latin-1')}"
            self._fail(text)
        elif isinstance(outcome, FullSync):
            self.phase = Phase.TRANSFER
            self.payload = PayloadReader()
            self._wants_acks = bool(outcome.id)
            self._link.write(outcome.request)
        else:
            self._begin_stream()

    # The dataset

    def _take(self, data: bytes) -> bytes:
        payload, transfer = self.payload, self._transfer
        assert payload is not None and transfer is not None
        announced = payload.has_header
        try:
            found = payload.feed(data)
        except PayloadError as failure:
            self._fail(str(failure))
            return b""
        if payload.has_header and not announced:
            self._tell_what_comes(payload, transfer)
        self._work_on(payload, transfer, transfer.take(found))
        return payload.rest

    def _work_on(self, payload: PayloadReader, transfer: Transfer, steps: Iterator[None]) -> None:
        """Take it in, a step at a time; then what comes next, or all is there."""
        if self._owner is None:
            return
        try:
            for _ in steps:
                self._rest()
                self._engine.host.soon(partial(self._work_on, payload, transfer, steps))
                return
            if payload.done:
                self._rest()
                if transfer.loads_later:
                    self._log.info("MASTER <-> REPLICA sync: Loading DB in memory")
                transfer.finish(self._loaded)
            elif self._is_busy:
                self._go_on()
        except TransferFailed as failure:
            self._fail(str(failure))

    def _tell_what_comes(self, payload: PayloadReader, transfer: Transfer) -> None:
        if payload.size is None:
            text = "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF %s"
            self._log.info(text, transfer.where)
        else:
            self._log.info("MASTER <-> REPLICA sync: receiving %d bytes from master %s", payload.size, transfer.where)
        if not transfer.loads_later:
            self._log.info("MASTER <-> REPLICA sync: Loading DB in memory")
        self._transfer_began = self._told_progress = self._engine.clock.now_ms()

    def _tell_progress(self, payload: PayloadReader) -> None:
        """Every few seconds, while it takes that long."""
        now = self._engine.clock.now_ms()
        if not payload.has_header or now - self._told_progress < _PROGRESS_MS:
            return
        self._told_progress = now
        rate = payload.read / 1000 / max(now - self._transfer_began, 1)
        text = "MASTER <-> REPLICA sync: received %d bytes%s, %.1f MB/s"
        part = f" of {payload.size} ({100 * payload.read / payload.size:.1f}%)" if payload.size else ""
        self._log.info(text, payload.read, part, rate)

    def _loaded(self, ok: bool) -> None:
        if self._owner is None:
            return
        if not ok:
            self._fail("Failed trying to load the MASTER synchronization DB, check server logs.")
            return
        self._transfer = self.payload = None
        self._log.info("MASTER <-> REPLICA sync: Finished with success")
        self.phase = Phase.CONNECTED
        self._owner.loaded()
        self._begin_stream()
        self._go_on()

    # The stream

    def _begin_stream(self) -> None:
        assert self._owner is not None
        self.client = self._engine[Clients].connect(MasterSink(self._link, self._killed), MASTER)
        self.client.db = self._engine.keyspace.databases[self._owner.database()]
        self.stream = AppliedStream(self._engine, self.client, self._link.write)
        self._acknowledge(self.stream)

    def _acknowledge(self, stream: AppliedStream) -> None:
        if self._wants_acks:
            stream.acknowledge()

    def _apply(self, data: bytes) -> bytes:
        """Apply what came, or a slice of it; what is left."""
        assert self.stream is not None
        if self._engine.gates & (gates.BUSY | gates.PAUSED):
            self._wait()
            return data
        rest = b""
        if len(data) > SLICE_BYTES:
            data, rest = first_slice(data)
            self._rest()
            self._engine.host.soon(self._go_on)
        try:
            self.stream.feed(data)
        except ProtocolError as error:
            self._fail(f"Protocol error from master: {error.text.decode('utf-8', 'backslashreplace')}")
        return rest

    def _wait(self) -> None:
        """Until a script that overruns is done, or a pause is over; meanwhile the master is still heard."""
        self._is_busy = True
        if self._engine.gates & gates.BUSY:
            self._engine.when_free(self._go_on)
        else:
            self._engine[Pause].when_over(self._go_on)

    @property
    def _is_full(self) -> bool:
        """No more is read before some of it took effect."""
        return len(self._waiting) > _WAITING_MAX

    def _rest(self) -> None:
        """Others have their turn."""
        self._is_busy = True
        self._link.pause_reading()

    def _go_on(self) -> None:
        if self._owner is None:
            return
        self._is_busy = False
        data, self._waiting = bytes(self._waiting), bytearray()
        self._handle(data)
        if not self._is_busy and self._owner is not None:
            self._link.resume_reading()

    # From time to time

    def tell(self) -> None:
        """Once a second the master hears how far we are, or that we live."""
        if self.stream is not None and self.phase is Phase.CONNECTED:
            self._acknowledge(self.stream)
        elif self.phase is Phase.TRANSFER:
            self._link.write(b"\n")
            if self.payload is not None:
                self._tell_progress(self.payload)

    def check_time(self, now: int) -> None:
        """Give up a master that is silent for longer than `repl-timeout`."""
        if self._is_full:
            self.last_io = now  # it is we who do not listen
        if now - self.last_io <= self._engine.config["repl-timeout"] * 1000:
            return
        if self.phase is Phase.CONNECTED:
            self._fail("MASTER timeout: no data nor PING received...")
        elif self.phase is not Phase.TRANSFER:
            self._fail("Timeout connecting to the MASTER...")
        elif not self._is_busy:  # else it is we who load
            self._fail(
                "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' "
                "parameter in redis.conf to a larger value."
            )


def _reason(error: Exception | None) -> str:
    if error is None:
        return "connection lost"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
