"""What holds for replicas of a master: limits, PINGs, who waits for a log that is switched off."""

import contextlib
import itertools

import pytest

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.pause import ASKED, FAILING_OVER, FOREVER, Pause
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.execution.roles import REPLICA
from pyredis.engine.roster import Clients
from pyredis.engine.sessions import Sessions
from pyredis.replication.replica import State
from pyredis.replication.replicas import Replicas
from tests.oracle import wait_for
from tests.replication.topologies import OURS, Client, Topology, info, value

MB = 1 << 20


def attached(clock=None):
    """An engine with a replica."""
    engine = build_engine(clock=clock or ManualClock())
    client, replicas = engine[Clients].connect(), engine[Replicas]
    replicas.attach(replicas.introduced(client), State.ONLINE)
    return engine, client


@pytest.mark.parametrize(("limit", "backlog", "most"), [(1, 10, 10), (20, 10, 20), (0, 10, 0)])
def test_the_output_limit_of_replicas_is_at_least_what_they_could_have_again(limit, backlog, most):
    engine, client = attached()
    assert client.role is REPLICA
    engine.config.set_many([(b"client-output-buffer-limit", b"replica %dmb 0 0" % limit)], local=True, loading=False)
    engine.config.set_many([(b"repl-backlog-size", b"%dmb" % backlog)], local=True, loading=False)
    limits = engine[Sessions].limits
    assert [limits.exceeds(client, size) for size in (most * MB - 1, most * MB)] == [False, most > 0]


def seconds_pinged(engine, clock, count):
    """In which of so many seconds the stream goes on."""
    found = []
    for second in range(count):
        before = engine[Propagation].offset
        clock.advance(1000)
        engine.cron()
        if engine[Propagation].offset > before:
            found.append(second)
    return found


def test_replicas_are_pinged_by_the_second_since_the_start():
    clock = ManualClock()
    engine, _ = attached(clock)
    engine.config.replace("repl-ping-replica-period", 5)
    found = seconds_pinged(engine, clock, 20)
    assert [later - earlier for earlier, later in itertools.pairwise(found)] == [5] * (len(found) - 1)
    engine.config.replace("repl-ping-replica-period", 3600)
    assert seconds_pinged(engine, clock, 20) == []


@pytest.mark.parametrize(("purpose", "pinged"), [(ASKED, True), (FAILING_OVER, False)])
def test_a_pause_hides_no_master_but_one_that_hands_over_is_still(purpose, pinged):
    clock = ManualClock()
    engine, _ = attached(clock)
    engine.config.replace("repl-ping-replica-period", 1)
    engine[Pause].begin(FOREVER, False, purpose)
    assert bool(seconds_pinged(engine, clock, 3)) is pinged


@pytest.mark.slow
def test_who_waits_for_a_log_that_is_switched_off_is_told():
    with Topology() as topology:
        server = topology.server(OURS, "--appendonly", "yes", "--appendfsync", "no")
        with contextlib.closing(Client(server.port)) as client:
            client.value("SET", "k", "v")
            client.send(b"WAITAOF 1 1 0\r\n")
            wait_for(lambda: info(server.port, "clients")["blocked_clients"] == "1")
            value(server.port, "CONFIG", "SET", "appendonly", "no")
            with pytest.raises(Exception, match="WAITAOF cannot be used when numlocal is set"):
                raise client._next()
