"""Links of the bus, in a world without sockets: packets are cut out of bytes that come anyhow; garbage ends a link."""

import pytest

from pyredis.cluster.cluster_mode import ClusterMode
from pyredis.cluster.packet import Extensions, Header, Kind, encode_bare, encode_ping, encode_publish
from pyredis.testing.simulation import Caller, Simulation

ID = b"a" * 40
HEADER = Header(ID, 1, 1, 0, 0, b"", "10.0.0.9", 6379, 0, 16379, 1, True, 4)


@pytest.fixture
def simulation(tmp_path):
    simulation = Simulation(3)
    simulation.servers = []

    def node(name):
        folder = tmp_path / name
        folder.mkdir()
        simulation.servers.append(simulation.server(name, {"cluster-enabled": "yes", "dir": str(folder)}))
        return simulation.servers[-1].engine

    simulation.node = node
    yield simulation
    for server in simulation.servers:
        server.end(0)
    simulation.run_for(1000)


class Stranger(Caller):
    """Somebody on the bus who is no node."""

    def __init__(self, simulation, address):
        super().__init__(simulation.host("10.0.0.9"), address)
        simulation.run_for(10)


def test_bytes_come_in_any_pieces(simulation):
    bus = simulation.node("10.0.0.1")[ClusterMode].bus
    stranger = Stranger(simulation, ("10.0.0.1", 16379))
    data = encode_ping(Kind.PING, HEADER, [], Extensions()) * 3
    for at in range(0, len(data), 999):
        stranger.link.write(data[at : at + 999])
        simulation.run_for(5)
    assert bus.received == {Kind.PING: 3} and bus.sent == {Kind.PONG: 3} and not stranger.gone
    assert stranger.said.count(b"RCmb") == 3


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"RCmb\0\0\0\x10" + bytes(16),
        encode_publish(Kind.PUBLISH, HEADER, b"ch", bytes(1 << 20))[:3000],  # more than a stranger may send
    ],
)
def test_garbage_ends_a_link(simulation, data):
    engine = simulation.node("10.0.0.1")
    stranger = Stranger(simulation, ("10.0.0.1", 16379))
    stranger.link.write(data)
    simulation.run_for(50)
    assert stranger.gone and engine[ClusterMode].bus.count == 0


def test_who_is_no_node_is_answered_and_changes_nothing(simulation):
    mode = simulation.node("10.0.0.1")[ClusterMode]
    stranger = Stranger(simulation, ("10.0.0.1", 16379))
    for kind in (Kind.AUTH_REQUEST, Kind.MFSTART, Kind.AUTH_ACK):
        stranger.link.write(encode_bare(kind, HEADER._replace(current_epoch=99)))
    stranger.link.write(encode_ping(Kind.PING, HEADER._replace(current_epoch=99), [], None))
    simulation.run_for(50)
    assert stranger.said[12:14] == b"\0\1" and len(mode.view.nodes) == 1 and mode.view.current_epoch == 0


def test_two_nodes_meet_and_share_messages(simulation):
    one, two = simulation.node("10.0.0.1"), simulation.node("10.0.0.2")
    client = Caller(simulation.host("10.0.0.3"), ("10.0.0.1", 6379))
    client.send("CLUSTER", "MEET", "10.0.0.2", 6379)
    knows = lambda: all(len(each[ClusterMode].view.nodes) == 2 for each in (one, two))  # noqa: E731
    assert simulation.run_until(knows, 3000)
    assert simulation.run_until(lambda: one[ClusterMode].bus.count == two[ClusterMode].bus.count == 2, 3000)
    listener = Caller(simulation.host("10.0.0.3"), ("10.0.0.2", 6379))
    listener.send("SUBSCRIBE", "news")
    simulation.run_for(100)
    client.send("PUBLISH", "news", "hello")
    assert simulation.run_until(lambda: b"hello" in listener.said, 1000)


def test_what_a_turn_will_send_is_counted(simulation):
    one = simulation.node("10.0.0.1")
    simulation.node("10.0.0.2")
    bus = one[ClusterMode].bus
    one[ClusterMode].member.meetings.meet("10.0.0.2", 6379, 16379)
    assert simulation.run_until(lambda: bus.count == 2, 3000)
    one[ClusterMode].member.sender.publish(b"ch", bytes(10_000), sharded=False)
    assert bus.size > 10_000
    one[ClusterMode].settle()
    simulation.run_for(100)
    assert bus.size == 0


def test_who_takes_too_little_is_cut(simulation):
    one = simulation.node("10.0.0.1")
    simulation.node("10.0.0.2")
    mode = one[ClusterMode]
    mode.member.meetings.meet("10.0.0.2", 6379, 16379)
    assert simulation.run_until(lambda: mode.bus.count == 2, 3000)
    simulation.cut("10.0.0.1", "10.0.0.2")
    one.config.set_many([(b"cluster-link-sendbuf-limit", b"5000")])
    mode.member.sender.publish(b"ch", bytes(10_000), sharded=False)
    mode.settle()
    simulation.run_for(300)
    assert mode.bus.overflowed == 1
