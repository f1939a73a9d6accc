import pytest

from pyredis.local_cluster.cluster_events import at_first, events
from pyredis.local_cluster.cluster_status import APART, FAILED, SILENT, UP, ClusterStatus, NodeStatus

LOW, HIGH = ((0, 8191),), ((8192, 16383),)
M1, M2 = NodeStatus(1, UP, None, LOW), NodeStatus(2, UP, None, HIGH)
R3 = NodeStatus(3, UP, 1)


def status(*nodes, ok=True):
    return ClusterStatus({node.port: node for node in nodes}, ok)


WELL = status(M1, M2, R3)
SEEN = status(M1._replace(condition=SILENT), M2, R3)
DOWN = status(M1._replace(condition=FAILED), M2, R3, ok=False)
OVER = status(NodeStatus(1, FAILED), M2, NodeStatus(3, UP, None, LOW))
BACK = status(NodeStatus(1, UP, 3), M2, NodeStatus(3, UP, None, LOW))
TOLD = [
    (WELL, WELL, []),
    (WELL, SEEN, ["node 1 does not answer"]),
    (SEEN, DOWN, ["node 1 failed, the others agree", "the cluster is down: 8192 slots are served by nobody"]),
    (DOWN, OVER, ["FAILOVER: node 3 has taken over from 1, with slots 0-8191", "the cluster is ok"]),
    (OVER, BACK, ["node 1 answers again", "node 1 is now a replica of 3"]),
    (WELL, status(M1, M2, R3, ok=False), ["the cluster is down: some nodes do not see a majority"]),
    (WELL, status(M1, M2, R3._replace(condition=APART)), []),
    (WELL, status(M1, M2, R3, NodeStatus(4, UP)), ["node 4 joined"]),
    (WELL, status(M1, M2), ["node 3 left"]),
    (status(M1, M2, NodeStatus(4, UP)), status(M1, M2, NodeStatus(4, UP, 2)), ["node 4 is now a replica of 2"]),
    (status(M1, M2, NodeStatus(4, UP, 2)), status(M1, M2, NodeStatus(4, UP)), ["node 4 is now a master"]),
    (
        status(M1._replace(is_moving=True), NodeStatus(4, UP, is_moving=True)),
        status(M1._replace(slots=((1, 99),), is_moving=True), NodeStatus(4, UP, None, ((0, 0),), is_moving=True)),
        [],
    ),
    (
        status(M1._replace(is_moving=True), NodeStatus(4, UP, is_moving=True)),
        status(M1._replace(slots=((1, 99),)), NodeStatus(4, UP, None, ((0, 0),))),
        ["node 1 has 99 slots now", "node 4 has 1 slots now"],
    ),
    (status(NodeStatus(1), NodeStatus(2)), WELL, ["node 1 answers again", "node 2 answers again", "node 3 joined"]),
    (WELL, status(*(NodeStatus(port) for port in (1, 2, 3))), [f"node {port} does not answer" for port in (1, 2, 3)]),
]


@pytest.mark.parametrize(("before", "after", "told"), TOLD, ids=range(len(TOLD)))
def test_what_happened_is_told(before, after, told):
    found = list(events(before, after))
    if before.answers:
        assert found == told
    else:
        assert found[: len(told)] == told


def test_who_fell_silent_before_the_first_look_is_told():
    nodes = {7000: NodeStatus(7000, UP), 7001: NodeStatus(7001)}
    assert list(at_first(ClusterStatus(nodes))) == ["node 7001 does not answer"]
