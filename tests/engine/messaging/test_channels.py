"""Who listens to what, in the order it was asked for, and nothing left when it ends."""

from pytest import fixture, mark

from pyredis.engine.client import NullSink
from pyredis.engine.execution import gates
from pyredis.engine.messaging.channels import PubSub, Subscriptions
from pyredis.engine.roster import Clients
from pyredis.protocol.reply_size import NOTABLE_BYTES
from tests.observed import Observed, ask


def test_both_ways_agree_and_end_empty():
    names = Subscriptions()
    for client, name in (("one", b"b"), ("one", b"a"), ("two", b"a"), ("one", b"b")):
        names.add(client, name)
    assert names.names("one") == [b"b", b"a"]
    assert list(names.subscribers[b"a"]) == ["one", "two"]
    assert (names.count("one"), names.count("two"), names.count("none")) == (2, 1, 0)
    assert names.clients() == {"one", "two"}
    for client, name in (("one", b"nosuch"), ("none", b"a"), ("one", b"a"), ("one", b"b"), ("two", b"a")):
        names.remove(client, name)
    assert (names.subscribers, names.clients(), names.names("one")) == ({}, set(), [])


class Limited(NullSink):
    """Notes when its limits are looked at, or taken over."""

    def __init__(self):
        self.checked, self.adopted, self.data = [], 0, b""

    def write(self, data):
        self.data += data

    def adopt_limits(self):
        self.adopted += 1

    def check_output(self, more):
        self.checked.append(more)
        return False


@fixture
def engine():
    return Observed().engine


def test_a_message_goes_to_channels_then_patterns_and_is_counted(engine):
    channels = engine[PubSub]
    one, two = engine[Clients].connect(Limited()), engine[Clients].connect(Limited())
    channels.channels.add(one, b"news")
    channels.patterns.add(one, b"n*")
    channels.patterns.add(two, b"x*")
    channels.shards.add(two, b"news")
    two.talk(3)
    assert channels.publish(b"news", b"hi") == 2
    assert channels.publish_to_shard(b"news", b"hi") == 1
    assert channels.publish(b"other", b"hi") == 0
    first, _, second = one.sink.data.partition(b"*4\r\n")
    assert first == b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
    assert second == b"$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
    assert two.sink.data == b">3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
    assert channels.count(two) == 1  # shard channels are counted apart
    assert channels.clients() == {one, two}
    assert channels.size == 4 * 450


@mark.parametrize("kind", ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"])
def test_the_class_of_a_client_changes_with_its_first_and_last(engine, kind):
    client = engine[Clients].connect(Limited())
    ask(client, f"{kind} a b")
    assert (client.sink.adopted, bool(client.gates & gates.SUBSCRIBED)) == (1, True)
    leave = kind.replace("SUB", "UNSUB")
    ask(client, f"{leave} a")
    assert (client.sink.adopted, bool(client.gates & gates.SUBSCRIBED)) == (1, True)
    ask(client, f"{leave} b")
    assert (client.sink.adopted, bool(client.gates & gates.SUBSCRIBED)) == (2, False)


def test_much_that_waits_is_looked_at(engine):
    client = engine[Clients].connect(Limited())
    client.output_max = 1 << 20
    client.out.append(b"")
    engine[PubSub].channels.add(client, b"c")
    engine[PubSub].publish(b"c", b"x" * (NOTABLE_BYTES // 2))
    assert client.sink.checked == []
    engine[PubSub].publish(b"c", b"x" * (NOTABLE_BYTES // 2))
    assert client.sink.checked == [client.queued]
    assert client.queued == sum(map(len, client.out)) > NOTABLE_BYTES
