"""Every part of `benchmarks.replication` against the real server, tiny."""

import shutil
import socket
import threading
from contextlib import ExitStack, closing

import pytest

from benchmarks import replication, wire
from benchmarks.relay import Relay
from benchmarks.replicas import OPTIONS, Watched, attach, following, has_acknowledged
from benchmarks.replication import PAIRED, Scale
from benchmarks.servers import running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not on the PATH"),
]
TINY = Scale(rounds=1, seconds=0.02, backlog=1000, steady_s=0.3, rate=1000, keys=1000, resyncs=1, waits=10)


@pytest.mark.parametrize("part", PAIRED)
def test_a_part_has_plausible_figures(part):
    figures = PAIRED[part](("redis", "redis"), TINY)
    assert all(value >= 0 for value in figures.values())
    assert next(iter(figures.values())) > 0


@pytest.mark.skipif(not shutil.which("redis-benchmark"), reason="redis-benchmark is not on the PATH")
def test_throughput_has_a_line_for_each_number_of_replicas(capsys):
    lines = replication.compared("throughput", ["redis"], TINY)
    floor = ["bare_master alone", "bare_master 1 sink", "bare_master 3 sink"]
    assert list(lines) == ["redis alone", "redis 1 redis", "redis 3 redis", "redis 1 sink", "redis 3 sink", *floor]
    assert lines["redis alone"]["kept"] == 1
    assert len(capsys.readouterr().out.splitlines()) == len(lines)


def test_the_floor_of_catching_up_stands_beside_the_pairs():
    assert set(replication.compared("catchup", ["redis"], TINY)) == {"redis→redis", "floor"}


def test_a_pair_that_fails_is_told(monkeypatch, capsys):
    def fails(names, scale):
        raise wire.ReplyError("no such command")

    monkeypatch.setitem(PAIRED, "wait", fails)
    assert replication.compared("wait", ["redis"], TINY) == {}
    assert "redis→redis          missing: ReplyError('no such command')" in capsys.readouterr().out


def test_a_full_resync_after_a_cut_is_no_resync():
    with following(("redis", "redis"), is_cuttable=True) as both:
        with replication.resynced(both, 0) as back:
            both.replica.ask("REPLICAOF", "NO", "ONE")
            both.replica.ask("SET", "of", "its own")
            both.follow()
        with pytest.raises(RuntimeError, match="full resync"):
            back()


def test_the_cheapest_replica_acknowledges_what_it_throws_away():
    with running("redis", *OPTIONS) as server, ExitStack() as stack:
        attach(server, "sink", 2, stack)
        master = Watched(server, stack)
        master.ask("SET", "key", "value")
        assert not has_acknowledged(master)
        replication.await_that(lambda: has_acknowledged(master))


def test_a_relay_passes_on_until_cut_and_again_when_restored():
    def echo(listener):
        for _ in range(2):
            sock, _ = listener.accept()
            with sock:
                while data := sock.recv(100):
                    sock.sendall(data)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        relay = Relay(listener.getsockname()[1])
        with closing(wire.connect(relay.port)) as sock:
            sock.sendall(b"one")
            assert sock.recv(100) == b"one"
            relay.cut()
            assert sock.recv(100) == b""
            with pytest.raises(ConnectionRefusedError):
                wire.connect(relay.port)
        relay.restore()
        with pytest.raises(TimeoutError):
            relay.await_connection(0.01)
        with closing(wire.connect(relay.port)) as sock:
            sock.sendall(b"two")
            assert sock.recv(100) == b"two"
            assert relay.await_connection(1) > 0
        relay.cut()
