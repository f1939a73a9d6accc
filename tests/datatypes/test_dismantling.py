"""Large structures are freed in slices by a loop, at once without one, and always completely."""

import gc
import weakref
from collections import deque

from pytest import fixture, mark

from pyredis.datatypes import hash, listpack, sorted_set, stream
from pyredis.datatypes.deadlines import Deadlines
from pyredis.datatypes.dismantling import LEAST, Dismantler, dismantle, waiting
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.list import List
from pyredis.datatypes.set import HASHTABLE, Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream
from pyredis.datatypes.table import Table
from pyredis.datatypes.vector_set import VectorSet

COUNT = 20_000


class Part:
    """Something that tells when it is freed."""


class Loop:
    """Steps that wait, and a clock by which a slice is over after some looks at it."""

    def __init__(self, looks=3):
        self.steps = []
        self.now = 0
        self.tick = 1_000_000 // looks + 1

    def ticks(self):
        self.now += self.tick
        return self.now

    def run(self):
        """All there is to do; how many slices that took."""
        slices = 0
        while self.steps:
            self.steps.pop(0)()
            slices += 1
        return slices


@fixture
def loop():
    gc.collect()  # what other tests left, engines with their tables, is not to wait here
    loop = Loop()
    loop.dismantler = Dismantler(loop.steps.append, loop.ticks)
    yield loop
    loop.dismantler.end()


def parts(count, kind=list):
    made = [Part() for _ in range(count)]
    alive = weakref.WeakSet(made)
    return (dict(enumerate(made)) if kind is dict else kind(made)), alive


@mark.parametrize("kind", [list, deque, dict])
def test_many_parts_go_slice_by_slice(loop, kind):
    given, alive = parts(1000, kind)
    dismantle(given)
    assert (len(alive), waiting()) == (1000, 1)
    loop.steps.pop(0)()
    assert 0 < len(alive) < 1000
    assert loop.run() > 5
    assert (len(alive), waiting()) == (0, 0)


def test_few_parts_are_left_to_python(loop):
    dismantle(parts(LEAST - 1)[0])
    assert not loop.steps
    assert waiting() == 0


def test_without_a_loop_nothing_waits():
    given, _ = parts(1000)
    dismantle(given)
    assert waiting() == 0
    assert len(given) == 1000  # they go with their list


def test_what_is_left_goes_with_the_loop(loop):
    given, alive = parts(1000)
    dismantle(given)
    del given
    dismantler = loop.steps[0].__self__
    dismantler.end()
    assert not len(alive)
    assert loop.run() == 1  # the step that was to come does nothing
    dismantle(parts(1000)[0])
    assert not loop.steps


def test_collections_in_a_bucket_are_freed_one_by_one(loop):
    made = [Part() for _ in range(LEAST * 300)]
    alive = weakref.WeakSet(made)
    buckets = [{number: made.pop() for number in range(300)} for _ in range(LEAST)]
    dismantle(buckets)
    del buckets
    loop.steps.pop(0)()
    assert len(alive) > 300 * LEAST - 100
    loop.run()
    assert not len(alive)


def test_parts_of_parts_are_added_while_others_go(loop):
    tables = [Table.filled((b"%d" % number, True) for number in range(COUNT)) for _ in range(LEAST)]
    dismantle(tables)
    del tables
    assert loop.run() > LEAST
    assert waiting() == 0


def a_table():
    return Table.filled((b"%d" % number, b"") for number in range(COUNT))


def a_hash():
    made = Hash()
    for number in range(COUNT):
        made.put(b"%d" % number, b"x", hash.Limits(128, 64))
    return made


def a_set():
    made = Set(HASHTABLE)
    for number in range(COUNT):
        made.members.set(b"%d" % number, True)
    return made


def a_sorted_set():
    return SortedSet.of({b"%d" % number: number for number in range(COUNT)}, sorted_set.Limits(128, 64))


def a_list():
    return List.of([b"element %d" % number for number in range(COUNT)], listpack.limits(-2))


def a_stream():
    made = Stream()
    for number in range(1, COUNT):
        made.append(number, (b"a", b"b"), stream.Limits(4096, 100))
    return made


def deadlines():
    made = Deadlines()
    for number in range(COUNT):
        made.set(b"%d" % number, number)
    return made


@mark.parametrize("make", [a_table, a_hash, a_set, a_sorted_set, a_list, a_stream, deadlines])
def test_every_large_structure_is_freed_so(loop, make):
    """Once the last reference goes, and not before."""
    made = make()
    other = made
    del made
    assert not waiting()
    del other
    assert waiting()
    assert loop.run() > 1
    assert waiting() == 0


def test_a_vector_set_too(loop):
    made = VectorSet.__new__(VectorSet)
    made.names, made.places, made.attributes = [b""] * COUNT, dict.fromkeys(range(COUNT)), {}
    del made
    assert waiting() == 2
    loop.run()


def test_a_copy_is_not_touched(loop):
    for make in (a_table, a_sorted_set, a_list, a_stream):
        made = make()
        twin = made.copy()
        del made
        loop.run()
        assert len(twin) >= COUNT - 1
        assert list(twin.items()) if hasattr(twin, "items") else list(getattr(twin, "nodes", twin))


def test_two_servers_of_a_thread_help_each_other_and_end_alone(loop):
    second = Loop()
    other = Dismantler(second.steps.append, second.ticks)
    given, alive = parts(1000)
    dismantle(given)
    del given
    other.end()
    assert (len(alive), waiting()) == (1000, 1)  # the first has it now
    loop.run()
    assert (len(alive), second.run()) == (0, 1)
    dismantle(parts(1000)[0])
    assert (waiting(), second.steps) == (1, [])
    loop.run()


def test_the_first_may_end_first(loop):
    second = Loop()
    other = Dismantler(second.steps.append, second.ticks)
    loop.dismantler.end()
    given, alive = parts(1000)
    dismantle(given)
    del given
    second.run()
    assert not len(alive)
    other.end()
    other.end()
    assert waiting() == 0
