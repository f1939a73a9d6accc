"""The world of a member that is part of a server: its clock, configuration, replication, data and clients."""

from typing import TYPE_CHECKING

from pyredis.cluster.bus import Bus, BusLink
from pyredis.cluster.node import BUS_PORT_OFFSET, NO_FAILOVER, Node, each_slot
from pyredis.datatypes.key_slot import key_slot
from pyredis.engine.execution.pause import FAILING_OVER, Pause
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.messaging.channels import PubSub
from pyredis.keyspace.database import SlottedDatabase
from pyredis.persistence.dataset import Dataset
from pyredis.replication.following import Following

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyredis.cluster.view import View
    from pyredis.engine.engine import Engine


class ServerSettings:
    """What the configuration says, now."""

    def __init__(self, engine: "Engine") -> None:
        self._config = engine.config

    @property
    def node_timeout(self) -> int:
        """After this a node that does not answer seems to have failed, ms."""
        return self._config["cluster-node-timeout"]  # type: ignore[no-any-return]

    @property
    def ping_interval(self) -> int:
        """How often every node is pinged, ms; 0: half the node timeout."""
        return self._config["cluster-ping-interval"]  # type: ignore[no-any-return]

    @property
    def validity_ms(self) -> int:
        """How old data may be."""
        factor = self._config["cluster-replica-validity-factor"]
        return factor and self._config["repl-ping-replica-period"] * 1000 + factor * self.node_timeout  # type: ignore[no-any-return]

    @property
    def no_failover(self) -> bool:
        """Whether this replica never takes over by itself."""
        return self._config["cluster-replica-no-failover"]  # type: ignore[no-any-return]

    @property
    def migration_barrier(self) -> int:
        """How many replicas a master keeps when one goes to another."""
        return self._config["cluster-migration-barrier"]  # type: ignore[no-any-return]

    @property
    def allows_replica_migration(self) -> bool:
        """Whether replicas go to other masters."""
        return self._config["cluster-allow-replica-migration"]  # type: ignore[no-any-return]

    @property
    def requires_full_coverage(self) -> bool:
        """Whether all slots have to be served for any to be."""
        return self._config["cluster-require-full-coverage"]  # type: ignore[no-any-return]


class ServerWorld:
    """`settle`, `save`: the component's."""

    def __init__(
        self,
        engine: "Engine",
        view: "View",
        bus: Bus,
        *,
        settle: "Callable[[], None]",
        save: "Callable[[bool], None]",
    ) -> None:
        self._engine = engine
        self._view = view
        self._bus = bus
        self._settle = settle
        self._save = save
        self._is_settle_asked = False
        self._following = engine[Following]
        self._propagation = engine[Propagation]
        self.random = engine.host.random
        self.log = engine.log
        self.settings = ServerSettings(engine)

    @property
    def now(self) -> int:
        """The host's time."""
        return self._engine.host.now

    # The bus

    def dial(self, node: Node) -> BusLink | None:
        """Begin to connect."""
        return self._bus.dial(node)

    def count_sent(self, kind: int) -> None:
        """A packet of this kind is sent."""
        self._bus.count_sent(kind)

    def settle_soon(self) -> None:
        """Once, when all that can be read now was read."""
        if not self._is_settle_asked:
            self._is_settle_asked = True
            self._engine.host.soon(self._settle_now)

    def _settle_now(self) -> None:
        self._is_settle_asked = False
        self._settle()

    @property
    def announced_ip(self) -> str:
        """`cluster-announce-ip`."""
        return self._engine.config["cluster-announce-ip"] or ""

    def introduce(self) -> None:
        """Take from the configuration what this node says of itself."""
        config, myself = self._engine.config, self._view.myself
        before = (myself.ip, myself.port, myself.bus_port, myself.hostname, myself.human_name, myself.flags)
        myself.ip = self.announced_ip or myself.ip
        myself.port = config["cluster-announce-port"] or config["port"]
        myself.bus_port = (
            config["cluster-announce-bus-port"] or config["cluster-port"] or config["port"] + BUS_PORT_OFFSET
        )
        myself.hostname = config["cluster-announce-hostname"] or ""
        myself.human_name = config["cluster-announce-human-nodename"] or ""
        myself.flags = myself.flags & ~NO_FAILOVER | (NO_FAILOVER if self.settings.no_failover else 0)
        if before != (myself.ip, myself.port, myself.bus_port, myself.hostname, myself.human_name, myself.flags):
            self._view.changed()

    def save(self, *, sync: bool) -> None:
        """Write `nodes.conf`."""
        self._save(sync)

    # Replication

    @property
    def offset(self) -> int:
        """What this server has written, or applied."""
        return self._following.offset

    @property
    def data_age(self) -> int:
        """For how long the master was not heard."""
        link, times = self._following.link, self._following.times
        if link is not None and times.up_since is not None:
            return self.now - link.last_io
        return self.now - (times.down_since or 0)

    @property
    def is_following(self) -> bool:
        """Whether the server is a replica."""
        return self._following.master is not None

    def follow(self, master: Node) -> None:
        """Replicate it, if its address is known; who listens to shard channels that are not its own is told."""
        pubsub = self._engine[PubSub]
        for slot in {key_slot(channel) for channel in pubsub.shards.subscribers}:
            if self._view.owners[slot] is not master:
                pubsub.leave_slot(slot)
        if master.ip:
            self._engine.when_free(lambda: self._follow(master))

    def _follow(self, master: Node) -> None:
        if self._view.myself.master is master and self._following.master != (master.ip, master.port):
            self._following.follow((master.ip, master.port))

    def promote(self) -> None:
        """Replicate nobody."""
        self._engine.when_free(self._promote)

    def _promote(self) -> None:
        if self._view.myself.is_master:
            self._following.promote()

    # The data

    @property
    def _db(self) -> SlottedDatabase:
        db = self._engine.keyspace.slotted
        assert db is not None
        return db

    def keys_in(self, slot: int, count: int) -> list[bytes]:
        """At most `count` keys of a slot."""
        return self._db.keys_in_slot(slot, count)

    def count_keys(self, slot: int) -> int:
        """How many keys the slot has here."""
        return self._db.count_in_slot(slot)

    def drop_keys(self, slots: int) -> None:
        """Another node has them: replicas are told, clients only if they track or watch them."""
        self._engine.when_free(lambda: self._drop_keys(slots))

    def _drop_keys(self, slots: int) -> None:
        for slot in each_slot(slots):
            for key in self._db.remove_slot(slot):
                self._propagation.send_deletion("lazyfree-lazy-server-del", self._db, key)

    def drop_data(self) -> None:
        """Delete everything, without telling anybody."""
        self._engine[Dataset].clear()

    # The clients

    def pause_writes(self, until: int) -> None:
        """For a failover."""
        self._engine[Pause].begin(until, False, FAILING_OVER)

    def resume_writes(self) -> None:
        """It happened, or did not."""
        self._engine[Pause].end(FAILING_OVER)

    def publish(self, channel: bytes, message: bytes, *, sharded: bool) -> None:
        """Deliver to who listens here."""
        pubsub = self._engine[PubSub]
        if sharded:
            pubsub.publish_to_shard(channel, message)
        else:
            pubsub.publish(channel, message)
