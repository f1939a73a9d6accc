"""HGETEX, HGETDEL and HSETEX: as the real server answers, what they tell the engine and what propagates."""

import shlex

from pytest import fixture, mark

from tests.commands.unordered import compare
from tests.observed import START_MS, Observed

SCRIPTS = {
    "hgetex errors": """
        HSET h a 1
        HGETEX h FIELDS 0 a
        HGETEX h FIELDS 2 a
        HGETEX h FIELDS 1 a b
        HGETEX h EX 0 FOO 1 a
        HGETEX h EX x FIELDS 1 a
        HGETEX h EX -1 FIELDS 1 a
        HGETEX h EX 9999999999999999 FIELDS 1 a
        HGETEX h PX 9999999999999999 FIELDS 1 a
        HGETEX h EX 1 PX 1 FIELDS 1 a
        HGETEX h EX 1 PERSIST FIELDS 1 a
        HGETEX h PERSIST PERSIST FIELDS 1 a
        HGETEX h EX 10 FIELDS
        HGETEX h EX 10 FIELDS 1
        HGETEX h PERSIST FIELDS 1
        HGETEX h EX FIELDS 1
        HGETEX h FOO FIELDS 1 a
        HGETEX str FOO FIELDS 1 a
        HGETEX none EX 10 FIELDS 2 a b
    """,
    "hsetex errors": """
        HSETEX h FIELDS 2 a 1
        HSETEX h FIELDS 1 a 1 b 2
        HSETEX h FIELDS 1 a 1 EX 10
        HSETEX h FIELDS 0 a 1
        HSETEX h FIELDS x a 1
        HSETEX h FIELDS 2147483648 a 1
        HSETEX h FXX FNX FIELDS 1 a 4
        HSETEX h FXX FXX FIELDS 1 a 4
        HSETEX h NX FIELDS 1 a 4
        HSETEX h EX 10 KEEPTTL FIELDS 1 a 4
        HSETEX h KEEPTTL EX 10 FIELDS 1 a 4
        HSETEX h EX 10 PX 10 FIELDS 1 a 4
        HSETEX h EX x FIELDS 1 a 1
        HSETEX h EX -1 FIELDS 1 a 1
        HSETEX h EX 99999999999999 FIELDS 1 a 1
        HSETEX h EX 10 a 1 2
        HSETEX h EX 10 FIELDS 1
        HSETEX h FXX EX 10 FIELDS
        HSETEX str FOO FIELDS 1 a b
        HSETEX str FIELDS 2 a b
        HSETEX str FIELDS 1 a b
        EXISTS h
    """,
    "get and set": """
        HSETEX h FIELDS 2 a 1 b 2
        OBJECT ENCODING h
        HSETEX h PXAT 50000000000001 FNX FIELDS 2 a 1 c 2
        HSETEX h FXX EXAT 50000000000 FIELDS 2 a 3 b 4
        OBJECT ENCODING h
        HPEXPIRETIME h FIELDS 3 a b c
        HSETEX h KEEPTTL FIELDS 2 a 5 c 6
        HPEXPIRETIME h FIELDS 3 a b c
        HGETEX h FIELDS 3 a b x
        HGETEX h PERSIST FIELDS 3 a c x
        HPEXPIRETIME h FIELDS 3 a b c
        HGETEX h PXAT 50000000000007 FIELDS 3 a c x
        HPEXPIRETIME h FIELDS 3 a b c
        HGETALL h
        HGETDEL h FIELDS 3 a a x
        HGETEX h PXAT 1 FIELDS 3 b b x
        HSETEX h PX 0 FIELDS 2 z 1 z 2
        HGETALL h
        HSETEX h EXAT 1 FIELDS 1 c 1
        EXISTS h
        HSETEX new EXAT 1 FIELDS 1 c 1
        EXISTS new
        HSETEX new FXX FIELDS 1 c 1
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    both("SET", "str", "v")
    for line in SCRIPTS[name].strip().splitlines():
        words = shlex.split(line)
        compare(both, words, words[1:2])


@fixture
def observed():
    found = Observed()
    found("HSET h a 1 b 2 c 3")
    return found


SOON = START_MS + 10

# Changes, events and what propagates.
EFFECTS = [
    ("HGETEX h FIELDS 1 a", 0, [], []),
    ("HGETEX h PX 10 FIELDS 2 a x", 1, ["hexpire"], [f"HPEXPIREAT h {SOON} FIELDS 2 a x"]),
    ("HGETEX h PX 10 FIELDS 1 x", 0, [], []),
    ("HGETEX h PXAT 1 FIELDS 2 a x", 1, ["hdel"], ["HDEL h a"]),
    ("HGETEX h PERSIST FIELDS 1 a", 0, [], []),
    ("HGETDEL h FIELDS 2 a x", 1, ["hdel"], ["HDEL h a x"]),
    ("HGETDEL h FIELDS 3 a b c", 3, ["hdel", "del"], ["HDEL h a b c"]),
    ("HGETDEL h FIELDS 1 x", 0, [], []),
    ("HSETEX h FIELDS 1 a 1", 1, ["hset"], ["HSETEX h FIELDS 1 a 1"]),
    ("HSETEX new FIELDS 1 a 1", 1, ["new", "hset"], ["HSETEX new FIELDS 1 a 1"]),
    ("HSETEX h FXX PX 10 FIELDS 1 a 1", 1, ["hset", "hexpire"], [f"HSETEX h FXX PXAT {SOON} FIELDS 1 a 1"]),
    ("HSETEX h px 10 fxx fields 1 a 1", 1, ["hset", "hexpire"], [f"HSETEX h PXAT {SOON} fxx fields 1 a 1"]),
    ("HSETEX h FNX FIELDS 1 a 1", 0, [], []),
    ("HSETEX h PX 0 FIELDS 1 a 1", 1, ["hset", "hdel"], ["HDEL h a"]),
    ("HSETEX h PX 0 FIELDS 2 a 1 z 1", 2, ["hset", "hdel"], ["MULTI", "HDEL h a", "HDEL h z", "EXEC"]),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    assert observed(line) == (changes, events, sent)


def test_persisting_counts_the_fields(observed):
    observed("HEXPIRE h 1 FIELDS 2 a b")
    assert observed("HGETEX h PERSIST FIELDS 3 a b c") == (2, ["hpersist"], ["HPERSIST h FIELDS 3 a b c"])
