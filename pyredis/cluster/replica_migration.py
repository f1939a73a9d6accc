"""Replicas go where they are needed: to a master that lost its last one, from the masters that have most.

Of all replicas that could go, the one with the smallest id does; only some seconds after a master was orphaned, since
during a failover its own replicas may be about to say that they are its.
"""

from pyredis.cluster.node import MIGRATE_TO, Node
from pyredis.cluster.own_role import OwnRole
from pyredis.cluster.view import View
from pyredis.cluster.world import World

_DELAY = 5000


class ReplicaMigration:
    """This node as one that may go."""

    def __init__(self, view: View, world: World, role: OwnRole) -> None:
        self._view = view
        self._world = world
        self._role = role

    def consider(self) -> None:
        """Go, if that is this node's part."""
        view, settings = self._view, self._world.settings
        master = view.myself.master
        if master is None or not settings.allows_replica_migration or not view.is_ok:
            return
        working = [node for node in view.nodes.values() if node.is_master and not node.has_failed]
        most = max((node.good_replicas for node in working), default=0)
        target = self._orphan(working)
        if target is None or most < 2 or master.good_replicas != most:
            return
        if sum(not (one.has_failed or one.is_timed_out) for one in master.replicas) <= settings.migration_barrier:
            return
        candidates = [one for node in working if node.good_replicas == most for one in node.replicas]
        if min(candidates, key=lambda one: one.id) is view.myself:
            self._world.log.info("Migrating to orphaned master %s", target.id.decode())
            self._role.follow(target)

    def _orphan(self, working: list[Node]) -> Node | None:
        """The first master that has been without replicas for long enough."""
        now, found = self._world.now, None
        for node in working:
            is_orphan = node.slots and node.flags & MIGRATE_TO and not node.good_replicas
            node.orphaned_since = (node.orphaned_since or now) if is_orphan else 0
            if is_orphan and found is None and now - node.orphaned_since > _DELAY:
                found = node
        return found
