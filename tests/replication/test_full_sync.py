"""A diskless sync with somebody who takes nothing: the child, the server, and patience. In which form it is sent."""

import contextlib
import os
import signal
import time
from pathlib import Path

import hiredis
import pytest

from tests.oracle import wait_for
from tests.replication.topologies import (
    OURS,
    REDIS_8_2,
    VALKEY,
    Client,
    Topology,
    info,
    replicate,
    same_data,
    syncs,
    value,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def master():
    """A master with more data than sockets hold."""
    with Topology() as topology:
        server = topology.server(OURS, "--repl-diskless-sync", "yes", "--rdbcompression", "no", "--hz", "100")
        value(server.port, "DEBUG", "POPULATE", 3000, "k", 10000)
        yield server


@contextlib.contextmanager
def stuck(master):
    """A replica that asks for everything, and reads nothing of it, once the master can write no more."""
    with contextlib.closing(Client(master.port)) as client:
        assert client.value("REPLCONF", "capa", "eof") == b"OK"
        client.send(b"SYNC\r\n")
        wait_for(lambda: child(master))
        time.sleep(0.3)  # nothing tells when the buffers of the sockets are full
        yield client


def child(master):
    """The number of the process that writes for it, or 0."""
    pid = master.process.pid
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(found[0]) if found else 0


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def saves(master):
    return info(master.port, "persistence")["rdb_bgsave_in_progress"] == "1"


def test_a_child_that_is_killed_is_noticed_though_nobody_takes_what_it_wrote(master):
    with stuck(master):
        os.kill(child(master), signal.SIGKILL)
        wait_for(lambda: not saves(master))
        wait_for(lambda: info(master.port)["connected_slaves"] == "0")


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_the_child_ends_with_its_server(master, diskless):
    value(master.port, "CONFIG", "SET", "rdb-key-save-delay", "10000")
    value(master.port, "CONFIG", "SET", "repl-diskless-sync", diskless)
    with stuck(master):
        pid = child(master)
        master.kill()
        wait_for(lambda: not lives(pid), 10)


def test_who_takes_nothing_is_dropped_though_it_says_that_it_lives(master):
    value(master.port, "CONFIG", "SET", "repl-timeout", "1")
    with stuck(master) as client:
        deadline = time.monotonic() + 20
        while info(master.port)["connected_slaves"] == "1":
            assert time.monotonic() < deadline
            with contextlib.suppress(OSError):
                client.send(b"\n")
            time.sleep(0.1)
        assert "Disconnecting timedout replica (full sync)" in master.log()
        wait_for(lambda: not saves(master))


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_each_gets_fields_that_expire_in_the_form_that_it_reads(diskless):
    """Redis reads its RDB 12, Valkey its own 80, and what was asked for together is sent in turn."""
    with Topology() as topology:
        master = topology.server(OURS, "--repl-diskless-sync", diskless)
        for command in (
            ("HSET", "small", "a", 1, "b", 2, "c", 3),
            ("HPEXPIRE", "small", 100_000_000, "FIELDS", 2, "a", "c"),
            ("HSET", "large", *range(2000)),
            ("HPEXPIRE", "large", 100_000_000, "FIELDS", 3, 0, 2, 4),
            ("SADD", "set", "a", "b"),
            ("XADD", "stream", "1-1", "a", "b"),
        ):
            value(master.port, *command)
        replicas = [topology.server(kind) for kind in (VALKEY, REDIS_8_2, OURS)]
        for replica in replicas:
            replicate(replica, master.port)
        same_data(master, *replicas)
        assert syncs(master)[0] == len(replicas)
        assert info(master.port, "persistence")["rdb_last_bgsave_status"] == "ok"
        value(master.port, "HPEXPIRE", "small", 1, "FIELDS", 1, "a")
        wait_for(lambda: value(replicas[0].port, "HLEN", "small") == 2)
        same_data(master, *replicas)


def test_a_version_is_three_numbers(master):
    for version in ("9", "9.1", "9.1.2.3", "9.1.x", "-1.0.0", "9.1.256", ""):
        with pytest.raises(hiredis.ReplyError, match=f"ERR Unrecognized version format: {version}$"):
            value(master.port, "REPLCONF", "version", version)
    assert value(master.port, "REPLCONF", "version", "9.1.2") == b"OK"
