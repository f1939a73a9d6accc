"""CONFIG as a command; the parameters themselves are tested in tests/config."""

import pytest

from pyredis.assembly import build_engine
from pyredis.config.store import Config
from pyredis.engine.client import NullSink
from pyredis.engine.execution.run import run
from pyredis.engine.observability.slowlog import SlowLog
from pyredis.engine.roster import Clients


class Session:
    """An engine of its own and a client, since CONFIG changes the server it runs on."""

    def __init__(self, config=None, address="127.0.0.1:1"):
        self.engine = build_engine(config)
        sink = NullSink()
        sink.address = address
        self.client = self.engine[Clients].connect(sink)

    def __call__(self, *words):
        run(self.engine, self.client, [[word.encode() for word in words]])
        reply = b"".join(self.client.out)
        self.client.out.clear()
        return reply


@pytest.fixture
def session():
    return Session()


@pytest.mark.parametrize(
    "words",
    [
        ("CONFIG",),
        ("CONFIG", "NOSUCH"),
        ("CONFIG", "GET"),
        ("CONFIG", "GET", "nosuch"),
        ("CONFIG", "GET", "MaxMemory"),
        ("CONFIG", "GET", "maxmemory", "MAXMEMORY"),
        ("CONFIG", "GET", "slave-read-only"),
        ("CONFIG", "GET", "hash-max-ziplist-entries"),
        ("CONFIG", "SET"),
        ("CONFIG", "SET", "maxmemory"),
        ("CONFIG", "SET", "maxmemory", "1", "hz"),
        ("CONFIG", "SET", "nosuch", "1"),
        ("CONFIG", "SET", "maxmemory", "abc"),
        ("CONFIG", "SET", "maxmemory", "0", "maxmemory", "0"),
        ("CONFIG", "SET", "databases", "3"),
        ("CONFIG", "SET", "hz", "10", "appendonly", "perhaps"),
        ("CONFIG", "RESETSTAT", "x"),
        ("CONFIG", "RESETSTAT"),
        ("CONFIG", "REWRITE"),
        ("CONFIG", "HELP", "x"),
    ],
)
def test_replies(both, words):
    both(*words)


def test_help_has_redis_usage_line(both):
    ours, real = (reply.split(b"\r\n") for reply in both.replies("CONFIG", "HELP"))
    assert ours[1] == real[1]


def test_set_is_read_back(session):
    assert session("CONFIG", "SET", "maxmemory", "1mb", "hz", "20") == b"+OK\r\n"
    assert session("CONFIG", "GET", "maxmemory") == b"*2\r\n$9\r\nmaxmemory\r\n$7\r\n1048576\r\n"
    session.client.talk(3)
    assert session("CONFIG", "GET", "hz") == b"%1\r\n$2\r\nhz\r\n$2\r\n20\r\n"


def test_a_failing_pair_changes_nothing(session):
    assert session("CONFIG", "SET", "hz", "20", "maxmemory", "abc").startswith(b"-ERR CONFIG SET failed")
    assert session.engine.config["hz"] == 10


def test_protected_parameters_may_be_local_only():
    def attempt(allowed, address):
        config = Config()
        config.load_lines(f"enable-protected-configs {allowed}")
        return Session(config, address)("CONFIG", "SET", "dbfilename", "x.rdb")

    assert attempt("no", "127.0.0.1:1").startswith(b"-ERR")
    assert attempt("local", "192.0.2.1:1").startswith(b"-ERR")
    for address in ("127.0.0.1:1", "[::1]:1", "/tmp/x.sock:0"):
        assert attempt("local", address) == b"+OK\r\n"
    assert attempt("yes", "192.0.2.1:1") == b"+OK\r\n"


def test_secrets_are_kept_from_the_slow_log(session):
    session("CONFIG", "SET", "slowlog-log-slower-than", "0")
    session("CONFIG", "SET", "hz", "11", "requirepass", "secret")
    assert session.engine[SlowLog].entries[0].argv == [
        b"CONFIG", b"SET", b"hz", b"11", b"requirepass", b"(redacted)",
    ]  # fmt: skip


def test_resetstat_forgets_counts(session):
    for words in (("SET", "k", "v"), ("GET", "k"), ("GET", "none"), ("NOSUCH",), ("GET",)):
        session(*words)
    engine = session.engine
    assert engine.stats.commands and engine.stats.errors and engine.keyspace.hits and engine.keyspace.misses
    assert session("CONFIG", "RESETSTAT") == b"+OK\r\n"
    assert engine.stats.commands == 1  # itself
    assert not (engine.stats.errors or engine.stats.error_replies or engine.keyspace.hits or engine.keyspace.misses)
    counted = {entry.command.name for entry in engine.rows() if entry.calls or entry.failed or entry.rejected}
    assert counted == {"config|resetstat"}


def test_rewrite_writes_the_file(tmp_path):
    config = Config()
    config.file = tmp_path / "redis.conf"
    config.file.write_text("hz 10\n")
    session = Session(config)
    session("CONFIG", "SET", "hz", "30")
    assert session("CONFIG", "REWRITE") == b"+OK\r\n"
    assert "hz 30\n" in config.file.read_text()
