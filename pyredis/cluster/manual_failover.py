"""CLUSTER FAILOVER: a replica takes over from a master that works, and nothing is lost.

The replica asks (MFSTART); the master holds writes back and says how far its stream is, in pings that say so; when the
replica has all of it, it has itself elected. With FORCE nobody is asked for an offset, with TAKEOVER nobody for a vote.
What did not happen in five seconds does not happen.
"""

from pyredis.cluster.node import Link, Node
from pyredis.cluster.packet import PAUSED, Kind, Packet
from pyredis.cluster.sender import Sender
from pyredis.cluster.view import View
from pyredis.cluster.world import World

_TIMEOUT = 5000
_PAUSED_FOR = 2 * _TIMEOUT


class ManualFailover:
    """`until`: when it is given up, ms since 1970; 0: there is none. `may_start`: the election may be asked for."""

    def __init__(self, view: View, world: World, sender: Sender) -> None:
        self._view = view
        self._world = world
        self._sender = sender
        self.until = 0
        self.may_start = False
        self._heir: Node | None = None  # of this node, a master: the replica that asked
        self._awaited: int | None = None  # by this node, a replica: the master's last offset

    def reset(self) -> None:
        """There is none."""
        if self._heir is not None:
            self._world.resume_writes()
        self.until = 0
        self.may_start = self._sender.is_pausing = False
        self._heir = self._awaited = None

    # On the replica

    def request(self, *, force: bool) -> None:
        """Begin."""
        self.reset()
        self.until = self._world.now + _TIMEOUT
        master = self._view.myself.master
        if force:
            self._world.log.info("Forced failover user request accepted.")
            self.may_start = True
        elif master is not None:
            self._world.log.info("Manual failover user request accepted.")
            self._sender.bare(Kind.MFSTART, master)
        self._world.settle_soon()

    def heard_from_master(self, packet: Packet, sender: Node) -> None:
        """The master says how far its stream is; if it holds writes back, that is all there is."""
        is_final = packet.header.mflags & PAUSED and self._view.myself.master is sender
        if self.until and self._awaited is None and is_final:
            self._awaited = packet.header.offset
            text = "Received replication offset for paused master manual failover: %d"
            self._world.log.info(text, self._awaited)

    def advance(self) -> None:
        """Has this replica all of it?"""
        if self.until and not self.may_start and self._awaited is not None and self._awaited == self._world.offset:
            self.may_start = True
            self._world.log.info("All master replication stream processed, manual failover can start.")

    # On the master

    def requested(self, link: Link, sender: Node) -> None:
        """MFSTART of one of this node's replicas."""
        if sender.master is not self._view.myself:
            return
        self.reset()
        self.until = self._world.now + _TIMEOUT
        self._heir = sender
        self._sender.is_pausing = True
        self._world.pause_writes(self._world.now + _PAUSED_FOR)
        self._world.log.info("Manual failover requested by replica %s (%s).", sender.id.decode(), sender.human_name)
        self._sender.ping(link)

    def is_heir(self, node: Node) -> bool:
        """Whether this node is about to hand over to it: it is told the offset again and again."""
        return bool(self.until) and self._heir is node and self._view.myself.is_master

    def check_time(self) -> None:
        """Give up in time."""
        if self.until and self.until < self._world.now:
            self._world.log.warning("Manual failover timed out.")
            self.reset()
