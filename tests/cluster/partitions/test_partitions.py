"""Six sorts of partition of a cluster, with clients everywhere whose history is checked, ours beside real ones.

Run by hand, as root, with `ip`, `nsenter`, `unshare` and `redis-cli` (about 25 s a partition and kind):

    pytest -m proof -s tests/cluster/partitions --timeout 3600
    PYREDIS_PARTITIONS=1 pytest -m proof -s tests/cluster/partitions -k "minority and ours"     (instead of 10 of each)

Each sort's seed decides which shard is hit and for how long; every kind of cluster meets the same. What holds for all:
one master a slot an epoch, epochs that never go back, agreement within 15 s of healing, no acknowledged write lost but
on the losing side before it had to notice, and reads that are prefixes of what is there in the end.
"""

import contextlib
import itertools
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.cluster.partitions.appends import Verdict, check
from tests.cluster.partitions.clients import ANSWER_WITHIN_S, Appender
from tests.cluster.partitions.cuts import PORT
from tests.cluster.partitions.networked_cluster import NODES, SLOTS, NetworkedCluster, Spectator, list_names
from tests.oracle import wait_for
from tests.replication.partitions.history import Outcome
from tests.replication.partitions.network_namespaces import missing, network
from tests.replication.topologies import OURS, REAL

PARTITIONS = int(os.environ.get("PYREDIS_PARTITIONS", "10"))
TIMEOUT_MS = 1500
"""A node notices within 1.5 times this, and a tick of 0.1 s: it pings who was silent for half of it."""
TIMEOUT_S = TIMEOUT_MS / 1000
REFUSES_WITHIN_S = TIMEOUT_S + 1
CONVERGES_WITHIN_S = 15
REPLICATION_S = 0.5
"""How long before a cut an acknowledged write may still be on its way to the replica."""
BEFORE_S, AT_LEAST_S = 1.0, 8.0

KINDS = {
    "ours": [OURS] * NODES,
    **{f"ours and {real}": [OURS, real] * 3 for real in REAL},
    **{f"all {real}": [real] * NODES for real in REAL},
}

WHY_NOT = missing()
pytestmark = [
    pytest.mark.proof,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]


@dataclass(frozen=True)
class Plan:
    """What a seed decides: which shard is hit, and for how many seconds."""

    shard: int
    seconds: float


Shards = list[tuple[int, int]]


@dataclass(frozen=True)
class Schedule:
    """`cut(cluster, shards, plan)` lasts as long as it takes and leaves everything cut; `losing`: whose writes may go.

    `refuses`: these must stop to acknowledge. `fails_over`: whether the shard that is hit has another master then, with
    real nodes and with ours; None where it may or may not, as an election may be under way when all is healed.
    """

    cut: Callable[[NetworkedCluster, Shards, Plan], None]
    losing: Callable[[Shards, Plan], list[int]]
    refuses: bool
    fails_over: bool | None


def hit(shards, plan):
    return [shards[plan.shard][0]]


def others(shards, plan):
    return [node for shard in shards for node in shard if node not in hit(shards, plan)]


def minority_master(cluster, shards, plan):
    """One master alone."""
    cluster.cuts.between(hit(shards, plan), others(shards, plan))
    time.sleep(plan.seconds)


def majority_loss(cluster, shards, plan):
    """Three sides, each a master with another's replica: nobody has a majority."""
    cluster.cuts.between(*([shards[at][0], shards[at - 1][1]] for at in range(3)))
    time.sleep(plan.seconds)


def ring(cluster, shards, plan):
    """Everybody hears his two neighbours only, in an order that begins where the seed says."""
    circle = [node for shard in shards for node in shard]
    circle = circle[plan.shard :] + circle[: plan.shard]
    for at, source in enumerate(circle):
        for away in (2, 3, 4):
            cluster.cuts.way(source, circle[(at + away) % NODES])
    time.sleep(plan.seconds)


def one_way(cluster, shards, plan):
    """A master hears all and is heard by nobody."""
    for target in others(shards, plan):
        cluster.cuts.way(*hit(shards, plan), target)
    time.sleep(plan.seconds)


def flapping(cluster, shards, plan):
    """One master alone, and not, each second in turn."""
    until = time.monotonic() + plan.seconds
    while time.monotonic() < until:
        cluster.cuts.between(hit(shards, plan), others(shards, plan))
        time.sleep(1)
        cluster.cuts.heal()
        time.sleep(1)


def bus_only(cluster, shards, plan):
    """A master's bus is cut off; clients and its replica still talk to it."""
    cluster.cuts.bus_between(hit(shards, plan), others(shards, plan))
    time.sleep(plan.seconds)


