"""Size classes and strings."""

from pytest import mark

from pyredis.datatypes.allocation import allocated, string_size, table_size


@mark.parametrize(("size", "block"), [(1, 8), (8, 8), (9, 16), (64, 64), (65, 80), (81, 96), (129, 160), (5000, 5120)])
def test_allocated(size, block):
    assert allocated(size) == block


def test_headers_grow_with_the_length():
    assert [string_size(n) - n for n in (1, 255, 256, 65_535, 65_536, 1 << 32)] == [4, 4, 6, 6, 10, 18]
    assert string_size(31, tiny=True) == 33


def test_table_size():
    assert table_size(0, []) == 56
    assert table_size(4, [8, 8]) == 56 + 32 + 4 * (24 + 8)
    assert table_size(5, [8]) == 56 + 64 + 5 * (24 + 8)
