"""client-output-buffer-limit: who does not take what he is sent is dropped."""

import contextlib
import tracemalloc

from pytest import mark

from pyredis.engine.command_table.command import TABLE
from pyredis.engine.roster import Clients
from pyredis.testing import RedisServer
from tests.oracle import RawClient, encode, wait_for
from tests.server.conversations import received


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


@mark.parametrize("command", ["GET key", "LRANGE list 0 -1", "INFO everything"])
def test_what_fits_redis_own_buffer_is_never_too_much(command):
    """However low the limit is: the real server counts what goes beyond 16 KB."""
    with RedisServer({"client-output-buffer-limit": "normal 10 0 0"}) as server:
        client = RawClient(server.port)
        client.ask("SET", "key", "x" * 16_000)
        client.ask("RPUSH", "list", *["x" * 100] * 150)
        assert len(client.ask(*command.split())) > 5_000
        client.ask("SETRANGE", "key", "40000", "x")
        client.send(b"GET key\r\n")
        assert received(client) == b""
        assert dropped(server) == 1
        client.close()


@mark.parametrize("count", [200_000, 999_999_999])
@mark.parametrize("command", ["HRANDFIELD h", "SRANDMEMBER s", "ZRANDMEMBER z"])
def test_so_many_draws_are_not_begun(command, count):
    """No error, as for clients without a limit: the real server drops who asks for them when the limit is reached."""
    with RedisServer({"client-output-buffer-limit": "normal 1000000 0 0"}) as server:
        client = RawClient(server.port)
        for row in ("HSET h f v", "SADD s m", "ZADD z 1 m"):
            client.ask(*row.split())
        client.send(b"%b -%d\r\nSET k v\r\n" % (command.encode(), count))
        assert received(client) == b""
        assert dropped(server) == 1
        assert server.call(lambda: len(server.engine.keyspace.databases[0].table)) == 3
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


GROWING = {
    "a pipeline": [encode(["GET", "big"]) * 3000],
    "a pipeline of small replies": [encode(["GET", "small"]) * 20_000],
    "one command": [encode(["MGET", *["big"] * 3000])],
    "a transaction": [encode(["MULTI"]), *[encode(["GET", "big"])] * 1000, encode(["EXEC"])],
    "a transaction in one read": [encode(["MULTI"]) + encode(["GET", "big"]) * 1000 + encode(["EXEC"])],
    "copies in a transaction": [encode(["MULTI"]), *[encode(["GETRANGE", "big", "1", "-1"])] * 1000, encode(["EXEC"])],
    "a map": [encode(["HELLO", "3"]) + encode(["CONFIG", "GET", "*"]) * 3000],
}


def peak_of(server, work):
    """The most bytes that Python held beyond what it held before."""
    server.call(lambda: len(TABLE))  # imports every command: that is none of what is measured
    server.call(tracemalloc.start)
    try:
        work()
        return server.call(tracemalloc.get_traced_memory)[1]
    finally:
        server.call(tracemalloc.stop)


@mark.slow
@mark.parametrize("limit", ["output", "memory"])
@mark.parametrize("sent", GROWING.values(), ids=GROWING)
def test_a_reply_that_grows_too_large_is_not_made(sent, limit):
    """3,000 replies of a megabyte took 3.4 GB before the limit of 10 MB was looked at."""
    allowed = "4mb"
    by = (
        {"client-output-buffer-limit": f"normal {allowed} 0 0"} if limit == "output" else {"maxmemory-clients": allowed}
    )
    with RedisServer(by) as server:
        client = RawClient(server.port)
        client.ask("SET", "big", "x" * 1_000_000)
        client.ask("SET", "small", "x" * 1000)

        def work():
            with contextlib.suppress(ConnectionError):
                for piece in sent:
                    client.send(piece)
                wait_for(lambda: server.call(lambda: len(server.engine[Clients].listed)) == 0)

        assert peak_of(server, work) < 16 << 20
        stats = server.engine.stats
        assert (stats.output_buffer_disconnections, stats.evicted_clients) == ((1, 0) if limit == "output" else (0, 1))
        client.close()


def until(client, word, times):
    """Read until a word came so often."""
    said = b""
    while said.count(word) < times:
        said += client.socket.recv(1 << 20)


@mark.slow
@mark.parametrize("by", ["one script", "many patterns", "a monitor"])
def test_pushes_that_grow_too_large_end_who_gets_them(by):
    limits = "normal 4mb 0 0 pubsub 4mb 0 0"
    with RedisServer({"client-output-buffer-limit": limits}) as server:
        listener, sender = RawClient(server.port), RawClient(server.port)
        if by == "a monitor":
            listener.ask("MONITOR")
        else:
            for start in range(0, 1000, 100):
                listener.send(encode(["PSUBSCRIBE", *["c" + "*" * (start + each + 1) for each in range(100)]]))
            listener.send(encode(["PING", "last"]))
            until(listener, b"last", 1)
            sender.ask("PUBLISH", "c", "patterns are compiled")
            until(listener, b"compiled", 1000)
        script = "for i = 1, 60 do redis.call('PUBLISH', 'c', string.rep('x', 100000)) end"
        command = encode(["PUBLISH", "c", "x" * 100_000]) if by == "many patterns" else encode(["EVAL", script, "0"])

        def work():
            sender.send(command)
            sender.reply()

        assert peak_of(server, work) < 24 << 20
        wait_for(lambda: server.call(lambda: len(server.engine[Clients].listed)) == 1)
        assert sender.ask("PING") == b"+PONG\r\n"
        listener.close()
        sender.close()
