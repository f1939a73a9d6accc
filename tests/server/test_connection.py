"""What a connection does when commands have to wait, when clients send much at once, and when they leave."""

import contextlib
import gc
import select
import socket
import struct
import sys
from pathlib import Path

import pytest

from pyredis.engine.client import Client
from pyredis.engine.execution.blocking import Wait
from pyredis.engine.execution.pause import Pause
from pyredis.engine.roster import Clients
from pyredis.engine.session import Session
from pyredis.engine.sessions import Sessions
from pyredis.server.transport import SocketLink
from pyredis.testing import RedisServer
from tests.oracle import RawClient, ask, encode, wait_for
from tests.server.conversations import received

FOREVER_MS = 1 << 50


def held(server, data):
    """A client whose `data` the server received while it paused everything; the pause is over."""
    pause = server.call(lambda: server.engine[Pause])
    server.call(lambda: pause.begin(FOREVER_MS, True))
    client = RawClient(server.port)
    client.send(data)
    wait_for(lambda: server.call(lambda: any(one.waiting for one in server.engine[Clients].listed.values())))
    server.call(pause.end)
    return client


def test_malformed_input_behind_a_held_command_is_answered():
    with RedisServer() as server:
        client = held(server, encode(["PING"]) + b"*x\r\n")
        said = b""
        while piece := client.socket.recv(1 << 16):
            said += piece
        client.close()
    assert said == b"+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"


def test_waiting_does_not_lift_the_limits_of_the_unauthenticated():
    with RedisServer({"requirepass": "secret"}) as server:
        client = held(server, encode(["HELLO", "3", "AUTH", "default", "wrong"]))
        assert client.reply().startswith(b"-WRONGPASS")
        assert client.ask(*["ECHO"] * 11) == b"-ERR Protocol error: unauthenticated multibulk length\r\n"
        client.close()


def test_who_authenticates_may_send_more_in_the_same_packet():
    """redis-benchmark -a secret -d 20000 does."""
    with RedisServer({"requirepass": "secret"}) as server:
        client = RawClient(server.port)
        client.send(encode(["AUTH", "secret"]) + encode(["SET", "k", "x" * 20_000]) + encode(["STRLEN", "k"]) * 3)
        assert [client.reply()] == [b"+OK\r\n+OK\r\n" + b":20000\r\n" * 3]
        client.close()


def test_a_wrong_password_lifts_nothing():
    with RedisServer({"requirepass": "secret"}) as server:
        client = RawClient(server.port)
        client.send(encode(["AUTH", "wrong"]) + encode(["SET", "k", "x" * 20_000]))
        said = received(client)
        client.close()
    assert said.startswith(b"-WRONGPASS ")
    assert said.endswith(b"-ERR Protocol error: unauthenticated bulk length\r\n")


def test_what_follows_a_held_authentication_waits_for_it():
    with RedisServer({"requirepass": "secret"}) as server:
        client = held(server, encode(["HELLO", "2", "AUTH", "default", "secret"]) + encode(["SET", "k", "x" * 20_000]))
        said = b""
        while b"+OK\r\n" not in said:
            said += client.socket.recv(1 << 16)
        client.close()


