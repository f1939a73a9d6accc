"""Clusters of six nodes, of ours and of real ones in every mixture: created, failed over, resharded, mended, restarted.

By default little of it. The whole matrix, with 20 failovers of each sort:

    pytest -m proof -s tests/cluster/test_matrix.py --timeout 1800
    PYREDIS_FAILOVERS=3 pytest -m proof ...                           (instead of 20)

The proof holds clusters of real nodes as well: they are the control, which shows that the tests themselves are right,
and what the times of failover are compared with. A real 7.0.15 cannot follow an 8.2.3 or a Valkey, so there is no
mixture of those.
"""

import contextlib
import itertools
import os
import statistics
import time
from functools import partial

import hiredis
import pytest

from tests.cluster.clusters import SLOTS, Cluster, keys_by_slot
from tests.cluster.failovers import WAYS, Votes, failovers, summary
from tests.cluster.following import REDIRECTIONS, Follower, Writer
from tests.replication.topologies import OURS, REAL, Topology, value

FAILOVERS = int(os.environ.get("PYREDIS_FAILOVERS", "20"))
OK_WITHIN_S = 10
RATIO = 1.3

MIXTURES = {
    "ours": [OURS] * 6,
    **{f"ours and {real}": [OURS, real] * 3 for real in REAL},
    **{f"masters ours, replicas {real}": [OURS] * 3 + [real] * 3 for real in REAL},
    **{f"masters {real}, replicas ours": [real] * 3 + [OURS] * 3 for real in REAL},
}
CONTROLS = {f"all {real}": [real] * 6 for real in REAL}
QUICK = ("ours",)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def mixtures(quick=QUICK, others=None):
    """Kinds of six nodes by their mixture's name: the quick ones, and all others as proof."""
    return pytest.mark.parametrize(
        "kinds",
        [
            pytest.param(kinds, id=name, marks=() if name in quick else pytest.mark.proof)
            for name, kinds in (MIXTURES | CONTROLS if others is None else others).items()
        ],
    )


@pytest.fixture
def topology(request):
    with Topology(request) as running:
        yield running


@mixtures()
def test_created_by_redis_cli(topology, kinds):
    cluster = Cluster(topology, kinds)
    taken = cluster.create()
    print(f"\nok {taken:.2f} s after redis-cli began")
    assert taken < OK_WITHIN_S
    masters = cluster.masters()
    assert [master.kind for master in masters] == kinds[:3]
    assert sum(len(master.view().myself().slots) for master in masters) == SLOTS
    assert all(len(cluster.replicas_of(master)) == 1 for master in masters)
    assert "[OK] All 16384 slots covered." in cluster.cli("check", cluster.address)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [1, pytest.param(FAILOVERS, marks=pytest.mark.proof)], ids="{} failovers".format)
@mixtures()
def test_failovers(topology, kinds, way, count):
    """Each time the shard's other node takes over, and the former master comes back as its replica."""
    cluster = Cluster(topology, kinds)
    cluster.create()
    done = list(failovers(cluster, way, count))
    print(f"\n{way}: {summary(done)}")
    votes = sum((each.votes for each in done), Votes())
    if count >= 6 and {*kinds} > {OURS}:
        real = next(kind for kind in kinds if kind is not OURS)
        assert votes[real, OURS] > 0
        assert votes[OURS, real] > 0


@pytest.mark.proof
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("real", REAL, ids=str)
def test_time_of_failover(topology, real, way):
    """From a master's end to state ok everywhere, beside a cluster of real nodes, in turn."""
    ours, theirs = Cluster(topology, [OURS] * 6), Cluster(topology, [real] * 6)
    ours.create()
    theirs.create()
    turns = zip(failovers(ours, way, FAILOVERS), failovers(theirs, way, FAILOVERS), strict=True)
    done = list(zip(*turns, strict=True))
    print(f"\n{way}\nours {summary(done[0])}\n{real} {summary(done[1])}")
    medians = [statistics.median(each.seconds for each in one) for one in done]
    assert medians[0] < RATIO * medians[1]


@pytest.mark.parametrize("slots", [100, pytest.param(1000, marks=pytest.mark.proof)], ids="{} slots".format)
@mixtures()
def test_reshard_under_writes(topology, kinds, slots):
    """There and back under 1,000 writes a second: none is lost, none is refused, clients are only sent elsewhere."""
    cluster = Cluster(topology, kinds)
    cluster.create()
    with Writer(cluster.ports) as writer:
        for source, target in itertools.permutations(cluster.masters()[:2]):
            before = len(target.view().myself().slots)
            cluster.reshard(source, target, slots)
            assert len(target.view().myself().slots) == before + slots
    print(f"\n{writer.count} writes met {dict(writer.met)}")
    assert writer.count > slots
    assert {*writer.met} <= REDIRECTIONS
    assert not writer.refused
    assert not writer.lost()
    cluster.await_well()


def begin(source, target, slot):
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)


def move(source, target, key):
    source.ask("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)


def only_migrating(source, target, slot, keys):
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)


def only_importing(source, target, slot, keys):
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)


def some_keys_moved(source, target, slot, keys):
    begin(source, target, slot)
    for key in keys[::2]:
        move(source, target, key)


