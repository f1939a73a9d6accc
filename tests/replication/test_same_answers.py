"""What a server says as master and as replica, word for word: ours in one topology, the real server in another.

Ports, ids and moments are not compared, nor what is counted in bytes: names, their order and all other values are. Left
out are REPLCONF's words for a second connection for the dataset, which only 8.2 takes.
"""

import contextlib
import re
import signal
from collections.abc import Iterator

import pytest

from tests.oracle import wait_for
from tests.replication.topologies import (
    OURS,
    REDIS_8_2,
    Kind,
    RawClient,
    Server,
    Topology,
    eventually,
    info,
    replicate,
    value,
    wait_for_sync,
)

pytestmark = pytest.mark.slow

COMMANDS = """
    REPLICAOF
    REPLICAOF a
    REPLICAOF a b c
    REPLICAOF NO TWO
    REPLICAOF 127.0.0.1 x
    REPLICAOF 127.0.0.1 -1
    REPLICAOF 127.0.0.1 65536
    REPLICAOF 127.0.0.1 70000
    SLAVEOF 127.0.0.1 x
    PSYNC
    PSYNC a
    PSYNC a x
    PSYNC ? x
    PSYNC a 1 FAILOVER
    PSYNC a 1 failover
    PSYNC a x FAILOVER
    PSYNC a x OTHER
    REPLCONF
    REPLCONF a
    REPLCONF a b
    REPLCONF a b c
    REPLCONF listening-port
    REPLCONF listening-port x
    REPLCONF listening-port 1
    REPLCONF listening-port -1
    REPLCONF listening-port 99999
    REPLCONF listening-port 99999999999
    REPLCONF ip-address 1.2.3.4
    REPLCONF IP-ADDRESS 1.2.3.4 capa
    REPLCONF capa
    REPLCONF capa x capa eof
    REPLCONF capa eof a b
    REPLCONF rdb-only
    REPLCONF rdb-only x
    REPLCONF rdb-only 2
    REPLCONF rdb-only -1
    REPLCONF rdb-only 0
    REPLCONF rdb-filter-only x
    REPLCONF rdb-filter-only 'x
    REPLCONF rdb-filter-only functions
    FAILOVER x
    FAILOVER ABORT
    FAILOVER ABORT x
    FAILOVER TO
    FAILOVER TO a
    FAILOVER TO a x
    FAILOVER TO a 1
    FAILOVER TO a 1 FORCE
    FAILOVER TO a 1 FORCE TIMEOUT 0
    FAILOVER TO a 1 FORCE TIMEOUT -1
    FAILOVER TO a 1 FORCE TIMEOUT x
    FAILOVER TO a 1 FORCE TIMEOUT
    FAILOVER TO a 1 TIMEOUT 1
    FAILOVER FORCE
    FAILOVER FORCE TIMEOUT 1
    FAILOVER TIMEOUT 0
    FAILOVER TO a 1 TO b 2
    FAILOVER TO a 1 ABORT
    FAILOVER TIMEOUT 10 ABORT
    FAILOVER TO a 99999
    FAILOVER TO a 0
    FAILOVER TO 127.0.0.1 1
    WAIT
    WAIT 0
    WAIT 0 0
    WAIT 0 -1
    WAIT x 0
    WAIT 0 x
    WAIT -1 1
    WAIT 1 1
    WAIT 3 1
    WAIT 0 99999999999999999999
    WAIT 0 9223372036854775807
    WAIT 99999999999999999 1
    WAITAOF
    WAITAOF 0 0
    WAITAOF 0 0 0
    WAITAOF 1 0 0
    WAITAOF 2 0 0
    WAITAOF -1 0 0
    WAITAOF x 0 0
    WAITAOF 0 -1 0
    WAITAOF 0 x 0
    WAITAOF 0 0 -1
    WAITAOF 0 0 x
    WAITAOF 0 1 1
    WAITAOF 0 99999999999 1
    ROLE x
    SYNC x
    SET a b
    GET a
    EVAL redis.call('set',KEYS[1],'b') 1 a
    EVAL return(redis.call('get',KEYS[1])) 1 a
    EVAL redis.call('set',KEYS[1],'b')return(redis.call('wait',0,0)) 1 a
    EVAL return(redis.call('wait',0,0)) 0
    EVAL return(redis.call('wait',1,0)) 0
    EVAL return(redis.call('waitaof',0,0,0)) 0
    EVAL return(redis.call('waitaof',1,0,0)) 0
    EVAL return(redis.call('role')) 0
    EVAL return(redis.call('replicaof','no','one')) 0
    EVAL return(redis.call('replconf')) 0
    EVAL return(redis.call('psync','a','1')) 0
    EVAL return(redis.call('sync')) 0
    EVAL return(redis.call('failover')) 0
    EVAL return(redis.pcall('set',KEYS[1],'b')) 1 a
    EVAL_RO return(redis.call('get',KEYS[1])) 1 a
    EVAL return(1) 0
    FCALL nothing 0
    PUBLISH a b
    SPUBLISH a b
    PING
    DEL a
    KEYS *
    DBSIZE
    FLUSHALL
    CONFIG SET replicaof no
    SELECT 1
    SWAPDB 0 1
    SUBSCRIBE a
    WATCH a
    EXISTS a
    PFCOUNT a
    GETEX a
    GETEX a PERSIST
    XREADGROUP GROUP a b STREAMS c >
    DEBUG RELOAD
    SHUTDOWN ABORT
"""

