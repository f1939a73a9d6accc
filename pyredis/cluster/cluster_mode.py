"""The cluster, as the part of a server: its member, the bus, the file, and whose keys are whose.

    bytes ── Bus ── packets ── Member ── View ── Routing ── gates
                                  │         └── nodes.conf
                                  └── ServerWorld: replication, data, clients

`start` brings all of it up, when the server knows its port. What a packet or a command changes in the view takes effect
at once; `settle` then decides what follows, saves, and lets packets leave.
"""

from pathlib import Path
from typing import IO, TYPE_CHECKING

from pyredis.cluster import nodes_conf
from pyredis.cluster.bus import Bus
from pyredis.cluster.member import TICK_MS, Member
from pyredis.cluster.node import BUS_PORT_OFFSET, each_slot
from pyredis.cluster.nodes_conf import CorruptConfig
from pyredis.cluster.routing import Routing
from pyredis.cluster.server_world import ServerWorld
from pyredis.cluster.slot_stats import SlotStats
from pyredis.cluster.view import ALL_SLOTS, View
from pyredis.engine.messaging.channels import PubSub
from pyredis.persistence.disk import Disk, replace_file, write_durably
from pyredis.replication.following import Following

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.host import Cancellable

PORT_MAX = 65535
_ANNOUNCED = (
    *("cluster-announce-ip", "cluster-announce-port", "cluster-announce-bus-port", "port"),
    *("cluster-announce-hostname", "cluster-announce-human-nodename", "cluster-replica-no-failover"),
)


class CannotJoin(Exception):
    """The server cannot be a node: says why."""


