"""The backlog keeps what is asked for, and little more, however large the pieces are that it gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.replication.backlog import BLOCK_BYTES, Backlog

KEPT = 64 * 1024
SIZES = st.lists(st.integers(1, 40) | st.integers(BLOCK_BYTES - 20, BLOCK_BYTES + 20), max_size=30)
BEFORE = st.integers(0, 1 << 40)


@pytest.mark.parametrize("size", [1, 100, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 1_000_000])
def test_it_keeps_no_more_than_a_block_beyond_what_is_asked_for(size):
    backlog, written = Backlog(0), b""
    while len(written) < 3 * KEPT:
        data = bytes(len(written) + at & 255 for at in range(size))
        backlog.append(data, KEPT)
        backlog.trim(KEPT, backlog.end)
        written += data
        assert min(KEPT, len(written)) <= len(backlog) <= KEPT + BLOCK_BYTES
    assert backlog.end == len(written) + 1
    offset, read = backlog.first, b""
    while offset + len(read) < backlog.end:
        read += backlog.read(offset + len(read))
    assert read == written[offset - 1 :]


def test_what_somebody_needs_stays():
    backlog = Backlog(1000)
    backlog.append(bytes(10 * KEPT), KEPT)
    backlog.trim(KEPT, 1001)
    assert backlog.covers(1001)
    backlog.trim(KEPT, 1001 + 5 * KEPT)
    assert not backlog.covers(1001)
    assert backlog.covers(1001 + 5 * KEPT)


def filled(before, sizes):
    """A backlog, and all that was ever in it."""
    backlog, model = Backlog(before), b""
    for number, size in enumerate(sizes):
        data = bytes([number % 251]) * size
        backlog.append(data, KEPT)
        model += data
    return backlog, model


def read_all(backlog, offset):
    data = b""
    while offset + len(data) < backlog.end:
        found = backlog.read(offset + len(data))
        assert found
        data += found
    return data


def test_the_first_byte_has_the_offset_one():
    backlog = Backlog(0)
    assert (backlog.first, backlog.end, len(backlog), backlog.allocated) == (1, 1, 0, 0)
    backlog.append(b"ab", KEPT)
    assert (backlog.first, backlog.end, backlog.read(2)) == (1, 3, b"b")


@given(BEFORE, SIZES, st.data())
def test_from_any_offset_all_that_follows_is_read(before, sizes, data):
    backlog, model = filled(before, sizes)
    at = data.draw(st.integers(0, len(model)))
    assert read_all(backlog, before + 1 + at) == model[at:]
    assert len(backlog) == len(model)


@given(BEFORE, SIZES, st.integers(-3, 3))
def test_what_it_covers_begins_with_the_first_byte_and_ends_behind_the_last(before, sizes, by):
    backlog, model = filled(before, sizes)
    assert backlog.covers(before + 1 + by) == (0 <= by <= len(model))
    assert backlog.covers(before + 1 + len(model) + by) == (-len(model) <= by <= 0)


@given(BEFORE, SIZES, st.integers(0, 4 * BLOCK_BYTES), st.data())
def test_a_trim_keeps_the_size_and_what_is_needed_and_not_much_more(before, sizes, size, data):
    backlog, model = filled(before, sizes)
    needed = data.draw(st.integers(backlog.first, backlog.end))
    backlog.trim(size, needed)
    assert backlog.first <= needed or len(backlog) == 0
    assert len(backlog) >= min(size, len(model))
    assert read_all(backlog, backlog.first) == model[len(model) - len(backlog) :]
    asked = max(size, backlog.end - needed)
    assert len(backlog) <= asked + BLOCK_BYTES + 20
    assert backlog.allocated <= 2 * asked + 3 * BLOCK_BYTES


def test_what_was_read_does_not_change_with_what_follows():
    backlog = Backlog(0)
    backlog.append(b"a", KEPT)
    read = backlog.read(1)
    backlog.append(b"b", KEPT)
    assert (read, backlog.read(1)) == (b"a", b"ab")
