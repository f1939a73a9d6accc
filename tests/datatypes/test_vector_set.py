"""Vector sets: elements, attributes, and searches with a filter."""

from array import array
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pytest import MonkeyPatch, raises

from pyredis.datatypes.vector_set import VectorSet
from pyredis.errors import CommandError
from tests.datatypes.arithmetics import choose

names = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f"])
numbers = st.integers(-3, 3)


class Model(RuleBasedStateMachine):
    """A set against dictionaries of what was added."""

    def __init__(self):
        super().__init__()
        self.found = VectorSet(2, "f32")
        self.vectors, self.attributes = {}, {}

    @rule(name=names, x=numbers, y=numbers, attributes=st.sampled_from([None, b"", b"{}", b"1"]))
    def add(self, name, x, y, attributes):
        assert self.found.add(name, array("f", [x, y]), attributes) is (name not in self.vectors)
        if attributes == b"" and name in self.vectors:
            self.attributes.pop(name, None)
        elif attributes is not None:
            self.attributes[name] = attributes
        self.vectors[name] = [x, y]

    @rule(name=names)
    def remove(self, name):
        assert self.found.remove(name) is (self.vectors.pop(name, None) is not None)
        self.attributes.pop(name, None)

    @rule(name=names, attributes=st.sampled_from([b"", b"{}"]))
    def set_attributes(self, name, attributes):
        assert self.found.set_attributes(name, attributes) is (name in self.vectors)
        if name in self.vectors:
            self.attributes[name] = attributes
            if not attributes:
                del self.attributes[name]

    @invariant()
    def agrees(self):
        found = self.found
        assert sorted(found.names) == sorted(found.places) == sorted(self.vectors)
        assert found.attributes == self.attributes and found.vectors.count == len(found) == len(self.vectors)
        for name, vector in self.vectors.items():
            assert name in found and [round(x) for x in found.vector(name)] == vector
            assert len(found.neighbours(name)[-1]) == len(found) - 1
        assert found.vector(b"none") is None is found.neighbours(b"none")


class PlainModel(Model):
    """The same without numpy."""

    def __init__(self):
        with MonkeyPatch.context() as patched:
            choose("plain", patched)
            super().__init__()


TestModel = Model.TestCase
TestPlainModel = PlainModel.TestCase
TestModel.settings = TestPlainModel.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)


def circle(count):
    """Elements in all directions, more than half a turn apart from none of the others."""
    from math import cos, sin

    found = VectorSet(2, "f32")
    for number in range(count):
        angle = number / count
        found.add(b"%d" % number, array("f", [cos(angle), sin(angle)]), b"%d" % number)
    return found


def test_a_filter_finds_what_is_far():
    found = circle(1000)
    start = array("f", [1, 0])
    assert [name for name, _ in found.similar(start, 3, 2.0)] == [b"0", b"1", b"2"]
    for least in (5, 100, 700, 998):
        expected = [b"%d" % number for number in range(least, 1000)][:3]
        accept = lambda attributes, least=least: int(attributes) >= least  # noqa: E731
        assert [name for name, _ in found.similar(start, 3, 2.0, accept)] == expected
    assert found.similar(start, 3, 2.0, lambda attributes: False) == []
    assert len(found.similar(start, 2**62, 2.0)) == 1000


def test_how_far_is_far_enough():
    found = circle(1000)
    near = found.similar(array("f", [1, 0]), 1000, 0.01)
    assert 0 < len(near) < 500 and all(distance / 2 <= 0.01 for _, distance in near)


def test_links_are_the_nearest_others():
    found = circle(100)
    found.links = 4
    assert [sorted(name for name, _ in near) for near in found.neighbours(b"50")] == [[b"48", b"49", b"51", b"52"]]


def test_a_quarter_of_a_level_is_on_the_next():
    found = circle(1000)
    levels = [found.neighbours(b"%d" % number) for number in range(1000)]
    counts = [sum(len(near) > level for near in levels) for level in range(6)]
    assert counts == [1000, 250, 62, 15, 3, 0] and found.highest_level() == 4
    highest = next(near for near in levels if len(near) == 5)
    assert [len(near) for near in highest] == [2, 14, 16, 16, 16]


def test_samples():
    found = circle(10)
    assert sorted(found.sample(20, Random(1))) == sorted(found.names)
    assert len(set(found.sample(5, Random(1)))) == 5
    assert len(found.sample(-30, Random(1))) == 30


def test_there_are_no_copies():
    with raises(CommandError, match="not supported"):
        circle(1).copy()


def test_a_filter_judges_as_many_as_its_steps_come_by():
    found = circle(1000)
    start = array("f", [1, 0])
    for effort, judged in ((1, 1), (2, 33), (50, 417), (1000, 1000), (None, 1000)):
        seen = set()
        accept = lambda attributes, seen=seen: seen.add(attributes)  # noqa: E731
        assert found.similar(start, 3, 2.0, accept, effort) == []
        assert seen == {b"%d" % number for number in range(judged)}
    assert len(found.similar(start, 40, 2.0, lambda attributes: True, 2)) == 33
