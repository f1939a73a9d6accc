from pytest import mark

from pyredis.datatypes.text import buffer, content, plain


@mark.parametrize(("value", "expected"), [(None, b""), (-12, b"-12"), (b"ab", b"ab"), (bytearray(b"ab"), b"ab")])
def test_forms(value, expected):
    assert content(value) == expected
    assert buffer(value) == bytearray(expected)
    if value is not None:
        assert plain(value) == expected
        assert type(plain(value)) is bytes


def test_only_a_buffer_is_changed_in_place():
    value = bytearray(b"ab")
    answer = plain(value)
    assert buffer(value) is value
    buffer(value).extend(b"c")
    assert answer == b"ab"
