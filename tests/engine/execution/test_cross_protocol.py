"""A web page that makes a browser POST to the server's port gets nowhere."""

import logging

import pytest

from pyredis.testing import RedisServer
from tests.oracle import RawClient, encode
from tests.server.conversations import until_closed

ATTACKS = {
    "a browser's request": b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSET pwned 1\r\n",
    "a GET with a Host": b"GET / HTTP/1.1\r\nHost: x\r\n\r\nSET pwned 1\r\n",
    "any case": b"pOsT x\r\nSET pwned 1\r\n",
    "behind others": b"PING\r\nhost: 1\r\nSET pwned 1\r\n",
    "as an array": encode(["Host:"]) + encode(["SET", "pwned", "1"]),
    "in a transaction": b"MULTI\r\nSET a 1\r\nPOST\r\nSET pwned 1\r\nEXEC\r\n",
    "while subscribed": b"SUBSCRIBE c\r\nPOST\r\nSET pwned 1\r\n",
    "in a long pipeline": encode(["PING"]) * 100 + encode(["POST", "/"]) + encode(["SET", "pwned", "1"]) * 200,
}
HARMLESS = [b"POSTX a\r\n", b"HOST a\r\n", b"ECHO POST\r\n", b"EVAL \"return redis.call('POST')\" 0\r\n"]


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("password", [None, "secret"])
def test_the_connection_is_closed_and_nothing_answered(attack, password, oracle):
    with RedisServer({"requirepass": password} if password else {}) as server:
        assert until_closed(server.port, attack) == b""
        assert server.call(lambda: len(server.engine.keyspace.databases[0].table)) == 0
    if oracle is not None and password is None:
        assert until_closed(oracle, attack) == b""


@pytest.mark.parametrize("line", HARMLESS, ids=range(len(HARMLESS)))
def test_what_only_looks_alike_is_a_command(line, server):
    client = RawClient(server.port)
    client.send(line)
    assert client.reply()
    assert client.ask("PING") == b"+PONG\r\n"
    client.close()


def test_the_log_says_so_once_a_minute(caplog):
    caplog.set_level(logging.INFO, "pyredis")
    logging.getLogger("pyredis").propagate = True
    with RedisServer() as server:
        for _ in range(3):
            until_closed(server.port, b"POST\r\n")
    lines = [line for line in caplog.messages if "Possible SECURITY ATTACK detected" in line]
    assert len(lines) == 1
    assert "Connection from 127.0.0.1:" in lines[0]
