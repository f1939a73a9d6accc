"""FAILOVER: its states as a table, and what may be asked for."""

import pytest

from pyredis.replication.failover import IN_PROGRESS, NONE, WAITING, Failover
from pyredis.replication.following import Following
from tests.replication.wires import Watched

REFUSED = [
    ("FAILOVER", 0, "FAILOVER requires connected replicas."),
    ("FAILOVER TO r1 6379 FORCE", 1, "FAILOVER with force option requires both a timeout and target HOST and IP."),
    ("FAILOVER FORCE TIMEOUT 1", 1, "FAILOVER with force option requires both a timeout and target HOST and IP."),
    ("FAILOVER TO nobody 1", 1, "FAILOVER target HOST and PORT is not a replica."),
    ("FAILOVER TIMEOUT 0", 1, "FAILOVER timeout must be greater than 0"),
    ("FAILOVER TIMEOUT x", 1, "value is not an integer or out of range"),
    ("FAILOVER TO r1", 1, "syntax error"),
    ("FAILOVER NONSENSE", 1, "syntax error"),
    ("FAILOVER ABORT", 1, "No failover in progress."),
]


def pair(folder, replicas=1):
    watched = Watched(folder)
    found = [watched.replica() for _ in range(replicas)]
    for replica in found:
        watched.settle(replica)
    watched.simulation.run_for(1100)
    return watched, found


@pytest.mark.parametrize(("line", "replicas", "error"), REFUSED)
def test_what_is_refused(tmp_path, line, replicas, error):
    watched, _ = pair(tmp_path, replicas)
    assert watched.run(line) == b"-ERR " + error.encode() + b"\r\n"
    assert watched.master.engine[Failover].state == NONE


STEPS = [  # what is asked, what happens to the way there, after how many ms: the state, and who follows
    ("FAILOVER", "cut", 500, WAITING, False),
    ("FAILOVER", "", 1500, NONE, True),
    ("FAILOVER TO r1 6379", "", 1500, NONE, True),
    ("FAILOVER TIMEOUT 300", "cut", 100, WAITING, False),
    ("FAILOVER TIMEOUT 300", "cut", 500, NONE, False),
    ("FAILOVER TO r1 6379 TIMEOUT 300 FORCE", "cut", 100, WAITING, False),
    ("FAILOVER TO r1 6379 TIMEOUT 300 FORCE", "cut", 500, IN_PROGRESS, True),
]


@pytest.mark.parametrize(("line", "fault", "ms", "state", "follows"), STEPS)
def test_states(tmp_path, line, fault, ms, state, follows):
    watched, (replica,) = pair(tmp_path)
    if fault:
        watched.simulation.cut("m", "r1")
        watched.run("SET k v")  # which the replica lacks
    assert watched.run(line) == b"+OK\r\n"
    watched.simulation.run_for(ms)
    engine = watched.master.engine
    assert (engine[Failover].state, engine[Following].master is not None) == (state, follows)
    if state != NONE:
        assert watched.run(line) == b"-ERR FAILOVER already in progress.\r\n"
        assert watched.run("REPLICAOF r1 6379") == b"-ERR REPLICAOF not allowed while failing over.\r\n"
        assert watched.run("FAILOVER ABORT") == b"+OK\r\n"
        assert (engine[Failover].state, engine[Following].master) == (NONE, None)
    elif follows:
        assert replica.engine[Following].master is None
        watched.simulation.run_for(2000)
        assert watched.run("SET a 1", server=replica) == b"+OK\r\n"
        watched.simulation.run_for(100)
        assert watched.run("GET a") == b"$1\r\n1\r\n"
        assert engine.stats.full_syncs == 1  # that of the beginning
