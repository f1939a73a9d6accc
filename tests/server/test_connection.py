"""What a connection does when a client's commands had to wait."""

from pyredis.engine.pause import Pause
from pyredis.testing import RedisServer
from tests.oracle import RawClient, encode, wait_for

FOREVER_MS = 1 << 50


def held(server, data):
    """A client whose `data` the server received while it paused everything; the pause is over."""
    pause = server.call(lambda: server.engine[Pause])
    server.call(lambda: pause.begin(FOREVER_MS, True))
    client = RawClient(server.port)
    client.send(data)
    wait_for(lambda: server.call(lambda: any(one.waiting for one in server.engine.clients.values())))
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
