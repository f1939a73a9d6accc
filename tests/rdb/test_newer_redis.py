"""A file and payloads that Redis 8.10.2 wrote: all of them is read but arrays, which are refused by name.

Made with its own SAVE and DUMP. What is new to them: hashes of templates (`hash-max-template-entries`), what XNACK gave
back, and XADD's IDMP.
"""

import json
from pathlib import Path

import hiredis
import pytest

from pyredis import check_rdb
from pyredis.rdb.encoding import CorruptData, Reader
from pyredis.rdb.loader import Loader
from pyredis.rdb.templated_hashes import OWN_LISTPACK, SHARED_LISTPACK, SHARED_STRINGS, read_words
from pyredis.scripting.function_libraries import Functions
from tests.persistence.corpus import Server

DATA = Path(__file__).parent / "data"
WRITTEN = json.loads((DATA / "redis-8.10-payloads.json").read_text())
PAYLOADS = {name: bytes.fromhex(text) for name, text in WRITTEN.items()}

ANSWERS = {
    ("GET", "string"): b"v",
    ("GET", "int"): b"12345",
    ("GET", "long"): b"abc" * 100,
    ("PEXPIRETIME", "volatile"): 4_000_000_000_000,
    ("LRANGE", "list", 0, -1): [b"a", b"2", b"c"],
    ("LLEN", "long list"): 60,
    ("LINDEX", "long list", -1): b"element 59" * 20,
    ("SMISMEMBER", "ints", 1, 3, 4): [1, 1, 0],
    ("SMISMEMBER", "set", "a", "b", "c"): [1, 1, 0],
    ("SCARD", "large set"): 140,
    ("ZRANGE", "sorted set", 0, -1, "WITHSCORES"): [b"a", b"1", b"b", b"2.5"],
    ("ZRANGE", "large sorted set", 100, 101): [b"m100", b"m101"],
    ("HGETALL", "hash"): [b"a", b"1", b"b", b"2"],
    ("HGET", "large hash", "f519"): b"519",
    ("HPEXPIRETIME", "timed hash", "FIELDS", 2, "a", "b"): [4_000_000_000_000, -1],
    ("HGETALL", "templated"): [b"k1", b"v1", b"k2", b""],
    ("OBJECT", "ENCODING", "templated"): b"listpack",
    ("HGETALL", "templated too"): [b"k1", b"w" * 100, b"k2", b"5"],
    ("OBJECT", "ENCODING", "templated too"): b"hashtable",
    ("HMGET", "other template", "k3", "k4", "k5"): [b"1", b"2", b"12345678901"],
    ("XRANGE", "stream", "-", "1-3"): [[b"1-1", [b"f", b"0", b"g", b"x"]], [b"1-3", [b"f", b"2", b"g", b"x"]]],
    ("XLEN", "stream"): 4,
    ("XPENDING", "stream", "group"): [3, b"1-1", b"1-4", [[b"", b"1"], [b"c1", b"1"], [b"c2", b"1"]]],
    ("XLEN", "repeated"): 1,
    ("VEMB", "vectors", "b"): [b"2", b"0.992125928401947"],
    ("VGETATTR", "vectors", "a"): b'{"n":1}',
    ("FCALL", "f", 0): 7,
}  # fmt: skip


def value(server, *words):
    reader = hiredis.Reader()
    reader.feed(server.ask(*words))
    return reader.gets()


@pytest.fixture(scope="module")
def file_of_8_10():
    server = Server()
    loader = Loader(server.space, server.engine.limits)
    loader.feed((DATA / "redis-8.10.rdb").read_bytes())
    loader.finish()
    server.engine[Functions].restore(loader.libraries, replace=True, flush=False)
    return server


@pytest.mark.parametrize("words", ANSWERS, ids=lambda words: " ".join(map(str, words)))
def test_a_file_is_read(file_of_8_10, words):
    assert value(file_of_8_10, *words) == ANSWERS[words]


def test_what_was_given_back_is_claimed_first(file_of_8_10):
    claimed = value(file_of_8_10, "XAUTOCLAIM", "stream", "group", "c2", 10**9, 0, "JUSTID")
    assert claimed[1] == [b"1-3"]


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name != "array"])
def test_a_payload_is_restored(file_of_8_10, name):
    server = Server()
    assert server.ask("RESTORE", name, 0, PAYLOADS[name]) == b"+OK\r\n"
    reads = {"string": "GET", "list": "LRANGE", "stream": "XRANGE", "repeated": "XRANGE", "sorted set": "ZRANGE"}
    words = [reads.get(name, "VEMB" if name == "vectors" else "HGETALL"), name]
    words += {"LRANGE": [0, -1], "ZRANGE": [0, -1], "XRANGE": ["-", "+"], "VEMB": ["a"]}.get(words[0], [])
    assert value(server, *words) == value(file_of_8_10, *words) not in (None, [])


def test_an_array_is_refused_by_name(caplog):
    server = Server()
    assert server.ask("RESTORE", "array", 0, PAYLOADS["array"]) == b"-ERR Bad data format\r\n"
    loader = Loader(server.space, server.engine.limits)
    with pytest.raises(CorruptData, match=r"an array, which Redis 8\.8 brought.*at the key b'array'") as refused:
        loader.feed((DATA / "redis-8.10-array.rdb").read_bytes())
    assert refused.value.offset == 123


@pytest.mark.parametrize(("name", "valid"), [("redis-8.10", True), ("redis-8.10-array", False)])
def test_a_file_is_checked(capsys, name, valid):
    assert check_rdb.main([str(DATA / f"{name}.rdb")]) == (0 if valid else 1)
    said = capsys.readouterr().out
    assert ("RDB looks OK" in said) is valid
    assert ("hash-template-array 1" in said) is valid
    assert ("an array, which Redis 8.8 brought" in said) is not valid


@pytest.mark.parametrize(
    ("code", "body", "says"),
    [
        (SHARED_STRINGS, b"\5\1v", "no template has the number 5"),
        (SHARED_LISTPACK, b"\x0b\x0b\0\0\0\2\0\7\1\1\1\xff", "no template has the number 7"),
        (SHARED_LISTPACK, b"\x0b\x0b\0\0\0\2\0\1\1\1\1\xff", "1 values for 2 fields"),
        (OWN_LISTPACK, b"\1", "in an unknown form"),
        (OWN_LISTPACK, b"\0\x07\7\0\0\0\0\0\xff\x09\x09\0\0\0\1\0\0\1\xff", "0 values for 0 fields"),
        (SHARED_STRINGS, b"\1\1v", "expected at the end"),
    ],
)
def test_what_is_no_hash_of_a_template(code, body, says):
    with pytest.raises(CorruptData, match=says):
        read_words(Reader(body), code, {1: [b"a", b"b"]})
