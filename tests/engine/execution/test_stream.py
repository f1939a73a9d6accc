"""The stream of what propagates: its bytes, its offset, who reads it."""

import pytest

from pyredis.assembly import build_engine
from pyredis.engine.execution.propagation import EVERYBODY, LOG, REPLICAS, Propagation
from pyredis.engine.roster import Clients
from pyredis.protocol.encoder import encode_command
from tests.observed import ask


def encoded(*lines):
    return b"".join(encode_command(tuple(line.encode().split())) for line in lines)


class Stream:
    def __init__(self):
        self.engine = build_engine(seed=1)
        self.propagation = self.engine[Propagation]
        self.client = self.engine[Clients].connect()
        self.log, self.replicas = [], []

    def listen(self, who=EVERYBODY):
        if who & LOG:
            self.propagation.listen(self.log.append, LOG)
        if who & REPLICAS:
            self.propagation.listen(self.replicas.append, REPLICAS)

    def took(self, *lines):
        """What both got of these commands; the same."""
        self.log.clear()
        self.replicas.clear()
        ask(self.client, *lines)
        assert self.log == self.replicas
        return b"".join(self.log)


@pytest.fixture
def stream():
    return Stream()


def test_commands_are_encoded_as_sent_and_counted_in_bytes(stream):
    stream.listen()
    assert stream.took("set a 1", "GET a", "sEt a 2") == encoded("SELECT 0", "set a 1", "sEt a 2")
    assert stream.propagation.offset == len(encoded("SELECT 0", "set a 1", "sEt a 2"))
    assert stream.client.wrote == stream.propagation.offset


def test_select_stands_where_the_database_changes_and_for_who_comes_later(stream):
    stream.listen()
    assert stream.took("SET a 1", "SELECT 3", "SET a 1", "SET a 1") == encoded(
        "SELECT 0", "SET a 1", "SELECT 3", "SET a 1", "SET a 1"
    )
    stream.propagation.select_anew()
    assert stream.took("SET a 1") == encoded("SELECT 3", "SET a 1")


def test_what_takes_effect_as_one_is_a_transaction(stream):
    stream.listen()
    stream.took("SET a 1")
    assert stream.took("MULTI", "SET a 1", "INCR a", "EXEC") == encoded("MULTI", "SET a 1", "INCR a", "EXEC")
    assert stream.client.wrote == stream.propagation.offset
    assert stream.took("MULTI", "SET a 1", "EXEC") == encoded("SET a 1")
    assert stream.took("EVAL \"redis.call('set','a',1) redis.call('set','b',2)\" 0") == encoded(
        "MULTI", "set a 1", "set b 2", "EXEC"
    )
    assert stream.client.wrote == stream.propagation.offset


def test_a_script_chooses_who_hears_of_it(stream):
    stream.listen()
    stream.took("SET a 1")
    stream.log.clear()
    ask(stream.client, "EVAL \"redis.set_repl(redis.REPL_AOF) redis.call('set','a','aof')\" 0")
    ask(stream.client, "EVAL \"redis.set_repl(redis.REPL_NONE) redis.call('set','a','none')\" 0", "SET a all")
    assert encoded("set a aof") in b"".join(stream.log)
    assert b"aof" not in b"".join(stream.replicas)
    assert b"none" not in b"".join(stream.log + stream.replicas)
    assert b"".join(stream.replicas).endswith(encoded("SET a all"))


def test_a_masters_bytes_pass_to_replicas_as_they_are(stream):
    stream.listen()
    stream.propagation.pass_on(b"*1\r\n$4\r\nPING\r\n")
    assert stream.replicas == [b"*1\r\n$4\r\nPING\r\n"]
    assert not stream.log
    assert stream.propagation.offset == 14


@pytest.mark.parametrize("batch", [["SET a 1"], ["MULTI", "SET a 1", "EXEC"], ["EVAL \"redis.call('set','a',1)\" 0"]])
def test_nothing_is_encoded_while_nobody_reads(stream, batch):
    rows = [(entry.handler, entry.effect, entry.call) for entry in stream.engine.rows()]
    assert all(handler is effect is call for handler, effect, call in rows)
    stream.listen(LOG)
    stream.propagation.unlisten(stream.log.append)
    stream.log.clear()
    ask(stream.client, *batch)
    assert not stream.log
    assert not stream.propagation.offset


def test_two_streams_do_not_have_one_id(stream):
    before = stream.propagation.id
    stream.propagation.renew_id()
    assert len(before) == 40
    assert stream.propagation.id != before
