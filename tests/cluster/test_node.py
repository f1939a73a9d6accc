"""Sets of slots, ids and flags."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pyredis.cluster.node import FAIL, MASTER, MYSELF, NO_ADDRESS, PFAIL, Node, each_slot, is_id, slot_ranges


@given(st.sets(st.integers(0, 16383), max_size=40) | st.just(set(range(16384))) | st.just({0, 16383}))
def test_ranges_are_the_set(slots):
    number = sum(1 << slot for slot in slots)
    ranges = list(slot_ranges(number))
    assert (
        [slot for first, last in ranges for slot in range(first, last + 1)] == sorted(slots) == list(each_slot(number))
    )
    assert all(one[1] + 1 < other[0] for one, other in pairwise(ranges))


def test_ids():
    assert is_id(b"0a" * 20) and is_id(b"z" * 40)
    assert not any(map(is_id, (b"", b"a" * 39, b"a" * 41, b"A" * 40, b"a" * 39 + b"\0", b"a" * 39 + b"-")))


def test_flags_by_name():
    node = Node(b"a" * 40, 0, b"b" * 40, 0)
    assert node.flag_names == b"noflags" and not node.is_master and node.leader is None
    node.flags = MYSELF | MASTER | PFAIL | FAIL | NO_ADDRESS
    assert node.flag_names == b"myself,master,fail?,fail,noaddr" and node.leader is node
