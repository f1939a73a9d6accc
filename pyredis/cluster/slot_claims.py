"""Who has which slots: masters say so in every packet, and the greater epoch is believed.

A master that claims what a newer one has is told (UPDATE). One that finds all its slots taken becomes a replica of who
has them; of what it lost otherwise it deletes the keys. Two masters of one epoch do not stay so: the one with the
smaller id takes a new one.
"""

from pyredis.cluster.node import Node, each_slot
from pyredis.cluster.own_role import OwnRole
from pyredis.cluster.packet import Header, Packet
from pyredis.cluster.sender import Sender
from pyredis.cluster.view import View
from pyredis.cluster.world import World
from pyredis.log_levels import VERBOSE


class SlotClaims:
    """Takes in what senders say of their roles and slots."""

    def __init__(self, view: View, world: World, sender: Sender, role: OwnRole) -> None:
        self._view = view
        self._world = world
        self._sender = sender
        self._role = role

    def hear(self, header: Header, sender: Node) -> None:
        """A ping's header, of a known sender."""
        self._hear_role(header, sender)
        leader = sender.leader
        if leader is not None and leader.slots != header.slots:
            if sender.is_master:
                self._rebind(sender, header.config_epoch, header.slots)
            self._correct(sender, header)
        self._avoid_collision(header, sender)

    # Roles

    def _hear_role(self, header: Header, sender: Node) -> None:
        view = self._view
        if not header.master:
            view.set_as_master(sender)
            return
        master = view.find(header.master)
        if sender.is_master:
            self._demote(header, sender, master)
        if master is not None and master is not sender:
            view.set_master(sender, master)

    def _demote(self, header: Header, sender: Node, master: Node | None) -> None:
        """A master says it is a replica now: within its shard that was a failover, and its master has its slots."""
        view, log = self._view, self._world.log
        name = sender.id.decode(), sender.human_name, sender.shard_id.decode()
        if master is None or master.shard_id != sender.shard_id:
            lost = sender.slot_count
            view.give(None, sender.slots)
            log.info("Node %s (%s) is no longer master of shard %s; removed all %d slot(s) it used to own", *name, lost)
            if master is not None:
                log.info("Node %s (%s) is now part of shard %s", *name[:2], master.shard_id.decode())
        elif sender.config_epoch > header.config_epoch:
            epochs = header.config_epoch, sender.config_epoch
            text = "Ignore stale message from %s (%s) in shard %s; gossip config epoch: %d, current config epoch: %d"
            log.info(text, *name, *epochs)
        elif master is not sender:
            moved = 0
            if master is not view.myself:
                moved = sender.slot_count
                view.give(master, sender.slots)
                view.set_as_master(master)
                master.config_epoch = max(master.config_epoch, header.config_epoch)
            log.info(
                "A failover occurred in shard %s; node %s (%s) lost %d slot(s) to node %s (%s) with a config epoch of "
                "%d",
                *(name[2], *name[:2], moved, master.id.decode(), master.human_name, master.config_epoch),
            )
        view.set_as_replica(sender)

    # Slots

    def hear_update(self, packet: Packet) -> None:
        """UPDATE: somebody has slots since an epoch that may be news."""
        node = self._view.find(packet.about)
        if node is None or node.config_epoch >= packet.epoch:
            return
        if node is self._view.myself:
            self._world.log.info("Discarding UPDATE message about myself.")
            return
        self._view.set_as_master(node)
        node.config_epoch = packet.epoch
        self._view.changed(sync=True)
        self._rebind(node, packet.epoch, packet.slots)

    def _rebind(self, claimant: Node, epoch: int, slots: int) -> None:
        """Give it what it claims, where nobody has a better right."""
        view, leader = self._view, self._view.myself.leader
        view.disowned = view.disowned & ~(claimant.slots & slots) | claimant.slots & ~slots
        taken = slots & ~self._kept_from(claimant, epoch)
        ours = 0 if leader is None else taken & leader.slots
        lost = sum(1 << slot for slot in each_slot(taken & view.myself.slots) if self._world.count_keys(slot))
        if taken:
            view.give(claimant, taken)
            view.changed(sync=True)
        if view.myself.master is not None:
            self._close_with(view.myself.master)
        if ours and leader is not None and not leader.slots and self._may_follow(slots == ours):
            self._role.follow_slots(claimant)
        elif not self._leave_subreplica() and lost:
            self._world.drop_keys(lost)

    def _close_with(self, master: Node) -> None:
        """What its master told a replica of open slots is over when that has them, or has them no longer."""
        view = self._view
        for moves, is_over in ((view.importing, master.slots), (view.migrating, ~master.slots)):
            for slot in [slot for slot in moves if is_over >> slot & 1]:
                view.close(slot, moves)

    def _kept_from(self, claimant: Node, epoch: int) -> int:
        """What it may not have: it has it, it is newer somebody else's, or keys of it are moved here."""
        view = self._view
        newer = 0
        for node in view.nodes.values():
            if node.config_epoch >= epoch:
                newer |= node.slots
        importing = sum(1 << slot for slot in view.importing) if view.myself.is_master else 0
        return claimant.slots | newer & ~view.disowned | importing

    def _may_follow(self, is_failover: bool) -> bool:
        """Whether this node goes with its slots: always where who took them has no others."""
        return is_failover or self._world.settings.allows_replica_migration

    def _leave_subreplica(self) -> bool:
        """A replica's master may have become a replica itself: go to the master of that."""
        master = self._view.myself.master
        if master is None or master.master is None or master.master is self._view.myself:
            return False
        grandmaster = master.master
        text = "I'm a sub-replica! Reconfiguring myself as a replica of grandmaster %s (%s)"
        self._world.log.info(text, grandmaster.id.decode(), grandmaster.human_name)
        self._role.follow(grandmaster)
        return True

    def _correct(self, sender: Node, header: Header) -> None:
        """If it claims what a newer master has, tell it so."""
        view = self._view
        for owner in view.nodes.values():
            is_newer = owner is not sender and owner.config_epoch > header.config_epoch
            if is_newer and owner.slots & header.slots & ~view.disowned:
                text = "Node %s has old slots configuration, sending an UPDATE message about %s"
                self._world.log.log(VERBOSE, text, sender.id.decode(), owner.id.decode())
                self._sender.update(sender, owner)
                return

    # Epochs

    def _avoid_collision(self, header: Header, sender: Node) -> None:
        myself = self._view.myself
        if not (myself.is_master and sender.is_master) or header.config_epoch != myself.config_epoch:
            return
        if sender.config_epoch == myself.config_epoch and sender.id > myself.id:
            self._view.next_epoch()
            text = "WARNING: configEpoch collision with node %s (%s). configEpoch set to %d"
            names = sender.id.decode(), sender.human_name, myself.config_epoch
            self._world.log.log(VERBOSE, text, *names)
