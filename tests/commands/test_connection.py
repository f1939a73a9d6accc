"""Greeting, authentication and leaving, as the real server answers, and what they do to the connection."""

import shlex

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.config.store import Config
from pyredis.engine.acl.acl_log import AclLog
from pyredis.engine.client import NullSink
from pyredis.engine.execution import gates
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients

SCRIPTS = {
    "ping": ["PING", "PING a", "PING a b", "ECHO x", "ECHO", "ECHO a b"],
    "auth": ["AUTH", "AUTH x", "AUTH default x", "AUTH nosuch x", "AUTH a b c"],
    "hello_errors": [
        "HELLO 4",
        "HELLO 1",
        "HELLO x",
        "HELLO 2 AUTH",
        "HELLO 2 AUTH a",
        "HELLO 2 AUTH nosuch b",
        "HELLO 2 SETNAME",
        "HELLO 2 SETNAME 'a b'",
        "HELLO 2 FOO",
        "CLIENT GETNAME",
    ],
    "reset": ["CLIENT SETNAME me", "MULTI", "PING", "RESET", "CLIENT GETNAME", "EXEC", "GET none", "RESET x"],
    "reset_answers_again": ["CLIENT REPLY ON", "RESET"],
}


@mark.parametrize("name", SCRIPTS)
def test_answers_as_the_real_server(both, name):
    for line in SCRIPTS[name]:
        both(*shlex.split(line))


class FakeSink(NullSink):
    def __init__(self):
        self.data = b""
        self.closed = False

    def write(self, data):
        self.data += data

    def close(self):
        self.closed = True


@fixture
def protected():
    """An engine with a password."""
    config = Config()
    config.set_many([(b"requirepass", b"secret")])
    return build_engine(config)


def connected(engine):
    client = engine[Clients].connect(FakeSink())
    if engine.config["requirepass"]:
        client.gates |= gates.UNAUTHENTICATED
    return client


def ask(client, *lines):
    run(client.engine, client, [[word.encode() for word in shlex.split(line)] for line in lines])
    reply = b"".join(client.out)
    client.out.clear()
    return reply


def test_a_password_keeps_out_who_does_not_know_it(protected):
    client = connected(protected)
    assert ask(client, "PING").startswith(b"-NOAUTH Authentication required.")
    assert ask(client, "AUTH wrong").startswith(b"-WRONGPASS ")
    assert ask(client, "AUTH nosuch secret").startswith(b"-WRONGPASS ")
    assert ask(client, "PING").startswith(b"-NOAUTH")
    assert protected[AclLog].denied[b"auth"] == 2
    assert ask(client, "AUTH secret", "PING") == b"+OK\r\n+PONG\r\n"
    assert not client.gates


def test_a_wrong_password_does_not_log_out(protected):
    client = connected(protected)
    assert ask(client, "AUTH default secret") == b"+OK\r\n"
    assert ask(client, "AUTH wrong").startswith(b"-WRONGPASS")
    assert ask(client, "PING") == b"+PONG\r\n"


def test_reset_asks_for_the_password_again(protected):
    client = connected(protected)
    assert ask(client, "AUTH secret", "RESET") == b"+OK\r\n+RESET\r\n"
    assert ask(client, "PING").startswith(b"-NOAUTH")


def test_a_password_taken_away_lets_in(protected):
    client = connected(protected)
    protected.config.set_many([(b"requirepass", b"")])
    assert ask(client, "PING") == b"+PONG\r\n"


def test_hello_authenticates_names_and_switches_at_once(protected):
    client = connected(protected)
    assert ask(client, "HELLO 3").startswith(b"-NOAUTH HELLO must be called with the client already")
    assert client.resp == 2
    assert ask(client, "HELLO 3 AUTH default secret SETNAME me").startswith(b"%7\r\n$6\r\nserver\r\n$5\r\nredis")
    assert (client.resp, client.name) == (3, b"me")


def test_hello_that_fails_changes_nothing(protected):
    client = connected(protected)
    assert ask(client, "HELLO 3 SETNAME me AUTH default wrong").startswith(b"-WRONGPASS")
    assert (client.resp, client.name) == (2, b"")


@mark.parametrize(
    ("line", "positions"),
    [
        ("AUTH secret", (1,)),
        ("AUTH default secret", (1, 2)),
        ("HELLO 3 SETNAME me AUTH default secret", (5, 6)),
    ],
)
def test_passwords_are_redacted(protected, line, positions):
    client = connected(protected)
    ask(client, line)
    assert set(positions) <= set(client.redacted)


def test_nothing_runs_behind_quit():
    engine = build_engine()
    client = connected(engine)
    run(engine, client, [[b"SET", b"a", b"1"], [b"QUIT"], [b"SET", b"a", b"2"]])
    assert client.sink.closed
    assert client.sink.data == b"+OK\r\n+OK\r\n"
    assert engine.keyspace.databases[0].get(b"a") == b"1"


def test_reset_brings_back_what_was_new():
    engine = build_engine()
    client = connected(engine)
    ask(
        client,
        "HELLO 3 SETNAME me",
        "CLIENT SETINFO LIB-NAME lib",
        "CLIENT NO-EVICT ON",
        "CLIENT NO-TOUCH ON",
    )
    ask(client, "WATCH k", "MULTI", "SET a b")
    client.db = engine.keyspace.databases[3]
    assert ask(client, "RESET") == b"+RESET\r\n"
    assert (client.resp, client.name, client.transaction, client.gates) == (2, b"", None, 0)
    assert (client.no_evict, client.no_touch, client.db.index) == (False, False, 0)
    assert client.library_name == b"lib"


def test_replies_are_heard_again_after_reset():
    client = connected(build_engine())
    assert ask(client, "CLIENT REPLY OFF", "PING", "RESET", "PING") == b"+RESET\r\n+PONG\r\n"


def test_the_server_says_what_it_is():
    client = connected(build_engine())
    ask(client, "HELLO 3")
    text = ask(client, "HELLO")
    for word in (b"redis", b"8.2.3", b"standalone", b"master", b"modules"):
        assert word in text
    assert b"sentinel" not in text
