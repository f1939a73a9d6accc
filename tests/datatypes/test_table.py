"""The table against a dict; its scan's promise; its random key's fairness. Both kinds, and one slot that has all."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import mark, param

from pyredis.datatypes.slotted_table import SlottedTable
from pyredis.datatypes.table import BUCKET_LIMIT, Table


def key(number):
    return b"key:%d" % number


def tagged(number):
    return b"{key}:%d" % number


def mixed(number):
    return tagged(number) if number % 3 else key(number)


kinds = mark.parametrize(
    ("make", "key"),
    [
        param(Table, key, id="plain"),
        param(SlottedTable, key, id="slotted", marks=mark.slow),
        param(SlottedTable, tagged, id="one slot", marks=mark.slow),
        param(SlottedTable, mixed, id="a hot slot", marks=mark.slow),
    ],
)


def filled(count, make=Table, key=key):
    table = make()
    for number in range(count):
        table.set(key(number), number)
    return table


steps = st.lists(
    st.tuples(st.sampled_from(["add", "drop", "update", "discard"]), st.integers(0, 4000), st.integers(1, 1500)),
    max_size=12,
)


@kinds
@settings(max_examples=40, deadline=None)
@given(steps)
def test_splits_and_merges_keep_every_key(make, key, runs):
    table, model = make(), {}
    for what, start, length in runs:
        many = [key(number) for number in range(start, start + length)] * (1 + start % 2)  # perhaps each twice
        new, there = {*many} - {*model}, {*many} & {*model}
        if what == "update":
            assert table.update(many, range(len(many))) == len(new)
            model |= {one: at for at, one in enumerate(many)}
        elif what == "discard":
            assert table.discard(many) == len(there)
            model = {one: value for one, value in model.items() if one not in there}
        for number in range(start, start + length) if what in ("add", "drop") else ():
            if what == "add":
                assert table.set(key(number), number) == (key(number) not in model)
                model[key(number)] = number
            else:
                assert table.pop(key(number)) == model.pop(key(number), None)
        assert len(table) == len(model)
        assert dict(table.items()) == model
        assert sorted(table) == sorted(model)
        assert all(table.get(one) == value for one, value in model.items())
        assert table.get_many([*model, b"none"]) == [*model.values(), None]
        assert max(map(len, table.buckets())) <= BUCKET_LIMIT


@kinds
def test_buckets_stay_small(make, key):
    table = filled(20_000, make, key)
    assert max(map(len, table.buckets())) <= BUCKET_LIMIT
    for number in range(20_000):
        table.pop(key(number))
    assert table.mask == 0


@kinds
def test_room_made_for_equal_keys_is_given_back(make, key):
    table = filled(1000, make, key)
    depth = table.mask
    assert table.update([b"one", b"two"] * 50_000, range(100_000)) == 2
    assert (table.get(b"one"), table.get(b"two"), len(table)) == (99_998, 99_999, 1002)
    assert table.mask <= 2 * depth + 1


@kinds
@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 3000),
    st.lists(st.integers(1, 700), min_size=1, max_size=5),
    st.lists(st.tuples(st.booleans(), st.integers(0, 9000), st.integers(1, 900)), max_size=30),
)
def test_a_scan_returns_what_is_there_throughout(make, key, stays, counts, changes):
    """Keys from 100,000 on are there from start to end; others come and go between the steps, of changing sizes."""
    table = make()
    lasting = {key(100_000 + number) for number in range(stays)}
    for one in lasting:
        table.set(one, 1)
    seen, cursor = set(), 0
    waiting = iter(changes)
    for step in range(100_000):
        cursor, keys = table.scan(cursor, counts[step % len(counts)])
        seen.update(keys)
        if not cursor:
            break
        adds, start, length = next(waiting, (None, 0, 0))
        for number in range(start, start + length):
            if adds:
                table.set(key(number), number)
            else:
                table.pop(key(number))
    assert cursor == 0
    assert lasting <= seen


@kinds
@mark.parametrize("size", [1, 10, 341, 342, 5000])
@mark.parametrize("count", [1, 10, 1000])
def test_an_undisturbed_scan_returns_each_key_once(make, key, size, count):
    table = filled(size, make, key)
    found, cursor = [], 0
    while True:
        cursor, keys = table.scan(cursor, count)
        found += keys
        if not cursor:
            break
    assert sorted(found) == sorted(table)


@kinds
@mark.parametrize("size", [72, 341, 5000])
@mark.parametrize("count", [1, 10, 50, 72, 1000])
def test_scan_steps_are_of_the_size_asked_for(make, key, size, count):
    table = filled(size, make, key)
    cursor, sizes = 0, []
    while True:
        cursor, keys = table.scan(cursor, count)
        sizes.append(len(keys))
        if not cursor:
            break
        assert cursor < 1 << 53  # few bits: clients may keep it in a float
    assert sum(sizes) == size and max(sizes) <= count
    assert sizes[:-1] == [count] * (len(sizes) - 1)


@kinds
def test_steps_of_changing_sizes_return_no_key_twice(make, key):
    table = filled(5000, make, key)
    cursor, found, random = 0, [], Random(1)
    while True:
        cursor, keys = table.scan(cursor, random.choice([1, 7, 50, 400]))
        found += keys
        if not cursor:
            break
    assert sorted(found) == sorted(table)


class SameHash(Table):
    """Where hashes are equal, keys cannot be told apart."""

    __slots__ = ()
    hash_of = staticmethod(lambda key: 5)


def test_keys_of_one_hash_come_together():
    table = SameHash()
    table.directory[0].update(dict.fromkeys([b"a", b"b", b"c"], 1))
    cursor, keys = table.scan(0, 1)
    assert (cursor, sorted(keys)) == (0, [b"a", b"b", b"c"])


def test_a_cursor_from_elsewhere_does_no_harm():
    table = filled(5000, Table, key)
    for cursor in (1, 12345, 1 << 63, (1 << 64) - 1):
        after, keys = table.scan(cursor, 10)
        assert len(keys) <= 10 and 0 <= after < 1 << 64


@kinds
@mark.parametrize("start", [300, 3000])
def test_random_keys_are_uniform(make, key, start):
    """Chi-square over 100 keys that are left of many, in buckets of unequal depth."""
    table = filled(start, make, key)
    for number in range(100, start):
        table.pop(key(number))
    random = Random(7)
    draws = 20_000
    counts = Counter(table.random_key(random) for _ in range(draws))
    assert len(counts) == 100
    expected = draws / 100
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    assert chi_square < 149.4  # exceeded once in a thousand by 99 degrees of freedom


@kinds
def test_no_random_key_of_nothing(make, key):
    assert make().random_key(Random(1)) is None


@kinds
@mark.parametrize("count", [0, 1, 170, 341, 342, 5000])
def test_filled_at_once(make, key, count):
    model = {key(number): number for number in range(count)}
    table = make.filled([*model.items(), *model.items()])
    assert len(table) == count
    assert dict(table.items()) == model
    assert all(table.get(one) == value for one, value in model.items())
    assert max(map(len, table.buckets())) <= BUCKET_LIMIT
    cursor, found = 0, []
    while True:
        cursor, keys = table.scan(cursor, 100)
        found += keys
        if not cursor:
            break
    assert sorted(found) == sorted(model)


@kinds
def test_a_copy_is_independent(make, key):
    table = filled(5000, make, key)
    twin = table.copy()
    for number in range(4000):
        table.pop(key(number))
        table.set(key(number + 9000), 0)
    assert dict(twin.items()) == {key(number): number for number in range(5000)}
    twin.set(key(5000), 1)
    assert len(twin) == 5001
    assert key(5000) not in table


@kinds
@mark.parametrize("size", [1, 5, 300, 5000])
def test_a_sample_is_of_keys_that_are_there(make, key, size):
    table = make.filled((key(number), number) for number in range(size))
    seen = set()
    random = Random(1)
    for _ in range(2000):
        sample = table.sample(random, 5)
        assert len(sample) == min(size, 5)
        seen.update(sample)
    assert seen <= set(table)
    assert len(seen) > min(size, 100) * 0.9


@kinds
def test_a_sample_finds_what_is_left(make, key):
    """Few keys far apart in a directory that was made for many."""
    table = make.filled((key(number), number) for number in range(100_000))
    for number in range(99_990):
        table.pop(key(number))
    assert set(table.sample(Random(1), 5)) <= set(table)
    assert make().sample(Random(1), 5) == []
