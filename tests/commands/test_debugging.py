"""DEBUG."""

import pytest

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config
from pyredis.engine.client import NullSink
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients
from pyredis.keyspace.active_expiry import ActiveExpiry

TYPES = "string integer double bignum null array set map attrib verbatim true nosuch STRING"


class Session:
    """An engine that allows DEBUG, and a client."""

    def __init__(self, allowed="yes", address="127.0.0.1:1"):
        config = Config()
        config.load_lines(f"enable-debug-command {allowed}")
        self.clock = ManualClock(1_700_000_000_000)
        self.engine = build_engine(config, clock=self.clock, seed=1)
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


@pytest.mark.parametrize("type", TYPES.split())
def test_protocol_types(both, type):
    both("DEBUG", "PROTOCOL", type)


def test_false(session):
    assert session("DEBUG", "PROTOCOL", "false") == b":0\r\n"
    session.client.talk(3)
    assert session("DEBUG", "PROTOCOL", "false") == b"#f\r\n"


def test_push_follows_its_reply(session):
    assert session("DEBUG", "PROTOCOL", "push") == b"-ERR RESP2 is not supported by this command\r\n"
    session.client.talk(3)
    assert session("DEBUG", "PROTOCOL", "push") == (
        b"$40\r\nSome real reply following the push reply\r\n>2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("DEBUG",),
        ("DEBUG", "NOSUCH"),
        ("DEBUG", "SLEEP"),
        ("DEBUG", "SLEEP", "0"),
        ("DEBUG", "SLEEP", "0", "0"),
        ("DEBUG", "ERROR", "FOO bar\r\nbaz"),
        ("DEBUG", "OBJECT"),
        ("DEBUG", "OBJECT", "none"),
        ("DEBUG", "SDSLEN", "none"),
        ("DEBUG", "HTSTATS", "0"),
        ("DEBUG", "HTSTATS", "99"),
        ("DEBUG", "HTSTATS", "x"),
        ("DEBUG", "HTSTATS-KEY", "none"),
        ("DEBUG", "POPULATE", "x"),
        ("DEBUG", "POPULATE", "-1"),
        ("DEBUG", "POPULATE", "1", "k", "x"),
        ("DEBUG", "REPLYBUFFER", "x", "y"),
        ("DEBUG", "REPLYBUFFER", "resizing", "1"),
        ("DEBUG", "REPLYBUFFER", "peak-reset-time", "x"),
        ("DEBUG", "REPLYBUFFER", "peak-reset-time", "reset"),
        ("DEBUG", "SET-ACTIVE-EXPIRE", "1"),
        ("DEBUG", "SET-DISABLE-DENY-SCRIPTS", "0"),
        ("DEBUG", "DICT-RESIZING", "1"),
        ("DEBUG", "PAUSE-CRON", "0"),
        ("DEBUG", "CHANGE-REPL-ID"),
        ("DEBUG", "LOG", "hello"),
    ],
)
def test_replies(both, words):
    both(*words)


@pytest.mark.parametrize(
    ("allowed", "address", "runs"),
    [
        ("no", "127.0.0.1:1", False),
        ("local", "192.0.2.1:1", False),
        ("local", "127.0.0.1:1", True),
        ("yes", "192.0.2.1:1", True),
    ],
)
def test_it_runs_only_where_allowed(allowed, address, runs):
    reply = Session(allowed, address)("DEBUG", "ERROR", "X")
    assert reply == b"-X\r\n" if runs else reply.startswith(b"-ERR DEBUG command not allowed.")


def test_sleep_takes_its_time(session):
    session("DEBUG", "SLEEP", "1.5")
    assert session.clock.now_ms() == 1_700_000_001_500


@pytest.mark.parametrize("value", ["12", "300", "70000", "short", "x" * 44, "x" * 45, "-7"])
def test_object_tells_encoding_and_length(both, value):
    both("SET", "k", value)
    replies = both.replies("DEBUG", "OBJECT", "k")
    ours, real = (dict(word.split(b":") for word in reply.split()[2:]) for reply in replies)
    assert ours[b"encoding"] == real[b"encoding"]
    if b"x" not in value.encode():  # Redis compresses those in its files
        assert ours[b"serializedlength"] == real[b"serializedlength"]


def test_sdslen(session):
    session("SET", "key", "string")
    assert session("DEBUG", "SDSLEN", "key").startswith(b"+key_sds_len:3, key_sds_avail:0, key_zmalloc: ")
    session("SET", "key", "12")
    assert session("DEBUG", "SDSLEN", "key") == b"-ERR Not an sds encoded string.\r\n"


def test_populate_adds_what_is_missing(both):
    both("SET", "key:1", "mine")
    both("DEBUG", "POPULATE", "3")
    both("MGET", "key:0", "key:1", "key:2", "key:3")
    both("DEBUG", "POPULATE", "2", "p", "3")
    both("DEBUG", "POPULATE", "2", "q", "10")
    both("MGET", "p:0", "q:1")


def test_populate_is_no_change(session):
    session("DEBUG", "POPULATE", "10")
    assert session.engine.keyspace.dirty == 0 and len(session.client.db) == 10


def test_switches(session):
    session("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    session("DEBUG", "PAUSE-CRON", "1")
    assert not session.engine[ActiveExpiry].enabled
    steps = []
    session.engine.cron_steps.append(lambda: steps.append(1))
    session.engine.cron()
    session("DEBUG", "PAUSE-CRON", "0")
    assert not steps
    session.engine.cron()
    assert steps


def test_htstats_counts(session):
    session("SET", "a", "1", "EX", "10")
    session("SET", "b", "1")
    reply = session("DEBUG", "HTSTATS", "0")
    assert reply.count(b"number of elements: 2") == reply.count(b"number of elements: 1") == 1


def test_change_repl_id(session):
    before = session.engine[Propagation].id
    session("DEBUG", "CHANGE-REPL-ID")
    assert len(session.engine[Propagation].id) == 40 and session.engine[Propagation].id != before


def test_config_rewrite_force_all_writes_defaults_too(session, tmp_path):
    session.engine.config.file = tmp_path / "redis.conf"
    session.engine.config.file.write_text("# mine\n")
    assert session("CONFIG", "REWRITE") == b"+OK\r\n"
    assert "hz 10" not in session.engine.config.file.read_text()
    assert session("DEBUG", "CONFIG-REWRITE-FORCE-ALL") == b"+OK\r\n"
    assert "hz 10\n" in session.engine.config.file.read_text()
