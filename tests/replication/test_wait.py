"""WAIT and WAITAOF count who has what the connection wrote, also what it wrote in the same read."""

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.session import Session
from pyredis.engine.sessions import Sessions
from pyredis.protocol.encoder import encode_command
from pyredis.replication.replica import State
from pyredis.replication.replicas import Replicas
from tests.links import FakeLink


class Pair:
    """A client of a master, and a replica that has acknowledged all there was."""

    def __init__(self):
        self.engine = build_engine(clock=ManualClock(), seed=1)
        self.client, self.replica = self._session(), self._session()
        replicas = self.engine[Replicas]
        known = replicas.introduced(self.replica.client)
        replicas.attach(known, State.ONLINE)
        known.sent = self.engine[Propagation].offset + 1
        self.send("SET before 1")
        self.acknowledge()
        self.said()

    def _session(self):
        session = Session(self.engine[Sessions])
        session.connected(FakeLink())
        return session

    def send(self, *lines):
        self.client.received(b"".join(encode_command([word.encode() for word in line.split()]) for line in lines))
        self.engine.host.run_due()

    def acknowledge(self):
        offset = b"%d" % self.engine[Propagation].offset
        self.replica.received(encode_command([b"REPLCONF", b"ACK", offset, b"FACK", offset]))
        self.engine.host.run_due()

    def said(self):
        self.engine.host.run_due()
        return self.client._link.taken()


@fixture
def pair():
    return Pair()


WRITES = {
    "alone": ["SET k v"],
    "several": ["SET k v", "INCR n", "RPUSH l a b c d e f"],
    "a transaction": ["MULTI", "SET k v", "INCR n", "EXEC"],
    "a script": ["EVAL return(redis.call('incr','n')) 1 n"],
    "one that is sent otherwise": ["SET k v EX 100"],
    "another database": ["SELECT 3", "SET k v"],
}


@mark.parametrize("wait", ["WAIT 1 0", "WAITAOF 0 1 0"])
@mark.parametrize("together", [True, False])
@mark.parametrize("lines", WRITES.values(), ids=WRITES)
def test_what_was_just_written_is_waited_for(pair, lines, together, wait):
    if together:
        pair.send(*lines, wait)
    else:
        pair.send(*lines)
        pair.send(wait)
    assert pair.client.client.waiting is not None, "nobody has it yet"
    pair.acknowledge()
    assert pair.client.client.waiting is None
    assert pair.said().endswith(b":1\r\n")


@mark.parametrize("lines", [["GET before"], ["SET before 1 NX"], ["DEL nosuch"]])
def test_who_wrote_nothing_more_does_not_wait(pair, lines):
    pair.send(*lines, "WAIT 1 0")
    assert pair.client.client.waiting is None
    assert pair.said().endswith(b":1\r\n")


def test_another_connection_s_write_is_not_waited_for(pair):
    other = pair._session()
    other.received(encode_command([b"SET", b"k", b"v"]))
    pair.send("WAIT 1 0")
    assert pair.said() == b":1\r\n"
