"""Samples of slow events: one a second, the longest; a hundred and sixty; only from the threshold on."""

from pytest import fixture

from pyredis.engine.observability.latency import HISTORY, LatencyEvent, LatencyMonitor
from tests.observed import Observed


def test_a_second_has_one_sample_its_longest():
    event = LatencyEvent()
    for at, latency in ((1, 5), (1, 9), (1, 7), (2, 3)):
        event.add(at, latency)
    assert (list(event.samples), event.maximum) == ([[1, 9], [2, 3]], 9)


def test_the_longest_of_all_is_known_when_its_sample_is_gone():
    event = LatencyEvent()
    for at in range(HISTORY + 1):
        event.add(at, 1000 - at)
    assert (len(event.samples), event.samples[0], event.maximum) == (160, [1, 999], 1000)


@fixture
def observed():
    observed = Observed()
    observed.line("CONFIG SET latency-monitor-threshold 10")
    return observed


def test_it_starts_at_the_threshold(observed):
    monitor = observed.engine[LatencyMonitor]
    for name, latency in (("a", 9), ("b", 10), ("c", 11)):
        monitor.note(name, latency)
    assert {name: event.maximum for name, event in monitor.events.items()} == {"b": 10, "c": 11}
    observed.line("CONFIG SET latency-monitor-threshold 0")
    monitor.note("d", 1000)
    assert "d" not in monitor.events


def test_commands_are_heard_of_from_the_threshold_on(observed):
    monitor = observed.engine[LatencyMonitor]
    for name, milliseconds in ((b"GET", 9), (b"INCR", 10), (b"KEYS", 12)):
        observed.engine.row(name.lower()).handler = lambda ctx, *words, ms=milliseconds: observed.clock.sleep(ms / 1000)
    observed.engine.rewire()
    for line in ("GET a", "INCR a", "KEYS a"):
        observed.line(line)
    assert {name: event.maximum for name, event in monitor.events.items()} == {"fast-command": 10, "command": 12}


def test_a_reset_forgets_what_is_named_or_all(observed):
    monitor = observed.engine[LatencyMonitor]
    for name in "abc":
        monitor.note(name, 10)
    assert monitor.reset(["a", "nosuch"]) == 1
    assert list(monitor.events) == ["b", "c"]
    assert monitor.reset([]) == 2
    assert not monitor.events


def test_the_engine_is_told_the_threshold_in_nanoseconds(observed):
    observed.line("CONFIG SET slowlog-log-slower-than -1")
    assert observed.engine.slow_ns == 10_000_000
