"""Payloads and files go from ours to real servers and back, and hold the same data everywhere.

Redis 8.2.3 and Valkey 9.1.2 compute the same digests as ours. Redis 7.0.15 writes scores otherwise before it takes
their digest, so what it got is compared when it is back.
"""

import contextlib
import subprocess
from pathlib import Path

import hiredis
import pytest

from pyredis.keyspace.digest import digest_of_dataset, digest_of_value
from pyredis.rdb.checksum import crc64
from pyredis.rdb.encoding import string_bytes
from pyredis.rdb.file_reader import Key
from pyredis.rdb.file_writer import aux_fields, write_rdb
from pyredis.rdb.listpack_forms import write_listpack
from pyredis.rdb.packed_forms import write_intset
from tests.oracle import RawClient, binary_7_0, binary_8_2, binary_valkey, free_port, real_server, wait_for
from tests.persistence.corpus import ALL_COMMANDS, COMMANDS, TIMED_COMMANDS, Server, whole
from tests.rdb.test_file_reader import loaded, read

BINARIES = {"redis-8.2": binary_8_2(), "redis-7.0": binary_7_0(), "valkey-9.1": binary_valkey()}
BROUGHT_BY_8_2 = {"redis-8.2": ALL_COMMANDS, "redis-7.0": COMMANDS, "valkey-9.1": COMMANDS}


def sealed(body):
    body += b"\x0b\0"
    return body + crc64(body).to_bytes(8, "little")


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


def plain(code, *members):
    """A payload of a collection in its plain form."""
    return sealed(bytes((code, len(members))) + b"".join(map(string_bytes, members)))


def packed(code, *words):
    return sealed(bytes((code,)) + string_bytes(write_listpack(words)))


ONE, LONG = b"a", b"x" * 70


@pytest.mark.parametrize(
    ("limits", "payloads"),
    [
        ("set-max-intset-entries 2", [plain(2, b"a", b"b"), plain(2, b"a", b"b", b"c"), plain(2, b"1", b"2", b"3")]),
        ("set-max-intset-entries 2", [sealed(b"\x0b" + string_bytes(write_intset(range(size)))) for size in (2, 3)]),
        ("set-max-listpack-entries 2", [packed(20, b"a", b"b"), packed(20, b"a", b"1"), packed(20, b"1", b"2", b"3")]),
        ("set-max-listpack-value 3", [plain(2, ONE, b"abcd"), packed(20, ONE, LONG), plain(2, b"1", LONG)]),
        ("hash-max-listpack-entries 1", [packed(16, ONE, ONE), packed(16, b"a", b"b", b"c", b"d")]),
        ("hash-max-listpack-value 3", [packed(16, ONE, LONG), sealed(b"\4\1\1a\3abc"), sealed(b"\4\1\1a\4abcd")]),
        ("zset-max-listpack-entries 1", [packed(17, ONE, b"1"), packed(17, b"a", b"1", b"b", b"2")]),
        ("zset-max-listpack-value 3", [packed(17, LONG, b"1"), sealed(b"\5\1\4abcd" + bytes(8))]),
        ("list-max-listpack-size 2", [plain(1, b"a", b"b"), plain(1, b"a", b"b", b"c")]),
        ("list-max-listpack-size 2", [sealed(b"\x12\1\2" + string_bytes(write_listpack([ONE] * 3)))]),
    ],
)
def test_forms_at_the_limits(real, limits, payloads):
    """What becomes large where limits are passed is decided as in Redis 8.2."""
    if real.name != "redis-8.2":
        pytest.skip("older servers have fewer forms")
    ours = Server()
    name, value = limits.split()
    (_, before) = real("CONFIG", "GET", name)
    try:
        for server in (ours.ask, real):
            server("CONFIG", "SET", name, value)
        for payload in payloads:
            assert ours.ask("RESTORE", "k", 0, payload, "REPLACE") == b"+OK\r\n"
            assert real("RESTORE", "k", 0, payload, "REPLACE") == b"OK"
            assert value_of(ours.ask("OBJECT", "ENCODING", "k")) == real("OBJECT", "ENCODING", "k"), payload
    finally:
        real("CONFIG", "SET", name, before)


def entry(id):
    return id.to_bytes(8, "big") + bytes(8)


@pytest.mark.parametrize("last_read", [0, 1, 2, 3, 5, 9])
@pytest.mark.parametrize("ids", [[1, 2, 3], [2, 3, 5]])
def test_streams_of_redis_5(real, last_read, ids):
    """How many entries a group has read is estimated, when consumers were active is taken to be when they were seen."""
    if real.name != "redis-8.2":
        pytest.skip("compared with one server is enough")
    first = ids[0]
    words = [b"%d" % len(ids), b"0", b"1", b"f", b"0"]
    for id in ids:
        words += (b"2", b"%d" % (id - first), b"0", b"v", b"4")
    pending = b"\1" + entry(first) + (1000).to_bytes(8, "little") + b"\3"
    consumers = b"\1\1c" + (2000).to_bytes(8, "little") + b"\1" + entry(first)
    body = b"\x0f\1\x10" + entry(first) + string_bytes(write_listpack(words)) + bytes((len(ids), ids[-1], 0))
    payload = sealed(body + b"\1\1g" + bytes((last_read, 0)) + pending + consumers)
    ours = Server()
    assert ours.ask("RESTORE", "k", 0, payload) == b"+OK\r\n"
    assert real("RESTORE", "k", 0, payload, "REPLACE") == b"OK"
    for question in (("XINFO", "STREAM", "k", "FULL"), ("XINFO", "GROUPS", "k"), ("XRANGE", "k", "-", "+")):
        assert value_of(ours.ask(*question)) == real(*question)


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


@pytest.mark.slow
@pytest.mark.parametrize("name", BINARIES)
def test_files_of_cluster_nodes_and_with_frequencies(name, tmp_path):
    """They say of slots how many keys they have, and of keys how often they are used."""
    if BINARIES[name] is None:
        pytest.skip(f"{name} is not installed")
    cluster = "--cluster-enabled", "yes", "--cluster-port", str(free_port())
    options = *cluster, "--dir", str(tmp_path), "--maxmemory-policy", "allkeys-lfu"
    with real_server(BINARIES[name], *options) as port:
        client = Real(port, name)
        assert client("CLUSTER", "ADDSLOTSRANGE", 0, 16383) == b"OK"
        wait_for(lambda: client("SET", "k0", "v") == b"OK")
        for at in range(50):
            client("SET", f"k{at}", "v" * at, "PX", 1_000_000)
        assert client("SAVE") == b"OK"
        client.client.close()
    keys = [event for event in read((tmp_path / "dump.rdb").read_bytes()) if isinstance(event, Key)]
    assert {key.name: len(key.value) for key in keys} == {b"k%d" % at: at for at in range(50)}
    assert all(key.frequency is not None and key.expires is not None for key in keys)


def test_the_real_servers_checker_finds_no_fault(tmp_path):
    binary = binary_7_0()
    checker = binary and Path(binary).with_name("redis-check-rdb")
    if not checker or not checker.exists():
        pytest.skip("redis-check-rdb is not installed")
    file = tmp_path / "dump.rdb"
    file.write_bytes(b"".join(write_rdb(whole(COMMANDS).space, aux=aux_fields("7.0.15", 0, 0))))
    told = subprocess.run([checker, file], capture_output=True, text=True, check=False)
    assert "RDB looks OK" in told.stdout
