"""Bytecode is refused, whichever way it comes: Lua 5.1 believes it, and follows the pointers it is told to.

`pytest -m proof tests/scripting/test_bytecode.py` tries 10,000 mutated dumps.
"""

import contextlib
import random

import pytest

from tests.oracle import RawClient
from tests.processes import started

SOURCES = [
    "return 1 + 41",
    "local a = {} for i = 1, 3 do a[i] = function() return a end end return a",
    "local s = 'x' return function(...) return s .. select('#', ...) end",
]
WAYS = {
    "EVAL": lambda client, dump: client.ask("EVAL", dump, "0"),
    "EVAL_RO": lambda client, dump: client.ask("EVAL_RO", dump, "0"),
    "EVAL behind a shebang": lambda client, dump: client.ask("EVAL", b"#!lua\n" + dump, "0"),
    "SCRIPT LOAD": lambda client, dump: client.ask("SCRIPT", "LOAD", dump),
    "FUNCTION LOAD": lambda client, dump: client.ask("FUNCTION", "LOAD", b"#!lua name=l\n" + dump),
    "loadstring": lambda client, dump: client.ask("EVAL", "return assert(loadstring(ARGV[1]))()", "0", dump),
    "loadstring in pieces": lambda client, dump: client.ask(
        "EVAL", "local n = 0 return assert(load(function() n = n + 1 return ARGV[n] end))()", "0", dump[:1], dump[1:]
    ),
}


@pytest.fixture
def client():
    """Of a server of its own: what Lua does with bytecode ends processes."""
    with started("--save", "") as (port, process), contextlib.closing(RawClient(port)) as client:
        yield client
        assert process.poll() is None


def dumps_of(client):
    """What string.dump makes of some functions."""
    for source in SOURCES:
        said = client.ask("EVAL", "return string.dump(loadstring(ARGV[1]))", "0", source)
        dump = said.partition(b"\r\n")[2][:-2]
        assert dump.startswith(b"\x1bLua"), said
        yield dump


def mutated(chance, dump):
    raw = bytearray(dump)
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        raw[chance.randrange(1, len(raw))] = chance.randrange(256)
    return bytes(raw[: chance.choice((len(raw), chance.randrange(1, len(raw))))])


def refuse(client, seed, count):
    chance, dumps = random.Random(seed), list(dumps_of(client))
    for _ in range(count):
        dump, (way, send) = mutated(chance, chance.choice(dumps)), chance.choice(list(WAYS.items()))
        said = send(client, dump)
        assert said.startswith(b"-ERR "), (way, dump, said)
    assert client.ask("EVAL", "return 1", "0") == b":1\r\n"


@pytest.mark.slow
def test_a_dump_is_refused(client):
    refuse(client, 0, 300)


@pytest.mark.proof
def test_so_are_ten_thousand(client):
    refuse(client, 1, 10_000)


@pytest.mark.parametrize("way", ["EVAL", "SCRIPT LOAD", "FUNCTION LOAD", "loadstring"])
def test_with_the_real_server_s_words(way, both):
    dump = b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00"
    words = {
        "EVAL": ("EVAL", dump, "0"),
        "SCRIPT LOAD": ("SCRIPT", "LOAD", dump),
        "FUNCTION LOAD": ("FUNCTION", "LOAD", b"#!lua name=l\n" + dump),
        "loadstring": ("EVAL", "return {loadstring(ARGV[1])}", "0", dump),
    }
    both(*words[way])
