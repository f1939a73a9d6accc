"""One tiny run against the real server, from start to table. See benchmarks/README.md."""

import contextlib
import shutil
import socket
from argparse import ArgumentTypeError

import pytest

from benchmarks import deletions, eviction, growth, large_commands, load, mixed, report, wire
from benchmarks.load import LoadError, Settings
from benchmarks.memory import bytes_per_collection, bytes_per_key, kib_per_connection
from benchmarks.ratios import Key
from benchmarks.servers import COMMANDS, ROOT, ServerMissingError, other_tree, running, start_all

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("redis-benchmark") and shutil.which("redis-server")),
        reason="redis-benchmark or redis-server is not on the PATH",
    ),
]
TINY = Settings(clients=5, keyspace=100, seconds=0.02)


def test_measures_a_test_and_prints_it():
    with running("redis") as server:
        load.fill(server, TINY.keyspace)
        requests = load.calibrate(server, "get", 16, TINY)
        sample = load.measure(server, "get", requests, 16, TINY)
    assert requests % 16 == 0
    assert sample.rps > 1000
    assert 0 < sample.p50_ms <= sample.p99_ms
    assert 0.01 < sample.cpu_us < 1000
    table = report.table({Key(16, "get", "redis"): [sample]})
    assert f"{sample.rps:,.0f}" in table


def test_a_test_that_takes_away_finds_enough():
    with running("redis") as server:
        load.prepare(server, "spop", 1000, TINY)
        with server.connect() as sock:
            sock.sendall(b"SCARD myset\r\n")
            assert 990 <= int(sock.recv(100)[1:]) <= 1000


@pytest.mark.parametrize("name", ["redis", "bare", "pyredis"])
@pytest.mark.parametrize("mix", mixed.MIXES)
def test_a_mix_is_answered_as_expected(name, mix):
    with running(name) as server:
        load.fill(server, TINY.keyspace)
        assert load.calibrate(server, mix, 16, TINY) % 16 == 0
        sample = load.measure(server, mix, 9600, 16, TINY)
        with server.connect() as sock:
            kinds = len(mixed.MIXES[mix]) - 2
            assert wire.ask(sock, "DBSIZE") == b":%d" % (2 * TINY.keyspace + (kinds and len(mixed.CONTAINERS)))
    assert 0 < sample.p50_ms <= sample.p99_ms
    assert 0.01 < sample.cpu_us < 1000


def test_a_mix_answered_with_an_error_is_a_load_error():
    with running("redis") as server:
        load.fill(server, TINY.keyspace)
        with server.connect() as sock:
            wire.ask(sock, "SET", "hash:1", "x")
        with pytest.raises(LoadError, match="WRONGTYPE"):
            load.run(server.port, "mixed_six", 8000, 16, TINY)


def test_another_checkout_is_a_server_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setitem(COMMANDS, "tree", [])
    other_tree(str(ROOT))
    with running("tree") as server, server.connect() as sock:
        assert wire.ask(sock, "PING") == b"+PONG"
    with pytest.raises(ArgumentTypeError, match="no pyredis"):
        other_tree(str(tmp_path))


def test_a_command_answered_with_an_error_is_a_load_error():
    with running("redis") as server:
        with server.connect() as sock:
            sock.sendall(b"LPUSH counter:000000000000 x\r\n")
            assert sock.recv(100) == b":1\r\n"
        with pytest.raises(LoadError, match="WRONGTYPE"):
            load.run(server.port, "incr", 100, 1, Settings(clients=1, keyspace=1))


def test_a_server_that_died_is_a_load_error_at_once():
    with running("redis") as server:
        server.process.kill()
        server.process.wait()
        with pytest.raises(LoadError, match="redis has ended with exit code -9"):
            load.measure(server, "get", 100, 1, TINY)


def test_a_server_is_gone_after_its_block():
    with running("redis") as server:
        pass
    assert server.process.returncode is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_a_server_that_does_not_start_is_missing_with_its_last_words(monkeypatch):
    monkeypatch.setitem(COMMANDS, "redis", ["redis-server", "--port", "no-port"])
    with contextlib.ExitStack() as stack:
        servers, missing = start_all(["redis"], stack)
    assert servers == []
    assert "exit code 1" in missing["redis"]


def test_a_program_that_is_not_there_is_missing(monkeypatch):
    monkeypatch.setitem(COMMANDS, "redis", ["no-such-program-anywhere", "{port}"])
    with pytest.raises(ServerMissingError, match="no-such-program"), running("redis"):
        pass


def test_memory_figures_are_plausible():
    with running("redis") as server:
        assert 40 < bytes_per_key(server, 20_000) < 400
    with running("redis") as server:
        assert 0.5 < kib_per_connection(server, 50) < 500
    with running("redis") as server:
        assert 50 < bytes_per_collection(server, "hash", 20_000) < 1000


def test_growth_measures_every_command():
    with running("redis") as server:
        costs = growth.grow(server, [100, 1000], 50)
        assert set(costs) == set(growth.CASES)
        assert all(value > 0 for sizes in costs.values() for value in sizes.values())
        assert len(list(growth.lines({"redis": costs}))) == len(growth.CASES)


def test_hit_rates_are_of_the_keys_held():
    asked = eviction.trace("scans", 6000, 20_000, 1.0)
    with running("redis") as server:
        figures = eviction.measure(server, "allkeys-lru", 3000, asked)
    assert 0 < figures["hits"] <= 100
    assert 2000 <= figures["held"] <= 4000
    assert eviction.ideal(asked, 6000) == 100


@pytest.mark.parametrize("kind", ["strings", "hash", "set", "zset", "list", "stream"])
def test_what_is_deleted_was_there(kind):
    with running("redis") as server:
        with server.connect() as sock:
            wire.send_lines(sock, deletions.commands(kind, 100))
            assert wire.ask(sock, "DBSIZE") == (b":100" if kind == "strings" else b":1")
        assert deletions.measure(server, kind, 100, "UNLINK", limited=False)["stall_ms"] > 0


def test_large_commands_measure_every_case(capsys):
    with running("redis") as server:
        results = large_commands.compare([server], list(large_commands.CASES), 50, 1)
    assert set(results) == set(large_commands.CASES)
    assert all(value > 0 for figures in results.values() for value in figures["redis"].values())
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(large_commands.CASES)


@pytest.mark.parametrize("name", large_commands.CASES)
def test_large_commands_in_process_are_no_errors(name):
    assert large_commands.measure_engine(large_commands.CASES[name], 50) > 0


def test_a_large_command_answered_with_an_error_is_told():
    wrong = large_commands.Case(lambda n: ["LPUSH", "h", "x"], ("hash",))
    with running("redis") as server, pytest.raises(wire.ReplyError, match="WRONGTYPE"):
        large_commands.measure(server, wrong, 10)
    with pytest.raises(wire.ReplyError, match="WRONGTYPE"):
        large_commands.measure_engine(wrong, 10)