class ClusterMode:
    """A component. `is_on`: cluster mode. What else it has is there from `start` on."""

    view: View
    member: Member
    world: ServerWorld
    routing: Routing
    slot_stats: SlotStats

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._disk = engine[Disk]
        self._lock: IO[bytes] | None = None
        self._written, self._is_synced = b"", False  # what the file says, but for times
        self._timer: Cancellable | None = None
        self.is_on: bool = engine.config["cluster-enabled"]
        self.bus = Bus(engine)
        engine.info.add("Cluster", lambda: {"cluster_enabled": int(self.is_on)})
        engine.info.add("Clients", lambda: {"cluster_connections": self.bus.count})
        engine.info.add("Memory", lambda: {"mem_cluster_links": self.bus.size})
        if self.is_on:
            engine.on_stop.append(self._stop)

    @property
    def path(self) -> Path:
        """Where `nodes.conf` is."""
        return Path(self._config["dir"], self._config["cluster-config-file"])

    # Starting and stopping

    def start(self, *, any_port: bool = False) -> None:
        """Be a node: read or begin the file, listen, tick. Raises CannotJoin, or OSError when it cannot listen."""
        if not self.is_on:
            return
        engine, config = self._engine, self._config
        bus_port = config["cluster-port"] or (0 if any_port else config["port"] + BUS_PORT_OFFSET)
        if bus_port > PORT_MAX:
            raise CannotJoin(
                "Redis port number too high. Cluster communication port is 10,000 port numbers higher than your Redis "
                "port. Your Redis port number must be 55535 or less."
            )
        for name in _ANNOUNCED:
            config.on_change(name, lambda _: self._introduce())
        self._lock_file()
        self.view = View(engine.host.random, engine.host.now)
        is_new = not self._load()
        self.world = ServerWorld(engine, self.view, self.bus, settle=self.settle, save=self._save)
        self.bus.member = self.member = Member(self.view, self.world)
        self.routing = Routing(engine, self.view)
        self.view.on_unbound = self._lost
        engine[PubSub].spread = self._spread
        bus_port = self.bus.listen(bus_port)
        if any_port:
            config.replace("cluster-port", bus_port)
        self.world.introduce()
        if is_new:
            self._save(sync=True)
        engine.router = self.routing
        self.slot_stats = SlotStats(engine, self.view)
        engine.rewire()
        master = self.view.myself.master
        if master is not None and master.ip:
            engine[Following].begin_as_replica((master.ip, master.port))
        self._tick()

    def _lost(self, slot: int) -> None:
        """A slot has left its owner."""
        self._engine[PubSub].leave_slot(slot)
        self.slot_stats.forget(slot)

    def _tick(self) -> None:
        self._timer = self._engine.host.later(TICK_MS, self._tick)
        if self._engine.cron_paused:
            return
        self.bus.cut_congested()
        self.member.tick()
        self._settled()

    def _introduce(self) -> None:
        """What this node says of itself was changed: it knows it at once, others with the next packets."""
        self.world.introduce()
        self.world.settle_soon()

    def settle(self) -> None:
        """What follows from what happened."""
        self.member.settle()
        self._settled()

    def _settled(self) -> None:
        self.routing.settle()
        self.bus.flush()

    def _stop(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self.bus.close()
        self._save(sync=True)
        if self._lock is not None:
            self._lock.close()

    # The file

    def _load(self) -> bool:
        """Take in the file; False if there is none yet. Raises CannotJoin for one that is none."""
        log = self._engine.log
        try:
            text = b"".join(self._disk.read(self.path))
        except FileNotFoundError:
            text = b""
        except OSError as error:
            raise CannotJoin(f"Loading the cluster node config from {self.path}: {error.strerror}") from None
        if not text:
            log.info("No cluster configuration found, I'm %s", self.view.myself.id.decode())
            return False
        try:
            nodes_conf.load(self.view, text, self._engine.host.now)
        except CorruptConfig as fault:
            raise CannotJoin(f'Unrecoverable error: corrupted cluster config file "{fault}".') from None
        log.info("Node configuration loaded, I'm %s", self.view.myself.id.decode())
        return True

    def _save(self, sync: bool) -> None:
        """Write it, if it does not say that already. A node that cannot must not go on: it might forget a vote."""
        said = nodes_conf.dump(self.view, times=False)
        if (self._is_synced or not sync) and self._written == said:
            return
        try:
            self.write(sync=sync)
            self._written, self._is_synced = said, sync
        except OSError as error:
            self._engine.log.warning("Fatal: can't update cluster config file: %s", error.strerror)
            self._engine.give_up()

    def write(self, *, sync: bool) -> None:
        """Write it; with `sync` so that it outlasts a power cut. Raises OSError."""
        text = [nodes_conf.dump(self.view)]
        if sync:
            write_durably(self._disk, self.path, text)
        else:
            replace_file(self._disk, self.path, text, synced=False)

    def _lock_file(self) -> None:
        """Two nodes with one file would be one node twice. Raises CannotJoin."""
        try:
            import fcntl
        except ImportError:  # Windows
            return
        try:
            self._lock = self.path.open("ab")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotJoin(
                f"Sorry, the cluster configuration file {self.path} is already used by a different Redis Cluster node. "
                "Please make sure that different nodes use different cluster configuration files."
            ) from None
        except OSError as error:
            raise CannotJoin(f"Can't open {self.path} in order to acquire a lock: {error.strerror}") from None

    # The data

    def check_data(self) -> None:
        """After the dataset was loaded: keys of slots that are not this node's make them its, or are to be moved."""
        if not self.is_on or not self.view.myself.is_master:
            return
        view = self.view
        for slot in each_slot(ALL_SLOTS & ~view.myself.slots):
            if slot in view.importing or not self.world.count_keys(slot):
                continue
            owner = view.owners[slot]
            if owner is None:
                text = "I have keys for unassigned slot %d. Taking responsibility for it."
                view.give(view.myself, 1 << slot)
            else:
                text = (
                    "I have keys for slot %d, but the slot is assigned to another node. Setting it to importing state."
                )
                view.open(slot, view.importing, owner)
            self._engine.log.info(text, slot)
            view.changed(sync=True)
        self.settle()

    def _spread(self, channel: bytes, message: bytes, sharded: bool) -> None:
        """A message goes to the other nodes, one of a shard channel to those of the shard."""
        self.member.sender.publish(channel, message, sharded=sharded)
        self.world.settle_soon()
