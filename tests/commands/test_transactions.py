"""MULTI, EXEC and WATCH as the real server answers, what propagates, and when a watched key was changed."""

import shlex

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.multi import Watches
from pyredis.engine.observability.slowlog import SlowLog
from pyredis.engine.roster import Clients
from tests.observed import ask, overhear

SCRIPTS = {
    "outside": ["EXEC", "DISCARD", "UNWATCH", "WATCH", "MULTI x", "EXEC x"],
    "exec_that_may_not_run": ["MULTI", "PING", "EXEC x", "EXEC", "PING"],
    "nested": ["MULTI", "MULTI", "WATCH a", "PING", "EXEC"],
    "empty": ["MULTI", "EXEC"],
    "discard": ["SET a 1", "MULTI", "INCR a", "DISCARD", "GET a", "EXEC"],
    "errors_inside": ["MULTI", "SET a b", "INCR a", "GET a", "PING", "EXEC", "GET a"],
    "unknown_command": ["MULTI", "SET a b", "NOSUCH", "EXEC", "GET a", "EXEC"],
    "arity": ["MULTI", "SET a", "SET a b", "EXEC", "GET a"],
    "unknown_subcommand": ["MULTI", "CLIENT foo", "EXEC"],
    "discard_spoiled": ["MULTI", "NOSUCH", "DISCARD", "MULTI", "PING", "EXEC"],
    "watched_unchanged": ["SET a 1", "WATCH a", "MULTI", "GET a", "EXEC"],
    "watched_changed": ["SET a 1", "WATCH a", "SET a 2", "MULTI", "GET a", "EXEC", "MULTI", "GET a", "EXEC"],
    "watched_and_spoiled": ["WATCH a", "SET a 2", "MULTI", "NOSUCH", "EXEC"],
    "unwatched": ["WATCH a", "SET a 2", "UNWATCH", "MULTI", "GET a", "EXEC"],
    "discard_unwatches": ["WATCH a", "SET a 2", "MULTI", "DISCARD", "MULTI", "GET a", "EXEC"],
    "unwatch_inside": ["SET a 1", "WATCH a", "SET a 2", "MULTI", "UNWATCH", "EXEC"],
    "read_is_no_change": ["WATCH a", "GET a", "MULTI", "PING", "EXEC"],
    "monitor_inside": ["MULTI", "MONITOR", "PING", "EXEC"],
}


@mark.parametrize("name", SCRIPTS)
def test_answers_as_the_real_server(both, name):
    for line in SCRIPTS[name]:
        both(*shlex.split(line))


@mark.parametrize("name", SCRIPTS)
def test_one_read_or_many_is_the_same(name):
    one, other = build_engine(clock=ManualClock()), build_engine(clock=ManualClock())
    client, apart = one[Clients].connect(), other[Clients].connect()
    together = ask(client, *SCRIPTS[name])
    assert together == b"".join(ask(apart, line) for line in SCRIPTS[name])
    assert client.commands == apart.commands
    assert one.stats.commands == other.stats.commands
    assert client.last_entry.command is apart.last_entry.command
    counts = [
        {row.command.name: (row.calls, row.failed, row.rejected) for row in engine.rows()} for engine in (one, other)
    ]
    assert counts[0] == counts[1]


@fixture
def clock():
    return ManualClock()


@fixture
def engine(clock):
    return build_engine(clock=clock)


QUEUED = b"+OK\r\n+QUEUED\r\n"


def test_another_clients_change_is_seen(engine):
    one, other = engine[Clients].connect(), engine[Clients].connect()
    ask(one, "WATCH a")
    ask(other, "SET a 1")
    assert ask(one, "MULTI", "PING", "EXEC") == QUEUED + b"*-1\r\n"


def test_only_the_watched_database_counts(engine):
    one, other = engine[Clients].connect(), engine[Clients].connect()
    other.db = engine.keyspace.databases[1]
    ask(one, "WATCH a")
    ask(other, "SET a 1")
    assert ask(one, "MULTI", "PING", "EXEC") == QUEUED + b"*1\r\n+PONG\r\n"


def test_a_watched_key_that_expires_counts_as_changed(engine, clock):
    client = engine[Clients].connect()
    ask(client, "SET a 1 PX 10", "WATCH a")
    clock.advance(20)
    assert ask(client, "MULTI", "PING", "EXEC") == QUEUED + b"*-1\r\n"


