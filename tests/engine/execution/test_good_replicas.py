"""Writes that too few replicas would get."""

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.engine.execution.good_replicas import GoodReplicas
from pyredis.engine.roster import Clients
from tests.observed import ask

REFUSED = b"-NOREPLICAS Not enough good replicas to write.\r\n"


@fixture
def client():
    client = build_engine()[Clients].connect()
    ask(client, "CONFIG SET min-replicas-to-write 1")
    return client


@mark.parametrize("line", ["SET a 1", "MULTI x", "GET a", "PUBLISH a b", "PFCOUNT a", "PING"])
def test_only_writes_are_refused(client, line):
    assert (ask(client, line) == REFUSED) is (line == "SET a 1")


def test_a_script_is_refused_its_first_write(client):
    assert ask(client, "EVAL \"return redis.call('SET', 'a', '1')\" 0").startswith(b"-NOREPLICAS Not enough")
    assert ask(client, "EVAL '#!lua\nreturn 1' 0") == REFUSED
    assert ask(client, "EVAL '#!lua flags=no-writes\nreturn 1' 0") == b":1\r\n"


def test_a_queued_write_spoils_the_transaction(client):
    assert ask(client, "MULTI", "SET a 1", "EXEC") == (
        b"+OK\r\n" + REFUSED + b"-EXECABORT Transaction discarded because of previous errors.\r\n"
    )


@mark.parametrize("line", ["CONFIG SET min-replicas-max-lag 0", "CONFIG SET min-replicas-to-write 0"])
def test_either_parameter_turns_it_off(client, line):
    ask(client, line)
    assert ask(client, "SET a 1") == b"+OK\r\n"


def test_enough_replicas_open_the_gate(client):
    replicas = client.engine[GoodReplicas]
    replicas.count = 1
    replicas.update_gate()
    assert ask(client, "SET a 1") == b"+OK\r\n"
