"""SORT and SORT_RO as the real server answers them."""

import contextlib
import shlex

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import mark

from tests.commands.test_string_machine import optional, row, several
from tests.oracle import RawClient

SETUP = [
    "RPUSH l 3 1 2 10 1",
    "SADD s 3 1 2 10",
    "ZADD z 1 c 2 b 3 a",
    "MSET w1 30 w2 20 w3 10 v1 one v2 two v10 ten g1 x",
    "HSET h1 f 9 g one",
    "HSET h2 f 8",
    "HSET h3 f 10 g three",
    "RPUSH words banana apple '' Cherry apple 10 9",
]

SCRIPTS = {
    "numbers": [
        "SORT l",
        "SORT l DESC",
        "SORT s",
        "SORT l ASC DESC",
        "SORT l desc asc",
        "SORT_RO l DESC",
        "SORT nokey",
    ],
    "letters": ["SORT words ALPHA", "SORT words ALPHA DESC", "SORT l ALPHA", "SORT words", "SORT z", "SORT z ALPHA"],
    "limit": [
        "SORT l LIMIT 0 2",
        "SORT l LIMIT 1 2 DESC",
        "SORT l LIMIT -5 2",
        "SORT l LIMIT 3 100",
        "SORT l LIMIT 9 1",
        "SORT l LIMIT 1 -1",
        "SORT l LIMIT 0 0",
        "SORT l LIMIT 1 -7",
        "SORT l LIMIT 9223372036854775807 9223372036854775807",
        "SORT l LIMIT 0 1 LIMIT 1 1",
    ],
    "by": [
        "SORT l BY w*",
        "SORT l BY w* DESC",
        "SORT l BY v* ALPHA",
        "SORT l BY v* ALPHA DESC",
        "SORT l BY v*",
        "SORT l BY h*->f",
        "SORT l BY h*->g ALPHA",
        "SORT l BY h*->nosuch",
        "SORT l BY h*",
        "SORT l BY h*->",
        "SORT l BY w*->f",
        "SORT l BY #",
        "SORT l BY nosuch*",
        "SORT l BY *",
        "SORT s BY w* GET #",
    ],
    "nosort": [
        "SORT l BY nosort",
        "SORT l BY nosort DESC",
        "SORT l BY nosort LIMIT 1 2",
        "SORT l BY nosort DESC LIMIT 1 2",
        "SORT z BY nosort",
        "SORT z BY nosort DESC",
        "SORT z BY nosort DESC LIMIT 0 1",
        "SORT z BY nosort LIMIT 1 9",
        "SORT l BY nosort BY w*",
        "SORT l BY w* BY nosort",
        "SORT words BY nosort GET #",
        "SORT s BY nosort STORE d",
        "LRANGE d 0 -1",
        "SORT s BY nosort DESC STORE d",
        "LRANGE d 0 -1",
    ],
    "get": [
        "SORT l GET #",
        "SORT l GET w* GET # GET v*",
        "SORT l GET h*->f GET h*->g",
        "SORT l GET fixed",
        "SORT l GET h*",
        "SORT l GET w*->f",
        "SORT l GET g*->",
        "SORT l GET ##",
        "SORT l GET *",
        "SORT l BY w* GET v* LIMIT 1 2 DESC",
    ],
    "store": [
        "SORT l STORE d",
        "TYPE d",
        "LRANGE d 0 -1",
        "SORT l GET v* STORE d",
        "LRANGE d 0 -1",
        "SORT l LIMIT 9 1 STORE d",
        "EXISTS d",
        "SORT l LIMIT 9 1 STORE d",
        "SET d x EX 100",
        "SORT l DESC STORE d",
        "TTL d",
        "SORT nokey STORE d",
        "EXISTS d",
        "SORT l STORE l",
        "LRANGE l 0 -1",
        "SORT l STORE a STORE b",
        "EXISTS a b",
        "SORT words STORE d",
        "SORT words ALPHA STORE d",
        "LRANGE d 0 -1",
        "OBJECT ENCODING d",
        "SORT_RO l STORE d",
    ],
    "encodings": ["OBJECT ENCODING z", "SORT z ALPHA", "OBJECT ENCODING z", "SORT s", "OBJECT ENCODING s"],
    "errors": [
        "SORT",
        "SORT w1",
        "SORT h1",
        "SORT w1 FOO",
        "SORT l FOO",
        "SORT l LIMIT 1",
        "SORT l LIMIT a 1",
        "SORT l LIMIT 1 a",
        "SORT l LIMIT 1 a FOO",
        "SORT l BY",
        "SORT l GET",
        "SORT l STORE",
        "SORT_RO l STORE d",
    ],
    "keys": [
        "COMMAND GETKEYS SORT abc STORE def",
        "COMMAND GETKEYS SORT abc",
        "COMMAND GETKEYS SORT abc BY store LIMIT 0 1 GET store STORE x store y",
        "COMMAND GETKEYS SORT abc STORE",
        "COMMAND GETKEYSANDFLAGS SORT abc STORE def",
        "COMMAND GETKEYS SORT_RO abc STORE def",
    ],
}


