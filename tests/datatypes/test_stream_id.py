"""Stream IDs as Redis reads and writes them."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pyredis.datatypes.stream_id import MAX_ID, format_id, parse_id, parse_prefix


@mark.parametrize(
    ("text", "ms", "sequence"),
    [
        *((b"5-1", 5, 1), (b"0-0", 0, 0), (b"007-010", 7, 10), (b"+5-+1", 5, 1), (b" 5- 1", 5, 1)),
        *((b"18446744073709551615-18446744073709551615", (1 << 64) - 1, (1 << 64) - 1), (b"1--03", 1, (1 << 64) - 3)),
        (b"5-1\0junk", 5, 1),
    ],
)
def test_ids(text, ms, sequence):
    assert parse_id(text) == ms << 64 | sequence


@mark.parametrize(
    "text",
    [
        *(b"", b"-", b"+", b"5-", b"-5", b"x", b"5-x", b"5 -1", b"5-1 ", b"5--3", b"1-1-1", b"5-*", b"*", b"0x5"),
        *(b"18446744073709551616", b"1-18446744073709551616", b"0" * 128),
    ],
)
def test_no_ids(text):
    assert parse_id(text) is None


def test_a_missing_sequence():
    assert parse_id(b"5", 9) == 5 << 64 | 9
    assert parse_id(b"5-1", 9) == 5 << 64 | 1


def test_prefixes():
    assert parse_prefix(b"5-*") == 5 << 64
    assert [parse_prefix(text) for text in (b"5", b"5-1", b"*", b"-*", b"x-*", b"5-**", b"0" * 126 + b"-*")] == [
        None
    ] * 7


@given(st.integers(0, MAX_ID))
def test_what_is_written_can_be_read(id):
    assert parse_id(format_id(id)) == id
