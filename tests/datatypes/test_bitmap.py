from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pyredis.datatypes.bitmap import OPERATIONS, bit_count, bit_operation, bit_position, get_bit, set_bit

SMALL = st.lists(st.sampled_from([0, 0, 255, 255, 1, 128, 90]), max_size=6).map(bytes)
INDEX = st.integers(-60, 60)


def as_bits(data):
    return [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]


def stretch(data, start, end, by_bit):
    """First and last bit of a range, resolved as getrange does."""
    length = len(data) * (8 if by_bit else 1)
    start, end = (max(0, length + at) if at < 0 else at for at in (start, end))
    end = min(end, length - 1)
    if start > end:
        return 1, 0
    return (start, end) if by_bit else (start * 8, end * 8 + 7)


@given(st.binary(max_size=6), st.integers(0, 80), st.integers(0, 1))
def test_set_and_get(data, offset, bit):
    grown = bytearray(data)
    before = get_bit(data, offset)
    assert set_bit(grown, offset, bit) == before
    assert len(grown) == max(len(data), offset // 8 + 1)
    expected = as_bits(bytes(data).ljust(len(grown), b"\0"))
    expected[offset] = bit
    assert as_bits(grown) == expected


@given(SMALL, INDEX, INDEX, st.booleans())
def test_count(data, start, end, by_bit):
    first, last = stretch(data, start, end, by_bit)
    if start < 0 and end < 0 and start > end:
        first, last = 1, 0
    assert bit_count(data, start, end, by_bit) == sum(as_bits(data)[first : last + 1])


@given(SMALL, st.integers(0, 1), INDEX, st.none() | INDEX, st.booleans())
def test_position(data, bit, start, end, by_bit):
    first, last = stretch(data, start, -1 if end is None else end, by_bit)
    places = [at for at in range(first, last + 1) if as_bits(data)[at] == bit]
    beyond = last + 1 if first <= last and end is None and bit == 0 else -1
    assert bit_position(data, bit, start, end, by_bit) == (places[0] if places else beyond)


def test_long_strings():
    data = bytes(200_000) + b"\x10" + bytes(100_000)
    assert bit_count(data) == 1
    assert bit_position(data, 1) == 1_600_003
    assert bit_position(b"\xff" * 200_000, 0) == 1_600_000
    assert bit_position(b"\xff" * 200_000, 0, 0, -1) == -1


MEANING = {
    b"AND": lambda x, rest: int(x and all(rest)),
    b"OR": lambda x, rest: int(x or any(rest)),
    b"XOR": lambda x, rest: (x + sum(rest)) % 2,
    b"DIFF": lambda x, rest: int(x and not any(rest)),
    b"DIFF1": lambda x, rest: int(not x and any(rest)),
    b"ANDOR": lambda x, rest: int(x and any(rest)),
    b"ONE": lambda x, rest: int(x + sum(rest) == 1),
    b"NOT": lambda x, rest: 1 - x,
}


@mark.parametrize("operation", sorted(OPERATIONS))
@given(sources=st.lists(st.binary(max_size=5), min_size=1, max_size=5))
def test_operations(operation, sources):
    if operation == b"NOT":
        sources = sources[:1]
    size = max(map(len, sources))
    columns = list(zip(*(as_bits(source.ljust(size, b"\0")) for source in sources), strict=True))
    expected = [MEANING[operation](column[0], column[1:]) for column in columns]
    result = bit_operation(operation, sources)
    assert len(result) == size
    assert as_bits(result) == expected
