"""What is slow enough, how it is shortened, and how much is kept; SLOWLOG itself is test_monitoring.py's."""

from pytest import fixture, mark

from pyredis.engine.execution import detours
from pyredis.engine.observability.slowlog import SlowLog
from tests.observed import Observed


@fixture
def observed():
    return Observed()


@fixture
def log(observed):
    return observed.engine[SlowLog]


def test_what_takes_as_long_as_the_threshold_is_slow(observed, log):
    for duration in (9_999, 10_000, 10_001):
        log.note(observed.client, [b"GET", b"a"], duration)
    assert [(entry.id, entry.duration) for entry in log.entries] == [(1, 10_001), (0, 10_000)]


@mark.parametrize(("threshold", "is_exact"), [(-1, False), (0, True), (999, True), (1000, False)])
def test_below_a_millisecond_each_is_timed_alone(observed, log, threshold, is_exact):
    observed.line(f"CONFIG SET slowlog-log-slower-than {threshold}")
    assert bool(observed.engine.gates & detours.TIMED) is is_exact
    log.entries.clear()
    log.note(observed.client, [b"GET"], 1_000_000)
    assert len(log.entries) == (threshold >= 0)
    assert log.threshold == threshold


def test_the_oldest_go_and_numbers_go_on(observed, log):
    observed.line("CONFIG SET slowlog-max-len 2")
    for _ in range(3):
        log.note(observed.client, [b"GET"], 10_000)
    assert [entry.id for entry in log.entries] == [2, 1]
    observed.line("CONFIG SET slowlog-max-len 1")
    assert [entry.id for entry in log.entries] == [2]
    observed.line("CONFIG SET slowlog-max-len 0")
    log.note(observed.client, [b"GET"], 10_000)
    assert not log.entries


def test_who_and_when(observed, log):
    observed.client.name = b"me"
    observed.clock.advance(1_500)
    log.note(observed.client, [b"GET"], 10_000)
    assert (log.entries[0].at, log.entries[0].name, log.entries[0].address) == (1001, b"me", b"")


@mark.parametrize(
    ("argv", "shown"),
    [
        ([b"x" * 128], [b"x" * 128]),
        ([b"x" * 129], [b"x" * 128 + b"... (1 more bytes)"]),
        ([b"a"] * 32, [b"a"] * 32),
        ([b"a"] * 33, [b"a"] * 31 + [b"... (2 more arguments)"]),
    ],
)
def test_long_commands_are_shortened(observed, log, argv, shown):
    log.note(observed.client, argv, 10_000)
    assert log.entries[0].argv == shown


def test_what_is_secret_is_not_shown(observed, log):
    observed.client.redacted = (1, 2)
    log.note(observed.client, [b"AUTH", b"me", b"secret", b"x"], 10_000)
    assert log.entries[0].argv == [b"AUTH", b"(redacted)", b"(redacted)", b"x"]


@mark.parametrize(("threshold", "nanoseconds"), [(0, 0), (5, 5_000), (-1, float("inf"))])
def test_the_engine_is_told_the_threshold_in_nanoseconds(observed, threshold, nanoseconds):
    observed.line(f"CONFIG SET slowlog-log-slower-than {threshold}")
    assert observed.engine.slow_ns == nanoseconds