def test_a_key_expired_before_watch_does_not(engine, clock):
    client = engine[Clients].connect()
    ask(client, "SET a 1 PX 10")
    clock.advance(20)
    assert ask(client, "WATCH a", "MULTI", "PING", "EXEC") == b"+OK\r\n" + QUEUED + b"*1\r\n+PONG\r\n"


@mark.parametrize("lines", [["DEL a"], ["GET a"], ["FLUSHALL"]])
def test_deleting_what_was_expired_at_watch_is_no_change(engine, clock, lines):
    client, other = engine[Clients].connect(), engine[Clients].connect()
    ask(client, "SET a 1 PX 10")
    clock.advance(20)
    ask(client, "WATCH a")
    ask(other, *lines)
    assert ask(client, "MULTI", "PING", "EXEC") == QUEUED + b"*1\r\n+PONG\r\n"


def test_writing_what_was_expired_at_watch_is_a_change(engine, clock):
    client, other = engine[Clients].connect(), engine[Clients].connect()
    ask(client, "SET a 1 PX 10")
    clock.advance(20)
    ask(client, "WATCH a")
    ask(other, "SET a 2")
    assert ask(client, "MULTI", "PING", "EXEC") == QUEUED + b"*-1\r\n"


def test_a_watched_key_that_is_flushed_counts_as_changed(engine):
    client, other = engine[Clients].connect(), engine[Clients].connect()
    ask(client, "SET a 1", "WATCH a none")
    ask(other, "FLUSHALL")
    assert ask(client, "MULTI", "PING", "EXEC") == QUEUED + b"*-1\r\n"


@mark.parametrize(
    ("here", "there", "touched"),
    [
        ("", "", False),
        ("SET a 1", "", True),
        ("", "SET a 1", True),
        ("SET a 1 PX 10", "", False),
        ("", "SET a 1 PX 10", False),
        ("SET a 1 PX 10", "SET a 2 PX 10", False),
        ("SET a 1 PX 10", "SET a 2", True),
        ("SET a 1", "SET a 2 PX 10", True),
    ],
)
def test_swapping_databases_changes_what_is_not_expired(engine, clock, here, there, touched):
    client, other = engine[Clients].connect(), engine[Clients].connect()
    other.db = engine.keyspace.databases[1]
    for one, line in ((client, here), (other, there)):
        if line:
            ask(one, line)
    clock.advance(20)
    engine.tick()
    ask(client, "WATCH a")
    engine.keyspace.swap(0, 1)
    assert engine[Watches].touched(client) is touched


def test_nobody_watches_once_the_client_is_gone(engine):
    client = engine[Clients].connect()
    ask(client, "WATCH a b")
    assert engine[Watches].total == (1, 2)
    engine[Clients].disconnect(client)
    assert engine[Watches].total == (0, 0)
    assert not engine.keyspace.observers


@mark.parametrize(
    ("lines", "propagated"),
    [
        (["SET a 1", "INCR a"], ["MULTI", "SET a 1", "INCR a", "EXEC"]),
        (["SET a 1"], ["SET a 1"]),
        (["GET a", "SET a 1", "PING"], ["SET a 1"]),
        (["GET a"], []),
        (["SET a x", "INCR a", "SET b 1"], ["MULTI", "SET a x", "SET b 1", "EXEC"]),
        (["SET a 1", "GETDEL a"], ["MULTI", "SET a 1", "DEL a", "EXEC"]),
    ],
)
def test_what_propagates_is_one_transaction(engine, lines, propagated):
    heard = []
    overhear(engine, lambda argv: heard.append(b" ".join(argv).decode()))
    ask(engine[Clients].connect(), "MULTI", *lines, "EXEC")
    assert heard == propagated


def test_the_commands_and_not_exec_are_logged_as_slow(engine):
    engine.config.set_many([(b"slowlog-log-slower-than", b"0")])
    client = engine[Clients].connect()
    ask(client, "MULTI", "SET a b", "EXEC")
    assert [entry.argv[0] for entry in engine[SlowLog].entries] == [b"SET", b"MULTI"]


def test_the_plain_path_is_open_again_afterwards(engine):
    client = engine[Clients].connect()
    for end in ("EXEC", "DISCARD"):
        ask(client, "MULTI", "PING", end)
        assert client.gates == 0
