"""Union, intersection and difference against Python's own, over sets in every form."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pyredis.datatypes.set import INTSET, LISTPACK, Limits, Set
from pyredis.datatypes.set_operations import common, difference, intersection, union

LIMITS = [Limits(512, 128, 64), Limits(3, 5, 10), Limits(0, 0, 0)]
member = st.integers(-9, 9).map(lambda number: b"%d" % number) | st.sampled_from([b"a", b"b", b"c" * 20])


def filled(members, limits):
    found = Set()
    for one in members:
        found.add(one, limits)
    return found


@given(
    st.sampled_from(LIMITS),
    st.lists(st.none() | st.sets(member, min_size=1), min_size=1, max_size=4),
    st.integers(0, 5),
)
def test_they_are_what_python_says(limits, models, limit):
    sets = [None if model is None else filled(model, limits) for model in models]
    plain = [model or set() for model in models]
    for operation, expected in (
        (union, set().union(*plain)),
        (intersection, plain[0].intersection(*plain[1:])),
        (difference, plain[0].difference(*plain[1:])),
    ):
        found = operation(sets, limits)
        assert len(found.members) == len(expected)
        assert {*found.members} == {*found.as_set().in_order()} == expected
    found = common(sets)
    assert len(found) == len({*found}) and {*found} == expected_common(plain)
    assert min(len(common(sets, limit)), limit or 99) == min(len(found), limit or 99)


def expected_common(plain):
    return plain[0].intersection(*plain[1:])


@mark.parametrize("operation", [union, intersection, difference])
def test_the_same_set_twice(operation):
    found = filled([b"1", b"2"], LIMITS[0])
    expected = [] if operation is difference else [b"1", b"2"]
    assert operation([found, found], LIMITS[0]).members == expected


def test_thousands_of_members():
    limits = LIMITS[0]
    one = filled((b"%d" % number for number in range(3000)), limits)
    other = filled((b"%d" % number for number in range(2000, 5000)), limits)
    results = [operation([one, other], limits) for operation in (union, intersection, difference)]
    assert [len(result.as_set()) for result in results] == [5000, 1000, 2000]
    assert [len({*result.members}) for result in results] == [5000, 1000, 2000]
    assert len(common([one, other], 10)) < 3000


def test_integers_that_are_left_become_an_intset():
    limits = LIMITS[0]
    found = intersection([filled([b"1", b"a"], limits), filled([b"1", b"b"], limits)], limits).as_set()
    assert found.encoding == INTSET
    found = intersection([filled([b"1", b"a"], limits), filled([b"1", b"a", b"b"], limits)], limits).as_set()
    assert found.encoding == LISTPACK
