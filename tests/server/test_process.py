"""`pyredis-server` as launchers start it: the contract that tools expect of `redis-server`."""

import os
import signal
import subprocess
import sys

import pytest

from tests.oracle import ask, free_port, wait_for

pytestmark = pytest.mark.slow
SERVER = [sys.executable, "-m", "pyredis.cli"]


@pytest.fixture
def start(tmp_path):
    running = []

    def start(*arguments, **options):
        port = free_port()
        process = subprocess.Popen(
            [*SERVER, "--port", str(port), "--dir", str(tmp_path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )
        running.append(process)
        return port, process

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def answers(port):
    return lambda: ask(port, "PING") == b"+PONG\r\n"


def test_version():
    text = subprocess.run([*SERVER, "--version"], capture_output=True, text=True, check=True).stdout
    assert text.startswith("Redis server v=8.2.")


def test_log_lines_have_redis_s_form(start):
    port, process = start()
    wait_for(answers(port))
    process.send_signal(signal.SIGTERM)
    text = process.communicate()[0].decode()
    assert process.returncode == 0
    lines = text.splitlines()
    assert any(line.endswith("* Ready to accept connections tcp") for line in lines)
    assert all(line.startswith((f"{process.pid}:M ", f"{process.pid}:C ")) for line in lines if "signal" not in line)
    assert any(line.startswith(f"{process.pid}:signal-handler (") for line in lines)


def test_save_points_in_one_word(start):
    port, _ = start("--save 900 1")
    wait_for(answers(port))
    assert b"900 1" in ask(port, "CONFIG", "GET", "save")


def test_configuration_from_a_file_and_standard_input(start, tmp_path):
    (tmp_path / "redis.conf").write_text('maxclients 50\nlogfile ""\n')
    port = free_port()
    process = subprocess.Popen(
        [*SERVER, str(tmp_path / "redis.conf"), "--port", str(port), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        process.stdin.write(b"databases 3\n")
        process.stdin.close()
        wait_for(answers(port))
        assert b"50" in ask(port, "CONFIG", "GET", "maxclients")
        assert b"$1\r\n3" in ask(port, "CONFIG", "GET", "databases")
    finally:
        process.kill()
        process.wait()


def test_a_wrong_directive_is_fatal():
    done = subprocess.run([*SERVER, "--nonsense", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FATAL CONFIG FILE ERROR" in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no daemons without fork")
def test_daemon(tmp_path):
    port, pid_file, path = free_port(), tmp_path / "redis.pid", tmp_path / "redis.sock"
    done = subprocess.run(
        [
            *SERVER,
            *("--port", str(port), "--daemonize", "yes", "--dir", str(tmp_path)),
            *("--pidfile", str(pid_file), "--unixsocket", str(path), "--unixsocketperm", "700"),
        ],
        check=False,
        timeout=20,
    )
    assert done.returncode == 0
    wait_for(answers(port))
    pid = int(pid_file.read_text())
    try:
        assert path.is_socket()
        assert path.stat().st_mode & 0o777 == 0o700
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not pid_file.exists() and not path.exists())


def test_shutdown_command_ends_the_process(start):
    port, process = start()
    wait_for(answers(port))
    with pytest.raises(ConnectionError):
        ask(port, "SHUTDOWN", "NOSAVE")
    assert process.wait(10) == 0
