"""Arrays of bulk strings, whichever way they are joined, are what hiredis writes and reads."""

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.datatypes.stream_id import MAX_ID, format_id
from pyredis.protocol.encoder import RESP2, RESP3, bulks
from pyredis.protocol.replies import Entries, RecordMap


@given(st.lists(st.binary(max_size=6) | st.sampled_from([b"x" * 1023, b"y" * 1024, b"z" * 70_000]), min_size=1))
def test_bulks_are_what_hiredis_writes(values):
    assert b"".join([b"*%d" % len(values), *bulks(values), b"\r\n"]) == hiredis.pack_command(tuple(values))


@pytest.mark.parametrize("table", [RESP2, RESP3])
@pytest.mark.parametrize(
    "values",
    [
        [],
        [b""],
        [b""] * 9,
        [b"a"] * 1000,
        [b"a", b"bc"] * 5,
        [b"a" * size for size in (1, 5000, 3, 0, 9)],
        [b"a", 1, None] * 4,
        [None] * 9,
        [*range(-5, 5)],
        [*range(1020, 1030)],
        [0, 1] * 5,
        [b"a", None, b"bcd", b"x" * 5000] * 3,
        [[b"a", 1], []] * 5,
        [b"a"] * 2500,
        [b"a"] * 999 + [b"bc"] * 1501,
        [b"a"] * 1000 + [None] * 1000 + [*range(1000)] + [b"b", 7],
        [b"x" * 5000] * 1001,
    ],
)
def test_arrays_read_back(table, values):
    reader = hiredis.Reader()
    reader.feed(table[list](values))
    assert reader.gets() == values
    assert not reader.has_data()


def test_records_are_a_map_of_arrays_or_flat():
    records = RecordMap([(b"a", (1, None)), (b"b", (2, b"x"))])
    assert RESP3[RecordMap](records) == b"%2\r\n$1\r\na\r\n*2\r\n:1\r\n_\r\n$1\r\nb\r\n*2\r\n:2\r\n$1\r\nx\r\n"
    assert RESP2[RecordMap](records) == b"*6\r\n$1\r\na\r\n:1\r\n$-1\r\n$1\r\nb\r\n:2\r\n$1\r\nx\r\n"


word = st.binary(max_size=6) | st.sampled_from([b"x" * 1023, b"y" * 1024])
stream_words = st.lists(word, min_size=2, max_size=6).filter(lambda words: len(words) % 2 == 0)


@pytest.mark.parametrize("table", [RESP2, RESP3])
@given(entries=st.lists(st.tuples(st.integers(0, MAX_ID), stream_words | st.just([b""] * 1024))))
def test_stream_entries_are_pairs_of_an_id_and_words(table, entries):
    value = Entries([(id, tuple(words)) for id, words in entries])
    reader = hiredis.Reader()
    reader.feed(table[Entries](value))
    assert reader.gets() == [[format_id(id), words] for id, words in entries]
    assert not reader.has_data()
    assert [*value] == [(format_id(id), tuple(words)) for id, words in entries]
