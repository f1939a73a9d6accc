"""CLUSTER's questions, and what a client says to be led about: ASKING, READONLY, READWRITE.

Without cluster mode each is known, and refused: clients ask them to find out whether they talk to a cluster.
"""

from typing import Any

from pyredis.cluster.cluster_mode import ClusterMode
from pyredis.cluster.description import info_text, links, nodes_text, shards
from pyredis.cluster.description import slots as slots_of
from pyredis.cluster.node import Node
from pyredis.cluster.nodes_conf import describe
from pyredis.datatypes.key_slot import SLOTS, key_slot
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer
from pyredis.engine.command_table.command import ADMIN, FAST, LOADING, STALE, command, container
from pyredis.engine.command_table.help import help_reply
from pyredis.engine.execution import detours
from pyredis.errors import CommandError
from pyredis.protocol.replies import OK, Status, Verbatim

container("CLUSTER", summary="Commands about a cluster.", group="cluster", since="3.0.0")

_VARIES = ["nondeterministic_output"]


def cluster_of(ctx: Client) -> ClusterMode:
    """The cluster that the server is a node of. Raises Redis's error where it is none."""
    cluster = ctx.engine[ClusterMode]
    if not cluster.is_on:
        raise CommandError(b"This instance has cluster support disabled")
    return cluster


def node_of(cluster: ClusterMode, id: bytes) -> Node:
    """The node of this id. Raises Redis's error for a stranger."""
    node = cluster.view.find(id)
    if node is None:
        raise CommandError(b"Unknown node %b" % id)
    return node


def _preferred(ctx: Client) -> str:
    return ctx.engine.config["cluster-preferred-endpoint-type"]  # type: ignore[no-any-return]


def _replicas(ctx: Client, node_id: bytes) -> list[bytes]:
    """The lines of CLUSTER NODES about a master's replicas."""
    cluster = cluster_of(ctx)
    node = node_of(cluster, node_id)
    if node.is_replica:
        raise CommandError(b"The specified node is not a master")
    return [describe(cluster.view, replica) for replica in node.replicas]


@command(
    "CLUSTER COUNT-FAILURE-REPORTS",
    flags=ADMIN | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of reports",
    tips=_VARIES,
)
def cluster_count_failure_reports(ctx: Client, node_id: bytes) -> int:
    """CLUSTER COUNT-FAILURE-REPORTS node-id

    Answers how many nodes report a node as failing.
    """
    cluster = cluster_of(ctx)
    return cluster.member.failures.count_reports(node_of(cluster, node_id))


@command(
    "CLUSTER COUNTKEYSINSLOT",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_countkeysinslot(ctx: Client, slot: bytes) -> int:
    """CLUSTER COUNTKEYSINSLOT slot

    Answers how many keys a hash slot has.
    """
    cluster = cluster_of(ctx)
    number = integer(slot)
    if not 0 <= number < SLOTS:
        raise CommandError(b"Invalid slot")
    return cluster.world.count_keys(number)


@command(
    "CLUSTER GETKEYSINSLOT",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of keys asked for",
    tips=_VARIES,
)
def cluster_getkeysinslot(ctx: Client, slot: bytes, count: bytes) -> list[bytes]:
    """CLUSTER GETKEYSINSLOT slot count

    Answers names of keys in a hash slot.
    """
    world = cluster_of(ctx).world
    number, most = integer(slot), integer(count)
    if not 0 <= number < SLOTS or most < 0:
        raise CommandError(b"Invalid slot or number of keys")
    return world.keys_in(number, most)


@command(
    "CLUSTER HELP",
    flags=LOADING | STALE,
    group="cluster",
    since="5.0.0",
    complexity="O(1)",
)
def cluster_help(ctx: Client) -> list[Status]:
    """CLUSTER HELP

    Explains the subcommands.
    """
    cluster_of(ctx)
    return help_reply("CLUSTER", _HELP)


@command(
    "CLUSTER INFO",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    tips=_VARIES,
)
def cluster_info(ctx: Client) -> Verbatim:
    """CLUSTER INFO

    Answers what state the cluster is in for this node.
    """
    cluster = cluster_of(ctx)
    return Verbatim(info_text(cluster.view, cluster.bus))


@command(
    "CLUSTER KEYSLOT",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the key's length",
)
def cluster_keyslot(ctx: Client, key: bytes) -> int:
    """CLUSTER KEYSLOT key

    Answers the hash slot of a key.
    """
    cluster_of(ctx)
    return key_slot(key)


@command(
    "CLUSTER LINKS",
    flags=STALE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) in the number of nodes",
    tips=_VARIES,
)
def cluster_links(ctx: Client) -> list[dict[bytes, Any]]:
    """CLUSTER LINKS

    Answers the links between this node and others.
    """
    return links(cluster_of(ctx).view)


