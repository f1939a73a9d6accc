"""What is true of the cluster, from what its nodes say.

Who speaks knows best what it holds, but not what it is: a master that comes back believes that it still is one. So
roles and slots are as in the newest view, that with the highest epoch among those who find the cluster whole, if any.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pyredis.datatypes.key_slot import SLOTS
from pyredis.local_cluster.node_links import Nodes
from pyredis.local_cluster.node_reports import Entry, Report, report_of
from pyredis.local_cluster.resp_client import Refused
from pyredis.local_cluster.slot_plan import Range

UP, APART, SILENT, FAILED = "up", "apart", "no answer", "failed"
"""It answers; it does, but does not find the cluster whole as others do; it does not; the others agree that it failed.
"""


class NodeStatus(NamedTuple):
    """`master`: the port of whom it follows; None for a master. `keys`: None while that is not known.

    `is_moving`: slots are on their way to it, or from it.
    """

    port: int
    condition: str = SILENT
    master: int | None = None
    slots: tuple[Range, ...] = ()
    keys: int | None = None
    is_moving: bool = False

    @property
    def answers(self) -> bool:
        """Whether it does."""
        return self.condition in (UP, APART)

    @property
    def slot_count(self) -> int:
        """How many it serves."""
        return sum(last - first + 1 for first, last in self.slots)


class ClusterStatus(NamedTuple):
    """All nodes, by their ports. `is_ok`: in the eyes of who knows best."""

    nodes: dict[int, NodeStatus]
    is_ok: bool = False

    @property
    def answers(self) -> bool:
        """Whether anybody does."""
        return any(node.answers for node in self.nodes.values())

    @property
    def is_well(self) -> bool:
        """Whether all who answer find it ok, and it is."""
        return self.is_ok and not self.lacking and not any(node.condition == APART for node in self.nodes.values())

    @property
    def served(self) -> int:
        """Slots that somebody serves who answers."""
        return sum(node.slot_count for node in self.nodes.values() if node.answers)

    @property
    def lacking(self) -> int:
        """Slots that nobody serves."""
        return SLOTS - self.served


def status_of(nodes: Nodes, ports: Iterable[int], running: Iterable[int] | None = None) -> ClusterStatus:
    """Ask all nodes, or those that are known to be running."""
    reports: dict[int, Report | None] = dict.fromkeys(ports)
    for port in reports if running is None else running:
        try:
            reports[port] = report_of(nodes, port)
        except (OSError, Refused):
            continue
    return conclude(reports)


def conclude(reports: Mapping[int, Report | None]) -> ClusterStatus:
    """What follows from what each node said; None for one that said nothing."""
    said = [report for report in reports.values() if report is not None]
    if not said:
        return ClusterStatus({port: NodeStatus(port) for port in reports})
    newest = max(said, key=lambda report: (report.is_ok, report.epoch))
    known = {entry.port: entry for entry in newest.entries}
    ports = {entry.id: entry.port for entry in newest.entries}
    nodes = {}
    for port, report in reports.items():
        entry = known.get(port) or (report.myself if report is not None else None)
        if entry is None:
            nodes[port] = NodeStatus(port)
            continue
        node = NodeStatus(port, _condition(report, entry, newest), ports.get(entry.master), entry.slots)
        if report is not None:
            node = node._replace(keys=report.keys, is_moving=bool(report.myself.open_slots))
        nodes[port] = node
    return ClusterStatus(nodes, newest.is_ok)


def _condition(report: Report | None, entry: Entry, newest: Report) -> str:
    if report is None:
        return FAILED if "fail" in entry.flags else SILENT
    return APART if newest.is_ok and not report.is_ok else UP
