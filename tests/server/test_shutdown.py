"""Nothing acknowledged is lost when the server is told to end, and nothing half done is saved."""

import contextlib
import signal
import socket
import subprocess
import threading

import pytest

from tests.oracle import RawClient, ask, encode, wait_for
from tests.processes import starter

pytestmark = pytest.mark.slow
ENDLESS = "redis.call('set','from','0') while true do end"
HALF_A_SECOND = (
    "redis.call('set','from','0') for i = 1, 6e6 do local x = {i} end redis.call('set','to','1') return 'done'"
)
LIBRARY = f"#!lua name=l\nredis.register_function('f', function() {ENDLESS} end)"


@pytest.fixture
def start(tmp_path):
    with starter("--dir", str(tmp_path)) as start:
        yield start


# Under load


class Writer(threading.Thread):
    """Writes numbered keys, `depth` at a time; `acknowledged` is how many were."""

    def __init__(self, port, name, depth):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.name_, self.depth = name, depth
        self.acknowledged = 0
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                first = self.acknowledged
                words = [encode(["SET", f"{self.name_}:{first + each}", "x"]) for each in range(self.depth)]
                self.socket.sendall(b"".join(words))
                left = 5 * self.depth
                while left:
                    said = self.socket.recv(left)
                    if not said:
                        return
                    left -= len(said)
                    self.acknowledged = first + self.depth - -(-left // 5)


def lost_in(start, how, depth, *options):
    """Acknowledged writes that are not there after the end and a new start."""
    port, process = start("--save", "3600 1", *options)
    writers = [Writer(port, f"w{number}", depth) for number in range(8)]
    wait_for(lambda: all(writer.acknowledged > 5 * depth for writer in writers))
    if how == "SIGTERM":
        process.send_signal(signal.SIGTERM)
    else:
        with contextlib.suppress(ConnectionError):
            ask(port, *how.split())
    assert process.wait(20) == 0
    for writer in writers:
        writer.join(20)
        writer.socket.close()
    port, process = start("--save", "3600 1", *options)
    wait_for(lambda: not ask(port, "DBSIZE").startswith(b"-LOADING"))
    client = RawClient(port)
    lost = 0
    for number, writer in enumerate(writers):
        keys = [f"w{number}:{each}" for each in range(writer.acknowledged)]
        lost += len(keys) - int(client.ask("EXISTS", *keys)[1:])
    client.close()
    process.kill()
    process.wait()
    return lost


@pytest.mark.parametrize("depth", [1, 50])
@pytest.mark.parametrize("how", ["SIGTERM", "SHUTDOWN", "SHUTDOWN SAVE NOW FORCE"])
def test_what_was_acknowledged_is_saved(start, how, depth):
    """Clients were answered between the last save and the end: 8 to 450 writes were lost each time."""
    assert lost_in(start, how, depth) == 0


@pytest.mark.parametrize("options", [("--appendonly", "yes"), ("--appendonly", "yes", "--appendfsync", "no")])
def test_what_was_acknowledged_is_logged(start, options):
    assert lost_in(start, "SIGTERM", 50, *options) == 0


@pytest.mark.proof
@pytest.mark.parametrize("round", range(20))
def test_twenty_shutdowns_under_load(start, round):
    """`pytest -m proof tests/server/test_shutdown.py`"""
    assert lost_in(start, ["SIGTERM", "SHUTDOWN"][round % 2], [1, 50][round // 2 % 2]) == 0


# Amid a script


def begun(port, script, *, how="EVAL"):
    """A client whose script overruns, and another."""
    client, other = RawClient(port), RawClient(port)
    if how == "FCALL":
        client.ask("FUNCTION", "LOAD", LIBRARY)
        client.send(encode(["FCALL", "f", "0"]))
    elif how == "EXEC":
        client.send(
            encode(["MULTI"]) + encode(["SET", "before", "1"]) + encode(["EVAL", script, "0"]) + encode(["EXEC"])
        )
    else:
        client.send(encode(["EVAL", script, "0"]))
    wait_for(lambda: other.ask("PING").startswith(b"-BUSY"))
    return client, other


def ends_of(client):
    client.socket.settimeout(10)
    with contextlib.suppress(ConnectionError):
        assert client.socket.recv(1000) == b""
    client.close()


@pytest.mark.parametrize("how", ["EVAL", "FCALL", "EXEC"])
@pytest.mark.parametrize("log", ["no", "yes"])
def test_half_a_script_is_not_saved(start, how, log):
    options = ["--busy-reply-threshold", "100", "--save", "3600 1", "--appendonly", log]
    port, process = start(*options)
    ask(port, "SET", "kept", "1")
    if log == "no":
        ask(port, "SAVE")
    client, other = begun(port, ENDLESS, how=how)
    for words in ("SHUTDOWN", "SHUTDOWN SAVE", "SHUTDOWN NOW", "SHUTDOWN FORCE", "SHUTDOWN SAVE NOW FORCE"):
        assert other.ask(*words.split()).startswith(b"-BUSY Redis is busy running a script."), words
    for words in ("SAVE", "BGSAVE", "BGREWRITEAOF", "DEBUG RELOAD", "CONFIG SET save 1"):
        assert other.ask(*words.split()).startswith(b"-BUSY"), words
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    other.send(encode(["SHUTDOWN", "NOSAVE"]))
    ends_of(other)
    assert process.wait(10) == 0
    client.close()
    port, process = start(*options)
    wait_for(lambda: ask(port, "EXISTS", "kept") == b":1\r\n")
    assert ask(port, "EXISTS", "from", "before") == b":0\r\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_waits_for_the_script(start, number):
    options = ["--busy-reply-threshold", "50", "--save", "3600 1"]
    port, process = start(*options)
    client, other = begun(port, HALF_A_SECOND)
    process.send_signal(number)
    assert client.reply() == b"$4\r\ndone\r\n"
    assert process.wait(10) == 0
    client.close()
    other.close()
    port, _ = start(*options)
    assert ask(port, "EXISTS", "from", "to") == b":2\r\n"


def test_a_second_interrupt_ends_the_process_at_once(start):
    port, process = start("--busy-reply-threshold", "50", "--save", "3600 1")
    client, other = begun(port, ENDLESS)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 1
    client.close()
    other.close()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_the_last_snapshot_is_written_ends_the_process_and_leaves_none(start, tmp_path, first):
    port, process = start("--save", "3600 1")
    for at in range(20):
        ask(port, "SET", str(at), "v")
    ask(port, "CONFIG", "SET", "rdb-key-save-delay", "1000000")
    process.send_signal(first)
    written = tmp_path / f"temp-{process.pid}.rdb"
    wait_for(written.exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 1
    assert not list(tmp_path.glob("*.rdb"))


@pytest.mark.parametrize("words", ["SHUTDOWN", "SHUTDOWN SAVE", "SHUTDOWN NOSAVE"])
def test_who_sends_more_behind_it_is_not_answered(start, words):
    port, process = start("--save", "3600 1")
    client = RawClient(port)
    client.send(encode(words.split()) + encode(["SET", "a", "1"]) * 100)
    ends_of(client)
    assert process.wait(10) == 0
    port, _ = start("--save", "3600 1")
    assert ask(port, "EXISTS", "a") == b":0\r\n"
