"""What a master's stream does here, and a command of it that fails."""

import pytest

from pyredis.assembly import build_engine
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.engine.execution.propagation import REPLICAS, Propagation
from pyredis.engine.execution.roles import MASTER
from pyredis.engine.roster import Clients
from pyredis.errors import ProtocolError
from pyredis.protocol.encoder import encode_command
from pyredis.replication.applied_stream import AppliedStream
from tests.observed import Observed
from tests.replication.wires import Kept


def resp(*lines):
    return b"".join(encode_command(line.encode().split()) for line in lines)


class Replica:
    def __init__(self):
        self.observed = Observed()
        self.engine = engine = self.observed.engine
        self.propagation = engine[Propagation]
        self.propagation.follow(True)
        self.propagation.offset = 1000
        engine[ExpiryView].update(replica=True)
        self.said, self.passed = [], []
        self.propagation.listen(self.passed.append, REPLICAS)
        self.client = engine[Clients].internal(MASTER)
        self.stream = AppliedStream(engine, self.client, self.said.append)
        self.kept = Kept(engine.log)

    def get(self, key):
        return self.observed.value(f"GET {key}")


@pytest.fixture
def replica():
    return Replica()


def test_the_offset_moves_with_whole_commands(replica):
    data = resp("SET a 1", "SET b 2")
    for at in range(len(data)):
        replica.stream.feed(data[at : at + 1])
        done = [1000, 1000 + len(data) // 2][at + 1 >= len(data) // 2] if at + 1 < len(data) else 1000 + len(data)
        assert (replica.propagation.offset, replica.stream.received) == (done, 1000 + at + 1)
    assert (replica.get("a"), replica.get("b"), b"".join(replica.passed)) == (b"1", b"2", data)


def test_a_transaction_takes_effect_with_its_last_byte(replica):
    data = resp("MULTI", "SET a 1", "SELECT 1", "SET b 2", "EXEC")
    replica.stream.feed(data[:-1])
    assert (replica.get("a"), replica.propagation.offset, replica.passed) == (None, 1000, [])
    replica.stream.feed(data[-1:])
    assert (replica.get("a"), replica.propagation.offset) == (b"1", 1000 + len(data))
    assert (b"".join(replica.passed), replica.client.db.index) == (data, 1)


def test_the_answer_to_a_question_does_not_count_the_question(replica):
    """As measured with the real servers: FULLRESYNC 1000 and 23 bytes of SELECT make ACK 1023."""
    question = resp("REPLCONF GETACK *")
    replica.stream.feed(resp("SELECT 0") + question)
    assert replica.said == [resp("REPLCONF ACK 1023")]
    replica.stream.feed(question + question)
    assert replica.said[1:] == [resp("REPLCONF ACK 1060"), resp("REPLCONF ACK 1097")]
    replica.stream.acknowledge()
    assert replica.said[-1] == resp("REPLCONF ACK 1134")


def test_nothing_is_answered_and_errors_are_only_logged(replica):
    replica.stream.feed(resp("GET a", "NOSUCH 1", "SET a", "SET a 1", "LPUSH a 1", "PING"))
    assert (replica.said, b"".join(replica.client.out), replica.get("a")) == ([], b"", b"1")
    texts = ("unknown command", "wrong number of arguments", "WRONGTYPE")
    assert all(text in line for text, line in zip(texts, replica.kept.warnings, strict=True))
    assert all("This replica is sending an error to its master" in line for line in replica.kept.warnings)
    assert replica.engine.stats.unexpected_errors == 3


def test_a_key_past_its_time_is_there_until_the_master_deletes_it(replica):
    now = replica.observed.clock.now_ms()
    replica.stream.feed(resp(f"SET a 1 PXAT {now + 5}"))
    replica.observed.clock.advance(10)
    replica.stream.feed(resp("APPEND a 2"))
    assert list(replica.engine.keyspace.databases[0].table.items()) == [(b"a", b"12")]
    replica.stream.feed(resp("DEL a"))
    assert not len(replica.engine.keyspace.databases[0])


def test_what_is_no_command_is_an_error_of_the_protocol(replica):
    with pytest.raises(ProtocolError):
        replica.stream.feed(resp("SET a 1") + b"*1\r\n:5\r\n")


class Panicked(Exception):
    """The process would have ended."""


def stream(read_only, behaviour):
    engine = build_engine()

    def give_up():
        raise Panicked

    engine.give_up = give_up
    engine.config.replace("replica-read-only", read_only)
    engine.config.replace("propagation-error-behavior", behaviour)
    client = engine[Clients].connect()
    client.role = MASTER
    return engine, AppliedStream(engine, client, lambda data: None)


FAILS = encode_command((b"NOSUCH", b"1"))
ENDS = [(True, "panic"), (True, "panic-on-replicas")]
GOES_ON = [(True, "ignore"), (False, "panic"), (False, "panic-on-replicas")]


@pytest.mark.parametrize(("read_only", "behaviour"), ENDS)
def test_a_replica_that_nobody_else_writes_to_panics_if_told_to(read_only, behaviour):
    engine, applied = stream(read_only, behaviour)
    with pytest.raises(Panicked):
        applied.feed(FAILS)
    assert engine.stats.unexpected_errors == 1


@pytest.mark.parametrize(("read_only", "behaviour"), GOES_ON)
def test_another_counts_the_error_and_goes_on(read_only, behaviour):
    engine, applied = stream(read_only, behaviour)
    applied.feed(FAILS + encode_command((b"SET", b"k", b"v")))
    assert engine.stats.unexpected_errors == 1
    assert engine.keyspace.databases[0].get(b"k") == b"v"
