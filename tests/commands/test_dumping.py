"""DUMP and RESTORE against the real server: options, errors, times, events, and the checks of what is hostile."""

import time

import hiredis
import pytest

from pyredis.assembly import build_engine
from pyredis.engine.execution.dispatch import dispatch
from pyredis.engine.roster import Clients
from pyredis.rdb.checksum import crc64
from tests.observed import overhear
from tests.oracle import RawClient, ask, encode


def sealed(body, version=10):
    body += version.to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")


ABC = sealed(b"\0\3abc")


def dumped(client, key):
    reader = hiredis.Reader()
    reader.feed(client.ask("DUMP", key))
    return reader.gets()


def test_a_missing_key_has_no_dump(both):
    both("DUMP", "missing")


def test_restore_and_its_options(both):
    both("RESTORE", "k", 0, ABC)
    both("GET", "k")
    both("TTL", "k")
    both("RESTORE", "k", 0, ABC)
    both("RESTORE", "k", 100_000, sealed(b"\0\3xyz"), "replace")
    both.near("PTTL", "k", within=5_000)
    both("GET", "k")
    both("RESTORE", "k", int(time.time() * 1000) + 100_000, ABC, "ABSTTL", "REPLACE")
    both.near("PTTL", "k", within=5_000)
    both("RESTORE-ASKING", "k", 0, ABC, "REPLACE")
    both("PTTL", "k")


def test_what_has_expired_already_is_not_stored_and_deletes(both):
    both("RESTORE", "new", 1000, ABC, "ABSTTL")
    both("EXISTS", "new")
    both("SET", "k", "old")
    both("RESTORE", "k", 1000, ABC, "ABSTTL", "REPLACE")
    both("EXISTS", "k")
    both("RESTORE", "k", (1 << 63) - 1, ABC)
    both("EXISTS", "k")
    both("RESTORE", "k", (1 << 63) - 1, ABC, "ABSTTL")
    both("EXISTS", "k")


@pytest.mark.parametrize(
    "words",
    [
        ("0", "x"),
        ("0", b""),
        ("0", ABC[:-1]),
        ("0", ABC[:-8] + bytes(8)),
        ("0", ABC[:-1] + b"x"),
        ("0", sealed(b"\0\3abc", 16)),
        ("0", sealed(b"\0\3abc", 12)),
        ("0", sealed(b"\0\3abcbehind it")),
        ("-1", ABC),
        ("x", "x"),
        ("0", ABC, "x"),
        ("0", ABC, "IDLETIME"),
        ("0", ABC, "IDLETIME", "x"),
        ("0", ABC, "IDLETIME", "-1"),
        ("0", ABC, "IDLETIME", "5"),
        ("0", ABC, "FREQ"),
        ("0", ABC, "FREQ", "256"),
        ("0", ABC, "FREQ", "5", "IDLETIME", "5"),
        ("0", ABC, "FREQ", "5", "FREQ", "6"),
        ("-1", "x", "FREQ", "-5"),
    ],
)
def test_errors(both, words):
    both("RESTORE", "k", *words)
    both("GET", "k")
    both("SET", "k", "taken")
    both("RESTORE", "k", *words)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"\x08\3abc",
        b"\0",
        b"\0\xc4",
        b"\0\xc3\4\5\0abc",
        b"\1\0",
        b"\2\0",
        b"\4\0",
        b"\5\0",
        b"\4\1\1a",
        b"\2\2\1a\1a",
        b"\2\2\xc0\1\xc0\1",
        b"\5\2\1a" + bytes(8) + b"\1a" + bytes(8),
        b"\5\1\1a\0\0\0\0\0\0\xf8\x7f",
        b"\x0b\x08\x02\0\0\0\0\0\0\0",
        b"\x0b\x0c\x03\0\0\0\2\0\0\0\1\0\2\0",
        b"\x10\x07\7\0\0\0\0\0\xff",
        b"\x12\1\1\0",
        b"\x12\1\3\1a",
        b"\x13\0\1\0\0\0\0\0\0\0\0",
        b"\x06\1\0",
        b"\x07\x81\x5b\0\0\0\0\0\0\0\0",
    ],
)
def test_bad_data(both, body):
    both("RESTORE", "k", 0, sealed(body))
    both("EXISTS", "k")


