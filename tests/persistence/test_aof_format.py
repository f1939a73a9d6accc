import contextlib
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.persistence.aof_format import BadFormat, CutShort, LogFault, LogReader
from pyredis.protocol.encoder import encode_command
from tests.machines import sequences

SET = encode_command((b"SET", b"key", b"value"))
words = st.lists(st.binary(max_size=30), min_size=1, max_size=4).map(tuple)


def read(data, size=1 << 20):
    reader, commands = LogReader(), []
    for at in range(0, len(data), size):
        commands += reader.feed(data[at : at + size])
    return reader, commands


@given(st.lists(words, max_size=20), st.integers(1, 50))
def test_commands_come_back_in_any_pieces(commands, size):
    data = b"".join(map(encode_command, commands))
    commands = [list(words) for words in commands]
    reader, found = read(data, size)
    assert found == commands
    assert reader.offset == len(data)


@given(st.lists(words, min_size=1, max_size=6), st.data())
def test_a_tail_that_is_missing_is_told_from_where_on(commands, data):
    """The file may be cut behind the last whole command, and reading what is left gives all those before."""
    pieces = [encode_command(words) for words in commands if words[0].upper() not in (b"MULTI", b"EXEC")]
    whole = b"".join(pieces)
    cut = data.draw(st.integers(0, len(whole)))
    reader, found = read(whole[:cut])
    ends = [sum(map(len, pieces[: at + 1])) for at in range(len(pieces))]
    valid = max((end for end in ends if end <= cut), default=0)
    assert reader.valid == valid
    assert len(found) == sum(end <= cut for end in ends)
    if cut == valid:
        reader.finish()
    else:
        with pytest.raises(CutShort) as caught:
            reader.finish()
        assert caught.value.offset == valid


def test_a_transaction_without_its_end_is_cut_off_as_a_whole():
    data = SET + encode_command((b"multi",)) + SET + SET
    for size in (1, 7, 1000):
        reader, _ = read(data, size)
        with pytest.raises(CutShort) as caught:
            reader.finish()
        assert caught.value.offset == len(SET)
        assert reader.in_transaction
    reader, found = read(data + encode_command((b"EXEC",)))
    reader.finish()
    assert [argv[0] for argv in found] == [b"SET", b"multi", b"SET", b"SET", b"EXEC"]
    assert reader.valid == reader.offset


def test_marks_are_heard_and_passed_over():
    heard = []
    reader = LogReader(on_second=lambda second, offset: heard.append((second, offset)))
    assert len(reader.feed(b"#TS:100\r\n" + SET + b"#note\r\n#TS:101\r\n" + SET)) == 2
    assert heard == [(100, 0), (101, 9 + len(SET) + 7)]


def test_numbers_that_are_written_unusually_are_read():
    _, found = read(b"*02\r\n$1\r\na\r\n$01\nb\r\n")
    assert found == [[b"a", b"b"]]


@pytest.mark.parametrize(
    "data",
    [b"!!!", b"*x\r\n", b"*0\r\n", b"*-1\r\n", b"*1\r\n:1\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$1\r\nabc", b"*" * 2000],
)
def test_what_is_no_command_is_told_with_its_place(data):
    reader = LogReader(50)
    with pytest.raises(BadFormat) as caught:
        reader.feed(SET + data)
    assert caught.value.offset == 50 + len(SET)


@sequences(200)
@given(st.lists(words, min_size=1, max_size=5), st.data())
def test_mutated_logs_end_in_a_fault_or_in_commands(commands, data):
    whole = bytearray(b"".join(map(encode_command, commands)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        match data.draw(st.sampled_from("flip insert delete huge")):
            case "flip":
                whole[at] ^= 1 << data.draw(st.integers(0, 7))
            case "insert":
                whole[at:at] = data.draw(st.binary(max_size=5))
            case "delete" if len(whole) > 1:
                del whole[at]
            case _:
                whole[at:at] = b"$99999999999\r\n"
    try:
        reader, found = read(bytes(whole), data.draw(st.integers(1, 100)))
        reader.finish()
    except LogFault as fault:
        assert 0 <= fault.offset <= len(whole)
    else:
        assert all(found)


@pytest.mark.parametrize("tail", [b"*2147483647\r\n", b"*999999\r\n" * 1000, b"*2\r\n$2147483647\r\nab"], ids=range(3))
def test_nothing_is_allocated_because_a_file_announces_it(tail):
    reader = LogReader()
    tracemalloc.start()
    with contextlib.suppress(BadFormat):
        reader.feed(SET * 100 + tail)
        with pytest.raises(CutShort):
            reader.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert reader.valid == len(SET) * 100


def test_a_command_of_many_words_is_read_once_however_it_is_cut():
    words = tuple(b"%d" % number for number in range(20_000))
    data = encode_command(words) + SET
    reader = LogReader()
    found = []
    for at in range(0, len(data), 1000):
        found += reader.feed(data[at : at + 1000])
        assert reader._waiting < 20  # what was read is not looked at again
    reader.finish()
    assert [len(argv) for argv in found] == [20_000, 3]
    assert reader.valid == reader.offset == len(data)
