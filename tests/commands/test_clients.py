"""CLIENT as the real server answers it, and what it does to this and other connections."""

import re
import shlex

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.client import CLOSED, NullSink
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients

SCRIPTS = {
    "names": [
        "CLIENT GETNAME",
        "CLIENT SETNAME 'a b'",
        "CLIENT SETNAME x",
        "CLIENT GETNAME",
        "CLIENT SETNAME ''",
        "CLIENT GETNAME",
        "CLIENT SETINFO foo x",
        "CLIENT SETINFO lib-name 'a b'",
        "CLIENT SETINFO LIB-VER 'a\nb'",
        "CLIENT SETINFO LIB-NAME abc",
    ],
    "list": ["CLIENT LIST TYPE foo", "CLIENT LIST TYPE master", "CLIENT LIST ID 100000", "CLIENT LIST ID x"],
    "list_syntax": ["CLIENT LIST ID", "CLIENT LIST FOO", "CLIENT LIST TYPE", "CLIENT LIST TYPE normal x"],
    "kill": [
        "CLIENT KILL 1:2",
        "CLIENT KILL ID",
        "CLIENT KILL FOO bar",
        "CLIENT KILL ID x",
        "CLIENT KILL ID 0",
        "CLIENT KILL ID 999999",
        "CLIENT KILL TYPE foo",
        "CLIENT KILL USER nosuch",
        "CLIENT KILL SKIPME maybe",
        "CLIENT KILL MAXAGE x",
        "CLIENT KILL MAXAGE 0",
        "CLIENT KILL MAXAGE -1",
        "CLIENT KILL",
        "CLIENT KILL ID 999999 ID",
        "CLIENT KILL ID 999999 TYPE normal ADDR 1:1 LADDR 2:2 USER default SKIPME no MAXAGE 5",
        "CLIENT KILL TYPE master",
    ],
    "switches": ["CLIENT NO-EVICT foo", "CLIENT NO-EVICT on", "CLIENT NO-TOUCH x", "CLIENT NO-TOUCH ON"],
    "pause": [
        "CLIENT PAUSE x",
        "CLIENT PAUSE -1",
        "CLIENT PAUSE 1 foo",
        "CLIENT PAUSE 0 ALL X",
        "CLIENT UNPAUSE",
    ],
    "unblock": [
        "CLIENT UNBLOCK x",
        "CLIENT UNBLOCK 999999",
        "CLIENT UNBLOCK 1 foo",
        "CLIENT UNBLOCK x foo",
        "CLIENT UNBLOCK 1 ERROR x",
    ],
    "tracking": ["CLIENT GETREDIR", "CLIENT TRACKINGINFO"],
    "reply": ["CLIENT REPLY foo", "CLIENT REPLY ON", "CLIENT REPLY"],
    "unknown": ["CLIENT", "CLIENT foo", "CLIENT ID x"],
}


@mark.parametrize("name", SCRIPTS)
def test_answers_as_the_real_server(both, name):
    for line in SCRIPTS[name]:
        both(*shlex.split(line))


def test_the_line_has_the_fields_of_the_real_server(both):
    ours, real = ([re.sub(rb"=.*", b"", field) for field in reply.split()] for reply in both.replies("CLIENT", "INFO"))
    assert ours[1:] == real[1:]


def test_the_line_tells_the_same_of_both(both):
    both("CLIENT", "SETNAME", "me")
    both("MULTI")
    both("SET", "a", "b")
    both("DISCARD")
    told = []
    for reply in both.replies("CLIENT", "LIST"):
        line = next(line for line in reply.split(b"\n") if b" name=me " in line)
        fields = dict(field.split(b"=", 1) for field in line.split())
        same = b"name age idle flags db sub psub ssub multi watch qbuf argv-mem multi-mem oll omem events cmd"
        told.append([fields[name] for name in (same + b" user redir resp lib-name lib-ver io-thread").split()])
    assert told[0] == told[1]


def test_the_command_that_asks_is_not_counted_yet(both):
    for words in (("PING",), ("MULTI",), ("PING",), ("CLIENT", "INFO"), ("CLIENT", "LIST")):
        both(*words)
    told = [re.findall(rb"(?:multi|argv-mem|cmd|tot-cmds)=\S+", reply) for reply in both.replies("EXEC")]
    assert told[0] == told[1]


class FakeSink(NullSink):
    def __init__(self, address):
        self.address = address
        self.local_address = "127.0.0.1:6379"
        self.data = b""
        self.closed = self.aborted = False
        self.client = None

    def write(self, data):
        self.data += data

    def close(self):
        self.closed = True

    def abort(self):
        self.aborted = True

    def resume(self):
        commands = list(self.client.pending)
        self.client.pending.clear()
        self.client.engine.tick()
        run(self.client.engine, self.client, commands)
        self.client.flush()