QUIET = ("--repl-ping-replica-period", "3600", "--repl-diskless-sync", "yes")
NOWHERE = 1
"""A port on which nobody listens."""


class Pair:
    """A server as master, and one as its replica."""

    def __init__(self, topology: Topology, kind: Kind) -> None:
        self.kind = kind
        self.master, self.replica = topology.server(kind, *QUIET), topology.server(kind, *QUIET)

    def connect(self) -> None:
        replicate(self.replica, self.master.port)
        wait_for_sync(self.master, self.replica)

    def cut(self) -> None:
        """The replica follows nobody who is there."""
        value(self.replica.port, "REPLICAOF", "127.0.0.1", NOWHERE)
        eventually(lambda: info(self.replica.port)["master_link_status"] == "down", lambda: info(self.replica.port))

    def neutral(self, reply: bytes) -> bytes:
        """A reply without what differs from one server or moment to the next: whether it just tries to connect, too."""
        reply = re.sub(rb"\$7\r\nconnect\r\n|\$10\r\nconnecting\r\n", b"<trying>", reply)
        for name, server in (("master", self.master), ("replica", self.replica)):
            reply = re.sub(rb"\b%d\b" % server.port, f"<{name}>".encode(), reply)
        return re.sub(rb"[0-9a-f]{40}", b"<id>", reply)


def ask(port: int, *commands: tuple[object, ...]) -> list[bytes]:
    """The replies to commands on one connection, raw, up to where it is closed."""
    replies = []
    with contextlib.closing(RawClient(port)) as client:
        for command in commands:
            try:
                replies.append(client.ask(*command))
            except ConnectionError:
                replies.append(b"closed")
                break
    return replies


def prepared(pairs: "tuple[Pair, Pair]", state: str) -> list[Server]:
    """Ours and the real server in a state."""
    if state == "master without replicas":
        return [pair.master for pair in pairs]
    for pair in pairs:
        pair.connect()
        if state == "master":
            assert ask(pair.master.port, ("SET", "a", "b"), ("WAIT", 1, 0))[1] == b":1\r\n"
        elif state != "replica":
            pair.cut()
            stale, readonly = (state == "stale replica", state == "writable replica")
            value(pair.replica.port, "CONFIG", "SET", "replica-serve-stale-data", "no" if stale else "yes")
            value(pair.replica.port, "CONFIG", "SET", "replica-read-only", "no" if readonly else "yes")
    return [pair.master if state == "master" else pair.replica for pair in pairs]


STATES = (
    "master without replicas",
    "master",
    "replica",
    "replica without its master",
    "stale replica",
    "writable replica",
)


@pytest.fixture
def pairs(request) -> Iterator[tuple[Pair, Pair]]:
    """Ours and Redis 8.2's."""
    with Topology(request) as topology:
        yield Pair(topology, OURS), Pair(topology, REDIS_8_2)