def reset_at_once(port):
    """Connect, and be gone before the server looks."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.connect(("127.0.0.1", port))
    sock.close()


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="counts /proc/self/fd")
@pytest.mark.parametrize("uvloop", [True, False], ids=["uvloop", "asyncio"])
def test_who_connects_and_resets_leaves_no_descriptor(uvloop):
    """Health checks do that: getpeername fails, and the socket stayed open until a collection."""
    with RedisServer(uvloop=uvloop) as server:
        ask(server.port, "PING")
        gc.disable()
        try:
            before = open_files()
            for _ in range(50):
                server.call(lambda: [reset_at_once(server.port) for _ in range(10)])  # the server is busy meanwhile
                ask(server.port, "PING")
            wait_for(lambda: open_files() <= before)
        finally:
            gc.enable()
        wait_for(lambda: server.call(lambda: len(server.engine[Clients].listed)) == 0)


@pytest.mark.parametrize("uvloop", [True, False], ids=["uvloop", "asyncio"])
def test_a_closed_connection_leaves_no_cycle(uvloop):
    with RedisServer(uvloop=uvloop) as server:
        gc.disable()
        try:
            before = living()
            for _ in range(3):
                client = RawClient(server.port)
                client.send(encode(["SUBSCRIBE", "c"]) + encode(["PING"])[:5])
                client.reply()
                client.close()
            wait_for(lambda: server.call(lambda: len(server.engine[Clients].listed)) == 0)
            wait_for(lambda: living() == before)
        finally:
            gc.enable()


def living():
    """How many connections and clients there are, garbage among them."""
    return [sum(type(one) is kind for one in gc.get_objects()) for kind in (SocketLink, Session, Client)]


def turns_of(server):
    """A list that grows by one whenever a client's turn ends."""
    sessions, ended = server.engine[Sessions], []
    next_turn = sessions.next_turn
    sessions.next_turn = lambda session: (ended.append(session.client.id), next_turn(session))
    return ended


def test_others_have_their_turn_beside_a_long_pipeline():
    """What a client sends in one go is run in slices, and all of it in order."""
    with RedisServer() as server:
        turns = turns_of(server)
        heavy, count = RawClient(server.port), 30_000
        heavy.send(b"".join(encode(["RPUSH", "l", str(number)]) for number in range(count)) + encode(["PING"]))
        said = b""
        while not said.endswith(b"+PONG\r\n"):
            said += heavy.socket.recv(1 << 20)
        assert said == b"".join(b":%d\r\n" % (number + 1) for number in range(count)) + b"+PONG\r\n"
        assert heavy.ask("LINDEX", "l", str(count - 1)) == b"$5\r\n29999\r\n"
        assert len(turns) >= 5
        heavy.close()


def test_slow_commands_of_a_pipeline_end_a_turn_too():
    with RedisServer() as server:
        heavy = RawClient(server.port)
        heavy.ask("RPUSH", "l", *["x"] * 2000)
        turns = turns_of(server)
        heavy.send(encode(["LRANGE", "l", "0", "-1"]) * 1000 + encode(["PING"]))
        said = b""
        while not said.endswith(b"+PONG\r\n"):
            said = heavy.socket.recv(1 << 20)
        assert len(turns) >= 2
        heavy.close()


def test_a_command_that_waits_in_a_long_pipeline_holds_the_rest_back_in_order():
    with RedisServer() as server:
        heavy, other = RawClient(server.port), RawClient(server.port)
        pings = encode(["ECHO", "x" * 100]) * 2000
        heavy.send(pings + encode(["BLPOP", "l", "0"]) + pings + encode(["RPUSH", "end", "1"]))
        wait_for(
            lambda: server.call(
                lambda: any(isinstance(one.waiting, Wait) for one in server.engine[Clients].listed.values())
            )
        )
        assert other.ask("EXISTS", "end") == b":0\r\n"
        other.ask("RPUSH", "l", "v")
        wait_for(lambda: other.ask("EXISTS", "end") == b":1\r\n")
        said = b""
        while not said.endswith(b"x\r\n:1\r\n"):
            said += heavy.socket.recv(1 << 20)
        echo = b"$100\r\n%b\r\n" % (b"x" * 100)
        assert said == echo * 2000 + b"*2\r\n$1\r\nl\r\n$1\r\nv\r\n" + echo * 2000 + b":1\r\n"
        heavy.close()
        other.close()


def test_many_may_connect_at_once():
    """`tcp-backlog` holds, though asyncio listens with a default of its own."""
    with RedisServer({"tcp-backlog": "511"}) as server:

        def connect():
            socks = [socket.socket() for _ in range(400)]
            for sock in socks:
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    sock.connect(("127.0.0.1", server.port))
            writable = select.select([], socks, [], 2)[1]
            ready = len(writable)
            for sock in socks:
                sock.close()
            return ready

        assert server.call(connect) == 400
