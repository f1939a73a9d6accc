"""CLUSTER, READONLY, READWRITE and ASKING of a server without cluster mode: each is known, and refused.

Clients ask them to find out whether they talk to a cluster; what they read is the answer of a real server that is none.
"""

from typing import NoReturn

from pyredis.engine.client import Client
from pyredis.engine.command_table.command import (
    ADMIN,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NOSCRIPT,
    STALE,
    command,
    container,
)
from pyredis.errors import CommandError

container("CLUSTER", summary="Commands about a cluster.", group="cluster", since="3.0.0")

_CHANGE = ADMIN | NO_ASYNC_LOADING | STALE
_VARIES = ["nondeterministic_output"]


def _refuse() -> NoReturn:
    raise CommandError(b"This instance has cluster support disabled")


@command(
    "CLUSTER ADDSLOTS",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of slots",
)
def cluster_addslots(ctx: Client, slot: bytes, *slots: bytes) -> NoReturn:
    """CLUSTER ADDSLOTS slot [slot ...]

    Takes hash slots for this node.
    """
    _refuse()


@command(
    "CLUSTER ADDSLOTSRANGE",
    flags=_CHANGE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) in the number of slots",
)
def cluster_addslotsrange(ctx: Client, start: bytes, end: bytes, *ranges: bytes) -> NoReturn:
    """CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]

    Takes ranges of hash slots for this node.
    """
    _refuse()


@command(
    "CLUSTER BUMPEPOCH",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    tips=_VARIES,
)
def cluster_bumpepoch(ctx: Client) -> NoReturn:
    """CLUSTER BUMPEPOCH

    Advances the configuration epoch.
    """
    _refuse()


@command(
    "CLUSTER COUNT-FAILURE-REPORTS",
    flags=ADMIN | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of reports",
    tips=_VARIES,
)
def cluster_count_failure_reports(ctx: Client, node_id: bytes) -> NoReturn:
    """CLUSTER COUNT-FAILURE-REPORTS node-id

    Answers how many nodes report a node as failing.
    """
    _refuse()


@command(
    "CLUSTER COUNTKEYSINSLOT",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_countkeysinslot(ctx: Client, slot: bytes) -> NoReturn:
    """CLUSTER COUNTKEYSINSLOT slot

    Answers how many keys a hash slot has.
    """
    _refuse()


@command(
    "CLUSTER DELSLOTS",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of slots",
)
def cluster_delslots(ctx: Client, slot: bytes, *slots: bytes) -> NoReturn:
    """CLUSTER DELSLOTS slot [slot ...]

    Gives up hash slots.
    """
    _refuse()


@command(
    "CLUSTER DELSLOTSRANGE",
    flags=_CHANGE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) in the number of slots",
)
def cluster_delslotsrange(ctx: Client, start: bytes, end: bytes, *ranges: bytes) -> NoReturn:
    """CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]

    Gives up ranges of hash slots.
    """
    _refuse()


