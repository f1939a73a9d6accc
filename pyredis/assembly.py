"""The composition root: servers, embedded use and tests are all put together here.

Importing `commands` tells the command table where its rows are; `build_engine` makes an engine of what its profile
names.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

import pyredis.commands  # noqa: F401 - tells the table where its rows are
from pyredis.clock import Clock
from pyredis.cluster.cluster_mode import ClusterMode
from pyredis.cluster.migrations import Migrations
from pyredis.cluster.target_links import TargetLinks
from pyredis.config import absent
from pyredis.config.store import Config
from pyredis.engine.acl.accounts import Acl
from pyredis.engine.acl.acl_log import AclLog
from pyredis.engine.command_table.command import TABLE, Command
from pyredis.engine.engine import Engine
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.cross_protocol import CrossProtocol
from pyredis.engine.execution.dispatch import retry
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.engine.execution.good_replicas import GoodReplicas
from pyredis.engine.execution.multi import Watches
from pyredis.engine.execution.pause import Pause
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.host import Host
from pyredis.engine.memory.client_memory import ClientMemory
from pyredis.engine.memory.eviction import Eviction
from pyredis.engine.memory.last_use import LastUse
from pyredis.engine.memory.used_memory import Memory
from pyredis.engine.messaging.channels import PubSub
from pyredis.engine.messaging.invalidation import Tracking
from pyredis.engine.messaging.monitors import Monitors
from pyredis.engine.messaging.notifications import Notifications
from pyredis.engine.observability.keysizes import Keysizes
from pyredis.engine.observability.latency import LatencyMonitor
from pyredis.engine.observability.loop_metrics import LoopMetrics
from pyredis.engine.observability.server_info import ServerInfo
from pyredis.engine.observability.slowlog import SlowLog
from pyredis.engine.observability.status_log import StatusLog
from pyredis.engine.roster import Clients
from pyredis.engine.sessions import Sessions
from pyredis.keyspace.access import Access
from pyredis.keyspace.active_expiry import ActiveExpiry
from pyredis.persistence.append_log import AppendLog
from pyredis.persistence.background import Background
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.dataset_loading import Loading
from pyredis.persistence.disk import Disk
from pyredis.persistence.log_files import LogFiles
from pyredis.persistence.rewriting import Rewriting
from pyredis.persistence.save_progress import SaveProgress
from pyredis.persistence.saving import Saving
from pyredis.rdb.file_writer import write_rdb
from pyredis.rdb.loader import Loader
from pyredis.replication.failover import Failover
from pyredis.replication.farewell import Farewell
from pyredis.replication.following import Following
from pyredis.replication.full_sync import FullSyncs
from pyredis.replication.own_keys import OwnKeys
from pyredis.replication.partial_sync import PartialSyncs
from pyredis.replication.replicas import Replicas
from pyredis.replication.replication_info import ReplicationInfo
from pyredis.scripting.declared_flags import command_flags
from pyredis.scripting.function_libraries import Functions
from pyredis.scripting.scripts import Scripts


class Profile(NamedTuple):
    """What a kind of engine is made of: a server, one that is embedded, later a Sentinel.

    `components` are built in this order, each from the engine; `tie` then tells them of one another.
    """

    commands: Mapping[str, Command]
    components: Sequence[Callable[[Engine], object]]
    tie: Callable[[Engine], None]


def _log_files(engine: Engine) -> LogFiles:
    return LogFiles(engine.config, engine[Disk], engine.log)


def _tie_server(engine: Engine) -> None:
    """What the parts of a server tell one another."""
    engine.script_flags = partial(command_flags, engine)
    engine[Blocking].retry = partial(retry, engine)
    engine[ActiveExpiry].on_cycle = partial(engine[LatencyMonitor].note, "expire-cycle")
    engine[Scripts].copy = partial(copied, engine)
    functions = engine[Functions]
    engine[Memory].parts |= {"tracking": lambda: engine[Tracking].size, "pubsub": lambda: engine[PubSub].size}
    engine[Dataset].on_replaced += (engine[Memory].recount, engine[Access].replaced)
    engine[Dataset].libraries = lambda: [library.code for library in functions.libraries.values()]
    engine[Dataset].take_libraries = lambda codes, replace: functions.restore(codes, replace=replace, flush=False)
    engine[Dataset].drop_libraries = functions.flush


_SERVER_COMPONENTS = (
    _log_files,
    Clients,
    Acl,
    AclLog,
    ClientMemory,
    CrossProtocol,
    Memory,
    SlowLog,
    LatencyMonitor,
    Monitors,
    Propagation,
    Eviction,
    GoodReplicas,
    ExpiryView,
    Pause,
    Watches,
    Blocking,
    Scripts,
    Functions,
    PubSub,
    Notifications,
    Tracking,
    LoopMetrics,
    ServerInfo,
    Keysizes,
    StatusLog,
    Sessions,
    Access,
    LastUse,
    ActiveExpiry,
    SaveProgress,
    Background,
    Dataset,
    AppendLog,
    Rewriting,
    Saving,
    Loading,
    Replicas,
    FullSyncs,
    PartialSyncs,
    OwnKeys,
    Following,
    Failover,
    Farewell,
    ReplicationInfo,
    ClusterMode,
    TargetLinks,
    Migrations,
)

SERVER = Profile(TABLE, _SERVER_COMPONENTS, _tie_server)
"""Redis as it runs by itself: all there is."""


def build_engine(
    config: Config | None = None,
    *,
    clock: Clock | None = None,
    seed: int | None = None,
    disk: Disk | None = None,
    profile: Profile = SERVER,
    host: Host | None = None,
) -> Engine:
    """A complete engine without a socket; `seed` makes its random choices repeatable, `disk` is where its files are.

    `host` is the world around it, in place of `clock` and `seed`; without it there is no network and no loop.
    Nothing is loaded yet: `engine[Loading]` does that.
    Raises ConfigError for a `rename-command` that is not possible and for what is asked for and not there.
    """
    config = config or Config()
    host = host or Host(clock, Random(seed))
    absent.refuse(config, host.log)
    engine = Engine(config, host, profile.commands)
    engine.components[Disk] = disk or Disk()
    for component in profile.components:
        engine.add(component(engine))
    engine.cron_steps.append(lambda: engine.stats.sample(engine.keyspace.now))
    profile.tie(engine)
    return engine


_OF_ITSELF = ("appendonly", "save", "replicaof", "cluster-enabled", "loadmodule", "maxmemory-clients")
"""Parameters that are not those of the engine that is copied."""


def copied(engine: Engine) -> Engine:
    """Another engine with the same keys and settings, no files and no network: what it does is for nobody else."""
    config = Config()
    for parameter in config.parameters:
        if parameter.name not in _OF_ITSELF:
            config.replace(parameter.name, engine.config[parameter.name])
    twin = build_engine(config, clock=engine.clock)
    loader = Loader(twin.keyspace, twin.limits, dropping_expired=False, verifying=False)
    for chunk in write_rdb(engine.keyspace, compressing=False, checksum=False):
        loader.feed(chunk)
    loader.finish()
    twin.tick()
    return twin
