import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.rdb.encoding import CorruptData
from pyredis.rdb.packed_forms import read_intset, read_ziplist, read_zipmap, write_intset


def ziplist(entries):
    """A ziplist of (form, content) pairs."""
    body, before, last = b"", 0, 10
    for entry in entries:
        whole = (bytes((before,)) if before < 254 else b"\xfe" + before.to_bytes(4, "little")) + entry
        last, before = 10 + len(body), len(whole)
        body += whole
    size = 11 + len(body)
    return size.to_bytes(4, "little") + last.to_bytes(4, "little") + len(entries).to_bytes(2, "little") + body + b"\xff"


ENTRIES = {
    b"\0": b"",
    b"\2ab": b"ab",
    b"\x40\x50" + b"x" * 80: b"x" * 80,
    b"\x41\x2c" + b"y" * 300: b"y" * 300,
    b"\x80\0\0\x50\0" + b"z" * 20480: b"z" * 20480,
    b"\xc0\xff\x7f": b"32767",
    b"\xd0\0\0\0\x80": b"-2147483648",
    b"\xe0" + b"\xff" * 8: b"-1",
    b"\xf0\0\0\x80": b"-8388608",
    b"\xfe\x80": b"-128",
    b"\xf1": b"0",
    b"\xfd": b"12",
}
ZIPLIST = ziplist(list(ENTRIES)[:4] + list(ENTRIES)[5:])
ZIPMAP = b"\2\1a\3\2one  \xfe\xfe\0\0\0" + b"f" * 254 + b"\1\0v\xff"


def test_ziplists():
    assert read_ziplist(ziplist(ENTRIES)) == list(ENTRIES.values())
    assert read_ziplist(ziplist([])) == []
    unknown = bytearray(ziplist(ENTRIES))
    unknown[8:10] = b"\xff\xff"
    assert read_ziplist(bytes(unknown)) == list(ENTRIES.values())


@pytest.mark.parametrize("at", range(0, len(ZIPLIST), 3))
def test_ziplists_cut_short_or_longer(at):
    for blob in (ZIPLIST[:at], ZIPLIST[:at] + b"\1" + ZIPLIST[at:]):
        with pytest.raises(CorruptData):
            read_ziplist(blob)


@pytest.mark.parametrize("entry", [b"\x81\0\0\0\1a", b"\xc1\0\0", b"\xff\0", b"\2a", b"\x40", b"\x80\xff\xff\xff\xff"])
def test_ziplists_with_bad_entries(entry):
    with pytest.raises(CorruptData):
        read_ziplist(ziplist([b"\1a", entry]))


def test_ziplists_with_a_wrong_size_before():
    blob = bytearray(ziplist([b"\1a", b"\1b"]))
    blob[13] = 9
    with pytest.raises(CorruptData):
        read_ziplist(bytes(blob))


def test_zipmaps():
    assert read_zipmap(ZIPMAP) == [b"a", b"one", b"f" * 254, b"v"]
    assert read_zipmap(b"\xfe" + ZIPMAP[1:]) == [b"a", b"one", b"f" * 254, b"v"]


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\0",
        b"\0\xff",
        b"\1\1a\xff",
        b"\1\1a\1\xff",
        b"\1\1a\1\0\xff",
        b"\1\1a\1\x09b\xff",
        b"\1\5a\1\0b\xff",
        ZIPMAP[:-1],
    ],
)
def test_zipmaps_that_are_none(blob):
    with pytest.raises(CorruptData):
        read_zipmap(blob)


def test_a_zipmap_of_a_wrong_count():
    with pytest.raises(CorruptData):
        read_zipmap(b"\3" + ZIPMAP[1:])


@given(st.sets(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-70_000, 70_000), min_size=1))
def test_intsets(numbers):
    blob = write_intset(numbers)
    assert list(read_intset(blob)) == sorted(numbers)


def test_intsets_are_as_narrow_as_can_be():
    assert [len(write_intset([number])) - 8 for number in (32767, -32768, 32768, -(1 << 31), 1 << 31)] == [
        2,
        2,
        4,
        4,
        8,
    ]


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\2\0\0\0\0\0\0\0",
        b"\3\0\0\0\1\0\0\0\1\2\3",
        b"\2\0\0\0\2\0\0\0\1\0",
        b"\2\0\0\0\2\0\0\0\2\0\1\0",
        b"\2\0\0\0\2\0\0\0\1\0\1\0",
        b"\2\0\0\0\xff\xff\xff\xff\1\0",
    ],
)
def test_intsets_that_are_none(blob):
    with pytest.raises(CorruptData):
        read_intset(blob)


@given(st.binary(max_size=60))
def test_no_bytes_do_harm(body):
    blob = ziplist([])[:4].replace(b"\x0b", bytes((11 + len(body),))) + b"\x0a\0\0\0\xff\xff" + body + b"\xff"
    for read in (read_ziplist, read_zipmap, read_intset):
        for data in (body, blob, b"\2" + body + b"\xff"):
            with contextlib.suppress(CorruptData):
                read(data)
