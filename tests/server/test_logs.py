"""The log: Redis's lines, whatever clients say, and a server that goes on when it cannot be written."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyredis.config.store import Config
from pyredis.server import logs
from tests.oracle import ask, binary_8_2
from tests.processes import SERVER, starter

REPORT = b"=== REDIS BUG REPORT START"


def record(text, *arguments, level=logging.WARNING, exc_info=None):
    return logging.LogRecord("pyredis", level, "", 0, text, arguments, exc_info)


@pytest.fixture
def handler(tmp_path):
    made = logs.LineHandler(str(tmp_path / "log"))
    yield made
    made.close()


def test_a_record_is_one_line(handler, tmp_path):
    """Redis writes these bytes as they are, up to a zero byte: a script's `redis.log` can forge its lines."""
    handler.emit(record("name '%s'", "a\n1:M 01 Jan 2026 00:00:00.000 * forged\r\x1b[2J\0\x85\u2028\udcff"))
    (line,) = (tmp_path / "log").read_bytes().splitlines()
    assert line.endswith(rb" # name 'a\n1:M 01 Jan 2026 00:00:00.000 * forged\r\x1b[2J\x00\x85\u2028\udcff'")


def test_a_traceback_cannot_be_taken_for_records(handler, tmp_path):
    try:
        raise ValueError("a\n1:M 01 Jan 2026 00:00:00.000 * forged")
    except ValueError:
        handler.emit(record("Unexpected error", exc_info=sys.exc_info()))
    first, *rest = (tmp_path / "log").read_text().splitlines()
    assert first.endswith("# Unexpected error") and len(rest) > 3
    assert all(line.startswith("  ") for line in rest)


@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.rename(f"{path}.1")])
def test_a_file_that_is_gone_is_made_anew(handler, tmp_path, how):
    path = tmp_path / "log"
    handler.emit(record("one"))
    how(path)
    handler.emit(record("two"))
    assert [line.split()[-1] for line in path.read_text().splitlines()] == ["two"]


def test_a_folder_that_is_gone_loses_lines_only(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    handler = logs.LineHandler(str(folder / "log"))
    handler.emit(record("one"))
    (folder / "log").unlink()
    folder.rmdir()
    handler.emit(record("two"))
    folder.mkdir()
    handler.emit(record("three"))
    assert (folder / "log").read_text().count("\n") == 1
    handler.close()


def test_a_full_disk_loses_lines_only(capfd):
    handler = logs.LineHandler("/dev/full")
    handler.emit(record("lost"))
    handler.close()
    assert capfd.readouterr() == ("", "")


def test_no_syslog(capfd):
    config = Config()
    config.load_lines("syslog-enabled yes\nsyslog-ident test\nsyslog-facility local3")
    handler = logs.SyslogHandler(config["syslog-ident"], config["syslog-facility"])
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        handler.emit(record("to nobody %s", "a\0b\udcff", level=level))
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def start(tmp_path):
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with starter("--dir", str(tmp_path), "--save", "", **output) as start:
        yield start


@pytest.mark.slow
@pytest.mark.parametrize("where", [("--logfile", "/dev/full"), ("--syslog-enabled", "yes")])
def test_a_log_that_cannot_be_written_is_no_reason_to_stop(start, where):
    port, process = start(*where)
    assert ask(port, "PING") == b"+PONG\r\n"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.slow
def test_a_closed_pipe_is_no_reason_to_stop(start):
    port, process = start()
    process.stdout.close()
    process.stdout = None
    assert ask(port, "PING") == b"+PONG\r\n"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.slow
def test_no_standard_output_at_all(start):
    port, process = start(stdout=None, preexec_fn=lambda: (os.close(0), os.close(1)))
    assert ask(port, "PING") == b"+PONG\r\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_a_crash_is_in_the_log_file(start, tmp_path, signum):
    _, process = start("--logfile", "log")
    (tmp_path / "log").rename(tmp_path / "log.1")
    process.send_signal(signum)
    assert process.wait(10) == -signum
    assert REPORT in (tmp_path / "log").read_bytes()


@pytest.mark.slow
def test_a_crash_is_in_the_log_file_made_anew(start, tmp_path):
    port, process = start("--logfile", "log")
    (tmp_path / "log").rename(tmp_path / "log.1")
    ask(port, "EVAL", "redis.log(redis.LOG_WARNING, 'new')", "0")
    process.send_signal(signal.SIGSEGV)
    process.wait(10)
    assert REPORT in (tmp_path / "log").read_bytes()
    assert REPORT not in (tmp_path / "log.1").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("enabled", ["yes", "no"])
@pytest.mark.parametrize("when", ["start", "later"])
def test_a_crash_is_told_if_wanted(start, enabled, when):
    other = {"yes": "no", "no": "yes"}[enabled]
    port, process = start("--crash-log-enabled", enabled if when == "start" else other)
    if when == "later":
        assert ask(port, "CONFIG", "SET", "crash-log-enabled", enabled) == b"+OK\r\n"
    process.send_signal(signal.SIGSEGV)
    told, _ = process.communicate(timeout=10)
    assert (REPORT in told) == (enabled == "yes")


@pytest.mark.parametrize("name", ["nowhere/log", "."])
def test_a_log_file_that_cannot_be_opened_ends_the_start(tmp_path, name):
    """As 8.2.3: exit code and text."""

    def started(server):
        line = [*server, "--dir", str(tmp_path), "--logfile", name]
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=10)
        return done.returncode, done.stderr

    ours = started(SERVER)
    assert ours[0] == 1 and "FATAL CONFIG FILE ERROR (Redis 8.2.3)" in ours[1]
    if binary_8_2():
        assert started([binary_8_2()]) == ours


def test_config_set_logfile(both):
    both("CONFIG", "SET", "logfile", "/tmp/other")


@pytest.mark.slow
def test_a_pid_file_that_cannot_be_written_is_told(start):
    _, process = start("--pidfile", "/nowhere/a.pid")
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=10)
    assert b"# Failed to write PID file: No such file or directory\n" in said  # 8.2.3's line


def test_a_line_tells_a_master_from_a_replica(tmp_path):
    config, logger = Config(), logging.getLogger("test of roles")
    config.replace("dir", str(tmp_path))
    config.replace("logfile", "log")
    logs.set_up(config, logger)
    logger.info("master")
    config.replace("replicaof", ("localhost", 1))
    logger.info("replica")
    letters = [line.split(":")[1][0] for line in (tmp_path / "log").read_text().splitlines()]
    assert letters == ["M", "S"]
    logger.handlers[0].close()
