"""What this node is: a master, or a replica of one. The server's replication follows it."""

from pyredis.cluster.manual_failover import ManualFailover
from pyredis.cluster.node import Node
from pyredis.cluster.view import View
from pyredis.cluster.world import World


class OwnRole:
    """Changes it."""

    def __init__(self, view: View, world: World, handover: ManualFailover) -> None:
        self._view = view
        self._world = world
        self._handover = handover

    def follow(self, master: Node) -> None:
        """Become a replica of `master`; this node has no slots."""
        view = self._view
        if view.myself.is_master:
            view.close_all()
        view.set_master(view.myself, master)
        self._world.follow(master)
        self._handover.reset()
        view.changed(sync=True)

    def follow_slots(self, master: Node) -> None:
        """Become a replica of who has the slots that this node, or its master, had."""
        text = "Configuration change detected. Reconfiguring myself as a replica of %s (%s)"
        self._world.log.info(text, master.id.decode(), master.human_name)
        self.follow(master)

    def become_master(self) -> None:
        """Follow nobody."""
        self._view.set_as_master(self._view.myself)
        self._world.promote()

    def take_over(self) -> None:
        """Take the master's place: this node has an epoch for it already."""
        view = self._view
        master = view.myself.master
        if view.myself.is_master or master is None:
            return
        self.become_master()
        view.give(view.myself, master.slots)
        view.changed(sync=True)
        self._handover.reset()
