"""Random sequences of string, bitmap and expiry commands on a few keys: the real server's answer to each."""

from hypothesis import given
from hypothesis import strategies as st

from pyredis.engine.command_table.command import TABLE
from tests import machines

KEYS = ["a", "b", "c"]
FUTURE = 99_999_999_999

key = st.sampled_from(KEYS)
value = st.sampled_from(
    [
        *(b"", b"0", b"-1", b"10", b"007", b"abc", b"foobar", b"3.0", b"1e5", b"\xff\x00\xf0", b"x" * 50),
        *(b"9223372036854775807", b"-9223372036854775808", b"-0", b" 1", b"0x10"),
    ]
) | st.binary(max_size=12)
number = st.sampled_from([0, 1, -1, 2, 7, 100, 2**63 - 1, -(2**63), 2**63, "x", "1.5", ""]) | st.integers(-300, 300)
index = st.integers(-20, 70) | st.sampled_from(["x", 2**63 - 1, -(2**63)])
offset = st.integers(0, 100) | st.sampled_from([-1, "x", "#1", 2**32])
fraction = number | value | st.sampled_from(["0.1", "1e-5", "-2.5e3", "inf", "nan", "1e400", "3e4931"])
unit = st.sampled_from(["BIT", "byte", "foo"])


def row(name, *arguments):
    """One command: fixed words, strategies for a word, and strategies for several words (as tuples)."""
    parts = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in (name, *arguments)]
    return st.tuples(*parts).map(flat)


def flat(words):
    return [word for part in words for word in (part if isinstance(part, tuple) else (part,))]


def several(*choices, most=3):
    """Up to `most` of the choices, each a tuple of words or a word."""
    return st.lists(st.one_of(*choices), max_size=most).map(lambda found: tuple(flat(found)))


def optional(*arguments):
    return st.just(()) | st.tuples(*arguments)


moment = st.tuples(st.sampled_from(["EXAT", "exat"]), st.sampled_from([FUTURE, 1, 0, -1, "x", 2**63 - 1])) | st.tuples(
    st.just("PXAT"), st.sampled_from([FUTURE * 1000, 1, 0, "x"])
)
span = st.tuples(st.sampled_from(["EX", "PX", "px"]), st.sampled_from([100_000, 0, -1, "x", 2**63 - 1]))
field = st.sampled_from(["u8", "i8", "i16", "u3", "u63", "i64", "u64", "i5", "u1", "x8"])
place = offset | st.sampled_from(["#0", "#1", "#3", "#-1", "#9223372036854775807", "#576460752303423488"])
reads = st.tuples(st.just("GET"), field, place)
writes = st.tuples(st.sampled_from(["SET", "INCRBY", "incrby"]), field, place, number)
overflow = st.tuples(st.just("OVERFLOW"), st.sampled_from(["WRAP", "SAT", "FAIL", "fail", "foo"]))

COMMANDS = [
    row("SET", key, value, several(moment, span, *map(st.just, ("NX", "XX", "GET", "get", "KEEPTTL")))),
    row("SET", key, value),
    row("GET", key),
    row("SETNX", key, value),
    row(st.sampled_from(["SETEX", "PSETEX"]), key, st.sampled_from([100_000, 0, "x", 2**63 - 1]), value),
    row("GETSET", key, value),
    row("GETDEL", key),
    row("GETEX", key, several(moment, span, st.just("PERSIST"), most=2)),
    row("MGET", key, key, key),
    row(st.sampled_from(["MSET", "MSETNX"]), key, value, key, value),
    row(st.sampled_from(["INCR", "DECR", "STRLEN"]), key),
    row(st.sampled_from(["INCRBY", "DECRBY"]), key, number),
    row("INCRBYFLOAT", key, fraction),
    row("APPEND", key, value),
    row(st.sampled_from(["GETRANGE", "SUBSTR"]), key, index, index),
    row("SETRANGE", key, st.integers(0, 30) | st.sampled_from([-1, "x", 2**29, 2**63 - 1]), value),
    row("LCS", key, key, several(*map(st.just, ("LEN", "IDX", "idx", "WITHMATCHLEN", ("MINMATCHLEN", 2))))),
    row("SETBIT", key, offset, st.sampled_from([0, 1, 1, 2, "x"])),
    row("GETBIT", key, offset),
    row("BITCOUNT", key, optional(index, index) | optional(index, index, unit)),
    row(
        "BITPOS",
        key,
        st.sampled_from([0, 1, 2]),
        optional(index) | optional(index, index) | optional(index, index, unit),
    ),
    row("BITOP", st.sampled_from(["AND", "or", "XOR", "DIFF", "DIFF1", "ANDOR", "ONE", "foo"]), key, key, key),
    row("BITOP", st.sampled_from(["NOT", "AND", "ONE", "DIFF"]), key, key),
    row("BITFIELD", key, several(reads, writes, writes, overflow)),
    row("BITFIELD_RO", key, several(reads, reads, overflow, writes)),
    row("PERSIST", key),
    row("PEXPIREAT", key, st.sampled_from([FUTURE * 1000, 1])),
]


@given(st.lists(st.one_of(COMMANDS), min_size=5, max_size=25))
@machines.sequences(150)
def test_sequences(both, sequence):
    for name in KEYS:
        both("GETDEL", name)
    for words in sequence:
        if words[0].lower() in TABLE:
            both(*words)
    for name in KEYS:
        both("GET", name)
        if "expiretime" in TABLE:
            both("EXPIRETIME", name)
