import math
import struct
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pyredis.datatypes.numeric import (
    LongDouble,
    add_long_double,
    format_double,
    format_long_double,
    is_canonical_int,
    parse_float,
    parse_int,
    parse_long_double,
)


def value(number: LongDouble) -> Fraction:
    return number.mantissa * Fraction(2) ** number.exponent


@given(st.integers(-(2**65), 2**65))
def test_integers(number):
    expected = number if -(2**63) <= number < 2**63 else None
    assert parse_int(b"%d" % number) == expected


@mark.parametrize("text", [b"", b" 1", b"1 ", b"+1", b"01", b"-0", b"1_0", b"1.0", b"-", b"1\x00", b"9" * 5000])
def test_texts_that_are_no_integers(text):
    assert parse_int(text) is None
    assert not is_canonical_int(text)


@mark.parametrize(
    ("text", "expected"),
    [
        (b"1", 1.0),
        (b"+1", 1.0),
        (b".5", 0.5),
        (b"5.", 5.0),
        (b"1E+5", 1e5),
        (b"0x10", 16.0),
        (b"-0X1.8p1", -3.0),
        (b"0x.8", 0.5),
        (b"inf", math.inf),
        (b"-INF", -math.inf),
        (b"+Infinity", math.inf),
        (b"5e-324", 5e-324),
        (b"0e999999999999", 0.0),
        (b"0x0p5", 0.0),
    ],
)
def test_floats(text, expected):
    assert parse_float(text) == expected


@mark.parametrize(
    "text",
    [
        *(b"", b" 1", b"1 ", b"\t1", b"1\n", b".", b"1e", b"1e+", b"nan", b"-NaN", b"nan(1)", b"infi", b"0x"),
        *(b"0x1p", b"1_0", b"0x1_0", b"1\x00", b"1,5", b"++1", b"1e400", b"-1e400", b"1e-400", b"2e-324"),
        *(b"0x1p2000", b"0x1p-1080", b"1" * 400, b"1e99999999999999999999", b"0x1p99999999999999999999999"),
    ],
)
def test_texts_that_are_no_floats(text):
    assert parse_float(text) is None


# What Redis 8.2.3 prints. The later ones are where Grisu2 finds more digits than the shortest form has.
@mark.parametrize(
    ("number", "expected"),
    [
        (0.0, b"0"),
        (-0.0, b"-0"),
        (math.inf, b"inf"),
        (-math.inf, b"-inf"),
        (math.nan, b"nan"),
        (3.0, b"3"),
        (-1.5, b"-1.5"),
        (0.1, b"0.1"),
        (1e-7, b"1e-7"),
        (1.25e-6, b"1.25e-6"),
        (1.5e-5, b"0.000015"),
        (1e21, b"1e+21"),
        (5e18, b"5e+18"),
        (2.0**62, b"4611686018427387904"),
        (5e-324, b"5e-324"),
        (123456789012345680000.0, b"123456789012345680000"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (2.2250738585072014e-308, b"2.2250738585072014e-308"),
        (-981404.174497, b"-9.814041744970001e+5"),
        (0.992545227786855, b"0.9925452277868551"),
        (399074.44514, b"399074.44514"),
        (2.80827964618071e-115, b"2.8082796461807102e-115"),
        (1.68039261630943e23, b"168039261630942980000000"),
    ],
)
def test_doubles_as_printed(number, expected):
    assert format_double(number) == expected


@given(st.integers(0, 2**64 - 1))
def test_printed_doubles_read_back(bits):
    (number,) = struct.unpack("<d", struct.pack("<Q", bits))
    if number == number:
        assert parse_float(format_double(number)) == number


DECIMALS = st.from_regex(rb"\A-?[0-9]{1,22}(\.[0-9]{1,22})?(e-?[0-9]{1,2})?\Z")


@given(DECIMALS)
def test_long_doubles_are_nearest(text):
    exact = Fraction(text.decode())
    number = parse_long_double(text)
    assert number is not None
    assert abs(number.mantissa).bit_length() <= 64
    if exact:
        assert abs(value(number) - exact) <= abs(exact) / 2**64


@given(DECIMALS, DECIMALS)
def test_sums_are_nearest(left, right):
    a, b = parse_long_double(left), parse_long_double(right)
    exact = value(a) + value(b)
    total = add_long_double(a, b)
    assert abs(total.mantissa).bit_length() <= 64
    assert abs(value(total) - exact) <= abs(exact) / 2**64


@mark.parametrize(
    ("left", "right", "expected"),
    [
        (b"0.1", b"0.2", b"0.3"),
        (b"10.50", b"0.1", b"10.6"),
        (b"5.0e3", b"2.0e2", b"5200"),
        (b"3", b"-3", b"0"),
        (b"1e-400", b"-2e-400", b"0"),
        (b"0x10", b"0x.8", b"16.5"),
        (b"1e20", b"1", b"100000000000000000000"),
        (b"9223372036854775807", b"1", b"9223372036854775808"),
        (b"0.00000000000000001", b"0", b"0.00000000000000001"),
    ],
)
def test_sums_as_printed(left, right, expected):
    assert format_long_double(add_long_double(parse_long_double(left), parse_long_double(right))) == expected


def test_long_double_range():
    assert len(format_long_double(parse_long_double(b"1e4932"))) == 4933
    assert parse_long_double(b"1.2e4932") is None
    assert parse_long_double(b"1e999999999999") is None
    assert parse_long_double(b"1e-4950") is not None
    assert parse_long_double(b"1e-4952") is None
    assert parse_long_double(b"0e-999999999999").mantissa == 0
    assert parse_long_double(b"1" * 4900) is not None
    assert parse_long_double(b"0" * 5119) is not None
    assert parse_long_double(b"0" * 5120) is None
    assert parse_long_double(b"-inf").is_infinite
    assert parse_long_double(b"nan") is None
    huge = parse_long_double(b"1e4932")
    assert add_long_double(huge, huge).is_infinite
