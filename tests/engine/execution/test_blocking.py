"""Waiting for keys: whole scenes as the real server plays them, and what only an engine with a clock of its own shows.

A scene is a list of lines, `client: COMMAND`. A line ending in `&` leaves its client waiting; `client: ?` is the reply
that comes later.
"""

import contextlib
import re
import shlex

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config
from pyredis.engine.execution import detours
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.messaging.monitors import Monitors
from pyredis.engine.roster import Clients
from tests.commands.test_clients import ask, connected
from tests.observed import Observed, overhear
from tests.oracle import RawClient, Recording, encode, wait_for

SCENES = {
    "first come, first served": """
        b: BLPOP l 0 & | c: BLPOP l 0 & | d: BRPOP l 0 & | a: RPUSH l 1 2 3 4 | b: ? | c: ? | d: ?""",
    "several keys": "b: BLPOP l m n 0 & | a: RPUSH n 1 | b: ? | b: BLPOP l m n 0 & | a: RPUSH l 2 | b: ? | a: LLEN n",
    "a transaction that fills two keys serves the one named first": """
        b: BLPOP l m 0 & | a: MULTI | a: RPUSH m 1 | a: RPUSH l 2 | a: EXEC | b: ? | a: LLEN m""",
    "the same key twice": "b: BLPOP l l 0 & | a: RPUSH l 1 2 | b: ? | a: LRANGE l 0 -1",
    "timeouts": "b: BLPOP l 0.01 | b: BLMOVE l m LEFT LEFT 0.01 | b: BRPOPLPUSH l m 0.01 | b: BLMPOP 0.01 1 l LEFT",
    "not in a transaction": """
        a: MULTI | a: BLPOP l 0 | a: BLMOVE l m LEFT LEFT 0 | a: BRPOPLPUSH l m 0 | a: BLMPOP 0 1 l LEFT | a: EXEC""",
    "a transaction is one push": """
        b: BLPOP l 0 & | a: MULTI | a: RPUSH l 1 | a: LPUSH l 0 | a: EXEC | b: ? | a: LRANGE l 0 -1""",
    "pushed and gone again": """
        b: BLPOP l 0 & | a: MULTI | a: RPUSH l 1 | a: DEL l | a: EXEC | a: MULTI | a: RPUSH l 1 | a: DEL l | a: SET l x
        | a: EXEC | a: DEL l | a: RPUSH l 2 | b: ?""",
    "another type does not serve": "b: BLPOP l m 0 & | a: SET l x | a: RPUSH m 1 | b: ?",
    "another type does not serve, its successor does": "b: BLPOP l 0 & | a: SET l x | a: DEL l | a: RPUSH l 1 | b: ?",
    "a list beside another type": "b: BLPOP l m 0 & | a: MULTI | a: SET l x | a: RPUSH m 1 | a: EXEC | b: ?",
    "at once with another type": "a: SET l x | b: BLPOP l 0 | b: BLMOVE l m LEFT LEFT 0 | b: BLPOP m l 0",
    "RENAME": "b: BLPOP l 0 & | a: RPUSH m 1 2 | a: RENAME m l | b: ? | a: LRANGE l 0 -1",
    "COPY": "b: BLPOP l 0 & | a: RPUSH m 1 2 | a: COPY m l | b: ? | a: LRANGE l 0 -1",
    "MOVE": "b: BLPOP l 0 & | a: SELECT 1 | a: RPUSH l 1 | a: MOVE l 0 | b: ?",
    "SWAPDB": "b: BLPOP l 0 & | a: SELECT 1 | a: RPUSH l 1 | a: SWAPDB 0 1 | b: ? | a: EXISTS l",
    "SWAPDB away": "b: BLPOP l 0 & | a: SWAPDB 0 1 | a: RPUSH l 1 | b: ?",
    "another database": "b: SELECT 1 | b: BLPOP l 0 & | a: RPUSH l 1 | a: SELECT 1 | a: RPUSH l 2 | b: ?",
    "a chain of moves": """
        b: BLMOVE x y LEFT RIGHT 0 & | c: BLMOVE y z LEFT RIGHT 0 & | d: BLPOP z 0 & | a: RPUSH x 1 | b: ? | c: ? | d: ?
        | a: EXISTS x y z""",
    "a circle of moves": """
        b: BLMOVE x y LEFT RIGHT 0 & | c: BLMOVE y x LEFT RIGHT 0 & | a: RPUSH x 1 | b: ? | c: ? | a: LRANGE x 0 -1""",
    "a move onto itself": "b: BRPOPLPUSH x x 0 & | c: BLPOP x 0 & | a: RPUSH x 1 2 | b: ? | c: ? | a: LRANGE x 0 -1",
    "a move onto another type": "a: SET y s | b: BRPOPLPUSH x y 0 & | a: RPUSH x 1 | b: ? | a: LRANGE x 0 -1",
    "several at once": """
        b: BLMPOP 0 2 l m RIGHT COUNT 2 & | c: BLMPOP 0 1 m LEFT COUNT 9 & | a: RPUSH m 1 2 3 4 | b: ? | c: ?""",
    "unblocked": """
        b: BLPOP l 0 & | a: CLIENT UNBLOCK @b | b: ? | b: BLPOP l 0 & | a: CLIENT UNBLOCK @b TIMEOUT | b: ?
        | b: BLMOVE l m LEFT LEFT 0 & | a: CLIENT UNBLOCK @b ERROR | b: ? | a: CLIENT UNBLOCK @b | a: RPUSH l 1
        | a: LLEN l | a: ERRORS""",
    "unblocked in a transaction": """
        b: BLPOP l 0 & | b: SET x new ... | a: SET x old | a: MULTI | a: CLIENT UNBLOCK @b | a: GET x | a: EXEC
        | b: ?""",
    "replies unwanted once": """
        b: CLIENT REPLY SKIP ... | b: BLPOP l 0 & | a: RPUSH l 1 | b: PING | a: LLEN l""",
    "held back by a pause": """
        b: BLPOP l 0 & | a: MULTI | a: RPUSH l 1 | a: CLIENT PAUSE 100000 WRITE | a: EXEC | a: LLEN l
        | a: CLIENT UNPAUSE | b: ? | a: LLEN l""",
    "counted once": """
        a: CONFIG RESETSTAT | b: BLPOP l 0 & | a: CALLS blpop | a: RPUSH l 1 | b: ? | a: CALLS blpop | b: BLPOP l 0.01
        | a: CALLS blpop | b: BLPOP l 0 & | a: CLIENT UNBLOCK @b ERROR | b: ? | a: CALLS blpop | b: MULTI | b: BLPOP l 0
        | b: EXEC | a: CALLS blpop""",
    "arguments": """
        a: BLPOP l x | a: BLPOP l -1 | a: BLPOP l inf | a: BLPOP l 1e300 | a: BLPOP l nan | a: BLPOP l
        | a: BLPOP l m -0.1 | a: BLMOVE a b up LEFT 0 | a: BLMOVE a b LEFT up 0 | a: BLMOVE a b LEFT LEFT x
        | a: BRPOPLPUSH a b x | a: BLMPOP 0 0 a LEFT | a: BLMPOP 0 x a LEFT | a: BLMPOP 0 2 a LEFT | a: BLMPOP 0 1 a up
        | a: BLMPOP x 1 a LEFT | a: BLMPOP 0 1 a LEFT COUNT 0 | a: BLMPOP 0 1 a LEFT COUNT 1 COUNT 1
        | a: BLMPOP x 1 a LEFT FOO | a: BLMPOP 0 1 a LEFT COUNT""",
}


