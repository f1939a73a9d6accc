"""Servers of several kinds, each a process with a folder of its own, and what they are asked about replication.

Two servers hold the same data if `same_data` says so. It compares what is read key by key (with expiries, consumer
groups and functions, which DEBUG DIGEST leaves out), and DEBUG DIGEST where both compute the same: Redis 7.0.15 writes
the scores of sorted sets otherwise before it takes their digest, and Valkey leaves out that a field expires, so they
are compared by digest with their like only.

Of consumer groups it is compared what is pending for whom. A group's `entries-read`, consumers to whom nothing was
delivered, and deliveries counted when a consumer reads again what it has, are not: real servers lose them on the way
to a replica of their own kind.
"""

import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hiredis
import pytest

from tests.oracle import RawClient, ask, binary_7_0, binary_8_2, binary_valkey, encode, free_port, wait_for
from tests.processes import SERVER

PATIENCE_S = 30
"""How long an outcome may take on a loaded machine."""

DATABASES = 16
ALWAYS = ("--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", "0")
DEBUGGING = ("--enable-debug-command", "yes")


@dataclass(frozen=True)
class Kind:
    """A server's name and command line.

    `digest` names how it computes DEBUG DIGEST; `modern`: it has what Redis 7.0 brought; `field_times`: fields expire.
    """

    name: str
    command: tuple[str | None, ...]
    arguments: tuple[str, ...] = DEBUGGING
    digest: str = "7.4"
    modern: bool = True
    field_times: bool = False

    def __str__(self) -> str:
        return self.name

    def require(self) -> None:
        """Skip the test where this kind is not installed."""
        if None in self.command:
            pytest.skip(f"{self.name} is not installed")


OURS = Kind("ours", tuple(SERVER), field_times=True)
REDIS_7_0 = Kind("redis-7.0", (binary_7_0(),), digest="7.0")
REDIS_8_2 = Kind("redis-8.2", (binary_8_2(),), field_times=True)
VALKEY = Kind("valkey-9.1", (binary_valkey(),), digest="valkey", field_times=True)
REAL = (REDIS_7_0, REDIS_8_2, VALKEY)
KINDS = (OURS, *REAL)


class Server:
    """A process that can be stopped, killed and started again on the same port and folder.

    It has a configuration file, empty at first, so that CONFIG REWRITE outlives a restart.
    """

    def __init__(self, kind: Kind, folder: Path, *arguments: str) -> None:
        self.kind, self.folder, self.port = kind, folder, free_port()
        self.configuration = folder / "server.conf"
        self.configuration.touch()
        self.arguments = [*ALWAYS, *kind.arguments, "--port", str(self.port), "--dir", str(folder), *arguments]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers."""
        with (self.folder / "log").open("ab") as log:
            command = [*map(str, self.kind.command), str(self.configuration), *self.arguments]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        wait_for(self._answers, PATIENCE_S)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        return ask(self.port, "PING") == b"+PONG\r\n"

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As kill -9 does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


class Topology:
    """Starts servers; all are gone when the block is left, and after a failure their logs are shown.

    A fixture gives its request, since it is not told of its test's failure.
    """

    def __init__(self, request: pytest.FixtureRequest | None = None) -> None:
        self._session = request and request.session
        self._failed_before = request.session.testsfailed if request else 0

    def __enter__(self) -> "Topology":
        self.servers: list[Server] = []
        self._left = contextlib.ExitStack()
        self._folders = 0
        self._parent = Path(self._left.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        failed = self._session.testsfailed > self._failed_before if self._session else kind is not None
        for server in self.servers:
            server.kill()
            if failed:
                print(f"--- {server.kind} on port {server.port}\n" + "\n".join(server.log().splitlines()[-40:]))
        self._left.close()

    def server(self, kind: Kind, *arguments: str) -> Server:
        """A new server, running; `arguments` as redis-server takes them."""
        kind.require()
        server = Server(kind, self.folder(), *arguments)
        self.servers.append(server)
        server.start()
        return server

    def folder(self) -> Path:
        """A new folder."""
        self._folders += 1
        folder = self._parent / str(self._folders)
        folder.mkdir()
        return folder

    def closing(self, thing: Any) -> Any:
        """Have `thing.close()` called at the end."""
        return self._left.enter_context(contextlib.closing(thing))


class Client(RawClient):
    """A connection that gives values; an error is an instance of hiredis.HiredisError in their place."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.socket.settimeout(PATIENCE_S)
        self.reader = hiredis.Reader()

    def value(self, *words: Any) -> Any:
        return self.values([words])[0]

    def values(self, commands: Iterable[Iterable[Any]]) -> list[Any]:
        """The replies to one pipeline."""
        commands = list(commands)
        self.send(b"".join(map(encode, commands)))
        return [self._next() for _ in commands]

    def _next(self) -> Any:
        while (value := self.reader.gets()) is False:
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("closed by the server")
            self.reader.feed(data)
        return value


