"""The path of a command: what is counted, timed and answered is the same whichever way it takes."""

import logging

from pytest import fixture, mark

from pyredis.engine.execution import detours
from pyredis.engine.execution.run import run
from pyredis.engine.observability.slowlog import SlowLog
from pyredis.engine.roster import Clients
from tests.observed import Observed, ask, words

LINES = ["SET a 1", "GET a", "GET a", "INCR l", "MGET a b", "GET", "GET a b", "NOSUCH", "RPUSH a x", "PING", "PING x y"]
LINES += ["'' a", "GET a", "GET a b", "'' a", "''", "''", "GET a"]
LINES += ["LRANGE l 0 -1", "EVAL 'return {1,2}' 0", "EVAL 'return redis.call(1)' 0", "SELECT 1", "GET a", "CLIENT ID x"]
DISPATCHED = "CLIENT NO-TOUCH ON"


def told(observed):
    """What is counted of everything that ran."""
    rows = {row.command.name: (row.calls, row.failed, row.rejected) for row in observed.engine.rows() if row.calls}
    rejected = {row.command.name: row.rejected for row in observed.engine.rows() if row.rejected}
    stats = observed.engine.stats
    return rows, rejected, stats.commands, stats.errors, stats.error_replies, observed.client.commands


@mark.parametrize("before", [[], ["GET a"], ["GET a b"], ["MULTI"]])
def test_a_name_may_be_empty(before):
    observed = Observed()
    assert ask(observed.client, *before, "'' a", "GET a").count(b"unknown command ''") == 1


def test_every_way_answers_and_counts_the_same():
    plain, apart, dispatched = Observed(), Observed(), Observed()
    dispatched.client.gates |= detours.NO_TOUCH
    for observed in (plain, apart, dispatched):
        observed.line("RPUSH l x")
    together = ask(plain.client, *LINES)
    assert together == b"".join(ask(apart.client, line) for line in LINES)
    assert together == ask(dispatched.client, *LINES)
    assert told(plain) == told(apart) == told(dispatched)


@mark.parametrize("value", [b"", b"x" * 1023, b"x" * 1024, 0, 1023, 1024, -1, None, [1, b"a"], 1.5, True])
@mark.parametrize("resp", [2, 3])
def test_a_value_is_encoded_alike_on_both_ways(value, resp):
    replies = []
    for gate in (0, detours.NO_TOUCH):
        observed = Observed()
        observed.engine.row(b"get").handler = lambda ctx, key: value
        observed.engine.rewire()
        observed.client.talk(resp)
        observed.client.gates |= gate
        replies.append(observed.line("GET a"))
    assert replies[0] == replies[1] == observed.client.encoders[type(value)](value)


@fixture(params=[0, detours.NO_TOUCH], ids=["plain", "dispatched"])
def observed(request, caplog):
    observed = Observed()
    observed.client.gates |= request.param
    return observed


@mark.parametrize("size", range(1, 8))
def test_arguments_arrive_in_order(observed, size):
    entry = observed.engine.row(b"del")
    entry.handler, entry.minimum = lambda ctx, *words: [b"".join(words)], 1
    observed.engine.rewire()
    argv = [b"DEL", *(b"%d" % number for number in range(1, size))]
    run(observed.engine, observed.client, [argv])
    expected = b"".join(argv[1:])
    assert b"".join(observed.client.out) == b"*1\r\n$%d\r\n%b\r\n" % (len(expected), expected)


def test_a_fault_of_ours_is_an_error_reply_and_logged(observed, caplog):
    def breaks(ctx, key):
        raise ZeroDivisionError

    observed.engine.row(b"get").handler = breaks
    observed.engine.rewire()
    with caplog.at_level(logging.ERROR, "pyredis"):
        assert ask(observed.client, "GET a", "PING") == b"-ERR internal error: ZeroDivisionError\r\n+PONG\r\n"
    assert "Unexpected error in get" in caplog.text
    assert observed.engine.row(b"get").failed == 1
    assert observed.engine.stats.errors == {"ERR": 1}


def spends(observed, name, milliseconds):
    """Let a command take so long."""
    entry = observed.engine.row(name.lower())
    handler = entry.handler

    def slowly(ctx, *words):
        observed.clock.sleep(milliseconds / 1000)
        return handler(ctx, *words)

    entry.handler = slowly
    observed.engine.rewire()
    return entry


def test_time_is_the_command_s_own_where_another_begins(observed):
    get, keys = spends(observed, b"GET", 3), spends(observed, b"KEYS", 5)
    ask(observed.client, "KEYS a", "GET a", "GET b", "KEYS b")
    assert (get.nanoseconds, keys.nanoseconds) == (6_000_000, 10_000_000)
    assert (get.calls, keys.calls) == (2, 2)


def test_a_stretch_of_constant_commands_shares_its_time():
    observed = Observed()
    get, put = spends(observed, b"GET", 3), spends(observed, b"SET", 1)
    for _ in range(4):  # by turns each is the sample
        ask(observed.client, "GET a", "SET a 1", "GET a", "SET b 1")
    assert (get.nanoseconds, put.nanoseconds) == (16_000_000, 16_000_000)
    assert (get.calls, put.calls) == (8, 8)


def test_each_is_timed_where_that_must_be_known():
    observed = Observed()
    observed.line("CONFIG SET slowlog-log-slower-than 999")
    spends(observed, b"GET", 3), spends(observed, b"SET", 0.5)
    ask(observed.client, "SET a 1", "GET a", "SET b 1")
    assert [entry.argv for entry in observed.engine[SlowLog].entries] == [words("GET a")]


@mark.parametrize(("line", "is_logged"), [("GET a", True), ("EXEC", False)])
def test_the_slow_log_hears_of_what_is_slow_but_for_exec(line, is_logged):
    observed = Observed()
    observed.line("MULTI") if line == "EXEC" else None
    spends(observed, line.split()[0].encode(), 20)
    observed.line(line)
    assert bool(observed.engine[SlowLog].entries) is is_logged


def test_what_came_behind_a_wait_is_kept(observed):
    assert ask(observed.client, "BLPOP l 0") == b""
    assert observed.client.waiting is not None
    assert observed.engine.row(b"blpop").calls == 0  # it is counted when it has done something
    ask(observed.engine[Clients].connect(), "RPUSH l x")
    assert b"".join(observed.client.out) == b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n"
    assert observed.engine.row(b"blpop").calls == 1


def test_a_command_s_own_messages_come_behind_its_reply(observed):
    observed.client.talk(3)
    reply = ask(observed.client, "SUBSCRIBE c", "PUBLISH c m")
    assert reply.endswith(b":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n")
    assert reply.startswith(b">3\r\n$9\r\nsubscribe\r\n")


def test_an_empty_name_is_that_of_no_command(observed):
    """Whatever ran before it, and whatever comes behind."""
    for lines in (
        [[b"", b"10"]],
        [[b"PING"], [b""]],
        [[b""], [b"PING"], [b""]],
        [[b"GET", b"a"], [b"", b"a"], [b"GET", b"a"]],
    ):
        run(observed.engine, observed.client, lines)
        replies = b"".join(observed.client.out)
        observed.client.out.clear()
        assert replies.count(b"-ERR unknown command ''") == lines.count([b""]) + sum(
            one[0] == b"" for one in lines if one[1:]
        )
