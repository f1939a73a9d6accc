"""A server's row of a command: which path it takes, and what is counted of it."""

from pytest import fixture, mark

from pyredis.engine.command_table.command import FAST
from pyredis.engine.command_table.entry import QUICK_WORDS
from tests.observed import Observed


@fixture(scope="module")
def engine():
    return Observed().engine


def rows(engine, names):
    return {name: engine.row(name.lower().encode()) for name in names.split()}


@mark.parametrize(
    ("names", "is_plain"),
    [
        ("GET SET MGET LRANGE SORT EVAL FCALL EVALSHA COPY PING ECHO", True),
        ("BLPOP XREAD SUBSCRIBE MULTI EXEC WATCH CONFIG CLIENT SHUTDOWN MONITOR DEBUG SAVE AUTH HELLO", False),
    ],
)
def test_who_takes_the_plain_path(engine, names, is_plain):
    assert {name: row.plain for name, row in rows(engine, names).items()} == dict.fromkeys(names.split(), is_plain)


@mark.parametrize(
    ("names", "is_alone"),
    [("COPY MOVE SWAPDB FLUSHALL EVAL EVALSHA FCALL", True), ("SET RENAME FLUSHDB SCRIPT", False)],
)
def test_who_may_change_other_databases(engine, names, is_alone):
    assert {name: row.every_database for name, row in rows(engine, names).items()} == dict.fromkeys(
        names.split(), is_alone
    )


def test_every_write_of_another_database_is_one_of_these():
    """The list is exact: the changes of these are looked for in all databases."""
    for line in ("COPY a b DB 1", "MOVE a 1", "SWAPDB 0 1", "FLUSHALL", "EVAL \"redis.call('MOVE','a',1)\" 1 a"):
        observed = Observed()
        observed.line("SET a 1")
        assert len(observed(line)[2]) == 1, line
    observed = Observed()
    observed.line("SELECT 1")
    observed.line("SET a 1")
    observed.line("SELECT 0")
    assert observed("FLUSHALL")[2] == ["FLUSHALL"]


@mark.parametrize(
    ("nanoseconds", "bucket"), [(0, 0), (1023, 0), (1024, 1), (2047, 1), (2048, 2), (1 << 20, 11), ((1 << 63) - 1, 53)]
)
def test_the_histogram_has_a_bucket_for_every_time(engine, nanoseconds, bucket):
    row = engine.row(b"get")
    row.reset()
    row.calls = 3
    row.sample(nanoseconds)  # one of them, and the others are believed to be alike
    assert (row.calls, row.nanoseconds, row.histogram[bucket], sum(row.histogram)) == (3, 3 * nanoseconds, 3, 3)


def test_a_reset_reaches_subcommands(engine):
    row = engine.row(b"client")
    sub = row.subentries[b"id"]
    sub.calls = 1
    sub.sample(5)
    sub.failed = sub.rejected = row.rejected = 1
    row.reset()
    assert (sub.calls, sub.nanoseconds, sub.failed, sub.rejected, row.rejected, sum(sub.histogram)) == (0,) * 6


@mark.parametrize(("name", "repeats"), [("GET", True), ("SORT", False), ("ECHO", True), ("KEYS", False)])
def test_what_is_quick_or_constant_is_timed_together(engine, name, repeats):
    row = engine.row(name.lower().encode())
    assert bool(row.quick_sizes) is repeats


def test_a_constant_command_that_is_not_called_fast_repeats(engine):
    slow = [row for row in engine.every_row() if row.command.complexity == "O(1)" and not row.command.flags & FAST]
    assert slow
    assert all(row.quick_sizes for row in slow if row.plain and row.minimum <= QUICK_WORDS)
