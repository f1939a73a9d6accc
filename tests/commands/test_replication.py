"""WAIT and WAITAOF of a server without replicas."""

from pytest import mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from tests.observed import ask

# None of these waits: the real server would count a request to its replicas in the offset that ROLE answers.
LINES = [
    *("WAIT 0 0", "WAIT -1 0", "WAIT x 0", "WAIT 0 x", "WAIT 0 -1", "WAIT 1"),
    *("WAITAOF 0 0 0", "WAITAOF 1 0 0", "WAITAOF 2 0 0", "WAITAOF x 0 0", "WAITAOF 0 -1 0", "WAITAOF 0 x 0"),
    *("WAITAOF 0 0 x", "WAITAOF 1 0 x", "WAITAOF 1 -1 0"),
]


@mark.parametrize("line", LINES)
def test_answers_as_the_real_server(both, line):
    both(*line.split())


def test_nothing_waits_inside_a_transaction(both):
    for line in ("MULTI", "WAIT 1 0", "WAITAOF 0 1 0", "EXEC"):
        both(*line.split())


@mark.parametrize(("line", "answer"), [("WAIT 1 100", b":0\r\n"), ("WAITAOF 0 1 100", b"*2\r\n:0\r\n:0\r\n")])
def test_who_waits_is_answered_when_time_is_up(line, answer):
    clock = ManualClock()
    engine = build_engine(clock=clock)
    client = engine.connect()
    assert ask(client, line) == b""
    clock.advance(99)
    engine.cron()
    assert client.waiting is not None
    clock.advance(1)
    engine.cron()
    assert client.waiting is None
    assert b"".join(client.out) == answer
