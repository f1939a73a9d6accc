"""Ours as master and as replica of every kind of server, and among ours.

By default a few pairs with some thousand writes. The whole matrix, with 100,000 writes a pair:

    pytest -m proof tests/replication/test_matrix.py --timeout 600

The proof holds pairs of real servers as well: they are the control, which shows that the tests themselves are right.
"""

import contextlib
import itertools
import time

import pytest

from tests.replication.proxies import Proxy
from tests.replication.random_writes import RandomWrites
from tests.replication.topologies import (
    KINDS,
    OURS,
    REDIS_7_0,
    REDIS_8_2,
    VALKEY,
    Client,
    Topology,
    eventually,
    info,
    is_in_sync,
    replicate,
    same_data,
    syncs,
    value,
    wait_for_sync,
    write,
)

pytestmark = pytest.mark.slow

MATRIX = [(master, replica) for master in KINDS for replica in KINDS if OURS in (master, replica)]
CONTROLS = [(REDIS_7_0, REDIS_7_0), (REDIS_7_0, REDIS_8_2), (REDIS_7_0, VALKEY), (VALKEY, VALKEY)]
QUICK = [(OURS, REDIS_7_0), (REDIS_8_2, OURS), (OURS, OURS)]


def pairs(quick=QUICK, controls=CONTROLS):
    """(master, replica): the quick ones, and all others as proof."""
    return [
        pytest.param(*pair, id="-".join(map(str, pair)), marks=() if pair in quick else pytest.mark.proof)
        for pair in [*MATRIX, *controls]
    ]


@pytest.fixture
def topology(request):
    with Topology(request) as running:
        yield running


def random_writes(seed, size=300, **options):
    return RandomWrites(seed, int(time.time() * 1000), size, **options)


LOADS = ("disabled", "on-empty-db", "swapdb")


@pytest.mark.parametrize("load", [LOADS[0], *(pytest.param(load, marks=pytest.mark.proof) for load in LOADS[1:])])
@pytest.mark.parametrize("diskless", ["yes", "no"])
@pytest.mark.parametrize(("master_kind", "replica_kind"), pairs())
def test_full_sync(topology, master_kind, replica_kind, diskless, load):
    """The replica had other data, but for on-empty-db, and the master is written to while it synchronises."""
    master = topology.server(master_kind, "--repl-diskless-sync", diskless)
    replica = topology.server(replica_kind, "--repl-diskless-load", load)
    writes = random_writes(1)
    write(master.port, writes.commands(500))
    if load != "on-empty-db":
        write(replica.port, random_writes(2).commands(100))
    replicate(replica, master.port)
    write(master.port, writes.commands(500))
    same_data(master, replica)
    assert syncs(master)[0] == 1


@pytest.mark.parametrize(("master_kind", "replica_kind"), pairs())
def test_link_cut(topology, master_kind, replica_kind):
    """What was written during a second without a link comes by a partial resynchronisation."""
    master, replica = topology.server(master_kind), topology.server(replica_kind)
    way = topology.closing(Proxy(master.port))
    writes = random_writes(3)
    write(master.port, writes.commands(200))
    replicate(replica, way.port)
    wait_for_sync(master, replica)
    full, partial, _ = syncs(master)
    way.cut()
    cut_until = time.monotonic() + 1
    eventually(lambda: info(replica.port)["master_link_status"] == "down", lambda: info(replica.port))
    write(master.port, writes.commands(500))
    eventually(lambda: time.monotonic() > cut_until, lambda: "a second")
    assert not is_in_sync(master, replica)
    way.heal()
    same_data(master, replica)
    assert syncs(master)[:2] == (full, partial + 1)


