"""used_memory, and the running total that `maxmemory` keeps."""

from random import Random

from pytest import approx, fixture, mark

from pyredis.engine.execution import gates
from pyredis.engine.memory.used_memory import STARTUP, Memory
from tests.observed import Observed, ask

KEYS = ["a", "b", "c", "d", "e"]

LINES = [
    *("SET K V", "SET K V EX 100", "SETEX K 100 V", "MSET K V K V", "GETSET K V", "SETRANGE K 30 V", "APPEND K V"),
    *("INCRBY K 1000", "INCRBYFLOAT K 0.5", "SETBIT K 100 1", "GETDEL K", "GETEX K EX 10", "PFADD K V N"),
    *("LPUSH K V N", "RPUSH K V V V", "LPOP K", "LSET K 0 V", "LINSERT K BEFORE V N", "LTRIM K 1 2", "LREM K 0 V"),
    *("RPOPLPUSH K K", "LMOVE K K LEFT RIGHT", "LMPOP 2 K K LEFT", "SORT K ALPHA STORE K"),
    *("HSET K N V", "HMSET K N V N V", "HDEL K N", "HINCRBY K N 1", "HEXPIRE K 10 FIELDS 1 N", "HPERSIST K FIELDS 1 N"),
    *("HGETDEL K FIELDS 1 N", "HSETEX K EX 10 FIELDS 1 N V", "SADD K V N", "SREM K V", "SPOP K", "SMOVE K K V"),
    *("SUNIONSTORE K K K", "SDIFFSTORE K K K", "ZADD K 1 V 2 N", "ZREM K V", "ZINCRBY K 1 V", "ZPOPMIN K"),
    *("ZUNIONSTORE K 2 K K", "ZRANGESTORE K K 0 -1", "ZREMRANGEBYRANK K 0 0", "GEOADD K 1 2 V"),
    *("XADD K * N V", "XTRIM K MAXLEN 1", "XGROUP CREATE K g 0", "XREADGROUP GROUP g N STREAMS K >", "XDEL K 1-1"),
    *(
        "DEL K",
        "UNLINK K K",
        "EXPIRE K 10",
        "PEXPIRE K 0",
        "PERSIST K",
        "RENAME K K",
        "RENAMENX K K",
        "COPY K K REPLACE",
    ),
    *("COPY K K DB 1", "MOVE K 1", "SELECT 0", "SELECT 1", "SWAPDB 0 1", "FLUSHDB", "GET K", "TTL K"),
]


@fixture
def observed():
    return Observed()


def remembered(memory):
    return [dict(sizes.items()) for sizes in memory._sizes]


@mark.parametrize("seed", range(20))
def test_the_running_total_is_that_of_a_new_count(observed, seed):
    """Whatever commands do, by whatever ways keys come, change and go."""
    random = Random(seed)
    if seed % 2:
        observed.line("CONFIG SET maxmemory-policy " + random.choice(["allkeys-lru", "allkeys-lfu"]))
    observed.line("CONFIG SET maxmemory 1gb")
    memory = observed.engine[Memory]
    for _ in range(400):
        words = random.choice(LINES).split()
        choices = {"K": KEYS, "V": ["x" * 40, "12345", "y" * 100], "N": [f"n{number}" for number in range(8)]}
        line = " ".join(random.choice(choices[word]) if word in choices else word for word in words)
        observed.line(line)
        observed.clock.advance(random.choice([0, 0, 300]))
        assert memory._data == sum(memory._totals)
        assert set(remembered(memory)[observed.client.db.index]) == set(observed.client.db.table), line
    data, kept = memory._data, remembered(memory)
    assert data
    observed.line("CONFIG SET maxmemory 0")
    observed.line("CONFIG SET maxmemory 1gb")
    anew = remembered(memory)
    assert list(map(set, anew)) == list(map(set, kept))
    assert memory._data == approx(data, rel=0.02)  # names of fields are shared with hashes that came and went


def used(observed):
    return observed.engine[Memory].used()


def test_an_empty_server_uses_what_redis_does():
    assert Observed().engine[Memory].used() - STARTUP < 10_000


@mark.parametrize("limit", ["0", "1gb"])
def test_it_grows_with_the_data_and_shrinks_again(observed, limit):
    observed.line(f"CONFIG SET maxmemory {limit}")
    before = used(observed)
    observed.line("SET key " + "x" * 100_000)
    assert 100_000 < used(observed) - before < 101_000
    observed.line("DEL key")
    assert used(observed) == before


def test_an_estimate_of_many_keys_does_not_change_by_itself(observed):
    for number in range(3000):
        observed.line(f"SET key:{number} " + "x" * (number % 500))
    told = used(observed)
    assert used(observed) == told
    observed.line("CONFIG SET maxmemory 1gb")
    assert abs(used(observed) - 3000 * 40 - told) < 0.1 * (told - STARTUP)


def test_what_came_without_a_word_is_counted_when_somebody_says_so(observed):
    """As a file is loaded: keys are many, and no event tells of them."""
    observed.line(f"CONFIG SET maxmemory {used(observed) + 10_000}")
    observed.client.db.load(b"key", b"x" * 20_000, None)
    assert not observed.engine.gates & gates.OVER_LIMIT
    observed.engine[Memory].recount()
    assert observed.engine.gates & gates.OVER_LIMIT
    observed.line("DEL key")
    assert observed.engine[Memory]._data == 0


def test_the_gate_stands_while_too_much_is_used(observed):
    observed.line(f"CONFIG SET maxmemory {used(observed) + 10_000}")
    assert not observed.engine.gates & gates.OVER_LIMIT
    observed.line("SETRANGE key 20000 x")
    assert observed.engine.gates & gates.OVER_LIMIT
    observed.line("DEL key")
    assert not observed.engine.gates & gates.OVER_LIMIT
    observed.line("SETRANGE key 20000 x")
    observed.line("CONFIG SET maxmemory 0")
    assert not observed.engine.gates & gates.OVER_LIMIT


def test_without_a_limit_the_keyspace_is_not_observed():
    observed = Observed()
    before = observed.engine.keyspace.observers
    observed.line("CONFIG SET maxmemory 1gb")
    observed.line("CONFIG SET maxmemory 0")
    assert observed.engine.keyspace.observers == before


def test_what_is_beside_the_data_counts_from_the_next_cron(observed):
    observed.line(f"CONFIG SET maxmemory {used(observed) + 10_000}")
    memory = observed.engine[Memory]
    memory.parts["something"] = lambda: 20_000
    observed.engine.cron()
    assert memory.is_over
    del memory.parts["something"]
    observed.engine.cron()
    assert not memory.is_over


def test_scripts_count(observed):
    before = used(observed)
    observed.line("SCRIPT LOAD 'return 1" + " " * 10_000 + "'")
    assert used(observed) - before > 10_000


def test_what_clients_track_and_listen_to_counts(observed):
    before = used(observed)
    ask(observed.client, "HELLO 3", "CLIENT TRACKING on", *(f"GET key:{number}" for number in range(100)))
    tracking = used(observed)
    assert tracking - before > 30_000
    ask(observed.client, "SUBSCRIBE " + " ".join(map(str, range(100))))
    assert used(observed) - tracking > 30_000
