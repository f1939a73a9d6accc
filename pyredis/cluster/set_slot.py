"""CLUSTER SETSLOT: a slot goes from one master to another, a step a subcommand. Raises Redis's errors.

The target imports, the source migrates, keys are moved, then the slot is given to the target: there first, with an
epoch of its own, which makes all believe it. Replicas that understand it are told each step, as Valkey does, so that
one that takes over goes on where its master was.
"""

from collections.abc import Callable

from pyredis.cluster.cluster_mode import ClusterMode
from pyredis.cluster.node import Node
from pyredis.errors import CommandError


def _master(cluster: ClusterMode, id: bytes, unknown: bytes) -> Node:
    node = cluster.view.find(id)
    if node is None:
        raise CommandError(unknown % id)
    if node.is_replica:
        raise CommandError(b"Target node is not a master")
    return node


def set_migrating(cluster: ClusterMode, slot: int, id: bytes) -> None:
    """Keys of this node's slot are moved to another."""
    view = cluster.view
    if view.owners[slot] is not view.myself.leader:
        raise CommandError(b"I'm not the owner of hash slot %d" % slot)
    view.open(slot, view.migrating, _master(cluster, id, b"I don't know about node %b"))


def set_importing(cluster: ClusterMode, slot: int, id: bytes) -> None:
    """Keys of another node's slot are moved here."""
    view = cluster.view
    if view.owners[slot] is view.myself.leader:
        raise CommandError(b"I'm already the owner of hash slot %d" % slot)
    view.open(slot, view.importing, _master(cluster, id, b"I don't know about node %b"))


def set_stable(cluster: ClusterMode, slot: int) -> None:
    """No keys of it are moved."""
    view = cluster.view
    view.close(slot, view.importing)
    view.close(slot, view.migrating)


def set_node(cluster: ClusterMode, slot: int, id: bytes) -> None:
    """The slot is a node's from now on."""
    view = cluster.view
    node, owner = _master(cluster, id, b"Unknown node %b"), view.owners[slot]
    count = cluster.world.count_keys(slot)
    if owner is view.myself and node is not owner and count:
        text = b"Can't assign hashslot %d to a different node while I still hold keys for this hash slot."
        raise CommandError(text % slot)
    if not count:
        view.close(slot, view.migrating)
    view.give(node, 1 << slot)
    if owner is view.myself and node is not owner and not view.myself.slots:
        cluster.member.follow_slots(node)
    if node is view.myself.leader and slot in view.importing:
        cluster.member.end_import(slot)


SET_SLOT: dict[bytes, Callable[[ClusterMode, int, bytes], None]] = {
    b"MIGRATING": set_migrating,
    b"IMPORTING": set_importing,
    b"NODE": set_node,
}
"""By the subcommand's word; STABLE names no node."""
