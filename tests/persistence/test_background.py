"""A snapshot in the background: by a child, and by the server itself where none can be made."""

from pytest import fixture, mark

from pyredis.persistence.background import Background
from pyredis.testing import RedisServer
from tests.oracle import RawClient, wait_for


@fixture
def server(tmp_path):
    with RedisServer({"dir": str(tmp_path), "enable-debug-command": "yes"}) as server:
        yield server


@fixture
def client(server):
    client = RawClient(server.port)
    yield client
    client.close()


def saved(client):
    wait_for(lambda: b"rdb_bgsave_in_progress:0" in client.ask("INFO", "persistence"))


def test_on_a_thread_the_server_writes_itself_what_was(server, client, tmp_path):
    client.ask("DEBUG", "POPULATE", "50000")
    client.ask("RPUSH", "l", "a")
    digest = client.ask("DEBUG", "DIGEST")
    assert client.ask("BGSAVE") == b"+Background saving started\r\n"
    assert client.ask("INFO", "persistence").count(b"rdb_bgsave_in_progress:1") == 1
    client.ask("RPUSH", "l", "b")
    client.ask("SET", "key:1", "other")
    saved(client)
    assert server.call(lambda: server.engine[Background].forks) == 0
    assert client.ask("DEBUG", "DIGEST") != digest
    assert client.ask("DEBUG", "RELOAD", "NOSAVE") == b"+OK\r\n"
    assert client.ask("DEBUG", "DIGEST") == digest
    assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]


def test_one_that_is_ended_leaves_nothing(server, client, tmp_path):
    client.ask("DEBUG", "POPULATE", "100000")
    client.ask("BGSAVE")
    server.call(server.engine[Background].kill)
    assert list(tmp_path.iterdir()) == []
    assert server.engine.keyspace.accesses_plainly


@mark.parametrize("command", ["BGSAVE", "BGREWRITEAOF"])
def test_only_one_is_at_work(client, command):
    client.ask("DEBUG", "POPULATE", "100000")
    client.ask("BGSAVE")
    answers = {
        "BGSAVE": b"-ERR Background save already in progress\r\n",
        "BGREWRITEAOF": b"+Background append only file rewriting scheduled\r\n",
    }
    assert client.ask(command) == answers[command]
    saved(client)
