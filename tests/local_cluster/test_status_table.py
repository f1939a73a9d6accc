from pyredis.local_cluster.cluster_status import FAILED, UP, ClusterStatus, NodeStatus
from pyredis.local_cluster.status_table import table

NODES = (
    NodeStatus(7000, UP, 7003, (), 12),
    NodeStatus(7001, UP, None, ((8192, 16383),), 0),
    NodeStatus(7002, FAILED),
    NodeStatus(7003, UP, None, ((0, 8190), (8191, 8191)), 12),
    NodeStatus(7004, UP, 7001, (), 0),
)


def test_a_shard_s_nodes_stand_together_in_the_order_of_slots():
    assert table(ClusterStatus({node.port: node for node in NODES}, is_ok=True)) == [
        "NODE  ROLE             STATE   SLOTS                KEYS",
        "7003  master           up      0-8190 8191  (8192)  12",
        "7000  replica of 7003  up                           12",
        "7001  master           up      8192-16383   (8192)  0",
        "7004  replica of 7001  up                           0",
        "7002  master           failed",
        "",
        "Cluster state: ok, 16384 of 16384 slots are served.",
    ]


def test_many_ranges_are_cut_short():
    slots = tuple((slot, slot) for slot in range(0, 200, 2))
    line = table(ClusterStatus({1: NodeStatus(1, UP, None, slots, 0)}, is_ok=False))[1]
    assert line == "1     master  up     0 2 4 6 8 10 12 14 16 18 20 22 24 26 …  (100)  0"


def test_what_is_not_well_is_said():
    status = ClusterStatus({1: NodeStatus(1, UP, None, ((0, 99),))}, is_ok=True)
    assert table(status)[-1] == "Cluster state: fail, 100 of 16384 slots are served."
    assert table(ClusterStatus({1: NodeStatus(1)}))[-1] == "No node answers."
