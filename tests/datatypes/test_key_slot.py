"""Slots of keys, as the real server counts them."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark
from redis.crc import key_slot as slot_of_redis_py

from pyredis.datatypes.key_slot import key_slot, pattern_slot
from pyredis.patterns import compile_pattern


@mark.parametrize(
    ("key", "counts"),
    [
        (b"foo", b"foo"),
        (b"{foo}", b"foo"),
        (b"a{foo}b", b"foo"),
        (b"{foo}{bar}", b"foo"),
        (b"x}{foo}", b"foo"),
        (b"{{foo}}", b"{foo"),
        (b"{}foo", b"{}foo"),
        (b"foo{}{bar}", b"foo{}{bar}"),
        (b"{foo", b"{foo"),
        (b"foo}", b"foo}"),
        (b"", b""),
    ],
)
def test_the_tag_counts_if_there_is_one(key, counts):
    assert key_slot(key) == slot_of(counts)


@given(st.lists(st.sampled_from([b"{", b"}", b"a", b"\xff\x00", b"key"]), max_size=8).map(b"".join))
def test_as_the_client_counts(key):
    assert key_slot(key) == slot_of_redis_py(key)


@mark.parametrize(
    ("pattern", "of"),
    [
        (b"foo", b"foo"),
        (b"{foo}*", b"foo"),
        (b"a{foo}b?", b"foo"),
        (b"{}foo", b"{}foo"),
        (b"{foo}", b"foo"),
        (b"{f*}", None),
        (b"*{foo}", None),
        (b"{}{foo}*", None),
        (b"{f\\oo}", None),
        (b"[a]{foo}", None),
        (b"{foo", b"{foo"),
        (b"{foo*", None),
        (b"", b""),
    ],
)
def test_a_pattern_has_a_slot_if_all_it_matches_have(pattern, of):
    assert pattern_slot(pattern) == (None if of is None else slot_of(of))


pieces = st.sampled_from([b"{", b"}", b"a", b"b", b"{a}", b"*", b"?", b"[ab]", b"\\a"])


@given(st.lists(pieces, max_size=6).map(b"".join), st.lists(pieces, max_size=6).map(b"".join))
def test_what_a_pattern_matches_is_in_its_slot(pattern, key):
    slot = pattern_slot(pattern)
    assert slot is None or not compile_pattern(pattern)(key) or key_slot(key) == slot


def test_known_slots():
    """CRC-16/XMODEM's own check value, and what CLUSTER KEYSLOT answers."""
    assert (key_slot(b"123456789"), key_slot(b"foo"), key_slot(b"")) == (0x31C3, 12182, 0)


def slot_of(text):
    """The slot of a text without regard to braces, bit by bit."""
    crc = 0
    for byte in text:
        crc ^= byte << 8
        for _ in range(8):
            crc = crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1
    return crc & 0x3FFF
