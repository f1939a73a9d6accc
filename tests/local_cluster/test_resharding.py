"""Moving slots is a matter of commands: no key is lost, whoever breaks it off, and whenever."""

import random

import pytest

from pyredis.local_cluster.creation import create, shards_of
from pyredis.local_cluster.patience import Patience
from pyredis.local_cluster.resharding import rebalance
from tests.local_cluster.clocks import JumpingClock
from tests.local_cluster.model import ModelCluster

PORTS = [7000, 7001, 7002]


@pytest.fixture
def cluster():
    """Three masters with keys, and one that has just come; one slot has more keys than are moved at once."""
    cluster = ModelCluster(*PORTS, 7003, 7004)
    create(cluster, shards_of(PORTS, 3), Patience(JumpingClock()))
    for port in (7003, 7004):
        cluster.ask(7000, "CLUSTER", "MEET", "127.0.0.1", port)
    cluster.ask(7004, "CLUSTER", "REPLICATE", cluster.nodes[7000].id)
    random.seed(1)
    for slot, count in {5400: 250, **dict.fromkeys(random.sample(range(16384), 200), 3)}.items():
        owner = cluster.nodes[cluster.owners[slot]]
        owner.keys[slot] = [b"%d:%d" % (slot, number) for number in range(count)]
    cluster.asked.clear()
    return cluster


def keys(cluster):
    return sorted(key for node in cluster.nodes.values() for found in node.keys.values() for key in found)


def is_right(cluster):
    """Every key is with its slot's owner, no slot is open, and all masters have as many."""
    for node in cluster.nodes.values():
        assert all(cluster.owners[slot] == node.port for slot, found in node.keys.items() if found)
        assert not node.open
    sizes = [list(cluster.owners.values()).count(port) for port in (*PORTS, 7003)]
    assert sizes == [4096] * 4


def test_a_new_master_gets_its_share_with_the_keys(cluster):
    before, told = keys(cluster), []
    rebalance(cluster, [*PORTS, 7003, 7004], lambda count, move: told.append(count))
    assert keys(cluster) == before
    is_right(cluster)
    assert sum(told) == 4096
    assert {port for port, *words in cluster.asked if "NODE" in words} == {*PORTS, 7003}


@pytest.mark.parametrize("fraction", [at / 20 for at in range(20)])
def test_what_was_broken_off_is_finished_by_the_next(cluster, fraction):
    before = keys(cluster)
    cluster.interrupt_after = int(20_000 * fraction)
    with pytest.raises(ConnectionError):
        rebalance(cluster, [*PORTS, 7003, 7004], lambda count, move: None)
    assert keys(cluster) == before
    cluster.interrupt_after = None
    rebalance(cluster, [*PORTS, 7003, 7004], lambda count, move: None)
    assert keys(cluster) == before
    is_right(cluster)
