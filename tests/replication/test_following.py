"""Whom a server follows: what it asks for after each way to become a replica, and what it lets its clients do."""

import pytest

from pyredis.engine.execution.propagation import Propagation
from pyredis.persistence.dataset import Dataset
from pyredis.replication.following import Following
from pyredis.replication.master_link import Phase
from tests.observed import Observed
from tests.replication.wires import Watched

ID = "a" * 40


@pytest.fixture
def pair(tmp_path):
    watched = Watched(tmp_path)
    replica = watched.replica()
    watched.settle(replica)
    return watched, replica


def syncs(server):
    stats = server.engine.stats
    return stats.full_syncs, stats.partial_syncs


def ids(server):
    propagation = server.engine[Propagation]
    return propagation.id, propagation.second_id, propagation.second_offset


def test_a_lost_connection_is_made_again_at_once_and_goes_on(pair):
    watched, replica = pair
    watched.run("CLIENT KILL TYPE replica")
    watched.simulation.run_for(20)
    assert watched.in_step(replica)
    assert syncs(watched.master) == (1, 1)


def test_a_promotion_goes_on_with_the_history_under_another_name(pair):
    watched, replica = pair
    before, offset = ids(watched.master)[0], replica.engine[Propagation].offset
    watched.run("REPLICAOF NO ONE", server=replica)
    id, second, second_offset = ids(replica)
    assert (id != before, second, second_offset) == (True, before, offset + 1)
    assert replica.engine.config["replicaof"] is None
    watched.run("REPLICAOF r1 6379")  # and the old master can go on there
    watched.run("SET k v", server=replica)
    watched.simulation.run_for(1200)
    assert watched.run("GET k") == b"$1\r\nv\r\n"
    assert syncs(replica) == (0, 1)
    assert ids(watched.master)[:2] == (id, before)


def test_two_histories_are_not_mixed(pair):
    watched, replica = pair
    watched.run("REPLICAOF NO ONE", server=replica)
    watched.run("SET k r", server=replica)
    watched.run("SET k m", "SET other m")
    watched.run("REPLICAOF m 6379", server=replica)
    watched.settle(replica)
    assert syncs(watched.master) == (2, 0)


def test_the_same_master_again_changes_nothing(pair):
    watched, replica = pair
    link = replica.engine[Following].link
    assert watched.run("REPLICAOF m 6379", server=replica) == b"+OK Already connected to specified master\r\n"
    assert replica.engine[Following].link is link


@pytest.mark.parametrize("port", ["-1", "65536", "x", ""])
def test_a_port_that_is_none(pair, port):
    watched, _ = pair
    said = watched.run(f"REPLICAOF r1 {port}")
    assert said.startswith((b"-ERR Invalid master port", b"-ERR wrong number", b"-ERR value is not an integer"))
    assert watched.master.engine[Following].master is None


def test_stale_data_is_served_if_told_so(pair):
    watched, replica = pair
    watched.run("SET k v")
    watched.settle(replica)
    watched.run("REPLICAOF nobody 1", server=replica)
    assert watched.run("GET k", server=replica) == b"$1\r\nv\r\n"
    watched.run("CONFIG SET replica-serve-stale-data no", server=replica)
    assert watched.run("GET k", server=replica).startswith(b"-MASTERDOWN Link with MASTER is down")
    watched.run("REPLICAOF m 6379", server=replica)
    watched.settle(replica)
    watched.simulation.run_for(1)
    assert watched.run("GET k", server=replica) == b"$1\r\nv\r\n"


def test_only_a_replica_that_may_is_written_to(pair):
    watched, replica = pair
    assert watched.run("SET k v", server=replica).startswith(b"-READONLY You can't write against a read only replica")
    watched.run("CONFIG SET replica-read-only no", server=replica)
    assert watched.run("SET k v", server=replica) == b"+OK\r\n"


def test_a_server_that_ends_lets_go_of_its_master(pair):
    watched, replica = pair
    watched.end(replica)
    watched.simulation.run_for(5000)
    assert replica.engine[Following].phase is Phase.CONNECT
    assert b"connected_slaves:0" in watched.run("INFO replication")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"repl-id": ID, "repl-offset": "77"}, (ID, 78)),
        ({"repl-id": ID, "repl-offset": "-77"}, None),
        ({"repl-id": ID, "repl-offset": "7" * 5000}, None),
        ({"repl-id": ID, "repl-offset": "x"}, None),
        ({"repl-id": ID}, None),
        ({"repl-id": ID[1:], "repl-offset": "77"}, None),
        ({"repl-id": "\xff" * 40, "repl-offset": "77"}, None),
        ({"repl-offset": "77"}, None),
        ({}, None),
    ],
)
def test_what_a_snapshot_says_of_the_stream_is_taken_if_it_is_right(given, expected):
    engine = Observed().engine
    engine[Dataset].take_place({name.encode(): value.encode("latin-1") for name, value in given.items()}, [])
    propagation = engine[Propagation]
    assert (propagation.second_id, propagation.second_offset) == (expected or ("0" * 40, -1))
    assert propagation.offset == (77 if expected else 0)
