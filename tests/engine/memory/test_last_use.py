"""OBJECT IDLETIME before anything was kept of single keys: what is known of all of them."""

import time

from pytest import fixture, mark

from tests.observed import Observed
from tests.oracle import ask, oracle_8_2, wait_for
from tests.processes import started


@fixture
def observed():
    return Observed()


def wait(observed, seconds):
    """Time passes, and cron with it."""
    for _ in range(seconds * 10):
        observed.engine.cron()
        observed.clock.advance(100)


def test_a_key_is_idle_since_anything_was_used(observed):
    observed("SET a 1")
    wait(observed, 5)
    assert observed.engine.keyspace.on_access is None
    assert observed.value("OBJECT IDLETIME a") == 5
    assert observed.value("OBJECT IDLETIME a") == 5
    observed("GET a")
    assert observed.value("OBJECT IDLETIME a") == 0


@mark.parametrize(
    ("line", "idle"),
    [
        *(
            (line, 3)
            for line in ("TTL a", "PTTL a", "EXPIRETIME a", "TYPE a", "EXISTS a", "SCAN 0", "KEYS *", "DBSIZE")
        ),
        *((line, 3) for line in ("OBJECT ENCODING a", "MEMORY USAGE a", "PING", "INFO", "MOVE a 0", "RANDOMKEY")),
        *((line, 0) for line in ("GET b", "TOUCH a", "SET b 1", "DUMP a", "EVAL \"return redis.call('get', 'b')\" 0")),
        ("EVAL \"return redis.call('ttl', 'b')\" 0", 3),
    ],
)
def test_what_counts_as_a_use(observed, line, idle):
    observed("SET a 1")
    wait(observed, 3)
    observed.line(line)
    observed.engine.cron()
    assert observed.value("OBJECT IDLETIME a") == idle


def test_clients_that_do_not_touch_do_not_count(observed):
    observed("SET a 1")
    wait(observed, 3)
    observed.client.set_no_touch(True)
    observed("GET a")
    observed("SET b 1")  # what it changes does
    observed.engine.cron()
    assert observed.value("OBJECT IDLETIME a") == 0


def test_reading_without_a_touch_leaves_all_idle(observed):
    observed("SET a 1")
    wait(observed, 3)
    observed.client.set_no_touch(True)
    observed("GET a")
    observed.engine.cron()
    assert observed.value("OBJECT IDLETIME a") == 3


@mark.slow
def test_a_server_at_rest_answers_as_the_real_one():
    with started("--save", "") as (port, _), oracle_8_2() as real:
        ports = [one for one in (port, real) if one]
        for one in ports:
            ask(one, "SET", "k", "v")
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > 2.2)
        for one in ports:
            ask(one, "TTL", "k")
            assert ask(one, "OBJECT", "IDLETIME", "k") in (b":2\r\n", b":3\r\n")  # Redis's clock counts seconds
            ask(one, "GET", "k")
            assert ask(one, "OBJECT", "IDLETIME", "k") in (b":0\r\n", b":1\r\n")
