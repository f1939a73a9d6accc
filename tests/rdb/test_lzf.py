import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.rdb.lzf import LARGEST_FACTOR, BadLZF, compress, decompress

repetitive = st.lists(st.sampled_from([b"abc", b"a", b"xyzw" * 9, b"\0" * 300, b"0123456789"]), max_size=300).map(
    b"".join
)


@given(st.binary(max_size=3000) | repetitive)
def test_what_is_packed_is_unpacked(data):
    packed = compress(data)
    if packed is not None:
        assert len(packed) < len(data) - 4
        assert decompress(packed, len(data)) == data


def test_repetition_is_packed_and_noise_is_not():
    assert len(compress(b"abcdefgh" * 1000)) < 200
    assert compress(bytes(range(256))) is None
    assert compress(b"") is None


def test_matches_reach_8192_back_and_no_farther():
    filler = b"".join(at.to_bytes(2, "big") for at in range(10_000))
    for distance in (8191, 8192, 8193):
        data = b"~" * 5000 + (b"needle-in-a-haystack" + filler)[:distance] + b"needle-in-a-haystack" + b"~" * 9000
        assert decompress(compress(data), len(data)) == data


def test_a_match_may_run_into_itself():
    assert decompress(b"\0a\xe0\xff\0", 1 + 264) == b"a" * 265
    assert decompress(b"\1ab\x60\1", 7) == b"abababa"


@pytest.mark.parametrize(
    ("packed", "size"),
    [(b"", 1), (b"\0a", 2), (b"\1a", 2), (b"\0a", 0), (b"\x20", 3), (b"\x20\0", 3), (b"\0a\x20\1", 4), (b"\0a\xe0", 9)],
)
def test_what_is_no_stream_is_refused(packed, size):
    with pytest.raises(BadLZF):
        decompress(packed, size)


@given(st.binary(max_size=200), st.integers(0, 300) | st.just(1 << 62))
def test_anything_is_refused_or_has_the_size_said(packed, size):
    with contextlib.suppress(BadLZF):
        assert len(decompress(packed, size)) == size <= LARGEST_FACTOR * len(packed)
