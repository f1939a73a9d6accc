"""What a table knows of slots, against a dict; `test_table.py` tries the rest for both kinds."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pyredis.datatypes import dismantling
from pyredis.datatypes.dismantling import Dismantler
from pyredis.datatypes.key_slot import SLOTS, key_slot
from pyredis.datatypes.slotted_table import SlottedTable
from pyredis.datatypes.table import BUCKET_LIMIT, Table

TAGS = [b"{a}", b"{b}", b"{0}", b"", b""]  # without a tag: all slots
spans = st.tuples(st.sampled_from(TAGS), st.integers(0, 3000), st.integers(1, 1200))


def keys_of(span):
    tag, start, length = span
    return [b"%b%d" % (tag, number) for number in range(start, start + length)]


class SlotMachine(RuleBasedStateMachine):
    """Sizes at which directories double, slots become tables, and all goes back."""

    def __init__(self):
        super().__init__()
        self.table = SlottedTable()
        self.model = {}

    def in_slot(self, slot):
        return {key for key in self.model if key_slot(key) == slot}

    @rule(span=spans)
    def add(self, span):
        for key in keys_of(span):
            assert self.table.set(key, key) == (key not in self.model)
            self.model[key] = key

    @rule(span=spans)
    def update(self, span):
        keys = keys_of(span)
        assert self.table.update(keys, keys) == len({*keys} - {*self.model})
        self.model |= zip(keys, keys, strict=True)

    @rule(span=spans)
    def drop(self, span):
        for key in keys_of(span):
            assert self.table.pop(key) == self.model.pop(key, None)

    @rule(span=spans)
    def discard(self, span):
        keys = keys_of(span)
        assert self.table.discard(keys) == len({*keys} & {*self.model})
        for key in keys:
            self.model.pop(key, None)

    @rule(span=spans)
    def clear_slots(self, span):
        for key in keys_of(span)[:20]:
            there = self.in_slot(slot := key_slot(key))
            gone = self.table.clear_slot(slot)
            assert len(gone) == len(there) and {*gone} == there
            for key in gone:
                del self.model[key]

    @rule()
    def copy(self):
        self.table = self.table.copy()

    @rule()
    def flush(self):
        self.table.clear()
        self.model.clear()

    @invariant()
    def holds_what_the_model_holds(self):
        table = self.table
        assert len(table) == len(self.model)
        assert dict(table.items()) == self.model
        assert all(table.get(key) == key and key in table for key in self.model)
        assert max(map(len, table.buckets())) <= BUCKET_LIMIT
        assert table.mask < SLOTS

    @invariant()
    def knows_slots(self):
        counts = {}
        for key in self.model:
            counts[key_slot(key)] = counts.get(key_slot(key), 0) + 1
        for slot in [*map(key_slot, TAGS), *list(counts)[:50], 1, SLOTS - 1]:
            assert self.table.count_in_slot(slot) == counts.get(slot, 0)
            found = self.table.keys_in_slot(slot, 10)
            assert len(found) == min(10, counts.get(slot, 0)) and {*found} <= self.in_slot(slot)

    @invariant()
    def has_random_keys(self):
        key = self.table.random_key(Random(1))
        assert key in self.model if self.model else key is None
        assert {*self.table.sample(Random(1), 5)} <= {*self.model}

    @invariant()
    def is_scanned_whole(self):
        found, cursor = [], None
        while cursor != 0:
            cursor, keys = self.table.scan(cursor or 0, 200)
            found += keys
        assert sorted(found) == sorted(self.model)


TestSlots = SlotMachine.TestCase
TestSlots.settings = settings(max_examples=8, stateful_step_count=10, deadline=None)
TestSlots.pytestmark = [pytest.mark.slow]


@pytest.mark.slow
def test_a_hot_slot_is_a_table_and_the_directory_stays():
    table = SlottedTable.filled((b"{hot}%d" % number, number) for number in range(100_000))
    for number in range(1000):
        table.set(b"%d" % number, number)
    hot = key_slot(b"{hot}")
    assert len(table.directory) == SLOTS
    assert table.directory[hot].__class__ is Table
    assert table.count_in_slot(hot) == len(set(table.keys_in_slot(hot, 200_000))) == 100_000
    drawn = [table.random_key(Random(seed)) for seed in range(2000)]
    assert 0 < sum(key[:1] != b"{" for key in drawn) < 60  # 20 are expected
    assert table.directory[hot].__class__ is Table
    assert len(table.clear_slot(hot)) == 100_000
    assert sorted(table) == sorted(b"%d" % number for number in range(1000))


def test_a_large_slot_is_freed_by_and_by():
    steps = []
    dismantler = Dismantler(steps.append, lambda: 0)
    table = SlottedTable.filled((b"{hot}%d" % number, number) for number in range(20_000))
    table.set(b"other", 1)
    before = dismantling.waiting()
    assert len(table.clear_slot(key_slot(b"{hot}"))) == 20_000
    assert (list(table), dismantling.waiting()) == ([b"other"], before + 1)
    dismantler.end()


@pytest.mark.parametrize("count", [1, 7, 100])
@pytest.mark.parametrize("others", [0, 40_000])
def test_a_scan_of_a_slot_finds_what_is_there_all_the_time(count, others):
    """A slot in a bucket with others, in one of its own, and in a table; while keys come and go."""
    table, random = SlottedTable(), Random(1)
    slot = key_slot(b"a")
    for number in range(others):
        table.set(b"%d" % number, 1)
    for size in (3, 300, 3000):
        stays = {b"{a}%d" % number for number in range(size)}
        for key in stays:
            table.set(key, 1)
        found, cursor, steps = [], 0, 0
        while steps == 0 or cursor:
            cursor, keys = table.scan_slot(slot, cursor, count)
            found += keys
            steps += 1
            table.set(b"{a}more%d" % random.randrange(3000), 1)
            table.pop(b"{a}more%d" % random.randrange(3000))
        assert stays <= {*found}
        assert all(key_slot(key) == slot for key in found)
        assert steps <= 4 * len(found) // count + 2


def test_a_cursor_of_another_slot_begins_anew():
    table = SlottedTable()
    for tag in (b"a", b"b"):
        for number in range(1000):
            table.set(b"{%b}%d" % (tag, number), 1)
    cursor, _ = table.scan_slot(key_slot(b"a"), 0, 10)
    assert cursor
    other, keys = table.scan_slot(key_slot(b"b"), cursor, 10)
    assert (other, keys) == table.scan_slot(key_slot(b"b"), 0, 10)


def test_a_copy_gives_random_keys_alike():
    table = SlottedTable()
    for number in range(5000):
        table.set(b"{a}%d" % number, 1)
    for number in range(50):
        table.set(b"b%d" % number, 1)
    twin = table.copy()
    assert [twin.random_key(Random(seed)) for seed in range(50)] == [
        table.random_key(Random(seed)) for seed in range(50)
    ]
