"""What a master knows of one of its replicas: what it said of itself, how far it is, what it acknowledged.

A replica goes from one state to the next: it waits for a snapshot to begin (WAIT_BGSAVE_START) and to be there
(WAIT_BGSAVE_END), is sent it (SEND_BULK), and then the stream (ONLINE). One that can go on where it was is ONLINE at
once. Times are ms since 1970.
"""

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyredis.engine.client import Client

EVERYTHING, FUNCTIONS, NOTHING = "everything", "functions", "nothing"
"""What a replica wants of the dataset (`rdb-filter-only`)."""

_VALKEY_WITH_FIELD_TIMES = (9, 0, 0)


class State(Enum):
    """Of a replica; the values are those of INFO."""

    WAIT_BGSAVE_START = "wait_bgsave"
    WAIT_BGSAVE_END = "wait_bgsave "
    SEND_BULK = "send_bulk"
    ONLINE = "online"
    RDB_TRANSMITTED = "rdb_transmitted"

    @property
    def shown(self) -> str:
        """As INFO shows it."""
        return self.value.rstrip()


class Replica:
    """Nothing of it counts before it has asked to be synchronized: until then `state` is None.

    `sent`: the offset of the next byte it is sent, 0 while it has no place in the stream. `speaks_psync`: it knows of
    offsets, and acknowledges them.
    """

    __slots__ = (
        "ack_time",
        "acknowledged",
        "attached_at",
        "awaits_ack",
        "came_from",
        "capabilities",
        "client",
        "fsynced",
        "ip",
        "payload",
        "port",
        "rdb_only",
        "sent",
        "speaks_psync",
        "state",
        "streamed",
        "version",
        "wants",
    )

    def __init__(self, client: "Client") -> None:
        self.client = client
        self.came_from = client.sink.address.rpartition(":")[0].strip("[]")
        self.state: State | None = None
        # What it said of itself
        self.ip = ""
        self.port = 0
        self.version = (0, 0, 0)
        self.capabilities: frozenset[bytes] = frozenset()
        self.rdb_only = False
        self.wants = EVERYTHING
        self.speaks_psync = False
        # How far it is
        self.attached_at = 0
        self.sent = 0
        self.streamed = False  # its snapshot comes as it is made, with no file between
        self.payload: Iterator[bytes] | None = None  # what is still to be sent of a snapshot
        self.awaits_ack = False  # it has the snapshot, and is fed when it says that it is loaded
        self.acknowledged = self.fsynced = 0
        self.ack_time = 0

    @property
    def reads_valkeys_rdb(self) -> bool:
        """Whether it is a Valkey that has fields that expire, in a form of its own; only Valkeys tell a version."""
        return self.version >= _VALKEY_WITH_FIELD_TIMES

    def send(self, data: bytes) -> None:
        """Send it, and count it."""
        self.client.bytes_out += len(data)
        self.client.engine.stats.replication_bytes_out += len(data)
        self.client.sink.write(data)

    @property
    def address(self) -> tuple[str, int]:
        """Where clients find it: as it announced, or where it came from."""
        return self.ip or self.came_from, self.port

    @property
    def name(self) -> str:
        """What the log calls it."""
        host, port = self.address
        return f"{host}:{port}" if port else f"client id #{self.client.id}"

    @property
    def waits(self) -> bool:
        """Whether it hears nothing for now, but that this server lives."""
        return self.state is State.WAIT_BGSAVE_START or (self.state is State.WAIT_BGSAVE_END and not self.streamed)

    @property
    def is_online(self) -> bool:
        """Whether it is fed the stream as it comes."""
        return self.state is State.ONLINE and not self.awaits_ack
