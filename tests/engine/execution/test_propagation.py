"""What is appended and sent on: every change, in its final form, once, whichever way its command went."""

from pytest import fixture, mark

from pyredis.engine.execution.propagation import LOG, Propagation
from pyredis.engine.roster import Clients
from pyredis.engine.session import Session
from pyredis.engine.sessions import Sessions
from pyredis.errors import CommandError
from pyredis.protocol.encoder import encode_command
from pyredis.protocol.parser import RequestParser
from tests.links import FakeLink
from tests.observed import Observed, ask, words

WRITES_THEN_FAILS = "EVAL \"redis.call('SET','a','1') return redis.call('INCR','list')\" 2 a list"
WAYS = {
    "plain": (),
    "dispatched": ("CLIENT NO-TOUCH ON",),
    "monitored": ("MONITOR elsewhere",),
}


@fixture(params=WAYS)
def observed(request):
    """The same on every path a command can take."""
    observed = Observed()
    observed.line("RPUSH list x")
    for line in WAYS[request.param]:
        client = observed.engine[Clients].connect() if line.endswith("elsewhere") else observed.client
        ask(client, line.removesuffix(" elsewhere"))
    observed.sent.clear()
    return observed


def test_what_a_script_changed_before_its_error_is_sent(observed):
    assert observed.line(WRITES_THEN_FAILS).startswith(b"-WRONGTYPE")
    assert observed.sent == ["SET a 1"]


def test_what_a_script_changed_around_a_caught_error_is_sent_as_one(observed):
    script = "redis.call('SET','a','1') redis.pcall('INCR','list') redis.call('SET','b','2')"
    observed.line(f'EVAL "{script}" 3 a b list')
    assert observed.sent == ["MULTI", "SET a 1", "SET b 2", "EXEC"]


def test_what_a_transaction_changed_beside_an_error_is_sent_as_one(observed):
    ask(observed.client, "MULTI", "SET b 1", "INCR list", WRITES_THEN_FAILS, "SET c 1", "EXEC")
    assert observed.sent == ["MULTI", "SET b 1", "SET a 1", "SET c 1", "EXEC"]


@mark.parametrize("lines", [["SET a 1"], ["MULTI", "SET a 1", "EXEC"]], ids=["alone", "in a transaction"])
def test_a_command_that_changed_something_and_failed_is_sent(observed, lines):
    def changes_and_fails(ctx, key, value):
        ctx.db.changed_unnoticed()
        raise CommandError(b"no")

    observed.engine.row(b"set").handler = changes_and_fails
    observed.engine.rewire()
    assert b"-ERR no\r\n" in ask(observed.client, *lines)
    assert observed.sent == ["SET a 1"]


@mark.parametrize("line", ["GET a", "INCR list", "SET a 1 XX", "DEL nosuch", "EVAL 'return 1' 0", "SET a"])
def test_what_changes_nothing_is_not_sent(observed, line):
    observed.line(line)
    assert observed.sent == []


def test_a_reader_group_s_new_consumer_is_sent_only_if_it_keeps_no_list(observed):
    """As Redis 8.2.3: with a list, the entries it gets make it anyway."""
    ask(observed.client, "XGROUP CREATE s g $ MKSTREAM")
    observed.sent.clear()
    observed.line("XREADGROUP GROUP g one STREAMS s >")
    observed.line("XREADGROUP GROUP g two NOACK STREAMS s >")
    assert observed.sent == ["XGROUP CREATECONSUMER s g two"]


@mark.parametrize("handler", ["SET a 1 EX 10", "GETEX a EX 10"])
def test_times_are_sent_as_points_in_time(observed, handler):
    observed.line("SET a 1")
    observed.sent.clear()
    observed.line(handler)
    assert len(observed.sent) == 1
    assert observed.sent[0].endswith(" PXAT 1010000") or observed.sent[0] == "PEXPIREAT a 1010000"


@mark.parametrize(
    ("line", "sent"),
    [
        ("set a 1 pxat 2000000", "set a 1 pxat 2000000"),
        ("SET a 1 xx pxat 2000000 get", "SET a 1 xx pxat 2000000 get"),
        ("set a 1 exat 2000 get", "SET a 1 PXAT 2000000"),
        ("pexpireat a 2000000", "pexpireat a 2000000"),
        ("expireat a 2000 xx", None),
        ("expireat a 2000 nx", "PEXPIREAT a 2000000 nx"),
        ("getex a pxat 2000000", "PEXPIREAT a 2000000"),
        ("hpexpireat h 2000000 nx fields 2 f nosuch", "hpexpireat h 2000000 nx fields 1 f"),
        ("hexpireat h 2000 fields 2 nosuch f", "HPEXPIREAT h 2000000 fields 1 f"),
        ("hgetex h pxat 2000000 fields 2 f nosuch", "HPEXPIREAT h 2000000 fields 2 f nosuch"),
        ("hsetex h fxx pxat 2000000 fields 1 f w", "hsetex h fxx pxat 2000000 fields 1 f w"),
        ("hsetex h exat 2000 fields 1 f w", "hsetex h PXAT 2000000 fields 1 f w"),
    ],
)
def test_what_says_its_point_in_time_is_sent_as_it_came(observed, line, sent):
    """As Redis 8.2.3: words are replaced only where they mean something else later."""
    ask(observed.client, "SET a 1", "HSET h f v")
    observed.sent.clear()
    observed.line(line)
    assert observed.sent == ([] if sent is None else [sent])


