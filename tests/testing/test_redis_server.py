"""RedisServer as a user's test would use it."""

import logging

import pytest
import redis

from pyredis.clock import ManualClock
from pyredis.engine.execution.blocking import Blocking
from pyredis.persistence.dataset_loading import LoadingFailed
from pyredis.testing import RedisServer
from tests.oracle import RawClient, encode, wait_for


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


def test_it_leaves_no_handler_and_hears_only_itself(caplog):
    before = [*logging.getLogger("pyredis").handlers]
    with RedisServer({"enable-debug-command": "yes"}) as one, RedisServer() as two:
        mine, others = ([], [])
        for server, lines in ((one, mine), (two, others)):
            handler = logging.Handler()
            handler.emit = lambda record, lines=lines: lines.append(record.getMessage())
            server.engine.log.addHandler(handler)
        with redis.Redis(port=one.port) as client:
            client.execute_command("DEBUG", "LOG", "hello")
        assert (mine, others) == (["DEBUG LOG: hello"], [])
        assert "DEBUG LOG: hello" in caplog.messages
    assert logging.getLogger("pyredis").handlers == before


def test_timers_follow_a_clock_that_is_moved():
    clock = ManualClock()
    with RedisServer(clock=clock) as server:
        client = RawClient(server.port)
        client.send(encode(["BLPOP", "l", "3600"]) + encode(["PING"]))
        wait_for(lambda: server.call(lambda: server.engine.host.timers.next_due) == clock.now_ms() + 3_600_000)
        clock.advance(3_599_999)
        other = RawClient(server.port)
        assert other.ask("PING") == b"+PONG\r\n"
        assert server.call(lambda: server.engine[Blocking].counts[2]) == 1
        clock.advance(1)
        assert client.reply() == b"*-1\r\n+PONG\r\n"
        client.close()
        other.close()


def test_a_snapshot_is_written_though_the_clock_stands_still(tmp_path):
    with RedisServer({"dir": str(tmp_path)}, clock=ManualClock()) as server, redis.Redis(port=server.port) as client:
        client.mset({f"k{number}": number for number in range(20_000)})
        client.bgsave()
        wait_for(lambda: not client.info("persistence")["rdb_bgsave_in_progress"])
        assert (tmp_path / "dump.rdb").stat().st_size > 100_000


def test_a_dataset_that_cannot_be_loaded_is_told(tmp_path):
    (tmp_path / "dump.rdb").write_bytes(b"no")
    with pytest.raises(LoadingFailed):
        RedisServer({"dir": str(tmp_path)}).start()
