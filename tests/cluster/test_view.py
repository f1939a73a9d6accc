"""What a node believes: who has which slots, who is whose replica, at which epoch."""

from random import Random

import pytest

from pyredis.cluster.node import MASTER, MIGRATE_TO, MYSELF
from pyredis.cluster.view import View


@pytest.fixture
def view():
    return View(Random(1), 1000)


def stranger(view, flags=MASTER):
    node = view.new_node(flags, 1000)
    view.add(node)
    return node


def test_a_slot_has_one_owner(view):
    other, seen = stranger(view), []
    view.on_slot, view.on_unbound = seen.append, lambda slot: seen.append(-slot)
    view.give(view.myself, 1 << 5)
    view.give(other, 1 << 5)
    assert (view.owners[5], view.myself.slots, other.slots, seen) == (other, 0, 1 << 5, [5, -5, 5])
    view.disowned = 1 << 5
    view.give(None, 1 << 5)
    view.give(None, 1 << 5)
    assert (view.owners[5], other.slots, view.disowned) == (None, 0, 0)


def test_slots_move_together(view):
    other = stranger(view)
    for slot in (0, 1, 16383):
        view.give(view.myself, 1 << slot)
    view.give(other, view.myself.slots)
    assert other.slot_count == 3 and not view.myself.slots
    view.give(None, other.slots)
    assert not other.slots and set(view.owners) == {None}


def test_replicas_and_masters(view):
    master, replica = stranger(view), stranger(view)
    view.set_master(replica, master)
    assert (replica.is_replica, replica.master, master.replicas) == (True, master, [replica])
    assert replica.shard_id == master.shard_id and master.flags & MIGRATE_TO and replica.leader is master
    view.set_master(replica, view.myself)
    assert (master.replicas, view.myself.replicas) == ([], [replica]) and not master.flags & MIGRATE_TO
    view.set_as_master(replica)
    assert replica.is_master and replica.flags & MIGRATE_TO and view.myself.replicas == []


def test_the_shard_of_this_nodes_master_is_its_own(view):
    master = stranger(view)
    view.set_master(view.myself, master)
    view.set_shard(master, b"5" * 40)
    assert view.myself.shard_id == b"5" * 40 and view.shards() == [[view.myself, master]]


def test_a_first_slot_makes_a_home_for_replicas(view):
    other, replica = stranger(view), stranger(view)
    view.give(other, 1 << 1)
    assert not other.flags & MIGRATE_TO  # nobody has any
    view.set_master(replica, view.myself)
    third = stranger(view)
    view.give(third, 1 << 2)
    view.give(other, 1 << 3)
    assert third.flags & MIGRATE_TO and not other.flags & MIGRATE_TO


def test_who_is_removed_leaves_nothing(view):
    one, replica = stranger(view), stranger(view)
    view.give(one, 1 << 7)
    view.set_master(replica, one)
    view.open(8, view.importing, one)
    view.open(9, view.migrating, one)
    view.myself.reports[one] = 1
    view.forget(one, 5000)
    assert view.owners[7] is None and replica.master is None
    assert not (view.importing or view.migrating or view.myself.reports) and one.id not in view.nodes
    assert view.is_forgotten(one.id, 4999) and not view.is_forgotten(one.id, 5000) and view.forgotten == {}


def test_epochs(view):
    other = stranger(view)
    other.config_epoch = 9
    assert view.max_epoch() == 9 and view.bump_epoch() and view.myself.config_epoch == 1
    view.current_epoch = 9
    assert view.bump_epoch() and view.myself.config_epoch == 10 and not view.bump_epoch()
    assert view.unsynced


@pytest.mark.parametrize("hard", [False, True])
def test_starting_over(view, hard):
    other, id = stranger(view), view.myself.id
    view.give(view.myself, 1 << 1)
    view.give(other, 1 << 2)
    view.next_epoch()
    view.start_over(hard=hard)
    assert list(view.nodes.values()) == [view.myself] and set(view.owners) == {None}
    assert (view.myself.id == id, view.current_epoch) == ((False, 0) if hard else (True, 1))
    assert view.nodes[view.myself.id].flags == MYSELF | MASTER