@command(
    "CLUSTER FAILOVER",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_failover(ctx: Client, *options: bytes) -> NoReturn:
    """CLUSTER FAILOVER [FORCE | TAKEOVER]

    Lets a replica take its master's place.
    """
    _refuse()


@command(
    "CLUSTER FLUSHSLOTS",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_flushslots(ctx: Client) -> NoReturn:
    """CLUSTER FLUSHSLOTS

    Gives up all hash slots.
    """
    _refuse()


@command(
    "CLUSTER FORGET",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_forget(ctx: Client, node_id: bytes) -> NoReturn:
    """CLUSTER FORGET node-id

    Removes a node from the table of nodes.
    """
    _refuse()


@command(
    "CLUSTER GETKEYSINSLOT",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of keys asked for",
    tips=_VARIES,
)
def cluster_getkeysinslot(ctx: Client, slot: bytes, count: bytes) -> NoReturn:
    """CLUSTER GETKEYSINSLOT slot count

    Answers names of keys in a hash slot.
    """
    _refuse()


@command(
    "CLUSTER HELP",
    flags=LOADING | STALE,
    group="cluster",
    since="5.0.0",
    complexity="O(1)",
)
def cluster_help(ctx: Client) -> NoReturn:
    """CLUSTER HELP

    Explains the subcommands.
    """
    _refuse()


@command(
    "CLUSTER INFO",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    tips=_VARIES,
)
def cluster_info(ctx: Client) -> NoReturn:
    """CLUSTER INFO

    Answers what state the cluster is in for this node.
    """
    _refuse()


@command(
    "CLUSTER KEYSLOT",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the key's length",
)
def cluster_keyslot(ctx: Client, key: bytes) -> NoReturn:
    """CLUSTER KEYSLOT key

    Answers the hash slot of a key.
    """
    _refuse()


@command(
    "CLUSTER LINKS",
    flags=STALE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) in the number of nodes",
    tips=_VARIES,
)
def cluster_links(ctx: Client) -> NoReturn:
    """CLUSTER LINKS

    Answers the links between this node and others.
    """
    _refuse()


@command(
    "CLUSTER MEET",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    history=[("4.0.0", "The port of the cluster bus can be told.")],
)
def cluster_meet(ctx: Client, ip: bytes, port: bytes, *bus_port: bytes) -> NoReturn:
    """CLUSTER MEET ip port [cluster-bus-port]

    Makes another node's acquaintance.
    """
    _refuse()


@command(
    "CLUSTER MYID",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_myid(ctx: Client) -> NoReturn:
    """CLUSTER MYID

    Answers this node's id.
    """
    _refuse()


@command(
    "CLUSTER MYSHARDID",
    flags=STALE,
    group="cluster",
    since="7.2.0",
    complexity="O(1)",
    tips=_VARIES,
)
def cluster_myshardid(ctx: Client) -> NoReturn:
    """CLUSTER MYSHARDID

    Answers the id of this node's shard.
    """
    _refuse()


@command(
    "CLUSTER NODES",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of nodes",
    tips=_VARIES,
)
def cluster_nodes(ctx: Client) -> NoReturn:
    """CLUSTER NODES

    Answers the table of nodes.
    """
    _refuse()


@command(
    "CLUSTER REPLICAS",
    flags=ADMIN | STALE,
    group="cluster",
    since="5.0.0",
    complexity="O(N) in the number of replicas",
    tips=_VARIES,
)
def cluster_replicas(ctx: Client, node_id: bytes) -> NoReturn:
    """CLUSTER REPLICAS node-id

    Answers the replicas of a master.
    """
    _refuse()


@command(
    "CLUSTER REPLICATE",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_replicate(ctx: Client, node_id: bytes) -> NoReturn:
    """CLUSTER REPLICATE node-id

    Makes this node a replica of another.
    """
    _refuse()


@command(
    "CLUSTER RESET",
    flags=ADMIN | NOSCRIPT | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of nodes known, and that of a FLUSHALL",
)
def cluster_reset(ctx: Client, *kind: bytes) -> NoReturn:
    """CLUSTER RESET [HARD | SOFT]

    Makes this node forget the cluster.
    """
    _refuse()


@command(
    "CLUSTER SAVECONFIG",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_saveconfig(ctx: Client) -> NoReturn:
    """CLUSTER SAVECONFIG

    Writes the cluster's configuration to disk.
    """
    _refuse()


@command(
    "CLUSTER SET-CONFIG-EPOCH",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_set_config_epoch(ctx: Client, epoch: bytes) -> NoReturn:
    """CLUSTER SET-CONFIG-EPOCH config-epoch

    Gives a new node its configuration epoch.
    """
    _refuse()


@command(
    "CLUSTER SETSLOT",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_setslot(ctx: Client, slot: bytes, subcommand: bytes, *node_id: bytes) -> NoReturn:
    """CLUSTER SETSLOT slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>

    Ties a hash slot to a node.
    """
    _refuse()


@command(
    "CLUSTER SHARDS",
    flags=LOADING | STALE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) in the number of nodes",
    tips=_VARIES,
)
def cluster_shards(ctx: Client) -> NoReturn:
    """CLUSTER SHARDS

    Answers which shard has which hash slots.
    """
    _refuse()


@command(
    "CLUSTER SLAVES",
    flags=ADMIN | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of replicas",
    tips=_VARIES,
    deprecated=("5.0.0", "`CLUSTER REPLICAS`"),
)
def cluster_slaves(ctx: Client, node_id: bytes) -> NoReturn:
    """CLUSTER SLAVES node-id

    Answers the replicas of a master.
    """
    _refuse()


@command(
    "CLUSTER SLOT-STATS",
    flags=LOADING | STALE,
    group="cluster",
    since="8.2.0",
    complexity="O(N log N) in the number of slots",
    tips=[*_VARIES, "request_policy:all_shards"],
)
def cluster_slot_stats(ctx: Client, filter: bytes, argument: bytes, *arguments: bytes) -> NoReturn:
    """CLUSTER SLOT-STATS <SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]>

    Answers how much this node's hash slots are used.
    """
    _refuse()


@command(
    "CLUSTER SLOTS",
    flags=LOADING | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of nodes",
    tips=_VARIES,
    history=[("4.0.0", "Ids of nodes."), ("7.0.0", "More about each node's network.")],
    deprecated=("7.0.0", "`CLUSTER SHARDS`"),
)
def cluster_slots(ctx: Client) -> NoReturn:
    """CLUSTER SLOTS

    Answers which node has which hash slots.
    """
    _refuse()


@command(
    "ASKING",
    flags=FAST,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    categories="connection",
)
def asking(ctx: Client) -> NoReturn:
    """ASKING

    Lets the next command through to a hash slot that is being imported.
    """
    _refuse()


@command(
    "READONLY",
    flags=FAST | LOADING | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    categories="connection",
)
def readonly(ctx: Client) -> NoReturn:
    """READONLY

    Lets this connection read from a cluster's replica.
    """
    _refuse()


@command(
    "READWRITE",
    flags=FAST | LOADING | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    categories="connection",
)
def readwrite(ctx: Client) -> NoReturn:
    """READWRITE

    Sends this connection's reads to the master again.
    """
    _refuse()
