"""Pops, line by line as the real server answers them, and waiting for something to pop."""

import shlex

from pytest import fixture, mark

from pyredis.testing import RedisServer
from tests.commands.test_sorted_sets import form
from tests.observed import overhear
from tests.oracle import RawClient, wait_for

__all__ = ["form"]

PREPARED = ["ZADD z 1 a 2 b 2 c 3 d inf e", "ZADD y 5 u", "SET s x"]

SCRIPTS = {
    "zpopmin and zpopmax": """
        ZPOPMIN z
        ZPOPMAX z
        ZPOPMIN z 0
        ZPOPMIN z 2
        ZPOPMAX z 100
        EXISTS z
        ZPOPMIN z
        ZPOPMIN z 1
        ZPOPMAX none 0
        ZPOPMAX y -1
        ZPOPMAX y x
        ZPOPMAX y 1 2
        ZPOPMAX s
        ZPOPMAX s x
        ZPOPMAX s 0
        ZPOPMIN y 1
        ZPOPMIN
    """,
    "zmpop": """
        ZMPOP 1 z MIN
        ZMPOP 2 none z MAX COUNT 2
        ZMPOP 3 none y z min count 10
        ZMPOP 2 none z MIN COUNT 10
        ZMPOP 2 none z MIN COUNT 10
        ZMPOP 1 s MIN
        ZMPOP 2 none s MIN
        ZMPOP 0 z MIN
        ZMPOP -1 z MIN
        ZMPOP x z MIN
        ZMPOP 2 z MIN
        ZMPOP 1 z
        ZMPOP 1 z foo
        ZMPOP 1 z MIN COUNT
        ZMPOP 1 z MIN COUNT 0
        ZMPOP 1 z MIN COUNT x
        ZMPOP 1 z MIN COUNT 1 COUNT 2
        ZMPOP 1 z MIN foo
        ZMPOP 1 s foo
    """,
    "those that could wait and need not": """
        BZPOPMIN z 0
        BZPOPMAX none z 0
        BZPOPMIN none y z 0.01
        BZPOPMIN none y z 1
        BZMPOP 0 1 z MIN
        BZMPOP 1 2 none z MAX COUNT 5
        BZPOPMIN s 0
        BZPOPMIN none s z 0
        BZPOPMIN z x
        BZPOPMIN z -1
        BZPOPMIN z nan
        BZPOPMIN z 1e300
        BZPOPMIN z
        BZMPOP x 1 z MIN
        BZMPOP -1 1 z MIN
        BZMPOP -1 0 z MIN
        BZMPOP x 1 z foo
        BZMPOP 0 1 z MIN COUNT 0
        BZMPOP 0 1 s MIN
        BZMPOP 0 2 z MIN
        BZMPOP 0 1 z
        BZPOPMIN none 0.01
        BZPOPMAX none 0.01
        BZMPOP 0.01 1 none MIN
    """,
    "inside a transaction nothing waits": """
        MULTI
        BZPOPMIN none 0
        BZPOPMAX none 0
        BZMPOP 0 1 none MIN
        BZPOPMIN z 0
        EXEC
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, form, name):
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


class Waiting:
    """On one server: clients that wait, and one that writes."""

    def __init__(self, port, resp):
        self.port, self.resp = port, resp
        self.writer = RawClient(port, resp)
        self.clients = [self.writer]
        self.writer.ask("FLUSHALL")

    def wait(self, *words):
        """A new client that sends a command and is known to wait."""
        before = self.blocked()
        client = RawClient(self.port, self.resp)
        self.clients.append(client)
        client.send(encode(words))
        wait_for(lambda: self.blocked() == before + 1)
        return client

    def blocked(self):
        return int(self.writer.ask("INFO", "clients").partition(b"blocked_clients:")[2].split()[0])

    def close(self):
        for client in self.clients:
            client.close()


def encode(words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words)


@fixture(params=[2, 3], ids=["resp2", "resp3"])
def sides(request, server, oracle):
    """The same conversation on ours and, where it is installed, on the real server."""
    ports = [server.port] + ([oracle] if oracle else [])
    opened = [Waiting(port, request.param) for port in ports]
    yield opened
    for side in opened:
        side.close()


def same(replies):
    """What all sides answered, if that is the same."""
    assert len(set(replies)) == 1, replies
    return replies[0]


def test_served_by_zadd(sides):
    replies = []
    for side in sides:
        client = side.wait("BZPOPMIN", "a", "b", "0")
        side.writer.ask("ZADD", "b", "1.5", "x", "2", "y")
        replies.append(client.reply() + side.writer.ask("ZRANGE", "b", "0", "-1"))
    assert b"x" in same(replies)


def test_served_in_order_until_nothing_is_left(sides):
    replies = []
    for side in sides:
        clients = [side.wait("BZPOPMAX", "a", "0"), side.wait("BZMPOP", "0", "2", "b", "a", "MIN", "COUNT", "5")]
        clients.append(side.wait("BZPOPMIN", "a", "0"))
        side.writer.ask("ZADD", "a", "1", "x", "2", "y", "3", "z")
        first, second = clients[0].reply(), clients[1].reply()
        blocked = side.blocked()
        side.writer.ask("ZADD", "a", "7", "late")
        replies.append((first, second, blocked, clients[2].reply(), side.writer.ask("EXISTS", "a")))
    first, second, blocked, third, exists = same(replies)
    assert b"z" in first and b"x" in second and b"y" in second
    assert (blocked, exists) == (1, b":0\r\n")
    assert b"late" in third


@mark.parametrize(
    "words",
    [
        ("ZINCRBY", "a", "1", "x"),
        ("ZUNIONSTORE", "a", "1", "other"),
        ("ZRANGESTORE", "a", "other", "0", "-1"),
        ("RENAME", "other", "a"),
        ("COPY", "other", "a"),
        ("GEOADD", "a", "1", "1", "x"),
        ("GEOSEARCHSTORE", "a", "other", "FROMLONLAT", "0", "0", "BYRADIUS", "30000", "km"),
    ],
    ids=lambda words: words[0].lower(),
)
def test_served_by_whatever_brings_a_sorted_set(sides, words):
    replies = []
    for side in sides:
        side.writer.ask("ZADD", "other", "1", "x")
        client = side.wait("BZPOPMIN", "a", "0")
        side.writer.ask("SADD", "a", "no sorted set")
        side.writer.ask("DEL", "a")
        side.writer.ask(*words)
        replies.append(client.reply())
    assert b"x" in same(replies)


def test_a_transaction_that_takes_it_back_serves_nobody(sides):
    for side in sides:
        client = side.wait("BZPOPMIN", "a", "0")
        side.writer.ask("MULTI")
        side.writer.ask("ZADD", "a", "1", "x")
        side.writer.ask("DEL", "a")
        side.writer.ask("EXEC")
        assert side.blocked() == 1
        side.writer.ask("ZADD", "a", "2", "y")
        assert b"y" in client.reply()


def test_time_is_up(sides):
    null = {2: b"*-1\r\n", 3: b"_\r\n"}
    for side in sides:
        for words in (("BZPOPMIN", "a", "0.05"), ("BZMPOP", "0.05", "1", "a", "MAX")):
            client = RawClient(side.port, side.resp)
            side.clients.append(client)
            assert client.ask(*words) == null[side.resp]


def test_what_propagates():
    """Pops name the key that served and how many it gave; GEOADD becomes the ZADD it is."""
    with RedisServer() as running:
        sent = []
        running.call(lambda: overhear(running.engine, lambda argv: sent.append(b" ".join(argv))))
        client = RawClient(running.port)
        for line in (
            *("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "ZPOPMIN z", "BZPOPMAX none z 0", "ZMPOP 2 none z MIN COUNT 2"),
            *(
                "BZMPOP 0 1 z MAX COUNT 9",
                "BZPOPMIN z 0.001",
                "GEOADD g CH NX 13.361389 38.115556 Palermo",
                "ZPOPMIN z 3",
            ),
        ):
            client.ask(*line.split())
        client.close()
    assert sent[1:] == [
        *(b"ZPOPMIN z", b"ZPOPMAX z", b"ZPOPMIN z 2", b"ZPOPMAX z 2"),
        b"ZADD g CH NX 3479099956230698 Palermo",
    ]
