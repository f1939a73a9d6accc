"""HyperLogLog commands: replies and stored bytes as the real server's, what they tell the engine, corrupt strings."""

import shlex

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import fixture, mark

from pyredis.datatypes.hyperloglog import REGISTERS
from tests.commands.test_string_machine import row
from tests.observed import Observed

KEYS = ["a", "b", "c"]
HEADER = b"HYLL\x01" + bytes(11)
DENSE_HEADER = b"HYLL\x00" + bytes(11)

SCRIPTS = {
    "add": """
        PFADD h
        PFADD h
        PFCOUNT h
        PFADD h a b c a
        PFADD h a
        GET h
        STRLEN h
        OBJECT ENCODING h
        TYPE h
        PFADD
        PFADD str a
        PFADD int a
        PFADD list a
        PFADD short a
    """,
    "count": """
        PFADD h a b c
        GETRANGE h 0 15
        PFCOUNT h
        GETRANGE h 0 15
        PFCOUNT h
        PFADD h d
        GETRANGE h 0 15
        PFADD g d e
        PFCOUNT h g
        PFCOUNT h g none
        PFCOUNT none
        PFCOUNT none none
        PFCOUNT
        PFCOUNT str
        PFCOUNT int
        PFCOUNT list
        PFCOUNT none str
        PFCOUNT h list
    """,
    "merge": """
        PFADD a 1 2 3
        PFADD b 3 4 5
        PFMERGE c a b
        GET c
        PFCOUNT c
        PFMERGE c
        GETRANGE c 0 15
        PFMERGE c none
        PFMERGE new none
        GET new
        PFMERGE dest
        GET dest
        PFDEBUG TODENSE b
        PFMERGE c b
        PFDEBUG ENCODING c
        PFMERGE a b
        PFDEBUG ENCODING a
        GET a
        EXPIREAT c 99999999999
        PFMERGE c a
        EXPIRETIME c
        PFMERGE
        PFMERGE str a
        PFMERGE c str
        PFMERGE c list
        PFMERGE list c
    """,
    "debug": """
        PFADD h a b c
        PFDEBUG DECODE h
        PFDEBUG ENCODING h
        PFDEBUG TODENSE h
        PFDEBUG todense h
        PFDEBUG decode h
        PFDEBUG encoding h
        PFADD g a b c
        PFDEBUG GETREG g
        PFDEBUG ENCODING g
        PFDEBUG foo g
        PFDEBUG foo none
        PFDEBUG foo str
        PFDEBUG foo list
        PFDEBUG GETREG
        PFDEBUG GETREG g x
        PFDEBUG
        PFDEBUG simd off
        PFDEBUG SIMD ON
        PFSELFTEST x
    """,
    "copies": """
        PFADD h a b c
        COPY h g
        PFADD g d e
        PFCOUNT h
        PFCOUNT g
        OBJECT ENCODING g
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    both("SET", "str", "v")
    both("SET", "int", "12")
    both("SET", "short", "HYLL")
    both("RPUSH", "list", "a")
    for line in SCRIPTS[name].strip().splitlines():
        both(*shlex.split(line))


@mark.parametrize("most", [0, 20, 100, 3000, 16000])
def test_the_string_is_the_real_servers_at_any_limit(both, most):
    both("CONFIG", "SET", "hll-sparse-max-bytes", most)
    for number in range(0, 2000, 7):
        both("PFADD", "h", *range(number, number + 7))
        if number % 70 == 0:
            both("PFDEBUG", "ENCODING", "h")
            both("GET", "h")
            both("PFCOUNT", "h")
    both("CONFIG", "SET", "hll-sparse-max-bytes", 3000)


def test_estimates_are_the_real_servers_to_the_digit(both):
    for step in range(40):
        for name in KEYS:
            both("PFADD", name, *(f"{name}{number}" for number in range(step * 1000, (step + 1) * 1000)))
            both("PFCOUNT", name)
        both("PFCOUNT", *KEYS)
    both("PFMERGE", "all", *KEYS)
    both("GET", "all")


@mark.parametrize(
    "registers",
    [bytes([value]) * REGISTERS for value in (0, 1, 32, 33, 50, 51, 52, 63)] + [bytes(range(64)) * (REGISTERS // 64)],
    ids=["0", "1", "32", "33", "50", "51", "52", "63", "mixed"],
)
def test_dense_registers_of_any_value(both, registers):
    packed = sum(value << 6 * index for index, value in enumerate(registers)).to_bytes(REGISTERS * 6 // 8, "little")
    both("SET", "h", DENSE_HEADER[:15] + b"\x80" + packed)
    both("PFDEBUG", "GETREG", "h")
    both("PFCOUNT", "h")
    both("GETRANGE", "h", 0, 15)
    both("PFCOUNT", "h")
    both("PFCOUNT", "h", "none")
    both("PFMERGE", "g", "h")
    both("GET", "g")
    both("PFADD", "h", "x")
    both("GET", "h")


@mark.parametrize(
    "value",
    [
        HEADER,
        HEADER[:15],
        HEADER + b"\x7f",
        HEADER + b"\x7f\xfe",
        HEADER + b"\x7f\xff\x00",
        HEADER + b"\x7f\xff\x80",
        HEADER + b"\x7f\xff\x7f\xff",
        HEADER + b"\x80\x80\x80",
        HEADER + b"\x7f\xff",
        b"HYLL\x01\x01\x02\x03\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff",
        b"HYLL\x01" + b"x" * 11 + b"\x7f\xff",
        b"HYLL\x02" + bytes(11) + b"\x7f\xff",
        b"HYLL\xff" + bytes(11) + b"\x7f\xff",
        b"hyll\x01" + bytes(11) + b"\x7f\xff",
        DENSE_HEADER,
        DENSE_HEADER + bytes(12287),
        DENSE_HEADER + bytes(12289),
        DENSE_HEADER + bytes(12288),
    ],
    ids=lambda value: f"{len(value)} {value[:30].hex()}",
)
def test_corrupt_strings(both, value):
    for stale in (value, value[:15] + b"\x80" + value[16:]):
        for words in (
            ["PFCOUNT", "h"],
            ["PFCOUNT", "h", "none"],
            ["PFDEBUG", "TODENSE", "h"],
            ["PFDEBUG", "GETREG", "h"],
        ):
            both("SET", "h", stale)
            both(*words)
            both("GET", "h")
        for words in (["PFMERGE", "h", "g"], ["PFMERGE", "g", "h"], ["PFADD", "h", "a"], ["PFADD", "h", "a", "b", "c"]):
            both("SET", "h", stale)
            both("PFADD", "g", "x")
            both(*words)
            both("GET", "h")
            both("OBJECT", "ENCODING", "h")


key = st.sampled_from(KEYS)
elements = st.lists(st.integers(0, 500), max_size=40).map(tuple) | st.integers(0, 5000).map(
    lambda start: tuple(range(start, start + 400))
)

COMMANDS = [
    row("PFADD", key, elements),
    row("PFADD", key, elements),
    row("PFCOUNT", key),
    row("PFCOUNT", key, key, key),
    row("PFMERGE", key, key),
    row("PFMERGE", key, key, key),
    row("PFDEBUG", st.sampled_from(["TODENSE", "ENCODING", "DECODE"]), key),
    row("DEL", key),
]


@given(st.sampled_from([3000, 3000, 100, 500]), st.lists(st.one_of(COMMANDS), min_size=4, max_size=12))
@settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_sequences(both, most, sequence):
    both("CONFIG", "SET", "hll-sparse-max-bytes", most)
    both("DEL", *KEYS)
    for words in sequence:
        both(*words)
    for name in KEYS:
        both("GET", name)
    both("CONFIG", "SET", "hll-sparse-max-bytes", 3000)


@fixture
def observed():
    return Observed()


# After `PFADD h a b`, `PFADD g c`: changes, events and what propagates.
EFFECTS = [
    ("PFADD h a", 0, [], []),
    ("PFADD h c d", 2, ["pfadd"], ["PFADD h c d"]),
    ("PFADD new", 1, ["new", "pfadd"], ["PFADD new"]),
    ("PFADD new a b", 3, ["new", "pfadd"], ["PFADD new a b"]),
    ("PFCOUNT h", 1, [], ["PFCOUNT h"]),
    ("PFCOUNT h g", 0, [], []),
    ("PFMERGE h g", 1, ["pfadd"], ["PFMERGE h g"]),
    ("PFMERGE new", 1, ["keymiss", "new", "pfadd"], ["PFMERGE new"]),
    ("PFDEBUG TODENSE h", 1, [], ["PFDEBUG TODENSE h"]),
    ("PFDEBUG ENCODING h", 0, [], []),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    observed("PFADD h a b")
    observed("PFADD g c")
    assert observed(line) == (changes, events, sent)


def test_an_estimate_kept_is_a_change_once(observed):
    observed("PFADD h a b")
    assert observed("PFCOUNT h")[0] == 1
    assert observed("PFCOUNT h")[0] == 0


def test_selftest(observed):
    assert observed.line("PFSELFTEST") == b"+OK\r\n"
