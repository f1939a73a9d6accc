"""The active expire cycle, under a clock that stands still until moved."""

from pytest import fixture, mark

from pyredis.clock import ManualClock
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.engine.execution.pause import Pause
from pyredis.keyspace.active_expiry import ActiveExpiry
from pyredis.keyspace.database import DELETE
from pyredis.persistence.dataset_loading import Loading
from tests.observed import Observed


class SlowClock(ManualClock):
    """Every look at the ticks takes a while."""

    cost_ms = 0.0

    def ticks_ns(self):
        self._us += int(self.cost_ms * 1000)
        return super().ticks_ns()


@fixture
def observed():
    return Observed()


def fill(observed, count, when, index=0):
    db = observed.engine.keyspace.databases[index]
    for number in range(count):
        db.table.set(b"k%d" % number, b"")
        db.expires.set(b"k%d" % number, when(number) if callable(when) else when)
    return db


def cycles(observed, count=1):
    for _ in range(count):
        observed.engine.tick()
        observed.engine[ActiveExpiry].step()


def test_nobody_needs_to_ask(observed):
    observed("SET s 5 PX 10")
    observed("SET t 5")
    observed.clock.advance(11)
    observed.events.clear()
    observed.sent.clear()
    cycles(observed)
    assert list(observed.client.db.table) == [b"t"]
    assert (observed.events, observed.sent) == (["expired"], ["DEL s"])
    assert observed.engine.keyspace.expired_count == 1


def test_the_engines_cron_runs_it(observed):
    observed("SET s 5 PX 10")
    observed.clock.advance(11)
    observed.engine.cron()
    assert len(observed.client.db) == 0


def test_a_long_cycle_is_a_latency_event():
    observed = Observed(SlowClock(1_000_000))
    observed("CONFIG SET latency-monitor-threshold 20")
    cycles(observed)
    assert observed.value("LATENCY LATEST") == []
    observed.clock.cost_ms = 25
    cycles(observed)
    assert [(name, latency) for name, _, latency, *_ in observed.value("LATENCY LATEST")] == [(b"expire-cycle", 25)]


def test_all_stale_keys_go_in_one_cycle(observed):
    db = fill(observed, 5000, 1_000_010)
    observed.clock.advance(11)
    cycles(observed)
    assert len(db) == len(db.expires) == 0


def test_few_stale_keys_are_found_over_some_cycles(observed):
    """One in twenty is stale: no cycle walks far, but the cursor gets around."""
    db = fill(observed, 2000, lambda number: 1_000_010 if number % 20 == 0 else 9_000_000)
    observed.clock.advance(11)
    cycles(observed)
    assert len(db) > 1900
    cycles(observed, 400)
    assert len(db) == 1900


@mark.parametrize("switch", ["debug", "replica"])
def test_it_can_be_off(observed, switch):
    observed("SET s 5 PX 10")
    if switch == "debug":
        observed.engine[ActiveExpiry].enabled = False
    else:
        observed.engine[ExpiryView].update(replica=True)
    observed.clock.advance(11)
    cycles(observed)
    assert len(observed.client.db) == 1


@mark.parametrize("last", ["pause", "load"])
def test_a_pause_and_a_load_may_overlap_in_any_order(observed, last):
    """Each held a copy of one flag: after a load that began in a pause and outlived it nothing expired any more."""
    pause, loading = observed.engine[Pause], observed.engine[Loading]
    ends = {"pause": pause.end, "load": loading.leave}
    for began in (lambda: pause.begin(1 << 50, False), loading.enter):
        began()
    ends[{"pause": "load", "load": "pause"}[last]]()
    assert observed.engine.keyspace.view != DELETE
    ends[last]()
    observed("SET s 5 PX 10")
    observed.clock.advance(11)
    cycles(observed)
    assert len(observed.client.db) == 0
    assert observed.engine.keyspace.expired_count == 1


def test_every_database_gets_its_turn(observed):
    filled = [fill(observed, 50, 1_000_010, index) for index in range(16)]
    observed.clock.advance(11)
    cycles(observed)
    assert not any(map(len, filled))


@mark.parametrize(("effort", "hz"), [(1, 10), (10, 10), (1, 100)])
def test_time_is_bounded(effort, hz):
    """25 % of the period and 2 % more a step; the rest waits, and what waits is not forgotten."""
    clock = SlowClock(1_000_000)
    observed = Observed(clock)
    observed.engine.config.replace("active-expire-effort", effort)
    observed.engine.config.replace("hz", hz)
    first = fill(observed, 20_000, 1_000_010)
    second = fill(observed, 50, 1_000_010, 1)
    clock.advance(11)
    allowed = (25 + 2 * (effort - 1)) * 10 / hz
    clock.cost_ms = allowed / 2.5
    before = clock.now_us()
    cycles(observed)
    spent = (clock.now_us() - before) / 1000
    assert allowed <= spent <= 3 * allowed
    assert 0 < len(first) < 20_000
    assert observed.engine.stats.expired_time_cap_reached == 1
    assert observed.engine.stats.expire_cycle_ms == int(spent - clock.cost_ms)
    cycles(observed)
    assert len(second) == 0


def test_it_estimates_how_many_keys_are_stale(observed):
    fill(observed, 100, 1_000_010)
    observed.clock.advance(11)
    cycles(observed)
    assert observed.engine.stats.expired_stale_percent == 5.0
    cycles(observed)
    assert observed.engine.stats.expired_stale_percent == 4.75