@pytest.mark.parametrize(
    "count", [2000, pytest.param(100_000, marks=[pytest.mark.proof, pytest.mark.timeout(600)])], ids="{} writes".format
)
@pytest.mark.parametrize(("master_kind", "replica_kind"), pairs())
def test_random_writes(topology, master_kind, replica_kind, count):
    """Every type, scripts, transactions, expiries, by two clients in turn; a tenth is there before the full sync."""
    master, replica = topology.server(master_kind), topology.server(replica_kind)
    field_times = master_kind.field_times and replica_kind.field_times
    writes = random_writes(count, field_times=field_times)
    write(master.port, writes.commands(count // 10))
    replicate(replica, master.port)
    answered, failed = write_in_turn(master.port, writes, count)
    assert answered >= count
    assert failed < answered / 4
    same_data(master, replica)


def write_in_turn(port, writes, count, at_once=200):
    """As `write`, by two clients that take turns and so have different databases selected."""
    answered = failed = 0
    with contextlib.closing(Client(port)) as one, contextlib.closing(Client(port)) as other:
        while answered < count:
            for client in (one, other):
                replies = client.values(writes.commands(at_once))
                answered += len(replies)
                failed += sum(isinstance(reply, Exception) for reply in replies)
    return answered, failed


@pytest.mark.parametrize(
    "count", [2000, pytest.param(50_000, marks=[pytest.mark.proof, pytest.mark.timeout(600)])], ids="{} writes".format
)
@pytest.mark.parametrize(("master_kind", "replica_kind"), pairs(QUICK[:2]))
def test_evictions(topology, master_kind, replica_kind, count):
    """What the master evicts goes on the replica, too, which evicts nothing by itself."""
    master, replica = topology.server(master_kind), topology.server(replica_kind)
    writes = random_writes(5, size=8000)
    write(master.port, writes.commands(count // 4))
    replicate(replica, master.port)
    wait_for_sync(master, replica)
    value(master.port, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    value(master.port, "CONFIG", "SET", "maxmemory", int(info(master.port, "memory")["used_memory"]) - 50_000)
    write(master.port, writes.commands(count))
    assert int(info(master.port, "stats")["evicted_keys"]) > 10
    value(master.port, "CONFIG", "SET", "maxmemory", 0)
    same_data(master, replica)
    assert info(replica.port, "stats")["evicted_keys"] == "0"


def chain_of_three(topology, master_kind, middle_kind):
    """The tail is of the master's kind. Nobody pings, so that nothing moves when nobody writes."""
    quiet = ("--repl-ping-replica-period", "3600")
    servers = [topology.server(kind, *quiet) for kind in (master_kind, middle_kind, master_kind)]
    for upper, lower in itertools.pairwise(servers):
        replicate(lower, upper.port)
        wait_for_sync(upper, lower)
    return servers


# A real master feeds none that is older: what 8.2 makes of HINCRBYFLOAT no 7.0 understands.
@pytest.mark.parametrize(("master_kind", "replica_kind"), pairs(controls=[(VALKEY, VALKEY), (REDIS_7_0, REDIS_7_0)]))
def test_chain_and_promotion(topology, master_kind, replica_kind):
    """When the middle one of three is promoted, both others go on by a partial resynchronisation."""
    master, middle, tail = chain_of_three(topology, master_kind, replica_kind)
    writes = random_writes(6)
    write(master.port, writes.commands(1000))
    same_data(master, middle, tail)
    assert syncs(master)[:2] == (1, 0)
    former = info(master.port)["master_replid"]

    value(middle.port, "REPLICAOF", "NO", "ONE")
    replicate(master, middle.port)
    write(middle.port, writes.commands(500))
    same_data(middle, master, tail)
    assert syncs(middle)[:2] == (1, 2)
    told = info(middle.port)
    assert (told["role"], told["master_replid2"], told["connected_slaves"]) == ("master", former, "2")
    for follower in (master, tail):
        assert info(follower.port)["master_replid"] == told["master_replid"] != former


@pytest.mark.proof
@pytest.mark.parametrize("way_is", ["slow", "a byte at a time"])
@pytest.mark.parametrize(("master_kind", "replica_kind"), pairs())
def test_poor_link(topology, master_kind, replica_kind, way_is):
    master, replica = topology.server(master_kind), topology.server(replica_kind)
    way = topology.closing(Proxy(master.port))
    if way_is == "slow":
        way.delay_s, way.piece = 0.02, 4000
    else:
        way.piece = 1
    writes = random_writes(7)
    write(master.port, writes.commands(500))
    replicate(replica, way.port)
    write(master.port, writes.commands(500))
    same_data(master, replica)
    assert syncs(master)[0] == 1


@pytest.mark.proof
@pytest.mark.parametrize(("master_kind", "replica_kind"), pairs())
def test_silent_link(topology, master_kind, replica_kind):
    """Who hears nothing for `repl-timeout` hangs up and, when the way is open again, goes on where it was."""
    patience = ("--repl-timeout", "3", "--repl-ping-replica-period", "1")
    master, replica = topology.server(master_kind, *patience), topology.server(replica_kind, *patience)
    way = topology.closing(Proxy(master.port))
    writes = random_writes(8)
    write(master.port, writes.commands(200))
    replicate(replica, way.port)
    wait_for_sync(master, replica)
    way.blackhole()
    write(master.port, writes.commands(200))
    eventually(lambda: info(replica.port)["master_link_status"] == "down", lambda: info(replica.port))
    eventually(lambda: info(master.port)["connected_slaves"] == "0", lambda: info(master.port))
    way.heal()
    same_data(master, replica)
    full, partial, _ = syncs(master)
    assert full == 1
    assert partial >= 1
