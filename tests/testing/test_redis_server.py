"""RedisServer as a user's test would use it."""

import pytest
import redis

from pyredis.clock import ManualClock
from pyredis.testing import RedisServer


@pytest.mark.parametrize("uvloop", [True, False])
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_client_talks_to_it(uvloop, protocol):
    with RedisServer(uvloop=uvloop) as server, redis.Redis(port=server.port, protocol=protocol) as client:
        assert client.set("k", "v")
        assert client.get("k") == b"v"
        assert client.incr("n") == 1


def test_time_moves_only_when_the_test_moves_it():
    clock = ManualClock()
    with RedisServer(clock=clock) as server, redis.Redis(port=server.port) as client:
        client.set("k", "v", px=1000)
        clock.advance(1000)
        assert client.get("k") == b"v"
        clock.advance(1)
        assert client.get("k") is None


def test_instances_share_nothing():
    with (
        RedisServer() as one,
        RedisServer() as two,
        redis.Redis(port=one.port) as first,
        redis.Redis(port=two.port) as second,
    ):
        first.set("k", "v")
        assert second.get("k") is None


def test_a_taken_port_of_a_password_is_configured():
    with RedisServer({"requirepass": "secret"}) as server:
        with redis.Redis(port=server.port) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
        with redis.Redis(port=server.port, password="secret") as client:
            assert client.ping()


def test_it_is_gone_afterwards():
    with RedisServer() as server:
        port = server.port
    with redis.Redis(port=port) as client, pytest.raises(redis.ConnectionError):
        client.ping()
