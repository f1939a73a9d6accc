"""SAVE, BGSAVE, LASTSAVE, SHUTDOWN, DEBUG RELOAD and the signals, on processes and against the real server."""

import contextlib
import os
import signal
import subprocess
from functools import partial

import hiredis
import pytest

from pyredis.testing import RedisServer
from tests.oracle import RawClient, ask, binary_7_0, binary_8_2, wait_for
from tests.processes import SERVER, starter

REAL = {"redis-8.2": binary_8_2(), "redis-7.0": binary_7_0()}
DEBUG = ("--enable-debug-command", "yes")
DATA = [
    ("SET", "s", "text"),
    ("SET", "n", "12345"),
    ("RPUSH", "l", *range(300)),
    ("SADD", "i", "1", "2"),
    ("SADD", "m", *[f"member{at}" for at in range(200)]),
    ("HSET", "h", "f", "v"),
    ("ZADD", "z", "1", "a", "2", "b"),
    ("XADD", "x", "1-1", "f", "v"),
    ("PEXPIREAT", "h", "4102444800000"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Ours, with a folder of its own."""
    with RedisServer({"enable-debug-command": "yes", "dir": str(tmp_path_factory.mktemp("data"))}) as running:
        yield running


@pytest.fixture
def start(tmp_path):
    """Starts a process in the test's folder; gives its port and the process."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with starter("--bind", "127.0.0.1", "--dir", str(tmp_path), **output) as start:
        yield start


def fill(port):
    with contextlib.closing(RawClient(port)) as client:
        for words in DATA:
            assert not client.ask(*words).startswith(b"-"), words


def digest(port):
    return ask(port, "DEBUG", "DIGEST")


def end(port, *words):
    """SHUTDOWN has no answer when it succeeds."""
    try:
        return ask(port, "SHUTDOWN", *words)
    except ConnectionError:
        return None


def is_idle(port):
    return info(port, "rdb_bgsave_in_progress") == "0"


def info(port, name):
    reader = hiredis.Reader()
    reader.feed(ask(port, "INFO", "persistence"))
    lines = reader.gets().decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)[name]


# Answers


@pytest.mark.parametrize(
    "words",
    [
        ("SAVE",),
        ("SAVE", "x"),
        ("BGSAVE", "x"),
        ("BGSAVE", "SCHEDULE", "SCHEDULE"),
        ("LASTSAVE", "x"),
        ("SHUTDOWN", "ABORT"),
        ("SHUTDOWN", "ABORT", "NOW"),
        ("SHUTDOWN", "SAVE", "NOSAVE"),
        ("SHUTDOWN", "NONSENSE"),
        ("DEBUG", "RELOAD", "NONSENSE"),
        ("DEBUG", "RELOAD", "NOSAVE", "NONSENSE"),
        ("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "0"),
    ],
)
def test_answers(both, words):
    both(*words)


def test_save_is_no_command_for_transactions_and_scripts(both):
    both("MULTI")
    both("SAVE")
    both("EXEC")
    both("EVAL", "return redis.pcall('save')", "0")
    both("EVAL", "return redis.pcall('bgsave')", "0")


def test_reload(both):
    both("SET", "a", "1")
    both("HSET", "h", "f", "v")
    both("DEBUG", "RELOAD")
    both("SET", "a", "2")
    both("DEBUG", "RELOAD", "NOSAVE")
    both("GET", "a")
    both("DEBUG", "DIGEST")
    both("SET", "a", "3")
    both("SET", "b", "1")
    both("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")
    both("MGET", "a", "b")
    both("OBJECT", "ENCODING", "h")


def test_payloads_without_a_right_checksum(both):
    both("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1")
    both("RESTORE", "k", "0", b"\0\3abc\x0a\0" + bytes(8))
    both("GET", "k")
    both("RESTORE", "l", "0", b"\0\3abc\xff\0" + bytes(8))
    both("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "0")
    both("RESTORE", "l", "0", b"\0\3abc\x0a\0" + bytes(8))


# INFO


def names(port):
    lines = ask(port, "INFO", "persistence").decode().split("\r\n")
    return [line.partition(":")[0] for line in lines[2:] if ":" in line]


@pytest.mark.slow
@pytest.mark.parametrize("appendonly", ["yes", "no"])
def test_info_has_the_real_fields_in_their_order(start, tmp_path, appendonly):
    if REAL["redis-8.2"] is None:
        pytest.skip("redis-8.2 is not installed")
    folders = [tmp_path / name for name in ("ours", "real")]
    for folder in folders:
        folder.mkdir()
    ours, _ = start("--appendonly", appendonly, "--dir", str(folders[0]))
    real, _ = start("--appendonly", appendonly, "--dir", str(folders[1]), command=[REAL["redis-8.2"]])
    assert names(ours) == names(real)


@pytest.mark.slow
def test_info_while_loading_has_the_real_fields_in_their_order(start):
    if REAL["redis-8.2"] is None:
        pytest.skip("redis-8.2 is not installed")
    port, process = start("--save", "", *DEBUG)
    ask(port, "DEBUG", "POPULATE", "20000", "key", "100")
    end(port, "SAVE")
    process.wait()
    found = []
    for server in (SERVER, [REAL["redis-8.2"]]):
        options = ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
        port, process = start("--save", "", *options, command=server, ready=False)
        wait_for(lambda port=port: ask(port, "PING").startswith(b"-LOADING"))
        found.append(names(port))
        process.kill()
        process.wait()
    ours, real = found
    assert ours == real
    assert "loading_loaded_perc" in ours


# A process ends and starts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("points", "words", "saved"),
    [("", (), False), ("900 1", (), True), ("", ("SAVE",), True), ("900 1", ("NOSAVE", "NOW", "FORCE"), False)],
)
def test_shutdown(start, tmp_path, points, words, saved):
    port, process = start("--save", points, *DEBUG)
    fill(port)
    before = digest(port)
    assert end(port, *words) is None
    assert process.wait(10) == 0
    assert (tmp_path / "dump.rdb").exists() == saved
    if saved:
        port, _ = start("--save", "", *DEBUG)
        assert digest(port) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("points", "option", "saved"),
    [("900 1", "default", True), ("", "default", False), ("", "save", True), ("900 1", "nosave now", False)],
)
def test_sigterm(start, tmp_path, points, option, saved):
    port, process = start("--save", points, "--shutdown-on-sigterm", *option.split())
    fill(port)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert (tmp_path / "dump.rdb").exists() == saved


def unwritable(tmp_path):
    """Where the snapshot should go there is a folder."""
    (tmp_path / "dump.rdb" / "full").mkdir(parents=True)


@pytest.mark.slow
@pytest.mark.parametrize("told", ["SIGTERM", "SIGINT"])
def test_shutdown_is_refused_while_nothing_can_be_saved(start, tmp_path, tmp_path_factory, told):
    log = tmp_path_factory.mktemp("log") / "log"
    port, process = start("--save", "900 1", "--logfile", str(log))
    fill(port)
    unwritable(tmp_path)
    assert ask(port, "SAVE") == b"-ERR\r\n"
    assert end(port) == b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"
    process.send_signal(getattr(signal, told))
    wait_for(lambda: f"{told} received but errors trying to shut down the server" in log.read_text())
    with contextlib.closing(RawClient(port)) as client:
        assert client.ask("GET", "s") == b"$4\r\ntext\r\n"
    assert end(port, "FORCE") is None
    assert process.wait(10) == 0
    assert "Error trying to save the DB, can't exit." in log.read_text()


@pytest.mark.slow
def test_sigterm_with_force_ends_it_anyway(start, tmp_path):
    port, process = start("--save", "900 1", "--shutdown-on-sigterm", "force")
    fill(port)
    unwritable(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.mark.slow
def test_killed_while_it_saves(start, tmp_path):
    """The old file stays; the new one, unfinished, is left under its own name and does no harm, as in Redis."""
    port, process = start("--save", "", *DEBUG)
    fill(port)
    ask(port, "SAVE")
    before, file = digest(port), (tmp_path / "dump.rdb").read_bytes()
    ask(port, "CONFIG", "SET", "rdb-key-save-delay", "1000000")
    ask(port, "SET", "s", "changed")
    assert ask(port, "BGSAVE").startswith(b"+")
    wait_for(lambda: list(tmp_path.glob("temp-*.rdb")))
    process.kill()
    process.wait()
    (unfinished,) = tmp_path.glob("temp-*.rdb")
    os.kill(int(unfinished.stem.removeprefix("temp-")), signal.SIGKILL)
    assert (tmp_path / "dump.rdb").read_bytes() == file
    port, _ = start("--save", "", *DEBUG)
    assert digest(port) == before
    assert ask(port, "BGSAVE").startswith(b"+")
    wait_for(partial(is_idle, port))
    assert info(port, "rdb_last_bgsave_status") == "ok"


@pytest.mark.slow
def test_shutdown_ends_a_save_in_the_background(start, tmp_path):
    port, process = start("--save", "")
    fill(port)
    ask(port, "CONFIG", "SET", "rdb-key-save-delay", "10000000")
    assert ask(port, "BGSAVE").startswith(b"+")
    assert end(port, "NOSAVE") is None
    assert process.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


# Files of ours start real servers, and theirs ours


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("command", ["SAVE", "BGSAVE"])
def test_our_file_starts_a_real_server_and_its_file_ours(start, name, command):
    if REAL[name] is None:
        pytest.skip(f"{name} is not installed")
    port, process = start("--save", "", *DEBUG)
    fill(port)
    before = digest(port)
    for server in ([REAL[name]], SERVER):
        assert not ask(port, command).startswith(b"-")
        wait_for(partial(is_idle, port))
        assert end(port, "NOSAVE") is None
        assert process.wait(10) == 0
        port, process = start("--save", "", *DEBUG, command=server)
        assert digest(port) == before


# Files that cannot be loaded


@pytest.mark.slow
def test_half_a_file_starts_no_server(start, tmp_path):
    port, process = start("--save", "")
    fill(port)
    end(port, "SAVE")
    process.wait()
    path = tmp_path / "dump.rdb"
    path.write_bytes(path.read_bytes()[:-20])
    _, process = start("--save", "", ready=False)
    assert process.wait(20) == 1
    log = process.stdout.read().decode()
    assert "Internal error in RDB reading of" in log
    assert "--- RDB ERROR DETECTED ---" in log
    assert "Terminating server after rdb file reading failure." in log


def test_a_broken_file_fails_a_reload(tmp_path):
    with RedisServer({"enable-debug-command": "yes", "dir": str(tmp_path)}) as server:
        ask(server.port, "SET", "a", "1")
        ask(server.port, "SAVE")
        (tmp_path / "dump.rdb").write_bytes(b"REDIS0010\0\1k")
        assert ask(server.port, "DEBUG", "RELOAD", "NOSAVE").startswith(b"-ERR Error trying to load the RDB dump")
        assert ask(server.port, "PING") == b"+PONG\r\n"


# --restore


@pytest.mark.slow
@pytest.mark.parametrize("appendonly", ["yes", "no"])
def test_restore(start, tmp_path, appendonly):
    port, process = start("--save", "", "--backup-dir", "kept", *DEBUG)
    fill(port)
    before = digest(port)
    ask(port, "SAVE")
    end(port, "NOSAVE")
    process.wait()
    (backup,) = (tmp_path / "kept").iterdir()
    options = ("--save", "", "--appendonly", appendonly, "--restore", str(backup), *DEBUG)
    _, process = start(*options, ready=False)
    assert process.wait(20) == 1
    assert b"is there already. Move it away first." in process.stdout.read()
    (tmp_path / "dump.rdb").unlink()
    port, _ = start(*options)
    assert digest(port) == before