def all_keys_moved(source, target, slot, keys):
    begin(source, target, slot)
    for key in keys:
        move(source, target, key)


def ended_at_source(source, target, slot, keys):
    all_keys_moved(source, target, slot, keys)
    source.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)


def ended_at_target(source, target, slot, keys):
    all_keys_moved(source, target, slot, keys)
    target.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)


STAGES = [only_migrating, only_importing, some_keys_moved, all_keys_moved, ended_at_source, ended_at_target]


@mixtures(quick=())
def test_half_done_migration_is_fixed(topology, kinds):
    """At whichever stage it stopped, `redis-cli --cluster fix` ends it or takes it back, and all keys are there.

    Clusters of 7.0.15 alone fail this now and then, at the last stages: Redis leaves its own test of it out.
    """
    cluster = Cluster(topology, kinds)
    cluster.create()
    slot = 609
    keys = [f"{{{keys_by_slot()[slot]}}}:{number}" for number in range(20)]
    with contextlib.closing(Follower(cluster.ports)) as follower:
        for stage in STAGES:
            source = cluster.owner(slot)
            target = next(master for master in cluster.masters() if master is not source)
            for key in keys:
                assert follower.call("SET", key, stage.__name__) in ("OK", b"OK")
            stage(source, target, slot, keys)
            cluster.await_rest()  # with real nodes, too, redis-cli mends wrongly what is still being told
            cluster.fix()
            found = {follower.call("GET", key, until=time.monotonic() + 10) for key in keys}
            assert found == {stage.__name__.encode()}, f"{stage}: {found}\n{cluster.told()}"
            lines = [node.view().myself() for node in cluster.nodes]
            assert not any(line.migrating or line.importing for line in lines), stage


WAYS_BACK = {
    "same ports": (Cluster.restart_all, Cluster.await_well),
    "other ports in nodes.conf": (partial(Cluster.restart_all_elsewhere, told=True), Cluster.await_well),
    "other ports by MEET": (partial(Cluster.restart_all_elsewhere, told=False), Cluster.await_agreement),
}
"""How all come back, and what is waited for.

An 8.2.3 that hears of its master's new address by gossip may go on calling the old one, so that is not required; and
until all were introduced, a replica may have taken its lost master's place.
"""


@pytest.mark.parametrize(
    "back", ["same ports", *(pytest.param(way, marks=pytest.mark.proof) for way in [*WAYS_BACK][1:])]
)
@mixtures()
def test_restart_of_all_at_once(topology, kinds, back):
    """With their logs they come back as who they were, with their data."""
    cluster = Cluster(topology, kinds, "--appendonly", "yes", "--appendfsync", "no")
    cluster.create()
    layout = cluster.nodes[0].view().layout()
    data = {f"key:{number}": str(number) for number in range(1000)}
    with contextlib.closing(Follower(cluster.ports)) as follower:
        for key, held in data.items():
            assert not isinstance(follower.call("SET", key, held), hiredis.HiredisError)
    restart, wait = WAYS_BACK[back]
    restart(cluster)
    wait(cluster)
    if back != "other ports by MEET":
        assert cluster.nodes[0].view().layout() == layout
    assert read(cluster, data) == data


@mixtures(quick=())
def test_redis_cli(topology, kinds, tmp_path):
    """Each of its cluster commands once, in the order of a cluster's life."""
    cluster = Cluster(topology, kinds)
    cluster.create()
    address = cluster.address
    assert "3 masters" in cluster.cli("info", address)

    standalone = topology.server(kinds[0])
    alone = {f"imported:{number}": str(number) for number in range(200)}
    value(standalone.port, "MSET", *itertools.chain(*alone.items()))
    cluster.cli("import", address, "--cluster-from", f"127.0.0.1:{standalone.port}", "--cluster-copy")
    assert value(standalone.port, "DBSIZE") == len(alone)
    assert read(cluster, alone) == alone

    new = cluster.join(kinds[-1])
    assert not new.view().myself().slots
    cluster.cli("rebalance", address, "--cluster-use-empty-masters", "--cluster-threshold", "1")
    cluster.await_well()
    sizes = [len(master.view().myself().slots) for master in cluster.masters()]
    assert len(sizes) == 4
    assert max(sizes) <= 1.02 * SLOTS / 4
    assert read(cluster, alone) == alone

    cluster.reshard(new, cluster.masters()[0], len(new.view().myself().slots))
    cluster.await_well()
    cluster.cli("del-node", address, new.id)
    new.kill()
    cluster.nodes.remove(new)
    assert all(new.id not in node.view() for node in cluster.nodes)

    cluster.cli("set-timeout", address, "3000")
    assert {node.ask("CONFIG", "GET", "cluster-node-timeout")[1] for node in cluster.nodes} == {b"3000"}
    assert cluster.cli("call", address, "PING").count("PONG") == 6
    cluster.cli("backup", address, tmp_path)
    assert len(list(tmp_path.glob("redis-node-*.rdb"))) == 3
    cluster.cli("fix", address)
    assert read(cluster, alone) == alone


def read(cluster, keys):
    with contextlib.closing(Follower(cluster.ports)) as follower:
        return {key: follower.call("GET", key, until=time.monotonic() + 10).decode() for key in keys}
