"""A master that lies, and a replica that does: nobody falls, all is refused with a line in the log, memory stays small.

Afterwards the replica finds the honest master in the same place, and comes to have what that has.
"""

import tracemalloc

import pytest

from pyredis.engine.command_table.command import TABLE
from pyredis.engine.command_table.documentation import documentation
from pyredis.engine.execution.propagation import Propagation
from pyredis.persistence.dataset import Dataset
from pyredis.protocol.encoder import encode_command
from pyredis.replication.following import Following
from pyredis.replication.master_link import Phase
from pyredis.replication.replicas import Replicas
from pyredis.testing import Caller
from tests.replication.test_faults import LOADS, watched_on
from tests.replication.wires import Liar, Watched

ID = b"a" * 40
MARK = b"m" * 40
FULL = b"+FULLRESYNC " + ID + b" 100\r\n"
LONG = b"x" * 1_000_000


def resp(*lines):
    return b"".join(encode_command(line.encode().split()) for line in lines)


def dataset(watched):
    engine = watched.master.engine
    return b"".join(engine[Dataset].rdb_chunks(engine.keyspace))


def refused(watched, lies, *, replica=None, least=1):
    """The replica hears lies once, then the truth: what it logged."""
    liar = watched.lie(Liar(lies))
    replica = replica or watched.replica()
    before = len(replica.kept.records)
    assert TABLE and documentation()  # what is read once is none of what is measured
    tracemalloc.start()
    try:
        watched.simulation.run_until(lambda: liar.is_gone, 20_000)
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert used < 10 * liar.sent + 2_000_000, (used, liar.sent)
    assert watched.simulation.run_until(lambda: watched.in_step(replica), 60_000), replica.kept.lines[-10:]
    watched.check(replica)
    assert not replica.kept.failures, replica.kept.failures
    return "\n".join(record.getMessage() for record in replica.kept.records[before:])


# The handshake