def play(port, resp, lines):
    """A scene's replies."""
    clients, ids, replies = {}, {}, []
    with contextlib.ExitStack() as stack:
        watcher = stack.enter_context(contextlib.closing(RawClient(port)))
        watcher.ask("FLUSHALL")
        for line in lines.split("|"):
            name, _, text = line.strip().partition(": ")
            if name not in clients:
                clients[name] = stack.enter_context(contextlib.closing(RawClient(port, resp)))
                ids[name] = int(clients[name].ask("CLIENT", "ID")[1:-2])
            client = clients[name]
            words = [str(ids[word[1:]]) if word.startswith("@") else word for word in shlex.split(text)]
            if words == ["?"]:
                replies.append(client.reply())
            elif words[-1] == "...":
                client.send(encode(words[:-1]))
            elif words[-1] == "&":
                client.send(encode(words[:-1]))
                wait_for(lambda id=ids[name]: re.search(rb" flags=b ", watcher.ask("CLIENT", "LIST", "ID", id)))
            elif words[0] == "CALLS":
                found = re.search(
                    rb"cmdstat_%b:calls=(\d+).*(rejected.*)" % words[1].encode(), client.ask("INFO", "commandstats")
                )
                replies.append(b"%b %b" % found.groups() if found else b"none")
            elif words[0] == "ERRORS":
                replies.append(b" ".join(re.findall(rb"errorstat_UNBLOCKED.*", client.ask("INFO", "errorstats"))))
            else:
                replies.append(client.ask(*words))
    return replies