def value(port: int, *words: Any) -> Any:
    """One reply on a connection of its own; raises what the server answers as an error."""
    with contextlib.closing(Client(port)) as client:
        reply = client.value(*words)
    if isinstance(reply, hiredis.HiredisError):
        raise reply
    return reply


def info(port: int, section: str = "replication") -> dict[str, str]:
    """The fields of a section of INFO."""
    lines = value(port, "INFO", section).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if ":" in line and line[0] != "#")


def digest(port: int) -> str:
    """DEBUG DIGEST."""
    return str(value(port, "DEBUG", "DIGEST"))


def eventually(condition: Callable[[], Any], what: Callable[[], Any], timeout_s: float = PATIENCE_S) -> None:
    """Wait until `condition()` holds; when it does not come true, `what()` is in the error."""
    try:
        wait_for(condition, timeout_s)
    except TimeoutError:
        raise AssertionError(f"not within {timeout_s} s: {what()}") from None


def replicate(replica: Server, port: int) -> None:
    """Make `replica` a replica of the server (or the proxy) on `port`."""
    assert value(replica.port, "REPLICAOF", "127.0.0.1", port) in (b"OK", "OK")


def is_in_sync(master: Server, replica: Server) -> bool:
    """The link is up and all that the master produced was applied."""
    ours, theirs = info(replica.port), info(master.port)
    up = ours.get("master_link_status") == "up" and ours["master_sync_in_progress"] == "0"
    return up and ours["master_repl_offset"] == theirs["master_repl_offset"]


def wait_for_sync(master: Server, replica: Server, timeout_s: float = PATIENCE_S) -> None:
    """Wait until `replica` has caught up with `master`."""
    eventually(lambda: is_in_sync(master, replica), lambda: (info(master.port), info(replica.port)), timeout_s)


def syncs(server: Server) -> tuple[int, int, int]:
    """How many synchronisations a master has granted: full, partial, and partial ones refused."""
    stats = info(server.port, "stats")
    return int(stats["sync_full"]), int(stats["sync_partial_ok"]), int(stats["sync_partial_err"])


def same_data(master: Server, *replicas: Server) -> None:
    """Wait for equal offsets, and assert that all hold the same there."""
    for replica in replicas:
        wait_for_sync(master, replica)
    modern = all(server.kind.modern for server in (master, *replicas))
    _at_rest([master, *replicas], contents if modern else old_contents, assert_same_contents)
    for digest_of in {server.kind.digest for server in (master, *replicas)}:
        like = [server for server in (master, *replicas) if server.kind.digest == digest_of]
        _at_rest(like, lambda server: digest(server.port), lambda a, b: None if a == b else pytest.fail(f"{a} {b}"))


