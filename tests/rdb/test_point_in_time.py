"""A snapshot that is written bit by bit holds the dataset as it was when it began, whatever is done meanwhile."""

from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.dispatch import dispatch
from pyredis.engine.roster import Clients
from pyredis.keyspace.digest import digest_of_dataset
from pyredis.rdb.file_writer import write_rdb
from pyredis.rdb.loader import Loader
from pyredis.rdb.point_in_time import PointInTime
from tests.persistence.corpus import COMMANDS

CHANGES = """
SET {k} x | APPEND {k} x | SETRANGE {k} 1 yy | SETBIT {k} 7 1 | INCR {k} | BITFIELD {k} SET u8 0 200
GETDEL {k} | DEL {k}
EXPIRE {k} 100 | PERSIST {k} | RENAME {k} {o} | COPY {k} {o} REPLACE | MOVE {k} 1 | SWAPDB 0 1 | FLUSHDB
UNLINK {k}
RPUSH {k} x y | LPUSH {k} z | LPOP {k} | RPOP {k} 3 | LSET {k} 0 other | LREM {k} 0 a | LTRIM {k} 1 2
LINSERT {k} BEFORE a b
LMOVE {k} {o} LEFT RIGHT | LMPOP 1 {k} LEFT
SADD {k} new 7 | SREM {k} a 1 | SPOP {k} | SMOVE {k} {o} b | SUNIONSTORE {k} {k} {o}
ZADD {k} 5 a | ZINCRBY {k} 3 b | ZREM {k} a | ZPOPMIN {k}
ZREMRANGEBYRANK {k} 0 1 | ZUNIONSTORE {o} 1 {k} | GEOADD {k} 1 2 p
HSET {k} a 9 new 1 | HDEL {k} a field1 | HINCRBY {k} n 3 | HEXPIRE {k} 100 FIELDS 1 a
HPERSIST {k} FIELDS 1 a
HGETDEL {k} FIELDS 1 b | HSETEX {k} EX 50 FIELDS 1 c d
XADD {k} * a 9 | XDEL {k} 2-2 5-1 | XTRIM {k} MAXLEN 1 | XACK {k} g 2-2
XGROUP CREATE {k} h 0 | XGROUP DESTROY {k} g
XREADGROUP GROUP g carl COUNT 2 STREAMS {k} > | XREADGROUP GROUP g alice STREAMS {k} 0
XCLAIM {k} g dave 0 4-4 2-2
XAUTOCLAIM {k} g dave 0 0 | XGROUP DELCONSUMER {k} g alice | XGROUP SETID {k} g 3-3 | XSETID {k} 99-99
PFADD {k} x y z | PFMERGE {k} {o} | PFCOUNT {k} | SORT {k} ALPHA STORE {o} | GETEX {k} EX 10
MULTI | EXEC
EVAL redis.call('APPEND',KEYS[1],'s')redis.call('RPUSH',KEYS[1],'s') 1 {k}
"""
LINES = [line.strip().split(" ") for row in CHANGES.strip().splitlines() for line in row.split("|")]
HELD = [
    "string",
    "string raw",
    "string counted",
    "list",
    "set small",
    "set of integers",
    "set large",
    "sorted set small",
]
HELD += ["sorted set large", "hash small", "hash large", "stream", "stream of nodes", "stream with groups"]
KEYS = [name.replace(" ", "_").encode() for name in HELD]


def ask(client, words):
    dispatch(client.engine, client, [str(word).encode() if not isinstance(word, bytes) else word for word in words])
    client.out.clear()


@cache
def filled():
    """What there is at first, as a file."""
    engine = build_engine(clock=ManualClock(), seed=1)
    client = engine[Clients].connect()
    for key, name in zip(KEYS, HELD, strict=True):
        for words in COMMANDS[name]:
            ask(client, [key if word == "k" else word for word in words])
    return b"".join(write_rdb(engine.keyspace, newest=12))


def loaded(data):
    engine = build_engine(clock=ManualClock(), seed=1)
    loader = Loader(engine.keyspace, engine.limits)
    loader.feed(data)
    loader.finish()
    return engine


change = st.tuples(st.sampled_from(LINES), st.sampled_from(KEYS), st.sampled_from(KEYS))


@given(st.lists(change, min_size=1, max_size=60), st.integers(0, 6), st.sampled_from([12, 80]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_changes_meanwhile_are_not_in_it(changes, pause, newest):
    engine = loaded(filled())
    client = engine[Clients].connect()
    before = digest_of_dataset(engine.keyspace)
    then = PointInTime(engine.keyspace, newest)
    chunks, written = write_rdb(then, newest=newest), []
    for at, (line, key, other) in enumerate(changes):
        if at % 7 == pause:
            written.append(next(chunks, b""))
        ask(client, [{"{k}": key, "{o}": other}.get(word, word) for word in line])
        engine.keyspace.now += 1
    written += chunks
    then.close()
    assert engine.keyspace.accesses_plainly
    assert digest_of_dataset(loaded(b"".join(written)).keyspace) == before
