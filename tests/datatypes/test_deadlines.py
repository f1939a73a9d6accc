"""Deadlines against a plain dict."""

from hypothesis import given
from hypothesis import strategies as st

from pyredis.datatypes.deadlines import Deadlines

name = st.sampled_from([b"a", b"b", b"c", b"d"])
steps = st.lists(
    st.tuples(st.just("set"), name, st.integers(0, 20))
    | st.tuples(st.just("pop"), name, st.none())
    | st.tuples(st.just("take"), st.none(), st.tuples(st.integers(0, 20), st.sampled_from([None, 1, 2]))),
    max_size=60,
)


@given(steps)
def test_it_is_a_dict_in_order_of_time(steps):
    deadlines, model = Deadlines(), {}
    for what, who, argument in steps:
        if what == "set":
            deadlines.set(who, argument)
            model[who] = argument
        elif what == "pop":
            assert deadlines.pop(who) == model.pop(who, None)
        else:
            now, limit = argument
            due = sorted((when, one) for one, when in model.items() if when < now)
            taken = deadlines.take_overdue(now, limit)
            assert sorted(model[one] for one in taken) == [when for when, _ in due[:limit]]
            for one in taken:
                del model[one]
        assert len(deadlines) == len(model)
        assert deadlines.soonest() == min(model.values(), default=None)
        assert all(deadlines.get(one) == when for one, when in model.items())


def test_overdue_is_after_the_time():
    deadlines = Deadlines()
    deadlines.set(b"a", 10)
    assert not deadlines.is_overdue(b"a", 10) and not deadlines.any_overdue(10)
    assert deadlines.is_overdue(b"a", 11) and deadlines.any_overdue(11)
    assert not deadlines.is_overdue(b"b", 11)


def test_a_copy_is_independent():
    deadlines = Deadlines()
    deadlines.set(b"a", 10)
    twin = deadlines.copy()
    deadlines.pop(b"a")
    assert (twin.take_overdue(11), deadlines.take_overdue(11)) == ([b"a"], [])


def test_times_set_again_and_again_take_no_room():
    deadlines = Deadlines()
    for when in range(10_000):
        deadlines.set(b"a", 10_000 - when)
    assert len(deadlines._heap) < 100
