"""The view of expiry follows from what is, in whatever order that came about."""

from contextlib import closing
from itertools import permutations, product

from pytest import fixture, mark, param

from pyredis.engine.execution.dispatch import execute
from pyredis.engine.execution.expiry_view import ExpiryView, expiry_view
from pyredis.engine.execution.pause import Pause
from pyredis.keyspace.active_expiry import ActiveExpiry
from pyredis.keyspace.database import DELETE, HIDE, SHOW
from pyredis.persistence.dataset_loading import Loading
from pyredis.protocol.replies import OK
from pyredis.testing import RedisServer
from tests.observed import Observed, ask
from tests.oracle import RawClient, encode, wait_for

FACTS = ("loading", "replica", "of_master", "paused")
TABLE = {  # loading, replica, of the master, paused
    (0, 0, 0, 0): DELETE,
    (0, 0, 0, 1): HIDE,
    (0, 0, 1, 0): DELETE,
    (0, 0, 1, 1): HIDE,
    (0, 1, 0, 0): HIDE,
    (0, 1, 0, 1): HIDE,
    (0, 1, 1, 0): SHOW,
    (0, 1, 1, 1): SHOW,
    **dict.fromkeys([(1, *rest) for rest in product((0, 1), repeat=3)], SHOW),
}


@fixture
def observed():
    return Observed()


@mark.parametrize(("facts", "view"), list(TABLE.items()))
def test_the_table(facts, view):
    assert expiry_view(**dict(zip(FACTS, map(bool, facts), strict=True))) == view


def switches(engine):
    """How each fact begins and ends."""
    pause, loading, settle = engine[Pause], engine[Loading], engine[ExpiryView].update
    return {
        "paused": (lambda: pause.begin(1 << 50, False), pause.end),
        "loading": (loading.enter, loading.leave),
        "replica": (lambda: settle(replica=True), lambda: settle(replica=False)),
        "of_master": (lambda: settle(of_master=True), lambda: settle(of_master=False)),
    }


@mark.parametrize("begun", list(permutations(FACTS)), ids="-".join)
def test_facts_begin_and_end_in_any_order(observed, begun):
    space, facts = observed.engine.keyspace, dict.fromkeys(FACTS, 0)
    ways = switches(observed.engine)
    for ended in permutations(FACTS):
        for at, names in enumerate((begun, ended)):
            for name in names:
                ways[name][at]()
                facts[name] = 1 - at
                assert space.view == TABLE[tuple(facts.values())], facts
                assert space.stores_past == bool(facts["loading"] or facts["replica"])
    assert space.view == DELETE


def past(observed, view):
    """A key and a field past their time, and the view of them."""
    ask(observed.client, "SET s v PX 10", "HSET h f 1 g 2", "HPEXPIRE h 10 FIELDS 1 f")
    observed.clock.advance(11)
    for name in {DELETE: (), HIDE: ("replica",), SHOW: ("replica", "of_master")}[view]:
        switches(observed.engine)[name][0]()


