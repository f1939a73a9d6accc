"""How often and when keys are used, as the real server counts it."""

import shlex

from pytest import fixture, mark

from pyredis.keyspace.access import Access
from tests.observed import Observed

COUNTED = {
    "strings": "SET a 1|GET a|SET a 2|MGET a a a|INCR a|APPEND a x|SETRANGE a 0 y|STRLEN a|GETSET a 5|GETEX a EX 9",
    "no_reading": "SET a 1|EXISTS a|TTL a|TYPE a|OBJECT ENCODING a|EXPIRE a 100|PERSIST a|OBJECT FREQ a|RANDOMKEY",
    "conditions": "SET a 5|SETNX a 6|SET a 5 XX|SET a 5 GET|SET a 5 NX|SET a 5 KEEPTTL|SETEX a 9 5|MSET a 6 a 7",
    "touch": "SET a 1|TOUCH a|CLIENT NO-TOUCH ON|GET a|SET a 6|TOUCH a|CLIENT NO-TOUCH OFF",
    "moved": "SET b 1|GET b|RENAME b a|COPY a b|RENAME b a|GET a|MOVE a 1|SELECT 1|GET a",
    "new_again": "SET a 1|GET a|GET a|DEL a|SET a 2|GETDEL a|SET a 3",
    "hashes": "HSET a f v|HSET a f v2|HGET a f|HGETALL a|HLEN a|HDEL a f",
    "lists": "LPUSH a a|RPUSH a b|LRANGE a 0 -1|LLEN a|LPOP a|SORT a ALPHA",
    "sets": "SADD a a|SADD a b|SISMEMBER a a|SMEMBERS a|SCARD a|SUNION a a",
    "sorted_sets": "ZADD a 1 a|ZADD a 2 a|ZRANGE a 0 -1|ZSCORE a a|ZCARD a",
    "streams": "XADD a 1-1 a b|XADD a 1-2 a b|XLEN a|XRANGE a - +",
}


@fixture
def counting(both):
    """Both servers count every access, and afterwards none."""
    both("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu", "lfu-log-factor", 0)
    yield both
    both("CONFIG", "SET", "maxmemory-policy", "noeviction", "lfu-log-factor", 10)


@mark.parametrize("script", COUNTED)
def test_accesses_count_as_in_the_real_server(counting, script):
    for line in COUNTED[script].split("|"):
        counting.replies(*shlex.split(line))
        counting("OBJECT", "FREQ", "a")


@fixture
def observed():
    return Observed()


def test_a_counter_decays_by_the_minutes_that_began(observed):
    observed.clock.set(60_000 * 100 + 59_999)
    observed.line("CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0")
    observed.line("SET a 1")
    assert observed.value("OBJECT FREQ a") == 5
    observed.clock.advance(1)
    assert observed.value("OBJECT FREQ a") == 4
    observed.clock.advance(60_000 * 9)
    assert observed.value("OBJECT FREQ a") == 0
    observed.line("CONFIG SET lfu-decay-time 2")
    assert observed.value("OBJECT FREQ a") == 0
    observed.line("GET a")
    assert observed.value("OBJECT FREQ a") == 1


def test_idle_time_begins_when_somebody_asks(observed):
    observed.line("SET a 1")
    observed.clock.advance(5000)
    assert observed.value("OBJECT IDLETIME a") == 0
    observed.clock.advance(5000)
    assert observed.value("OBJECT IDLETIME a") == 5
    observed.line("GET a")
    assert observed.value("OBJECT IDLETIME a") == 0


def test_idle_time_begins_with_what_is_loaded(observed):
    observed.line("SET a 1")
    observed.line("OBJECT IDLETIME a")
    observed.clock.advance(5000)
    observed.engine.config.replace("enable-debug-command", "yes")
    assert observed.line("DEBUG RELOAD") == b"+OK\r\n"
    observed.clock.advance(2000)
    assert observed.value("OBJECT IDLETIME a") == 2


@mark.parametrize(("policy", "how", "asks"), [("lru", "IDLETIME", "IDLETIME"), ("lfu", "FREQ", "FREQ")])
def test_files_tell_how_keys_are_used_as_the_policy_needs_it(both, policy, how, asks):
    both("SET", "a", "x")
    payload = both.ours.ask("DUMP", "a").partition(b"\r\n")[2][:-2]
    both("CONFIG", "SET", "maxmemory-policy", f"allkeys-{policy}", "lfu-decay-time", 0)
    both("RESTORE", "b", 0, payload, how, 100)
    both("DEBUG", "RELOAD")
    both.near("OBJECT", asks, "b", within=1)  # seconds may pass
    both("CONFIG", "SET", "maxmemory-policy", "noeviction", "lfu-decay-time", 1)


def test_touch_in_a_script_touches_in_any_case(both):
    both("SET", "a", "x")
    payload = both.ours.ask("DUMP", "a").partition(b"\r\n")[2][:-2]
    both("RESTORE", "b", 0, payload, "IDLETIME", 100)
    both("CLIENT", "NO-TOUCH", "ON")
    for name in ("get", "touch"):
        both("EVAL", f"redis.call('{name}', KEYS[1]) redis.call('get', KEYS[1])", 1, "b")
        both.near("OBJECT", "IDLETIME", "b", within=1)
    both("CLIENT", "NO-TOUCH", "OFF")


@mark.parametrize("ends", ["DEL a", "FLUSHALL", "FLUSHDB", "RENAME a b", "MOVE a 1", "SWAPDB 0 1"])
def test_nothing_is_kept_of_keys_that_are_gone(observed, ends):
    observed.line("CONFIG SET maxmemory-policy allkeys-lru")
    observed.line("SET a 1")
    observed.line(ends)
    access = observed.engine[Access]
    kept = [set(records) for records in access._records]
    assert all(found <= set(db.table) for found, db in zip(kept, observed.engine.keyspace.databases, strict=True))
