"""A server ends in order, and a master that is started again goes on with its history."""

import signal

import pytest

from tests.oracle import wait_for
from tests.replication.topologies import OURS, Topology, info, replicate, same_data, syncs, value, wait_for_sync

SAVING = ("--save", "3600 1", "--repl-ping-replica-period", "3600")


@pytest.mark.slow
def test_what_expired_while_a_master_was_gone_its_replica_learns():
    with Topology() as topology:
        master, replica = topology.server(OURS, *SAVING), topology.server(OURS)
        replicate(replica, master.port)
        wait_for_sync(master, replica)
        value(master.port, "DEBUG", "SET-ACTIVE-EXPIRE", "0")
        value(master.port, "SET", "kept", "1")
        for at in range(20):
            value(master.port, "SET", at, "x", "PX", "50")
        wait_for_sync(master, replica)
        wait_for(lambda: value(master.port, "EXISTS", "19") == 0 or value(master.port, "PTTL", "19") < 0)
        offset = int(info(master.port)["master_repl_offset"])
        wait_for(lambda: f",offset={offset}," in info(master.port)["slave0"])  # else it would be asked for
        master.signal(signal.SIGTERM)
        master.process.wait(10)
        master.start()
        wait_for_sync(master, replica)
        assert int(info(master.port)["master_repl_offset"]) > offset
        assert int(info(master.port)["second_repl_offset"]) == offset + 1
        assert syncs(master) == (0, 1, 0)
        assert value(replica.port, "DBSIZE") == 1
        same_data(master, replica)


@pytest.mark.slow
@pytest.mark.parametrize("abort", [True, False])
def test_a_signal_ends_the_server_when_cron_comes_to_it(abort):
    with Topology() as topology:
        server = topology.server(OURS)
        value(server.port, "DEBUG", "PAUSE-CRON", "1")
        server.signal(signal.SIGTERM)
        wait_for(lambda: "scheduling shutdown" in server.log())
        if abort:
            assert value(server.port, "SHUTDOWN", "ABORT") == b"OK"
            value(server.port, "DEBUG", "PAUSE-CRON", "0")
            with pytest.raises(Exception, match="No shutdown in progress"):
                value(server.port, "SHUTDOWN", "ABORT")
            assert server.process.poll() is None
        else:
            value(server.port, "DEBUG", "PAUSE-CRON", "0")
            assert server.process.wait(10) == 0


@pytest.mark.slow
def test_a_log_without_its_first_base_keeps_the_server_from_ending():
    with Topology() as topology:
        server = topology.server(OURS)
        value(server.port, "SET", "a", "1")
        value(server.port, "CONFIG", "SET", "rdb-key-save-delay", "30000000")
        value(server.port, "CONFIG", "SET", "appendonly", "yes")
        with pytest.raises(Exception, match="Errors trying to SHUTDOWN"):
            value(server.port, "SHUTDOWN")
        assert "Writing initial AOF, can't exit." in server.log()
        server.signal(signal.SIGTERM)
        wait_for(lambda: "SIGTERM received but errors" in server.log())
        with pytest.raises((ConnectionError, OSError)):
            value(server.port, "SHUTDOWN", "FORCE")
        assert server.process.wait(10) == 0


@pytest.mark.slow
def test_a_replica_that_ends_does_not_come_back_for_a_moment():
    with Topology() as topology:
        master, replica = topology.server(OURS), topology.server(OURS)
        replicate(replica, master.port)
        wait_for_sync(master, replica)
        replica.signal(signal.SIGTERM)
        assert replica.process.wait(10) == 0
        wait_for(lambda: info(master.port)["connected_slaves"] == "0")
        assert syncs(master)[:2] == (1, 0)
        assert replica.log().count("MASTER <-> REPLICA sync started") == 1
