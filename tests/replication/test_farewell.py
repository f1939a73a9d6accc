"""The end of a master waits for what its replicas lack."""

from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.sessions import Sessions
from pyredis.replication.replicas import Replicas
from tests.replication.wires import Watched


def lagging(folder, **parameters):
    watched = Watched(
        folder, repl_ping_replica_period="10", **{"repl_timeout": "60", **parameters}
    )  # a PING is lag, too
    replica = watched.replica()
    watched.settle(replica)
    watched.simulation.run_for(1100)
    watched.simulation.cut("m", "r1")
    watched.run("SET k v")
    return watched, replica


def test_a_replica_that_has_everything_is_not_waited_for(tmp_path):
    watched = Watched(tmp_path)
    replica = watched.replica()
    watched.settle(replica)
    replicas = watched.master.engine[Replicas]
    offset = watched.master.engine[Propagation].offset
    assert watched.simulation.run_until(lambda: replicas.having(offset) == 1, 2000)
    assert watched.master.shut_down() is True
    assert "1 of 1 replicas are in sync when shutting down." in watched.master.kept.lines


def test_the_end_comes_when_the_last_has_acknowledged(tmp_path):
    watched, replica = lagging(tmp_path)
    assert watched.master.shut_down() is None
    watched.simulation.run_for(3000)
    assert "shutdown_in_milliseconds:7000" in watched.run("INFO server").decode()
    assert not watched.master.engine[Sessions].closed
    watched.simulation.heal("m", "r1")
    assert watched.simulation.run_until(lambda: watched.master.engine[Sessions].closed, 3000)
    assert watched.run("GET k", server=replica) == b"$1\r\nv\r\n"
    assert "1 of 1 replicas are in sync when shutting down." in watched.master.kept.lines


def test_not_longer_than_the_timeout(tmp_path):
    watched, _ = lagging(tmp_path, shutdown_timeout="2", repl_timeout="60")
    assert watched.master.shut_down() is None
    watched.simulation.run_for(1900)
    assert not watched.master.engine[Sessions].closed
    watched.simulation.run_for(200)
    assert watched.master.engine[Sessions].closed
    assert any(line.startswith("Lagging replica r1:6379 reported offset") for line in watched.master.kept.lines)
    assert "0 of 1 replicas are in sync when shutting down." in watched.master.kept.lines


def test_now_and_without_a_timeout_nobody_is_waited_for(tmp_path):
    watched, _ = lagging(tmp_path, shutdown_timeout="0")
    assert watched.master.shut_down() is True


def test_now(tmp_path):
    watched, _ = lagging(tmp_path)
    assert watched.master.shut_down(now=True) is True
    assert "0 of 1 replicas are in sync when shutting down." in watched.master.kept.lines


def test_what_was_asked_first_holds(tmp_path):
    watched, _ = lagging(tmp_path, shutdown_timeout="2")
    assert watched.master.shut_down(save=False) is None
    assert watched.master.shut_down(save=False, now=True, force=True) is None
    assert not watched.master.engine[Sessions].closed
    watched.simulation.run_for(2100)
    assert watched.master.engine[Sessions].closed
    assert watched.master.kept.lines.count("User requested shutdown...") == 1


def test_it_is_taken_back(tmp_path):
    watched, _ = lagging(tmp_path, repl_timeout="60")
    assert watched.master.shut_down() is None
    assert watched.run("SHUTDOWN ABORT") == b"+OK\r\n"
    watched.simulation.run_for(20_000)
    assert not watched.master.engine[Sessions].closed
    assert watched.run("SET k w") == b"+OK\r\n"
    assert "Shutdown manually aborted." in watched.master.kept.lines
