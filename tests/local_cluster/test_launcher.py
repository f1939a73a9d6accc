"""The command line: a cluster's life, with nodes of ours and real ones, and what is said when that cannot be."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from redis.cluster import RedisCluster

from pyredis.local_cluster import launcher
from pyredis.local_cluster.layout import find, pid_of
from pyredis.local_cluster.resp_client import is_free
from tests.local_cluster.commands import Commands, free_ports
from tests.oracle import ask, wait_for

REAL = shutil.which("redis-server")
KEYS = range(500)


@pytest.fixture
def cluster(tmp_path):
    with Commands(tmp_path) as commands:
        yield commands


def data(port):
    """Which keys a client of the cluster finds as they were written."""
    with RedisCluster(host="127.0.0.1", port=port) as client:
        return [key for key in KEYS if client.get(f"key:{key}") == b"%d" % key]


def joined(done):
    """The node that was added."""
    code, said, complaint = done
    assert (code, complaint) == (0, "")
    return int(re.fullmatch(r"(?:Moved .*\n)*Node (\d+) has joined\.\n", said)[1])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "server",
    ["", pytest.param(REAL, marks=pytest.mark.skipif(not REAL, reason="Debian's redis-server is not installed"))],
    ids=["ours", "real"],
)
def test_a_cluster_s_life(cluster, server):
    first = free_ports(8)
    cluster.up("--port", str(first), "--node-timeout", "2000", *(["--server", server] if server else []))
    with RedisCluster(host="127.0.0.1", port=first) as client:
        for key in KEYS:
            client.set(f"key:{key}", key)
        assert client.wait(1, 5000, target_nodes=RedisCluster.PRIMARIES)
    code, said, _ = cluster.run("status")
    assert (code, said.splitlines()[-1]) == (0, "Cluster state: ok, 16384 of 16384 slots are served.")
    assert said.count("master") == said.count("replica of") == 3

    assert cluster.run("kill", str(first))[0] == 0
    cluster.says(f"FAILOVER: node {first + 3} has taken over from {first}, with slots 0-5460")
    cluster.says("the cluster is ok")
    assert cluster.run("start", str(first))[0] == 0
    cluster.says(f"node {first} is now a replica of {first + 3}")

    new = joined(cluster.run("add"))
    newest = joined(cluster.run("add", "--replica-of", str(new)))
    code, said, _ = cluster.run("status")
    assert (code, said.count("(4096)")) == (0, 4)
    assert f"{newest}  replica of {new}  up" in said
    assert data(first) == list(KEYS)

    assert cluster.ctrl_c() == 0
    assert cluster.processes() == []
    assert cluster.run("status")[0] == 1

    cluster.up()
    assert data(first) == list(KEYS)
    assert cluster.run("status")[1].count("(4096)") == 4
    assert cluster.run("down")[0] == 0
    assert cluster.process.wait(60) == 0
    assert cluster.processes() == []


@pytest.mark.slow
def test_what_is_said_while_one_runs(cluster):
    first = free_ports(4)
    cluster.up("--port", str(first), "--shards", "1", "--replicas", "0", "--node-timeout", "2000")
    assert "With fewer than 3 shards" in cluster.text
    code, _, said = cluster.run("up")
    assert code == 1
    assert "shown in another terminal already" in said
    code, _, said = cluster.run("start", str(first))
    assert (code, said) == (1, f"pyredis-cluster: Node {first} runs already.\n")
    code, _, said = cluster.run("kill", str(first + 5))
    assert (code, said) == (1, f"pyredis-cluster: There is no node {first + 5}. The nodes are: {first}.\n")
    new = joined(cluster.run("add", "--empty"))
    moved = f"Moved 8192 slots from {first} to {new}\n"
    assert cluster.run("rebalance")[1] == moved + "All masters have as many slots.\n"
    assert cluster.run("rebalance")[1] == "All masters have as many slots.\n"

    cluster.process.kill()  # the nodes go on, and the next one finds them
    cluster.process.wait()
    cluster.up("--shards", "5")
    assert "The nodes run already" in cluster.text
    assert "count only when one is made" in cluster.text
    shutil.rmtree(cluster.folder)
    assert cluster.ctrl_c() == 0
    with pytest.raises(ConnectionRefusedError):
        ask(first, "PING")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="nothing else can halt a process")
def test_whoever_cannot_wait_ends_it_at_once(cluster):
    first = free_ports(2)
    cluster.up("--port", str(first), "--shards", "2", "--replicas", "0")
    os.kill(pid_of(find(cluster.folder), first + 1), signal.SIGSTOP)
    cluster.says(f"node {first + 1} does not answer")
    cluster.process.send_signal(signal.SIGINT)
    cluster.says("Ending the nodes")
    wait_for(lambda: is_free(first))
    assert cluster.ctrl_c() == 0
    assert is_free(first + 1)


@pytest.mark.slow
def test_somebody_else_s_server_is_left_alone(cluster):
    first = free_ports(1)
    cluster.up("--port", str(first), "--shards", "1", "--replicas", "0")
    assert cluster.run("down")[0] == 0
    cluster.process.wait(60)
    other = subprocess.Popen([sys.executable, "-m", "pyredis.cli", "--port", str(first), "--save", ""], stdout=-3)
    try:
        wait_for(lambda: ask(first, "PING") == b"+PONG\r\n")
        assert cluster.run("down")[0] == 0
        assert cluster.run("kill", str(first))[:2] == (1, "")
        assert cluster.run("status")[0] == 1
        code, _, said = cluster.run("up")
        assert code == 1
        assert f"Port {first} is taken by another program" in said
        assert ask(first, "PING") == b"+PONG\r\n"
    finally:
        other.kill()
        other.wait()


def main(capsys, monkeypatch, *words):
    """What is printed on standard error, of a command that does not do it."""
    monkeypatch.setattr(launcher, "_take_signals", lambda: None)
    assert launcher.main(list(words)) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize("command", [["down"], ["status"], ["kill", "7000"], ["start", "7000"], ["add"], ["rebalance"]])
def test_without_a_cluster_nothing_is_done(tmp_path, capsys, monkeypatch, command):
    said = main(capsys, monkeypatch, *command, "--dir", str(tmp_path))
    assert said.startswith(f"pyredis-cluster: There is no cluster in {tmp_path}. `pyredis-cluster up` makes one")


def test_a_port_that_is_taken_is_named(tmp_path, capsys, monkeypatch):
    first = free_ports(6)
    with socket.create_server(("127.0.0.1", first + 10_002)):
        said = main(capsys, monkeypatch, "up", "--port", str(first), "--dir", str(tmp_path))
    assert f"Port {first + 10_002} is taken by another program (node {first + 2} needs it)" in said


def test_a_port_that_is_too_high_is_named(tmp_path, capsys, monkeypatch):
    said = main(capsys, monkeypatch, "up", "--port", "55535", "--dir", str(tmp_path))
    assert "A node cannot have port 55536" in said


def test_a_server_that_is_not_there(tmp_path, capsys, monkeypatch):
    words = ("--port", str(free_ports(6)), "--dir", str(tmp_path))
    assert "cannot be started by `no-such-server`" in main(
        capsys, monkeypatch, "up", "--server", "no-such-server", *words
    )


@pytest.mark.skipif(os.name != "posix", reason="a shell's command")
def test_a_server_s_last_words_are_repeated(tmp_path, capsys, monkeypatch):
    words = ("--port", str(free_ports(6)), "--dir", str(tmp_path))
    said = main(capsys, monkeypatch, "up", "--server", "sh -c 'echo no room; exit 1'", *words)
    assert "ended at once" in said
    assert "no room" in said
    assert launcher.find(tmp_path).is_made is False


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["unheard"],
        ["kill"],
        ["up", "--shards", "0"],
        ["up", "--port", "x"],
        ["add", "--empty", "--replica-of", "1"],
    ],
)
def test_a_command_line_that_makes_no_sense(words, capsys):
    with pytest.raises(SystemExit) as end:
        launcher.main(words)
    assert end.value.code == 2
    assert "usage: pyredis-cluster" in capsys.readouterr().err
