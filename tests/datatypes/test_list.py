"""A list against Python's own, through every form and split; where its time goes at a million elements."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredis.datatypes.list import List
from pyredis.datatypes.listpack import EMPTY_SIZE, LARGE, Listpack, entry_size, limits
from pyredis.datatypes.quicklist import Quicklist

element = st.sampled_from([b"", b"a", b"b", b"c", b"7", b"123456", b"x" * 70, b"y" * 3000, b"z" * 9000])
elements = st.lists(element, min_size=1, max_size=8)
index = st.integers(-40, 40)
STEPS = st.lists(
    st.tuples(st.sampled_from(["push_left", "push_right"]), elements)
    | st.tuples(st.sampled_from(["pop_left", "pop_right"]))
    | st.tuples(st.just("insert"), element, element, st.booleans())
    | st.tuples(st.just("replace"), index, element)
    | st.tuples(st.just("trim"), st.integers(0, 9), st.integers(0, 9))
    | st.tuples(st.just("remove"), element, st.integers(1, 4), st.booleans()),
    max_size=40,
)


class Model:
    """What a list does, done to a Python list."""

    def __init__(self):
        self.items = []

    def push_left(self, words):
        self.items[:0] = words[::-1]
        return len(self.items)

    def push_right(self, words):
        self.items += words
        return len(self.items)

    def pop_left(self):
        return self.items.pop(0) if self.items else None

    def pop_right(self):
        return self.items.pop() if self.items else None

    def insert(self, pivot, word, after):
        if pivot not in self.items:
            return False
        self.items.insert(self.items.index(pivot) + after, word)
        return True

    def replace(self, index, word):
        if -len(self.items) <= index < len(self.items):
            self.items[index] = word

    def trim(self, left, right):
        del self.items[:left]
        del self.items[len(self.items) - min(right, len(self.items)) :]

    def remove(self, word, most, from_right):
        places = [at for at, one in enumerate(self.items) if one == word]
        places = places[-most:] if from_right else places[:most]
        for at in reversed(places):
            del self.items[at]
        return len(places)


def apply(value, bounds, name, *words):
    if name.startswith("push"):
        return getattr(value, name)(words[0], bounds)
    if name.startswith("pop"):
        return getattr(value, name)() if len(value) else None
    if name == "insert":
        return value.insert(words[0], words[1], bounds, after=words[2])
    if name == "replace":
        try:
            return value.replace(words[0], words[1], bounds)
        except IndexError:
            return None
    if name == "trim":
        left = min(words[0], len(value))
        return value.trim(left, min(words[1], len(value) - left))
    return value.remove(words[0], words[1], from_right=words[2])


def check_form(value, bounds, *, replaced=False):
    """What must hold of the runs; as in Redis, one may outgrow its bytes by a replacement."""
    form = value.form
    if isinstance(form, Listpack):
        assert value.encoding == b"listpack"
        runs = [form]
    else:
        assert value.encoding == b"quicklist"
        runs = form.nodes
        assert all(runs)
        assert form.length == sum(map(len, runs))
        assert all(len(run) == 1 or not bounds.forbid(0 if replaced else run.size, len(run)) for run in runs)
    for run in runs:
        if run.size == LARGE:
            assert len(run) == 1
            assert len(run[0]) > bounds.size
        else:
            assert run.size == EMPTY_SIZE + sum(map(entry_size, run))


@given(st.sampled_from([1, 2, 3, 5, 32, -1, -2, -5]), STEPS)
@settings(deadline=None)
def test_it_does_what_a_python_list_does(setting, steps):
    bounds = limits(setting)
    value, model = List(), Model()
    for step in steps:
        assert apply(value, bounds, *step) == getattr(model, step[0])(*step[1:])
        if step[0] in ("pop_left", "pop_right", "trim", "remove") and len(value):
            value.try_conversion(bounds)
        check_form(value, bounds, replaced=any(name == "replace" for name, *_ in steps))
    items = model.items
    assert list(value) == items
    assert list(reversed(value)) == items[::-1]
    assert len(value) == len(items)
    assert value.at(len(items)) is None
    assert [value.at(at) for at in range(-len(items), len(items))] == items + items
    for start in range(0, len(items), 3):
        for stop in range(start, len(items) + 1, 2):
            assert value.slice(start, stop) == items[start:stop]
    for word in set(items):
        places = [at for at, one in enumerate(items) if one == word]
        assert list(value.positions(word)) == places
        assert list(value.positions(word, from_right=True)) == places[::-1]
        assert list(value.positions(word, most=3)) == [at for at in places if at < 3]
        near = [at for at in places[::-1] if at >= len(items) - 3]
        assert list(value.positions(word, from_right=True, most=3)) == near


@given(st.lists(element, min_size=1, max_size=30), st.sampled_from([2, 32, -1, -2]))
@settings(deadline=None)
def test_a_copy_shares_nothing(words, setting):
    bounds = limits(setting)
    value = List.of(words, bounds)
    check_form(value, bounds)
    twin = value.copy()
    assert twin.encoding == value.encoding
    twin.replace(0, b"other", bounds)
    twin.push_right([b"more"] * 5, bounds)
    while len(twin):
        twin.pop_left()
    assert list(value) == words
    check_form(value, bounds)


def test_it_grows_by_bare_lengths_and_shrinks_below_half():
    bounds = limits(-2)
    value = List()
    value.push_right([b"x" * 100] * 80, bounds)
    assert value.encoding == b"listpack"
    value.push_right([b"x"], bounds)
    assert value.encoding == b"quicklist"
    while value.encoding == b"quicklist":
        value.pop_right()
        value.try_conversion(bounds)
    assert len(value) == (4096 - EMPTY_SIZE) // entry_size(b"x" * 100)


def best(action, times=2000):
    """The least time of a call, in ns, over several rounds."""
    rounds = []
    for _ in range(7):
        started = time.perf_counter_ns()
        for _ in range(times):
            action()
        rounds.append((time.perf_counter_ns() - started) / times)
    return min(rounds)


@pytest.mark.slow
def test_the_ends_cost_the_same_at_a_million():
    bounds = limits(-2)
    costs = []
    for size in (1_000, 1_000_000):
        value = List()
        value.push_right([b"element"] * size, bounds)
        assert isinstance(value.form, Quicklist) == (size > 1_000)

        def queue(value=value):
            value.push_right((b"element",), bounds)
            value.pop_left()

        def stack(value=value):
            value.push_left((b"element",), bounds)
            value.pop_left()

        def peek(value=value):
            value.at(0)
            value.at(-1)
            value.slice(len(value) - 10, len(value))

        costs.append([best(action) for action in (queue, stack, peek)])
    assert all(large < 3 * small for small, large in zip(*costs, strict=True)), costs


def test_the_middle_is_reached_a_run_at_a_time():
    value = List()
    value.push_right([b"element"] * 100_000, limits(-2))
    assert len(value.form.nodes) < 100_000 / 64
