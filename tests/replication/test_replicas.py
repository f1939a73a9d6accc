"""Feeding replicas: one backlog, a position each; and what holds for replicas: limits, PINGs, who waits for a log."""

import contextlib
import itertools

import pytest

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.pause import ASKED, FAILING_OVER, FOREVER, Pause
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.execution.roles import REPLICA
from pyredis.engine.memory.used_memory import Memory
from pyredis.engine.roster import Clients
from pyredis.engine.sessions import Sessions
from pyredis.replication.backlog import BLOCK_BYTES
from pyredis.replication.replica import State
from pyredis.replication.replicas import GETACK, Replicas
from tests.observed import Observed
from tests.oracle import wait_for
from tests.replication.topologies import OURS, Client, Topology, info, value
from tests.replication.wires import Kept, Taking

SELECT = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
SET = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
PING = b"*1\r\n$4\r\nPING\r\n"


class Master:
    def __init__(self):
        self.observed = Observed()
        self.engine = self.observed.engine
        self.replicas = self.engine[Replicas]
        self.kept = Kept(self.engine.log)

    def attach(self, state=State.ONLINE, sent=1):
        sink = Taking()
        replica = self.replicas.introduced(self.engine[Clients].connect(sink))
        replica.port, replica.speaks_psync, replica.sent = 7000, True, sent
        self.replicas.attach(replica, state)
        return replica, sink

    def write(self):
        self.observed.line("SET k v")

    def pass_time(self, ms):
        for _ in range(ms // 100):
            self.observed.clock.advance(100)
            self.engine.cron()


@pytest.fixture
def master():
    return Master()


def test_what_is_written_in_one_turn_goes_in_one_piece(master):
    _, one = master.attach()
    _, other = master.attach()
    master.write()
    master.write()
    assert one.taken == b""
    master.engine.host.run_due()
    assert one.taken == other.taken == SELECT + SET + SET


def test_who_comes_later_reads_from_his_place(master):
    master.attach()
    master.write()
    master.replicas.flush()
    late, sink = master.attach(sent=1 + len(SELECT))
    master.replicas.feed(late)
    master.write()
    master.replicas.flush()
    assert sink.taken == SET + SET


def test_a_slow_one_is_sent_more_when_it_has_taken_what_there_was(master):
    _, quick = master.attach()
    slow, sink = master.attach()
    sink.is_congested = True
    master.write()
    master.replicas.flush()
    assert (quick.taken, sink.taken, slow.sent) == (SELECT + SET, b"", 1)
    sink.is_congested = False
    sink.drained()
    assert sink.taken == SELECT + SET


@pytest.mark.parametrize("state", [state for state in State if state is not State.ONLINE])
def test_only_who_is_online_is_fed(master, state):
    _, sink = master.attach(state)
    master.write()
    master.replicas.flush()
    assert sink.taken == b""


def test_who_gets_a_stream_of_a_snapshot_says_that_it_is_loaded_first(master):
    replica, sink = master.attach()
    replica.awaits_ack = True
    master.write()
    master.replicas.flush()
    assert (sink.taken, master.replicas.having(0)) == (b"", 0)
    master.replicas.acknowledge(replica.client, 0)
    assert (sink.taken, master.replicas.having(0)) == (SELECT + SET, 1)


def test_an_acknowledgement_is_not_taken_back(master):
    replica, _ = master.attach()
    for offset, fsynced in ((5, 3), (4, 9), (-1, -1)):
        master.replicas.acknowledge(replica.client, offset, fsynced)
    assert (replica.acknowledged, replica.fsynced) == (5, 9)
    assert [master.replicas.having(offset) for offset in (0, 5, 6)] == [1, 1, 0]
    assert [master.replicas.having_on_disk(offset) for offset in (9, 10)] == [1, 0]
    master.replicas.acknowledge(master.observed.client, 100)  # no replica
    assert master.replicas.having(6) == 0


def test_acknowledgements_are_asked_for_once_a_turn(master):
    _, sink = master.attach()
    master.replicas.ask_for_acks()
    master.replicas.ask_for_acks()
    master.replicas.flush()
    assert sink.taken == GETACK
    master.replicas.ask_for_acks()
    master.replicas.flush()
    assert sink.taken == 2 * GETACK


def test_ping_every_period_and_empty_lines_for_those_who_wait(master):
    _, online = master.attach()
    _, waiting = master.attach(State.WAIT_BGSAVE_END, 0)
    replica, _ = master.attach(State.WAIT_BGSAVE_END, 0)
    replica.streamed = True
    master.pass_time(21_000)
    master.replicas.flush()
    assert online.taken.count(PING) == 2
    assert set(waiting.taken) == {ord("\n")}
    assert 20 <= len(waiting.taken) <= 21
    assert replica.client.sink.taken == b""


def test_a_silent_one_is_dropped_and_named(master):
    master.attach()
    other, _ = master.attach()
    for _ in range(7):
        master.pass_time(10_000)
        master.replicas.acknowledge(other.client, 0)
    assert list(master.replicas.attached) == [other.client]
    assert "Disconnecting timedout replica (streaming sync): 10.0.0.1:7000" in master.kept.lines
    assert "Connection with replica 10.0.0.1:7000 lost." in master.kept.lines


def test_a_history_that_nobody_needs_any_more_ends(master):
    replica, _ = master.attach()
    propagation = master.engine[Propagation]
    master.replicas.drop(replica)
    before = propagation.id
    master.pass_time(3_599_000)
    assert (master.replicas.backlog is not None, propagation.id) == (True, before)
    master.pass_time(3_000)
    assert master.replicas.backlog is None
    assert propagation.id != before


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


def test_what_replicas_wait_for_is_used_and_not_evicted_for(master):
    """As in Redis: the backlog counts against `maxmemory`, what slower replicas need beyond it does not."""
    observed = master.observed
    observed.line("CONFIG SET repl-backlog-size 16384")
    observed.line("SET k v")
    master.attach(State.SEND_BULK)
    memory = master.engine[Memory]
    before, counted = memory.used(), memory.beside()
    for _ in range(40):
        observed.line(f"SETRANGE big 0 {'x' * 9000}")
        master.replicas.flush()
    fields = dict(line.split(":") for line in observed.line("INFO memory").decode().split("\r\n") if ":" in line)
    spared = int(fields["mem_not_counted_for_evict"])
    assert fields["mem_replication_backlog"] == "16384"
    assert fields["mem_clients_slaves"] == str(spared)
    assert 300_000 < spared < 700_000
    assert memory.beside() - counted <= 16384
    assert spared <= memory.used() - before < spared + 16384 + 2 * 9000 + 1000
    assert b"$19\r\nreplication.backlog\r\n:16384\r\n" in observed.line("MEMORY STATS")
    master.replicas.drop_all()
    master.pass_time(1000)
    assert memory.used() - before < 16384 + 2 * BLOCK_BYTES + 9000 + 1000
