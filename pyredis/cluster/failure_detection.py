"""Who has failed. A node that does not answer in time may have (PFAIL); when most masters say so, it has (FAIL).

Masters tell what they cannot reach by gossip, and what they said counts for twice the node timeout. Who finds that most
agree tells everybody, and all believe it.
"""

from pyredis.cluster.node import FAIL, PFAIL, Node
from pyredis.cluster.packet import Packet
from pyredis.cluster.sender import Sender
from pyredis.cluster.view import View
from pyredis.cluster.world import World
from pyredis.log_levels import VERBOSE

_TIMEOUTS = 2
"""After so many node timeouts a report is old, and a failed master that nobody took the place of may come back."""


class FailureDetection:
    """PFAIL, FAIL and back."""

    def __init__(self, view: View, world: World, sender: Sender) -> None:
        self._view = view
        self._world = world
        self._sender = sender

    @property
    def _while_valid(self) -> int:
        return _TIMEOUTS * self._world.settings.node_timeout

    # What this node sees

    def check(self, node: Node) -> None:
        """Does it answer? Anything that came from it counts."""
        if not node.ping_sent:
            return
        now = self._world.now
        silence = min(now - node.ping_sent, now - node.data_received)
        if silence > self._world.settings.node_timeout and not node.flags & (PFAIL | FAIL):
            node.flags |= PFAIL
            self._view.unjudged = True
            if self._view.myself.is_master and self._view.size == 1:
                self._judge(node)
            else:
                self._world.log.debug("*** NODE %s possibly failing", node.id.decode())

    def answered(self, node: Node) -> None:
        """It sent a PONG."""
        if node.is_timed_out:
            node.flags &= ~PFAIL
            self._view.changed()
        elif node.has_failed:
            self._clear_if_over(node)

    def _clear_if_over(self, node: Node) -> None:
        """A failed node is back: it is at once, unless it has slots; those somebody else may be about to take."""
        if node.is_replica or not node.slots:
            why = "%s is reachable again." % ("replica" if node.is_replica else "master without slots")
        elif self._world.now - node.fail_time > self._while_valid:
            why = "is reachable again and nobody is serving its slots after some time."
        else:
            return
        self._world.log.info("Clear FAIL state for node %s (%s): %s", node.id.decode(), node.human_name, why)
        node.flags &= ~FAIL
        self._view.changed()

    # What others see

    def reported(self, node: Node, reporter: Node, *, failing: bool) -> None:
        """A master says whether it can reach a node."""
        text = ""
        if failing:
            if reporter not in node.reports:
                text = "Node %s (%s) reported node %s (%s) as not reachable."
            node.reports[reporter] = self._world.now
            self._judge(node)
        elif node.reports.pop(reporter, None) is not None:
            text = "Node %s (%s) reported node %s (%s) is back online."
        if text:
            names = reporter.id.decode(), reporter.human_name, node.id.decode(), node.human_name
            self._world.log.log(VERBOSE, text, *names)

    def count_reports(self, node: Node) -> int:
        """How many masters say now that they cannot reach it."""
        oldest = self._world.now - self._while_valid
        for reporter in [reporter for reporter, since in node.reports.items() if since < oldest]:
            del node.reports[reporter]
        return len(node.reports)

    def _judge(self, node: Node) -> None:
        """If this node cannot reach it, and most masters cannot, it has failed."""
        if not node.is_timed_out or node.has_failed:
            return
        if self.count_reports(node) + self._view.myself.is_master < self._view.quorum:
            return
        text = "Marking node %s (%s) as failing (quorum reached)."
        self._world.log.info(text, node.id.decode(), node.human_name)
        self._mark(node)
        self._sender.fail(node)

    def told(self, packet: Packet, sender: Node) -> None:
        """FAIL: most masters cannot reach a node."""
        node = self._view.find(packet.about)
        if node is None or node.has_failed or node.is_myself:
            return
        names = sender.id.decode(), sender.human_name, node.id.decode(), node.human_name
        self._world.log.info("FAIL message received from %s (%s) about %s (%s)", *names)
        self._mark(node)

    def _mark(self, node: Node) -> None:
        node.flags = node.flags & ~PFAIL | FAIL
        node.fail_time = self._world.now
        self._view.changed()
