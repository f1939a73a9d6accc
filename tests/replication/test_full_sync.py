"""A diskless sync with somebody who takes nothing: the child's end, the server's end, and patience."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from tests.oracle import wait_for
from tests.replication.topologies import OURS, Client, Topology, info, value

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
