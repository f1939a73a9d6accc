from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pyredis.local_cluster.slot_plan import SKEW, SLOTS, moves, ranges_of, shares, slots_of, targets


@given(st.integers(1, 200))
def test_shares_are_all_slots_in_even_runs(count):
    runs = shares(count)
    assert slots_of(runs) == list(range(SLOTS))
    sizes = [last - first + 1 for first, last in runs]
    assert max(sizes) - min(sizes) <= 1


@given(st.sets(st.integers(0, SLOTS - 1), max_size=50))
def test_ranges_and_slots_are_the_same_said_twice(slots):
    ranges = list(ranges_of(slots))
    assert slots_of(ranges) == sorted(slots)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(ranges))


def carried_out(owned, planned):
    after = {node: set(slots) for node, slots in owned.items()}
    for source, target, slots in planned:
        assert after[source] >= set(slots)
        after[source] -= set(slots)
        after[target] |= set(slots)
    return {node: len(slots) for node, slots in after.items()}


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9).filter(any))
def test_after_rebalancing_all_have_as_many(weights):
    """Whatever the distribution: skew of at most 2 %, no slot moves twice, and no more move than have to."""
    total, at, owned = sum(weights), 0, {}
    for number, weight in enumerate(weights):
        end = SLOTS if number == len(weights) - 1 else at + SLOTS * weight // total
        owned[number] = range(at, end)
        at = end
    planned = moves(owned)
    sizes = carried_out(owned, planned)
    share = SLOTS / len(weights)
    assert all(abs(size - share) <= max(share * SKEW, 1) for size in sizes.values())
    if planned:
        moved = [slot for move in planned for slot in move.slots]
        before = {number: len(slots) for number, slots in owned.items()}
        lacking = sum(max(size - before[number], 0) for number, size in targets(before).items())
        assert len(moved) == len(set(moved)) == lacking


def test_an_empty_master_gets_the_ends_of_what_the_others_have():
    owned = {7000: range(5461), 7001: range(5461, 10922), 7002: range(10922, SLOTS), 7003: []}
    found = [(move.source, move.target, list(ranges_of(move.slots))) for move in moves(owned)]
    assert found == [
        (7002, 7003, [(15018, 16383)]),
        (7000, 7003, [(4096, 5460)]),
        (7001, 7003, [(9557, 10921)]),
    ]


def test_what_is_even_enough_stays():
    assert moves({1: range(8200), 2: range(8200, SLOTS)}) == []
    assert moves({1: range(8400), 2: range(8400, SLOTS)})
