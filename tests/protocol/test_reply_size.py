"""A reply's size is told before it is made: never much less than it will be, and without walking what is too much."""

from pytest import mark

from pyredis.protocol.encoder import VERSIONS
from pyredis.protocol.replies import (
    Attributed,
    Entries,
    FlatMap,
    PairArrayMap,
    PairMap,
    Pairs,
    Push,
    RecordMap,
    Several,
    Unordered,
    Verbatim,
)
from pyredis.protocol.reply_size import reply_size

LONG = b"x" * 500
VALUES = [
    LONG,
    bytearray(LONG),
    [LONG, LONG],
    (LONG,),
    {LONG},
    {LONG: LONG},
    [[LONG], {b"a": [LONG]}],
    Entries([(1 << 64, (LONG, b"a"))]),
    Attributed({b"a": LONG}, LONG),
    FlatMap([b"a", LONG]),
    PairArrayMap([(b"a", LONG)]),
    PairMap([(b"a", LONG)]),
    Pairs([(b"a", LONG)]),
    RecordMap([(b"a", (LONG, b"b"))]),
    Push((b"a", LONG)),
    Several([[LONG], LONG]),
    Unordered([LONG]),
    Verbatim(LONG),
]


@mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_it_is_about_what_is_sent(value):
    sent = len(VERSIONS[3][type(value)](value))
    assert sent - 20 <= reply_size(value, 1 << 20) <= sent + 40


@mark.parametrize(("value", "size"), [(None, 6), (1, 6), (b"", 6), (b"abc", 9), ([], 6), ([b"a", 1], 19)])
def test_small_ones_exactly(value, size):
    assert reply_size(value, 1 << 20) == size


def test_counting_ends_beyond_what_is_asked():
    assert 500 < reply_size([[LONG]] * 10, 500) < 2_000
    assert reply_size([b"a"] * 1000, 100) < 120


def test_what_is_exactly_as_much_goes_on_to_be_counted():
    assert reply_size([b"", b""], 12) > 12
