"""A client as CLIENT LIST and CLIENT INFO show it: one line of `field=value`, in the order of Redis 8.2.

Sizes are bytes (`client_memory`), ages seconds.
"""

from typing import TYPE_CHECKING

from pyredis.engine.client import CLOSED, TURN
from pyredis.engine.execution import gates
from pyredis.engine.execution.multi import Watches
from pyredis.engine.execution.roles import MASTER, REPLICA
from pyredis.engine.memory.client_memory import REPLY_BUFFER, size_of
from pyredis.engine.messaging.channels import PubSub

if TYPE_CHECKING:
    from pyredis.engine.client import Client

PRINTABLE = frozenset(range(ord("!"), ord("~") + 1))
NORMAL, PUBSUB, MASTER_KIND, REPLICA_KIND = b"normal", b"pubsub", b"master", b"replica"
KINDS = {
    b"normal": NORMAL,
    b"master": MASTER_KIND,
    b"replica": REPLICA_KIND,
    b"slave": REPLICA_KIND,
    b"pubsub": PUBSUB,
}
"""Words for TYPE in CLIENT LIST and KILL, and the kind each means."""


def printable(text: bytes) -> bool:
    """Whether a name can stand in the line: no spaces, no control characters, ASCII only."""
    return PRINTABLE.issuperset(text)


def client_kind(client: "Client") -> bytes:
    """The class of a client as TYPE selects it; one that monitors is a normal one."""
    if client.role in _KIND_OF_ROLE:
        return _KIND_OF_ROLE[client.role]
    return PUBSUB if client.gates & gates.SUBSCRIBED else NORMAL


_KIND_OF_ROLE = {MASTER: MASTER_KIND, REPLICA: REPLICA_KIND}


def client_line(client: "Client", *, running: bool) -> bytes:
    """The line with its line end; `running` is the client whose command asks."""
    return b" ".join(b"%b=%b" % (name.encode(), _raw(value)) for name, value in _fields(client, running)) + b"\n"


def shown(client: "Client") -> str:
    """The line as the log has it."""
    return client_line(client, running=False).decode("utf-8", "backslashreplace").strip()


def _fields(client: "Client", running: bool) -> list[tuple[str, object]]:
    sink, transaction, pubsub = client.sink, client.transaction, client.engine[PubSub]
    now = client.engine.keyspace.now
    return [
        ("id", client.id),
        ("addr", sink.address),
        ("laddr", sink.local_address),
        ("fd", sink.fd),
        ("name", client.name),
        ("age", now // 1000 - client.created // 1000),
        ("idle", now // 1000 - client.last_active // 1000),
        ("flags", _flags(client)),
        ("db", client.db.index),
        ("sub", pubsub.channels.count(client)),
        ("psub", pubsub.patterns.count(client)),
        ("ssub", pubsub.shards.count(client)),
        ("multi", -1 if transaction is None else len(transaction.queue)),
        ("watch", client.engine[Watches].count(client)),
        *_memory(client, running),
        ("events", "rw" if sink.output_pending() else "r"),
        ("cmd", client.last_entry.command.name if client.last_entry else "NULL"),
        ("user", "(superuser)" if client.role is MASTER else client.user.name),
        ("redir", -1 if client.tracking is None else client.tracking.redirect),
        ("resp", client.resp),
        ("lib-name", client.library_name),
        ("lib-ver", client.library_version),
        ("io-thread", 0),
        ("tot-net-in", client.bytes_in),
        ("tot-net-out", client.bytes_out + sum(map(len, client.out))),
        ("tot-cmds", client.commands),
    ]


def _memory(client: "Client", running: bool) -> list[tuple[str, object]]:
    """What the client's buffers and arguments take."""
    size = size_of(client, running=running)
    return [
        ("qbuf", size.query),
        ("qbuf-free", size.query_free),
        ("argv-mem", size.arguments),
        ("multi-mem", size.queued),
        ("rbs", REPLY_BUFFER),
        ("rbp", 0),
        ("obl", size.in_buffer),
        ("oll", size.chunks),
        ("omem", size.in_chunks),
        ("tot-mem", size.total),
    ]


def _flags(client: "Client") -> str:
    """One letter for each state, `N` for none."""
    held = client.waiting not in (None, TURN, CLOSED)
    tracking = client.tracking
    states = (
        ("S", client.role is REPLICA),
        ("O", client.monitoring),
        ("M", client.role is MASTER),
        ("P", client.gates & gates.SUBSCRIBED),
        ("x", client.transaction is not None),
        ("b", held),
        ("d", client.engine[Watches].touched(client)),
        ("U", client.sink.address.endswith(":0")),
        ("t", tracking),
        ("R", tracking and tracking.broken),
        ("B", tracking and tracking.broadcast),
        ("r", client.reads_replica),
        ("e", client.no_evict),
        ("T", client.no_touch),
    )
    return "".join(letter for letter, is_so in states if is_so) or "N"


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
