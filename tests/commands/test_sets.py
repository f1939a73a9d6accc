"""Set commands: as the real server answers, what they tell the engine, and how even what they draw is."""

import shlex
from collections import Counter
from math import sqrt

from pytest import fixture, mark

from pyredis.datatypes.set import Set
from tests.commands.unordered import compare
from tests.observed import Observed

SCRIPTS = {
    "add and remove": """
        SADD s a b a
        SADD s a
        SADD s c
        SADD s
        SADD
        SADD str x
        SREM s x a
        SREM s a
        SREM none a
        SREM str a
        SREM s
        SREM s b c d
        EXISTS s
        SCARD s
        SCARD none
        SCARD str
        SCARD
    """,
    "look": """
        SADD s a b
        SISMEMBER s a
        SISMEMBER s x
        SISMEMBER none x
        SISMEMBER str x
        SISMEMBER s
        SMISMEMBER s a x b
        SMISMEMBER none a x
        SMISMEMBER str a
        SMISMEMBER s
        SMEMBERS s
        SMEMBERS none
        SMEMBERS str
        SMEMBERS
    """,
    "order of integers": """
        SADD i 3 -1 2 10 -9223372036854775808 9223372036854775807
        SMEMBERS i
        SSCAN i 0
        SRANDMEMBER i 10
        SADD i x
        SMEMBERS i
        OBJECT ENCODING i
        SPOP i 100
        EXISTS i
    """,
    "move": """
        SADD s a b 1
        SADD t 5
        SMOVE s t a
        OBJECT ENCODING t
        SMOVE s t a
        SMOVE s t x
        SMOVE s new 1
        OBJECT ENCODING new
        SMOVE s s b
        SMOVE s s x
        SMOVE s t b
        EXISTS s
        SMOVE none t a
        SMOVE none str a
        SMOVE str t a
        SMOVE t str a
        SMOVE t str nosuch
        SMOVE t
        SMEMBERS t
    """,
    "scan": """
        SADD s a b c
        SSCAN s 0
        SSCAN s 17
        SSCAN s 0 MATCH [ab]
        SSCAN s 0 COUNT 1
        SSCAN s 0 COUNT 0
        SSCAN s 0 COUNT x
        SSCAN s 0 NOVALUES
        SSCAN s 0 TYPE set
        SSCAN s x
        SSCAN s -1
        SSCAN none 0 foo
        SSCAN none x
        SSCAN str 0
        SSCAN str x
        SSCAN s
    """,
    "random": """
        SADD one 1
        SRANDMEMBER one
        SRANDMEMBER one 0
        SRANDMEMBER one 1
        SRANDMEMBER one 5
        SRANDMEMBER one -3
        SRANDMEMBER one x
        SRANDMEMBER one -9223372036854775808
        SRANDMEMBER one 9223372036854775808
        SRANDMEMBER one 1 2
        SRANDMEMBER none
        SRANDMEMBER none 1
        SRANDMEMBER none -1
        SRANDMEMBER str
        SRANDMEMBER str 1
        SRANDMEMBER
        SPOP one 0
        SPOP one -1
        SPOP one x
        SPOP one 9223372036854775808
        SPOP one 1 2
        SPOP none
        SPOP none 1
        SPOP str
        SPOP str 1
        SPOP one
        EXISTS one
        SADD one 1
        SPOP one 1
        EXISTS one
        SPOP
    """,
    "algebra": """
        SADD a 1 2 3
        SADD b 2 3 x
        SADD c 3 y
        SINTER a b c
        SINTER a none
        SINTER a str
        SINTER none str
        SINTER
        SUNION a b c none
        SUNION a str
        SUNION none
        SUNION
        SDIFF a b
        SDIFF a a
        SDIFF a none b
        SDIFF none a
        SDIFF none str
        SDIFF
        SINTERSTORE d a b
        SMEMBERS d
        SUNIONSTORE d a b
        SMEMBERS d
        SDIFFSTORE d a b
        SMEMBERS d
        SINTERSTORE d a none
        EXISTS d
        SINTERSTORE d a none
        SUNIONSTORE str a none
        TYPE str
        SDIFFSTORE a a b
        SMEMBERS a
        SINTERSTORE d
        SUNIONSTORE d
        SDIFFSTORE d
    """,
    "sintercard": """
        SADD a 1 2 3
        SADD b 2 3 x
        SINTERCARD 2 a b
        SINTERCARD 1 a
        SINTERCARD 2 a none
        SINTERCARD 2 a b LIMIT 1
        SINTERCARD 2 a b LIMIT 0
        SINTERCARD 2 a b LIMIT 10
        SINTERCARD 2 a b limit 1 LIMIT 2
        SINTERCARD 2 a b LIMIT -1
        SINTERCARD 2 a b LIMIT x
        SINTERCARD 2 a b LIMIT
        SINTERCARD 2 a b foo
        SINTERCARD 1 a b
        SINTERCARD 0 a b
        SINTERCARD -1 a
        SINTERCARD x a
        SINTERCARD 3 a b
        SINTERCARD 2 a str
        SINTERCARD 1
        SINTERCARD
    """,
    "expiry of results": """
        SADD a 1
        SADD d 5
        EXPIREAT d 99999999999
        SADD d 6
        EXPIRETIME d
        SUNIONSTORE d a
        EXPIRETIME d
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    both("SET", "str", "v")
    for line in SCRIPTS[name].strip().splitlines():
        words = shlex.split(line)
        compare(both, words, [word for word in words[1:] if word.isalpha()])


@mark.parametrize(
    "members",
    [
        range(512),
        range(513),
        [*range(127), "x"],
        [*range(128), "x"],
        ["x", *range(127)],
        ["x", *range(128)],
        ["x" * 64],
        ["x" * 65],
        ["1", "x" * 65],
        [str(2**63 - 1)],
        [str(2**63)],
        ["01"],
        ["-0"],
        [" 1"],
    ],
    ids=lambda members: f"{len(members)} {str(list(members)[-1])[:6]} {str(next(iter(members)))[:4]}",
)
def test_encoding(both, members):
    both("SADD", "at once", *members)
    for member in members:
        both("SADD", "singly", member)
    both("SADD", "first", "1")
    both("SADD", "first", *members)
    for key in ("at once", "singly", "first"):
        both("OBJECT", "ENCODING", key)
        both("SCARD", key)
        both("COPY", key, key + "2")
        both("OBJECT", "ENCODING", key + "2")
        both("SREM", key, *members)


@mark.parametrize(("size", "popped"), [(100, 84), (100, 83), (130, 108), (130, 109), (600, 599), (600, 450), (600, 1)])
@mark.parametrize("prefix", ["", "m"])
def test_popping_most_of_a_set_makes_it_anew(both, size, popped, prefix):
    both("SADD", "s", *(f"{prefix}{number}" for number in range(size)))
    replies = both.replies("SPOP", "s", popped)
    assert replies[0][:5] == replies[1][:5]
    both("OBJECT", "ENCODING", "s")
    both("SCARD", "s")


@mark.parametrize("encoding", ["intset", "listpack", "hashtable"])
def test_memory_usage_is_near(both, encoding):
    count, prefix = {"intset": (300, ""), "listpack": (100, "member"), "hashtable": (1000, "member")}[encoding]
    both("SADD", "s", *(f"{prefix}{number}" for number in range(count)))
    ours, real = (int(reply[1:-2]) for reply in both.replies("MEMORY", "USAGE", "s", "SAMPLES", "0"))
    assert real * 0.8 <= ours <= real * 1.25


@mark.parametrize("count", [1, 10, 1000])
def test_a_scan_returns_every_member_once(observed, count):
    expected = sorted(b"%d" % number for number in range(3000))
    observed.line("SADD s " + " ".join(member.decode() for member in expected))
    cursor, found = b"0", []
    while True:
        cursor, members = observed.value(f"SSCAN s {cursor.decode()} COUNT {count}")
        found += members
        if cursor == b"0":
            break
    assert sorted(found) == expected


@fixture
def observed():
    return Observed()


# After `SADD s a b c`, `SADD i 1 2`, `SET str v`: changes, events and what propagates.
EFFECTS = [
    ("SADD s a", 0, [], []),
    ("SADD s x a y", 2, ["sadd"], ["SADD s x a y"]),
    ("SADD new a", 1, ["new", "sadd"], ["SADD new a"]),
    ("SREM s x", 0, [], []),
    ("SREM s a x", 1, ["srem"], ["SREM s a x"]),
    ("SREM s a b c d", 3, ["srem", "del"], ["SREM s a b c d"]),
    ("SMOVE s i a", 2, ["srem", "sadd"], ["SMOVE s i a"]),
    ("SMOVE s new a", 2, ["srem", "new", "sadd"], ["SMOVE s new a"]),
    ("SMOVE s s a", 0, [], []),
    ("SPOP s 0", 0, [], []),
    ("SPOP s 3", 3, ["spop", "del"], ["DEL s"]),
    ("SPOP s 9", 3, ["spop", "del"], ["DEL s"]),
    ("SUNIONSTORE d s i", 1, ["new", "sunionstore"], ["SUNIONSTORE d s i"]),
    ("SUNIONSTORE s s i", 1, ["sunionstore"], ["SUNIONSTORE s s i"]),
    ("SINTERSTORE s s i", 1, ["del"], ["SINTERSTORE s s i"]),
    ("SINTERSTORE d s i", 0, [], []),
    ("SDIFFSTORE d s i", 1, ["new", "sdiffstore"], ["SDIFFSTORE d s i"]),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    for before in ("SADD s a b c", "SADD i 1 2", "SET str v"):
        observed(before)
    assert observed(line) == (changes, events, sent)


def test_a_popped_member_propagates_by_name(observed):
    observed("SADD s a b c")
    changes, events, sent = observed("SPOP s")
    gone = {b"a", b"b", b"c"} - {*observed.value("SMEMBERS s").items}
    assert (changes, events) == (1, ["spop"])
    assert sent == [f"SREM s {gone.pop().decode()}"]


def test_many_popped_members_propagate_as_one_transaction(observed):
    observed("SADD s " + " ".join(map(str, range(4000))))
    changes, events, sent = observed("SPOP s 2500")
    assert (changes, events) == (2500, ["spop"])
    assert [line.split()[0] for line in sent] == ["MULTI", "SREM", "SREM", "SREM", "EXEC"]
    assert [len(line.split()) - 2 for line in sent[1:-1]] == [1024, 1024, 452]
    assert len({word for line in sent[1:-1] for word in line.split()[2:]}) == 2500


def chi_square_limit(freedom):
    """What an even distribution stays under but for one time in some ten million."""
    return freedom + 5.2 * sqrt(2 * freedom) + 15


@mark.parametrize("size", [5, 100, 1200])
@mark.parametrize("line", ["SRANDMEMBER s", "SRANDMEMBER s 3", "SRANDMEMBER s -3", "SRANDMEMBER s {most}"])
def test_random_members_are_even(observed, size, line):
    members = [f"m{number}" for number in range(size)]
    observed("SADD s " + " ".join(members))
    line = line.format(most=size - 1)
    counts: Counter[bytes] = Counter()
    wanted = 25 * size
    while counts.total() < wanted:
        drawn = observed.value(line)
        counts.update(drawn if isinstance(drawn, list) else [drawn])
    expected = counts.total() / size
    statistic = sum((counts[member.encode()] - expected) ** 2 / expected for member in members)
    assert counts.keys() <= {member.encode() for member in members}
    assert statistic < chi_square_limit(size - 1)


@mark.parametrize("count", ["", " 1", " 4"])
def test_popped_members_are_even(observed, count):
    counts: Counter[bytes] = Counter()
    for _ in range(1000):
        observed.line("SADD s a b c d e")
        popped = observed.value("SPOP s" + count)
        counts.update([popped] if isinstance(popped, bytes) else popped.items)
    expected = counts.total() / 5
    assert sum((found - expected) ** 2 / expected for found in counts.values()) < chi_square_limit(4)


@mark.parametrize("size", [50, 1000])
def test_a_sample_has_no_member_twice(observed, size):
    observed.line("SADD s " + " ".join(map(str, range(size))))
    for count in (2, size // 4, size // 2, size - 1, size, size + 1):
        drawn = observed.value(f"SRANDMEMBER s {count}")
        assert len(drawn) == len({*drawn}) == min(count, size)
    assert len(observed.value(f"SRANDMEMBER s -{2 * size}")) == 2 * size


def test_set_is_registered(observed):
    observed.line("SADD s a")
    assert isinstance(observed.client.db.table.get(b"s"), Set)
    assert observed.value("TYPE s").text == b"set"
