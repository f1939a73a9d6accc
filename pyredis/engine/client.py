"""A client as the engine sees it: who it is, what it talks, what it waits for. No socket: a `Sink` takes its replies.

Handlers get it as their context `ctx`: `ctx.db` is the selected database, `ctx.engine` the way to everything else.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from pyredis.engine.acl.user import User
from pyredis.engine.execution import detours
from pyredis.engine.execution.roles import Role
from pyredis.engine.execution.transaction import Transaction
from pyredis.keyspace.database import Database
from pyredis.protocol.encoder import RESP2, VERSIONS
from pyredis.protocol.parser import Argv
from pyredis.protocol.reply_size import EMPTY_BULK_BYTES, NOTABLE_BYTES, reply_size

if TYPE_CHECKING:
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine
    from pyredis.engine.messaging.tracking_mode import Mode


REPLY_ON, REPLY_OFF, REPLY_SKIP = b"ON", b"OFF", b"SKIP"
CLOSED = "closed"
"""A client's `waiting` once it is disconnected: nothing it sent runs any more."""
TURN = "turn"
"""A client's `waiting` when it sent so much that others have their turn first."""


class Sink(Protocol):
    """Where replies go: a connection, or nothing."""

    address: str
    local_address: str
    fd: int
    is_congested: bool
    """The peer does not keep up; when it has taken most of what waits, `drained` is called."""
    drained: Callable[[], None] | None

    def write(self, data: bytes) -> None:
        """Send bytes; never blocks."""

    def flush_soon(self, client: "Client") -> None:
        """Call the client's `flush`, now or when there is nothing to run."""

    def close(self) -> None:
        """Close once what was written is sent."""

    def abort(self) -> None:
        """Close at once."""

    def resume(self) -> None:
        """The client no longer waits: go on with what it sent meanwhile."""

    def adopt_limits(self) -> None:
        """The client's class changed, or a limit: set its `output_max`."""

    def check_output(self, more: int) -> bool:
        """Drop the client if `more` bytes beside what is pending are not allowed; whether it is dropped."""

    def overflow(self) -> None:
        """Drop the client: a reply would be larger than what is allowed."""

    def output_pending(self) -> int:
        """Bytes written that the peer has not taken yet."""

    def input_pending(self) -> int:
        """Bytes received that are not yet an argument."""

    def arguments_pending(self) -> int:
        """Bytes of the arguments of a command that is not yet whole."""


class NullSink:
    """Takes replies and forgets them: for clients inside the process."""

    address = ""
    local_address = ""
    fd = -1
    is_congested = False
    drained: Callable[[], None] | None = None

    def write(self, data: bytes) -> None:
        """Forget."""

    def flush_soon(self, client: "Client") -> None:
        """Now."""
        client.flush()

    def close(self) -> None:
        """Nothing to close."""

    def abort(self) -> None:
        """Nothing to close."""

    def resume(self) -> None:
        """Nothing waits."""

    def adopt_limits(self) -> None:
        """There are none."""

    def check_output(self, more: int) -> bool:
        """All is allowed."""
        return False

    def overflow(self) -> None:
        """All is allowed."""

    def output_pending(self) -> int:
        """Nothing."""
        return 0

    def input_pending(self) -> int:
        """Nothing."""
        return 0

    def arguments_pending(self) -> int:
        """Nothing."""
        return 0


GONE = NullSink()
"""What takes the place of a connection that is lost: the two would keep each other alive."""