@mark.parametrize("resp", [2, 3])
@mark.parametrize("name", SCENES)
def test_scene(request, server, oracle, name, resp):
    with Recording(request, live=oracle is not None) as recording:
        ours = play(server.port, resp, SCENES[name])
        if oracle is not None:
            for reply in play(oracle, resp, SCENES[name]):
                recording.keep(reply)
        assert ours == (recording.replies or [])


@fixture
def clock():
    return ManualClock()


@fixture
def engine(clock):
    return build_engine(clock=clock)


def said(client):
    """What the client was sent since last time."""
    data, client.sink.data = client.sink.data, b""
    return data


def served(key, element):
    return b"*2\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(key), key, len(element), element)


@mark.parametrize(
    ("timeout", "ms"), [("1", 1000), ("0.5", 500), ("0.001", 1), ("0.0001", 1), ("1.0009", 1001), ("3", 3000)]
)
def test_time_is_up_to_the_millisecond(engine, clock, timeout, ms):
    client = connected(engine)
    assert ask(client, f"BLPOP l {timeout}") == b""
    clock.advance(ms - 1)
    engine.cron()
    assert said(client) == b""
    clock.advance(1)
    engine.cron()
    assert said(client) == b"*-1\r\n"
    assert client.waiting is None


def test_the_engine_asks_to_be_called_at_the_deadline(engine, clock):
    client = connected(engine)
    ask(client, "BLPOP l 2.5")
    assert engine.host.timers.next_due == clock.now_ms() + 2500
    clock.advance(2500)
    engine.host.run_due()
    assert said(client) == b"*-1\r\n"


def test_zero_is_for_ever(engine, clock):
    client = connected(engine)
    ask(client, "BLPOP l 0")
    clock.advance(10**12)
    engine.cron()
    assert said(client) == b""


def test_one_for_whom_nothing_is_left_keeps_its_deadline(engine, clock):
    one, two, three, pusher = (connected(engine) for _ in range(4))
    ask(one, "BLPOP l 0")
    ask(two, "BLPOP l 10")
    clock.advance(9_000)
    ask(three, "BLPOP l 0")
    ask(pusher, "MULTI", "RPUSH l a", "RPUSH l b", "LPOP l", "EXEC")
    assert said(one) == served(b"l", b"b")
    assert said(two) == said(three) == b""
    clock.advance(1_000)
    engine.cron()
    assert said(two) == b"*-1\r\n"
    ask(pusher, "RPUSH l c")
    assert said(three) == served(b"l", b"c")


def test_what_a_waiting_client_sends_runs_afterwards_and_in_order(engine):
    client, pusher = connected(engine), connected(engine)
    assert ask(client, "SET x 1", "BLPOP l 0", "INCR x", "BLPOP l 0", "INCR x") == b"+OK\r\n"
    ask(pusher, "RPUSH l a")
    assert said(client) == served(b"l", b"a") + b":2\r\n"
    assert ask(pusher, "GET x") == b"$1\r\n2\r\n"
    ask(pusher, "RPUSH l b")
    assert said(client) == served(b"l", b"b") + b":3\r\n"


def test_what_was_sent_meanwhile_waits_for_the_end_of_the_transaction_that_serves(engine):
    client, pusher = connected(engine), connected(engine)
    ask(client, "BLPOP l 0", "SET x client")
    ask(pusher, "MULTI", "RPUSH l a", "SET x pusher", "GET x", "EXEC")
    assert ask(pusher, "GET x") == b"$6\r\nclient\r\n"


def test_between_two_commands_of_one_read(engine):
    """The waiting client is served between them, not after the read."""
    client, pusher = connected(engine), connected(engine)
    ask(client, "BLMOVE l m LEFT LEFT 0")
    assert ask(pusher, "RPUSH l a", "EXISTS l m") == b":1\r\n:1\r\n"
    assert said(client) == b"$1\r\na\r\n"


def test_a_client_that_left_is_not_served(engine):
    one, two, pusher = (connected(engine) for _ in range(3))
    ask(one, "BLPOP l m 0")
    ask(two, "BLPOP l 0")
    engine[Clients].disconnect(one)
    ask(pusher, "RPUSH l a")
    assert said(two) == served(b"l", b"a")
    assert said(one) == b""
    ask(pusher, "RPUSH m a")
    assert ask(pusher, "LLEN m") == b":1\r\n"