def test_one_word_s_form_is_not_the_next_one_s(observed):
    """What an earlier command is sent as says nothing about a later one."""
    ask(observed.client, "SET a 1 EX 10", "set a 2", "SET b 3", "APPEND b 4")
    assert observed.sent == ["SET a 1 PXAT 1010000", "set a 2", "SET b 3", "APPEND b 4"]


def test_each_listener_hears_all_until_it_leaves():
    observed = Observed()
    heard = []
    propagation = observed.engine[Propagation]
    propagation.listen(heard.append, LOG)
    ask(observed.client, "SET a 1", "SELECT 3", "INCR a")
    propagation.unlisten(heard.append)
    ask(observed.client, "DEL a")
    commands = [("SELECT", "0"), ("SET", "a", "1"), ("SELECT", "3"), ("INCR", "a")]
    assert b"".join(heard) == b"".join(encode_command(tuple(map(str.encode, words))) for words in commands)
    assert observed.sent == ["SET a 1", "INCR a", "DEL a"]


@mark.parametrize("lazily", ["UNLINK", "DEL"])
def test_a_key_that_expires_is_deleted_elsewhere(lazily):
    observed = Observed()
    observed.line(f"CONFIG SET lazyfree-lazy-expire {'yes' if lazily == 'UNLINK' else 'no'}")
    observed.line("SET a 1 PX 10")
    observed.clock.advance(11)
    assert observed("GET a")[2] == [f"{lazily} a"]


def test_muted_nobody_hears_and_afterwards_everybody_does():
    observed = Observed()
    propagation = observed.engine[Propagation]
    propagation.mute(True)
    ask(observed.client, "SET a 1", "MULTI", "SET b 1", "SET c 1", "EXEC")
    propagation.mute(False)
    ask(observed.client, "SET d 1")
    assert observed.sent == ["SET d 1"]


def test_wait_knows_which_writes_are_a_client_s_own():
    observed = Observed()
    other = observed.engine[Clients].connect()
    ask(observed.client, "SET a 1", "SET b 1")
    offset = observed.engine[Propagation].offset
    ask(other, "SET c 1", "GET c")
    assert (observed.client.wrote, other.wrote) == (offset, observed.engine[Propagation].offset)
    assert observed.client.wrote < other.wrote


# What one read's commands write


def session():
    observed = Observed()
    sent = []
    observed.engine[Propagation].listen(sent.append, LOG)
    made = Session(observed.engine[Sessions])
    made.connected(FakeLink())
    return observed, made, sent


READS = {
    "all writes": ["SET a 1", "INCR a", "RPUSH l x"],
    "a read between": ["SET a 1", "GET a", "RPUSH l x"],
    "one that fails": ["SET a 1", "INCR l", "RPUSH l x", "LPUSH a y"],
    "one that is sent otherwise": ["SET a 1", "SET b 1 EX 10", "RPUSH l x"],
    "one that sends more": ["SET a 1", "SADD s 1 2 3", "SPOP s 2", "RPUSH l x"],
    "another database": ["SET a 1", "SELECT 2", "RPUSH l x", "SELECT 0", "SET c d"],
    "a transaction": ["SET a 1", "MULTI", "INCR a", "INCR a", "EXEC", "RPUSH l x"],
    "a script": ["SET a 1", "EVAL \"redis.call('INCR','a') redis.call('INCR','a')\" 1 a", "RPUSH l x"],
    "the other case": ["set a 1", "inCR a"],
}


@mark.parametrize("lines", READS.values(), ids=READS)
@mark.parametrize("inline", [False, True])
def test_one_read_is_sent_as_its_commands_alone_would_be(lines, inline):
    """In what order and form does not depend on what came together; nor does where a client's last write ends."""
    argvs = [words(line) for line in lines]
    _, one_by_one, expected = session()
    for argv in argvs:
        one_by_one.received(encode_command(argv))
    together, at_once, sent = session()
    at_once.received(
        b"".join(
            line.encode() + b"\r\n" if inline else encode_command(argv) for line, argv in zip(lines, argvs, strict=True)
        )
    )
    assert b"".join(sent) == b"".join(expected)
    assert at_once.client.wrote == one_by_one.client.wrote == together.engine[Propagation].offset


def test_a_read_of_writes_is_sent_as_it_came():
    _, made, sent = session()
    made.received(encode_command([b"SET", b"a", b"1"]))
    sent.clear()
    read = encode_command([b"SET", b"a", b"1"]) * 5
    made.received(read)
    assert sent == [read]


def test_another_client_s_write_keeps_its_place():
    """One that waited for what this read brings runs in its midst."""
    observed, made, sent = session()
    other = observed.engine[Clients].connect()
    ask(other, "BLPOP l 0")
    made.received(b"".join(encode_command(words(line)) for line in ("SET a 1", "RPUSH l x", "SET b 2")))
    parser = RequestParser()
    assert [argv[0] for argv in parser.feed(b"".join(sent))] == [b"SELECT", b"SET", b"RPUSH", b"LPOP", b"SET"]


def test_the_first_write_of_a_reader_that_comes_amid_a_read_is_its_own():
    observed, made, sent = session()
    late = []
    handler = observed.engine.row(b"echo").handler

    def listens(ctx, message):
        observed.engine[Propagation].listen(late.append, LOG)
        return handler(ctx, message)

    observed.engine.row(b"echo").handler = listens
    observed.engine.rewire()
    made.received(b"".join(encode_command(words(line)) for line in ("SET a 1", "ECHO x", "SET b 2")))
    assert b"SET\r\n$1\r\na" in b"".join(sent) and b"$1\r\na" not in b"".join(late) and b"$1\r\nb" in b"".join(late)
