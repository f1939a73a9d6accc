"""How large clients are, and which go when all of them together are too large."""

from pytest import fixture, mark

from pyredis.engine.client import CLOSED, NullSink
from pyredis.engine.memory.client_memory import ClientMemory, size_of
from pyredis.engine.roster import Clients
from pyredis.testing import RedisServer
from tests.observed import Observed, ask
from tests.oracle import RawClient, wait_for

MB = 1 << 20


class Buffers(NullSink):
    """A connection with so many bytes in its buffers."""

    def __init__(self, output=0, received=0, arguments=0):
        self.sizes = output, received, arguments

    def output_pending(self):
        return self.sizes[0]

    def input_pending(self):
        return self.sizes[1]

    def arguments_pending(self):
        return self.sizes[2]


@fixture
def observed():
    return Observed()


def sized(observed, size):
    """A client whose query buffer is so large."""
    return observed.engine[Clients].connect(Buffers(received=size))


def alive(observed):
    return [client for client in observed.engine[Clients].listed.values() if client.waiting is not CLOSED]


def evicted(observed):
    return observed.engine.stats.evicted_clients


@mark.parametrize("sizes", [{"output": MB}, {"received": MB}, {"arguments": MB}])
def test_buffers_count(observed, sizes):
    client = observed.engine[Clients].connect(Buffers(**sizes))
    assert MB <= size_of(client).total < MB + 4096


@mark.parametrize(
    "lines",
    [
        ["MULTI", "SET key " + "x" * 10_000],
        ["WATCH " + " ".join(map(str, range(200)))],
        ["SUBSCRIBE " + " ".join(map(str, range(400)))],
        ["PSUBSCRIBE " + " ".join(map(str, range(400)))],
        ["SSUBSCRIBE " + " ".join(map(str, range(400)))],
        ["CLIENT TRACKING on BCAST " + " ".join(f"PREFIX p{number:04}" for number in range(400))],
    ],
)
def test_so_does_what_is_kept_for_a_client(observed, lines):
    client = observed.engine[Clients].connect()
    before = size_of(client).total
    ask(client, "HELLO 3", *lines)
    assert size_of(client).total > before + 10_000
    ask(client, "RESET")
    assert size_of(client).total == before


def test_what_it_waits_with_counts(observed):
    client = observed.engine[Clients].connect()
    ask(client, "BLPOP " + "x" * 10_000 + " 0", "SET key " + "y" * 10_000)
    size = size_of(client)
    assert (size.arguments > 10_000, size.query > 10_000) == (True, True)


def test_the_largest_go_until_the_others_fit(observed):
    clients = [sized(observed, size * MB) for size in (1, 3, 2, 4)]
    observed.line(f"CONFIG SET maxmemory-clients {5 * MB}")
    assert [client.waiting for client in clients] == [None, CLOSED, None, CLOSED]
    assert evicted(observed) == 2
    assert b"evicted_clients:2\r\n" in observed.line("INFO stats")


def test_those_marked_count_and_stay(observed):
    clients = [sized(observed, 3 * MB), sized(observed, MB)]
    clients[0].no_evict = True
    observed.line(f"CONFIG SET maxmemory-clients {2 * MB}")
    assert [client.waiting for client in clients] == [None, CLOSED]


def test_the_limit_may_be_a_share_of_maxmemory(observed):
    clients = [sized(observed, MB), sized(observed, 2 * MB)]
    observed.line("CONFIG SET maxmemory-clients 2%")
    assert len(alive(observed)) == 3
    observed.line(f"CONFIG SET maxmemory {100 * MB}")
    assert [client.waiting for client in clients] == [None, CLOSED]


def test_a_limit_leaves_room_to_talk(observed):
    client = sized(observed, 100_000)
    observed.line("CONFIG SET maxmemory-clients 1")
    assert client.waiting is None
    other = sized(observed, 100_000)
    observed.engine.cron()
    assert CLOSED in (client.waiting, other.waiting)


def test_growth_is_seen_by_cron(observed):
    observed.line(f"CONFIG SET maxmemory-clients {2 * MB}")
    client = sized(observed, 0)
    client.sink.sizes = 3 * MB, 0, 0
    observed.engine.cron()
    assert client.waiting is CLOSED
    assert observed.engine[ClientMemory].total < MB


def test_many_clients_get_their_turn_within_a_second(observed):
    clients = [sized(observed, 0) for _ in range(3000)]
    observed.line(f"CONFIG SET maxmemory-clients {100 * MB}")
    for client in clients:
        client.sink.sizes = 0, 1 << 14, 0
    for _ in range(observed.engine.hz + 1):
        observed.engine.cron()
    assert abs(observed.engine[ClientMemory].total - 3000 * ((1 << 14) + 1952)) < 10_000


def test_without_limits_nobody_is_followed(observed):
    observed.line("CONFIG SET maxmemory-clients 1mb")
    observed.line("CONFIG SET maxmemory-clients 0")
    memory = observed.engine[ClientMemory]
    assert (memory.follows, memory.total) == (False, 0)
    sized(observed, MB)
    assert memory.estimate() > MB


@fixture
def server():
    with RedisServer({"maxmemory-clients": "2mb"}) as running:
        yield running


def ends(client):
    """Whether the server hangs up."""
    try:
        return client.socket.recv(1 << 16) == b""
    except ConnectionError:
        return True


def test_a_large_argument_is_too_much_before_it_is_whole(server):
    client = RawClient(server.port)
    client.send(b"*2\r\n$4\r\nECHO\r\n$4000000\r\n" + b"x" * 3_000_000)
    assert ends(client)
    assert server.call(lambda: server.engine.stats.evicted_clients) == 1
    client.close()


def test_many_arguments_are_too(server):
    client = RawClient(server.port)
    client.send(b"*4000\r\n$3\r\nDEL\r\n" + (b"$1000\r\n" + b"x" * 1000 + b"\r\n") * 3000)
    assert ends(client)
    client.close()


def test_replies_nobody_takes_are_too(server):
    writer, reader = RawClient(server.port), RawClient(server.port)
    writer.ask("SET", "key", "x" * 100_000)
    try:
        for _ in range(200):
            reader.send(b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n")
            if server.call(lambda: server.engine.stats.evicted_clients):
                break
    except ConnectionError:
        pass
    wait_for(lambda: server.call(lambda: server.engine.stats.evicted_clients) == 1)
    assert writer.ask("PING") == b"+PONG\r\n"
    writer.close()
    reader.close()


def test_a_message_may_be_too_much_for_its_receiver(server):
    subscriber, publisher = RawClient(server.port), RawClient(server.port)
    subscriber.ask("SUBSCRIBE", "channel")
    for _ in range(100):
        publisher.ask("PUBLISH", "channel", "x" * 200_000)
        if server.call(lambda: server.engine.stats.evicted_clients):
            break
    assert server.call(lambda: server.engine.stats.evicted_clients) == 1
    subscriber.close()
    publisher.close()


def test_nothing_is_kept_of_clients_that_are_gone(server):
    for hangs_up in ("QUIT", "CLIENT KILL", "close"):
        client = RawClient(server.port)
        client.ask("PING")
        if hangs_up == "QUIT":
            client.ask("QUIT")
        elif hangs_up == "CLIENT KILL":
            client.send(b"CLIENT KILL TYPE normal SKIPME no\r\n")
        client.close()
    wait_for(lambda: server.call(lambda: not server.engine[Clients].listed))
    memory = server.engine[ClientMemory]
    assert server.call(lambda: (memory.total, len(memory._sizes))) == (0, 0)
