from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.replication.bulk_payload import (
    MARK_BYTES,
    PayloadError,
    PayloadReader,
    marked_header,
    new_mark,
    sized_header,
)
from tests.replication.test_stream_parser import PIECES, pieces

MARK = new_mark(Random(1))
ALMOST = [MARK[:39], MARK[:20], MARK[1:], MARK[:1] * 60, b"\n", b"\r\n", b"$5\r\n"]
DATA = st.lists(st.binary(max_size=80) | st.sampled_from(ALMOST), max_size=8).map(b"".join)


def taken(data, sizes):
    reader, found, rest = PayloadReader(), b"", b""
    for piece in pieces(data, sizes):
        if reader.done:
            rest += piece
        else:
            found += reader.feed(piece)
            rest = reader.rest
    return reader, found, rest


@given(DATA, PIECES, st.binary(max_size=60), st.integers(0, 3))
def test_so_many_bytes_however_they_are_cut(data, sizes, behind, empty):
    reader, found, rest = taken(b"\n" * empty + sized_header(len(data)) + data + behind, sizes)
    if not data and not reader.done:  # the header was the last that came
        found += reader.feed(b"")
    assert (found, rest, reader.done, reader.read, reader.size) == (data, behind, True, len(data), len(data))


@given(DATA.filter(lambda data: MARK not in data), PIECES, st.binary(max_size=60), st.integers(0, 3))
def test_up_to_the_mark_however_it_is_cut(data, sizes, behind, empty):
    whole = data + MARK
    if whole.find(MARK) != len(data):
        return  # it ends in what begins the mark: the first that is found counts
    reader, found, rest = taken(b"\n" * empty + marked_header(MARK) + whole + behind, sizes)
    assert (found, rest, reader.done, reader.read, reader.size) == (data, behind, True, len(data), None)


NO_HEADERS = [
    *(b"hello", b"*1\r\n", b"\0"),
    *(b"$-1\r\n", b"$\r\n", b"$+5\r\n", b"$ 5\r\n", b"$5 \r\n", b"$" + b"1" * 30 + b"\r\n", b"$" + b"1" * 5000),
    *(b"$EOF:\r\n", b"$EOF:abc\r\n", b"$EOF:" + MARK + b"x\r\n"),
]


@pytest.mark.parametrize("header", NO_HEADERS)
def test_what_is_no_header(header):
    with pytest.raises(PayloadError, match="Bad protocol from MASTER, the first byte is not '\\$'"):
        PayloadReader().feed(header)


def test_an_error_in_its_place():
    reader = PayloadReader()
    assert reader.feed(b"\n-ERR no") == b""
    with pytest.raises(PayloadError, match=r"^MASTER aborted replication with an error: ERR no$"):
        reader.feed(b"\r\n")


def test_marks_differ():
    random = Random(2)
    marks = {new_mark(random) for _ in range(100)}
    assert len(marks) == 100
    assert {len(mark) for mark in marks} == {MARK_BYTES}