@pytest.mark.parametrize(
    "body",
    [
        b"\0\4abc",
        b"\4\2\1a\1b\1a\1c",
        b"\x0b\x0c\x02\0\0\0\2\0\0\0\2\0\1\0",
        b"\x10\x0f\x0f\0\0\0\4\0\1\1\2\1\1\1\3\1\xff",
    ],
    ids=["reads the footer", "a field twice", "an intset out of order", "a packed field twice"],
)
def test_what_redis_refuses_only_when_it_sanitizes(server, body):
    ask(server.port, "DEL", "k")
    assert ask(server.port, "RESTORE", "k", 0, sealed(body)) == b"-ERR Bad data format\r\n"


def test_events(both):
    both("CONFIG", "SET", "notify-keyspace-events", "KEAnoc")
    try:
        for client in filter(None, (both.ours, both.real)):
            client.ask("SET", "old", "x")
            client.ask("RPUSH", "list", "x")

        listening = RawClient(both.server.port)
        listening.send(encode(("PSUBSCRIBE", "*")))
        listening.reply()
        real = None
        if both.real:
            real = RawClient(both.real.socket.getpeername()[1])
            real.send(encode(("PSUBSCRIBE", "*")))
            real.reply()
        both("RESTORE", "new", 0, ABC)
        both("RESTORE", "old", 1_000_000, ABC, "REPLACE")
        both("RESTORE", "list", 0, ABC, "REPLACE")
        both("RESTORE", "list", 1, ABC, "REPLACE", "ABSTTL")
        both("PUBLISH", "end", "end")
        ours = until_end(listening)
        if real:
            theirs = until_end(real)
            both.recording.keep(repr(theirs).encode())
            assert ours == theirs
        else:
            assert repr(ours).encode() == both.recording.next()
    finally:
        both("CONFIG", "SET", "notify-keyspace-events", "")


def until_end(client):
    reader, found = hiredis.Reader(), []
    while not found or found[-1] != b"end":
        reader.feed(client.socket.recv(1 << 16))
        while (message := reader.gets()) is not False:
            found.append(b" ".join(message[2:]) if message[2] != b"end" else b"end")
    client.close()
    return found


def test_propagation_with_the_absolute_time():

    engine = build_engine()
    sent = []
    overhear(engine, lambda argv: sent.append([*argv]))
    client = engine[Clients].connect()
    now = engine.keyspace.now
    when = b"%d" % (now + 5000)

    for words in (
        (b"RESTORE", b"k", b"0", ABC),
        (b"RESTORE", b"k", b"5000", ABC, b"REPLACE", b"IDLETIME", b"7"),
        (b"RESTORE", b"k", when, ABC, b"REPLACE", b"ABSTTL"),
        (b"RESTORE", b"k", b"1", ABC, b"REPLACE", b"ABSTTL"),
        (b"RESTORE", b"k", b"1", ABC, b"REPLACE", b"ABSTTL"),
    ):
        dispatch(engine, client, list(words))
    assert sent[0] == [b"RESTORE", b"k", b"0", ABC]
    assert sent[1][:2] + sent[1][3:] == [b"RESTORE", b"k", ABC, b"REPLACE", b"IDLETIME", b"7", b"ABSTTL"]
    assert abs(int(sent[1][2]) - now - 5000) < 2000
    assert sent[2:] == [[b"RESTORE", b"k", when, ABC, b"REPLACE", b"ABSTTL"], [b"DEL", b"k"]]


def test_idle_time_and_frequency_come_along(server):
    ask(server.port, "DEL", "k")
    ask(server.port, "RESTORE", "k", 0, ABC, "IDLETIME", 1000)
    assert 1000 <= int(ask(server.port, "OBJECT", "IDLETIME", "k")[1:]) <= 1010
    try:
        ask(server.port, "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
        ask(server.port, "RESTORE", "k", 0, ABC, "FREQ", 100, "REPLACE")
        assert ask(server.port, "OBJECT", "FREQ", "k") == b":100\r\n"
    finally:
        ask(server.port, "CONFIG", "SET", "maxmemory-policy", "noeviction")
