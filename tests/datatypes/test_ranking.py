"""The ranking does what a sorted list of pairs does, with runs so short that every split and merge is met."""

from bisect import bisect_left, insort

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredis.datatypes import ranking
from pyredis.datatypes.ranking import Ranking

scores = st.integers(0, 5).map(float) | st.floats(allow_nan=False)
pairs = st.lists(st.tuples(scores, st.binary(max_size=2)), unique_by=lambda pair: pair[1], max_size=80)
steps = st.lists(st.tuples(st.sampled_from("irdp"), scores, st.binary(max_size=2), st.integers(0, 60)), max_size=60)


@pytest.fixture(autouse=True, scope="module")
def short_runs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_FULL", 6)
        patch.setattr(ranking, "_SPARSE", 4)
        patch.setattr(ranking, "_GROUP", 3)
        yield


def built(model):
    return Ranking([member for _, member in model], [score for score, _ in model])


def contents(index):
    return [(score, member) for member, score in index.items()]


def agree(index, model):
    """Every question has the answer a list of pairs gives."""
    assert contents(index) == model
    assert len(index) == len(model)
    ordered = [score for score, _ in model]
    for rank, (score, member) in enumerate(model):
        assert index.before(score, member) == rank
        assert index.below(score, inclusive=False) == bisect_left(ordered, score)
        assert index.below(score, inclusive=True) == sum(other <= score for other in ordered)
        members, found = index.slice(rank, rank + 7)
        assert list(zip(found, members, strict=True)) == model[rank : rank + 7]
    assert index.below(float("inf"), inclusive=True) == len(model)


@given(pairs, steps)
@settings(deadline=None)
def test_as_a_sorted_list(initial, changes):
    model = sorted(initial)
    index = built(model)
    agree(index, model)
    for kind, score, member, at in changes:
        if kind == "i" and all(member != other for _, other in model):
            insort(model, (score, member))
            index.insert(score, member)
        elif kind == "r" and model:
            index.remove(*model.pop(at % len(model)))
        elif kind == "d":
            index.delete(at, at + 5)
            del model[at : at + 5]
        elif kind == "p" and model:
            score, member = model.pop(-(at % 2))
            assert index.pop(highest=bool(at % 2)) == (member, score)
    agree(index, model)


@given(st.sets(st.binary(max_size=2), max_size=60), st.binary(max_size=2))
@settings(deadline=None)
def test_members_of_one_score(members, probe):
    ordered = sorted(members)
    index = built([(1.0, member) for member in ordered])
    assert index.below_member(probe, inclusive=False) == sum(member < probe for member in ordered)
    assert index.below_member(probe, inclusive=True) == sum(member <= probe for member in ordered)


def test_runs_stay_between_their_bounds():
    index = built([])
    for number in range(500):
        index.insert(float(number * 7919 % 500), b"%d" % number)
    assert max(map(len, index._members)) <= 6
    for number in range(480):
        index.remove(float(number * 7919 % 500), b"%d" % number)
    assert len(index) == 20
    assert len(index._members) <= 15
    assert index._sums == [sum(index._counts[at : at + 3]) for at in range(0, len(index._counts), 3)]