@fixture
def clock():
    return ManualClock()


@fixture
def engine(clock):
    return build_engine(clock=clock)


def connected(engine, address="127.0.0.1:1000"):
    client = engine[Clients].connect(FakeSink(address))
    client.sink.client = client
    return client


def ask(client, *lines):
    client.engine.tick()
    run(client.engine, client, [[word.encode() for word in shlex.split(line)] for line in lines])
    reply = b"".join(client.out)
    client.out.clear()
    return reply


def test_another_client_is_killed_at_once(engine):
    one, other = connected(engine), connected(engine, "127.0.0.1:1001")
    assert ask(one, "CLIENT KILL 127.0.0.1:1001") == b"+OK\r\n"
    assert other.sink.aborted
    assert other.waiting is CLOSED
    assert list(engine[Clients].listed.values()) == [one]


def test_a_client_that_kills_itself_gets_its_reply_and_runs_nothing_more(engine):
    client = connected(engine)
    ask(client, "CLIENT KILL ID 1 SKIPME no", "SET a b")
    assert client.sink.closed
    assert client.sink.data == b":1\r\n"
    assert b"a" not in engine.keyspace.databases[0]


def test_the_killer_is_skipped_by_default(engine):
    one, other = connected(engine), connected(engine, "127.0.0.1:1001")
    assert ask(one, "CLIENT KILL TYPE normal") == b":1\r\n"
    assert not one.sink.closed
    assert other.sink.aborted


@mark.parametrize(
    ("words", "killed"),
    [
        ("ID 2", [2]),
        ("ADDR 127.0.0.1:3", [3]),
        ("LADDR 127.0.0.1:6379", [2, 3]),
        ("LADDR 127.0.0.1:1", []),
        ("USER default", [2, 3]),
        ("MAXAGE 10", [2]),
        ("MAXAGE 10 ID 3", []),
        ("ID 3 ID 2", [2]),
    ],
)
def test_filters(engine, clock, words, killed):
    one, two = connected(engine), connected(engine, "127.0.0.1:2")
    clock.advance(10_000)
    engine.tick()
    three = connected(engine, "127.0.0.1:3")
    assert ask(one, f"CLIENT KILL {words}") == b":%d\r\n" % len(killed)
    assert [client.id for client in (two, three) if client.sink.aborted] == killed


def test_what_a_paused_client_sent_does_not_run_once_it_is_killed(engine):
    one, other = connected(engine), connected(engine, "127.0.0.1:1001")
    ask(one, "CLIENT PAUSE 1000 WRITE")
    assert ask(other, "SET a b", "SET c d") == b""
    ask(one, "CLIENT KILL ID 2", "CLIENT UNPAUSE")
    assert b"a" not in engine.keyspace.databases[0]


def test_paused_writes_run_after_the_pause_in_order(engine):
    one, other = connected(engine), connected(engine, "127.0.0.1:1001")
    ask(one, "CLIENT PAUSE 1000 WRITE")
    assert ask(other, "GET a", "SET a 1", "INCR a") == b"$-1\r\n"
    assert b" flags=b " in ask(one, "CLIENT LIST ID 2")
    assert ask(one, "CLIENT UNPAUSE") == b"+OK\r\n"
    assert other.sink.data == b"+OK\r\n:2\r\n"


def test_a_pause_of_everything_holds_its_own_end(engine, clock):
    client = connected(engine)
    assert ask(client, "CLIENT PAUSE 1000", "CLIENT UNPAUSE", "PING") == b"+OK\r\n"
    clock.advance(1001)
    engine.cron()
    assert client.sink.data == b"+OK\r\n+PONG\r\n"


def test_replies_off_and_skipped(engine):
    client = connected(engine)
    assert ask(client, "CLIENT REPLY SKIP", "PING", "PING") == b"+PONG\r\n"
    assert ask(client, "CLIENT REPLY OFF", "PING", "CLIENT REPLY SKIP", "PING", "CLIENT REPLY ON") == b"+OK\r\n"


def test_the_line_counts(engine, clock):
    client = connected(engine)
    ask(client, "PING", "WATCH a b", "MULTI", "SET key value")
    clock.advance(5_000)
    other = connected(engine, "/tmp/redis.sock:0")
    other.no_evict = True
    engine.tick()
    line = ask(other, "CLIENT LIST ID 1")
    for field in (
        b" age=5 ",
        b" flags=x ",
        b" multi=1 ",
        b" watch=2 ",
        b" multi-mem=11 ",
        b" cmd=set ",
        b" tot-cmds=3",
    ):
        assert field in line
    assert b" flags=Ue " in ask(other, "CLIENT INFO")
