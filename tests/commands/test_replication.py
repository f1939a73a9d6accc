"""WAIT, WAITAOF, FAILOVER, REPLICAOF and the words of replicas, as a server without replicas answers them."""

from pytest import mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.roster import Clients
from tests.observed import ask

# None of these waits: the real server would count a request to its replicas in the offset that ROLE answers.
LINES = [
    *("WAIT 0 0", "WAIT -1 0", "WAIT x 0", "WAIT 0 x", "WAIT 0 -1", "WAIT 1"),
    *("WAITAOF 0 0 0", "WAITAOF 1 0 0", "WAITAOF 2 0 0", "WAITAOF x 0 0", "WAITAOF 0 -1 0", "WAITAOF 0 x 0"),
    *("WAITAOF 0 0 x", "WAITAOF 1 0 x", "WAITAOF 1 -1 0"),
]
LINES += [
    *("REPLICAOF NO ONE", "SLAVEOF no one", "replicaof No oNe", "REPLICAOF", "REPLICAOF a", "REPLICAOF a b c"),
    *("REPLICAOF no two", "REPLICAOF a x", "REPLICAOF a 1x", "REPLICAOF a 65536", "SLAVEOF a -1"),
    *("PSYNC", "PSYNC a", "SYNC a", "REPLCONF", "REPLCONF a", "REPLCONF a b", "REPLCONF capa", "REPLCONF capa x"),
    *("REPLCONF listening-port x", "REPLCONF listening-port 1 ip-address a", "REPLCONF rdb-only 2"),
    *("REPLCONF capa eof nosuch 1", "REPLCONF rdb-filter-only x", "REPLCONF rdb-only 1", "PSYNC a b FAILOVER"),
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
