"""What counts as freed in the background is what Redis would have freed there."""

from pytest import fixture, mark

from pyredis.keyspace import events
from pyredis.keyspace.lazyfree import THRESHOLD, effort
from tests.observed import Observed

COUNT = 1000


@fixture
def observed():
    observed = Observed()
    observed.line("CONFIG SET set-max-listpack-entries 10 hash-max-listpack-entries 10 zset-max-listpack-entries 10")
    observed.line("CONFIG SET list-max-listpack-size 5 stream-node-max-entries 5")
    return observed


def words(text, count=COUNT):
    return " ".join(f"{text}{number}" for number in range(count))


LARGE = {
    "SADD": "SADD key " + words("m"),
    "HSET": "HSET key " + " ".join(f"f{number} v" for number in range(COUNT)),
    "ZADD": "ZADD key " + " ".join(f"{number} m" + str(number) for number in range(COUNT)),
    "RPUSH": "RPUSH key " + words("e"),
}


def freed(observed):
    return observed.engine.stats.lazyfreed_objects


@mark.parametrize("kind", LARGE)
@mark.parametrize(("verb", "counts"), [("UNLINK", 1), ("DEL", 0)])
def test_unlink_of_what_is_laborious_counts(observed, kind, verb, counts):
    observed.line(LARGE[kind])
    observed.line(f"{verb} key key none")
    assert freed(observed) == counts


def test_a_stream_counts_by_its_nodes_and_deliveries(observed):
    for _ in range(500):
        observed.line("XADD key * a b")
    observed.line("UNLINK key")
    assert freed(observed) == 1
    observed.line("XADD key * a b")
    observed.line("XGROUP CREATE key group $")
    observed.line("XGROUP DESTROY key group")
    observed.line("UNLINK key")
    assert freed(observed) == 1


@mark.parametrize("line", ["SET key " + "x" * 5000, "SADD key a b", "HSET key a b", "RPUSH key a b", "INCR key"])
def test_small_things_do_not(observed, line):
    observed.line(line)
    assert effort(observed.client.db.table.get(b"key")) <= THRESHOLD
    observed.line("UNLINK key")
    assert freed(observed) == 0


def test_del_may_be_told_to_count(observed):
    observed.line("CONFIG SET lazyfree-lazy-user-del yes")
    observed.line(LARGE["SADD"])
    observed.line("DEL key")
    assert freed(observed) == 1


@mark.parametrize(
    ("lines", "count"),
    [
        (["FLUSHALL"], 3),
        (["FLUSHALL ASYNC"], 3),
        (["FLUSHDB SYNC"], 3),
        (["MULTI", "FLUSHALL", "EXEC"], 0),
        (["MULTI", "FLUSHALL ASYNC", "EXEC"], 3),
        (["CONFIG SET lazyfree-lazy-user-flush yes", "MULTI", "FLUSHDB", "EXEC"], 3),
        (["CONFIG SET lazyfree-lazy-user-flush yes", "MULTI", "FLUSHDB SYNC", "EXEC"], 0),
    ],
)
def test_a_flush_counts_keys_where_redis_may_wait_for_its_thread(observed, lines, count):
    observed.line("MSET a 1 b 2 c 3")
    for line in lines:
        observed.line(line)
    assert freed(observed) == count
    assert b"lazyfreed_objects:%d\r\n" % count in observed.line("INFO memory")
    observed.line("CONFIG RESETSTAT")
    assert freed(observed) == 0


def test_expired_keys_propagate_as_unlink_if_told_to(observed):
    for lazily, verb in (("no", "DEL"), ("yes", "UNLINK")):
        observed.line(f"CONFIG SET lazyfree-lazy-expire {lazily}")
        observed.line("SET key x PX 10")
        observed.clock.advance(20)
        observed.sent.clear()
        observed.line("GET key")
        assert observed.sent == [f"{verb} key"]


@mark.parametrize(("verb", "databases"), [("FLUSHALL", range(16)), ("FLUSHDB", [0])])
def test_observers_hear_of_a_flush_once_whatever_there_was(observed, verb, databases):
    heard = []
    observed.engine.keyspace.observe(lambda db, key, event: heard.append((db.index, key, event)))
    observed.line("MSET a 1 b 2 c 3")
    heard.clear()
    observed.line(verb)
    assert heard == [(index, b"", events.FLUSHED) for index in databases]
    observed.line(verb)
    assert len(heard) == 2 * len(databases)
