"""The cluster as a table, lines of text."""

from pyredis.datatypes.key_slot import SLOTS
from pyredis.local_cluster.cluster_events import shown
from pyredis.local_cluster.cluster_status import ClusterStatus, NodeStatus

_HEADINGS = ("NODE", "ROLE", "STATE", "SLOTS", "", "KEYS")
_SLOTS_WIDTH = 40


def table(status: ClusterStatus) -> list[str]:
    """Masters, each with its replicas behind it, and what it comes to."""
    rows = [_HEADINGS, *(_row(node) for node in _in_order(status))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, "", summary(status)]


def summary(status: ClusterStatus) -> str:
    """How it stands, in one line."""
    if not status.answers:
        return "No node answers."
    return f"Cluster state: {'ok' if status.is_well else 'fail'}, {status.served} of {SLOTS} slots are served."


def _in_order(status: ClusterStatus) -> list[NodeStatus]:
    masters = {port: node.slots[0][0] if node.slots else SLOTS for port, node in status.nodes.items()}

    def place(node: NodeStatus) -> tuple[int, int, bool, int]:
        shard = node.port if node.master is None else node.master
        return masters.get(shard, SLOTS), shard, node.master is not None, node.port

    return sorted(status.nodes.values(), key=place)


def _row(node: NodeStatus) -> tuple[str, ...]:
    role = "master" if node.master is None else f"replica of {node.master}"
    slots = shown(node.slots)
    if len(slots) > _SLOTS_WIDTH:
        slots = slots[: _SLOTS_WIDTH - 2].rpartition(" ")[0] + " …"
    count = f"({node.slot_count})" if node.slots else ""
    return str(node.port), role, node.condition, slots, count, "" if node.keys is None else str(node.keys)
