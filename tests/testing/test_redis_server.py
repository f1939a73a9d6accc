"""RedisServer as a user's test would use it."""

import gc
import logging
import os
import subprocess
import sys
import threading

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


def test_it_listens_on_the_port_that_is_configured():
    with RedisServer() as server:
        port = server.port
    for value in (port, str(port)):
        with RedisServer({"port": value}) as server, redis.Redis(port=port) as client:
            assert (server.port, client.ping()) == (port, True)


@pytest.mark.parametrize("folder", [True, False])
def test_started_again_it_is_the_same_server(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    server = RedisServer({"dir": str(tmp_path / "data")} if folder else {})
    (tmp_path / "data").mkdir()
    with server, redis.Redis(port=server.port) as client:
        client.set("a", "saved")
        client.save()
        client.set("b", "not saved")
        port = server.port
    with server, redis.Redis(port=port) as client:
        assert server.port == port
        assert client.mget("a", "b") == [b"saved", None]
    assert [*tmp_path.iterdir()] == [tmp_path / "data"]  # nothing where the tests run
    del server
    gc.collect()
    assert len([*(tmp_path / "data").iterdir()]) == folder


def test_started_twice_it_is_one_server():
    server = RedisServer()
    assert server.start() is server.start()
    server.stop()
    with redis.Redis(port=server.port) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    server.stop()


def test_a_start_that_failed_may_be_repeated():
    with RedisServer() as other:
        server = RedisServer({"port": other.port})
        with pytest.raises(OSError, match="in use"):
            server.start()
    with server, redis.Redis(port=server.port) as client:
        assert client.ping()


def test_its_url_has_all_that_a_client_needs():
    with RedisServer({"requirepass": "a b/@:c"}) as server, redis.from_url(server.url) as client:
        assert server.url == f"redis://:a%20b%2F%40%3Ac@127.0.0.1:{server.port}"
        assert client.ping()
    with RedisServer(host="::1") as server, redis.from_url(server.url) as client:
        assert server.url == f"redis://[::1]:{server.port}"
        assert client.ping()


VALUES = {
    "requirepass": 'two words "quoted" \\ \u00e9',
    "save": "900 1 300 10",
    "maxmemory": 100_000_000,
    "client-output-buffer-limit": "pubsub 1mb 512kb 10",
    "notify-keyspace-events": "KEA",
    "logfile": "",
    "rename-command": "FLUSHALL ''",
}


def test_values_are_those_of_config_set():
    with RedisServer(VALUES) as server, redis.from_url(server.url) as client:
        found = client.config_get("*")
        for name in ("requirepass", "save", "maxmemory"):
            assert found[name] == str(VALUES[name])
        assert "pubsub 1048576 524288 10" in found["client-output-buffer-limit"]
        with pytest.raises(redis.ResponseError, match="unknown command"):
            client.execute_command("FLUSHALL")


def test_starts_leave_no_handler_behind():
    def handlers():
        gc.collect()
        return sum(reference() is not None for reference in logging._handlerList)

    before = handlers()
    for _ in range(3):
        with RedisServer():
            pass
    assert handlers() <= before + 1


PATCHED = """
import sys
import threading
{patch}
from pyredis.clock import ManualClock
from pyredis.testing import RedisServer
import redis
clock = ManualClock()
with RedisServer(clock=clock, uvloop={uvloop}) as server, redis.Redis(port=server.port) as client:
    client.set("a", "b", px=10)
    clock.advance(11)
    print(client.get("a"), server.call(lambda: 5))
"""
PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


@pytest.mark.slow
@pytest.mark.parametrize("uvloop", [True, False])
@pytest.mark.parametrize("library", PATCHES)
def test_it_runs_beside_greenlets(library, uvloop):
    """Whose library has replaced threads, locks, sockets and sleeping."""
    pytest.importorskip(library)
    program = PATCHED.format(patch=PATCHES[library], uvloop=uvloop)
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=os.environ)
    assert (done.stdout, done.returncode) == ("None 5\n", 0), done.stderr


def test_it_leaves_no_thread_behind():
    before = threading.active_count()
    for _ in range(3):
        with RedisServer():
            pass
    wait_for(lambda: threading.active_count() == before)


FORKS = """
import os
from pyredis.testing import RedisServer

with RedisServer() as server:
    if not os.fork():
        raise SystemExit
    os.wait()
    assert server.call(lambda: os.path.isdir(server.engine.config["dir"]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_leaves_the_server_to_its_parent():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS], check=True, timeout=20)
