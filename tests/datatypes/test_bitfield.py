from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pyredis.datatypes.bitfield import (
    FAIL,
    SATURATE,
    WRAP,
    FieldType,
    assigned,
    get_field,
    incremented,
    parse_type,
    set_field,
)

TYPES = st.builds(FieldType, st.just(True), st.integers(1, 64)) | st.builds(
    FieldType, st.just(False), st.integers(1, 63)
)
INT64 = st.integers(-(2**63), 2**63 - 1)


@mark.parametrize("text", [b"", b"i", b"u", b"8", b"i0", b"u0", b"i65", b"u64", b"i08", b"i-1", b"I8", b"x8", b"i 8"])
def test_no_types(text):
    assert parse_type(text) is None


def test_types():
    assert parse_type(b"i64") == (True, 64)
    assert parse_type(b"u63") == (False, 63)


@given(st.binary(max_size=12), TYPES, st.integers(0, 60), INT64)
def test_written_field_reads_back(data, field, offset, value):
    value = assigned(field, value, WRAP)
    grown = bytearray(data)
    set_field(grown, field, offset, value)
    assert get_field(grown, field, offset) == value
    assert len(grown) == max(len(data), (offset + field.bits + 7) // 8)
    before = "".join(f"{byte:08b}" for byte in data).ljust(len(grown) * 8, "0")
    after = "".join(f"{byte:08b}" for byte in grown)
    end = offset + field.bits
    assert (after[:offset], after[end:]) == (before[:offset], before[end:])


@given(st.binary(max_size=12), st.integers(1, 63), st.integers(0, 120))
def test_fields_beyond_the_end_read_zeros(data, bits, offset):
    text = "".join(f"{byte:08b}" for byte in data).ljust(200, "0")
    assert get_field(data, FieldType(False, bits), offset) == int(text[offset : offset + bits], 2)


@mark.parametrize(
    ("field", "value", "increment", "wrapped", "saturated"),
    [
        (FieldType(True, 8), 127, 1, -128, 127),
        (FieldType(True, 8), -128, -1, 127, -128),
        (FieldType(False, 8), 255, 1, 0, 255),
        (FieldType(False, 8), 0, -1, 255, 0),
        (FieldType(True, 64), 2**63 - 1, 1, -(2**63), 2**63 - 1),
    ],
)
def test_overflow(field, value, increment, wrapped, saturated):
    assert incremented(field, value, increment, WRAP) == wrapped
    assert incremented(field, value, increment, SATURATE) == saturated
    assert incremented(field, value, increment, FAIL) is None
    assert incremented(field, value, 0, FAIL) == value


def test_negative_value_in_unsigned_field_counts_as_huge():
    assert assigned(FieldType(False, 8), -1, SATURATE) == 255
    assert assigned(FieldType(False, 8), -1, WRAP) == 255
    assert assigned(FieldType(False, 8), -1, FAIL) is None
    assert assigned(FieldType(True, 8), -1, FAIL) == -1


def test_values_far_below_a_signed_field_saturate_upwards():
    assert assigned(FieldType(True, 8), -(2**63), SATURATE) == 127
    assert assigned(FieldType(True, 8), -(2**63) + 127, SATURATE) == 127
    assert assigned(FieldType(True, 8), -(2**63) + 128, SATURATE) == -128
    assert assigned(FieldType(True, 64), -(2**63), SATURATE) == -(2**63)
