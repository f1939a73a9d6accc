"""A session without a socket and without a loop: bytes in, bytes out, a close."""

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config
from pyredis.engine.roster import Clients
from pyredis.engine.session import PENDING_MAX, Session
from pyredis.engine.sessions import PROTECTED, TOO_MANY, Sessions
from pyredis.protocol.parser import SLICE_BYTES
from tests.links import FakeLink
from tests.oracle import encode


class Talk:
    """A session of an engine, and what is said in it."""

    def __init__(self, engine, address="127.0.0.1:1000"):
        self.engine = engine
        self.link = FakeLink(address)
        self.session = Session(engine[Sessions])
        self.session.connected(self.link)

    def __call__(self, data):
        """What is said to these bytes when all that is due was done."""
        self.session.received(data)
        self.engine.host.run_due()
        return self.link.taken()


def engine_with(*lines):
    config = Config()
    config.load_lines("\n".join(lines), None)
    return build_engine(config, clock=ManualClock(), seed=1)


@fixture
def engine():
    return engine_with()


@fixture
def talk(engine):
    return Talk(engine)


COMMANDS = encode(["SET", "k", "v"]) + b"get k\r\n" + encode(["MULTI"]) + encode(["INCR", "n"]) + encode(["EXEC"])
REPLIES = b"+OK\r\n$1\r\nv\r\n+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"


def test_byte_by_byte_is_the_same_as_in_one(engine, talk):
    assert b"".join(talk(bytes([byte])) for byte in COMMANDS) == REPLIES
    assert Talk(engine_with())(COMMANDS) == REPLIES


def test_replies_of_all_clients_are_written_once(engine):
    talks = [Talk(engine) for _ in range(3)]
    for talk in talks:
        talk.session.received(COMMANDS)
        talk.session.received(COMMANDS)
        assert talk.link.said == b""
    engine.host.run_due()
    assert [talk.link.writes for talk in talks] == [1, 1, 1]


@mark.parametrize(
    ("data", "text"),
    [(b"*x\r\n", b"invalid multibulk length"), (b'"\r\n', b"unbalanced quotes in request"), (b"*1\r\n+\r\n", b"")],
)
def test_malformed_input_ends_it(talk, data, text):
    said = talk(encode(["PING"]) + data + encode(["PING"]))
    assert said.startswith(b"+PONG\r\n-ERR Protocol error: " + text)
    assert said.count(b"PONG") == 1
    assert talk.link.ended == "close"


def test_the_client_is_gone_with_the_link(engine, talk):
    talk(encode(["SUBSCRIBE", "c"]))
    talk.session.lost(None)
    assert not engine[Clients].listed


@mark.parametrize(
    ("lines", "address", "answer"),
    [
        ((), "10.0.0.1:1000", PROTECTED),
        ((), "[::1]:1000", b""),
        ((), "[::ffff:127.0.0.1]:1000", b""),
        ((), "/tmp/s:0", b""),
        (("protected-mode no",), "10.0.0.1:1000", b""),
        (("requirepass x",), "10.0.0.1:1000", b""),
        (("maxclients 1",), "127.0.0.1:1", TOO_MANY),
    ],
)
def test_who_may_come_in(lines, address, answer):
    engine = engine_with(*lines)
    if answer == TOO_MANY:
        engine[Clients].connect()
    talk = Talk(engine, address)
    assert talk.link.said == answer
    assert (talk.link.ended == "close") == bool(answer)
    talk.session.lost(None)


def test_a_password_lifts_limits():
    talk = Talk(engine_with("requirepass x"))
    assert talk(encode(["PING"])).startswith(b"-NOAUTH")
    eleven = encode(["DEL", *map(str, range(11))])
    assert talk(encode(["AUTH", "x"]) + eleven) == b"+OK\r\n:0\r\n"
    other = Talk(talk.engine)
    assert other(eleven) == b"-ERR Protocol error: unauthenticated multibulk length\r\n"
    assert other.link.ended == "close"


def test_what_waits_is_kept_and_runs_in_order(engine, talk):
    assert talk(encode(["BLPOP", "l", "0"]) + encode(["ECHO", "1"])) == b""
    assert talk(encode(["ECHO", "2"])) == b""
    other = Talk(engine)
    assert other(encode(["RPUSH", "l", "v"])) == b":1\r\n"
    assert talk.link.taken() == b"*2\r\n$1\r\nl\r\n$1\r\nv\r\n$1\r\n1\r\n$1\r\n2\r\n"


def test_who_waits_is_not_read_for_ever(engine, talk):
    talk(encode(["BLPOP", "l", "0"]))
    pings = encode(["PING"]) * 2000
    for _ in range(PENDING_MAX // 2000):
        talk(pings)
    assert talk.link.is_read
    talk(pings)
    assert not talk.link.is_read
    Talk(engine)(encode(["RPUSH", "l", "v"]))
    engine.host.run_due()
    assert talk.link.is_read
    assert talk.link.said.count(b"PONG") == PENDING_MAX + 2000


def test_a_large_read_is_taken_in_slices(engine, talk):
    count = 3 * SLICE_BYTES // len(encode(["PING"]))
    talk.session.received(encode(["PING"]) * count)
    assert not talk.link.is_read
    other = Talk(engine)
    other.session.received(encode(["PING"]))
    engine.host.run_due()
    assert other.link.said == b"+PONG\r\n"
    assert 0 < talk.link.said.count(b"PONG") < count
    for _ in range(10):
        engine.host.run_due()
    assert talk.link.said.count(b"PONG") == count
    assert talk.link.is_read


def test_who_does_not_take_his_replies_is_dropped():
    engine = engine_with("client-output-buffer-limit normal 100000 50000 10")
    talk = Talk(engine)
    talk(encode(["SET", "k", "x" * 60_000]))
    talk.link.waiting = 60_000
    talk.session.congested()
    talk(encode(["PING"]))
    engine.clock.advance(10_000)
    engine.cron()
    assert talk.link.ended is None
    engine.clock.advance(1)
    engine.cron()
    assert talk.link.ended == "abort"
    other = Talk(engine)
    other.link.waiting = 60_000
    assert other(encode(["GET", "k"])) == b""
    assert other.link.ended == "abort"


def test_too_long_a_query_ends_it():
    talk = Talk(engine_with("client-query-buffer-limit 1048576"))
    talk(b"*2\r\n$3\r\nGET\r\n$2000000\r\n")
    for _ in range(17):
        talk(b"x" * 65_000)
    assert talk.link.ended == "abort"
    assert talk.engine.stats.query_buffer_disconnections == 1


def test_after_the_end_nobody_comes_in(engine, talk):
    engine[Sessions].close()
    assert talk.link.ended == "close"
    late = Talk(engine)
    assert (late.link.said, late.link.ended) == (b"", "close")
