"""Whole servers that are killed, and logs that go from ours to real servers and back."""

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.oracle import RawClient, ask, binary_7_0, binary_8_2, encode, free_port, real_server, wait_for
from tests.persistence.corpus import COMMANDS, TIMED_COMMANDS

BINARIES = {"redis-8.2": binary_8_2(), "redis-7.0": binary_7_0()}


@contextlib.contextmanager
def started(folder, *arguments):
    """Our server as a process of its own: the process and its port."""
    port = free_port()
    command = [sys.executable, "-m", "pyredis.cli", "--port", port, "--bind", "127.0.0.1", "--dir", folder]
    command += ["--save", "", "--appendonly", "yes", "--enable-debug-command", "yes", *arguments]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: ask(port, "PING") == b"+PONG\r\n")
        yield process, port
    finally:
        process.kill()
        process.wait()


class Writer(threading.Thread):
    """Sends numbered writes, some at a time, and remembers when each was answered."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.key = name
        self.answered = []  # times, by number
        self.socket = socket.create_connection(("127.0.0.1", port))

    def run(self):
        received = 0
        with self.socket, contextlib.suppress(OSError):
            for number in range(1_000_000):
                count = number % 5 + 1
                first = len(self.answered)
                self.socket.sendall(b"".join(encode(("RPUSH", self.key, first + at)) for at in range(count)))
                while len(self.answered) < first + count:
                    data = self.socket.recv(65536)
                    if not data:
                        return
                    received += data.count(b"\n")
                    self.answered += [time.monotonic()] * (received - len(self.answered))


def killed_round(folder, seconds, *arguments):
    """Write for a while, kill the server: when it was killed, the writers, and how much of each one's is there."""
    with started(folder, *arguments) as (process, port):
        writers = [Writer(port, f"{random.random()}") for _ in range(4)]
        for writer in writers:
            writer.start()
        wait_for(lambda: all(writer.answered for writer in writers))
        time.sleep(seconds)
        killed = time.monotonic()
        process.send_signal(signal.SIGKILL)
        process.wait()
    for writer in writers:
        writer.join()
    with started(folder, *arguments) as (process, port):
        found = [int(ask(port, "LLEN", writer.key)[1:]) for writer in writers]
    return killed, writers, found


def rounds(count, folder, *arguments):
    for _ in range(count):
        killed, writers, found = killed_round(folder, random.uniform(0.1, 0.6), *arguments)
        for writer, there in zip(writers, found, strict=True):
            yield killed, writer.answered, there


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, pytest.param(100, marks=[pytest.mark.proof, pytest.mark.timeout(900)])])
def test_with_always_no_write_that_was_answered_is_lost(tmp_path, count):
    """Rewrites go on meanwhile; each round goes on with the log that the last one left."""
    limits = ("--auto-aof-rewrite-min-size", "20kb", "--auto-aof-rewrite-percentage", "10")
    for _, answered, there in rounds(count, tmp_path, "--appendfsync", "always", *limits):
        assert there >= len(answered)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, pytest.param(20, marks=[pytest.mark.proof, pytest.mark.timeout(900)])])
def test_with_everysec_no_more_than_two_seconds_are_lost(tmp_path, count):
    for killed, answered, there in rounds(count, tmp_path):
        assert there >= sum(at < killed - 2 for at in answered)


@pytest.mark.slow
def test_a_server_that_is_ended_in_order_keeps_everything(tmp_path):
    with started(tmp_path, "--appendfsync", "no") as (process, port):
        ask(port, "SET", "a", "1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    with started(tmp_path) as (_, port):
        assert ask(port, "GET", "a") == b"$1\r\n1\r\n"


@pytest.mark.slow
def test_a_log_that_cannot_be_read_ends_the_process(tmp_path):
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    (folder / "appendonly.aof.1.incr.aof").write_bytes(b"!!!")
    command = [sys.executable, "-m", "pyredis.cli", "--port", str(free_port()), "--appendonly", "yes"]
    done = subprocess.run([*command, "--dir", str(tmp_path)], capture_output=True, timeout=20)
    assert done.returncode == 1
    assert b"Bad file format reading the append only file appendonly.aof.1.incr.aof" in done.stdout


def fill(port, commands_by_name):
    client = RawClient(port)
    for name, commands in commands_by_name.items():
        for words in commands:
            client.ask(*[name if word == "k" else word for word in words])
    client.ask("SELECT", "5")
    client.ask("SET", "elsewhere", "1", "EX", "1000")
    client.close()


def digest(port):
    return ask(port, "DEBUG", "DIGEST")


@pytest.mark.slow
@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("name", BINARIES)
def test_logs_start_real_servers_and_ours(tmp_path, name, preamble):
    binary = BINARIES[name]
    if binary is None:
        pytest.skip(f"{name} is not installed")
    ours = ("--aof-use-rdb-preamble", preamble)
    theirs = ("--dir", str(tmp_path), "--appendonly", "yes", *ours, "--enable-debug-command", "yes")
    commands = COMMANDS | (TIMED_COMMANDS if name == "redis-8.2" else {})
    commands = {key: made for key, made in commands.items() if not key.startswith("sorted set")}  # 7.0 digests scores
    with started(tmp_path, *ours) as (_, port):
        fill(port, dict(list(commands.items())[::2]))
        ask(port, "BGREWRITEAOF")
        wait_for(lambda: b"aof_rewrite_in_progress:0" in ask(port, "INFO", "persistence"))
        fill(port, dict(list(commands.items())[1::2]))
        first = digest(port)
    checker = shutil.which("redis-check-aof")
    if checker is not None and name == "redis-7.0":
        manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
        assert b"are valid" in subprocess.run([checker, manifest], capture_output=True).stdout
    with real_server(binary, *theirs) as port:
        wait_for(lambda: b"loading:0" in ask(port, "INFO", "persistence"))
        assert digest(port) == first
        ask(port, "RPUSH", "their", "1", "2", "3")
        ask(port, "BGREWRITEAOF")
        wait_for(lambda: b"aof_rewrite_in_progress:0" in ask(port, "INFO", "persistence"))
        ask(port, "LPOP", "their")
        second = digest(port)
    with started(tmp_path, *ours) as (_, port):
        assert digest(port) == second
    assert not list(tmp_path.glob("temp*"))
