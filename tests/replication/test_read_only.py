"""A replica's clients read as fast as a master's, and write nothing, on whatever way."""

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution import gates
from pyredis.engine.roster import Clients
from pyredis.replication.following import Following
from tests.observed import ask

REFUSED = b"-READONLY You can't write against a read only replica.\r\n"


@fixture
def client():
    engine = build_engine(clock=ManualClock(), seed=1)
    client = engine[Clients].connect()
    ask(client, "SET k v", "RPUSH l x", "EVAL 'return 1' 0")
    ask(client, "REPLICAOF nowhere 1")
    return client


def test_no_gate_stands_for_reads(client):
    assert client.engine.gates == 0
    assert ask(client, "GET k", "LRANGE l 0 -1", "EXISTS k") == b"$1\r\nv\r\n*1\r\n$1\r\nx\r\n:1\r\n"


@mark.parametrize(
    ("lines", "answer"),
    [
        (["SET k w"], REFUSED),
        (["GET k", "SET k w"], b"$1\r\nv\r\n" + REFUSED),
        (["DEL k"], REFUSED),
        (["SET k"], b"-ERR wrong number of arguments for 'set' command\r\n"),
        (["BLPOP l 0"], REFUSED),
        (
            ["MULTI", "SET k w", "EXEC"],
            b"+OK\r\n" + REFUSED + b"-EXECABORT Transaction discarded because of previous errors.\r\n",
        ),
        (["MULTI", "GET k", "EXEC"], b"+OK\r\n+QUEUED\r\n*1\r\n$1\r\nv\r\n"),
        (["EVAL \"return redis.call('get','k')\" 1 k"], b"$1\r\nv\r\n"),
        (["EVAL '#!lua\nreturn 1' 0"], REFUSED),
        (["EVAL '#!lua flags=no-writes\nreturn 1' 0"], b":1\r\n"),
    ],
)
def test_what_writes_is_refused(client, lines, answer):
    assert ask(client, *lines) == answer
    assert ask(client, "GET k") == b"$1\r\nv\r\n"


def test_a_script_s_write_is_refused(client):
    assert ask(client, "EVAL \"return redis.call('set','k','w')\" 1 k").startswith(REFUSED[:-2])


def test_a_refusal_counts_as_such(client):
    ask(client, "SET k w")
    entry = client.engine.row(b"set")
    assert (entry.calls, entry.rejected, entry.failed) == (1, 1, 0)


@mark.parametrize("line", ["CONFIG SET replica-read-only no", "REPLICAOF NO ONE"])
def test_who_may_write_again_is_on_the_plain_path_again(client, line):
    entry = client.engine.row(b"set")
    assert not entry.plain and not entry.quick_sizes
    assert ask(client, line) == b"+OK\r\n"
    assert entry.plain and entry.quick_sizes and not client.engine.aside & gates.READ_ONLY
    assert ask(client, "SET k w") == b"+OK\r\n"


def test_a_replica_without_its_master_may_be_told_to_say_so(client):
    ask(client, "CONFIG SET replica-serve-stale-data no")
    assert ask(client, "GET k").startswith(b"-MASTERDOWN ")
    assert ask(client, "PING").startswith(b"-MASTERDOWN ")
    assert ask(client, "INFO server").startswith(b"$")
    client.engine[Following].promote()
    assert ask(client, "GET k") == b"$1\r\nv\r\n"


SAYS_SO = b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n"


@mark.parametrize(
    ("line", "alone", "queued_before"),
    [
        ("GET k", SAYS_SO, b"-EXECABORT Transaction discarded because of: " + SAYS_SO[1:]),
        ("PING", SAYS_SO, b"-EXECABORT Transaction discarded because of: " + SAYS_SO[1:]),
        ("EVAL '#!lua\nreturn 1' 0", SAYS_SO, b"-EXECABORT Transaction discarded because of: " + SAYS_SO[1:]),
        ("EVAL '#!lua flags=allow-stale\nreturn 1' 0", b":1\r\n", b"*1\r\n:1\r\n"),
        ("EVAL 'return 1' 0", SAYS_SO, b"*1\r\n" + SAYS_SO),
        ("PUBLISH c m", b":0\r\n", b"*1\r\n:0\r\n"),
    ],
)
def test_what_was_queued_before_is_as_old(client, line, alone, queued_before):
    """The answers of Redis 8.2.3."""
    ask(client, "CONFIG SET replica-serve-stale-data no", "CONFIG SET replica-read-only no")
    assert ask(client, line) == alone
    client.engine[Following].promote()
    ask(client, "MULTI", line)
    ask(client.engine[Clients].connect(), "REPLICAOF nowhere 1")
    assert ask(client, "EXEC") == queued_before
