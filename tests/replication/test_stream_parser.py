from hypothesis import given
from hypothesis import strategies as st

from pyredis.protocol.encoder import encode_command
from pyredis.replication import stream_parser
from pyredis.replication.stream_parser import StreamParser, Transactions

WORDS = st.binary(max_size=8) | st.sampled_from([b"\r\n*", b"*1\r\n", b"x" * 100])
COMMANDS = st.lists(st.lists(WORDS, min_size=1, max_size=4), max_size=12)
PIECES = st.lists(st.integers(1, 60), min_size=1)


def pieces(data, sizes):
    """`data` in pieces of these sizes, in turn."""
    at, turn = 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


@given(COMMANDS, PIECES)
def test_however_the_reads_are_cut_the_commands_and_their_bytes_are_the_same(commands, sizes):
    data = b"".join(map(encode_command, commands))
    parser, found, passed = StreamParser(), [], b""
    for piece in pieces(data, sizes):
        for whole in parser.feed(piece):
            assert whole.data == b"".join(map(encode_command, whole.commands))
            found += whole.commands
            passed += whole.data
    assert (found, passed, parser.held) == (commands, data, 0)


def test_reads_that_end_within_commands_go_the_quick_way(monkeypatch):
    quick = []

    def counted(reader, data):
        batch = regular_commands(reader, data)
        quick.extend(batch or [])
        return batch

    regular_commands = stream_parser.regular_commands
    monkeypatch.setattr(stream_parser, "regular_commands", counted)
    parser, data = StreamParser(), encode_command([b"SET", b"key", b"value"]) * 1000
    for piece in pieces(data, [1000]):
        parser.feed(piece)
    assert len(quick) == 1000


def test_an_argument_in_many_small_reads_is_not_parsed_time_and_again(monkeypatch):
    tried = []
    monkeypatch.setattr(stream_parser, "regular_commands", lambda reader, data: tried.append(len(data)))
    parser, data = StreamParser(), encode_command([b"SET", b"key", b"\r\n" * 50_000])
    commands = [argv for piece in pieces(data, [10]) for whole in parser.feed(piece) for argv in whole.commands]
    assert [len(argv) for argv in commands] == [3]
    assert sum(tried) < 1000


BODY = [[b"SET", b"k", b"v"], [b"SELECT", b"1"], [b"PING"]]
TOGETHER = st.lists(st.sampled_from(BODY), max_size=3).map(lambda body: [[b"MULTI"], *body, [b"EXEC"]])
SINGLE = st.sampled_from(BODY).map(lambda argv: [argv])


def apart(batches):
    """Commands, and whether they are a transaction; those that are none stand alone."""
    for batch in batches:
        if batch.is_transaction:
            yield batch.commands, True
        else:
            yield from (([argv], False) for argv in batch.commands)


@given(st.lists(TOGETHER | SINGLE, max_size=8), PIECES, st.booleans())
def test_what_stands_between_multi_and_exec_is_applied_as_one(parts, sizes, lower):
    expected = [(part[1:-1], True) if part[0] == [b"MULTI"] else (part, False) for part in parts]
    data = b"".join(encode_command(argv) for part in parts for argv in part)
    data = data.replace(b"MULTI", b"multi") if lower else data
    parser, transactions, found, passed = StreamParser(), Transactions(), [], b""
    ends = {0}
    for part in parts:
        ends.add(max(ends) + sum(len(encode_command(argv)) for argv in part))
    came = 0
    for piece in pieces(data, sizes):
        came += len(piece)
        for whole in parser.feed(piece):
            together, bytes_passed = transactions.feed(whole)
            found += apart(together)
            passed += bytes_passed
        assert len(passed) in ends
        assert len(passed) + parser.held + transactions.held == came
    assert (found, passed) == (expected, data)


@given(PIECES)
def test_a_transaction_behind_what_is_written_oddly(sizes):
    data = (
        b"PING\r\n\r\n*0\r\n*01\r\n$4\r\nPING\r\n*-1\r\nmulti\r\nSET a 1\r\n" + encode_command([b"EXEC"]) + b"PING\r\n"
    )
    data = data.replace(b"*01", b"*1")
    parser, transactions, found, passed = StreamParser(), Transactions(), [], b""
    for piece in pieces(data, sizes):
        for whole in parser.feed(piece):
            together, bytes_passed = transactions.feed(whole)
            found += apart(together)
            passed += bytes_passed
    ping = [[b"PING"]], False
    assert (found, passed) == ([ping, ping, ([[b"SET", b"a", b"1"]], True), ping], data)
