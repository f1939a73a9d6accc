from pyredis.local_cluster.cluster_status import APART, FAILED, SILENT, UP, NodeStatus, conclude, status_of
from pyredis.local_cluster.creation import create, shards_of
from pyredis.local_cluster.patience import Patience
from tests.local_cluster.clocks import JumpingClock
from tests.local_cluster.model import ModelCluster
from tests.local_cluster.reports import report

LINES = ("1 0-8191", "2 8192-16383", "3 of 1")


def test_all_is_well():
    status = conclude({port: report(str(port), *LINES, keys=port) for port in (1, 2, 3)})
    assert status.nodes == {
        1: NodeStatus(1, UP, None, ((0, 8191),), 1),
        2: NodeStatus(2, UP, None, ((8192, 16383),), 2),
        3: NodeStatus(3, UP, 1, (), 3),
    }
    assert status.is_well
    assert status.served == 16384


def test_roles_are_those_of_the_newest_view_that_finds_the_cluster_ok():
    """A master that comes back believes that it still is one."""
    new = report("2", "1 of 3", "2 8192-16383", "3 0-8191", epoch=7)
    old = report("1", *LINES, epoch=6)
    lonely = report("3", "1 0-8191", "2 8192-16383 !fail", "3 of 1", epoch=9, ok=False)
    status = conclude({1: old, 2: new, 3: lonely})
    assert [(node.condition, node.master, node.slot_count) for node in status.nodes.values()] == [
        (UP, 3, 0),
        (UP, None, 8192),
        (APART, None, 8192),
    ]
    assert status.is_ok
    assert not status.is_well


def test_who_does_not_answer_is_as_the_others_see_it():
    seen = report("2", "1 0-8191 !fail", "2 8192-16383", "3 of 1 !fail?")
    status = conclude({1: None, 2: seen, 3: None, 4: None})
    assert {port: node.condition for port, node in status.nodes.items()} == {1: FAILED, 2: UP, 3: SILENT, 4: SILENT}
    assert status.lacking == 8192
    assert not status.is_well


def test_nobody_answers():
    status = conclude({1: None, 2: None})
    assert not status.answers
    assert not status.is_ok
    assert status.nodes[1] == NodeStatus(1, SILENT)


def test_who_has_slots_on_the_way_is_moving():
    lines = ("1 0-8191 [5->-" + "2".zfill(40) + "]", "2 8192-16383")
    status = conclude({1: report("1", *lines), 2: report("2", "1 0-8191", "2 8192-16383")})
    assert [node.is_moving for node in status.nodes.values()] == [True, False]


def test_nodes_are_asked():
    cluster = ModelCluster(1, 2, 3, 4)
    create(cluster, shards_of([1, 2, 3, 4], 2), Patience(JumpingClock()))
    status = status_of(cluster, [1, 2, 3, 4])
    assert status.is_well
    assert [node.master for node in status.nodes.values()] == [None, None, 1, 2]
    assert not status_of(cluster, [1, 2, 3, 4], running=[1]).is_well
    cluster.interrupt_after = 0
    assert not status_of(cluster, [1, 2, 3, 4]).answers
