"""Filter expressions: values, operators, what binds tighter, and where faults are reported."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from pyredis.datatypes.filter_expression import OPERATORS, Filter, FilterError

MOVIE = b'{"year": 1984, "genre": "action", "tags": ["war", 3], "none": null, "text": "5", "neg": -3, "a-b": 1}'

TRUE = """
    .year
    .year > 1980 and .genre in ["action", 'drama']
    .year == 1984.0
    .year -1000
    .year >= 1984 && .year <= 1984
    .genre == 'action'
    "act" in .genre or 0
    "war" in .tags and 3 in .tags
    .none == null
    !.none
    not (.year < 1980)
    .text == 5
    .text + 1 == 6
    .neg < -2
    -3 == .neg
    .a-b == 1
    2 ** 3 ** 2 == 512
    2 + 3 * 4 == 14
    (2 + 3) * 4 == 20
    7 - 2 - 1 == 4
    -7 % 4 == -3
    1 / 0 > 5
    0 / 0
    (-8) ** (1/3) != 0
    10 ** 400 > 10 ** 300
    0 ** -1 > 1
    1e3 == 1000
    5and 1
    1 or 0 and 0
    [1, 2]
    'x' + 1 == 1
    1 in [1,]
"""

FALSE = """
    .missing
    .missing or 1
    1 or .missing
    .none
    .year == null
    .genre > 1
    .year-1000
    .genre in ["act"]
    5 in 5
    ''
    0
    null
    .
    .tags == 3
    'a' < 'b'
"""


@mark.parametrize("expression", [line.strip() for line in TRUE.strip().splitlines()])
def test_true(expression):
    assert Filter(expression.encode()).accepts(MOVIE)


@mark.parametrize("expression", [line.strip() for line in FALSE.strip().splitlines()])
def test_not_true(expression):
    assert not Filter(expression.encode()).accepts(MOVIE)


@mark.parametrize(
    ("expression", "position"),
    [
        ("", 0),
        ("1 2", 0),
        ("(1", 0),
        ("1)", 0),
        ("!!1", 0),
        ("1 >", 0),
        ("- 5", 0),
        (".a @", 3),
        (".a = 5", 4),
        ("..a", 0),
        ("[a]", 1),
        ("[1;2]", 2),
        ("'abc", 4),
        ("true", 4),
        ("1.2.3", 5),
    ],
)
def test_faults(expression, position):
    with raises(FilterError) as caught:
        Filter(expression.encode())
    assert caught.value.position == position


def test_no_attributes_pass_nothing():
    assert not Filter(b"1").accepts(None)
    assert Filter(b"1").accepts(b"")


VALUES = [".a", ".b-c", ".", "1", "-2", "1.5", "'x'", '"y', "[1,'z']", "null", "@", "\0"]
pieces = st.sampled_from([*VALUES, "[", "]", ",", *(word.decode() for word in OPERATORS)])


@given(st.lists(pieces, max_size=8), st.sampled_from([b'{"a":2}', b'{"a":"x","b-c":[1]}', b"", b"{"]))
def test_anything_is_judged_or_refused(words, attributes):
    expression = " ".join(words).encode()
    try:
        Filter(expression).accepts(attributes)
    except FilterError as fault:
        assert 0 <= fault.position <= len(expression)
