"""CLUSTER's subcommands that change what a node believes: slots, nodes, roles, epochs."""

from collections.abc import Iterable, Iterator

from pyredis.cluster.cluster_mode import ClusterMode
from pyredis.cluster.node import BUS_PORT_OFFSET, each_slot
from pyredis.cluster.set_slot import SET_SLOT, set_stable
from pyredis.cluster.view import FORGOTTEN_S
from pyredis.commands.cluster import cluster_of, node_of
from pyredis.datatypes.key_slot import SLOTS
from pyredis.datatypes.numeric import parse_int
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer
from pyredis.engine.command_table.command import ADMIN, NO_ASYNC_LOADING, NOSCRIPT, STALE, command
from pyredis.engine.command_table.help import subcommand_error
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import CommandError, syntax_error, wrong_arity
from pyredis.protocol.replies import OK, Status
from pyredis.replication.replicas import Replicas

_TOLD_OF_SLOTS = (8, 0, 0)
_CHANGE = ADMIN | NO_ASYNC_LOADING | STALE


def _changed(cluster: ClusterMode) -> Status:
    """What the view says now is to be saved and judged."""
    cluster.view.changed()
    cluster.world.settle_soon()
    return OK


def _slot(word: bytes) -> int:
    number = parse_int(word)
    if number is None or not 0 <= number < SLOTS:
        raise CommandError(b"Invalid or out of range slot")
    return number


def _pairs(ctx: Client, *words: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(words) % 2:
        raise wrong_arity("|".join(word.decode().lower() for word in ctx.argv[:2]))
    return zip(words[::2], words[1::2], strict=True)


def _wanted(cluster: ClusterMode, ranges: Iterable[tuple[bytes, bytes]], *, free: bool) -> int:
    """The slots of ranges as a set, each named once; all of them nobody's, or all somebody's. Raises Redis's errors."""
    wanted = 0
    for first, last in [(_slot(first), _slot(last)) for first, last in ranges]:
        if first > last:
            raise CommandError(b"start slot number %d is greater than end slot number %d" % (first, last))
        for slot in range(first, last + 1):
            if free is (cluster.view.owners[slot] is not None):
                raise CommandError(b"Slot %d is already %b" % (slot, b"busy" if free else b"unassigned"))
            if wanted >> slot & 1:
                raise CommandError(b"Slot %d specified multiple times" % slot)
            wanted |= 1 << slot
    return wanted


def _assign(cluster: ClusterMode, slots: int) -> Status:
    view = cluster.view
    for slot in each_slot(slots):
        view.close(slot, view.importing)
    view.give(view.myself, slots)
    return _changed(cluster)


def _give_up(cluster: ClusterMode, slots: int) -> Status:
    cluster.view.give(None, slots)
    return _changed(cluster)


@command(
    "CLUSTER ADDSLOTS",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of slots",
)
def cluster_addslots(ctx: Client, slot: bytes, *slots: bytes) -> Status:
    """CLUSTER ADDSLOTS slot [slot ...]

    Takes hash slots for this node.
    """
    cluster = cluster_of(ctx)
    return _assign(cluster, _wanted(cluster, ((word, word) for word in (slot, *slots)), free=True))


@command(
    "CLUSTER ADDSLOTSRANGE",
    flags=_CHANGE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) in the number of slots",
)
def cluster_addslotsrange(ctx: Client, start: bytes, end: bytes, *ranges: bytes) -> Status:
    """CLUSTER ADDSLOTSRANGE start-slot end-slot [start-slot end-slot ...]

    Takes ranges of hash slots for this node.
    """
    cluster = cluster_of(ctx)
    return _assign(cluster, _wanted(cluster, _pairs(ctx, start, end, *ranges), free=True))


@command(
    "CLUSTER DELSLOTS",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of slots",
)
def cluster_delslots(ctx: Client, slot: bytes, *slots: bytes) -> Status:
    """CLUSTER DELSLOTS slot [slot ...]

    Gives up hash slots.
    """
    cluster = cluster_of(ctx)
    return _give_up(cluster, _wanted(cluster, ((word, word) for word in (slot, *slots)), free=False))


