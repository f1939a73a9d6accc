"""Fields of JSON objects, read leniently."""

import json

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pyredis.datatypes.attribute_json import MISSING, field

WHOLE = (
    b'{"n":5, "s" : "foo", "t":true,"f":false,"z":null,"a":[1,"x",true,[null]], "o":{"n":"}"}, "after":-1.5e1,'
    b' "e":"", "q":"a\\"b\\n", "n":6, "plus":+5, "deep":[{}], "word":nul, "last":7 rubbish'
)


@mark.parametrize(
    ("name", "value"),
    [
        (b"n", 5.0),
        (b"s", b"foo"),
        (b"t", 1.0),
        (b"f", 0.0),
        (b"z", None),
        (b"a", (1.0, b"x", 1.0, (None,))),
        (b"o", MISSING),
        (b"after", -15.0),
        (b"e", b""),
        (b"q", b'a"b\n'),
        (b"plus", 5.0),
        (b"deep", MISSING),
        (b"word", MISSING),
        (b"last", MISSING),
        (b"none", MISSING),
    ],
)
def test_field(name, value):
    assert field(WHOLE, name) == value


@mark.parametrize(
    "text", [b"", b"[]", b"x", b'{"a"', b'{"a":', b'{"a":}', b'{"a":"', b'{"a":[1', b'{"b":{"a":1}}', b"{a:1}"]
)
def test_what_is_no_such_field_is_missing(text):
    assert field(text, b"a") is MISSING


def test_arrays_end_somewhere():
    assert field(b'{"a":' + b"[" * 100_000 + b"1" + b"]" * 100_000 + b"}", b"a") is MISSING


values = st.recursive(
    st.booleans() | st.none() | st.integers(-99, 99) | st.text("ab ,]}[{:", max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


def expected(value):
    """A value of `json` as ours."""
    if isinstance(value, list):
        return tuple(expected(one) for one in value)
    return value.encode() if isinstance(value, str) else None if value is None else float(value)


@given(st.dictionaries(st.sampled_from("abcd"), values), st.sampled_from([None, 1]))
def test_plain_json_is_read_as_it_is(whole, indent):
    text = json.dumps(whole, indent=indent).encode()
    for name in "abcd":
        assert field(text, name.encode()) == (expected(whole[name]) if name in whole else MISSING)


@given(st.binary(max_size=40), st.binary(min_size=1, max_size=2))
def test_anything_can_be_read(text, name):
    field(b'{"' + text, name)
