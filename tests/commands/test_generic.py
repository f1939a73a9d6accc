"""Commands on keys and databases, and OBJECT: as the real server answers, and what they tell the engine."""

import shlex

import hiredis
from pytest import fixture, mark

from pyredis.engine.execution.expiry_view import ExpiryView
from tests.observed import Observed
from tests.oracle import ask

LONG = "x" * 45
PREPARED = [
    "SET s v",
    "SET n 12",
    "SET old v EX 1000",
    "SET r xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "APPEND ap x",
    "APPEND ap y",
]

SCRIPTS = {
    "delete": """
        DEL none
        DEL none s s
        UNLINK n none
        EXISTS s n old
        DEL
        UNLINK
        EXISTS
        TOUCH
    """,
    "look": """
        TYPE s
        TYPE none
        EXISTS s s none
        TOUCH s s none
        TYPE
        TYPE a b
        DBSIZE
        DBSIZE x
        RANDOMKEY x
        KEYS zzz
        KEYS
    """,
    "scan": """
        SCAN x
        SCAN ''
        SCAN -1
        SCAN 18446744073709551616
        SCAN 0 COUNT 0
        SCAN 0 COUNT -1
        SCAN 0 COUNT x
        SCAN 0 COUNT
        SCAN 0 MATCH
        SCAN 0 TYPE
        SCAN 0 NOVALUES
        SCAN 0 foo
        SCAN x foo
        SCAN 0 COUNT 1000 MATCH zzz
        SCAN 0 COUNT 1000 match ?ld
        SCAN 0 COUNT 1000 TYPE foo
        SCAN 0 COUNT 1000 TYPE hash
        SCAN 0 COUNT 1000 MATCH r TYPE String
    """,
    "rename": """
        RENAME none x
        RENAME none none
        RENAME r r
        RENAMENX r r
        RENAMENX none none
        RENAMENX r s
        RENAMENX r r2
        EXISTS r r2
        EXPIREAT r2 99999999999
        RENAME r2 old
        EXPIRETIME old
        RENAME s old
        EXPIRETIME old
        GET old
        RENAME s
    """,
    "copy": """
        COPY s s
        COPY none none
        COPY s cp DB
        COPY s cp DB 99
        COPY s cp DB -1
        COPY s cp DB x
        COPY s cp DB 99999999999
        COPY s s DB x foo
        COPY s cp foo
        COPY none cp
        COPY s cp
        COPY n cp
        GET cp
        COPY n cp replace REPLACE
        GET cp
        EXPIREAT n 99999999999
        COPY n cp REPLACE
        EXPIRETIME cp
        COPY s s DB 1
        COPY s s DB 1
        COPY s s db 1 replace
        COPY ap ap2
        APPEND ap z
        GET ap2
        OBJECT ENCODING ap2
        COPY s
    """,
    "move": """
        MOVE s 0
        MOVE s x
        MOVE s 99
        MOVE s -1
        MOVE s 99999999999
        MOVE none 1
        EXPIREAT s 99999999999
        MOVE s 1
        MOVE s 1
        SET s other
        MOVE s 1
        SELECT 1
        EXPIRETIME s
        GET s
        MOVE s
    """,
    "databases": """
        SELECT 99999999999
        SELECT x
        SELECT 99
        SELECT -1
        SELECT
        SWAPDB x 1
        SWAPDB 0 x
        SWAPDB 0 99999999999
        SWAPDB 99 x
        SWAPDB 0 99
        SWAPDB -1 0
        SWAPDB 0 0
        SWAPDB 0 1
        DBSIZE
        SELECT 1
        DBSIZE
        EXISTS s
        FLUSHDB foo
        FLUSHDB SYNC ASYNC
        FLUSHALL foo
        FLUSHDB async
        DBSIZE
        FLUSHALL sync
        FLUSHALL
        RANDOMKEY
        SET only v
        RANDOMKEY
        KEYS *
    """,
    "object": f"""
        OBJECT ENCODING s
        OBJECT ENCODING n
        OBJECT ENCODING r
        OBJECT ENCODING ap
        OBJECT ENCODING none
        SET a {LONG[:40]}
        OBJECT ENCODING a
        SET a {LONG[:41]}
        OBJECT ENCODING a
        SET a {LONG[:32]} EX 1000
        OBJECT ENCODING a
        SET a {LONG[:33]} EX 1000
        OBJECT ENCODING a
        INCR n
        OBJECT ENCODING n
        SETRANGE none2 1 x
        OBJECT ENCODING none2
        OBJECT REFCOUNT s
        OBJECT REFCOUNT n
        OBJECT REFCOUNT none
        OBJECT IDLETIME none
        OBJECT FREQ s
        OBJECT FREQ none
        OBJECT foo
        OBJECT
        OBJECT ENCODING
        OBJECT ENCODING a b
        OBJECT FREQ
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


@mark.parametrize("pattern", ["*", "?", "o*", "[a-n]*", "a", "\\n", ""])
def test_keys(both, pattern):
    for line in PREPARED:
        both(*shlex.split(line))
    both.unordered("KEYS", pattern)


@fixture
def observed():
    return Observed()


# After `SET s 5` and `SET t 6`: changes, events and what propagates.
EFFECTS = [
    ("DEL s none t", 2, ["del", "del"], ["DEL s none t"]),
    ("UNLINK none", 0, [], []),
    ("EXISTS s none", 0, ["keymiss"], []),
    ("TYPE none", 0, ["keymiss"], []),
    ("RENAME s u", 1, ["new", "rename_from", "rename_to"], ["RENAME s u"]),
    ("RENAME s t", 1, ["new", "rename_from", "rename_to"], ["RENAME s t"]),
    ("RENAME s s", 0, [], []),
    ("RENAMENX s t", 0, [], []),
    ("COPY s u", 1, ["new", "copy_to"], ["COPY s u"]),
    ("COPY s t REPLACE", 1, ["new", "copy_to"], ["COPY s t REPLACE"]),
    ("COPY s t", 0, [], []),
    ("MOVE s 1", 1, ["new", "move_from", "move_to"], ["MOVE s 1"]),
    ("SWAPDB 0 0", 1, [], ["SWAPDB 0 0"]),
    ("SWAPDB 2 1", 1, [], ["SWAPDB 2 1"]),
    ("FLUSHDB ASYNC", 2, [], ["FLUSHDB ASYNC"]),
    ("FLUSHALL", 2, [], ["FLUSHALL"]),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    observed("SET s 5")
    observed("SET t 6")
    assert observed(line) == (changes, events, sent)


def test_flushing_nothing_propagates(observed):
    assert observed("FLUSHDB") == (0, [], ["FLUSHDB"])


@mark.parametrize(
    ("line", "events", "sent"),
    [
        ("SET s v", ["expired", "new", "set"], ["DEL s", "SET s v"]),
        ("DEL s", ["expired"], ["DEL s"]),
        ("EXISTS s", ["expired", "keymiss"], ["DEL s"]),
        ("TTL s", ["expired", "keymiss"], ["DEL s"]),
        ("RENAME t s", ["expired", "new", "rename_from", "rename_to"], ["DEL s", "RENAME t s"]),
        ("COPY t s", ["expired", "new", "copy_to"], ["DEL s", "COPY t s"]),
        ("SCAN 0", ["expired"], ["DEL s"]),
        ("SCAN 0 MATCH zzz", ["expired"], ["DEL s"]),
        ("SCAN 0 TYPE hash", ["expired"], ["DEL s"]),
        ("KEYS *", [], []),
    ],
)
def test_what_expired_is_gone_first(observed, line, events, sent):
    observed("SET t 6")
    observed("SET s 5 PX 10")
    observed.clock.advance(11)
    assert observed(line)[1:] == (events, sent)


def test_a_replica_deletes_what_expired_when_told(observed):
    observed("SET s 5 PX 10")
    observed.engine[ExpiryView].update(replica=True)
    observed.clock.advance(11)
    assert observed("EXISTS s") == (0, ["keymiss"], [])
    assert observed("DEL s") == (1, ["del"], ["DEL s"])
    assert len(observed.client.db) == 0


def test_hits_and_misses(observed):
    observed("SET s 5")
    for line in ("EXISTS s none", "TYPE s", "TTL none", "TOUCH s", "OBJECT ENCODING s", "DEL s"):
        observed(line)
    assert (observed.engine.keyspace.hits, observed.engine.keyspace.misses) == (4, 2)


@mark.parametrize("count", [1, 7, 10, 1000])
def test_a_scan_returns_every_key_once(observed, count):
    expected = {b"%d" % number for number in range(3000)}
    for key in expected:
        observed.client.db.table.set(key, b"")
    cursor, found = b"0", []
    while True:
        cursor, keys = observed.value(f"SCAN {cursor.decode()} COUNT {count}")
        found += keys
        if cursor == b"0":
            break
    assert sorted(found) == sorted(expected)


def test_idle_time_is_kept_once_asked_for(observed):
    observed("SET s 5")
    assert observed.engine.keyspace.on_access is None
    assert observed.value("OBJECT IDLETIME s") == 0
    observed.clock.advance(5000)
    for line in ("TTL s", "TYPE s", "EXISTS s", "OBJECT ENCODING s"):
        observed(line)
    assert observed.value("OBJECT IDLETIME s") == 5
    observed("GET s")
    assert observed.value("OBJECT IDLETIME s") == 0


def test_no_touch_leaves_idle_times(observed):
    observed("SET s 5")
    observed("OBJECT IDLETIME s")
    observed.clock.advance(5000)
    observed.client.set_no_touch(True)
    observed("GET s")
    assert observed.value("OBJECT IDLETIME s") == 5
    observed("TOUCH s")
    assert observed.value("OBJECT IDLETIME s") == 0
    observed.clock.advance(2000)
    observed.client.set_no_touch(False)
    observed("GET s")
    assert observed.value("OBJECT IDLETIME s") == 0


def test_frequency_grows_and_decays(observed):
    observed.engine.config.set_many([(b"maxmemory-policy", b"allkeys-lfu"), (b"lfu-log-factor", b"0")])
    observed("SET s 5")
    for _ in range(10):
        observed("GET s")
    assert observed.value("OBJECT FREQ s") == 15
    observed.clock.advance(180_000)
    assert observed.value("OBJECT FREQ s") == 12
    assert b"LFU maxmemory policy is selected" in observed.line("OBJECT IDLETIME s")
    observed.engine.config.set_many([(b"maxmemory-policy", b"noeviction")])
    assert observed.engine.keyspace.on_access is None


def steps(port, *words):
    """The sizes of all steps of a scan; where the cursor stands there is None."""
    sizes, cursor = [], b"0"
    while not sizes or cursor != b"0":
        cursor, found = value(ask(port, *(cursor if word is None else word for word in words)))
        sizes.append(len(found))
    return sizes


def value(reply):
    reader = hiredis.Reader()
    reader.feed(reply)
    return reader.gets()


@mark.parametrize("size", [72, 5000])
@mark.parametrize("count", [10, 50])
def test_steps_of_a_scan_have_the_real_servers_sizes(server, oracle, size, count):
    """The real one adds the rest of a bucket: COUNT elements and some more; only the last step has fewer."""
    names = [f"element:{number}" for number in range(size)]
    for port in filter(None, (server.port, oracle)):
        ask(port, "FLUSHALL")
        ask(port, "SADD", "set", "x" * 99, *names)
        ask(port, "HSET", "hash", "x" * 99, "", *(word for name in names for word in (name, "")))
        found = [
            steps(port, "SSCAN", "set", None, "COUNT", count),
            steps(port, "HSCAN", "hash", None, "NOVALUES", "COUNT", count),
        ]
        ask(port, "FLUSHALL")
        ask(port, "MSET", *(word for name in ["x", *names] for word in (name, "")))
        found.append(steps(port, "SCAN", None, "MATCH", "*", "TYPE", "string", "COUNT", count))
        for sizes in found:
            assert sum(sizes) == size + 1
            assert max(sizes) <= count + 10 and min(sizes[:-1]) >= count * 0.5, port