@mark.parametrize("name", SCRIPTS)
def test_answers_as_the_real_server(both, name):
    for line in SETUP + SCRIPTS[name]:
        both(*shlex.split(line))


@mark.parametrize(
    "number",
    [
        *(
            "",
            " 1",
            "\t2",
            "1 ",
            " ",
            "\n",
            "0x10",
            "inf",
            "-inf",
            "+inf",
            "iNf",
            "nan",
            "-nan",
            "1e400",
            "1e-400",
            "-1e400",
        ),
        *(
            "1e-310",
            "-0",
            "1\0x",
            "\0",
            "1 \0",
            "+3",
            "++3",
            "+",
            "-",
            ".",
            "1_0",
            ".5",
            "5.",
            "1e5",
            "1E+5",
            "1e",
            "e5",
        ),
        *("infinity", "infi", "0x", "12345678901234567890123", "1.5abc", "1.7976931348623159e308", "٣"),
    ],
)
def test_what_counts_as_a_number(both, number):
    both("RPUSH", "l", number, "1", "-1", "0", "2")
    both("SORT", "l")
    both("SORT", "l", "DESC")
    both("MSET", "w1", number, "w-1", "5")
    both("SORT", "l", "BY", "w*", "ALPHA", "LIMIT", "0", "1")


def test_zero_bytes_end_patterns_and_texts(both):
    both("RPUSH", "l", "b\0a", "b\0b", "a", "b", "b\0aa", "")
    both("MSET", "k", "1", "x\0a", "2", "xa", "3")
    for words in (
        *(("ALPHA",), ("ALPHA", "DESC"), ("ALPHA", "GET", "x\0*"), ("ALPHA", "GET", "x*\0->f"), ("ALPHA", "BY", "\0*")),
        *(("ALPHA", "GET", "#\0"), ("ALPHA", "BY", "x*", "GET", "x*")),
    ):
        both("SORT", "l", *words)
    both("SORT", "l", "ALPHA", "STORE", "d")
    both("LRANGE", "d", "0", "-1")


@mark.parametrize("limit", [-2, 2, 5])
def test_what_is_stored_has_the_encoding_of_its_size(both, limit):
    both("CONFIG", "SET", "list-max-listpack-size", limit)
    for count in (1, 2, 3, 5, 6, 20):
        both("DEL", "l")
        both("RPUSH", "l", *range(count))
        both("SORT", "l", "STORE", "d")
        both("OBJECT", "ENCODING", "d")
    for size in (8100, 8183, 8184, 8185, 8190, 8192, 8193, 20000):
        both("DEL", "l")
        both("RPUSH", "l", "x" * size)
        both("SORT", "l", "ALPHA", "STORE", "d")
        both("OBJECT", "ENCODING", "d")
    both("CONFIG", "SET", "list-max-listpack-size", -2)


def test_a_sort_changes_as_many_elements_as_it_stores(server):
    database = server.engine.keyspace.databases[0]
    server.call(lambda: database.flush())
    with contextlib.closing(RawClient(server.port)) as client:
        client.ask("RPUSH", "l", "1", "2", "3")
        before = database.dirty
        client.ask("SORT", "l", "STORE", "d")
        assert database.dirty == before + 3


element = st.sampled_from(["", "1", "2", "10", "-3", "1.5", "a", "B", "c", "x\0y"])
pattern = st.sampled_from(["w*", "h*->f", "h*->", "#", "nosort", "*", "w*x*", "*->f", "h*->f->g"])
options = several(
    *map(st.just, ("ASC", "DESC", "ALPHA", "alpha")),
    st.tuples(st.sampled_from(["BY", "GET", "get"]), pattern),
    st.tuples(st.just("LIMIT"), st.sampled_from([0, 1, -1, 3, "x"]), st.sampled_from([0, 1, 2, -1, 9])),
    most=5,
)
COMMANDS = [
    row("SORT", st.sampled_from(["l", "l", "z", "d"]), options),
    row("SORT_RO", st.sampled_from(["l", "z", "h1"]), options),
    row("SORT", st.sampled_from(["l", "s", "z"]), options, "STORE", "d"),
    row("SORT", "s", "ALPHA", optional(st.just("LIMIT"), st.just(0), st.just(3))),
    row("RPUSH", "l", element, element),
    row("SADD", "s", element),
    row("ZADD", "z", st.integers(-3, 3), element),
    row("SET", element.map("w{}".format), element),
    row("HSET", element.map("h{}".format), "f", element),
    row("LRANGE", "d", 0, -1),
]


@given(st.lists(st.one_of(COMMANDS), min_size=8, max_size=30))
@settings(
    max_examples=80,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_sequences(both, sequence):
    both("FLUSHALL")
    for words in sequence:
        both(*words)