NO_LINE = "Master sent a line without an end"
TIMEOUT = "Timeout connecting to the MASTER..."
SYNTAX = "Master replied with wrong +FULLRESYNC syntax"
UNEXPECTED = "Unexpected reply to PSYNC from master"
HANDSHAKES = {
    "a silent one": (b"PING", b"", TIMEOUT),
    "another protocol": (b"PING", b"HTTP/1.1 400 Bad Request\r\n\r\n", "Error reply to PING from master: 'HTTP/1.1"),
    "an error": (b"PING", b"-ERR no\r\n", "Error reply to PING from master: '-ERR no'"),
    "NULs": (b"PING", b"\0" * 1000 + b"\r\n", "Error reply to PING from master"),
    "NULs without an end": (b"PING", b"\0" * 100_000, NO_LINE),
    "a long line": (b"PING", b"+" + LONG + b"\r\n", None),
    "a line without an end": (b"PING", b"+" + LONG, NO_LINE),
    "too much at once": (b"PING", b"+PONG\r\n" * 10_000, None),
    "no reply to REPLCONF": (b"REPLCONF", b"", TIMEOUT),
    "a line without an end for REPLCONF": (b"REPLCONF", LONG, NO_LINE),
    "errors to REPLCONF": (b"REPLCONF", b"-ERR no\r\n", "MASTER <-> REPLICA sync: Finished with success"),
    "no reply to PSYNC": (b"PSYNC", b"", TIMEOUT),
    "empty lines alone": (b"PSYNC", b"\n" * 100_000, TIMEOUT),
    "no id": (b"PSYNC", b"+FULLRESYNC\r\n", SYNTAX),
    "no offset": (b"PSYNC", b"+FULLRESYNC " + ID + b"\r\n", SYNTAX),
    "a short id": (b"PSYNC", b"+FULLRESYNC abc 1\r\n", SYNTAX),
    "a long id": (b"PSYNC", b"+FULLRESYNC " + ID + b"a 1\r\n", SYNTAX),
    "an id of other bytes": (b"PSYNC", b"+FULLRESYNC " + b"\xff" * 40 + b" 1\r\n", SYNTAX),
    "an id of NULs": (b"PSYNC", b"+FULLRESYNC " + b"\0" * 40 + b" 1\r\n", SYNTAX),
    "a negative offset": (b"PSYNC", b"+FULLRESYNC " + ID + b" -5\r\n", SYNTAX),
    "no number": (b"PSYNC", b"+FULLRESYNC " + ID + b" 1x\r\n", SYNTAX),
    "a huge offset": (b"PSYNC", b"+FULLRESYNC " + ID + b" " + b"9" * 30 + b"\r\n", SYNTAX),
    "an offset of thousands of digits": (b"PSYNC", b"+FULLRESYNC " + ID + b" " + b"9" * 5000 + b"\r\n", SYNTAX),
    "going on with nothing": (b"PSYNC", b"+CONTINUE\r\n", UNEXPECTED),
    "a bulk": (b"PSYNC", b"$5\r\nhello\r\n", UNEXPECTED),
    "later": (b"PSYNC", b"-LOADING wait\r\n", "Master is currently unable to PSYNC but should be in the future"),
    "an error to PSYNC, and to SYNC": (b"PSYNC", b"-ERR no\r\n-ERR no\r\n", "MASTER aborted replication with an error"),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_in_the_handshake(tmp_path, name):
    word, answer, expected = HANDSHAKES[name]
    said = refused(watched_on(tmp_path, "marked", "disabled"), {word: answer})
    assert expected is None or expected in said


# The dataset

BAD = "Bad protocol from MASTER"
LATE = "Timeout receiving bulk data from MASTER"
CORRUPT = "RDB"
PAYLOADS = {
    "no header": (lambda data: b"hello\r\n" + data, BAD),
    "none at all": (lambda data: b"", LATE),
    "a header without an end": (lambda data: b"$" + b"1" * 100_000, BAD),
    "a header in part": (lambda data: b"$12", LATE),
    "a negative size": (lambda data: b"$-1\r\n" + data, BAD),
    "no size": (lambda data: b"$\r\n" + data, BAD),
    "a size that is none": (lambda data: b"$1e5\r\n" + data, BAD),
    "more than there is": (lambda data: b"$99999999999999\r\n" + data, LATE),
    "more than any number": (lambda data: b"$" + b"9" * 3000 + b"\r\n" + data, BAD),
    "nothing": (lambda data: b"$0\r\n", CORRUPT),
    "less than there is": (lambda data: b"$%d\r\n" % (len(data) - 9) + data, CORRUPT),
    "a byte more": (lambda data: b"$%d\r\n" % (len(data) + 1) + data + b"x", None),
    "a short mark": (lambda data: b"$EOF:abc\r\n" + data, BAD),
    "another mark": (lambda data: b"$EOF:" + MARK + b"\r\n" + data + b"n" * 40, None),
    "no mark": (lambda data: b"$EOF:" + MARK + b"\r\n" + data, LATE),
    "bytes before the mark": (lambda data: b"$EOF:" + MARK + b"\r\n" + data + LONG + MARK, None),
    "a mark within": (lambda data: b"$EOF:" + MARK + b"\r\n" + data[:100] + MARK + data[100:], CORRUPT),
    "no dataset": (lambda data: b"$5\r\nhello", CORRUPT),
    "no dataset, but a mark": (lambda data: b"$EOF:" + MARK + b"\r\nhello" + MARK, CORRUPT),
    "a long one that is none": (lambda data: b"$1000000\r\n" + LONG, CORRUPT),
    "a bad place": (lambda data: sized(aux(b"repl-stream-db", b"abc")), None),
    "a negative place": (lambda data: sized(aux(b"repl-stream-db", b"-7")), None),
    "a place too far": (lambda data: sized(aux(b"repl-stream-db", b"9" * 5000)), None),
    "no library": (lambda data: sized(bytes([0xF5]) + text(b"#!lua name=x\nerror()")), None),
    "a database too far": (lambda data: sized(b"\xfe\x40\xff\x00\x01k\x01v"), CORRUPT),
    "a huge announcement": (lambda data: sized(b"\xfe\x00\xfb\x81" + b"\x7f" * 8 + b"\x81" + b"\x7f" * 8), None),
    "a huge string": (lambda data: sized(b"\x00\x81" + b"\x00\x00\x00\x7f" + b"\xff" * 4 + b"k"), CORRUPT),
    "a huge hash": (lambda data: sized(b"\x04\x01h\x81" + b"\x00\x00\x00\x7f" + b"\xff" * 4 + b"k"), CORRUPT),
}


def text(data):
    return bytes([0x40 | len(data) >> 8, len(data) & 0xFF]) + data


def aux(name, value):
    return b"\xfa" + text(name) + text(value)


def sized(inside):
    data = b"REDIS0011" + inside + b"\xff" + bytes(8)
    return b"$%d\r\n" % len(data) + data


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", PAYLOADS)
def test_in_the_dataset(tmp_path, name, load):
    watched = watched_on(tmp_path, "marked", load)
    answer, expected = PAYLOADS[name]
    said = refused(watched, {b"PSYNC": FULL + answer(dataset(watched))})
    assert expected is None or expected in said


@pytest.mark.parametrize("load", LOADS)
def test_flipped_bits(tmp_path, load):
    watched = watched_on(tmp_path, "marked", load)
    data = dataset(watched)
    replica = watched.replica()
    watched.settle(replica)
    for at in range(0, len(data) - 8, 7):  # the last 8 are the checksum: zero is none
        flipped = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        liar = watched.lie(Liar({b"PSYNC": FULL + b"$%d\r\n" % len(flipped) + flipped}))
        watched.run("CLIENT KILL TYPE replica")
        watched.simulation.run_until(lambda liar=liar: liar.is_gone, 20_000)
        assert watched.simulation.run_until(lambda: watched.in_step(replica), 20_000), at
        watched.check(replica)
    assert not replica.kept.failures, replica.kept.failures[0].getMessage()


@pytest.mark.parametrize("load", LOADS)
def test_cut_short(tmp_path, load):
    watched = watched_on(tmp_path, "marked", load)
    data = dataset(watched)
    for at in range(0, len(data), 11):
        said = refused(watched, {b"PSYNC": FULL + b"$%d\r\n" % at + data[:at]})
        assert "RDB" in said, at


# The stream

STREAMS = {
    "garbage": (b"\0\xff\x80 garbage\r\n", ""),
    "garbage without an end": (b"\xff" * 200_000, "Protocol error from master: too big inline request"),
    "NULs": (b"\0" * 200_000, "Protocol error from master: too big inline request"),
    "a long number": (b"*" + b"1" * 200_000, "Protocol error from master: too big mbulk count string"),
    "an array too large": (b"*2147483648\r\n", "Protocol error from master: invalid multibulk length"),
    "a large array": (b"*2000000000\r\n", "MASTER timeout: no data nor PING received..."),
    "a large array, begun": (b"*2000000000\r\n" + b"$1\r\na\r\n" * 20_000, "MASTER timeout"),
    "many large arrays": (b"*99\r\n" * 200_000, "Protocol error from master: expected '$', got '*'"),
    "a negative array": (b"*-5\r\n", "MASTER timeout"),
    "empty arrays": (b"*0\r\n" * 1000, "MASTER timeout"),
    "a null": (b"*1\r\n$-1\r\n", "Protocol error from master: invalid bulk length"),
    "a number": (b"*1\r\n:5\r\n", "Protocol error from master: expected '$', got ':'"),
    "a nested array": (b"*1\r\n*1\r\n$4\r\nPING\r\n", "Protocol error from master: expected '$', got '*'"),
    "a huge bulk": (b"*1\r\n$99999999999999\r\n" + LONG, "MASTER timeout"),
    "a reply": (b"+OK\r\n" * 10, "'ERR unknown command '+OK'"),
    "a bulk": (b"$5\r\nhello\r\n", "unknown command"),
    "inline commands": (b"PING\r\nSET inline 1\nPING\r\n", ""),
    "quotes": (b'SET "x\r\n', "Protocol error from master: unbalanced quotes in request"),
    "no such command": (resp("NOSUCH 1 2"), "unknown command"),
    "too few arguments": (resp("SET 1"), "wrong number of arguments for 'set' command"),
    "another type": (resp("LPUSH s 1"), "WRONGTYPE"),
    "MULTI in MULTI": (resp("MULTI", "INCR n", "MULTI", "INCR n", "EXEC", "SET after 1"), ""),
    "MULTI without end": (resp("MULTI", "INCR n"), "MASTER timeout"),
    "EXEC alone": (resp("EXEC"), "EXEC without MULTI"),
    "DISCARD alone": (resp("DISCARD"), "DISCARD without MULTI"),
    "DISCARD within": (resp("MULTI", "INCR n", "DISCARD", "EXEC"), ""),
    "WATCH within": (resp("MULTI", "WATCH n", "UNWATCH", "EXEC"), ""),
    "SELECT too far": (resp("SELECT 99", "SET x 1"), "DB index is out of range"),
    "SELECT below": (resp("SELECT -1", "SET x 1"), "DB index is out of range"),
    "SELECT of none": (resp("SELECT abc"), "ERR"),
    "QUIT": (resp("QUIT", "SET x 1"), ""),
    "RESET": (resp("RESET", "SET x 1"), ""),
    "another protocol": (resp("HELLO 3", "SET x 1"), ""),
    "CLIENT KILL": (resp("CLIENT KILL TYPE master", "SET x 1"), ""),
    "waiting": (resp("BLPOP nokey 0", "SET x 1", "WAIT 5 0", "SET y 1"), ""),
    "PSYNC": (resp("PSYNC ? -1", "SYNC", "SET x 1"), ""),
    "listening": (resp("SUBSCRIBE a", "MONITOR", "PSUBSCRIBE a*", "SET x 1", "PUBLISH a b"), ""),
    "questions": (resp("REPLCONF GETACK *", "REPLCONF", "REPLCONF GETACK", "REPLCONF ACK 5", "REPLCONF x y"), ""),
}


@pytest.mark.parametrize("pieces", [1 << 30, 7], ids=["at once", "in pieces"])
@pytest.mark.parametrize("name", STREAMS)
def test_in_the_stream(tmp_path, name, pieces):
    data, expected = STREAMS[name]
    watched = watched_on(tmp_path, "marked", "disabled")
    replica = watched.replica()
    watched.settle(replica)
    watched.places.clear()  # what is at a place is a lie now
    watched.note()
    watched.run("CLIENT KILL TYPE replica")
    said = refused(watched, {b"PSYNC": b"+CONTINUE\r\n", b"ACK": in_pieces(data, pieces)}, replica=replica)
    assert expected in said


def in_pieces(data, size):
    return data if size > len(data) or len(data) > 1000 else [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("id", [b"", b" abc", b" " + ID, b" " + b"\xff" * 40, b" " + b"b" * 41, b" " + ID + b" more"])
def test_going_on_under_any_id(tmp_path, id):
    watched = watched_on(tmp_path, "marked", "disabled")
    replica = watched.replica()
    watched.settle(replica)
    watched.run("CLIENT KILL TYPE replica")
    refused(watched, {b"PSYNC": b"+CONTINUE" + id + b"\r\n"}, replica=replica)


def test_a_master_of_old_that_knows_no_offsets(tmp_path):
    watched = watched_on(tmp_path, "marked", "disabled")
    data = dataset(watched)
    whole = b"$%d\r\n" % len(data) + data + resp("SET of old")
    lies = {b"PSYNC": b"-ERR unknown command\r\n", b"REPLCONF": b"-ERR unknown command\r\n", b"SYNC": b"\n\n" + whole}
    liar = watched.lie(Liar(lies))
    replica = watched.replica()
    watched.simulation.run_for(3500)
    assert replica.engine[Following].phase is Phase.CONNECTED
    assert watched.run("GET of", server=replica) == b"$3\r\nold\r\n"
    assert [argv[:2] for argv in liar.heard if argv[:2] == [b"REPLCONF", b"ACK"]] == []
    liar.link.abort()
    assert watched.simulation.run_until(lambda: watched.in_step(replica), 5000), "it asks anew for everything"
    assert replica.kept.warnings == []


_ENDS_IT = {"SHUTDOWN", "REPLICAOF", "SLAVEOF", "FAILOVER", "DEBUG", "CONFIG", "CLUSTER"}


def test_every_command_with_any_arguments(tmp_path):
    watched = watched_on(tmp_path, "marked", "disabled")
    replica = watched.replica()
    watched.settle(replica)
    names = sorted(name for name in TABLE if name.split("|")[0].split()[0].upper() not in _ENDS_IT)
    lines = [
        " ".join([*name.replace("|", " ").split(), *arguments])
        for name in names
        for arguments in ([], ["s"], ["s", "1"], ["l", "0", "1"], ["z", "1", "2", "3"], ["0"] * 5)
    ]
    watched.places.clear()
    watched.note()
    watched.run("CLIENT KILL TYPE replica")
    refused(watched, {b"PSYNC": b"+CONTINUE\r\n", b"ACK": [resp(line) for line in lines]}, replica=replica)


# A replica that lies

HALF = resp("PSYNC ? -1")[:-3]
REPLICAS = {
    "garbage for REPLCONF": resp(
        "REPLCONF", "REPLCONF a", "REPLCONF a b", "REPLCONF listening-port x", "REPLCONF capa"
    ),
    "bytes for REPLCONF": resp("REPLCONF capa \x00\xff", "REPLCONF version \xff", "REPLCONF ip-address \xff\x00"),
    "a long address": encode_command([b"REPLCONF", b"ip-address", b"x" * 300]),
    "ACK of no replica": resp("REPLCONF ACK 5"),
    "wrong offsets": resp("PSYNC ? abc", "PSYNC ? 99999999999999999999", "PSYNC ? 1.5", "PSYNC ?"),
    "a huge offset": resp("PSYNC {id} 9223372036854775807"),
    "a negative offset": resp("PSYNC {id} -9223372036854775808"),
    "zero": resp("PSYNC {id} 0"),
    "a short id": resp("PSYNC abc 1"),
    "a long id": resp(f"PSYNC {'a' * 100_000} 1"),
    "an id of other bytes": encode_command([b"PSYNC", b"\xff\0" * 20, b"1"]),
    "no second id": resp(f"PSYNC {'0' * 40} -1", f"PSYNC {'0' * 40} 1"),
    "FAILOVER to a master": resp("PSYNC {id} 1 FAILOVER"),
    "other options": resp("PSYNC ? -1 NONSENSE more"),
    "half of it": HALF,
    "twice": resp("PSYNC ? -1", "PSYNC ? -1", "SYNC", "PSYNC {id} 1"),
    "SYNC": resp("SYNC", "SYNC"),
    "commands that answer": resp("PSYNC ? -1", "GET s", "PING", "INFO", "SET x 1", "MULTI", "GET s", "EXEC"),
    "negative ACKs": resp("PSYNC ? -1", "REPLCONF ACK -1", "REPLCONF ACK -9223372036854775808", "REPLCONF ACK x"),
    "huge ACKs": resp("PSYNC ? -1", "REPLCONF ACK 9223372036854775807", "REPLCONF ACK 99999999999999999999"),
    "odd ACKs": resp(
        "PSYNC ? -1", "REPLCONF ACK", "REPLCONF ACK 1 FACK", "REPLCONF ACK 1 FACK x", "REPLCONF ACK 1 X 2"
    ),
    "being a master": resp("PSYNC ? -1", "REPLCONF GETACK *", "REPLICAOF r1 6379", "SLAVEOF NO ONE"),
    "being subscribed": resp("PSYNC ? -1", "SUBSCRIBE a", "MONITOR", "CLIENT TRACKING ON", "CLIENT REPLY OFF", "RESET"),
    "after MULTI": resp("MULTI", "PSYNC ? -1", "SYNC", "REPLCONF ACK 1", "EXEC"),
    "after MONITOR": resp("MONITOR", "PSYNC ? -1"),
    "filters": resp(
        "REPLCONF rdb-filter-only functions", "PSYNC ? -1", "REPLCONF rdb-filter-only x", "REPLCONF rdb-only 2"
    ),
    "a filter of nothing": resp("REPLCONF capa eof rdb-only 1", "SYNC"),
}


@pytest.mark.parametrize("diskless", ["yes", "no"])
@pytest.mark.parametrize("capable", [b"", resp("REPLCONF capa eof capa psync2")], ids=["old", "capable"])
@pytest.mark.parametrize("name", REPLICAS)
def test_a_lying_replica(tmp_path, name, capable, diskless):
    watched = Watched(tmp_path, repl_diskless_sync=diskless)
    watched.run("SET s string")
    honest = watched.replica()
    watched.settle(honest)
    liar = Caller(watched.simulation.host("liar"), ("m", 6379))
    watched.simulation.run_for(3)
    id = watched.master.engine[Propagation].id.encode()
    liar.link.write(capable + REPLICAS[name].replace(b"$4\r\n{id}", b"$40\r\n" + id))
    for _ in range(4):
        watched.simulation.run_for(2000)
        watched.run("INCR n", "MULTI", "INCR n", "INCR n", "EXEC")
    watched.settle(honest)
    assert not watched.master.kept.failures
    liar.link.abort()
    watched.simulation.run_for(10)
    assert next(iter(watched.master.engine[Replicas].attached.values())).port == 6379
    assert len(watched.master.engine[Replicas].attached) == 1


@pytest.mark.parametrize("after", [1, 10, 100, 1500, 3000, 6000])
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_replica_that_leaves_while_it_is_served(tmp_path, diskless, after):
    watched = Watched(tmp_path, repl_diskless_sync=diskless, rdb_key_save_delay="10000")
    watched.run(*(f"SET key:{at} {at}" for at in range(300)))
    liars = [Caller(watched.simulation.host("liar"), ("m", 6379)) for _ in range(3)]
    for liar in liars:
        liar.send("REPLCONF", "capa", "eof")
        liar.send("PSYNC", "?", "-1")
    watched.simulation.run_for(after)
    for liar in liars:
        liar.link.abort()
        watched.run("INCR n")
        watched.simulation.run_for(3)
    replica = watched.replica()
    watched.settle(replica)
    assert not watched.master.kept.failures
    assert len(watched.master.engine[Replicas].attached) == 1


def test_a_replica_that_never_reads_is_dropped_at_its_limit(tmp_path):
    limit = {"client_output_buffer_limit": "replica 300k 0 0", "repl_backlog_size": "16384"}
    watched = Watched(tmp_path, repl_diskless_sync="no", **limit)
    watched.run("SET s string")
    liar = Caller(watched.simulation.host("liar"), ("m", 6379))
    liar.send("PSYNC", "?", "-1")
    watched.simulation.run_for(1000)
    assert liar.said.startswith(b"+FULLRESYNC")
    liar.link.pause_reading()
    replicas, most = watched.master.engine[Replicas], 0
    for at in range(200):
        watched.run(f"SET k{at % 5} {'x' * 10_000}")
        watched.simulation.run_for(10)
        most = max(most, replicas.buffered)
    assert not replicas.attached
    assert 250_000 < most < 400_000
    assert any("overcoming of output buffer limits" in line for line in watched.master.kept.warnings)
    assert replicas.buffered < 40_000
