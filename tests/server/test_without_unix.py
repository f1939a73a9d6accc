"""A server where what Windows lacks is hidden: every day's things work, and what cannot be is refused in words."""

import subprocess
import sys

import pytest

from tests.oracle import RawClient, ask, free_port, wait_for
from tests.processes import started

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "tests.server.without_unix"]


@pytest.fixture
def start(tmp_path):
    def start(*arguments):
        return started("--dir", str(tmp_path), "--logfile", "log", *arguments, command=COMMAND)

    yield start
    log = tmp_path / "log"
    assert not log.exists() or "Traceback" not in log.read_text()


def until(client, text):
    wait_for(lambda: text in client.ask("INFO", "persistence"))


@pytest.mark.parametrize("log", ["yes", "no"])
def test_every_day(start, log):
    arguments = ("--appendonly", log, "--save", "3600 1")
    with start(*arguments) as (port, process):
        client = RawClient(port)
        assert client.ask("SET", "k", "v") == b"+OK\r\n"
        assert client.ask("SAVE") == b"+OK\r\n"
        assert client.ask("BGSAVE").startswith(b"+Background saving started")
        until(client, b"rdb_bgsave_in_progress:0")
        assert b"rdb_last_bgsave_status:ok" in client.ask("INFO", "persistence")
        assert client.ask("BGREWRITEAOF").startswith(b"+Background append only file rewriting started")
        until(client, b"aof_rewrite_in_progress:0")
        assert b"aof_last_bgrewrite_status:ok" in client.ask("INFO", "persistence")
        assert client.ask("CONFIG", "GET", "*")[:1] == b"*"
        assert b"used_cpu_sys" in client.ask("INFO", "everything")
        assert client.ask("EVAL", "return redis.call('incr', KEYS[1])", "1", "n") == b":1\r\n"
        assert client.ask("CONFIG", "SET", "maxclients", "100", "oom-score-adj", "no") == b"+OK\r\n"
        assert client.ask("MEMORY", "PURGE") == b"+OK\r\n"
        with pytest.raises(ConnectionError):
            client.ask("SHUTDOWN")
        assert process.wait(10) == 0
        client.close()
    with start(*arguments) as (port, process):
        assert ask(port, "GET", "k") == b"$1\r\nv\r\n"
        process.terminate()
        assert process.wait(10) == 0


def test_master_and_replica(start, tmp_path):
    (tmp_path / "other").mkdir()
    with start("--repl-diskless-sync-delay", "0") as (master, _):
        ask(master, "SET", "k", "v")
        with start("--dir", str(tmp_path / "other"), "--replicaof", "127.0.0.1", str(master)) as (replica, _):
            wait_for(lambda: ask(replica, "GET", "k") == b"$1\r\nv\r\n")


def test_cluster(start):
    with start("--cluster-enabled", "yes", "--cluster-port", str(free_port())) as (port, _):
        ask(port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_for(lambda: b"cluster_state:ok" in ask(port, "CLUSTER", "INFO"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--daemonize", "yes"), "'daemonize yes' cannot be: this system has no processes that fork."),
        (("--unixsocket", "it.sock"), "'unixsocket' cannot be set: this system's Python has no Unix sockets."),
        (("--syslog-enabled", "yes"), "'syslog-enabled yes' cannot be: this system has no such log."),
    ],
)
def test_what_cannot_be(tmp_path, arguments, text):
    line = [*COMMAND, "--dir", str(tmp_path), *arguments]
    done = subprocess.run(line, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stderr.startswith(f"\n*** FATAL CONFIG FILE ERROR (Redis 8.2.3) ***\n{text}")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("switch", ["--version", "--check-system", "--help"])
def test_switches(switch):
    done = subprocess.run([*COMMAND, switch], capture_output=True, text=True, timeout=20)
    assert "Traceback" not in done.stderr + done.stdout
