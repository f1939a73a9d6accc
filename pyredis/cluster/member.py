"""A node as a member of its cluster: packets and the clock in, packets and decisions out.

    received   a packet came over a link
    tick       ten times a second
    settle     after whatever happened: decide, save, and only then let the others know

Nothing here waits, reads a clock or touches a socket; see `world`. The parts are one idea each:

    meetings           who is who, and where
    gossip             what is told of third nodes
    failure_detection  who has failed
    slot_claims        who has which slots
    elections, votes   who takes a failed master's place
    manual_failover    and of one that works
    replica_migration  replicas go where they are needed
    health             whether commands are served
"""

from pyredis.cluster.elections import Elections
from pyredis.cluster.failure_detection import FailureDetection
from pyredis.cluster.gossip import GossipBelief
from pyredis.cluster.health import Health
from pyredis.cluster.manual_failover import ManualFailover
from pyredis.cluster.meetings import Meetings
from pyredis.cluster.node import FAIL, HANDSHAKE, MEET, NO_ADDRESS, NO_FAILOVER, PFAIL, Link, Node
from pyredis.cluster.own_role import OwnRole
from pyredis.cluster.packet import InvalidPacket, Kind, Packet, decode
from pyredis.cluster.replica_migration import ReplicaMigration
from pyredis.cluster.sender import Sender
from pyredis.cluster.slot_claims import SlotClaims
from pyredis.cluster.view import View
from pyredis.cluster.votes import Votes
from pyredis.cluster.world import World

TICKS_A_SECOND = 10
TICK_MS = 1000 // TICKS_A_SECOND
_SAMPLED = 5  # of all nodes, a second: the one silent for longest is pinged


