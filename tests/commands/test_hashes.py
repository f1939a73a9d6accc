"""Hash commands: as the real server answers, what they tell the engine, and how even what they draw is."""

import shlex
from collections import Counter

from pytest import fixture, mark

from pyredis.datatypes.hash import Hash
from tests.commands.test_sets import chi_square_limit
from tests.commands.unordered import compare
from tests.observed import Observed

SCRIPTS = {
    "set and get": """
        HSET h a 1
        HSET h a 2 b 3 b 4
        HSET h a
        HSET h a 1 b
        HSET h
        HSET str a 1
        HMSET h c 5 d 6
        HMSET h c 5 d
        HMSET h c
        HMSET str c 5
        HSETNX h a 9
        HSETNX h e 9
        HSETNX new e 9
        HSETNX str e 9
        HSETNX h e
        HGET h a
        HGET h x
        HGET none x
        HGET str x
        HGET h
        HMGET h a x b
        HMGET none a x
        HMGET str a
        HMGET h
        HEXISTS h a
        HEXISTS h x
        HEXISTS none x
        HEXISTS str x
        HSTRLEN h a
        HSTRLEN h x
        HSTRLEN none x
        HSTRLEN str x
        HLEN h
        HLEN none
        HLEN str
        HGETALL h
        HGETALL none
        HGETALL str
        HKEYS h
        HKEYS none
        HKEYS str
        HVALS h
        HVALS none
        HVALS str
    """,
    "delete": """
        HSET h a 1 b 2 c 3
        HDEL h x
        HDEL h a x b
        HDEL h c d e
        EXISTS h
        HDEL none a
        HDEL str a
        HDEL h
    """,
    "numbers": """
        HINCRBY h n 5
        HINCRBY h n -7
        HINCRBY h n x
        HINCRBY h n 1.5
        HINCRBY h n 9223372036854775808
        HSET h max 9223372036854775807 min -9223372036854775808 text x space ' 1' float 1.5 zero 01
        HINCRBY h max 1
        HINCRBY h max 0
        HINCRBY h min -1
        HINCRBY h text 1
        HINCRBY h space 1
        HINCRBY h float 1
        HINCRBY h zero 1
        HINCRBY str n 1
        HINCRBY str n x
        HINCRBY h n
        HINCRBYFLOAT h float 0.1
        HINCRBYFLOAT h new 1.25e2
        HINCRBYFLOAT h n 0.5
        HINCRBYFLOAT h text 1
        HINCRBYFLOAT h space 1
        HINCRBYFLOAT h n x
        HINCRBYFLOAT h n inf
        HINCRBYFLOAT h n nan
        HINCRBYFLOAT h n 1e5000
        HINCRBYFLOAT h huge 1e4932
        HINCRBYFLOAT h huge 1e4932
        HINCRBYFLOAT str n 1
        HINCRBYFLOAT h n
        HGETALL h
    """,
    "random": """
        HSET one a 1
        HRANDFIELD one
        HRANDFIELD one 0
        HRANDFIELD one 1
        HRANDFIELD one 1 WITHVALUES
        HRANDFIELD one 5 withvalues
        HRANDFIELD one -3
        HRANDFIELD one -3 WITHVALUES
        HRANDFIELD one 0 WITHVALUES
        HRANDFIELD one 1 foo
        HRANDFIELD one 1 WITHVALUES foo
        HRANDFIELD one x foo
        HRANDFIELD one -9223372036854775808
        HRANDFIELD one 9223372036854775807 WITHVALUES
        HRANDFIELD one -4611686018427387904 WITHVALUES
        HRANDFIELD none
        HRANDFIELD none 3
        HRANDFIELD none -3 WITHVALUES
        HRANDFIELD str
        HRANDFIELD str 3
        HRANDFIELD
    """,
    "scan": """
        HSET h a 1 b 2 c 3
        HSCAN h 0
        HSCAN h 17
        HSCAN h 0 NOVALUES
        HSCAN h 0 MATCH [ab]
        HSCAN h 0 MATCH [ab] NOVALUES
        HSCAN h 0 MATCH 1
        HSCAN h 0 COUNT 1
        HSCAN h 0 COUNT 0
        HSCAN h 0 COUNT x
        HSCAN h 0 TYPE hash
        HSCAN h 0 NOVALUES foo
        HSCAN h x
        HSCAN h -1
        HSCAN none 0 foo
        HSCAN none x
        HSCAN str 0
        HSCAN str x
        HSCAN h
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    both("SET", "str", "v")
    for line in SCRIPTS[name].strip().splitlines():
        words = shlex.split(line)
        compare(both, words, words[1:2])


@mark.parametrize(
    "words",
    [
        [word for number in range(128) for word in (f"f{number}", "v")],
        [word for number in range(129) for word in (f"f{number}", "v")],
        ["f", "v"] * 129,
        ["f" * 64, "v" * 64],
        ["f" * 65, "v"],
        ["f", "v" * 65],
    ],
    ids=["128 fields", "129 fields", "one often", "64 bytes", "long field", "long value"],
)
def test_encoding(both, words):
    both("HSET", "at once", *words)
    for field, value in zip(words[::2], words[1::2], strict=True):
        both("HSET", "singly", field, value)
        both("HSETNX", "nx", field, value)
    for key in ("at once", "singly", "nx"):
        both("OBJECT", "ENCODING", key)
        both("HLEN", key)
        both("COPY", key, key + "2")
        both("OBJECT", "ENCODING", key + "2")
        both("HDEL", key, *words[2::2], "x")
        both("OBJECT", "ENCODING", key)


def test_a_long_number_makes_a_hash_large(both):
    both("CONFIG", "SET", "hash-max-listpack-value", "5")
    both("HINCRBY", "h", "n", "12345")
    both("OBJECT", "ENCODING", "h")
    both("HINCRBYFLOAT", "h", "n", "0.5")
    both("OBJECT", "ENCODING", "h")
    both("CONFIG", "SET", "hash-max-listpack-value", "64")


@mark.parametrize("count", [5, 100, 1000])
def test_memory_usage_is_near(both, count):
    both("HSET", "h", *(word for number in range(count) for word in (f"field{number}", f"value{number}")))
    for line in ("MEMORY USAGE h SAMPLES 0", "MEMORY USAGE timed SAMPLES 0"):
        ours, real = (int(reply[1:-2]) for reply in both.replies(*line.split()))
        assert real * 0.8 <= ours <= real * 1.25
        both("COPY", "h", "timed")
        both("HPEXPIREAT", "timed", 50_000_000_000_000, "FIELDS", 1, "field1")


@fixture
def observed():
    return Observed()


@mark.parametrize("count", [1, 10, 1000])
def test_a_scan_returns_every_field_once(observed, count):
    fields = [f"{number}" for number in range(3000)]
    observed.line("HSET h " + " ".join(f"{field} v{field}" for field in fields))
    cursor, found = b"0", {}
    while True:
        cursor, words = observed.value(f"HSCAN h {cursor.decode()} COUNT {count}")
        pairs = dict(zip(words[::2], words[1::2], strict=True))
        assert not pairs.keys() & found.keys()
        found |= pairs
        if cursor == b"0":
            break
    assert found == {field.encode(): b"v" + field.encode() for field in fields}


# After `HSET h a 1 b 2`: changes, events and what propagates.
EFFECTS = [
    ("HSET h a 1", 1, ["hset"], ["HSET h a 1"]),
    ("HSET h a 1 c 2", 2, ["hset"], ["HSET h a 1 c 2"]),
    ("HSET new a 1", 1, ["new", "hset"], ["HSET new a 1"]),
    ("HMSET h a 1 c 2", 2, ["hset"], ["HMSET h a 1 c 2"]),
    ("HSETNX h a 1", 0, [], []),
    ("HSETNX h c 1", 1, ["hset"], ["HSETNX h c 1"]),
    ("HDEL h x", 0, [], []),
    ("HDEL h a x", 1, ["hdel"], ["HDEL h a x"]),
    ("HDEL h a b", 2, ["hdel", "del"], ["HDEL h a b"]),
    ("HINCRBY h a 1", 1, ["hincrby"], ["HINCRBY h a 1"]),
    ("HINCRBY new a 1", 1, ["new", "hincrby"], ["HINCRBY new a 1"]),
    ("HINCRBYFLOAT h a 1", 1, ["hincrbyfloat"], ["HSET h a 2"]),
    ("HGETALL none", 0, ["keymiss"], []),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    observed("HSET h a 1 b 2")
    assert observed(line) == (changes, events, sent)


def test_a_fields_time_survives_an_increment_on_a_replica(observed):
    observed("HSET h a 1")
    observed("HPEXPIRE h 100 FIELDS 1 a")
    assert observed("HINCRBYFLOAT h a 1")[2] == ["HSETEX h KEEPTTL FIELDS 1 a 2"]


def test_an_answered_hash_does_not_change_any_more(observed):
    observed("HSET h a 1")
    for line in ("MULTI", "HGETALL h", "HSET h b 2"):
        observed.line(line)
    assert observed.line("EXEC") == b"*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n:1\r\n"


@mark.parametrize("size", [5, 100, 1200])
@mark.parametrize("line", ["HRANDFIELD h", "HRANDFIELD h 3", "HRANDFIELD h -3", "HRANDFIELD h {most}"])
def test_random_fields_are_even(observed, size, line):
    observed("HSET h " + " ".join(f"f{number} v" for number in range(size)))
    line = line.format(most=size - 1)
    counts: Counter[bytes] = Counter()
    wanted = 25 * size
    while counts.total() < wanted:
        drawn = observed.value(line)
        counts.update(drawn if isinstance(drawn, list) else [drawn])
    expected = counts.total() / size
    statistic = sum((counts[b"f%d" % number] - expected) ** 2 / expected for number in range(size))
    assert len(counts) <= size
    assert statistic < chi_square_limit(size - 1)


@mark.parametrize("size", [50, 1000])
def test_random_fields_bring_their_values(observed, size):
    observed.line("HSET h " + " ".join(f"f{number} v{number}" for number in range(size)))
    for count in (2, size // 2, size - 1, size, size + 1, -3 * size):
        pairs = observed.value(f"HRANDFIELD h {count} WITHVALUES").pairs
        assert all(field[1:] == value[1:] for field, value in pairs)
        assert len(pairs) == (min(count, size) if count > 0 else -count)
        assert count < 0 or len({*pairs}) == len(pairs)


def test_small_hashes_share_their_names(observed):
    for key in ("h", "g"):
        observed.line(f"HSET {key} name 1 {'n' * 40} 2")
    short, long = (
        [name for name in observed.client.db.table.get(key).fields if len(name) == size]
        for key, size in ((b"h", 4), (b"h", 40))
    )
    others = list(observed.client.db.table.get(b"g").fields)
    assert short[0] is others[0]
    assert long[0] is not others[1]


@mark.parametrize("line", ["SADD k 1", "SADD k a", "HSET k a 1", "SET k v"])
def test_what_debug_says_of_the_form(both, line):
    both(*line.split())
    both("DEBUG", "LISTPACK", "k")
    both("DEBUG", "HTSTATS-KEY", "k")
    shown = [reply.split(b"encoding:")[1].split()[0] for reply in both.replies("DEBUG", "OBJECT", "k")]
    assert shown[0] == shown[1]


def test_hash_is_registered(observed):
    observed.line("HSET h a 1")
    assert isinstance(observed.client.db.table.get(b"h"), Hash)
    assert observed.value("TYPE h").text == b"hash"
