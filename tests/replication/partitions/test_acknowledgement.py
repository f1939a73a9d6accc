"""Which acknowledged writes live through a partition: a history check of distinct integers added to a list.

Run by hand, as root, with `ip`, `nsenter`, `unshare`, `redis-server` and `redis-sentinel` 7.0 (some 20 minutes a kind):

    pytest -m proof -s tests/replication/partitions -k ours   (mixed, 7.0.15, 8.2.3, "ours and cut_b")
    PYREDIS_PARTITIONS=3 pytest ...                           (instead of 20 of each)

Clients beside the master write on while it is cut off together with none (cut A) or one (cut B) of its two replicas,
the Sentinels on the other side promote a replica, the cut heals, and the old master comes back as a replica: what it
alone knew is gone. What may be promised then:

- Writes acknowledged by the master alone are lost (the control: a check that sees no loss here is blind).
- `min-replicas-to-write 1` bounds the loss in time: acknowledgements stop.
- WAIT 1 loses none where the master is cut off alone; with a replica on its side it does (the second control).
- WAIT 2, all replicas, loses none, provided that its reply is compared with what was asked for.
"""

import itertools
import os
import shutil
import time
from dataclasses import dataclass

import pytest

from tests.oracle import wait_for
from tests.replication.partitions.clients import Client
from tests.replication.partitions.history import Outcome, Verdict, check
from tests.replication.partitions.network_namespaces import missing, network
from tests.replication.partitions.sentinel_group import DATA_NODES, KINDS, PORT, SentinelGroup

PARTITIONS = int(os.environ.get("PYREDIS_PARTITIONS", "20"))
CLIENTS = 4
BEFORE_S, AT_LEAST_S, AFTER_S = 0.5, 3.5, 0.5
"""Seconds of writing before a cut, of a cut, and of a cut after the failover."""
ACKS_STOP_WITHIN_S = 2.5
MIN_REPLICAS = ("min-replicas-to-write 1", "min-replicas-max-lag 1")

WHY_NOT = missing() or (None if shutil.which("redis-sentinel") else "redis-sentinel is not installed")
pytestmark = [
    pytest.mark.proof,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
    pytest.mark.parametrize("kind", [kind for kind, commands in KINDS.items() if all(map(all, commands))]),
]


@dataclass
class Partition:
    """One partition: its verdict, and seconds: from the cut to the last acknowledgement before it was healed and to
    the end of the failover, and from healing to the end of all consequences."""

    verdict: Verdict
    last_acknowledged_s: float
    failed_over_s: float
    healed_s: float

    def line(self):
        return (
            f"{self.verdict.line()}; last ack {self.last_acknowledged_s:5.2f} s after the cut,"
            f" new master {self.failed_over_s:.2f} s, all well {self.healed_s:.2f} s after healing"
        )


def cut_a(master, group):
    """{master} | {both replicas}, Sentinels beside each."""
    return [master], [node for node in group.network.nodes if node != master]


def cut_b(master, group):
    """{master, replica} | {replica, two more Sentinels}."""
    follower = next(node for node in DATA_NODES if node != master)
    return [master, follower], [node for node in group.network.nodes if node not in (master, follower)]


def is_failed_over(group, old, side):
    """Whether the data nodes of one side are a master, which its Sentinels elected, and what follows it."""
    new = group.elected(side[-1])
    replicas = [node for node in side if node in DATA_NODES and node != new]
    return (
        new != old
        and group.role(new) == "master"
        and all(group.ask(node, "ROLE")[1:4:2] == [group.network.address(new), "connected"] for node in replicas)
    )


def partition(group, cut, key, asked):
    """Write, cut, wait for the other side's failover, heal, wait for the old master to follow; read what is left."""
    old = group.await_settled()
    inner, outer = cut(old, group)
    numbers = itertools.count()
    clients = [Client(group.network.connect(old, PORT, 2), key, numbers, asked) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(BEFORE_S)
    was_cut = time.monotonic()
    group.network.cut(inner, outer)
    wait_for(lambda: is_failed_over(group, old, outer), 60)
    failed_over = time.monotonic()
    time.sleep(max(AFTER_S, was_cut + AT_LEAST_S - failed_over))
    group.network.heal()
    healed = time.monotonic()
    wait_for(lambda: group.role(old) == "slave", 60)
    for client in clients:
        client.stop()
        client.join()
    new = group.await_settled()
    settled = time.monotonic()
    lists = {node: group.ask(node, "LRANGE", key, 0, -1) for node in DATA_NODES}
    assert lists[new] == lists[old] == lists[6 - new - old], "the nodes differ"
    history = [operation for client in clients for operation in client.history]
    verdict = check(history, list(map(int, lists[new])))
    last = max(done.ended for done in history if done.outcome is Outcome.OK and done.ended < healed)
    return Partition(verdict, last - was_cut, failed_over - was_cut, settled - healed)


def partitions(kind, folder, cut, asked=None, settings=()):
    """As many partitions as wanted of one group, one after the other, each with a list of its own."""
    nodes = 3 if cut is cut_a else 5
    with network(nodes) as net:
        group = SentinelGroup(net, kind, folder, nodes, settings)
        with group.running():
            for turn in range(PARTITIONS):
                done = partition(group, cut, f"set:{turn}", asked)
                print(
                    f"{kind} {cut.__name__} WAIT {asked} {', '.join(settings)} {turn + 1:>3}: {done.line()}", flush=True
                )
                verdict = done.verdict
                assert not verdict.resurrected | verdict.repeated | verdict.invented
                assert verdict.acknowledged > 100, "hardly anything was written"
                yield done


def test_cut_a_plain_loses_writes(kind, tmp_path):
    assert all(done.verdict.lost for done in partitions(kind, tmp_path, cut_a))


def test_cut_a_min_replicas_stops_acknowledgements(kind, tmp_path):
    for done in partitions(kind, tmp_path, cut_a, settings=MIN_REPLICAS):
        assert done.last_acknowledged_s < ACKS_STOP_WITHIN_S
        assert done.verdict.refused


def test_cut_a_wait_1_loses_nothing(kind, tmp_path):
    assert not any(done.verdict.lost for done in partitions(kind, tmp_path, cut_a, asked=1))


def test_cut_b_wait_1_loses_writes(kind, tmp_path):
    assert all(done.verdict.lost for done in partitions(kind, tmp_path, cut_b, asked=1))


def test_cut_b_wait_2_loses_nothing(kind, tmp_path):
    assert not any(done.verdict.lost for done in partitions(kind, tmp_path, cut_b, asked=2))
