"""INFO names everything that Redis 7.0.15 and 8.2.3 name, in every section, whatever the server is doing."""

import itertools

import pytest

from tests.oracle import ask, binary_7_0, binary_8_2, free_port, wait_for
from tests.processes import SERVER, starter

ASKED = (
    *("default", "all", "everything", "server", "clients", "memory", "persistence", "threads", "stats", "replication"),
    *("cpu", "modules", "commandstats", "errorstats", "latencystats", "cluster", "keyspace", "keysizes", "debug"),
)
DATA = """
SET s abc
PEXPIRE s 1000000
RPUSH l a b
HSET h f v
HPEXPIRE h 1000000 FIELDS 1 f
SADD t 1
ZADD z 1 m
XADD x * a b
EVAL return(1) 0
NOSUCH
"""
MODES = {
    "standalone": (),
    "append-only log": ("--appendonly", "yes"),
    "cluster": ("--cluster-enabled", "yes", "--cluster-port"),
    "Unix socket": ("--unixsocket", "here.sock"),
    "replica without its master": ("--replicaof", "127.0.0.1", "1"),
}


def names(port, section):
    """By title; what a database or a command is called with it."""
    found, title = {}, ""
    for line in ask(port, "INFO", section).decode().split("\r\n")[1:]:
        if line.startswith("#"):
            title = line
            found[title] = set()
        elif line:
            found[title].add(line.partition(":")[0])
    return found


def assert_named(ours, real):
    for section in ASKED:
        mine = names(ours, section)
        for title, theirs in names(real, section).items():
            assert title in mine, section
            assert theirs <= mine[title], (section, title, theirs - mine[title])


@pytest.fixture
def start(tmp_path):
    folders = map(str, itertools.count())

    def start(binary, *arguments):
        folder = tmp_path / next(folders)
        folder.mkdir()
        if arguments[-1:] == ("--cluster-port",):
            arguments += (str(free_port()),)
        command = SERVER if binary is None else [binary]
        return go("--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *arguments, command=command)[0]

    with starter() as go:
        yield start


@pytest.fixture(params=[binary_7_0, binary_8_2], ids=["7.0.15", "8.2.3"])
def binary(request):
    if request.param() is None:
        pytest.skip("the real server is not installed")
    return request.param()


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_by_mode(start, binary, mode):
    ours, real = (start(kind, *MODES[mode]) for kind in (None, binary))
    for port in (ours, real):
        for line in DATA.split("\n")[1:-1]:
            ask(port, *line.split())
    assert_named(ours, real)


@pytest.mark.slow
def test_master_and_replica(start, binary):
    masters, replicas = [], []
    for kind in (None, binary):
        master = start(kind, "--repl-diskless-sync-delay", "0")
        masters.append(master)
        replicas.append(start(kind, "--replicaof", "127.0.0.1", str(master)))
    for port in replicas:
        wait_for(lambda port=port: b"master_link_status:up" in ask(port, "INFO", "replication"))
    for port in masters:
        wait_for(lambda port=port: b"state=online" in ask(port, "INFO", "replication"))
    assert_named(*masters)
    assert_named(*replicas)
