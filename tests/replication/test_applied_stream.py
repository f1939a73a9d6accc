"""What a replica does with a command of its master's stream that fails here."""

import pytest

from pyredis.assembly import build_engine
from pyredis.engine.execution.roles import MASTER
from pyredis.engine.roster import Clients
from pyredis.protocol.encoder import encode_command
from pyredis.replication.applied_stream import AppliedStream


class Panicked(Exception):
    """The process would have ended."""


def stream(read_only, behaviour):
    engine = build_engine()

    def give_up():
        raise Panicked

    engine.give_up = give_up
    engine.config.replace("replica-read-only", read_only)
    engine.config.replace("propagation-error-behavior", behaviour)
    client = engine[Clients].connect()
    client.role = MASTER
    return engine, AppliedStream(engine, client, lambda data: None)


FAILS = encode_command((b"NOSUCH", b"1"))
ENDS = [(True, "panic"), (True, "panic-on-replicas")]
GOES_ON = [(True, "ignore"), (False, "panic"), (False, "panic-on-replicas")]


@pytest.mark.parametrize(("read_only", "behaviour"), ENDS)
def test_a_replica_that_nobody_else_writes_to_panics_if_told_to(read_only, behaviour):
    engine, applied = stream(read_only, behaviour)
    with pytest.raises(Panicked):
        applied.feed(FAILS)
    assert engine.stats.unexpected_errors == 1


@pytest.mark.parametrize(("read_only", "behaviour"), GOES_ON)
def test_another_counts_the_error_and_goes_on(read_only, behaviour):
    engine, applied = stream(read_only, behaviour)
    applied.feed(FAILS + encode_command((b"SET", b"k", b"v")))
    assert engine.stats.unexpected_errors == 1
    assert engine.keyspace.databases[0].get(b"k") == b"v"