@command(
    "CLUSTER MYID",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_myid(ctx: Client) -> bytes:
    """CLUSTER MYID

    Answers this node's id.
    """
    return cluster_of(ctx).view.myself.id


@command(
    "CLUSTER MYSHARDID",
    flags=STALE,
    group="cluster",
    since="7.2.0",
    complexity="O(1)",
    tips=_VARIES,
)
def cluster_myshardid(ctx: Client) -> bytes:
    """CLUSTER MYSHARDID

    Answers the id of this node's shard.
    """
    return cluster_of(ctx).view.myself.shard_id


@command(
    "CLUSTER NODES",
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of nodes",
    tips=_VARIES,
)
def cluster_nodes(ctx: Client) -> Verbatim:
    """CLUSTER NODES

    Answers the table of nodes.
    """
    return Verbatim(nodes_text(cluster_of(ctx).view))


@command(
    "CLUSTER REPLICAS",
    flags=ADMIN | STALE,
    group="cluster",
    since="5.0.0",
    complexity="O(N) in the number of replicas",
    tips=_VARIES,
)
def cluster_replicas(ctx: Client, node_id: bytes) -> list[bytes]:
    """CLUSTER REPLICAS node-id

    Answers the replicas of a master.
    """
    return _replicas(ctx, node_id)


@command(
    "CLUSTER SHARDS",
    flags=LOADING | STALE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) in the number of nodes",
    tips=_VARIES,
)
def cluster_shards(ctx: Client) -> list[dict[bytes, Any]]:
    """CLUSTER SHARDS

    Answers which shard has which hash slots.
    """
    cluster = cluster_of(ctx)
    return shards(cluster.view, _preferred(ctx), cluster.world.offset)


@command(
    "CLUSTER SLAVES",
    flags=ADMIN | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of replicas",
    tips=_VARIES,
    deprecated=("5.0.0", "`CLUSTER REPLICAS`"),
)
def cluster_slaves(ctx: Client, node_id: bytes) -> list[bytes]:
    """CLUSTER SLAVES node-id

    Answers the replicas of a master.
    """
    return _replicas(ctx, node_id)


@command(
    "CLUSTER SLOT-STATS",
    flags=LOADING | STALE,
    group="cluster",
    since="8.2.0",
    complexity="O(N log N) in the number of slots",
    tips=[*_VARIES, "request_policy:all_shards"],
)
def cluster_slot_stats(ctx: Client, filter: bytes, argument: bytes, *arguments: bytes) -> list[Any]:
    """CLUSTER SLOT-STATS <SLOTSRANGE start-slot end-slot | ORDERBY metric [LIMIT limit] [ASC | DESC]>

    Answers how much this node's hash slots are used.
    """
    stats = cluster_of(ctx).slot_stats
    kind = filter.upper()
    if kind == b"SLOTSRANGE" and len(arguments) == 1:
        return stats.range(argument, arguments[0])
    if kind == b"ORDERBY":
        return stats.ordered(argument, arguments)
    raise CommandError(b"unknown subcommand or wrong number of arguments for 'SLOT-STATS'. Try CLUSTER HELP.")


@command(
    "CLUSTER SLOTS",
    flags=LOADING | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of nodes",
    tips=_VARIES,
    deprecated=("7.0.0", "`CLUSTER SHARDS`"),
)
def cluster_slots(ctx: Client) -> list[Any]:
    """CLUSTER SLOTS

    Answers which node has which hash slots.
    """
    cluster = cluster_of(ctx)
    return slots_of(cluster.view, _preferred(ctx), cluster.world.offset)


@command(
    "ASKING",
    flags=FAST,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    categories="connection",
)
def asking(ctx: Client) -> Status:
    """ASKING

    Lets the next command through to a hash slot that is being imported.
    """
    cluster_of(ctx)
    ctx.gates |= detours.ASKING
    return OK


@command(
    "READONLY",
    flags=FAST | LOADING | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    categories="connection",
)
def readonly(ctx: Client) -> Status:
    """READONLY

    Lets this connection read from a cluster's replica.
    """
    cluster_of(ctx)
    ctx.reads_replica = True
    return OK


@command(
    "READWRITE",
    flags=FAST | LOADING | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    categories="connection",
)
def readwrite(ctx: Client) -> Status:
    """READWRITE

    Sends this connection's reads to the master again.
    """
    cluster_of(ctx)
    ctx.reads_replica = False
    return OK


_HELP = """
COUNTKEYSINSLOT <slot>
    How many keys a slot has here.
GETKEYSINSLOT <slot> <count>
    Names of keys that a slot has here.
INFO
    What state the cluster is in for this node.
KEYSLOT <key>
    The slot of a key.
MYID
    This node's id.
MYSHARDID
    The id of this node's shard.
NODES
    What this node knows of each, a line a node:
    <id> <ip:port@bus-port[,hostname]> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...
REPLICAS <node-id>
    The lines of NODES about a master's replicas.
SLOTS
    Ranges of slots, each with its master and that one's replicas.
SLOT-STATS
    How much this node's slots are used.
SHARDS
    The shards: their slots and their nodes.
ADDSLOTS <slot> [<slot> ...]
    Take slots for this node.
ADDSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]
    Take ranges of slots for this node.
BUMPEPOCH
    Give this node the greatest epoch.
COUNT-FAILURE-REPORTS <node-id>
    How many nodes say that this one fails.
DELSLOTS <slot> [<slot> ...]
    Know no owner of these slots.
DELSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]
    Know no owner of these ranges of slots.
FAILOVER [FORCE|TAKEOVER]
    Let this replica take its master's place.
FORGET <node-id>
    Remove a node from the table.
FLUSHSLOTS
    Give up this node's slots.
MEET <ip> <port> [<bus-port>]
    Make a node's acquaintance.
REPLICATE <node-id>
    Become a replica of a master.
RESET [HARD|SOFT]
    Forget the cluster; with HARD also who this node is.
SET-CONFIG-EPOCH <epoch>
    Give a new node its epoch.
SETSLOT <slot> (IMPORTING <node-id>|MIGRATING <node-id>|STABLE|NODE <node-id>)
    Open or close a slot, or give it to a node.
SAVECONFIG
    Write the table of nodes to disk.
LINKS
    The links between this node and others, a map a link.
"""
