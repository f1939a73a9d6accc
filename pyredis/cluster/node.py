"""A node of the cluster, as another node knows it.

Times are ms since 1970, 0 for never. A set of slots is one number: bit s stands for slot s, which little-endian is the
form it has on the wire.
"""

import re
from collections.abc import Iterator
from typing import Protocol

ID_BYTES = 40
BUS_PORT_OFFSET = 10_000
"""How far above its port a node talks to others, unless it says otherwise."""

MASTER, REPLICA, PFAIL, FAIL, MYSELF, HANDSHAKE, NO_ADDRESS, MEET, MIGRATE_TO, NO_FAILOVER = (
    1 << bit for bit in range(10)
)
"""Flags, as they are on the wire. PFAIL: this node cannot reach it; FAIL: most masters cannot. MIGRATE_TO: a master
that had replicas once, so one that has none left may be given another's."""

_NAMES = (
    (MYSELF, b"myself"),
    (MASTER, b"master"),
    (REPLICA, b"slave"),
    (PFAIL, b"fail?"),
    (FAIL, b"fail"),
    (HANDSHAKE, b"handshake"),
    (NO_ADDRESS, b"noaddr"),
    (NO_FAILOVER, b"nofailover"),
)
FLAGS = {name: flag for flag, name in _NAMES}
"""Those that have a name, by it."""

_RUNS = re.compile("1+")
_ID_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")


class Link(Protocol):
    """A connection of the bus. One that this node made is to `node`; one it accepted is from whom is seen later."""

    node: "Node | None"
    is_inbound: bool
    created: int

    @property
    def peer_ip(self) -> str:
        """The other side's address as the socket has it; empty while there is none."""

    @property
    def local_ip(self) -> str:
        """This side's; empty while there is none."""

    def send(self, packet: bytes) -> None:
        """Send when all that the packet says is saved."""

    def close(self) -> None:
        """Cut it; its node has none from now on."""


class Node:
    """`id`: 40 letters and digits, by chance while it is in handshake. `replicas`: those known, in the order they came.

    `reports`: which masters say that it fails, and since when; `link`: to it, `inbound`: from it.
    """

    __slots__ = (
        "bus_port",
        "config_epoch",
        "created",
        "data_received",
        "fail_time",
        "flags",
        "hostname",
        "human_name",
        "id",
        "inbound",
        "ip",
        "link",
        "master",
        "offset",
        "orphaned_since",
        "ping_sent",
        "pong_received",
        "port",
        "replicas",
        "reports",
        "shard_id",
        "slots",
        "takes_extensions",
        "tls_port",
        "voted_time",
    )

    def __init__(self, id: bytes, flags: int, shard_id: bytes, created: int) -> None:
        self.id = id
        self.flags = flags
        self.shard_id = shard_id
        self.created = created
        # Where it is
        self.ip = ""
        self.port = self.tls_port = self.bus_port = 0
        self.hostname = ""
        self.human_name = ""
        # What it is
        self.config_epoch = 0
        self.slots = 0
        self.master: Node | None = None
        self.replicas: list[Node] = []
        self.offset = 0  # in the stream of replication, bytes
        # How it is
        self.ping_sent = 0  # the ping that it did not answer yet
        self.pong_received = self.data_received = 0
        self.fail_time = 0
        self.reports: dict[Node, int] = {}
        self.voted_time = 0  # when this node last voted for one of its replicas
        self.orphaned_since = 0
        self.takes_extensions = False
        self.link: Link | None = None
        self.inbound: Link | None = None

    @property
    def is_master(self) -> bool:
        """Whether it says it is one."""
        return bool(self.flags & MASTER)

    @property
    def is_replica(self) -> bool:
        """Whether it says it is one."""
        return bool(self.flags & REPLICA)

    @property
    def is_myself(self) -> bool:
        """Whether it is the node that knows."""
        return bool(self.flags & MYSELF)

    @property
    def is_in_handshake(self) -> bool:
        """Whether it has not said yet who it is."""
        return bool(self.flags & HANDSHAKE)

    @property
    def is_timed_out(self) -> bool:
        """Whether this node cannot reach it."""
        return bool(self.flags & PFAIL)

    @property
    def has_failed(self) -> bool:
        """Whether most masters cannot reach it."""
        return bool(self.flags & FAIL)

    @property
    def leader(self) -> "Node | None":
        """Whose slots it serves: its own, or its master's."""
        return self if self.is_master else self.master

    @property
    def slot_count(self) -> int:
        """How many slots it has."""
        return self.slots.bit_count()

    @property
    def good_replicas(self) -> int:
        """How many of its replicas have not failed."""
        return sum(not replica.has_failed for replica in self.replicas)

    @property
    def flag_names(self) -> bytes:
        """As in CLUSTER NODES."""
        return b",".join(name for flag, name in _NAMES if self.flags & flag) or b"noflags"


def is_id(word: bytes) -> bool:
    """Whether this may be a node's id."""
    return len(word) == ID_BYTES and _ID_CHARACTERS.issuperset(word)


def slot_ranges(slots: int) -> Iterator[tuple[int, int]]:
    """The runs of consecutive slots in a set, first and last."""
    bits = f"{slots:b}"[::-1]  # which regular expressions walk far quicker than shifting does
    return ((run.start(), run.end() - 1) for run in _RUNS.finditer(bits))


def each_slot(slots: int) -> Iterator[int]:
    """The slots of a set, in order."""
    for first, last in slot_ranges(slots):
        yield from range(first, last + 1)
