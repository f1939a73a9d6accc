"""What goes when memory is full, what is refused when nothing can go, and what the server says about it."""

import shlex

from pytest import fixture, mark

from pyredis.clock import ManualClock
from pyredis.engine.client import NullSink
from pyredis.engine.execution import gates
from pyredis.engine.memory.eviction import Eviction, time_limit_ns
from pyredis.engine.memory.used_memory import Memory
from tests.observed import Observed, ask

LIBRARY = (
    "#!lua name=l\n"
    "redis.register_function('f', function(k, a) return redis.call('set', 'x', 1) end)"
    "redis.register_function{function_name='g', callback=function(k, a) return redis.call('set', 'x', 1) end,"
    " flags={'allow-oom'}}"
    "redis.register_function{function_name='h', callback=function(k, a) return redis.call('get', 'x') end,"
    " flags={'no-writes'}}"
)

FULL = "CONFIG SET maxmemory 1"
SCRIPTS = {
    "commands": ["SET x y", FULL, "SET a b", "GET x", "DEL x", "APPEND x y", "EXPIRE x 10", "LPUSH l a", "LPOP l"],
    "scripts": [
        *("SET x y", FULL, "EVAL \"redis.call('set','x',1) return 1\" 1 x"),
        *("EVAL \"return redis.pcall('set','x',1)\" 1 x", "EVAL \"return redis.call('get','x')\" 1 x"),
        *("EVAL \"redis.call('del','x') return redis.call('set','x',1)\" 1 x", "GET x"),
        "EVAL_RO \"return redis.call('get','x')\" 1 x",
    ],
    "script_flags": [
        *("SET x y", FULL, "EVAL '#!lua\nreturn 1' 0"),
        "EVAL \"#!lua flags=allow-oom\nredis.call('set','x',2) return 1\" 1 x",
        "EVAL \"#!lua flags=no-writes\nreturn redis.call('get','x')\" 1 x",
    ],
    "functions": [
        *("SET x y", f'FUNCTION LOAD REPLACE "{LIBRARY}"', FULL, f'FUNCTION LOAD REPLACE "{LIBRARY}"'),
        *("FCALL f 1 x", "FCALL g 1 x", "FCALL h 1 x", "FCALL_RO h 1 x", "FUNCTION FLUSH"),
    ],
    "scripts_in_transactions": [
        *("MULTI", "EVAL '#!lua\nreturn 1' 0", "EVAL \"return redis.call('set','x',1)\" 1 x", FULL, "EXEC"),
        *(FULL, "MULTI", "EVAL '#!lua\nreturn 1' 0", "EVAL \"return redis.call('set','x',1)\" 1 x", "EXEC"),
    ],
    "queued_while_full": [FULL, "MULTI", "SET a b", "EXEC"],
    "full_while_queued": ["SET x y", "MULTI", "SET a b", FULL, "GET a", "EXEC"],
    "full_by_itself": ["MULTI", FULL, "GET a", "SET a b", "EXEC"],
    "reads_in_a_transaction": ["SET x y", FULL, "MULTI", "GET x", "DEL x", "EXEC"],
    "everything_goes": [
        *("SET x y", "CONFIG SET maxmemory-policy allkeys-lru", FULL, "DEL x", "DBSIZE", "INCR x", "DBSIZE"),
        *("MULTI", "SET x 1", "EXEC", "DBSIZE"),
    ],
    "only_what_expires_goes": [
        *("SET x y", "SET z y EX 1000", "CONFIG SET maxmemory-policy volatile-random", FULL, "EXISTS z", "DBSIZE"),
        *("SET x z", "GET x", "DBSIZE"),
    ],
}


@fixture
def unlimited(both):
    """Both servers, and afterwards without a limit."""
    yield both
    for words in (["maxmemory", 0], ["maxmemory-policy", "noeviction"]):
        both("CONFIG", "SET", *words)


