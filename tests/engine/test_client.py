"""A client's replies: queued, counted, muted, flushed; and what is left of it when it is closed."""

from pytest import fixture, mark

from pyredis.engine.client import CLOSED, NullSink
from pyredis.engine.execution import detours
from pyredis.engine.roster import Clients
from pyredis.protocol.reply_size import NOTABLE_BYTES
from tests.observed import Observed, ask


class Noting(NullSink):
    """Writes down what is asked of it."""

    address = "10.0.0.1:5"

    def __init__(self):
        self.calls = []
        self.data = b""

    def write(self, data):
        self.data += data

    def close(self):
        self.calls.append("close")

    def abort(self):
        self.calls.append("abort")

    def overflow(self):
        self.calls.append("overflow")

    def check_output(self, more):
        self.calls.append(more)
        return False


@fixture
def client():
    return Observed().engine[Clients].connect(Noting())


def test_what_goes_out_is_counted_once(client):
    client.reply([b"a", 1])
    assert client.queued == 15
    client.flush()
    client.flush()
    assert client.sink.data == b"*2\r\n$1\r\na\r\n:1\r\n"
    assert (client.queued, client.bytes_out, client.engine.stats.bytes_out) == (0, 15, 15)


def test_a_push_leaves_at_once_unless_the_client_s_own_command_runs(client):
    client.engine.running = client
    client.push(1)
    assert client.sink.data == b""
    client.engine.running = None
    client.push(2)
    assert client.sink.data == b":1\r\n:2\r\n"


@mark.parametrize("size", [99, 100, 101])
def test_a_reply_beyond_the_limit_is_not_made(client, size):
    client.output_max = 100
    assert client.reply(b"x" * (size - 6)) is (size <= 100)
    assert client.sink.calls == (["overflow"] if size > 100 else [])
    assert bool(client.out) is (size <= 100)


def test_limits_are_looked_at_once_much_is_queued(client):
    client.output_max = 1 << 20
    client.send(b"x" * NOTABLE_BYTES)
    assert client.sink.calls == []
    client.send(b"y")
    assert client.sink.calls == [NOTABLE_BYTES + 1]
    client.recount()
    assert client.sink.calls == [NOTABLE_BYTES + 1] * 2
    del client.out[0]
    client.recount()
    assert (client.queued, len(client.sink.calls)) == (1, 2)


def test_nothing_is_answered_or_kept_once_it_is_closed(client):
    client.keep([[b"PING"]])
    client.reply(1)
    client.close()
    assert (client.sink.data, client.sink.calls, list(client.pending)) == (b":1\r\n", ["close"], [])
    client.keep([[b"PING"]])
    assert not client.pending
    client.output_max = 100
    assert client.waiting is CLOSED
    assert client.reply(1) is False


def test_closed_at_once_it_gets_nothing(client):
    client.reply(1)
    client.close(at_once=True)
    assert (client.sink.data, client.sink.calls, client.queued) == (b"", ["abort"], 0)


@mark.parametrize(
    ("lines", "heard"),
    [
        (["CLIENT REPLY SKIP", "ECHO a", "ECHO b"], b"$1\r\nb\r\n"),
        (["CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "ECHO a", "ECHO b"], b"$1\r\nb\r\n"),
        (["CLIENT REPLY OFF", "ECHO a", "CLIENT REPLY ON", "ECHO b"], b"+OK\r\n$1\r\nb\r\n"),
        (["ECHO a", "CLIENT REPLY OFF", "ECHO b"], b"$1\r\na\r\n"),
    ],
)
def test_what_a_mute_client_hears(client, lines, heard):
    assert ask(client, *lines) == heard
    assert bool(client.gates & detours.REPLY_MODE) is (client.reply_mode == b"OFF")


@mark.parametrize(
    ("address", "is_local"),
    [("127.0.0.1:1", True), ("[::1]:1", True), ("/tmp/socket:0", True), ("", True), ("10.0.0.1:1", False)],
)
def test_who_is_near(client, address, is_local):
    client.sink.address = address
    assert client.is_local is is_local
