"""CONFIG SET port and bind: where clients can connect afterwards."""

import socket

import pytest

from pyredis.testing import RedisServer
from tests.oracle import ask, free_port


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def server(request, tmp_path):
    path = str(tmp_path / "s")
    with RedisServer({"unixsocket": path}, uvloop=request.param) as server:
        server.path = path
        yield server


def over_unix(server, line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(server.path)
        sock.sendall(line.encode() + b"\r\n")
        return sock.recv(1000)


def refuses(port):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    return True


def test_without_addresses_nobody_comes_in_over_tcp(server):
    assert over_unix(server, 'CONFIG SET bind ""') == b"+OK\r\n"
    assert refuses(server.port)
    assert over_unix(server, "CONFIG SET bind 127.0.0.1") == b"+OK\r\n"
    assert ask(server.port, "PING") == b"+PONG\r\n"


def test_a_wrong_address_leaves_the_old_ones(server):
    reply = over_unix(server, "CONFIG SET bind 999.999.999.999")
    assert reply.endswith(b"argument 'bind') - Failed to bind to specified addresses.\r\n")
    assert ask(server.port, "PING") == b"+PONG\r\n"


def test_a_port_in_use_leaves_the_old_one(server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        reply = ask(server.port, "CONFIG", "SET", "port", str(taken.getsockname()[1]))
    assert reply.endswith(b"argument 'port') - Unable to listen on this port. Check server logs.\r\n")
    assert ask(server.port, "PING") == b"+PONG\r\n"


def test_port_and_address_may_change_together(server):
    port = free_port()
    assert over_unix(server, f"CONFIG SET port {port} bind 127.0.0.1") == b"+OK\r\n"
    assert ask(port, "PING") == b"+PONG\r\n"
    assert refuses(server.port)


def test_port_zero_closes_tcp_and_leaves_the_unix_socket(server):
    assert ask(server.port, "CONFIG", "SET", "port", "0") == b"+OK\r\n"
    assert refuses(server.port)
    assert over_unix(server, "PING") == b"+PONG\r\n"
