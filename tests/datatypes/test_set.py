"""Sets: their forms, their order, and their members."""

from random import Random

from pytest import mark

from pyredis.datatypes.set import HASHTABLE, INTSET, LISTPACK, Limits, Set

LIMITS = Limits(4, 6, 10)


def filled(*members, limits=LIMITS):
    found = Set.for_member(members[0], len(members), limits)
    for member in members:
        found.add(member, limits)
    return found


@mark.parametrize(
    ("members", "encoding"),
    [
        ([b"1", b"2", b"3", b"-4"], INTSET),
        ([b"1", b"2", b"3", b"4", b"5"], LISTPACK),
        ([b"1", b"x"], LISTPACK),
        ([b"x", b"1"], LISTPACK),
        ([b"01"], LISTPACK),
        ([b"x" * 10], LISTPACK),
        ([b"x" * 11], HASHTABLE),
        ([b"12345678901", b"x"], HASHTABLE),
        ([b"a", b"b", b"c", b"d", b"e", b"f"], LISTPACK),
        ([b"a", b"b", b"c", b"d", b"e", b"f", b"g"], HASHTABLE),
    ],
)
def test_form(members, encoding):
    assert filled(*members).encoding == encoding


def test_an_intset_that_grows_too_long_is_large():
    found = filled(b"1")
    for member in (b"2", b"3", b"4", b"5"):
        found.add(member, LIMITS)
    assert found.encoding == HASHTABLE


def test_order():
    found = filled(b"3", b"-1", b"20")
    assert found.in_order() == [b"-1", b"3", b"20"]
    found.add(b"x", LIMITS)
    found.add(b"0", LIMITS)
    assert found.in_order() == [b"-1", b"3", b"20", b"x", b"0"]


def test_many_members_make_it_large_at_once():
    found = filled(b"1")
    assert found.add_many([b"1", b"2", b"2", b"1"], LIMITS) == 1
    assert (found.encoding, found.in_order()) == (INTSET, [b"1", b"2"])
    assert found.add_many([b"1"] * 5, LIMITS) == 0
    assert (found.encoding, sorted(found.in_order())) == (HASHTABLE, [b"1", b"2"])
    assert found.add_many([b"3", b"2", b"3"], LIMITS) == 1
    assert found.has([b"3", b"4", b"1"]) == [True, False, True]
    assert found.remove_many([b"3", b"4", b"1", b"3"]) == 2
    assert found.in_order() == [b"2"]


@mark.parametrize(("first", "encoding"), [(b"1", INTSET), (b"x", LISTPACK)])
def test_reduced_to_a_small_form(first, encoding):
    found = filled(first)
    found.reduce([first], LIMITS)
    assert found.encoding == encoding
    found = filled(*(b"%d" % number for number in range(9)))
    assert found.encoding == HASHTABLE
    found.reduce([b"1", b"2"], LIMITS)
    assert (found.encoding, found.in_order()) == (LISTPACK, [b"1", b"2"])


@mark.parametrize("limits", [Limits(100, 100, 10), Limits(0, 100, 10), Limits(0, 0, 0)], ids=str)
def test_it_is_a_set(limits):
    found, model, random = filled(b"0", limits=limits), {b"0"}, Random(1)
    for _ in range(1000):
        member = b"%d" % random.randrange(60)
        if random.random() < 0.5:
            assert found.add(member, limits) == (member not in model)
            model.add(member)
        else:
            assert found.remove(member) == (member in model)
            model.discard(member)
        assert len(found) == len(model)
        assert (member in found) == (member in model)
    assert sorted(found.in_order()) == sorted(model)


@mark.parametrize("limits", [LIMITS, Limits(0, 0, 0)], ids=["small", "large"])
def test_a_copy_is_independent(limits):
    found = filled(b"1", b"2", limits=limits)
    twin = found.copy()
    found.remove(b"1")
    assert (twin.encoding, sorted(twin.in_order())) == (found.encoding, [b"1", b"2"])