def test_a_killed_client_is_not_served_nor_timed_out(engine, clock):
    client, pusher = connected(engine), connected(engine)
    ask(client, "BLPOP l 1", "SET x 1")
    ask(pusher, f"CLIENT KILL ID {client.id}")
    clock.advance(2_000)
    engine.cron()
    ask(pusher, "RPUSH l a")
    assert said(client) == b""
    assert ask(pusher, "EXISTS l x") == b":1\r\n"


def test_nobody_waits_any_more_and_nothing_is_kept(engine, clock):
    client, pusher = connected(engine), connected(engine)
    blocking = engine[Blocking]
    for _ in range(3):
        ask(client, "BLPOP l m 1")
        assert engine.gates & detours.WAITED_FOR
        assert blocking.counts == (2, 0, 1)
        clock.advance(1_000)
        engine.cron()
        ask(client, "BLPOP l m 1")
        ask(pusher, "RPUSH m x")
        ask(client, "BLPOP l m 1")
        ask(pusher, f"CLIENT UNBLOCK {client.id}")
        assert blocking.counts == (0, 0, 0)
        assert not engine.gates & detours.WAITED_FOR
        assert not engine.keyspace.observers
        said(client)


def test_a_key_that_expires_in_the_transaction_serves_nobody(clock):
    config = Config()
    config.load_lines("enable-debug-command yes", None)
    engine = build_engine(config, clock=clock)
    client, pusher = connected(engine), connected(engine)
    ask(client, "BLPOP l 0")
    ask(pusher, "MULTI", "RPUSH l a", "PEXPIRE l 100", "DEBUG SLEEP 0.2", "EXEC")
    assert said(client) == b""
    ask(pusher, "RPUSH l b")
    assert said(client) == served(b"l", b"b")


def test_who_waits_for_a_key_that_is_due_does_not_expire_it(clock):
    """As in Redis 8.2.3, where the DEL follows when somebody asks for the key."""
    observed = Observed(clock)
    client = connected(observed.engine)
    ask(client, "BLPOP l 0")
    ask(observed.client, "SELECT 1", "RPUSH l a", "PEXPIRE l 100")
    clock.advance(101)
    observed.sent.clear()
    ask(observed.client, "SWAPDB 0 1")
    assert said(client) == b""
    assert observed.sent == ["SWAPDB 0 1"]
    ask(observed.client, "SELECT 0", "EXISTS l")
    assert observed.sent == ["SWAPDB 0 1", "DEL l"]


def test_a_password_set_meanwhile_is_not_asked_of_who_is_in(engine):
    client, pusher = connected(engine), connected(engine)
    ask(client, "BLPOP l 0")
    ask(pusher, "CONFIG SET requirepass secret", "RPUSH l a")
    assert said(client) == served(b"l", b"a")


def test_what_propagates_is_the_plain_form(engine):
    sent = []
    overhear(engine, lambda argv: sent.append(b" ".join(argv)))
    waiting = [connected(engine) for _ in range(6)]
    for client, line in zip(
        waiting,
        [
            *("BLPOP a 0", "BRPOP b 0", "BLMOVE c x left RIGHT 0", "BRPOPLPUSH d x 0", "BLMPOP 0 1 e LEFT COUNT 5"),
            "BLMPOP 0 2 g f RIGHT",
        ],
        strict=True,
    ):
        ask(client, line)
    ask(connected(engine), *(f"RPUSH {key} 1 2" for key in "abcdef"))
    assert sent[1::2] == [
        *(b"LPOP a", b"RPOP b", b"LMOVE c x left RIGHT", b"RPOPLPUSH d x", b"LPOP e 2", b"RPOP f 1"),
    ]
    assert sent[::2] == [b"RPUSH %c 1 2" % key for key in b"abcdef"]


def test_monitors_see_the_command_when_it_comes(engine):
    monitor, client, pusher = (connected(engine) for _ in range(3))
    engine[Monitors].add(monitor)
    ask(client, "BLPOP l 0")
    assert said(monitor).endswith(b'"BLPOP" "l" "0"\r\n')
    ask(pusher, "RPUSH l a")
    assert said(monitor).count(b"\r\n") == 1


def test_many_wait_and_each_is_served_once(engine):
    clients = [connected(engine) for _ in range(200)]
    for client in clients:
        ask(client, "BLPOP l m 0")
    ask(
        connected(engine), "RPUSH l " + " ".join(map(str, range(150))), "RPUSH m " + " ".join(map(str, range(150, 300)))
    )
    for number, client in enumerate(clients):
        assert said(client) == served(b"l" if number < 150 else b"m", b"%d" % number)
    assert engine[Blocking].counts == (0, 0, 0)
