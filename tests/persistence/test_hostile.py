"""Payloads that were tampered with: refused by CorruptData or read, and never at the price of much memory.

pytest -m proof tests/persistence/test_hostile.py        100,000 examples
"""

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyredis.keyspace.digest import digest_of_value
from pyredis.keyspace.kinds import encoding_name
from pyredis.rdb.encoding import CorruptData, Reader
from pyredis.rdb.value_reading import read_value
from pyredis.rdb.value_writing import write_value
from tests.persistence.corpus import Server, whole

SERVER = Server()
PAYLOADS = sorted(
    {
        (code, body)
        for _, value in whole().space.databases[0].table.items()
        for newest in (10, 12)
        for compressing in (False, True)
        for code, body in [write_value(value, newest, compressing)]
        if len(body) < 30_000
    }
)
CODES = [*range(8), *range(9, 27)]
BOMBS = [b"\x80\xff\xff\xff\xff", b"\x81" + b"\xff" * 8, b"\xc3\1\x80\xff\xff\xff\xff", b"\xff" * 8]
_MOST = 200  # times the payload: small elements become objects, and LZF packs up to 88 times


@st.composite
def tampered(draw):
    code, body = draw(st.sampled_from(PAYLOADS))
    if draw(st.integers(0, 9)) == 0:
        code = draw(st.sampled_from(CODES))
    data = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        # Most of what matters stands at the beginning.
        at = draw(st.integers(0, min(len(data), 40)) | st.integers(0, len(data)))
        match draw(st.sampled_from(["flip", "byte", "cut", "drop", "insert", "bomb", "repeat"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "byte" if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 16))]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=16))
            case "bomb":
                data[at : at + draw(st.integers(0, 9))] = draw(st.sampled_from(BOMBS))
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
    return code, bytes(data)


def survive(payload):
    """Read it; what was read must be a value that works."""
    code, data = payload
    tracemalloc.start()
    try:
        value = read_value(code, Reader(data), SERVER.engine.limits)
    except CorruptData as fault:
        assert 0 <= fault.offset <= len(data)
        assert fault.reason
        return
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 300_000 + _MOST * len(data), (code, data, peak)
    db = SERVER.space.databases[0]
    db.load(b"k", value, None)
    encoding_name(value)
    digest_of_value(db, b"k")
    for newest in (10, 12):
        again = read_value(*_written(value, newest), SERVER.engine.limits)
        assert type(again) is type(value)
    for words in USES[type(value).__name__]:
        reply = SERVER.ask(*words)
        assert b"internal error" not in reply, (words, reply, data)
    SERVER.ask("DEL", "k")


def _written(value, newest):
    code, body = write_value(value, newest)
    return code, Reader(body)


USES = {
    "bytes": [("GET", "k"), ("APPEND", "k", "x")],
    "List": [("LRANGE", "k", 0, -1), ("LPUSH", "k", "x"), ("LPOP", "k", 3), ("RPOP", "k", 3)],
    "Set": [("SMEMBERS", "k"), ("SADD", "k", "x", "7"), ("SPOP", "k", 2)],
    "SortedSet": [
        ("ZRANGE", "k", 0, -1, "WITHSCORES"),
        ("ZADD", "k", 5, "x"),
        ("ZINCRBY", "k", 1, "x"),
        ("ZPOPMIN", "k"),
    ],
    "Hash": [("HGETALL", "k"), ("HSET", "k", "x", "y"), ("HPEXPIRETIME", "k", "FIELDS", 1, "x"), ("HDEL", "k", "x")],
    "VectorSet": [
        ("VSIM", "k", "VALUES", 6, *range(6), "WITHSCORES"),
        ("VLINKS", "k", "element1"),
        ("VADD", "k", "VALUES", 6, *range(6), "x", "M", 5),
        ("VREM", "k", "element1"),
    ],
    "Stream": [
        ("XINFO", "STREAM", "k", "FULL", "COUNT", 0),
        ("XRANGE", "k", "-", "+"),
        ("XADD", "k", "*", "f", "v"),
        ("XREADGROUP", "GROUP", "g", "alice", "COUNT", 2, "STREAMS", "k", ">"),
        ("XREADGROUP", "GROUP", "g", "bob", "COUNT", 2, "STREAMS", "k", "0"),
        ("XACK", "k", "g", "2-2", "3-3"),
        ("XTRIM", "k", "MAXLEN", 2),
        ("XGROUP", "DELCONSUMER", "k", "g", "bob"),
    ],
}


@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(tampered())
def test_tampered_payloads_do_no_harm(payload):
    survive(payload)


@pytest.mark.proof
@pytest.mark.timeout(3600)
@settings(max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(tampered())
def test_very_many_tampered_payloads_do_no_harm(payload):
    survive(payload)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("bomb", BOMBS)
def test_lengths_that_nothing_can_hold(code, bomb):
    for before in (b"", b"\1", bytes(8), b"\1\1", b"\x10" + bytes(16)):
        survive((code, before + bomb + b"abc" * 20))


def test_every_type_that_is_written_is_tampered_with():
    assert {code for code, _ in PAYLOADS} >= {0, 2, 4, 5, 11, 16, 17, 18, 19, 20, 21, 24, 25}