def in_transaction(command: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [("MULTI",), command, ("PING",), ("EXEC",)]


NOT_IN_TRANSACTION = ("FAILOVER", "WATCH", "SUBSCRIBE")
"""These take part in no transaction, or change what the next test finds."""


@pytest.mark.parametrize("state", STATES)
def test_replies(pairs, state):
    servers = prepared(pairs, state)
    commands = [tuple(line.split()) for line in COMMANDS.strip().splitlines()]
    talks = [[command] for command in commands]
    talks += [in_transaction(command) for command in commands if command[0] not in NOT_IN_TRANSACTION]
    differing = []
    for talk in talks:
        ours, real = (
            [pair.neutral(reply) for reply in ask(server.port, *talk)]
            for pair, server in zip(pairs, servers, strict=True)
        )
        if ours != real:
            differing.append((talk, ours, real))
    assert not differing, "\n".join(map(str, differing))


COUNTED = re.compile(r"offset|histlen|^slave\d|seconds|_sec$|attempts")
"""Names of INFO replication whose values are moments or counts."""


@pytest.mark.parametrize("state", STATES)
def test_info_and_role(pairs, state):
    servers = prepared(pairs, state)
    for section in ("replication", "clients", "stats", "persistence"):
        ours, real = (
            {name: pair.neutral(text.encode()) for name, text in info(server.port, section).items()}
            for pair, server in zip(pairs, servers, strict=True)
        )
        assert list(ours) == list(real)
        if section == "replication":
            names = [name for name in ours if not COUNTED.search(name)]
            assert {name: ours[name] for name in names} == {name: real[name] for name in names}
            for name in ("master_link_down_since_seconds", "master_last_io_seconds_ago"):
                assert (ours.get(name) == b"-1") == (real.get(name) == b"-1"), name
    roles = [
        re.sub(rb":\d+|\$\d+\r\n\d+", b"<n>", pair.neutral(ask(server.port, ("ROLE",))[0]))
        for pair, server in zip(pairs, servers, strict=True)
    ]
    assert roles[0] == roles[1]


@pytest.mark.parametrize("kind", ["replica", "master"])
def test_client_list(pairs, kind):
    lines = []
    for pair, server in zip(pairs, prepared(pairs, {"replica": "master", "master": "replica"}[kind]), strict=True):
        words = pair.neutral(ask(server.port, ("CLIENT", "LIST", "TYPE", kind))[0]).split()[1:]
        fields = dict(word.split(b"=", 1) for word in words)
        lines.append((list(fields), {name: fields[name] for name in (b"flags", b"user", b"db", b"events", b"resp")}))
        assert int(fields[b"tot-net-out"]) > 30  # the stream to a replica, what it has to a master
    assert lines[0] == lines[1]


def test_the_stream_is_counted_apart(pairs):
    servers = prepared(pairs, "master")
    for server in servers:
        before = info(server.port, "stats")
        ask(server.port, ("SET", "a", "x" * 1000))
        eventually(
            lambda server=server, before=before: (
                int(info(server.port, "stats")["total_net_repl_output_bytes"])
                - int(before["total_net_repl_output_bytes"])
                > 1000
            ),
            lambda before=before: before,
        )


def test_a_fresh_replica_was_never_connected(pairs):
    for pair in pairs:
        pair.cut()
        assert info(pair.replica.port)["master_link_down_since_seconds"] == "-1"
        assert info(pair.replica.port)["total_disconnect_time_sec"] == "0"


def test_a_reload_is_no_change_for_replicas(pairs):
    for server in prepared(pairs, "master"):
        ask(server.port, ("SET", "a", "b"))
        before = info(server.port)["master_repl_offset"]
        assert ask(server.port, ("DEBUG", "RELOAD")) == [b"+OK\r\n"]
        assert info(server.port)["master_repl_offset"] == before


WHILE_FAILING_OVER = (
    "FAILOVER",
    "FAILOVER TO 127.0.0.1 1 FORCE TIMEOUT 10",
    "REPLICAOF 127.0.0.1 1",
    "REPLICAOF NO ONE",
    "SLAVEOF a x",
    "SYNC",
    "PSYNC ? -1",
    "PSYNC a 1 FAILOVER",
    "GET a",
    "WAIT 0 0",
    "WAIT 1 10",
    "FAILOVER ABORT x",
    "FAILOVER ABORT",
    "FAILOVER ABORT",
    "SET a b",
)


def test_while_failing_over(pairs):
    """The replica is stopped, so that it never catches up."""
    told = []
    for pair, server in zip(pairs, prepared(pairs, "master"), strict=True):
        pair.replica.signal(signal.SIGSTOP)
        assert ask(server.port, ("SET", "a", "c"), ("FAILOVER",)) == [b"+OK\r\n", b"+OK\r\n"]
        assert info(server.port)["master_failover_state"] == "waiting-for-sync"
        lines = [line.split() for line in WHILE_FAILING_OVER]
        told.append([pair.neutral(ask(server.port, tuple(line))[0]) for line in lines])
        told[-1].append(info(server.port)["master_failover_state"])
    assert told[0] == told[1]


FROM_A_REPLICA = ("PING", "GET a", "SET a b", "REPLICAOF 127.0.0.1 1", "INFO server", "PSYNC ? -1", "SYNC", "ROLE")


def test_who_asked_for_everything_is_answered_nothing_more(pairs):
    """What a connection that has become a replica's sends is run in silence, or ends it."""
    told = []
    for server in prepared(pairs, "master without replicas"):
        with contextlib.closing(RawClient(server.port)) as client:
            client.send(b"PSYNC ? -1\r\n")
            wait_for(lambda server=server: info(server.port).get("slave0", "").find("state=online") > 0)
            client.send(b"".join(line.encode() + b"\r\n" for line in FROM_A_REPLICA))
            client.send(b"REPLCONF GETACK *\r\nREPLCONF ACK 1\r\n")
            wait_for(lambda server=server: "offset=1," in info(server.port).get("slave0", "offset=1,"))
        told.append((info(server.port)["role"], ask(server.port, ("GET", "a"))))
    assert told[0] == told[1]


def test_a_killed_link_is_down_at_once(pairs):
    """Not when the transaction that killed it is done. The master is stopped, so that it is not made again."""
    for pair, server in zip(pairs, prepared(pairs, "replica"), strict=True):
        pair.master.signal(signal.SIGSTOP)
        talk = [("MULTI",), ("CLIENT", "KILL", "TYPE", "master"), ("DEBUG", "SLEEP", "2"), ("EXEC",)]
        assert ask(server.port, *talk)[-1] == b"*2\r\n:1\r\n+OK\r\n"
        assert int(info(server.port)["master_link_down_since_seconds"]) >= 2
        pair.master.signal(signal.SIGCONT)
