"""Hashes: their forms, their order, and what they take from each other."""

from random import Random
from sys import getsizeof

from pytest import fixture, mark

from pyredis.datatypes import hash as module
from pyredis.datatypes.hash import HASHTABLE, LISTPACK, LISTPACK_EX, Hash, Limits, shared

LIMITS = Limits(4, 10)


def filled(count, limits=LIMITS):
    found = Hash()
    for number in range(count):
        assert found.put(b"f%d" % number, b"v%d" % number, limits)
    return found


@mark.parametrize(("count", "encoding"), [(0, LISTPACK), (4, LISTPACK), (5, HASHTABLE)])
def test_form_by_count(count, encoding):
    assert filled(count).encoding == encoding


@mark.parametrize(("field", "value", "encoding"), [(10, 10, LISTPACK), (11, 1, HASHTABLE), (1, 11, HASHTABLE)])
def test_form_by_length(field, value, encoding):
    found = Hash()
    found.put(b"f" * field, b"v" * value, LIMITS)
    assert found.encoding == encoding


def test_large_stays_large():
    found = filled(5)
    assert all(found.remove(b"f%d" % number) for number in range(4))
    assert (found.encoding, len(found), found.names()) == (HASHTABLE, 1, [b"f4"])


@mark.parametrize("count", [3, 9])
def test_it_is_a_dict(count):
    found, random = filled(count), Random(1)
    model = {b"f%d" % number: b"v%d" % number for number in range(count)}
    for _ in range(500):
        field, value = b"f%d" % random.randrange(count + 1), b"%d" % random.randrange(1000)
        if random.random() < 0.5:
            assert found.put(field, value, LIMITS) == (field not in model)
            model[field] = value
        else:
            assert found.remove(field) == (model.pop(field, None) is not None)
        assert len(found) == len(model)
        assert {name: found.fields.get(name) for name in found.names()} == model
        names = sorted(model)
        assert found.values_of(names) == [model[name] for name in names]


@mark.parametrize("limits", [LIMITS, Limits(1, 10)], ids=["small", "large"])
class TestTimes:
    @fixture
    def found(self, limits):
        found = filled(4, limits)
        found.expire_at(b"f2", 50)
        found.expire_at(b"f1", 60)
        return found

    def test_next_expiry(self, found):
        assert found.next_expiry == 50
        assert found.persist(b"f2") and not found.persist(b"f2")
        assert found.next_expiry == 60

    def test_setting_ends_a_time_and_updating_does_not(self, found, limits):
        found.update(b"f2", b"x", limits)
        assert found.deadlines.get(b"f2") == 50
        found.put(b"f2", b"x", limits)
        assert found.deadlines.get(b"f2") is None

    def test_removing_ends_a_time(self, found):
        found.remove(b"f2")
        found.remove(b"f1")
        assert found.next_expiry is None

    def test_names_at_a_time(self, found):
        assert sorted(found.names(50)) == [b"f0", b"f1", b"f2", b"f3"]
        assert sorted(found.names(51)) == [b"f0", b"f1", b"f3"]
        assert sorted(found.names(99)) == [b"f0", b"f3"]

    def test_expiring(self, found):
        assert found.expire_overdue(99, 1) == [b"f2"]
        assert found.expire_overdue(99) == [b"f1"]
        assert sorted(found.names()) == [b"f0", b"f3"]

    def test_a_copy_is_independent(self, found, limits):
        twin = found.copy()
        assert (twin.encoding, twin.next_expiry) == (found.encoding, 50)
        found.put(b"f0", b"other", limits)
        found.expire_overdue(99)
        assert twin.values_of([b"f0", b"f1", b"f2"]) == [b"v0", b"v1", b"v2"]
        assert twin.next_expiry == 50


def test_small_ones_list_what_expires_first():
    found = filled(4)
    assert found.encoding == LISTPACK
    found.expire_at(b"f2", 50)
    found.expire_at(b"f1", 50)
    found.expire_at(b"f3", 40)
    assert found.encoding == LISTPACK_EX
    assert found.names() == [b"f3", b"f1", b"f2", b"f0"]
    found.persist(b"f3")
    assert found.names() == [b"f1", b"f2", b"f0", b"f3"]


def test_names_are_shared_within_bounds(monkeypatch):
    monkeypatch.setattr(module, "_NAMES", {})
    monkeypatch.setattr(module, "_MOST_NAMES", 3)
    first = b"name"
    assert shared(first) is first
    assert shared(bytes(bytearray(first))) is first
    for number in range(10):
        shared(b"%d" % number)
        assert len(module._NAMES) <= 3
    long = b"x" * 33
    assert shared(long) is long and long not in module._NAMES


def test_a_small_hash_is_light():
    names = [b"field:%d" % number for number in range(10)]
    shared_already = filled(0)
    for name in names:
        shared_already.put(bytes(bytearray(name)), b"abc", Limits(128, 64))
    found = Hash()
    for name in names:
        found.put(bytes(bytearray(name)), b"abc", Limits(128, 64))
    assert all(one is other for one, other in zip(found.fields, shared_already.fields, strict=True))
    assert getsizeof(found) + getsizeof(found.fields) + 10 * getsizeof(b"abc") < 1000