def _at_rest(servers: list[Server], look: Callable[[Server], Any], compare: Callable[[Any, Any], None]) -> None:
    """Look at each server at one offset: again while anything moved meanwhile, as keys that expire do."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        before = offsets(servers)
        first, *others = [look(server) for server in servers]
        if len({*before, *offsets(servers)}) == 1:
            break
        assert time.monotonic() < deadline, f"never at rest: {before}"
    for server, other in zip(servers[1:], others, strict=True):
        try:
            compare(first, other)
        except (AssertionError, pytest.fail.Exception) as error:
            raise AssertionError(f"{servers[0].kind} and {server.kind} at offset {before[0]}: {error}") from None


def offsets(servers: Iterable[Server]) -> list[str]:
    return [info(server.port)["master_repl_offset"] for server in servers]


def contents(server: Server) -> dict[Any, Any]:
    """What a server holds: by database and key its type, when it expires (Unix time in ms or -1) and its value."""
    return {"functions": _functions(server.port), **_read(server.port, "PEXPIRETIME")}


def old_contents(server: Server) -> dict[Any, Any]:
    """As `contents`, of what Redis 6.2 knows: no functions, and only whether a key expires."""
    return {
        at: (kind, "expires" if when > 0 else when, held[:2] if held and kind == "stream" else held)
        for at, (kind, when, held) in _read(server.port, "PTTL").items()
    }


def _read(port: int, when: str) -> dict[Any, tuple[str, int, Any]]:
    held = {}
    with contextlib.closing(Client(port)) as client:
        for db in range(DATABASES):
            client.value("SELECT", db)
            keys = sorted(client.value("KEYS", "*"))
            types = client.values([("TYPE", key) for key in keys])
            times = client.values([(when, key) for key in keys])
            for key, kind, time_ms in zip(keys, types, times, strict=True):
                held[db, key] = (_text(kind), time_ms, READERS[_text(kind)](client, key))
    return held


def assert_same_contents(one: dict[Any, Any], other: dict[Any, Any]) -> None:
    """Equal but for what is due: that may have gone between two looks."""
    now_ms = time.time() * 1000
    alive = [_alive(each, now_ms) for each in (one, other)]
    differing = [key for key in {**alive[0], **alive[1]} if alive[0].get(key) != alive[1].get(key)]
    shown = [(key, alive[0].get(key), alive[1].get(key)) for key in differing[:5]]
    assert not differing, f"{len(differing)} of {len(alive[0])} keys differ, such as {shown}"


def _alive(held: dict[Any, Any], now_ms: float) -> dict[Any, Any]:
    alive = {"functions": held.get("functions")}
    for at, (kind, when, content) in ((at, held[at]) for at in held if at != "functions"):
        if kind == "hash":
            content = {name: field for name, field in content.items() if not _is_due(field[1], now_ms)}
        if not _is_due(when, now_ms) and not (kind == "hash" and not content):
            alive[at] = (kind, when, content)
    return alive


def _is_due(when: Any, now_ms: float) -> bool:
    return isinstance(when, int) and -1 != when <= now_ms


def _text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _functions(port: int) -> list[Any]:
    return sorted(_pairs(library)["library_code"] for library in value(port, "FUNCTION", "LIST", "WITHCODE"))


def _pairs(flat: Iterable[Any]) -> dict[str, Any]:
    """A reply of names and values in turn, as a dict."""
    parts = iter(flat)
    return {_text(name): part for name, part in zip(parts, parts, strict=True)}


def _sorted_set(client: Client, key: bytes) -> dict[Any, float]:
    flat = iter(client.value("ZRANGE", key, 0, -1, "WITHSCORES"))
    return {member: float(score) for member, score in zip(flat, flat, strict=True)}


def _hash(client: Client, key: bytes) -> dict[bytes, tuple[bytes, int]]:
    """Each field's value, and when it expires: -1 for never, or where no field does."""
    flat = client.value("HGETALL", key)
    names, values = flat[::2], flat[1::2]
    times = client.value("HPEXPIRETIME", key, "FIELDS", len(names), *names) if names else []
    if isinstance(times, hiredis.HiredisError):
        times = [-1] * len(names)
    return dict(zip(names, zip(values, times, strict=True), strict=True))


def _stream(client: Client, key: bytes) -> Any:
    described = client.value("XINFO", "STREAM", key)
    if isinstance(described, hiredis.HiredisError):
        return None  # it was due, and went after one asked for its type
    whole = _pairs(described)
    told = {name: whole.get(name) for name in ("length", "last-generated-id", "entries-added", "max-deleted-entry-id")}
    groups = {
        group["name"]: (group["last-delivered-id"], _pending(client, key, group["name"]))
        for group in map(_pairs, client.value("XINFO", "GROUPS", key))
    }
    return client.value("XRANGE", key, "-", "+"), groups, told


def _pending(client: Client, key: bytes, group: bytes) -> list[Any]:
    """The ID and consumer of each."""
    return [entry[:2] for entry in client.value("XPENDING", key, group, "-", "+", 10_000)]


READERS: dict[str, Callable[[Client, bytes], Any]] = {
    "string": lambda client, key: client.value("GET", key),
    "list": lambda client, key: client.value("LRANGE", key, 0, -1),
    "set": lambda client, key: set(client.value("SMEMBERS", key)),
    "zset": _sorted_set,
    "hash": _hash,
    "stream": _stream,
    "none": lambda client, key: None,
}


def write(port: int, commands: Iterable[Iterable[Any]], at_once: int = 200) -> tuple[int, int]:
    """Send commands in pipelines of `at_once`: how many were answered, and how many of those by an error."""
    answered = failed = 0
    batch: list[Iterable[Any]] = []
    with contextlib.closing(Client(port)) as client:
        for command in commands:
            batch.append(command)
            if len(batch) >= at_once:
                failed += _failures(client.values(batch))
                answered += len(batch)
                batch.clear()
        failed += _failures(client.values(batch)) if batch else 0
    return answered + len(batch), failed


def _failures(replies: list[Any]) -> int:
    return sum(isinstance(reply, hiredis.HiredisError) for reply in replies)
