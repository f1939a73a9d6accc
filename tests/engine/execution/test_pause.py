"""CLIENT PAUSE: what is held, in what order it goes on, and that nothing of a pause is left when it is over."""

from pytest import fixture, mark

from pyredis.engine.client import NullSink
from pyredis.engine.execution import detours
from pyredis.engine.execution.pause import Pause
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients
from tests.observed import Observed, ask

ENDINGS = {
    "by time": lambda observed: observed.clock.advance(2_000),
    "by UNPAUSE": lambda observed: observed.value("CLIENT UNPAUSE"),
}


class Resuming(NullSink):
    """Goes on as a connection does; notes who did."""

    def __init__(self, name, order):
        self.name, self.order = name, order

    def resume(self):
        self.order.append(self.name)
        pending = list(self.client.pending)
        self.client.pending.clear()
        run(self.client.engine, self.client, pending)


@fixture
def observed():
    return Observed()


def connected(observed, name, order):
    client = observed.engine[Clients].connect(Resuming(name, order))
    client.sink.client = client
    return client


@mark.parametrize("mode", ["WRITE", "ALL"])
@mark.parametrize("end", ENDINGS)
@mark.parametrize("found", ["a read", "the active cycle"])
def test_keys_expire_again_after_a_pause(observed, mode, end, found):
    if (mode, end) == ("ALL", "by UNPAUSE"):  # held itself, like everything: its component lets go
        end = lambda observed: observed.engine[Pause].end()  # noqa: E731
    else:
        end = ENDINGS[end]
    observed.line("SET volatile v PX 100")
    observed.line(f"CLIENT PAUSE 1000 {mode}")
    observed.clock.advance(500)
    observed.engine.cron()
    assert observed.engine.keyspace.databases[0].table.get(b"volatile") == b"v"  # hidden, and still there
    end(observed)
    observed.engine.cron()
    if found == "a read":
        observed.line("SET other v PX 100")
        observed.clock.advance(200)
        assert observed.line("GET other") == b"$-1\r\n"
    assert not observed.engine.keyspace.databases[0].table.count
    assert "expired" in observed.events


@mark.parametrize(
    ("line", "in_write", "in_all"),
    [
        ("GET a", False, True),
        ("PING", False, True),
        ("SET a 1", True, True),
        ("PUBLISH c m", True, True),
        ("PFCOUNT h", True, True),
        ("EVAL 'return 1' 0", True, True),
        ("EVAL '#!lua flags=no-writes\nreturn 1' 0", False, True),
        ("MULTI", False, True),
    ],
)
def test_what_is_held(observed, line, in_write, in_all):
    for mode, is_held in (("WRITE", in_write), ("ALL", in_all)):
        observed.engine[Pause].end()
        observed.line(f"CLIENT PAUSE 1000 {mode}")
        assert (ask(observed.engine[Clients].connect(), line) == b"") is is_held


def test_an_exec_is_held_for_what_is_queued(observed):
    reader, writer = observed.engine[Clients].connect(), observed.engine[Clients].connect()
    ask(reader, "MULTI", "GET a")
    ask(writer, "MULTI", "SET a 1")
    observed.line("CLIENT PAUSE 1000 WRITE")
    assert ask(reader, "EXEC") == b"*1\r\n$-1\r\n"
    assert ask(writer, "EXEC") == b""


def test_a_pause_is_only_ever_prolonged_and_widened(observed):
    pause = observed.engine[Pause]
    now = observed.engine.keyspace.now
    pause.begin(now + 1_000, everything=True)
    pause.begin(now + 500, everything=False)
    assert (pause.until, pause.everything) == (now + 1_000, True)
    pause.end()
    pause.begin(now + 500, everything=False)
    assert (pause.until, pause.everything) == (now + 500, False)


def test_it_ends_at_its_time_and_not_before(observed):
    observed.line("CLIENT PAUSE 1000 WRITE")
    observed.clock.advance(999)
    observed.engine.cron()
    assert observed.engine[Pause].active
    observed.clock.advance(1)
    observed.engine.cron()
    assert not observed.engine[Pause].active


def test_the_held_go_on_in_the_order_they_came_each_once(observed):
    order = []
    two, one = connected(observed, "two", order), connected(observed, "one", order)
    observed.line("CLIENT PAUSE 1000 WRITE")
    for client, line in ((one, "RPUSH l 1"), (two, "RPUSH l 2")):
        ask(client, line, "PING")  # what comes behind a held command waits behind it
    observed.line("CLIENT UNPAUSE")
    assert order == ["one", "two"]
    assert observed.line("LRANGE l 0 -1") == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
    assert b"".join(one.out) == b":1\r\n+PONG\r\n"
    observed.line("CLIENT PAUSE 1000 WRITE")
    ask(two, "RPUSH l 3")
    ask(one, "RPUSH l 4")
    observed.line("CLIENT UNPAUSE")
    assert order == ["one", "two", "two", "one"]


def test_what_waited_for_a_key_goes_on_before_what_came_after_it(observed):
    client = connected(observed, "waiting", [])
    ask(client, "BLPOP l 0")
    client.keep([[b"PING"]])
    ask(observed.client, "MULTI", "CLIENT PAUSE 1000 WRITE", "RPUSH l x", "EXEC")
    assert client.out == []
    observed.line("CLIENT UNPAUSE")
    assert b"".join(client.out) == b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n+PONG\r\n"


def test_a_client_that_left_meanwhile_does_not_go_on(observed):
    order = []
    client = connected(observed, "gone", order)
    observed.line("CLIENT PAUSE 1000 WRITE")
    ask(client, "SET a 1")
    observed.engine[Clients].disconnect(client)
    observed.line("CLIENT UNPAUSE")
    assert order == []


class Asked:
    """A router that notes of each command whether it was led by ASKING."""

    def __init__(self, observed):
        self.noted = []
        observed.engine.router = self
        observed.engine.rewire()

    def route(self, client, entry, argv):
        self.noted.append((argv[0], client.asking))

    def lead(self, entry):
        return entry.effect


def test_what_was_put_off_is_led_by_asking_when_it_runs(observed):
    asked = Asked(observed)
    client, other = connected(observed, "client", []), connected(observed, "other", [])
    ask(other, "CLIENT PAUSE 100 WRITE")
    client.gates |= detours.ASKING
    assert ask(client, "SET k v") == b""
    observed.clock.advance(101)
    observed.engine.cron()
    client.gates |= detours.ASKING
    ask(client, "BLPOP l 0")
    ask(other, "RPUSH l v")
    assert client.waiting is None and not client.asking
    assert asked.noted == [(b"SET", True), (b"SET", True), (b"BLPOP", True), (b"RPUSH", False), (b"BLPOP", True)]
