import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.rdb.encoding import CorruptData, Reader, Truncated, length_bytes, string_bytes

LARGEST = 1.7976931348623157e308
EDGES = [0, 63, 64, 16383, 16384, (1 << 32) - 1, 1 << 32, (1 << 64) - 1]


@given(st.sampled_from(EDGES) | st.integers(0, (1 << 64) - 1))
def test_lengths(number):
    written = length_bytes(number)
    reader = Reader(written)
    assert reader.length() == number
    assert reader.at == len(written)
    for short in range(len(written)):
        with pytest.raises(Truncated):
            Reader(written[:short]).length()


def test_lengths_are_as_short_as_can_be():
    assert [len(length_bytes(number)) for number in EDGES] == [1, 1, 2, 2, 5, 5, 9, 9]


texts = st.binary(max_size=200) | st.integers(-(1 << 70), 1 << 70).map(lambda number: b"%d" % number)


@given(texts | st.sampled_from([b"-0", b"007", b"+1", b"1_0", b" 1", b"-", b"", b"a" * 20_000]), st.booleans())
def test_strings(text, compressing):
    written = string_bytes(text, compressing)
    reader = Reader(written)
    assert reader.string() == text
    assert reader.at == len(written)
    for short in range(min(len(written), 30)):
        with pytest.raises(Truncated):
            Reader(written[:short]).string()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b"7", b"\xc0\x07"),
        (b"-128", b"\xc0\x80"),
        (b"128", b"\xc1\x80\0"),
        (b"-32769", b"\xc2\xff\x7f\xff\xff"),
        (b"2147483647", b"\xc2\xff\xff\xff\x7f"),
        (b"2147483648", b"\x0a2147483648"),
        (b"07", b"\x0207"),
    ],
)
def test_integers_are_saved_as_such(text, written):
    assert string_bytes(text) == written


@pytest.mark.parametrize("data", [b"\xc4abc", b"\xff", b"\x82", b"\xbf", b"\xc3\1\2\0a"])
def test_what_is_no_string(data):
    with pytest.raises(CorruptData):
        Reader(data).string()


@pytest.mark.parametrize("length", [b"\x80\xff\xff\xff\xff", b"\x81" + b"\xff" * 8, b"\xc3\2\x80\xff\xff\xff\xff\0a"])
def test_a_length_alone_allocates_nothing(length):
    with pytest.raises(CorruptData):
        Reader(length + b"x" * 100).string()


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"\xfe", float("inf")),
        (b"\xff", float("-inf")),
        (b"\x031.5", 1.5),
        (b"\x18-1.7976931348623157e+308", -1.7976931348623157e308),
    ],
)
def test_doubles_as_text(data, number):
    assert Reader(data).text_double() == number


def test_a_double_that_is_none():
    with pytest.raises(CorruptData):
        Reader(b"\x03abc").text_double()
    assert (number := Reader(b"\xfd").text_double()) != number
