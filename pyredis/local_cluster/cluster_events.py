"""What happened between two looks at the cluster, in words."""

from collections.abc import Iterator

from pyredis.local_cluster.cluster_status import FAILED, ClusterStatus, NodeStatus
from pyredis.local_cluster.slot_plan import Range


def events(before: ClusterStatus, after: ClusterStatus) -> Iterator[str]:
    """What to tell, in the order in which it makes sense."""
    for port, node in after.nodes.items():
        if port not in before.nodes:
            yield f"node {port} joined"
        else:
            yield from _of_condition(before.nodes[port], node)
    yield from (f"node {port} left" for port in before.nodes if port not in after.nodes)
    if not after.answers:
        return
    for port, node in after.nodes.items():
        yield from _of_role(before.nodes.get(port, NodeStatus(port)), node, before)
    if before.answers and before.is_ok != after.is_ok:
        yield "the cluster is ok" if after.is_ok else f"the cluster is down: {_why(after)}"


def at_first(status: ClusterStatus) -> Iterator[str]:
    """What to tell at the first look, which follows on that all answer."""
    yield from (f"node {port} does not answer" for port, node in status.nodes.items() if not node.answers)


def _of_condition(before: NodeStatus, after: NodeStatus) -> Iterator[str]:
    if after.answers and not before.answers:
        yield f"node {after.port} answers again"
    elif after.condition == FAILED != before.condition:
        yield f"node {after.port} failed, the others agree"
    elif before.answers and not after.answers:
        yield f"node {after.port} does not answer"


def _of_role(before: NodeStatus, after: NodeStatus, all_before: ClusterStatus) -> Iterator[str]:
    if after.master is not None and after.master != before.master:
        yield f"node {after.port} is now a replica of {after.master}"
    if after.master is not None:
        return
    if before.master is not None:
        old = all_before.nodes.get(before.master)
        if old is not None and old.slots and after.slots:
            yield f"FAILOVER: node {after.port} has taken over from {old.port}, with slots {shown(after.slots)}"
        else:
            yield f"node {after.port} is now a master"
    elif not after.is_moving and (before.is_moving or after.slot_count > before.slot_count):
        yield f"node {after.port} has {after.slot_count} slots now"


def _why(status: ClusterStatus) -> str:
    return f"{status.lacking} slots are served by nobody" if status.lacking else "some nodes do not see a majority"


def shown(slots: tuple[Range, ...]) -> str:
    """Slots as redis-cli shows them: `0-99 200`."""
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in slots)
