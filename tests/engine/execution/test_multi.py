"""What is queued and what is watched; what clients see of it is test_transactions.py's."""

from pytest import fixture, mark

from pyredis.engine.execution.multi import Watches, aborted, leave, up_to_exec
from pyredis.engine.execution.transaction import Transaction
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError
from tests.observed import Observed, ask, words


@fixture
def observed():
    return Observed()


@mark.parametrize(
    ("lines", "taken", "whole"),
    [
        (["SET a 1", "EXEC", "PING"], 2, True),
        (["EXEC"], 1, True),
        (["SET a 1"], 1, False),
        ([], 0, False),
        (["SET a 1", "EXEC now"], 2, False),
        (["SET a", "EXEC"], 1, False),
        (["SET a 1 EX", "EXEC"], 2, True),  # an error of the command itself comes at EXEC
        (["NOSUCH", "EXEC"], 1, False),
        (["EVAL 'return 1' 0", "EXEC"], 1, False),
        (["COPY a b DB 1", "EXEC"], 2, True),
        (["CLIENT ID", "EXEC"], 1, False),
        (["BLPOP l 0", "EXEC"], 1, False),
    ],
)
def test_what_may_run_without_being_queued(observed, lines, taken, whole):
    queue = [words(line) for line in lines]
    list(observed.engine.every_row())
    assert up_to_exec(observed.engine, iter(queue)) == (queue[:taken], whole)


def test_the_bytes_queued_are_told_while_they_grow(observed):
    transaction = Transaction()
    entry = observed.engine.row(b"set")
    assert transaction.size == 0
    transaction.add(entry, words("SET key value"))
    assert transaction.size == 11
    assert transaction.size == 11
    transaction.add(entry, words("SET a b"))
    transaction.add(entry, words("GET a"))
    assert transaction.size == 20


def test_the_keyspace_is_observed_only_while_somebody_watches(observed):
    watches, space = observed.engine[Watches], observed.engine.keyspace
    other = observed.engine[Clients].connect()
    before = space.observers
    ask(observed.client, "WATCH a b")
    ask(other, "WATCH a")
    assert watches.total == (2, 2)
    assert len(space.observers) == len(before) + 1
    ask(observed.client, "UNWATCH")
    assert watches.total == (1, 1)
    observed.engine[Clients].disconnect(other)
    assert watches.total == (0, 0)
    assert space.observers == before


def test_a_change_is_seen_by_all_who_watch_and_forgotten_with_the_watch(observed):
    watches = observed.engine[Watches]
    one, two, three = (observed.engine[Clients].connect() for _ in range(3))
    for client, key in ((one, "a"), (two, "a"), (three, "b")):
        ask(client, f"WATCH {key}")
    ask(observed.client, "SET a 1")
    assert [watches.touched(client) for client in (one, two, three)] == [True, True, False]
    leave(one)
    ask(one, "WATCH a")
    assert not watches.touched(one)


@mark.parametrize(("order", "is_touched"), [(["PX 100", "WATCH"], True), (["PX 100", "later", "WATCH"], False)])
@mark.parametrize("deleted", [False, True])
def test_a_key_that_expires_counts_unless_it_was_due_when_the_watch_began(observed, order, is_touched, deleted):
    observed.line("SET a 1 PX 100")
    if "later" in order:
        observed.clock.advance(200)
        observed.engine.tick()
    observed.engine[Watches].add(observed.client, b"a")
    observed.clock.advance(200)
    observed.engine.tick()
    if deleted:
        ask(observed.engine[Clients].connect(), "GET a")
    assert observed.engine[Watches].touched(observed.client) is is_touched
    ask(observed.engine[Clients].connect(), "SET a 2")
    assert observed.engine[Watches].touched(observed.client)


@mark.parametrize(
    ("reason", "text"),
    [
        (CommandError(b"no"), b"EXECABORT Transaction discarded because of: no"),
        (CommandError(b"no", b"OOM"), b"EXECABORT Transaction discarded because of: OOM no"),
    ],
)
def test_an_exec_that_may_not_run_ends_the_transaction(observed, reason, text):
    ask(observed.client, "WATCH a", "MULTI")
    assert aborted(observed.client, reason).line == text
    assert observed.client.transaction is None
    assert observed.engine[Watches].count(observed.client) == 0
    assert observed.line("GET a") == b"$-1\r\n"
