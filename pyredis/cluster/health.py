"""Is the cluster up, as this node sees it? Commands are served only while it is.

It is down where a slot is nobody's that can be reached (`cluster-require-full-coverage`), and on the side of a
partition that has not most of the masters. A master comes back with a delay: others may have taken its slots meanwhile,
and shall have time to say so.
"""

from pyredis.cluster.node import FAIL, PFAIL
from pyredis.cluster.view import ALL_SLOTS, View
from pyredis.cluster.world import World

_REJOIN_LEAST, _REJOIN_MOST = 500, 5000
_WRITABLE_DELAY = 2000


class Health:
    """Judges `view.is_ok` and `view.size`."""

    def __init__(self, view: View, world: World) -> None:
        self._view = view
        self._world = world
        self._started = 0  # the first judgement: loading does not count
        self._minority_time = 0

    def judge(self) -> None:
        """Decide anew."""
        view, now = self._view, self._world.now
        view.unjudged = False
        self._started = self._started or now
        if view.myself.is_master and not view.is_ok and now - self._started < _WRITABLE_DELAY:
            return
        is_ok = self._has_majority(now) and self._covers_all()
        if is_ok == view.is_ok or (is_ok and self._must_wait(now)):
            return
        view.is_ok = is_ok
        log = self._world.log.info if is_ok else self._world.log.warning
        log("Cluster state changed: %s", "ok" if is_ok else "fail")

    def _has_majority(self, now: int) -> bool:
        with_slots = [node for node in self._view.nodes.values() if node.is_master and node.slots]
        self._view.size = len(with_slots)
        if sum(not node.flags & (PFAIL | FAIL) for node in with_slots) >= self._view.quorum:
            return True
        self._minority_time = now
        return False

    def _covers_all(self) -> bool:
        if not self._world.settings.requires_full_coverage:
            return True
        covered = 0
        for node in self._view.nodes.values():
            if not node.has_failed:
                covered |= node.slots
        return covered == ALL_SLOTS

    def _must_wait(self, now: int) -> bool:
        delay = min(max(self._world.settings.node_timeout, _REJOIN_LEAST), _REJOIN_MOST)
        return self._view.myself.is_master and now - self._minority_time < delay