@mark.parametrize("script", SCRIPTS)
def test_as_the_real_server_answers(unlimited, script):
    for line in SCRIPTS[script]:
        unlimited(*shlex.split(line))


POLICIES = ["lru", "lfu", "random"]


@fixture
def observed():
    return Observed()


def limited(observed, policy, room=0):
    """The memory in use and `room` bytes are the limit."""
    observed.line(f"CONFIG SET maxmemory-policy {policy}")
    observed.line("CONFIG SET maxmemory 1gb")
    observed.engine[Memory].judge()
    observed.line(f"CONFIG SET maxmemory {observed.engine[Memory].used() + room}")
    observed.events.clear()
    observed.sent.clear()


def fill(observed, count, *options):
    for number in range(count):
        observed.line(" ".join(["SET", f"key:{number:03}", "x" * 1000, *options]))


def keys(observed):
    return {int(key[-3:]) for key in observed.client.db.table if key.startswith(b"key")}


def test_the_least_recently_used_go(observed):
    observed.line("CONFIG SET maxmemory-policy allkeys-lru")
    fill(observed, 100)
    observed.clock.advance(1000)
    for number in range(0, 100, 2):
        observed.line(f"GET key:{number:03}")
    observed.clock.advance(1000)
    limited(observed, "allkeys-lru")
    for number in range(25):
        observed.line(f"SET new:{number} {'x' * 1000}")
    left = keys(observed)
    assert 70 <= len(left) <= 80
    assert len([number for number in range(0, 100, 2) if number in left]) >= 48


def test_the_least_frequently_used_go(observed):
    observed.line("CONFIG SET maxmemory-policy allkeys-lfu")
    fill(observed, 100)
    for number in range(0, 100, 2):
        for _ in range(30):
            observed.line(f"GET key:{number:03}")
    limited(observed, "allkeys-lfu")
    for number in range(25):
        observed.line(f"SET new:{number} {'x' * 1000}")
    assert len([number for number in range(0, 100, 2) if number in keys(observed)]) >= 48


def test_what_expires_first_goes(observed):
    for number in range(100):
        observed.line(f"SET key:{number:03} {'x' * 1000} EX {1000 + number}")
    limited(observed, "volatile-ttl")
    for number in range(20):
        observed.line(f"SET new:{number} {'x' * 1000}")
    left = keys(observed)
    assert 70 <= len(left) <= 85
    assert sum(number < 50 for number in left) < sum(number >= 50 for number in left) - 10


@mark.parametrize("policy", POLICIES)
def test_volatile_policies_leave_the_others_alone(observed, policy):
    fill(observed, 20)
    for number in range(20):
        observed.line(f"SET volatile:{number} {'x' * 1000} EX 1000")
    limited(observed, f"volatile-{policy}")
    replies = [observed.line(f"SET new:{number} {'x' * 1000}") for number in range(40)]
    assert keys(observed) == set(range(20))
    assert not observed.client.db.expires.count
    assert replies[0] == b"+OK\r\n"
    assert replies[-1].startswith(b"-OOM ")


@mark.parametrize("policy", POLICIES)
def test_every_database_gives(observed, policy):
    for index in (0, 3, 9):
        observed.line(f"SELECT {index}")
        fill(observed, 20)
    limited(observed, f"allkeys-{policy}")
    for number in range(30):
        observed.line(f"SET new:{number} {'x' * 1000}")
    assert all(len(observed.engine.keyspace.databases[index]) < 20 for index in (0, 3))


def test_it_is_told_propagated_and_counted(observed):
    fill(observed, 3)
    limited(observed, "allkeys-random", -500)
    observed.line("GET none")
    assert observed.events[:1] == ["evicted"]
    assert [line.split()[0] for line in observed.sent] == ["DEL"]
    assert observed.engine.stats.evicted_keys == 1
    assert b"evicted_keys:1" in observed.line("INFO stats")


