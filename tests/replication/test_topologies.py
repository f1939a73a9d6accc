"""The comparison that the matrix stands on finds a difference; so does the proxy pass, cut and stay silent."""

import contextlib
import socket

import pytest

from tests.replication.proxies import Proxy
from tests.replication.random_writes import RandomWrites
from tests.replication.topologies import (
    KINDS,
    Client,
    Topology,
    assert_same_contents,
    contents,
    digest,
    value,
    write,
)

pytestmark = pytest.mark.slow


@pytest.fixture(params=KINDS, ids=str)
def server(request):
    with Topology() as topology:
        yield topology.server(request.param)


def test_random_writes_are_the_same_for_a_seed():
    one, same, other = (list(RandomWrites(seed, 0).commands(300)) for seed in (1, 1, 2))
    assert one == same != other


CHANGES = [
    ("APPEND", "string", "x"),
    ("RPUSH", "list", "x"),
    ("SADD", "set", "x"),
    ("ZINCRBY", "zset", "0.001", "a"),
    ("HSET", "hash", "a", "x"),
    ("HDEL", "hash", "b"),
    ("XADD", "stream", "9-9", "a", "x"),
    ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">"),
    ("PEXPIREAT", "string", "9999999999999"),
    ("DEL", "list"),
    ("DEL", "empty"),
    ("SET", "more", "x"),
    ("MOVE", "set", "3"),
    ("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() end)"),
]


def test_contents_show_every_difference(server):
    start = [
        ["SET", "string", "a", "PXAT", "9999999999998"],
        ["RPUSH", "list", "a"],
        ["SADD", "set", "a"],
        ["ZADD", "zset", "1", "a"],
        ["HSET", "hash", "a", "a", "b", "b"],
        ["SET", "empty", ""],
        ["XADD", "stream", "1-1", "a", "a"],
        ["XGROUP", "CREATE", "stream", "g", "0"],
    ]
    assert write(server.port, start) == (8, 0)
    before = contents(server)
    assert_same_contents(before, contents(server))
    for change in CHANGES:
        assert write(server.port, [change]) == (1, 0)
        after = contents(server)
        with pytest.raises(AssertionError):
            assert_same_contents(before, after)
        before = after
    digests = {digest(server.port)}
    value(server.port, "SET", "more", "y")
    assert digest(server.port) not in digests


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.field_times], ids=str)
def test_contents_show_when_a_field_expires(kind):
    with Topology() as topology:
        server = topology.server(kind)
        write(server.port, [["HSET", "hash", "a", "a", "b", "b"]])
        before = contents(server)
        write(server.port, [["HPEXPIREAT", "hash", "9999999999999", "FIELDS", "1", "a"]])
        assert contents(server)[0, b"hash"][2] == {b"a": (b"a", 9999999999999), b"b": (b"b", -1)}
        with pytest.raises(AssertionError):
            assert_same_contents(before, contents(server))


def test_what_is_due_counts_as_gone():
    assert_same_contents({(0, b"k"): ("hash", -1, {b"f": (b"v", 1)})}, {})
    assert_same_contents({(0, b"k"): ("string", 1, b"v")}, {})
    with pytest.raises(AssertionError):
        assert_same_contents({(0, b"k"): ("string", -1, b"v")}, {})


def test_a_proxy_passes_is_cut_and_is_silent(server):
    with contextlib.closing(Proxy(server.port)) as way:
        assert value(way.port, "ECHO", "x" * 100_000) == b"x" * 100_000
        way.piece = 1
        assert value(way.port, "ECHO", "x" * 100) == b"x" * 100
        with contextlib.closing(Client(way.port)) as client:
            way.blackhole()
            client.socket.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.value("PING")
            way.heal()
            client.socket.settimeout(10)
            assert client._next() == b"PONG"
            way.cut()
            with pytest.raises((ConnectionError, socket.timeout)):
                client.value("PING")
        with pytest.raises(ConnectionError):
            value(way.port, "PING")
        way.heal()
        assert value(way.port, "PING") == b"PONG"