READS = [
    ("GET s", b"$-1\r\n", b"$1\r\nv\r\n"),
    ("EXISTS s", b":0\r\n", b":1\r\n"),
    ("TTL s", b":-2\r\n", b":0\r\n"),
    ("MGET s", b"*1\r\n$-1\r\n", b"*1\r\n$1\r\nv\r\n"),
    ("KEYS s", b"*0\r\n", b"*1\r\n$1\r\ns\r\n"),
    ("SCAN 0 MATCH s", b"*2\r\n$1\r\n0\r\n*0\r\n", b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\ns\r\n"),
    ("APPEND s w", b":1\r\n", b":2\r\n"),
    ("HGET h f", b"$-1\r\n", b"$1\r\n1\r\n"),
    ("HEXISTS h f", b":0\r\n", b":1\r\n"),
    ("HGETALL h", b"*2\r\n$1\r\ng\r\n$1\r\n2\r\n", b"*4\r\n$1\r\nf\r\n$1\r\n1\r\n$1\r\ng\r\n$1\r\n2\r\n"),
    ("HKEYS h", b"*1\r\n$1\r\ng\r\n", b"*2\r\n$1\r\nf\r\n$1\r\ng\r\n"),
    ("HSCAN h 0 NOVALUES", b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\ng\r\n", b"*2\r\n$1\r\n0\r\n*2\r\n$1\r\nf\r\n$1\r\ng\r\n"),
    ("HPERSIST h FIELDS 1 f", b"*1\r\n:-2\r\n", b"*1\r\n:1\r\n"),
    ("HEXPIRETIME h FIELDS 1 f", b"*1\r\n:-2\r\n", b"*1\r\n:1001\r\n"),
    ("HINCRBY h f 5", b":5\r\n", b":6\r\n"),
]


@mark.parametrize("view", [DELETE, HIDE, SHOW])
@mark.parametrize(("line", "hidden", "shown"), [param(*row, id=row[0]) for row in READS])
def test_who_sees_what_is_past(observed, view, line, hidden, shown):
    past(observed, view)
    assert observed.line(line) == (shown if view == SHOW else hidden)


@mark.parametrize("view", [DELETE, HIDE, SHOW])
def test_only_who_may_delete_does(observed, view):
    past(observed, view)
    db = observed.client.db
    observed.sent.clear()
    observed.line("GET s")
    observed.line("HGET h f")
    observed.line("HRANDFIELD h")
    assert ("s" in map(bytes.decode, db.table), len(db.table.get(b"h"))) == (
        (False, 1) if view == DELETE else (True, 2)
    )
    observed.engine[ActiveExpiry].step()
    assert len(db) == (1 if view == DELETE else 2)
    assert observed.sent == (["DEL s", "HDEL h f"] if view == DELETE else [])


def test_a_replica_stores_a_time_in_the_past(observed):
    observed.line("SET s v")
    dumped = observed.value("DUMP s")
    observed.engine[ExpiryView].update(replica=True, of_master=True)
    observed.line("PEXPIREAT s 5")
    assert execute(observed.engine, observed.client, [b"RESTORE", b"t", b"5", dumped, b"ABSTTL"]) is OK
    assert sorted(observed.client.db.expires.items()) == [(b"s", 5), (b"t", 5)]


def test_in_a_transaction_that_pauses_a_time_in_the_past_deletes(observed):
    """Measured on 8.2.3: what runs in spite of a pause does what it says."""
    lines = ("SET s v", "HSET h f 1 g 2", "MULTI", "CLIENT PAUSE 1000 WRITE", "EXPIRE s -1")
    ask(observed.client, *lines, "HPEXPIREAT h 1 FIELDS 1 f", "HLEN h")
    assert ask(observed.client, "DBSIZE", "EXEC").endswith(b"+OK\r\n:1\r\n*1\r\n:2\r\n:1\r\n:1\r\n")


@mark.slow
def test_a_pause_that_ends_while_a_log_is_loaded(tmp_path):
    """Pause and load once saved and restored one flag: nothing expired afterwards."""
    config = {"dir": str(tmp_path), "enable-debug-command": "yes", "appendonly": "yes"}
    with RedisServer(config) as server, closing(RawClient(server.port)) as one, closing(RawClient(server.port)) as two:
        for number in range(3000):
            one.ask("SET", f"key:{number}", number)
        for words in (("CONFIG", "SET", "key-load-delay", "1000"), ("CLIENT", "PAUSE", "100000", "WRITE")):
            assert one.ask(*words) == b"+OK\r\n"
        one.send(encode(("DEBUG", "LOADAOF")))
        wait_for(lambda: b"\r\nloading:1" in two.ask("INFO", "persistence"))
        assert two.ask("CLIENT", "UNPAUSE") == b"+OK\r\n"
        assert b"\r\nloading:1" in two.ask("INFO", "persistence")
        assert one.reply() == b"+OK\r\n"
        assert two.ask("DBSIZE") == b":3000\r\n"
        assert two.ask("SET", "x", "v", "PX", "50") == b"+OK\r\n"
        wait_for(lambda: two.ask("GET", "x") == b"$-1\r\n")
        assert b"\r\nexpired_keys:1\r\n" in two.ask("INFO", "stats")
