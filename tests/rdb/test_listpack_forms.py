import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.datatypes.listpack import Listpack
from pyredis.rdb.encoding import CorruptData
from pyredis.rdb.listpack_forms import entry_bytes, read_listpack, write_listpack
from tests.persistence.corpus import EDGES, SIZES, noise

elements = st.lists(st.binary(max_size=80) | st.integers(-(1 << 63), (1 << 63) - 1).map(lambda number: b"%d" % number))


@given(elements)
def test_round_trip_and_the_size_the_datatype_knows(words):
    blob = write_listpack(words)
    assert read_listpack(blob) == words
    assert len(blob) == Listpack(words).size


def test_every_form_and_size():
    words = (
        [b"%d" % number for number in EDGES] + [noise(size) for size in SIZES] + [b"", b"-0", b"007", b"x" * 2_100_000]
    )
    blob = write_listpack(words)
    assert read_listpack(blob) == words
    assert len(blob) == Listpack(words).size


def test_known_bytes():
    assert entry_bytes(b"127") == b"\x7f\1"
    assert entry_bytes(b"-1") == b"\xdf\xff\2"
    assert entry_bytes(b"4096") == b"\xf1\0\x10\3"
    assert entry_bytes(b"-8388608") == b"\xf2\0\0\x80\4"
    assert entry_bytes(b"ab") == b"\x82ab\3"
    assert entry_bytes(b"x" * 125)[-1:] == b"\x7f"
    assert entry_bytes(b"x" * 126)[-2:] == b"\1\x80"
    assert write_listpack([]) == b"\7\0\0\0\0\0\xff"


def test_more_than_65534_entries_are_not_counted():
    words = [b"1"] * 70_000
    blob = write_listpack(words)
    assert blob[4:6] == b"\xff\xff"
    assert read_listpack(blob) == words


GOOD = write_listpack([b"a", b"300", b"x" * 200])


@pytest.mark.parametrize("at", range(len(GOOD)))
def test_cut_short_or_longer(at):
    for blob in (GOOD[:at], GOOD[:at] + b"\0" + GOOD[at:]):
        with pytest.raises(CorruptData):
            read_listpack(blob)


@given(st.binary(max_size=60))
def test_no_bytes_do_harm(body):
    blob = (7 + len(body)).to_bytes(4, "little") + b"\xff\xff" + body + b"\xff"
    with contextlib.suppress(CorruptData):
        assert sum(map(len, read_listpack(blob))) <= 20 * len(blob)
