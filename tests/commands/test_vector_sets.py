"""Vector sets: as the real server answers, with numpy and without, and what they tell the engine.

The real server's search is compared with TRUTH, which looks at everything, as ours always does.
"""

import shlex
import struct
from random import Random

import hiredis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import fixture, mark

from tests.commands.test_string_machine import optional, row, several
from tests.datatypes.arithmetics import arithmetic  # noqa: F401
from tests.observed import Observed

COMMANDS = [
    *("VADD", "VCARD", "VDIM", "VEMB", "VGETATTR", "VINFO", "VISMEMBER", "VLINKS", "VRANDMEMBER", "VREM"),
    *("VSETATTR", "VSIM"),
]

SCRIPTS = {
    "number of words": "\n".join(
        f"{name} {' '.join(words)}" for name in COMMANDS for words in ((), "k", "ka", "kab", "kabcdef")
    ),
    "add": """
        VADD v VALUES 3 1 2 3 a
        VADD v VALUES 3 1 2 4 a
        VADD v values 3 -1 0.5 1e1 b cas q8 ef 10 m 16 setattr {}
        VADD v VALUES 3 0 0 0 c SETATTR ""
        VADD v VALUES 3 1 2 4 a SETATTR {}
        VADD v VALUES 3 1 2 4 a SETATTR ""
        VCARD v
        VDIM v
        TYPE v
        OBJECT ENCODING v
        VADD v VALUES 3 1 2 3 x NOQUANT
        VADD v VALUES 3 1 2 3 x BIN
        VADD v VALUES 3 1 2 3 x M 5
        VADD v VALUES 3 1 2 3 x M 3
        VADD v VALUES 3 1 2 3 x M 4097
        VADD v VALUES 3 1 2 3 x M x
        VADD v VALUES 3 1 2 3 x M
        VADD v VALUES 3 1 2 3 x EF 0
        VADD v VALUES 3 1 2 3 x EF 1000001
        VADD v VALUES 3 1 2 3 x EF
        VADD v VALUES 3 1 2 3 x SETATTR
        VADD v VALUES 3 1 2 3 x FOO
        VADD v VALUES 3 1 2 3
        VADD v VALUES 2 1 2 x
        VADD v VALUES 4 1 2 3 x
        VADD v VALUES 0 1 2 x
        VADD v VALUES -1 1 2 x
        VADD v VALUES x 1 2 x
        VADD v VALUES 9223372036854775808 1 2 x
        VADD v VALUES 2 1 y x
        VADD v VALUES 2 1 nan x
        VADD v VALUES 2 1 1e400 x
        VADD v VALUES 2 1 "" x
        VADD v VALUES 2 1 " 1" x
        VADD v FP32 123 x
        VADD v FP32 "" x
        VADD v FP32 12345678 x
        VADD v FOO 12345678 x
        VADD v REDUCE 2 VALUES 3 1 2 3 x
        VADD v REDUCE 3 VALUES 3 1 2 3 x
        VADD str VALUES 3 1 2 3 x
        VADD str VALUES 3 1 2 3 x FOO
        VADD str VALUES 3 1 2 x
        VADD odd VALUES 2 0x10 inf x
        VADD odd VALUES 2 1e300 1 x
        VEMB odd x
        VADD small VALUES 2 1e-40 -1e-40 x
        VEMB small x
        VADD small VALUES 2 1e-25 -1e-35 y
        VEMB small y
        VEMB small y RAW
    """,
    "reduced": """
        VADD r REDUCE 2 VALUES 4 1 2 3 4 a
        VEMB r a
        VDIM r
        VADD r REDUCE 2 VALUES 4 4 3 2 1 b
        VADD r REDUCE 3 VALUES 4 4 3 2 1 c
        VADD r REDUCE 2 VALUES 3 4 3 2 c
        VADD r VALUES 4 4 3 2 1 c
        VADD r VALUES 2 4 3 c
        VADD r REDUCE 0 VALUES 2 4 3 c
        VADD r REDUCE -1 VALUES 2 4 3 c
        VADD r REDUCE x VALUES 2 4 3 c
        VADD r REDUCE VALUES 2 4 3 c
        VADD r REDUCE 2
        VSIM r VALUES 4 1 2 3 4 WITHSCORES TRUTH
        VSIM r VALUES 2 1 2 WITHSCORES TRUTH
        VSIM r VALUES 3 1 2 3
        VSIM r ELE b WITHSCORES TRUTH
        VSIM r REDUCE 2 VALUES 4 1 2 3 4
        VADD wide REDUCE 5 VALUES 3 1 2 3 a NOQUANT
        VEMB wide a
    """,
    "remove": """
        VADD v VALUES 2 1 2 a
        VADD v VALUES 2 2 1 b
        VREM v x
        VREM none a
        VREM str a
        VREM v a
        VISMEMBER v a
        VISMEMBER v b
        VISMEMBER none a
        VISMEMBER str a
        VREM v b
        EXISTS v
        VCARD v
        VCARD none
        VCARD str
        VDIM none
        VDIM str
    """,
    "attributes": """
        VADD v VALUES 2 1 2 a SETATTR {"x":1}
        VGETATTR v a
        VGETATTR v x
        VGETATTR none a
        VGETATTR str a
        VSETATTR v a y
        VGETATTR v a
        VSETATTR v a ""
        VGETATTR v a
        VSETATTR v x y
        VSETATTR none a y
        VSETATTR str a y
    """,
    "look": """
        VADD v VALUES 2 1 2 a
        VEMB v a
        VEMB v a RAW
        VEMB v a raw RAW
        VEMB v a FOO
        VEMB v x
        VEMB none a
        VEMB none a FOO
        VEMB str a
        VEMB str a FOO
        VINFO none
        VINFO str
        VLINKS v x
        VLINKS none a
        VLINKS str a
        VLINKS v a FOO
        VRANDMEMBER v
        VRANDMEMBER v 0
        VRANDMEMBER v 5
        VRANDMEMBER v -3
        VRANDMEMBER v x
        VRANDMEMBER none
        VRANDMEMBER none 0
        VRANDMEMBER none 5
        VRANDMEMBER str
        VRANDMEMBER str 0
        VRANDMEMBER str x
        COPY v w
        SORT v
        GET v
        DEBUG DIGEST-VALUE v
    """,
    "search": """
        VADD v VALUES 2 1 0 a SETATTR {"n":1}
        VADD v VALUES 2 1 1 b SETATTR {"n":2}
        VADD v VALUES 2 0 1 c
        VADD v VALUES 2 -1 0.1 d
        VSIM v ELE a
        VSIM v ele a withscores
        VSIM v ELE a WITHATTRIBS
        VSIM v ELE a WITHATTRIBS WITHSCORES
        VSIM v VALUES 2 1 2 WITHSCORES COUNT 2
        VSIM v FP32 12345678 WITHSCORES
        VSIM v ELE a COUNT 1
        VSIM v ELE a COUNT 100 TRUTH NOTHREAD EF 10 FILTER-EF 10
        VSIM v ELE a EPSILON 0.3
        VSIM v ELE a EPSILON 0.5 WITHSCORES
        VSIM v ELE a EPSILON inf
        VSIM v ELE a FILTER ".n > 1" WITHSCORES
        VSIM v ELE a FILTER .n
        VSIM v ELE a FILTER 0
        VSIM v ELE a FILTER 0 FILTER 1
        VSIM v ELE a FILTER .n>
        VSIM v ELE a FILTER ".n @"
        VSIM v ELE a FILTER ""
        VSIM v ELE a FILTER
        VSIM v ELE a COUNT 0
        VSIM v ELE a COUNT x
        VSIM v ELE a COUNT
        VSIM v ELE a EPSILON 0
        VSIM v ELE a EPSILON x
        VSIM v ELE a EF 0
        VSIM v ELE a EF x
        VSIM v ELE a FILTER-EF 0
        VSIM v ELE a FILTER-EF x
        VSIM v ELE a FILTER-EF
        VSIM v ELE a FILTER-EF 9223372036854775808
        VSIM v ELE a FOO
        VSIM v ELE x
        VSIM v ELE x FOO
        VSIM v VALUES 3 1 2 3
        VSIM v VALUES 3 1 2 3 FOO
        VSIM v VALUES 3 1 2
        VSIM v VALUES x 1 2
        VSIM v FP32 123
        VSIM v FP32 1234
        VSIM v FOO a
        VSIM none FOO a
        VSIM none ELE a FOO
        VSIM str ELE a
        VSIM str FOO a
    """,
    "transaction": """
        MULTI
        VADD v VALUES 1 1 a CAS
        VSIM v ELE a WITHSCORES
        VSIM v
        EXEC
    """,
    "other commands": """
        VADD v VALUES 1 1 a
        EXPIREAT v 99999999999
        VADD v VALUES 1 2 b
        EXPIRETIME v
        RENAME v w
        VCARD w
        SCAN 0 TYPE vectorset
        SET w x
        VCARD w
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    both("SET", "str", "v")
    for line in SCRIPTS[name].strip().splitlines():
        both(*shlex.split(line.replace('{"n":', '{\\"n\\":').replace('{"x":', '{\\"x\\":')))


@mark.parametrize("quantisation", ["NOQUANT", "Q8", "BIN"])
@mark.parametrize("dimension", [1, 3, 8, 15, 64, 65, 300])
def test_numbers_are_the_real_servers_to_the_digit(both, quantisation, dimension):
    random = Random(dimension)

    def vector():
        numbers = [random.gauss(0, random.choice([1, 1e-3, 1e5])) for _ in range(dimension)]
        if random.random() < 0.5:
            return "FP32", struct.pack(f"<{dimension}f", *numbers)
        return "VALUES", dimension, *map(repr, numbers)

    for number in range(12):
        both("VADD", "v", *vector(), f"e{number}", quantisation)
        both("VEMB", "v", f"e{number}")
        both("VEMB", "v", f"e{number}", "RAW")
    for number in range(4):
        both("VSIM", "v", *vector(), "WITHSCORES", "TRUTH")
        both("VSIM", "v", "ELE", f"e{number}", "WITHSCORES", "TRUTH", "COUNT", 5)
        both("VREM", "v", f"e{number}")
    both("DEBUG", "DIGEST-VALUE", "v")


def parsed(reply):
    reader = hiredis.Reader()
    reader.feed(reply)
    return reader.gets()


def test_links_are_the_real_servers_neighbours(both):
    for number in range(8):
        both("VADD", "v", "VALUES", 2, number, 3, f"e{number}", "NOQUANT")
    ours, real = (parsed(reply)[-1] for reply in both.replies("VLINKS", "v", "e3"))
    assert sorted(ours) == sorted(real) == [b"e0", b"e1", b"e2", b"e4", b"e5", b"e6", b"e7"]
    ours, real = (parsed(reply)[-1] for reply in both.replies("VLINKS", "v", "e3", "WITHSCORES"))
    if both.resp == 2:
        ours, real = (dict(zip(reply[::2], reply[1::2], strict=True)) for reply in (ours, real))
    assert ours == real and len(ours) == 7


def test_info(both):
    both("VADD", "v", "VALUES", 2, 1, 2, "a", "SETATTR", "{}", "BIN", "M", 5)
    varying = (b"max-level", b"vset-uid")
    facts = [reply.split(b"\r\n") for reply in both.replies("VINFO", "v")]
    for ours, real in zip(*facts, strict=True):
        assert ours == real or any(b"+" + word in facts[0] for word in varying)
    assert len(facts[0]) == len(facts[1])
    assert [line for line in facts[0] if line[:1] in b"+%*"] == [line for line in facts[1] if line[:1] in b"+%*"]


def test_a_filter_looks_no_further_than_its_effort(both):
    """What the real one comes by from step to step varies with its graph: first some 32 elements, then 9."""
    random = Random(1)
    for number in range(600):
        vector = [random.gauss(0, 1) for _ in range(8)]
        both("VADD", "v", "VALUES", 8, *vector, number, "SETATTR", f'{{"n":{number}}}')
    counts = {}
    for effort in (1, 2, 5, 10, 30, 1000):
        replies = both.replies("VSIM", "v", "ELE", 0, "COUNT", 600, "FILTER", "1", "FILTER-EF", effort)
        counts[effort] = [len(parsed(reply)) for reply in replies]
    assert counts[1] == [1, 1] and min(counts[1000]) >= 598
    assert all(real / 4 <= ours <= real * 4 for ours, real in counts.values()), counts
    for extra in ((), ("FILTER-EF", 10**9), ("TRUTH", "FILTER-EF", 1), ("FILTER", "1", "FILTER-EF", 1)):
        ours, real = both.replies("VSIM", "v", "ELE", 0, "COUNT", 7, *extra)
        assert len(parsed(ours)) == len(parsed(real))


element = st.sampled_from("abcdef")
number = st.integers(-4, 4)
attributes = st.sampled_from(['{"n":1}', '{"n":2,"s":"x"}', "", "x", '{"s":[1,"x"]}'])
filters = st.sampled_from([".n", ".n > 1", '.s == "x"', '"x" in .s', "not .n", ".n == 1 or 1", ".n >"])
MACHINE = [
    row("VADD", "v", "VALUES", "2", number, number, element, optional(st.just("SETATTR"), attributes)),
    row("VADD", "v", "VALUES", "2", number, number, element),
    row("VREM", "v", element),
    row("VSETATTR", "v", element, attributes),
    row(st.sampled_from(["VGETATTR", "VEMB", "VISMEMBER"]), "v", element),
    row(st.sampled_from(["VCARD", "VDIM"]), "v"),
    row(
        "VSIM",
        "v",
        st.tuples(st.just("ELE"), element) | st.tuples(st.just("VALUES"), st.just("2"), number, number),
        several(
            st.tuples(st.just("COUNT"), st.sampled_from([1, 2, 50])),
            st.tuples(st.just("EPSILON"), st.sampled_from(["0.25", "0.6"])),
            st.tuples(st.just("FILTER"), filters),
            st.just("WITHSCORES"),
            st.just("WITHATTRIBS"),
            most=4,
        ),
        "TRUTH",
    ),
]


@given(st.lists(st.one_of(MACHINE), min_size=5, max_size=25))
@settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_sequences(both, sequence):
    both("DEL", "v")
    for words in sequence:
        both(*words)


@fixture
def observed():
    return Observed()


# After `VADD v VALUES 2 1 2 a`, `VADD v VALUES 2 2 1 b`: changes, events and what propagates.
EFFECTS = [
    ("VADD v VALUES 2 1 1 c", 1, [], ["VADD v VALUES 2 1 1 c"]),
    ("VADD v VALUES 2 1 1 a", 1, [], ["VADD v VALUES 2 1 1 a"]),
    ("VADD new VALUES 2 1 1 a", 1, ["new"], ["VADD new VALUES 2 1 1 a"]),
    ("VADD v VALUES 3 1 1 1 a", 0, [], []),
    ("VREM v a", 1, [], ["VREM v a"]),
    ("VREM v x", 0, [], []),
    ("VSETATTR v a x", 1, [], ["VSETATTR v a x"]),
    ("VSETATTR v x x", 0, [], []),
    ("VSIM v ELE a", 0, [], []),
    ("VEMB none a", 0, ["keymiss"], []),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    observed("VADD v VALUES 2 1 2 a")
    observed("VADD v VALUES 2 2 1 b")
    assert observed(line) == (changes, events, sent)


def test_the_last_element_takes_the_key_along(observed):
    observed("VADD v VALUES 2 1 2 a")
    assert observed("VREM v a") == (1, [], ["VREM v a"])
    assert observed.value("EXISTS v") == 0


def test_random_elements_are_even(observed):
    for number in range(10):
        observed.line(f"VADD v VALUES 1 {number} e{number}")
    drawn = observed.value("VRANDMEMBER v -10000")
    counts = [drawn.count(b"e%d" % number) for number in range(10)]
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 9 + 5.2 * 18**0.5 + 15
    assert len({*observed.value("VRANDMEMBER v 5")}) == 5


def test_counts_beyond_all_bounds_are_refused(observed):
    """As by Redis 8.10; 8.2 dies of them."""
    observed.line("VADD v VALUES 1 1 a")
    for count in (-(2**63), -(10**9)):
        assert observed.line(f"VRANDMEMBER v {count}") == b"-ERR COUNT value is out of range\r\n"
    assert observed.value("VRANDMEMBER v 9223372036854775807") == [b"a"]


def test_memory_usage_is_near(both):
    for number in range(500):
        both("VADD", "v", "VALUES", 3, number, 1, 2, f"element:{number}")
    ours, real = (int(reply[1:-2]) for reply in both.replies("MEMORY", "USAGE", "v"))
    assert real * 0.8 <= ours <= real * 1.25
