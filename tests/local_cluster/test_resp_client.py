import contextlib
import socket

import pytest

from pyredis.local_cluster.node_links import NodeLinks
from pyredis.local_cluster.resp_client import Refused, RespClient, is_free, is_listening
from pyredis.testing import RedisServer


@pytest.fixture
def server():
    with RedisServer() as server:
        yield server


@pytest.fixture
def client(server):
    with contextlib.closing(RespClient(server.port, timeout=5)) as client:
        yield client


def test_replies_are_values(client):
    assert client.ask("SET", "key", b"\xff\r\n") == b"OK"
    assert client.ask_all([("GET", "key"), ("INCRBY", "n", 7), ("GET", "none"), ("LRANGE", "none", 0, -1)]) == [
        b"\xff\r\n",
        7,
        None,
        [],
    ]
    value = b"x" * 1_000_000
    client.ask("SET", "large", value)
    assert client.ask("GET", "large") == value


def test_an_error_is_raised_and_the_connection_goes_on(client):
    client.ask("SET", "key", "text")
    with pytest.raises(Refused, match="WRONGTYPE"):
        client.ask_all([("PING",), ("LPOP", "key"), ("PING",)])
    assert client.ask("PING") == b"PONG"


def test_who_hangs_up_is_an_oserror(client):
    with pytest.raises(ConnectionError):
        client.ask_all([("QUIT",), ("PING",)])


def test_who_is_silent_for_too_long_is_an_oserror():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = RespClient(listener.getsockname()[1], timeout=0.05)
        with contextlib.closing(client), pytest.raises(TimeoutError):
            client.ask("PING")


def test_links_are_made_anew(server):
    with NodeLinks(5) as nodes:
        id = nodes.ask(server.port, "CLIENT", "ID")
        assert nodes.ask(server.port, "CLIENT", "ID") == id
        with pytest.raises(OSError, match="closed"):
            nodes.ask_all(server.port, [("QUIT",), ("PING",)])
        assert nodes.ask(server.port, "CLIENT", "ID") > id
        with pytest.raises(Refused):
            nodes.ask(server.port, "UNHEARD")
        assert nodes.ask(server.port, "PING") == b"PONG"


def test_a_port_is_free_when_nobody_listens(server):
    assert is_listening(server.port)
    assert not is_free(server.port)
    port = server.port
    server.stop()
    assert not is_listening(port)
    assert is_free(port)


def test_a_port_that_is_bound_is_not_free():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert not is_free(bound.getsockname()[1])
