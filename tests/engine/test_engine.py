"""The engine by itself: its time, its clients, its rows, and how often cron runs."""

from math import inf

from pytest import mark, raises

from pyredis.engine.client import CLOSED
from pyredis.engine.execution import gates
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError
from tests.observed import Observed, words


@mark.parametrize(("clients", "hz"), [(1, 10), (2009, 10), (2010, 20), (4100, 40), (90_000, 500), (150_000, 500)])
def test_many_clients_make_it_run_more_often(clients, hz):
    """With the configured 10 there would be more than 200 clients to a run (Redis's dynamic-hz)."""
    observed = Observed()
    observed.engine.connected = clients
    assert observed.engine.hz == hz


def test_if_it_may():
    observed = Observed()
    observed.engine.connected = 10_000
    observed.line("CONFIG SET dynamic-hz no")
    assert observed.engine.hz == 10
    observed.line("CONFIG SET hz 100")
    assert observed.engine.hz == 100


def test_a_script_that_overruns_sees_one_time_and_no_cron():
    observed = Observed()
    engine, ran = observed.engine, []
    engine.cron_steps.append(lambda: ran.append(engine.keyspace.now))
    engine.gates |= gates.BUSY
    observed.clock.advance(10)
    engine.cron()
    assert (engine.keyspace.now, ran) == (1_000_000, [])
    engine.gates &= ~gates.BUSY
    engine.cron()
    assert (engine.keyspace.now, ran) == (1_000_010, [1_000_010])
    engine.cron_paused = True  # DEBUG PAUSE-CRON
    engine.cron()
    assert len(ran) == 1


def test_a_client_that_parted_leaves_nothing():
    engine, forgotten = Observed().engine, []
    engine[Clients].on_forget.append(forgotten.append)
    one, two = engine[Clients].connect(), engine[Clients].connect()
    assert (two.id, two.created) == (one.id + 1, 1_000_000)
    one.pending.append([b"PING"])
    one.reply(1)
    engine[Clients].disconnect(one)
    assert (one.waiting, list(one.pending), one.out, forgotten) == (CLOSED, [], [], [one])
    assert one.id not in engine[Clients].listed
    assert engine[Clients].listed[two.id] is two
    assert engine.stats.connections == 3


def test_writes_are_refused_while_anybody_cannot_make_them_durable():
    observed = Observed()
    observed.engine.note_disk_error("rdb", b"MISCONF one")
    observed.engine.note_disk_error("aof", b"MISCONF two")
    observed.engine.note_disk_error("rdb", None)
    assert observed.line("SET a 1") == b"-MISCONF two\r\n"
    observed.engine.note_disk_error("aof", None)
    observed.engine.note_disk_error("aof", None)
    assert observed.line("SET a 1") == b"+OK\r\n"


def test_the_quickest_that_anybody_wants_to_hear_of():
    engine = Observed().engine
    engine.note_slow_threshold("slowlog", None)
    engine.note_slow_threshold("latency", None)
    assert engine.slow_ns == inf
    engine.note_slow_threshold("latency", 500)
    engine.note_slow_threshold("slowlog", 700)
    assert engine.slow_ns == 500
    engine.note_slow_threshold("latency", None)
    assert engine.slow_ns == 700


@mark.parametrize("line", ["nosuch", "NoSuch a b", "GETT " + "x" * 200, "CLIENT nosuch", "client NoSuch a", "n" * 200])
def test_what_is_unknown_is_told_as_the_real_server_tells_it(both, line):
    both(*words(line))


def test_rows_are_found_in_any_case_and_with_their_subcommand():
    engine = Observed().engine
    assert engine.find([b"gEt", b"a"]).command.name == "get"
    assert engine.find([b"CLIENT", b"Id"]).command.name == "client|id"
    assert engine.find([b"CLIENT"]).command.name == "client"
    with raises(CommandError, match="unknown"):
        engine.find([b"CLIENT", b"nosuch"])
    assert {row.command.name for row in engine.rows()} >= {"get", "client", "client|id"}
    rows = list(engine.every_row())
    assert len(rows) == len(set(rows)) == len(list(engine.rows())) > 300


def test_a_row_that_is_asked_for_late_is_led_as_the_others_are():
    engine = Observed().engine
    engine.record = lambda entry: lambda ctx, *words: entry.command.name
    engine.rewire()
    engine.refuse_writes(True)
    row = engine.find([b"SETRANGE"])
    assert (row.call(None), row.plain) == ("setrange", False)
    assert engine.find([b"GETRANGE"]).plain
    engine.refuse_writes(False)
    assert row.plain


def test_cron_comes_to_it_between_scripts_that_overrun():
    engine = Observed().engine
    passed = []
    engine.cron_steps.append(lambda: passed.append(engine.gates & gates.BUSY))
    engine.gates |= gates.BUSY
    for _ in range(3):
        engine.cron()
    assert passed == []
    engine.gates &= ~gates.BUSY
    engine.freed()
    engine.gates |= gates.BUSY  # the next one was quicker
    engine.host.run_due()
    assert passed == []
    engine.gates &= ~gates.BUSY
    engine.freed()
    engine.host.run_due()
    assert passed == [0]
    engine.host.run_due()
    assert passed == [0]
