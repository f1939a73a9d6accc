"""DEBUG's subcommands for tests of a cluster."""

from pyredis.cluster.cluster_mode import ClusterMode
from pyredis.commands.debugging import subcommand
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer
from pyredis.errors import CommandError
from pyredis.protocol.replies import OK, Status


def _cluster(ctx: Client) -> ClusterMode:
    cluster = ctx.engine[ClusterMode]
    if not cluster.is_on:
        raise CommandError(b"Debug option only available for cluster mode enabled setup!")
    return cluster


@subcommand(b"CLUSTERLINK")
def clusterlink(ctx: Client, kill: bytes, direction: bytes, node_id: bytes) -> Status:
    """KILL TO | FROM | ALL: cut links between this node and another."""
    cluster = _cluster(ctx)
    node, which = cluster.view.find(node_id), direction.upper()
    if node is None:
        raise CommandError(b"Unknown node %b" % node_id)
    if which not in (b"TO", b"FROM", b"ALL"):
        raise CommandError(b"Unknown direction %b" % direction)
    for link, is_meant in ((node.link, which != b"FROM"), (node.inbound, which != b"TO")):
        if link is not None and is_meant:
            link.close()
    return OK


@subcommand(b"DROP-CLUSTER-PACKET-FILTER")
def drop_cluster_packet_filter(ctx: Client, kind: bytes) -> Status:
    """Drop all packets of a type; -1: of none."""
    _cluster(ctx).member.drop_filter = integer(kind)
    return OK
