"""HyperLogLog sketches: both encodings, unions, the estimate's error, and strings that are none."""

from contextlib import suppress
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from pyredis.datatypes import hyperloglog
from pyredis.datatypes.hyperloglog import REGISTERS, Corrupt

MOST = 3000
HEADER = b"HYLL\x01" + bytes(11)


def sketch_of(elements, most=MOST):
    sketch = hyperloglog.new()
    for element in elements:
        hyperloglog.add(sketch, b"%d" % element, most)
    return sketch


def expected_registers(elements):
    registers = bytearray(REGISTERS)
    for index, value in (hyperloglog.place(b"%d" % element) for element in elements):
        registers[index] = max(registers[index], value)
    return registers


@mark.parametrize("most", [0, 30, 100, 3000])
def test_registers_keep_the_greatest_value_in_either_encoding(most):
    for size in (1, 10, 300, 5000):
        sketch = sketch_of(range(size), most)
        assert hyperloglog.registers_of(sketch) == expected_registers(range(size))
        assert hyperloglog.is_valid(sketch)


def test_an_element_is_added_once():
    sketch = hyperloglog.new()
    assert hyperloglog.add(sketch, b"a", MOST)
    before = bytes(sketch)
    assert not hyperloglog.add(sketch, b"a", MOST)
    hyperloglog.to_dense(sketch)
    assert not hyperloglog.add(sketch, b"a", MOST)
    assert before != sketch


@mark.parametrize("size", [0, 1, 10, 1000, 100_000])
def test_the_estimate_is_near(size):
    dense = hyperloglog.new()
    hyperloglog.to_dense(dense)
    for element in range(size):
        hyperloglog.add(dense, b"%d" % element, MOST)
    assert abs(hyperloglog.count(dense) - size) <= 0.03 * size
    assert hyperloglog.cached(dense) == hyperloglog.count(dense)
    hyperloglog.invalidate(dense)
    assert hyperloglog.cached(dense) is None


@mark.parametrize("seed", range(5))
def test_greatest_is_the_greater_of_each_register(seed):
    random = Random(seed)
    one, other = (random.randbytes(REGISTERS).translate(bytes(range(64)) * 4) for _ in range(2))
    assert hyperloglog.greatest(one, other) == bytes(map(max, one, other))


@given(st.sets(st.integers(0, 4000), max_size=300), st.sets(st.integers(0, 4000), max_size=300))
def test_merging_is_as_if_all_were_added(one, other):
    union = hyperloglog.greatest(
        hyperloglog.registers_of(sketch_of(one)), hyperloglog.registers_of(sketch_of(other, most=50))
    )
    for most in (MOST, 400, 0):
        into = sketch_of(one)
        hyperloglog.merge_into(into, union, most)
        assert hyperloglog.registers_of(into) == expected_registers(one | other)
        assert hyperloglog.cached(into) is None


@given(st.binary(max_size=60), st.binary(max_size=8))
def test_strings_in_sparse_disguise_are_corrupt_and_do_no_harm(runs, element):
    sketch = bytearray(HEADER + runs)
    assert hyperloglog.is_valid(sketch)
    for attempt in (hyperloglog.registers_of, hyperloglog.to_dense, lambda it: hyperloglog.add(it, element, MOST)):
        with suppress(Corrupt):
            attempt(bytearray(sketch))
    hyperloglog.describe(sketch)


def test_what_does_not_cover_the_registers_is_corrupt():
    for runs in (b"", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f", b"\x7f\xff\x80"):
        with raises(Corrupt):
            hyperloglog.registers_of(bytearray(HEADER + runs))


@mark.parametrize(
    ("value", "valid"),
    [
        (b"", False),
        (HEADER[:15], False),
        (b"HYLX\x01" + bytes(11), False),
        (b"HYLL\x02" + bytes(11), False),
        (b"HYLL\x00" + bytes(11), False),
        (b"HYLL\x00" + bytes(11 + 12288), True),
        (b"HYLL\x00" + bytes(11 + 12289), False),
        (HEADER, True),
    ],
)
def test_is_valid(value, valid):
    assert hyperloglog.is_valid(value) is valid
