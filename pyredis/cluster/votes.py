"""A master's vote: at most one an epoch, for a replica whose master has failed and whose slots are nobody newer's.

That a node voted is on its disk before the vote leaves: else it could vote again after a restart.
"""

from pyredis.cluster.node import Node, each_slot
from pyredis.cluster.packet import FORCE_ACK, Kind, Packet
from pyredis.cluster.sender import Sender
from pyredis.cluster.view import View
from pyredis.cluster.world import World


class Votes:
    """This node as a voter."""

    def __init__(self, view: View, world: World, sender: Sender) -> None:
        self._view = view
        self._world = world
        self._sender = sender

    def asked(self, packet: Packet, candidate: Node) -> None:
        """A replica asks: vote for it, or log why not."""
        view = self._view
        if not view.myself.is_master or not view.myself.slots:
            return  # no voter
        why = self._why_not(packet, candidate)
        name = candidate.id.decode(), candidate.human_name
        if why:
            self._world.log.warning("Failover auth denied to %s (%s): %s", *name, why)
            return
        assert candidate.master is not None
        view.last_vote_epoch = view.current_epoch
        candidate.master.voted_time = self._world.now
        view.changed(sync=True)
        self._sender.bare(Kind.AUTH_ACK, candidate)
        self._world.log.info("Failover auth granted to %s (%s) for epoch %d", *name, view.current_epoch)

    def _why_not(self, packet: Packet, candidate: Node) -> str:
        view, header, master = self._view, packet.header, candidate.master
        if header.current_epoch < view.current_epoch:
            return f"reqEpoch ({header.current_epoch}) < curEpoch({view.current_epoch})"
        if view.last_vote_epoch == view.current_epoch:
            return f"already voted for epoch {view.current_epoch}"
        if candidate.is_master:
            return "it is a master node"
        if master is None:
            return "I don't know its master"
        if not master.has_failed and not header.mflags & FORCE_ACK:
            return "its master is up"
        wait = 2 * self._world.settings.node_timeout - (self._world.now - master.voted_time)
        if wait > 0:
            return f"can't vote about this master before {wait} milliseconds"
        return self._newer_owner(header.slots, header.config_epoch)

    def _newer_owner(self, slots: int, epoch: int) -> str:
        """What stands against claiming these slots at that epoch."""
        newer = 0
        for node in self._view.nodes.values():
            if node.config_epoch > epoch:
                newer |= node.slots
        for slot in each_slot(newer & slots & ~self._view.disowned):
            owner = self._view.owners[slot]
            assert owner is not None
            return f"slot {slot} epoch ({owner.config_epoch}) > reqEpoch ({epoch})"
        return ""