def all_masters(shards, plan):
    return [master for master, _ in shards]


SCHEDULES = {
    "minority master": Schedule(minority_master, hit, refuses=True, fails_over=True),
    "majority loss": Schedule(majority_loss, all_masters, refuses=True, fails_over=None),
    "ring": Schedule(ring, all_masters, refuses=False, fails_over=None),
    "one way": Schedule(one_way, hit, refuses=False, fails_over=True),
    "flapping": Schedule(flapping, hit, refuses=False, fails_over=None),
    "bus only": Schedule(bus_only, hit, refuses=True, fails_over=True),
}


@dataclass(frozen=True)
class Outcomes:
    """One partition: seconds from the cut to the losing side's last acknowledgement, and from healing to agreement."""

    verdict: Verdict
    last_acknowledged_s: float
    converged_s: float
    failed_over: bool

    def line(self) -> str:
        return (
            f"{self.verdict.line()}; losing side acknowledged until {self.last_acknowledged_s:5.2f} s,"
            f" {'failed over' if self.failed_over else 'same masters'}, agreed {self.converged_s:5.2f} s after healing"
        )


def partition(cluster, schedule, plan, name):
    """Write, cut, heal, agree, and read what is left."""
    shards, keys, numbers = cluster.shards(), list_names(name), itertools.count()
    losing = schedule.losing(shards, plan)
    beside = [*hit(shards, plan), *others(shards, plan)[:3]]
    with contextlib.ExitStack() as writing:
        clients = [writing.enter_context(appender(cluster, node, keys, numbers)) for node in beside]
        time.sleep(BEFORE_S)
        cut = time.monotonic()
        schedule.cut(cluster, shards, plan)
        healed = time.monotonic()
        cluster.cuts.heal()
        converged_s = cluster.await_converged(60)
    wait_for(lambda: replicas_have_all(cluster))
    appends = [each for client in clients for each in client.appends]
    verdict = check(appends, [read for client in clients for read in client.reads], cluster.lists(keys))
    acknowledged = [
        done.ended - cut
        for done in appends
        if done.outcome is Outcome.OK and done.node in losing and cut < done.began < healed
    ]
    for done in verdict.lost:
        assert done.node in losing, done
        assert cut - REPLICATION_S < done.ended, done
        assert not schedule.refuses or done.began < cut + REFUSES_WITHIN_S, done
    return Outcomes(verdict, max(acknowledged, default=0.0), converged_s, cluster.shards() != shards)


def appender(cluster, node, keys, numbers):
    def connect(target):
        return cluster.network.connect(node, PORT, ANSWER_WITHIN_S, target=target)

    return Appender(keys, numbers, list(cluster.network.nodes), connect, cluster.node_at)


def replicas_have_all(cluster):
    """Every replica has processed what its master produced."""
    roles = {node: cluster.ask(node, "ROLE") for node in cluster.network.nodes}
    return all(roles[replica][-1] == roles[master][1] for master, replica in cluster.shards())


def run(kinds, sort, folder):
    """The partitions of one kind of cluster, one after the other."""
    schedule, chance = SCHEDULES[sort], random.Random(f"{sort} 13")
    for kind in {*kinds}:
        kind.require()
    with network(NODES) as net, NetworkedCluster(net, kinds, folder, TIMEOUT_MS).running() as cluster:
        with Spectator(cluster) as spectator:
            for turn in range(PARTITIONS):
                plan = Plan(chance.randrange(len(SLOTS)), AT_LEAST_S + chance.random() * 3)
                done = partition(cluster, schedule, plan, str(turn))
                print(f"{turn + 1:>3} shard {plan.shard} {plan.seconds:.1f} s: {done.line()}", flush=True)
                yield done
        assert not spectator.doubled()
        assert not spectator.went_back


@pytest.mark.parametrize("sort", SCHEDULES)
@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_partition(kinds, sort, tmp_path):
    schedule = SCHEDULES[sort]
    print(f"\n{sort}, {' '.join(map(str, dict.fromkeys(kinds)))}")
    for done in run(kinds, sort, tmp_path):
        assert done.verdict.acknowledged > 100, "hardly anything was written"
        assert not done.verdict.resurrected | done.verdict.repeated
        assert not done.verdict.torn
        assert done.converged_s < CONVERGES_WITHIN_S
        if schedule.refuses:
            assert done.last_acknowledged_s < REFUSES_WITHIN_S
        if schedule.fails_over is not None:
            assert done.failed_over == schedule.fails_over
