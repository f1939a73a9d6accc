"""Both forms of a sorted set do the same; the small one is small, the large one quick."""

from collections import Counter
from math import copysign
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredis.datatypes.sorted_set import Limits, SortedSet, in_order

SMALL, LARGE = Limits(128, 64), Limits(0, 64)
scores = st.integers(-3, 3).map(float) | st.floats(allow_nan=False)
contents = st.dictionaries(st.binary(max_size=3), scores, max_size=40)


def items(found):
    return list(found.items())


def expected(model):
    return sorted(model.items(), key=lambda item: (item[1], item[0]))


@pytest.mark.parametrize("limits", [SMALL, LARGE], ids=["small", "large"])
@given(contents, st.lists(st.tuples(st.sampled_from("amrtp"), st.binary(max_size=3), scores), max_size=30))
@settings(deadline=None)
def test_as_a_dict(limits, model, steps):
    found = SortedSet.of(model, limits)
    for kind, member, score in steps:
        before = model.get(member)
        assert found.score(member) == before
        if kind == "a" and before is None:
            found.add(member, score, limits)
            model[member] = score
        elif kind == "m" and before is not None:
            found.move(member, before, score)
            model[member] = score
        elif kind == "r":
            assert found.remove(member) == (model.pop(member, None) is not None)
        elif kind == "t":
            taken, _ = found.take(1, 3)
            for gone in taken:
                del model[gone]
        elif kind == "p" and model:
            popped, _ = found.pop(highest=score > 0)
            assert popped == expected(model)[-1 if score > 0 else 0][0]
            del model[popped]
    assert items(found) == expected(model)
    assert found.as_dict() == model
    assert len(found) == len(model)
    for rank, (member, score) in enumerate(expected(model)):
        assert found.rank(member) == (rank, score)
    twin = found.copy()
    assert items(twin) == items(found)
    assert twin.is_large == found.is_large
    twin.add(b"only the twin's", 1.0, limits)
    assert found.score(b"only the twin's") is None


def test_small_ends_where_the_limits_say():
    found = SortedSet()
    for number in range(128):
        found.add(b"%d" % number, float(number), SMALL)
    assert not found.is_large
    found.add(b"one more", 0.5, SMALL)
    assert found.is_large
    assert found.rank(b"one more") == (1, 0.5)
    for number in range(128):
        found.remove(b"%d" % number)
    assert found.is_large
    long = SortedSet()
    long.add(b"x" * 64, 1.0, SMALL)
    assert not long.is_large
    long.add(b"x" * 65, 1.0, SMALL)
    assert long.is_large


def test_only_the_large_form_has_a_negative_zero():
    for limits, sign in ((SMALL, 1.0), (LARGE, -1.0)):
        added = SortedSet()
        added.add(b"m", -0.0, limits)
        assert copysign(1.0, added.score(b"m")) == sign
        assert copysign(1.0, SortedSet.of({b"m": -0.0}, limits).score(b"m")) == sign


@pytest.mark.parametrize("limits", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("count", [1, 5, 60])
def test_random_members_are_uniform(limits, count):
    random = Random(5)
    found = SortedSet.of({b"%d" % number: float(number) for number in range(100)}, limits)
    drawn = Counter()
    rounds = 20_000 // count
    for _ in range(rounds):
        members = found.random_members(random, count)
        assert len(set(members)) == count
        drawn.update(members)
    mean = rounds * count / 100
    chi_square = sum((drawn[b"%d" % number] - mean) ** 2 / mean for number in range(100))
    assert chi_square < 160  # 99 degrees of freedom: more than that once in 10,000


def test_more_random_members_than_there_are():
    found = SortedSet.of({b"a": 1.0, b"b": 2.0}, LARGE)
    assert sorted(found.random_members(Random(1), 5)) == [b"a", b"b"]


def test_in_order():
    assert in_order({b"b": 1.0, b"a": 1.0, b"c": 0.5})[0] == [b"c", b"a", b"b"]
