"""client-output-buffer-limit: who does not take what he is sent is dropped."""

from pytest import mark

from pyredis.testing import RedisServer
from tests.oracle import RawClient


def received(client):
    """All until the server hangs up."""
    said = b""
    try:
        while piece := client.socket.recv(1 << 16):
            said += piece
    except ConnectionError:
        pass
    return said


def dropped(server):
    return server.call(lambda: server.engine.stats.output_buffer_disconnections)


@mark.parametrize("asked", ["GET", "several"])
def test_of_a_reply_too_large_nothing_is_sent(asked):
    with RedisServer({"client-output-buffer-limit": "normal 100000 0 0"}) as server:
        client = RawClient(server.port)
        client.ask("SET", "key", "x" * (150_000 if asked == "GET" else 10_000))
        client.send(b"GET key\r\n" * (1 if asked == "GET" else 15))
        assert received(client) == b""
        assert dropped(server) == 1
        client.close()


def test_smaller_ones_are():
    with RedisServer({"client-output-buffer-limit": "normal 100000 0 0"}) as server:
        client = RawClient(server.port)
        client.ask("SET", "key", "x" * 90_000)
        for _ in range(20):
            assert len(client.ask("GET", "key")) > 90_000
        assert dropped(server) == 0
        client.close()


def test_a_transaction_is_carried_out_though_its_reply_is_too_large():
    with RedisServer({"client-output-buffer-limit": "normal 100000 0 0"}) as server:
        client = RawClient(server.port)
        client.ask("SET", "key", "x" * 150_000)
        client.send(b"MULTI\r\nSET a 1\r\nGET key\r\nSET b 2\r\nEXEC\r\n")
        assert received(client) == b""
        client.close()
        other = RawClient(server.port)
        assert other.ask("MGET", "a", "b") == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
        other.close()


def test_each_class_has_its_own():
    with RedisServer({"client-output-buffer-limit": "pubsub 100000 0 0"}) as server:
        client, publisher = RawClient(server.port), RawClient(server.port)
        client.ask("SET", "key", "x" * 150_000)
        assert len(client.ask("GET", "key")) > 150_000
        client.ask("SUBSCRIBE", "channel")
        publisher.ask("PUBLISH", "channel", "x" * 150_000)
        assert received(client) == b""
        assert dropped(server) == 1
        client.close()
        publisher.close()
