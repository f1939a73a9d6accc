"""What others tell of third nodes: whether they can be reached, where they are, and that they exist at all."""

from pyredis.cluster.failure_detection import FailureDetection
from pyredis.cluster.node import FAIL, MASTER, MIGRATE_TO, NO_ADDRESS, NO_FAILOVER, PFAIL, REPLICA, Node, is_id
from pyredis.cluster.packet import Extensions, Gossip, Packet
from pyredis.cluster.view import View
from pyredis.cluster.world import World

_CLOCKS_DIFFER = 500
_BELIEVED = MASTER | REPLICA | PFAIL | FAIL | MIGRATE_TO | NO_FAILOVER


class GossipBelief:
    """Takes in the gossip and the extensions of a ping."""

    def __init__(self, view: View, world: World, failures: FailureDetection) -> None:
        self._view = view
        self._world = world
        self._failures = failures

    def hear(self, packet: Packet, sender: Node | None) -> None:
        """The gossip of a ping; of one by an unknown sender, who then wants to be met."""
        bad = sum(not is_id(entry.id) for entry in packet.gossip)
        if bad:
            who = f"Node {sender.id.decode()} ({sender.human_name})" if sender is not None else "Unknown node"
            self._world.log.warning("%s gossiped %d nodes with invalid IDs.", who, bad)
            return
        for entry in packet.gossip:
            node = self._view.find(entry.id)
            if node is None:
                self._get_to_know(entry, sender)
            elif not node.is_myself:
                self._hear_of(node, entry, sender)

    def _hear_of(self, node: Node, entry: Gossip, sender: Node | None) -> None:
        fails = bool(entry.flags & (PFAIL | FAIL))
        if sender is not None and sender.is_master:
            self._failures.reported(node, sender, failing=fails)
        if fails:
            return
        if not node.ping_sent and not self._failures.count_reports(node):
            received = entry.pong_received * 1000
            if node.pong_received < received <= self._world.now + _CLOCKS_DIFFER:
                node.pong_received = received
        if node.flags & (PFAIL | FAIL) and not entry.flags & NO_ADDRESS and _where(node) != _where(entry):
            self._move(node, entry)

    def _move(self, node: Node, entry: Gossip) -> None:
        """Who can reach it sees it elsewhere."""
        if not entry.ip or not entry.bus_port:
            return
        if node.link is not None:
            node.link.close()
        _settle_at(node, entry)
        node.flags &= ~NO_ADDRESS

    def _get_to_know(self, entry: Gossip, sender: Node | None) -> None:
        """Somebody known knows somebody else."""
        if sender is None or entry.flags & NO_ADDRESS or not entry.ip or not entry.bus_port:
            return
        if not self._view.is_forgotten(entry.id, self._world.now):
            node = self._view.new_node(entry.flags & _BELIEVED, self._world.now, entry.id)
            _settle_at(node, entry)
            self._view.add(node)

    # Extensions

    def hear_extensions(self, said: Extensions | None, sender: Node) -> None:
        """What a known sender says of himself; what he does not say, he takes back."""
        said = said or Extensions()
        if (said.hostname, said.human_name) != (sender.hostname, sender.human_name):
            sender.hostname, sender.human_name = said.hostname, said.human_name
            self._view.changed()
        for id, seconds in said.forgotten:
            self._forget(id, seconds)
        leader = sender.leader
        shard_id = said.shard_id or (leader.shard_id if leader is not None else b"")
        if shard_id:
            self._view.set_shard(sender, shard_id)

    def _forget(self, id: bytes, seconds: int) -> None:
        node = self._view.find(id)
        if node is not None and not node.is_myself and node is not self._view.myself.master:
            self._view.forget(node, self._world.now + 1000 * seconds)


def _where(one: Node | Gossip) -> tuple[str, int, int, int]:
    return one.ip, one.port, one.tls_port, one.bus_port


def _settle_at(node: Node, entry: Gossip) -> None:
    node.ip, node.port, node.tls_port, node.bus_port = _where(entry)