class Member:
    """`dropped`: packets that were none, or not of who the link is to. `drop_filter`: a kind, for tests."""

    def __init__(self, view: View, world: World) -> None:
        self.view = view
        self.world = world
        self.sender = Sender(view, world)
        self.health = Health(view, world)
        self.meetings = Meetings(view, world)
        self.failures = FailureDetection(view, world, self.sender)
        self.gossip = GossipBelief(view, world, self.failures)
        self.handover = ManualFailover(view, world, self.sender)
        self.role = OwnRole(view, world, self.handover)
        self.elections = Elections(view, world, self.sender, self.handover, self.role)
        self.votes = Votes(view, world, self.sender)
        self.claims = SlotClaims(view, world, self.sender, self.role)
        self.migration = ReplicaMigration(view, world, self.role)
        self.dropped = 0
        self.drop_filter = -1
        self._ticks = 0

    # What a user wants

    def take_over(self) -> None:
        """CLUSTER FAILOVER TAKEOVER: take the master's place without asking anybody."""
        self.handover.reset()
        self.world.log.info("Taking over the master (user request).")
        self.view.bump_epoch()
        self.role.take_over()
        self.sender.pong_all()
        self.world.settle_soon()

    def follow_slots(self, node: Node) -> None:
        """The last slot went to another master: become its replica, if replicas may migrate."""
        if self.world.settings.allows_replica_migration:
            self.role.follow_slots(node)

    def end_import(self, slot: int) -> None:
        """A slot is this node's now: with an epoch of its own, so that all believe it."""
        self.view.close(slot, self.view.importing)
        if self.view.myself.is_replica:
            return  # its master does that
        if self.view.bump_epoch():
            self.world.log.info("New configEpoch set to %d", self.view.myself.config_epoch)
            self.world.log.info("configEpoch updated after importing slot %d", slot)
        self.sender.pong_all()

    def start_over(self, *, hard: bool) -> None:
        """CLUSTER RESET: be a master that knows nobody."""
        if self.view.myself.is_replica:
            self.role.become_master()
            self.world.drop_data()
        self.handover.reset()
        self.view.start_over(hard=hard)
        if hard:
            self.world.log.info("configEpoch set to 0 via CLUSTER RESET HARD")
            self.world.log.info("Node hard reset, now I'm %s", self.view.myself.id.decode())

    # Links

    def connected(self, link: Link) -> None:
        """A link that this node made is there: say hello."""
        node = link.node
        if node is None:
            return
        waiting = node.ping_sent
        self.sender.ping(link, Kind.MEET if node.flags & MEET else Kind.PING)
        if waiting:  # the link is new, but the node is silent since then
            node.ping_sent = waiting
        node.flags &= ~MEET
        self.world.settle_soon()

    def lost(self, link: Link) -> None:
        """A link is gone; one that this node made is made again on the next tick."""
        node = link.node
        if node is not None:
            if node.link is link:
                node.link = None
            if node.inbound is link:
                node.inbound = None

    # Packets

    def received(self, data: bytes, link: Link) -> None:
        """A packet, or what should be one."""
        try:
            packet = decode(data)
        except InvalidPacket as why:
            self.dropped += 1
            self.world.log.debug("Dropped a packet: %s", why)
            return
        if packet.kind == self.drop_filter:
            self.world.log.warning("Dropping packet that matches debug drop filter")
            return
        self._hear(packet, link)
        self.world.settle_soon()

    def _hear(self, packet: Packet, link: Link) -> None:
        sender = self.view.find(packet.header.sender)
        if sender is self.view.myself or self._is_forged(packet, link):
            self.dropped += 1
            return
        if sender is not None and not sender.is_in_handshake:
            if link.node is None:
                self._adopt(link, sender)
            self._hear_epochs(packet, sender)
        if packet.kind <= Kind.MEET:
            self._hear_ping(packet, link, sender)
        elif sender is not None:
            self._hear_known(packet, link, sender)
        elif packet.kind is Kind.FAIL:
            names = packet.header.sender.decode(), packet.about.decode("ascii", "replace")
            self.world.log.info("Ignoring FAIL message from unknown node %s about %s", *names)

    def _is_forged(self, packet: Packet, link: Link) -> bool:
        """Whether this comes over another's link; who answers over one that this node made is seen elsewhere."""
        node = link.node
        return node is not None and link.is_inbound and node.id != packet.header.sender

    def _adopt(self, link: Link, sender: Node) -> None:
        """An accepted link is seen to be of this node; one of before is of no more use."""
        if sender.inbound is not None and sender.inbound is not link:
            sender.inbound.close()
        link.node, sender.inbound = sender, link

    def _hear_epochs(self, packet: Packet, sender: Node) -> None:
        """What every packet says."""
        view, header = self.view, packet.header
        sender.data_received = self.world.now
        sender.takes_extensions |= packet.extensions is not None
        view.current_epoch = max(view.current_epoch, header.current_epoch)
        if header.config_epoch > sender.config_epoch:
            sender.config_epoch = header.config_epoch
            view.changed(sync=True)
        sender.offset = header.offset
        self.handover.heard_from_master(packet, sender)

    def _hear_ping(self, packet: Packet, link: Link, sender: Node | None) -> None:
        kind, header = packet.kind, packet.header
        if kind is not Kind.PONG:
            self.meetings.learn_own_address(kind, link)
            if sender is None and kind is Kind.MEET:
                self.meetings.greeted(packet, link)
                self.gossip.hear(packet, None)
            self.sender.ping(link, Kind.PONG)
        if not link.is_inbound:
            if link.node is None or not self.meetings.introduced(packet, link, sender):
                return
            if link.node.id != header.sender:
                self.meetings.is_somebody_else(link.node, link)
                return
        if sender is not None:
            sender.flags = sender.flags & ~NO_FAILOVER | header.flags & NO_FAILOVER
            if kind is Kind.PING and not sender.is_in_handshake:
                self.meetings.note_address(sender, link, header)
        if link.node is not None and not link.is_inbound and kind is Kind.PONG:
            link.node.pong_received, link.node.ping_sent = self.world.now, 0
            self.failures.answered(link.node)
        if sender is not None:
            self.claims.hear(header, sender)
            self.gossip.hear(packet, sender)
            self.gossip.hear_extensions(packet.extensions, sender)

    def _hear_known(self, packet: Packet, link: Link, sender: Node) -> None:
        if packet.kind is Kind.FAIL:
            self.failures.told(packet, sender)
        elif packet.kind in (Kind.PUBLISH, Kind.PUBLISHSHARD):
            self.world.publish(packet.channel, packet.message, sharded=packet.kind is Kind.PUBLISHSHARD)
        elif packet.kind is Kind.AUTH_REQUEST:
            self.votes.asked(packet, sender)
        elif packet.kind is Kind.AUTH_ACK:
            self.elections.got_vote(packet, sender)
        elif packet.kind is Kind.MFSTART:
            self.handover.requested(link, sender)
        elif packet.kind is Kind.UPDATE:
            self.claims.hear_update(packet)

    # Time

    def tick(self) -> None:
        """Ten times a second."""
        self._ticks += 1
        for node in self.view.others():
            self._connect(node)
        if self._ticks % TICKS_A_SECOND == 0:
            self._ping_longest_silent()
        for node in self.view.others():
            if not node.flags & (NO_ADDRESS | HANDSHAKE):
                self._look_after(node)
        master = self.view.myself.master
        if master is not None and not self.world.is_following and not master.flags & NO_ADDRESS and master.ip:
            self.world.follow(master)
        self.handover.check_time()
        self.migration.consider()
        self.view.unjudged |= not self.view.is_ok
        self.settle()

    def _connect(self, node: Node) -> None:
        if node.flags & NO_ADDRESS:
            return
        if self.meetings.is_overdue(node):
            self.view.remove(node)
        elif node.link is None:
            node.link = self.world.dial(node)
            if node.link is None:
                node.ping_sent = node.ping_sent or self.world.now  # else nobody would see that it fails

    def _ping_longest_silent(self) -> None:
        nodes = list(self.view.nodes.values())
        drawn = [nodes[int(self.world.random.random() * len(nodes))] for _ in range(_SAMPLED)]
        idle = [node for node in drawn if node.link and not node.ping_sent and not node.is_in_handshake]
        node = min(idle, key=lambda one: one.pong_received, default=None)
        if node is not None and node.link is not None:
            self.sender.ping(node.link)

    def _look_after(self, node: Node) -> None:
        """Make its link anew if nothing comes over it, ping it in time, see if it fails."""
        now, timeout = self.world.now, self.world.settings.node_timeout
        link = node.link
        # What comes over its own link says nothing of this one: who was found silent may be so because of that.
        heard = node.ping_sent if node.flags & (PFAIL | FAIL) else max(node.ping_sent, node.data_received)
        if link is not None and node.ping_sent and now - heard > timeout // 2 and now - link.created > timeout:
            link.close()
        # A little before half the timeout: who is cut off shall know it within that and a second.
        interval = self.world.settings.ping_interval or max(timeout // 2 - 2 * TICK_MS, timeout // 4)
        is_due = not node.ping_sent and now - node.pong_received > interval
        if node.link is not None and (is_due or self.handover.is_heir(node)):
            self.sender.ping(node.link)
        else:
            self.failures.check(node)

    # What follows

    def settle(self) -> None:
        """Decide what follows from what was heard, then save; packets leave after that."""
        view = self.view
        if view.myself.is_replica:
            self.handover.advance()
            self.elections.advance()
        if view.unjudged:
            self.health.judge()
        if view.unsaved:
            sync, view.unsaved, view.unsynced = view.unsynced, False, False
            self.world.save(sync=sync)
