"""Fields that expire: as the real server answers, under a moved clock, and what is told and propagated."""

import shlex

from pytest import fixture, mark

from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.keyspace.active_expiry import ActiveExpiry
from tests.commands.unordered import compare
from tests.observed import START_MS, Observed

SCRIPTS = {
    "errors": """
        HSET h a 1
        HEXPIRE h 10 FIELDS 2 a
        HEXPIRE h x FIELDS 1 a
        HEXPIRE h -1 FOO 1 a
        HEXPIRE h 10 FOO 1 a
        HEXPIRE h 10 NX FIELDS 2
        HEXPIRE h 10 NX XX FIELDS 1 a
        HEXPIRE h 10 FIELDS 1 a NX
        HEXPIRE h 10 FIELDS 0 a
        HEXPIRE h 10 FIELDS x a
        HEXPIRE h 99999999999999 FIELDS 1 a
        HPEXPIRE h 70368744177663 FIELDS 1 a
        HPEXPIREAT h 70368744177664 FIELDS 1 a
        HEXPIREAT h 70368744178 FIELDS 1 a
        HEXPIRE none 10 FIELDS 2 a b
        HEXPIRE none 10 FIELDS 1 a b
        HEXPIRE str 10 FOO
        HEXPIRE str 10 FOO 1 a
        HEXPIRE h 10 FIELDS
        HTTL h FIELDS 2 a
        HTTL h FIELDS 0 a
        HTTL h FOO 1 a
        HTTL str FOO 1 a
        HTTL none FIELDS 1 a
        HTTL none FIELDS 2 a
        HTTL h FIELDS 1
        HPERSIST h FIELDS 2 a
        HPERSIST h FIELDS x a
        HPERSIST h FOO 1 a
        HPERSIST str FIELDS 1 a
        HPERSIST none FIELDS 1 a
        HGETDEL h FIELDS 2 a
        HGETDEL h FIELDS 0 a
        HGETDEL h FOO 1 a
        HGETDEL str FOO 1 a
        HGETDEL none FIELDS 2 a b
    """,
    "times": """
        HSET h a 1 b 2 c 3
        HPEXPIREAT h 50000000000001 FIELDS 3 a x b
        HPEXPIRETIME h FIELDS 4 a b c x
        HEXPIRETIME h FIELDS 4 a b c x
        HPEXPIREAT h 50000000000000 NX FIELDS 2 a c
        HPEXPIREAT h 50000000000002 XX FIELDS 2 c x
        HPEXPIREAT h 50000000000000 gt FIELDS 2 a b
        HPEXPIREAT h 50000000000009 LT FIELDS 2 a b
        HPERSIST h FIELDS 3 a a x
        HPEXPIREAT h 50000000000009 GT FIELDS 1 a
        HPEXPIREAT h 50000000000009 LT FIELDS 1 a
        HGETALL h
        HSET h a 9
        HPEXPIRETIME h FIELDS 1 a
        HINCRBY h b 1
        HINCRBYFLOAT h b 1
        HPEXPIRETIME h FIELDS 1 b
        OBJECT ENCODING h
        HGETALL h
        HKEYS h
        HVALS h
        HSCAN h 0
        HRANDFIELD h 10 WITHVALUES
        COPY h copied
        RENAME h renamed
        HPEXPIRETIME copied FIELDS 3 a b c
        HPEXPIRETIME renamed FIELDS 3 a b c
        OBJECT ENCODING renamed
        HPEXPIREAT renamed 1 FIELDS 2 a x
        HPEXPIREAT renamed 1 NX FIELDS 3 a b c
        HEXPIRE renamed 0 FIELDS 2 b b
        EXISTS renamed
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    both("SET", "str", "v")
    for line in SCRIPTS[name].strip().splitlines():
        words = shlex.split(line)
        compare(both, words, words[1:2])


def test_a_large_hash_expires_fields_too(both):
    both("HSET", "h", "long", "v" * 65, "a", 1, "b", 2)
    both("HPEXPIREAT", "h", 50_000_000_000_000, "FIELDS", 2, "a", "b")
    both("OBJECT", "ENCODING", "h")
    both("HPEXPIRETIME", "h", "FIELDS", 3, "a", "b", "long")
    both("HSET", "h", "a", 2)
    both("HPERSIST", "h", "FIELDS", 2, "a", "b")
    both("HPEXPIREAT", "h", 1, "FIELDS", 1, "a")
    compare(both, ("HGETALL", "h"), ["h"])


@fixture
def observed():
    found = Observed()
    found("HSET h a 1 b 2 c 3")
    return found


SOON = START_MS + 10

# Changes, events and what propagates.
EFFECTS = [
    ("HEXPIRE h 1 FIELDS 2 a x", 1, ["hexpire"], [f"HPEXPIREAT h {START_MS + 1000} FIELDS 1 a"]),
    ("HPEXPIRE h 10 NX FIELDS 2 a b", 2, ["hexpire"], [f"HPEXPIREAT h {SOON} NX FIELDS 2 a b"]),
    ("HPEXPIRE h 10 XX FIELDS 2 a b", 0, [], []),
    ("HPEXPIREAT h 1 FIELDS 2 a x", 1, ["hdel"], ["HDEL h a"]),
    ("HPEXPIREAT h 1 FIELDS 2 a b", 2, ["hdel"], ["MULTI", "HDEL h a", "HDEL h b", "EXEC"]),
    (
        *("HEXPIRE h 0 FIELDS 3 a b c", 3, ["hdel", "del"]),
        ["MULTI", "HDEL h a", "HDEL h b", "HDEL h c", "EXEC"],
    ),
    ("HPERSIST h FIELDS 1 a", 0, [], []),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    assert observed(line) == (changes, events, sent)


def test_persisting_is_one_change(observed):
    observed("HEXPIRE h 1 FIELDS 2 a b")
    assert observed("HPERSIST h FIELDS 3 a b c") == (1, ["hpersist"], ["HPERSIST h FIELDS 3 a b c"])


# After a and b have expired: the reply, events, what propagates, and how many fields HLEN counts.
OVERDUE = [
    ("HGET h a", b"$-1", ["hexpired"], ["HDEL h a"], 2),
    ("HMGET h a b c a", b"*4 $-1 $-1 $1 3 $-1", ["hexpired"], ["MULTI", "HDEL h a", "HDEL h b", "EXEC"], 1),
    ("HEXISTS h a", b":0", ["hexpired"], ["HDEL h a"], 2),
    ("HSTRLEN h a", b":0", ["hexpired"], ["HDEL h a"], 2),
    ("HGETALL h", b"*2 $1 c $1 3", [], [], 3),
    ("HKEYS h", b"*1 $1 c", [], [], 3),
    ("HVALS h", b"*1 $1 3", [], [], 3),
    ("HSCAN h 0", b"*2 $1 0 *2 $1 c $1 3", [], [], 3),
    ("HLEN h", b":3", [], [], 3),
    ("HRANDFIELD h", b"$1 c", ["hexpired"], ["MULTI", "HDEL h a", "HDEL h b", "EXEC"], 1),
    ("HRANDFIELD h 9", b"*1 $1 c", ["hexpired"], ["MULTI", "HDEL h a", "HDEL h b", "EXEC"], 1),
    ("HINCRBY h a 5", b":5", ["hexpired", "hincrby"], ["HDEL h a", "HINCRBY h a 5"], 3),
    ("HSETNX h a 9", b":1", ["hexpired", "hset"], ["HDEL h a", "HSETNX h a 9"], 3),
    ("HSET h a 9", b":0", ["hset"], ["HSET h a 9"], 3),
    ("HDEL h a", b":1", ["hdel"], ["HDEL h a"], 2),
    ("HTTL h FIELDS 3 a b c", b"*3 :-2 :-2 :-1", [], [], 3),
    ("HPERSIST h FIELDS 3 a b c", b"*3 :-2 :-2 :-1", [], [], 3),
    ("HPEXPIREAT h 1 FIELDS 1 a", b"*1 :2", ["hdel"], ["HDEL h a"], 2),
    ("HPEXPIREAT h 9999999 XX FIELDS 2 a c", b"*2 :1 :0", ["hexpire"], ["HPEXPIREAT h 9999999 XX FIELDS 1 a"], 3),
    ("HGETDEL h FIELDS 1 a", b"*1 $-1", ["hexpired"], ["HDEL h a"], 2),
    ("HGETEX h PXAT 9999999 FIELDS 1 a", b"*1 $-1", ["hexpired"], ["HDEL h a"], 2),
    ("HSETEX h FNX FIELDS 1 a 9", b":1", ["hexpired", "hset"], ["HDEL h a", "HSETEX h FNX FIELDS 1 a 9"], 3),
    ("HSETEX h FXX FIELDS 1 a 9", b":0", ["hexpired"], ["HDEL h a"], 2),
    ("HSETEX h KEEPTTL FIELDS 1 a 9", b":1", ["hset"], ["HSETEX h KEEPTTL FIELDS 1 a 9"], 3),
]


@mark.parametrize("large", [False, True], ids=["small", "large"])
@mark.parametrize(("line", "reply", "events", "sent", "left"), OVERDUE, ids=[row[0] for row in OVERDUE])
def test_fields_whose_time_has_passed(observed, line, reply, events, sent, left, large):
    if large:
        observed(f"HSET h long {'v' * 65}")
        observed("HDEL h long")
    observed("HPEXPIRE h 10 FIELDS 2 a b")
    observed.clock.advance(11)
    assert b" ".join(observed.line(line).split(b"\r\n")).rstrip() == reply
    assert observed.value("HLEN h") == left
    again = Observed()
    again("HSET h a 1 b 2 c 3")
    again("HPEXPIRE h 10 FIELDS 2 a b")
    again.clock.advance(11)
    assert again(line)[1:] == (events, sent)


def test_a_field_lives_through_its_last_millisecond(observed):
    observed("HPEXPIRE h 10 FIELDS 1 a")
    observed.clock.advance(10)
    assert observed.value("HGET h a") == b"1"
    assert observed.value("HPTTL h FIELDS 1 a") == [0]
    observed.clock.advance(1)
    assert observed.value("HGET h a") is None


@mark.parametrize(
    "line", ["HGET h a", "HMGET h a", "HRANDFIELD h", "HGETDEL h FIELDS 1 a", "HGETEX h PERSIST FIELDS 1 a"]
)
def test_an_emptied_hash_goes(observed, line):
    observed("HDEL h b c")
    observed("HPEXPIRE h 10 FIELDS 1 a")
    observed.clock.advance(11)
    assert observed(line) == (0, ["hexpired", "del"], ["HDEL h a"])
    assert observed.value("EXISTS h") == 0
    assert not observed.client.db.fields_due


def test_incrementing_the_last_field_makes_a_new_hash(observed):
    observed("HDEL h b c")
    observed("HPEXPIRE h 10 FIELDS 1 a")
    observed.clock.advance(11)
    assert observed("HINCRBY h a 1")[1] == ["hexpired", "del", "new", "hincrby"]
    assert observed.value("OBJECT ENCODING h") == b"listpack"


def cycle(observed):
    observed.events.clear()
    observed.sent.clear()
    observed.engine.tick()
    observed.engine[ActiveExpiry].cycle()
    return observed.events, observed.sent


def test_the_active_cycle_deletes_fields(observed):
    observed("HPEXPIRE h 10 FIELDS 1 b")
    observed("HPEXPIRE h 5 FIELDS 1 a")
    observed.clock.advance(6)
    assert cycle(observed) == (["hexpired"], ["HDEL h a"])
    assert cycle(observed) == ([], [])
    observed.clock.advance(5)
    assert cycle(observed) == (["hexpired"], ["HDEL h b"])
    assert observed.value("HLEN h") == 1
    assert observed.engine.keyspace.expired_fields == 2


def test_the_active_cycle_deletes_many_fields_and_the_hash(observed):
    fields = " ".join(f"f{number}" for number in range(1000))
    observed("HDEL h a b c")
    observed("HSET h " + " ".join(f"f{number} v" for number in range(1000)))
    observed(f"HPEXPIRE h 10 FIELDS 1000 {fields}")
    observed.clock.advance(11)
    events, sent = cycle(observed)
    assert (set(events), events[-1]) == ({"hexpired", "del"}, "del")
    assert {line.split()[2] for line in sent} == {*fields.split()}
    assert observed.value("EXISTS h") == 0


@mark.parametrize(
    ("lines", "key", "db"),
    [
        (["RENAME h g"], "g", 0),
        (["COPY h g", "DEL h"], "g", 0),
        (["MOVE h 1"], "h", 1),
        (["SWAPDB 0 1"], "h", 1),
    ],
    ids=["rename", "copy", "move", "swapdb"],
)
def test_the_active_cycle_finds_a_hash_that_moved(observed, lines, key, db):
    observed("HPEXPIRE h 10 FIELDS 1 a")
    for line in lines:
        observed(line)
    observed.clock.advance(11)
    assert cycle(observed) == (["hexpired"], [f"HDEL {key} a"])
    observed(f"SELECT {db}")
    assert observed.value(f"HLEN {key}") == 2


@mark.parametrize("line", ["SET h v", "DEL h", "FLUSHALL", "HPERSIST h FIELDS 1 a", "HSET h a 9", "HDEL h a"])
def test_the_active_cycle_leaves_what_does_not_expire_any_more(observed, line):
    observed("HPEXPIRE h 10 FIELDS 1 a")
    observed(line)
    observed.clock.advance(11)
    assert cycle(observed) == ([], [])


def test_a_replica_hides_fields_and_waits_to_be_told(observed):
    observed("HPEXPIRE h 10 FIELDS 2 a b")
    observed.engine[ExpiryView].update(replica=True)
    observed.clock.advance(11)
    assert observed("HMGET h a c") == (0, [], [])
    assert observed.value("HMGET h a c") == [None, b"3"]
    assert observed.line("HGETALL h") == b"*2\r\n$1\r\nc\r\n$1\r\n3\r\n"
    assert observed.value("HLEN h") == 3
    assert observed("HDEL h a") == (1, ["hdel"], ["HDEL h a"])


def test_info_counts_them(observed):
    observed("HPEXPIRE h 10 FIELDS 1 a")
    assert b"subexpiry=1" in observed.line("INFO keyspace")
    observed.clock.advance(11)
    cycle(observed)
    assert b"subexpiry=0" in observed.line("INFO keyspace")
    assert b"expired_subkeys:1\r\n" in observed.line("INFO stats")
