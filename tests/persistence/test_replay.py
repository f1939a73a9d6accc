"""Everything that changes the dataset reaches the log in a form that, played back later, leads to the same dataset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.clock import ManualClock
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.stream import Stream
from pyredis.keyspace.database import DELETE, SHOW
from pyredis.persistence.append_log import AppendLog
from pyredis.persistence.replay import CannotReplay, Replay
from tests.machines import sequences
from tests.persistence.disks import MemoryDisk
from tests.persistence.engines import Session, digest, engine_on

COMMANDS = """
SET {k} {v} | SET {k} {v} EX {t} | SET {k} {v} PX {t} KEEPTTL NX | SET {k} {v} XX GET | SETEX {k} {t} {v}
PSETEX {k} {t} {v} | GETSET {k} {v} | GETDEL {k} | GETEX {k} EX {t} | GETEX {k} PERSIST | GETEX {k} PXAT 1
INCR {k} | INCRBYFLOAT {k} 1.5 | DECRBY {k} 3 | APPEND {k} {v} | SETRANGE {k} 3 {v} | SETNX {k} {v}
MSET {k} {v} {o} {v} | MSETNX {k} {v} {o} {v} | SETBIT {k} 9 1 | BITOP NOT {o} {k} | BITFIELD {k} INCRBY u8 0 9
EXPIRE {k} {t} | PEXPIRE {k} {t} | EXPIRE {k} -1 | EXPIREAT {k} 1 | PEXPIREAT {k} 99999999999999 | PERSIST {k}
DEL {k} {o} | UNLINK {k} | RENAME {k} {o} | RENAMENX {k} {o} | COPY {k} {o} REPLACE | COPY {k} {o} DB 1 REPLACE
MOVE {k} 1 | SWAPDB 0 1 | SELECT 1 | SELECT 0 | FLUSHDB | FLUSHALL ASYNC | GET {k} | TTL {k} | TYPE {k}
LPUSH {l} {v} {v} | RPUSH {l} {v} 1 2 | LPOP {l} | RPOP {l} 2 | LMOVE {l} {m} LEFT RIGHT | LREM {l} 0 {v}
LSET {l} 0 {v} | LTRIM {l} 1 -1 | LINSERT {l} BEFORE {v} x | LMPOP 2 {l} {m} LEFT COUNT 2 | RPOPLPUSH {l} {m}
BLPOP {l} {m} 0 | BLMOVE {l} {m} LEFT LEFT 0 | BLMPOP 0 1 {l} RIGHT COUNT 2 | SORT {l} ALPHA STORE {m}
SADD {s} {v} a b c d | SREM {s} a {v} | SPOP {s} | SPOP {s} 2 | SPOP {s} 100 | SMOVE {s} {u} a
SUNIONSTORE {u} {s} {u} | SINTERSTORE {u} {s} {s} | SDIFFSTORE {u} {s} {u}
ZADD {z} 1 a 2 {v} 3 c | ZADD {z} GT CH 5 a | ZADD {z} INCR 2.5 a | ZINCRBY {z} 1 b | ZREM {z} a | ZPOPMIN {z}
ZPOPMAX {z} 2 | ZMPOP 1 {z} MIN COUNT 2 | BZPOPMIN {z} 0 | BZMPOP 0 1 {z} MAX | ZUNIONSTORE {y} 2 {z} {y}
ZRANGESTORE {y} {z} 0 1 | ZREMRANGEBYRANK {z} 0 0 | GEOADD {z} 13 38 {v}
GEOSEARCHSTORE {y} {z} FROMLONLAT 13 38 BYRADIUS 9 km
HSET {h} a {v} b 2 | HSETNX {h} c {v} | HINCRBY {h} b 2 | HINCRBYFLOAT {h} b 1.5 | HDEL {h} a c
HEXPIRE {h} {t} FIELDS 2 a b | HPEXPIRE {h} {t} NX FIELDS 1 a | HEXPIREAT {h} 1 FIELDS 1 a | HPERSIST {h} FIELDS 1 b
HGETEX {h} EX {t} FIELDS 1 a | HGETDEL {h} FIELDS 1 b | HSETEX {h} PX {t} FIELDS 1 a {v} | HGETALL {h}
XADD {x} * f {v} | XADD {x} MAXLEN ~ 3 * f {v} | XADD {x} MAXLEN 2 * f {v} | XTRIM {x} MAXLEN 1 | XDEL {x} 1-1
XADD {x} MAXLEN ~ 2 LIMIT 1 * f {v} | XADD {x} MINID ~ 9-9 LIMIT 0 * f {v} | XTRIM {x} MAXLEN ~ 1 LIMIT 1
XGROUP CREATE {x} g $ MKSTREAM | XGROUP CREATE {x} g 0 | XGROUP SETID {x} g 0 | XGROUP DESTROY {x} g
XGROUP CREATECONSUMER {x} g bob | XGROUP DELCONSUMER {x} g bob | XREADGROUP GROUP g bob COUNT 2 STREAMS {x} >
XREADGROUP GROUP g ann NOACK STREAMS {x} > | XREADGROUP GROUP g ann BLOCK 0 STREAMS {x} > | XAUTOCLAIM {x} g ann 0 0
XAUTOCLAIM {x} g bob 5 0 COUNT 1 JUSTID | XCLAIM {x} g ann 0 1-1 FORCE | XSETID {x} 999999999999999-1 | XACK {x} g 1-1
PFADD {p} {v} a | PFCOUNT {p} | PFMERGE {q} {p} | PFCOUNT {p} {q}
RESTORE {k} {t} payload REPLACE | EVAL effects 2 {k} {s} | EVAL none 1 {k} | EVAL fails 1 {k} | EVAL quiet 1 {k}
FCALL f 1 {k} | SCRIPT FLUSH | FUNCTION LOAD REPLACE library | FUNCTION FLUSH | PUBLISH c {v} | WAIT 0 0
MULTI | EXEC | EXEC | DISCARD | WATCH {k} | DEBUG SLEEP 0
"""
LITERALS = {
    "effects": "redis.call('INCR', KEYS[1]) redis.call('SPOP', KEYS[2]) return redis.call('EXPIRE', KEYS[1], 7)",
    "none": "return redis.call('GET', KEYS[1])",
    "fails": "redis.call('SET', KEYS[1], 'x') return redis.call('LPUSH', KEYS[1], 'y')",
    "quiet": "redis.set_repl(redis.REPL_NONE) return redis.call('GET', KEYS[1])",
    "library": "#!lua name=lib\nredis.register_function('f', function(k) return redis.call('INCR', k[1]) end)",
    "payload": b"\x00\x01v\n\x00\x14\xe2\xdd\xb9\xbb\x0e\x13\xd9",
}
NAMES = {"k": "ab", "o": "ab", "l": "lm", "m": "lm", "s": "su", "u": "su", "z": "zy", "y": "zy", "h": "h", "x": "x"}
NAMES |= {"p": "pq", "q": "pq", "v": ["1", "x", "y"], "t": ["1", "5", "50", "1000"]}
ROWS = [row.split() for row in COMMANDS.replace("\n", "|").split("|") if row.strip()]


@st.composite
def commands(draw):
    if draw(st.integers(0, 12)) == 0:
        return draw(st.sampled_from([1, 30, 2000]))  # time passes, ms
    words = []
    for word in draw(st.sampled_from(ROWS)):
        if word.startswith("{"):
            word = draw(st.sampled_from(NAMES[word[1]]))
        words.append(LITERALS.get(word, word))
    return words


def everything(engine):
    """The digest, and what it does not see."""
    found = [digest(engine)]
    for db in engine.keyspace.databases:
        found.append(sorted(db.expires.items()))
        for key, value in sorted(db.table.items()):
            if isinstance(value, Hash) and value.deadlines is not None:
                times = [(name, value.deadlines.get(name)) for name in sorted(value.names())]
                found += [(key, name, when) for name, when in times if when is not None]
            if isinstance(value, Stream):
                found.append((key, value.last_id, value.entries_added, value.max_deleted_id, groups(value)))
    return found


def groups(stream):
    return [
        (name, group.last_id, group.entries_read, pending(group))  # like Redis's, a log forgets consumers without
        for name, group in sorted(stream.groups.items())
    ]


def pending(group):
    return sorted((id, one.consumer, one.count, one.time) for id, one in group.deliveries.items())


@sequences(60)
@given(st.lists(commands(), min_size=10, max_size=120), st.sampled_from(["", "lazyfree-lazy-expire", "batches"]))
def test_a_log_leads_to_the_dataset_it_was_written_for(steps, variation):
    clock, disk = ManualClock(), MemoryDisk()
    folder = "."  # it stays in memory
    engine = engine_on(disk, folder, clock)
    sessions = [Session(engine), Session(engine)]
    if variation.startswith("lazy"):
        sessions[0]("CONFIG", "SET", variation, "yes")
    at = 0
    while at < len(steps):
        step = steps[at]
        at += 1
        if isinstance(step, int):
            clock.advance(step)
            engine.cron()
            continue
        batch = [step]
        while variation == "batches" and at < len(steps) and not isinstance(steps[at], int):
            batch.append(steps[at])
            at += 1
        session = sessions[at % 2]
        if session.client.waiting is None:
            session.send(batch)
    engine.cron()
    engine[AppendLog].flush(force=True)
    later = ManualClock(clock.now_ms())
    again = engine_on(disk.restarted(power_cut=False), folder, later)
    assert everything(again) == everything(engine)


@pytest.fixture
def engine(tmp_path):
    return engine_on(MemoryDisk(), tmp_path, appendonly="no")


def replayed(engine, *commands):
    replay = Replay(engine)
    for _ in replay.run([list(map(str.encode, words)) for words in commands]):
        pass
    return replay


def test_nothing_expires_meanwhile(engine):
    engine.keyspace.view, engine.keyspace.stores_past = SHOW, True
    replayed(
        engine,
        *[("RPUSH", "l", "a"), ("PEXPIREAT", "l", "1000"), ("RPUSH", "l", "b"), ("RENAME", "l", "m")],
        *[("HSET", "h", "f", "1"), ("HPEXPIREAT", "h", "1000", "FIELDS", "1", "f"), ("HINCRBY", "h", "f", "1")],
        *[("SET", "s", "x", "PXAT", "1000"), ("APPEND", "s", "y"), ("PERSIST", "s")],
    )
    engine.keyspace.view, engine.keyspace.stores_past = DELETE, False
    session = Session(engine)
    assert session("EXISTS", "m") == session("HEXISTS", "h", "f") == b":0\r\n"
    assert session("GET", "s") == b"$2\r\nxy\r\n"


def test_a_transaction_runs_when_its_end_has_come(engine):
    replay = replayed(engine, ("SET", "a", "1"), ("multi",), ("SET", "a", "2"), ("FLUSHALL",))
    assert Session(engine)("GET", "a") == b"$1\r\n1\r\n"
    for _ in replay.run([[b"SET", b"b", b"3"], [b"EXEC"], [b"EXEC"], [b"MULTI"], [b"EXEC"], [b"INCR", b"b"]]):
        pass
    assert Session(engine)("GET", "b") == b"$1\r\n4\r\n"
    assert Session(engine)("EXISTS", "a") == b":0\r\n"


def test_nothing_waits(engine):
    replayed(engine, ("BLPOP", "l", "0"), ("SET", "a", "1"))
    assert Session(engine)("GET", "a") == b"$1\r\n1\r\n"


def test_errors_are_counted_and_passed_over(engine):
    replay = replayed(engine, ("SET", "a", "x"), ("INCR", "a"), ("SET", "b", "1"))
    assert replay.errors == 1
    assert Session(engine)("GET", "b") == b"$1\r\n1\r\n"


TRIM = ("=", "2", "LIMIT", "1")
LIMITED = [  # by what a client may not ask for; after it the key holds so much
    (("SETRANGE", "k", "2000000", "x"), ("STRLEN", "k"), 2000001),
    (("SETBIT", "k", "16000000", "1"), ("STRLEN", "k"), 2000001),
    (("BITFIELD", "k", "SET", "u8", "16000000", "1"), ("STRLEN", "k"), 2000001),
    (("XADD", "s", "MAXLEN", *TRIM, "9-9", "f", "v"), ("XLEN", "s"), 2),
    (("XTRIM", "s", "MAXLEN", *TRIM), ("XLEN", "s"), 2),
    (("EVAL", "return redis.call('XTRIM', 's', 'MAXLEN', '=', '2')", "0"), ("XLEN", "s"), 2),
    (("EVAL", "return redis.call('APPEND', 'k', 'x')", "0"), ("STRLEN", "k"), 1),
]


@pytest.mark.parametrize(("words", "asked", "size"), LIMITED)
def test_what_was_admitted_elsewhere_is_obeyed(engine, words, asked, size):
    """Limits may have been others when it was written, and an approximate trim is written with the limit it had."""
    session = Session(engine)
    session.send([("XADD", "s", f"{number}-0", "f", "v") for number in range(1, 6)])
    session("CONFIG", "SET", "proto-max-bulk-len", "1mb", "min-replicas-to-write", "1")
    assert session(*words).startswith(b"-")
    assert replayed(engine, words).errors == 0
    assert session(*asked) == b":%d\r\n" % size


@pytest.mark.parametrize(
    ("words", "text"),
    [(("BLA", "x"), "Unknown command 'BLA'"), (("GET",), "Wrong number of arguments for 'get'")],
)
def test_what_cannot_be_run_ends_it(engine, words, text):
    with pytest.raises(CannotReplay) as caught:
        replayed(engine, words)
    assert caught.value.text == text
