"""MONITOR's lines: when, where, by whom, and what is left out."""

from pytest import fixture

from pyredis.engine.client import NullSink
from pyredis.engine.execution import detours, gates
from pyredis.engine.messaging.monitors import Monitors
from pyredis.engine.roster import Clients
from tests.observed import Observed, ask


class Heard(NullSink):
    def __init__(self, address):
        self.address, self.data = address, b""

    def write(self, data):
        self.data += data


@fixture
def observed():
    return Observed()


@fixture
def monitor(observed):
    monitor = observed.engine[Clients].connect(Heard("1.1.1.1:1"))
    ask(monitor, "MONITOR")
    return monitor


def test_a_line_tells_time_database_address_and_words(observed, monitor):
    client = observed.engine[Clients].connect(Heard("2.2.2.2:2"))
    observed.clock.advance(0.007)
    ask(client, "SELECT 3", 'SET \'a b\' "\\"x"')
    lines = monitor.sink.data.split(b"\r\n")
    assert lines[0].endswith(b'+1000.000007 [3 2.2.2.2:2] "SELECT" "3"') or b"[0 2.2.2.2:2]" in lines[0]
    assert lines[1] == b'+1000.000007 [3 2.2.2.2:2] "SET" "a b" "\\"x"'


def test_what_a_script_calls_is_told_as_lua_s_behind_the_script(observed, monitor):
    ask(observed.client, "EVAL \"return redis.call('GET', 'a')\" 0")
    shown = [line.split(b"] ")[1].split()[0] for line in monitor.sink.data.split(b"\r\n")[:-1]]
    assert shown == [b'"EVAL"', b'"GET"']
    assert b"[0 lua]" in monitor.sink.data


def test_neither_administration_nor_what_was_refused_is_shown(observed, monitor):
    ask(observed.client, "CONFIG GET port", "CLIENT LIST", "GET", "NOSUCH")
    assert b"CONFIG" not in monitor.sink.data
    assert b'"GET"' not in monitor.sink.data


def test_secrets_are_not_shown(observed, monitor):
    ask(observed.client, "HELLO 3 AUTH default secret", "AUTH secret")
    assert b"secret" not in monitor.sink.data


def test_the_gate_stands_while_there_is_one(observed, monitor):
    other = observed.engine[Clients].connect()
    observed.engine[Monitors].add(other)
    assert other.gates & monitor.gates & gates.MONITORING
    observed.engine[Monitors].remove(monitor)
    assert observed.engine.gates & detours.MONITORED
    assert not monitor.gates & gates.MONITORING
    observed.engine[Monitors].remove(monitor)  # it is none any more
    assert observed.engine.gates & detours.MONITORED
    observed.engine[Clients].disconnect(other)
    assert not observed.engine.gates & detours.MONITORED
