"""What a writable replica's clients give an expiry goes when its time has come; what the master gave one does not."""

import pytest

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.engine.roster import Clients
from pyredis.replication.own_keys import OwnKeys
from tests.observed import ask


@pytest.fixture
def replica():
    """A writable replica's engine, a client, and the clock."""
    clock = ManualClock()
    engine = build_engine(clock=clock)
    engine[ExpiryView].update(replica=True)
    engine[OwnKeys].update(replica=True, writable=True)
    return engine, engine[Clients].connect(), clock


def pass_time(engine, clock, ms):
    clock.advance(ms)
    engine.cron()


GIVES = {
    "SET": ["SET k v PX 10"],
    "PEXPIRE": ["SADD k v", "PEXPIRE k 10"],
    "GETEX": ["SET k v", "GETEX k PX 10"],
    "COPY": ["SET j v PX 10", "COPY j k", "DEL j"],
    "RENAME": ["SET j v PX 10", "RENAME j k"],
    "a change of it": ["SET k v PX 5", "PEXPIRE k 10"],
}


@pytest.mark.parametrize("how", GIVES)
def test_its_own_keys_go(replica, how):
    engine, client, clock = replica
    for line in GIVES[how]:
        ask(client, line)
    pass_time(engine, clock, 10)
    assert ask(client, "DBSIZE") == b":1\r\n"
    pass_time(engine, clock, 1)
    assert ask(client, "DBSIZE") == b":0\r\n"


def test_what_its_master_gave_an_expiry_stays(replica):
    engine, client, clock = replica
    engine[ExpiryView].update(of_master=True)
    ask(client, "SET k v PX 10")
    engine[ExpiryView].update(of_master=False)
    pass_time(engine, clock, 11)
    assert ask(client, "DBSIZE") == b":1\r\n"


@pytest.mark.parametrize("spared", ["PERSIST k", "SET k v", "PEXPIRE k 1000"])
def test_one_that_was_given_another_time_stays(replica, spared):
    engine, client, clock = replica
    ask(client, "SET k v PX 10")
    ask(client, spared)
    pass_time(engine, clock, 11)
    assert ask(client, "EXISTS k") == b":1\r\n"


@pytest.mark.parametrize("write", ["INCR k", "APPEND k 1", "LPUSH k 1", "HSET k f 1", "SETRANGE k 0 1"])
def test_a_write_on_a_key_past_its_time_makes_it_anew(replica, write):
    engine, client, clock = replica
    engine[ExpiryView].update(of_master=True)
    ask(client, "SET k 5 PX 10")
    engine[ExpiryView].update(of_master=False)
    pass_time(engine, clock, 11)
    assert ask(client, write) == b":1\r\n"
    assert ask(client, "TTL k") == b":-1\r\n"
