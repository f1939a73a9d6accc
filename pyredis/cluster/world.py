"""What the cluster's machines need of the world: time, chance, links, a file, and the server they are part of.

The machines decide, and have no socket, clock or file of their own: `cluster.py` gives them a server's, a test gives
them one made of numbers. Times are ms since 1970.
"""

import logging
from random import Random
from typing import Protocol

from pyredis.cluster.node import Link, Node


class Settings(Protocol):
    """What the configuration says, now. Times are ms."""

    @property
    def node_timeout(self) -> int:
        """As the configuration has it."""

    @property
    def ping_interval(self) -> int:
        """As the configuration has it."""

    @property
    def validity_ms(self) -> int:
        """How old a replica's data may be beyond the node timeout for it to be elected; 0: any."""

    @property
    def no_failover(self) -> bool:
        """As the configuration has it."""

    @property
    def migration_barrier(self) -> int:
        """As the configuration has it."""

    @property
    def allows_replica_migration(self) -> bool:
        """As the configuration has it."""

    @property
    def requires_full_coverage(self) -> bool:
        """As the configuration has it."""


class World(Protocol):
    """The rest of a node."""

    @property
    def now(self) -> int:
        """As the configuration has it."""

    random: Random
    log: logging.Logger

    @property
    def settings(self) -> Settings:
        """What the configuration says."""

    # The bus

    def dial(self, node: Node) -> Link | None:
        """Begin to connect to a node; None where that is not possible."""

    def count_sent(self, kind: int) -> None:
        """A packet of this kind is sent."""

    def settle_soon(self) -> None:
        """Have `Member.settle` run when what happens now is over."""

    def introduce(self) -> None:
        """Bring what `myself` says of itself (address, names, flags) up to date with the configuration."""

    @property
    def announced_ip(self) -> str:
        """The address this node is told to say; empty: the one that others see."""

    # The file

    def save(self, *, sync: bool) -> None:
        """Write the table of nodes; with `sync` so that it outlasts a power cut."""

    # Replication

    @property
    def offset(self) -> int:
        """How far this node is in its stream."""

    @property
    def data_age(self) -> int:
        """For how long nothing came from the master."""

    @property
    def is_following(self) -> bool:
        """Whether the server is a replica."""

    def follow(self, master: Node) -> None:
        """Replicate it."""

    def promote(self) -> None:
        """Replicate nobody."""

    # The data

    def count_keys(self, slot: int) -> int:
        """How many keys the slot has here."""

    def drop_keys(self, slots: int) -> None:
        """Delete what is in these slots: another node has them."""

    def drop_data(self) -> None:
        """Delete everything."""

    # The clients

    def pause_writes(self, until: int) -> None:
        """Hold writes back until then."""

    def resume_writes(self) -> None:
        """Let them go on."""

    def publish(self, channel: bytes, message: bytes, *, sharded: bool) -> None:
        """Deliver to who listens here."""
