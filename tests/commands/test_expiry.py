"""Expiry commands, line by line as the real server answers them, and what they tell the engine."""

import shlex

from pytest import fixture, mark

from pyredis.engine.execution.expiry_view import ExpiryView
from tests.observed import START_MS, Observed

PREPARED = ["SET k v", "SET ever v", "SET far v EXAT 99999999999"]

SCRIPTS = {
    "precedence": """
        EXPIRE k 10 foo
        EXPIRE k x foo
        EXPIRE k x NX XX
        EXPIRE k x NX GT
        EXPIRE k x LT NX
        EXPIRE k x GT LT
        EXPIRE k x
        EXPIRE none x
        EXPIRE none 10
        EXPIRE none 10 NX NX
        EXPIRE k
        PEXPIRE
        TTL
        PERSIST
    """,
    "overflow": """
        EXPIRE k 9223372036854775807
        EXPIRE k 9223372036854775808
        EXPIRE k -9223372036854775808
        EXPIRE k 9223372036854775
        EXPIRE none 9223372036854775
        EXPIREAT k 9223372036854775807
        PEXPIRE k 9223372036854775807
        PEXPIREAT none -9223372036854775808
        PEXPIREAT k 9223372036854775807
        PEXPIRETIME k
        EXPIREAT k 9223372036854775
        EXPIRETIME k
        PEXPIRE k -9223372036854775808
        EXISTS k
    """,
    "conditions": """
        EXPIREAT k 99999999999 XX
        EXPIREAT k 99999999999 GT
        EXPIREAT k 99999999999 NX
        EXPIREAT k 99999999999 NX
        EXPIREAT k 99999999999 xx
        EXPIREAT k 99999999999 gt
        EXPIREAT k 99999999999 lt
        EXPIREAT k 99999999998 GT
        EXPIREAT k 99999999998 XX LT
        EXPIRETIME k
        PEXPIREAT k 99999999998001 XX GT
        PEXPIRETIME k
        EXPIRETIME k
        PERSIST k
        EXPIREAT k 99999999998 XX LT
        EXPIREAT k 99999999998 LT
        EXPIRETIME k
    """,
    "past": """
        EXPIRE k 0
        EXISTS k
        SET k v
        EXPIRE k -1
        EXISTS k
        SET k v
        EXPIREAT k 1 GT
        EXPIREAT k 1 LT
        GET k
        EXPIREAT far 1 GT
        EXPIREAT far 1 XX
        EXISTS far
    """,
    "asking": """
        TTL none
        PTTL none
        EXPIRETIME none
        PEXPIRETIME none
        TTL ever
        PTTL ever
        EXPIRETIME ever
        PEXPIRETIME ever
        EXPIRETIME far
        PEXPIRETIME far
        EXPIRE k 100
        TTL k
        PERSIST k
        PERSIST k
        PERSIST none
        TTL k
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


@fixture
def observed():
    return Observed()


# After `SET s 5` at 1,000,000 ms: changes, events and what propagates.
EFFECTS = [
    ("EXPIRE s 10", 1, ["expire"], ["PEXPIREAT s 1010000"]),
    ("PEXPIRE s 10 NX", 1, ["expire"], ["PEXPIREAT s 1000010 NX"]),
    ("EXPIREAT s 2000", 1, ["expire"], ["PEXPIREAT s 2000000"]),
    ("PEXPIREAT s 1000001", 1, ["expire"], ["PEXPIREAT s 1000001"]),
    ("PEXPIREAT s 1000000", 1, ["del"], ["DEL s"]),
    ("EXPIRE s 0", 1, ["del"], ["DEL s"]),
    ("EXPIRE s 10 XX", 0, [], []),
    ("EXPIRE none 10", 0, [], []),
    ("PERSIST s", 0, [], []),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    observed("SET s 5")
    assert observed(line) == (changes, events, sent)


def test_persist(observed):
    observed("SET s 5 EX 10")
    assert observed("PERSIST s") == (1, ["persist"], ["PERSIST s"])
    observed.clock.advance(100_000)
    assert observed.value("TTL s") == -1


def test_lazy_expiry_unlinks(observed):
    observed.engine.config.replace("lazyfree-lazy-expire", True)
    observed("SET s 5")
    assert observed("EXPIRE s -1") == (1, ["del"], ["UNLINK s"])


def test_a_replica_keeps_what_is_past(observed):
    observed("SET s 5")
    observed.engine[ExpiryView].update(replica=True)
    assert observed("PEXPIREAT s 5") == (1, ["expire"], ["PEXPIREAT s 5"])
    assert observed.client.db.expire_time(b"s") == 5


@mark.parametrize(("left", "seconds"), [(10_000, 10), (9_500, 10), (9_499, 9), (499, 0)])
def test_seconds_are_rounded(observed, left, seconds):
    observed(f"SET s 5 PX {left}")
    assert observed.value("TTL s") == seconds
    assert observed.value("PTTL s") == left
    assert observed.value("PEXPIRETIME s") == START_MS + left


def test_a_key_lives_through_its_last_millisecond(observed):
    observed("SET s 5 PX 10")
    observed.clock.advance(10)
    assert observed.value("PTTL s") == 0
    observed.clock.advance(1)
    assert observed.value("PTTL s") == -2
