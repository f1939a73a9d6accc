"""Feeding replicas: one backlog, a position each."""

import pytest

from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.roster import Clients
from pyredis.replication.replica import State
from pyredis.replication.replicas import GETACK, Replicas
from tests.observed import Observed
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
    assert online.taken.count(PING) == 3
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
