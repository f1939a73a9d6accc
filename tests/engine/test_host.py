"""Timers in order, and an engine whose plain host has no loop: `Engine.cron` lets its time pass."""

from pytest import fixture, mark, raises

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config
from pyredis.engine.execution import gates
from pyredis.engine.execution.pause import Pause
from pyredis.engine.host import Host, Tcp, Timers, is_local
from pyredis.engine.roster import Clients
from pyredis.persistence.dataset_loading import Loading
from tests.observed import ask


@fixture
def timers():
    return Timers()


@fixture
def ran():
    return []


def test_in_the_order_of_time_then_of_asking(timers, ran):
    for when, name in ((20, "c"), (10, "a"), (20, "d"), (10, "b")):
        timers.at(when, lambda name=name: ran.append(name))
    timers.soon(lambda: ran.append("soon"))
    assert timers.next_due == 0
    timers.run_due(19)
    assert (ran, timers.next_due) == (["soon", "a", "b"], 20)
    timers.run_due(20)
    assert (ran[3:], timers.next_due) == (["c", "d"], None)


def test_what_a_step_asks_for_waits_for_the_next_call(timers, ran):
    def again():
        ran.append(1)
        timers.soon(again)

    timers.soon(again)
    timers.at(1, lambda: ran.append(2))
    timers.run_due(5)
    assert ran == [1, 2]
    timers.run_due(5)
    assert ran == [1, 2, 1]


def test_a_cancelled_step_does_not_run(timers, ran):
    first = timers.at(1, lambda: second.cancel())
    second = timers.at(1, lambda: ran.append("second"))
    third = timers.at(2, lambda: ran.append("third"))
    third.cancel()
    third.cancel()
    timers.run_due(9)
    assert (ran, len(timers), timers.next_due) == ([], 0, None)
    first.cancel()
    assert (first.when, third.when) == (1, 2)


def test_cancelled_ones_do_not_pile_up(timers, ran):
    kept = [timers.at(10**6 + number, lambda: ran.append(1)) for number in range(100)]
    for number in range(10_000):
        timers.at(number, ran.clear).cancel()
        assert len(timers) <= 300
    timers.run_due(10**7)
    assert len(ran) == len(kept)
    assert len(timers) == 0


def test_after_an_error_the_others_are_still_due(timers, ran):
    timers.at(1, lambda: 1 / 0)
    timers.at(1, lambda: ran.append(1))
    with raises(ZeroDivisionError):
        timers.run_due(1)
    timers.run_due(1)
    assert ran == [1]


def test_the_plain_host_has_no_network():
    host = Host(ManualClock())
    with raises(OSError, match="without a network"):
        host.listen(Tcp((), 1), lambda: None, 1)
    with raises(OSError, match="without a network"):
        host.dial(("h", 1), None)


@mark.parametrize(
    ("address", "local"),
    [("127.0.0.1:1", True), ("[::1]:1", True), ("10.0.0.1:1", False), ("/s:0", True), ("a:1", False), ("", False)],
)
def test_is_local(address, local):
    assert is_local(address) == local


def test_a_load_in_slices_ends_without_a_server():
    engine, done = build_engine(clock=ManualClock()), []
    steps = iter([None] * 3)
    engine[Loading].begin(steps, done.append)
    for _ in range(3):
        assert (engine[Loading].active, done) == (True, [])
        engine.cron()
    assert (engine[Loading].active, done) == (False, [None])


@fixture
def busy():
    """An engine on the machine's clock, whose scripts overrun at once."""
    config = Config()
    config.load_lines("busy-reply-threshold 1", None)
    return build_engine(config)


SCRIPT = "local n = 0 while n < 3000000 do n = n + 1 end return n"


def run_on(engine):
    for _ in range(10_000):
        if not engine.gates & gates.BUSY:
            return
        engine.cron()
    raise AssertionError("the script does not end")


def test_a_script_that_overruns_answers_without_a_server(busy):
    client = busy[Clients].connect()
    assert ask(client, f"EVAL '{SCRIPT}' 0") == b""
    assert ask(busy[Clients].connect(), "PING").startswith(b"-BUSY")
    run_on(busy)
    assert b"".join(client.out) == b":3000000\r\n"


def test_what_is_due_meanwhile_waits_for_it(busy):
    client, waiting, other = (busy[Clients].connect() for _ in range(3))
    ask(waiting, "BLPOP l 0.001")
    assert ask(client, "EVAL 'while true do end' 0") == b""
    busy[Pause].begin(busy.clock.now_ms() - 1, False)
    for _ in range(3):
        busy.cron()
    assert busy.gates & gates.BUSY and busy[Pause].active
    assert waiting.out == []
    assert ask(other, "SCRIPT KILL") == b"+OK\r\n"
    run_on(busy)
    assert not busy[Pause].active
    assert b"".join(waiting.out) == b"*-1\r\n"
    assert ask(other, "SET k v") == b"+OK\r\n"


def test_a_pause_ends_to_the_millisecond():
    clock = ManualClock()
    engine = build_engine(clock=clock)
    ask(engine[Clients].connect(), "CLIENT PAUSE 1000")
    for ms, active in ((999, True), (1, False)):
        clock.advance(ms)
        engine.host.run_due()
        assert engine[Pause].active == active


def test_a_wait_that_ends_leaves_no_timer():
    engine = build_engine(clock=ManualClock())
    client = engine[Clients].connect()
    ask(client, "BLPOP l 100")
    due = engine.clock.now_ms() + 100_000
    assert engine.host.timers.next_due == due
    ask(engine[Clients].connect(), "RPUSH l v")
    assert engine.host.timers.next_due != due
