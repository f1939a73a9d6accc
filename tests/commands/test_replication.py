"""WAIT, WAITAOF, FAILOVER and REPLICAOF of a server without replicas."""

from pytest import mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.roster import Clients
from tests.observed import ask
from tests.oracle import ask as over_the_wire

# None of these waits: the real server would count a request to its replicas in the offset that ROLE answers.
LINES = [
    *("WAIT 0 0", "WAIT -1 0", "WAIT x 0", "WAIT 0 x", "WAIT 0 -1", "WAIT 1"),
    *("WAITAOF 0 0 0", "WAITAOF 1 0 0", "WAITAOF 2 0 0", "WAITAOF x 0 0", "WAITAOF 0 -1 0", "WAITAOF 0 x 0"),
    *("WAITAOF 0 0 x", "WAITAOF 1 0 x", "WAITAOF 1 -1 0"),
]
LINES += [
    *("REPLICAOF NO ONE", "SLAVEOF no one", "replicaof No oNe", "REPLICAOF", "REPLICAOF a", "REPLICAOF a b c"),
    *("REPLICAOF no two", "REPLICAOF a x", "REPLICAOF a 1x", "REPLICAOF a 65536", "SLAVEOF a -1"),
    *("PSYNC", "PSYNC a", "SYNC a"),
    *("FAILOVER", "FAILOVER ABORT", "FAILOVER ABORT x", "FAILOVER FORCE", "FAILOVER FORCE FORCE", "FAILOVER x"),
    *("FAILOVER TIMEOUT", "FAILOVER TIMEOUT x", "FAILOVER TIMEOUT 0", "FAILOVER TIMEOUT 5 TIMEOUT 6"),
    *("FAILOVER TO a", "FAILOVER TO a x", "FAILOVER TO a 99999", "FAILOVER TO a 1 FORCE", "FAILOVER TO a 1 TO b 2"),
    *("FAILOVER ABORT TIMEOUT 1", "FAILOVER TIMEOUT 1 ABORT", "FAILOVER TO a 1 ABORT"),
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
    client = engine[Clients].connect()
    assert ask(client, line) == b""
    clock.advance(99)
    engine.cron()
    assert client.waiting is not None
    clock.advance(1)
    engine.cron()
    assert client.waiting is None
    assert b"".join(client.out) == answer


@mark.parametrize(
    "line",
    [
        *("REPLICAOF 127.0.0.1 6379", "SLAVEOF no 1", "SYNC", "PSYNC ? -1", "PSYNC a 1"),
        *(
            "REPLCONF",
            "REPLCONF listening-port 1",
            "REPLCONF capa eof capa psync2",
            "REPLCONF ACK 1",
            "REPLCONF GETACK *",
        ),
    ],
)
def test_replication_is_refused_aloud(server, line):
    assert over_the_wire(server.port, *line.split()) == b"-ERR Replication is not available in this server yet\r\n"
