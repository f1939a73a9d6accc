"""Creation is a matter of commands: what is asked of which node, in an order that real nodes accept."""

import pytest

from pyredis.local_cluster.creation import create, shards_of
from pyredis.local_cluster.patience import Patience
from pyredis.local_cluster.trouble import Trouble
from tests.local_cluster.clocks import JumpingClock
from tests.local_cluster.model import ModelCluster


def test_replicas_are_dealt_out_in_turn():
    assert shards_of([1, 2, 3, 4, 5, 6, 7], 3) == [[1, 4, 7], [2, 5], [3, 6]]
    assert shards_of([1], 1) == [[1]]


@pytest.mark.parametrize(("count", "shards"), [(6, 3), (3, 3), (1, 1), (10, 3), (7, 5)])
def test_all_slots_are_served_and_every_replica_has_its_master(count, shards):
    ports = list(range(7000, 7000 + count))
    cluster = ModelCluster(*ports)
    create(cluster, shards_of(ports, shards), Patience(JumpingClock()))
    assert sorted(cluster.owners) == list(range(16384))
    assert set(cluster.owners.values()) == set(ports[:shards])
    masters = {port: node.master and cluster.by_id(node.master).port for port, node in cluster.nodes.items()}
    assert masters == {port: None if at < shards else ports[at % shards] for at, port in enumerate(ports)}
    assert len({node.epoch for node in cluster.nodes.values()}) == count


def test_who_does_not_meet_the_others_is_named():
    class Strangers(ModelCluster):
        def cluster_meet(self, node, host, port):
            if port != 7002:
                super().cluster_meet(node, host, port)

    ports = [7000, 7001, 7002]
    with pytest.raises(Trouble, match="Node 7000 did not get to know the others"):
        create(Strangers(*ports), shards_of(ports, 3), Patience(JumpingClock(), seconds=2))
