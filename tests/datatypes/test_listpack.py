"""The bytes of an element, at every edge of Redis's listpack format, and the limits."""

import pytest

from pyredis.datatypes.listpack import EMPTY_SIZE, LARGE, Listpack, entry_size, limits

INTEGERS = [
    *((0, 2), (127, 2), (128, 3), (-1, 3), (4095, 3), (-4096, 3), (4096, 4), (-4097, 4), (32767, 4), (-32768, 4)),
    *((32768, 5), (-32769, 5), (8388607, 5), (-8388608, 5), (8388608, 6), (2147483647, 6), (-2147483648, 6)),
    *((2147483648, 10), (-2147483649, 10), (2**63 - 1, 10), (-(2**63), 10)),
]
TEXTS = [
    *((b"", 2), (b"x", 3), (b"x" * 63, 65), (b"x" * 64, 67), (b"x" * 125, 128), (b"x" * 126, 130)),
    *((b"x" * 4095, 4099), (b"x" * 4096, 4103), (b"x" * 16377, 16384), (b"x" * 16378, 16386)),
    *((b"x" * 2097145, 2097153), (b"x" * 2097146, 2097155)),
    *(
        (b"007", 5),
        (b"-0", 4),
        (b"+1", 4),
        (b"1.5", 5),
        (b" 1", 4),
        (b"9223372036854775808", 21),
        (b"-", 3),
        (b"1" * 21, 23),
    ),
]


@pytest.mark.parametrize(("number", "size"), INTEGERS)
def test_integers(number, size):
    assert entry_size(b"%d" % number) == size


@pytest.mark.parametrize(("text", "size"), TEXTS, ids=[f"{text[:20]}x{len(text)}" for text, _ in TEXTS])
def test_texts(text, size):
    assert entry_size(text) == size


@pytest.mark.parametrize(
    ("setting", "size", "entries", "low_size", "low_entries"),
    [
        (-2, 8192, LARGE, 4096, LARGE),
        (-5, 65536, LARGE, 32768, LARGE),
        (-99, 65536, LARGE, 32768, LARGE),
        (128, 8192, 128, LARGE - 1, 64),
        (1, 8192, 1, LARGE - 1, 0),
        (0, 8192, 1, LARGE - 1, 0),
    ],
)
def test_limits(setting, size, entries, low_size, low_entries):
    assert limits(setting) == (size, entries, low_size, low_entries)


def test_the_size_follows_every_change():
    pack = Listpack([b"a", b"10"])
    for change in (
        lambda: pack.push_left(b"bcd"),
        lambda: pack.push_right(b"70000"),
        lambda: pack.put(1, b"x" * 100),
        lambda: pack.replace(2, b"12345678901"),
        lambda: pack.drop(1, 2),
        lambda: pack.pop_left(),
        lambda: pack.pop_right(),
        lambda: pack.push_right(b"10"),
        lambda: pack.discard(b"10", 1, from_right=True),
    ):
        change()
        assert pack.size == EMPTY_SIZE + sum(map(entry_size, pack))
    assert pack == [b"12345678901", b"10"]


@pytest.mark.parametrize(
    ("most", "from_right", "left"),
    [(1, False, b"bacac"), (2, False, b"bcac"), (1, True, b"abacc"), (2, True, b"abcc"), (9, True, b"bcc")],
)
def test_discard(most, from_right, left):
    pack = Listpack([b"a", b"b", b"a", b"c", b"a", b"c"])
    assert pack.discard(b"a", most, from_right=from_right) == min(most, 3)
    assert b"".join(pack) == left