@command(
    "CLUSTER DELSLOTSRANGE",
    flags=_CHANGE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) in the number of slots",
)
def cluster_delslotsrange(ctx: Client, start: bytes, end: bytes, *ranges: bytes) -> Status:
    """CLUSTER DELSLOTSRANGE start-slot end-slot [start-slot end-slot ...]

    Gives up ranges of hash slots.
    """
    cluster = cluster_of(ctx)
    return _give_up(cluster, _wanted(cluster, _pairs(ctx, start, end, *ranges), free=False))


@command(
    "CLUSTER FLUSHSLOTS",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_flushslots(ctx: Client) -> Status:
    """CLUSTER FLUSHSLOTS

    Gives up all hash slots.
    """
    cluster = cluster_of(ctx)
    if len(ctx.db):
        raise CommandError(b"DB must be empty to perform CLUSTER FLUSHSLOTS.")
    cluster.view.give(None, cluster.view.myself.slots)
    return _changed(cluster)


@command(
    "CLUSTER SETSLOT",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_setslot(ctx: Client, slot: bytes, subcommand: bytes, *node_id: bytes) -> Status:
    """CLUSTER SETSLOT slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>

    Ties a hash slot to a node.
    """
    cluster = cluster_of(ctx)
    if cluster.view.myself.is_replica and not ctx.role.is_obeyed:
        raise CommandError(b"Please use SETSLOT only with masters.")
    number, action = _slot(slot), subcommand.upper()
    if action == b"STABLE" and not node_id:
        set_stable(cluster, number)
    elif action in SET_SLOT and len(node_id) == 1:
        SET_SLOT[action](cluster, number, node_id[0])
    else:
        raise CommandError(b"Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP")
    _tell_replicas(ctx)
    return _changed(cluster)


def _tell_replicas(ctx: Client) -> None:
    """Replicas of Valkey 8 and of ours are told of open slots, if there are no others."""
    replicas = ctx.engine[Replicas].attached.values()
    if replicas and all(replica.version >= _TOLD_OF_SLOTS for replica in replicas):
        ctx.engine[Propagation].send_to_replicas(ctx.db.index, ctx.argv)


@command(
    "CLUSTER MEET",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_meet(ctx: Client, ip: bytes, port: bytes, *bus_port: bytes) -> Status:
    """CLUSTER MEET ip port [cluster-bus-port]

    Makes another node's acquaintance.
    """
    cluster = cluster_of(ctx)
    if len(bus_port) > 1:
        raise subcommand_error(ctx.argv)
    base = parse_int(port)
    if base is None:
        raise CommandError(b"Invalid base port specified: %b" % port)
    bus = parse_int(bus_port[0]) if bus_port else base + BUS_PORT_OFFSET
    if bus is None:
        raise CommandError(b"Invalid bus port specified: %b" % bus_port[0])
    if not cluster.member.meetings.meet(ip.decode("latin-1"), base, bus):
        raise CommandError(b"Invalid node address specified: %b:%b" % (ip, port))
    return OK


@command(
    "CLUSTER FORGET",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_forget(ctx: Client, node_id: bytes) -> Status:
    """CLUSTER FORGET node-id

    Removes a node from the table of nodes.
    """
    cluster = cluster_of(ctx)
    view, now = cluster.view, cluster.world.now
    if node_id not in view.nodes and view.is_forgotten(node_id, now):
        return OK  # others were quicker to say so
    node = node_of(cluster, node_id)
    if node.is_myself:
        raise CommandError(b"I tried hard but I can't forget myself...")
    if view.myself.master is node:
        raise CommandError(b"Can't forget my master!")
    view.forget(node, now + FORGOTTEN_S * 1000)
    return _changed(cluster)


@command(
    "CLUSTER REPLICATE",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_replicate(ctx: Client, node_id: bytes) -> Status:
    """CLUSTER REPLICATE node-id

    Makes this node a replica of another.
    """
    cluster = cluster_of(ctx)
    myself, node = cluster.view.myself, node_of(cluster, node_id)
    if node is myself:
        raise CommandError(b"Can't replicate myself")
    if node.is_replica:
        raise CommandError(b"I can only replicate a master, not a replica.")
    if myself.is_master and (myself.slots or len(ctx.db)):
        raise CommandError(b"To set a master the node must be empty and without assigned slots.")
    cluster.member.role.follow(node)
    return _changed(cluster)


@command(
    "CLUSTER FAILOVER",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_failover(ctx: Client, *options: bytes) -> Status:
    """CLUSTER FAILOVER [FORCE | TAKEOVER]

    Lets a replica take its master's place.
    """
    cluster = cluster_of(ctx)
    how = options[0].upper() if options else b""
    if len(options) > 1:
        raise subcommand_error(ctx.argv)
    if how not in (b"", b"FORCE", b"TAKEOVER"):
        raise syntax_error()
    master = cluster.view.myself.master
    if cluster.view.myself.is_master:
        raise CommandError(b"You should send CLUSTER FAILOVER to a replica")
    if master is None:
        raise CommandError(b"I'm a replica but my master is unknown to me")
    if not how and (master.has_failed or master.link is None):
        raise CommandError(b"Master is down or failed, please use CLUSTER FAILOVER FORCE")
    if how == b"TAKEOVER":
        cluster.member.take_over()
    else:
        cluster.member.handover.request(force=how == b"FORCE")
    return OK


@command(
    "CLUSTER RESET",
    flags=ADMIN | NOSCRIPT | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) in the number of nodes known, and that of a FLUSHALL",
)
def cluster_reset(ctx: Client, *kind: bytes) -> Status:
    """CLUSTER RESET [HARD | SOFT]

    Makes this node forget the cluster.
    """
    cluster = cluster_of(ctx)
    if len(kind) > 1:
        raise subcommand_error(ctx.argv)
    how = kind[0].upper() if kind else b"SOFT"
    if how not in (b"HARD", b"SOFT"):
        raise syntax_error()
    if cluster.view.myself.is_master and len(ctx.db):
        raise CommandError(b"CLUSTER RESET can't be called with master nodes containing keys")
    cluster.member.start_over(hard=how == b"HARD")
    return _changed(cluster)


@command(
    "CLUSTER BUMPEPOCH",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
    tips=["nondeterministic_output"],
)
def cluster_bumpepoch(ctx: Client) -> Status:
    """CLUSTER BUMPEPOCH

    Advances the configuration epoch.
    """
    cluster = cluster_of(ctx)
    word = b"BUMPED" if cluster.view.bump_epoch() else b"STILL"
    cluster.world.settle_soon()
    return Status(b"%b %d" % (word, cluster.view.myself.config_epoch))


@command(
    "CLUSTER SET-CONFIG-EPOCH",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_set_config_epoch(ctx: Client, epoch: bytes) -> Status:
    """CLUSTER SET-CONFIG-EPOCH config-epoch

    Gives a new node its configuration epoch.
    """
    cluster = cluster_of(ctx)
    view, number = cluster.view, integer(epoch)
    if number < 0:
        raise CommandError(b"Invalid config epoch specified: %d" % number)
    if len(view.nodes) > 1:
        text = b"The user can assign a config epoch only when the node does not know any other node."
        raise CommandError(text)
    if view.myself.config_epoch:
        raise CommandError(b"Node config epoch is already non-zero")
    view.myself.config_epoch = number
    view.current_epoch = max(view.current_epoch, number)
    ctx.engine.log.info("configEpoch set to %d via CLUSTER SET-CONFIG-EPOCH", number)
    return _changed(cluster)


@command(
    "CLUSTER SAVECONFIG",
    flags=_CHANGE,
    group="cluster",
    since="3.0.0",
    complexity="O(1)",
)
def cluster_saveconfig(ctx: Client) -> Status:
    """CLUSTER SAVECONFIG

    Writes the cluster's configuration to disk.
    """
    try:
        cluster_of(ctx).write(sync=True)
    except OSError as error:
        raise CommandError(b"error saving the cluster node config: %b" % (error.strerror or "").encode()) from None
    return OK