class Client:
    """One client. Times are ms since 1970."""

    __slots__ = (
        "argv",
        "bytes_in",
        "bytes_out",
        "commands",
        "created",
        "db",
        "encoders",
        "engine",
        "gates",
        "id",
        "last_active",
        "last_entry",
        "library_name",
        "library_version",
        "monitoring",
        "name",
        "no_evict",
        "no_touch",
        "out",
        "output_max",
        "pending",
        "queued",
        "reads_replica",
        "redacted",
        "reply_mode",
        "resp",
        "rewritten",
        "role",
        "sink",
        "skips_next",
        "tracking",
        "transaction",
        "user",
        "waiting",
        "wrote",
    )

    def __init__(self, engine: "Engine", id: int, sink: Sink, role: Role, user: User) -> None:
        self.engine = engine
        self.id = id
        self.sink = sink
        self.role = role
        self.db: Database = engine.keyspace.databases[0]
        self.user = user
        self.name = b""
        self.library_name = b""
        self.library_version = b""
        # The protocol it talks
        self.resp = 2
        self.encoders = RESP2
        self.gates = 0
        self.reply_mode = REPLY_ON  # of CLIENT REPLY
        self.skips_next = False
        self.out: list[bytes] = []
        self.queued = 0  # bytes of the larger replies in it
        self.output_max = 0  # bytes that may wait for it; 0: any number
        # What it is in the middle of
        self.transaction: Transaction | None = None
        self.tracking: Mode | None = None  # of the keys it reads
        self.monitoring = False
        self.waiting: Any = None  # why its commands do not run now; what it sends meanwhile is kept in `pending`
        self.pending: deque[Argv] = deque()
        self.argv: Argv = []
        self.redacted: tuple[int, ...] = ()  # positions of the current command that no log may show
        self.rewritten: tuple[bytes, ...] | None = None  # what propagates instead of the current command
        self.no_evict = False
        self.no_touch = False
        self.reads_replica = False  # READONLY: a replica may answer it what it has of its master's slots
        # Counts
        self.created = self.last_active = engine.keyspace.now
        self.commands = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.wrote = 0  # where its last write ends in the stream: ask `Propagation.end_of_writes`
        self.last_entry: Entry | None = None

    @property
    def is_local(self) -> bool:
        """Whether it came over loopback or a Unix socket, or lives in the process."""
        host = self.sink.address.rpartition(":")[0]
        return host in ("", "127.0.0.1", "[::1]") or host.startswith("/")

    @property
    def asking(self) -> bool:
        """Whether its command is led by ASKING."""
        return bool(self.gates & detours.ASKING)

    @property
    def may_wait(self) -> bool:
        """Whether a command may make it wait: not inside MULTI or a script."""
        return self.role.may_wait and self.transaction is None

    def begin(self, argv: Argv) -> None:
        """Its next command; what no log may show of the one before, or propagates instead of it, is forgotten."""
        self.argv = argv
        self.redacted = ()
        self.rewritten = None

    def talk(self, resp: int) -> None:
        """Switch to RESP version 2 or 3."""
        self.resp = resp
        self.encoders = VERSIONS[resp]

    def reply(self, value: Any) -> bool:
        """Queue a reply in the client's protocol; False if the client may not have so much: then it is dropped."""
        if self.output_max and not self.gates & detours.REPLY_MODE:
            if self.waiting is CLOSED:
                return False
            if reply_size(value, self.output_max) > self.output_max:
                self.sink.overflow()
                return False
        self.send(self.encoders[value.__class__](value))
        return self.waiting is not CLOSED

    def may_have(self, bulks: int) -> bool:
        """Whether a reply of so many strings may be made: if even empty ones are too much, the client is dropped."""
        if 0 < self.output_max < bulks * EMPTY_BULK_BYTES:
            self.sink.overflow()
            return False
        return True

    def send(self, data: bytes) -> None:
        """Queue bytes, and see whether the client may have so much."""
        self.out.append(data)
        self.queued += len(data)
        if self.output_max and self.queued > NOTABLE_BYTES:
            self.sink.check_output(self.queued)

    def recount(self) -> None:
        """See whether the client may have all the small replies that are queued."""
        self.queued = sum(map(len, self.out))
        if self.queued > NOTABLE_BYTES:
            self.sink.check_output(self.queued)

    def answer(self, value: Any) -> None:
        """The reply to a command that was put off, if the client wants replies."""
        mark = len(self.out)
        self.reply(value)
        if self.gates & detours.REPLY_MODE:
            self.end_muted(mark)

    def end_muted(self, mark: int) -> None:
        """A command is done under CLIENT REPLY: drop what was queued since `mark`, and see if the next is answered."""
        if self.reply_mode != REPLY_ON:
            del self.out[mark:]
            self.queued = sum(map(len, self.out))
        skips, self.skips_next = self.skips_next, False
        if self.reply_mode != REPLY_OFF:
            self.set_reply_mode(REPLY_SKIP if skips else REPLY_ON)

    def keep(self, commands: Iterable[Argv]) -> None:
        """Commands that run when the client no longer waits; a closed one has none."""
        if self.waiting is not CLOSED:
            self.pending.extend(commands)

    def set_reply_mode(self, mode: bytes) -> None:
        """CLIENT REPLY ON and OFF; SKIP while a command runs that is not answered."""
        self.reply_mode = mode
        if mode != REPLY_ON or self.skips_next:
            self.gates |= detours.REPLY_MODE
        else:
            self.gates &= ~detours.REPLY_MODE

    def skip_next(self) -> None:
        """CLIENT REPLY SKIP: the command behind this one is not answered."""
        self.skips_next = True
        self.gates |= detours.REPLY_MODE

    def set_no_touch(self, on: bool) -> None:
        """CLIENT NO-TOUCH: whether its commands leave access times alone."""
        self.no_touch = on
        if on:
            self.gates |= detours.NO_TOUCH
        else:
            self.gates &= ~detours.NO_TOUCH

    def push(self, value: Any) -> None:
        """Send something the client did not ask for just now."""
        self.reply(value)
        self.flush_soon()

    def flush_soon(self) -> None:
        """Let the queued replies go out with those of other clients; those of a running command do anyway."""
        if self.engine.running is not self:
            self.sink.flush_soon(self)

    def flush(self) -> None:
        """Hand the queued replies to the sink."""
        if self.out:
            data = b"".join(self.out)
            self.out.clear()
            self.queued = 0
            self.bytes_out += len(data)
            self.engine.stats.bytes_out += len(data)
            self.sink.write(data)

    def close(self, at_once: bool = False) -> None:
        """Disconnect: by default after the replies are sent."""
        self.waiting = CLOSED
        self.pending.clear()
        if at_once:
            self.drop_output()
            self.sink.abort()
        else:
            self.flush()
            self.sink.close()

    def drop_output(self) -> None:
        """Forget the queued replies."""
        self.out.clear()
        self.queued = 0
