"""What a script says it does decides what stops it: memory, a stale replica, a pause of writes."""

from pytest import fixture, mark

from pyredis.engine.command_table.command import DENYOOM, MAY_REPLICATE, STALE, WRITE
from tests.observed import Observed, words

LOOKED_AT = WRITE | DENYOOM | STALE | MAY_REPLICATE


@fixture(scope="module")
def observed():
    observed = Observed()
    body = "redis.register_function{function_name='f', callback=function() end, flags={'no-writes'}}"
    observed.line(f'FUNCTION LOAD "#!lua name=l\n{body}"')
    return observed


@mark.parametrize(
    ("line", "flags"),
    [
        ("EVAL 'return 1' 0", STALE | MAY_REPLICATE),
        ("EVAL '#!lua\nreturn 1' 0", WRITE | DENYOOM),
        ("EVAL '#!lua flags=allow-oom\nreturn 1' 0", WRITE),
        ("EVAL '#!lua flags=no-writes\nreturn 1' 0", 0),
        ("EVAL '#!lua flags=no-writes,allow-stale\nreturn 1' 0", STALE),
        ("EVAL '#!lua flags=allow-stale\nreturn 1' 0", WRITE | DENYOOM | STALE),
        ("EVAL '#!lua flags=nonsense\nreturn 1' 0", STALE | MAY_REPLICATE),
        ("EVALSHA 0000000000000000000000000000000000000000 0", STALE | MAY_REPLICATE),
        ("FCALL f 0", 0),
        ("FCALL F 0", 0),
        ("FCALL nosuch 0", STALE | MAY_REPLICATE),
    ],
)
def test_flags(observed, line, flags):
    argv = words(line)
    engine = observed.engine
    assert engine.flags(observed.client.transaction, engine.find(argv), argv) & LOOKED_AT == flags


def test_a_script_known_by_its_digest_has_the_flags_of_its_text(observed):
    digest = observed.value("SCRIPT LOAD '#!lua flags=no-writes\nreturn 1'").decode()
    argv = words(f"EVALSHA {digest} 0")
    assert observed.engine.flags(observed.client.transaction, observed.engine.find(argv), argv) & LOOKED_AT == 0


def test_a_transaction_does_what_any_of_it_does(observed):
    engine = observed.engine
    for line in ("MULTI", "GET a", "EVAL '#!lua flags=no-writes\nreturn 1' 0"):
        observed.line(line)
    flags = engine.flags(observed.client.transaction, engine.exec, [b"EXEC"])
    assert not flags & WRITE
    observed.line("SET a 1")
    assert engine.flags(observed.client.transaction, engine.exec, [b"EXEC"]) & WRITE
    observed.line("DISCARD")