def test_lazily_it_propagates_as_unlink(observed):
    fill(observed, 3)
    observed.line("CONFIG SET lazyfree-lazy-eviction yes")
    limited(observed, "allkeys-random", -500)
    observed.line("GET none")
    assert [line.split()[0] for line in observed.sent] == ["UNLINK"]


def test_that_is_no_change_of_the_dataset(observed):
    fill(observed, 3)
    dirty = observed.engine.keyspace.dirty
    limited(observed, "allkeys-random", -500)
    observed.line("GET none")
    assert observed.engine.keyspace.dirty == dirty


@mark.parametrize("gate", [gates.PAUSED, gates.LOADING, gates.BUSY])
def test_not_while_keys_may_not_change(observed, gate):
    fill(observed, 3)
    limited(observed, "allkeys-random", -500)
    observed.engine.gates |= gate
    observed.engine[Eviction].make_room()
    assert len(observed.client.db) == 3
    assert not observed.engine[Eviction].refuses
    observed.engine.gates &= ~gate
    observed.engine[Eviction].make_room()
    assert len(observed.client.db) == 2


class SlowClock(ManualClock):
    """Every look at the ticks takes a millisecond."""

    def ticks_ns(self):
        self._us += 1000
        return super().ticks_ns()


def test_a_command_is_not_held_up_for_long_and_cron_does_the_rest():
    observed = Observed(SlowClock(1_000_000))
    fill(observed, 100)
    limited(observed, "allkeys-random", -90_000)
    observed.line("GET none")
    assert 0 < 100 - len(observed.client.db) <= 16
    assert not observed.engine[Eviction].refuses  # there is more that can go
    for _ in range(10):
        observed.engine.cron()
    assert not observed.engine[Memory].is_over
    assert len(observed.client.db) < 30
    stats = observed.line("INFO stats")
    assert b"current_eviction_exceeded_time:0\r\n" in stats
    assert b"total_eviction_exceeded_time:0\r\n" not in stats


def test_without_a_bound_all_goes_at_once():
    observed = Observed(SlowClock(1_000_000))
    fill(observed, 100)
    observed.line("CONFIG SET maxmemory-eviction-tenacity 100")
    limited(observed, "allkeys-random", -90_000)
    observed.line("GET none")
    assert not observed.engine[Memory].is_over


def test_how_long_a_command_is_held_up():
    assert [time_limit_ns(tenacity) for tenacity in (0, 5, 10, 11)] == [0, 250_000, 500_000, 500_000 * 1.15]
    assert 60e9 < time_limit_ns(99) < 180e9
    assert time_limit_ns(100) == float("inf")


def test_slow_evictions_are_latency_events():
    observed = Observed(SlowClock(1_000_000))
    fill(observed, 3)
    observed.line("CONFIG SET latency-monitor-threshold 1")
    limited(observed, "allkeys-random", -500)
    observed.line("GET none")
    assert {"eviction-cycle", "eviction-del"} <= {name.decode() for name, *_ in observed.value("LATENCY LATEST")}


class LaterSink(NullSink):
    """As a connection does, it leaves what is queued until all has run."""

    def flush_soon(self, client):
        pass


def test_a_client_hears_what_was_evicted_before_the_reply(observed):
    observed.client.sink = LaterSink()
    observed.line("SET volatile x EX 1000")
    ask(observed.client, "HELLO 3", "CLIENT TRACKING on", "GET volatile")
    limited(observed, "volatile-random", -10)
    assert observed.line("GET none") == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$8\r\nvolatile\r\n_\r\n"


def test_a_transaction_is_not_interrupted(observed):
    observed.line("CONFIG SET maxmemory-policy allkeys-lru")
    assert ask(observed.client, "MULTI", "INCR x", FULL, "INCR x", "EXEC").endswith(b"*3\r\n:1\r\n+OK\r\n:2\r\n")
    observed.engine.cron()
    assert observed.sent[-1] == "DEL x"
    assert not len(observed.client.db)
