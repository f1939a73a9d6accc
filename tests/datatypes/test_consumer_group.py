"""Consumer groups: what is pending, in the group and with its consumers, against plain dicts."""

from hypothesis import given
from hypothesis import strategies as st

from pyredis.datatypes.consumer_group import Consumer, Group


def group_of_two():
    group = Group(0)
    for name in (b"c", b"d"):
        group.consumers[name] = Consumer(name, 100)
    return group, group.consumers[b"c"], group.consumers[b"d"]


def shares(group):
    return {name: list(consumer.pending) for name, consumer in group.consumers.items()}


steps = st.lists(st.tuples(st.sampled_from(["deliver", "assign", "acknowledge"]), st.integers(1, 12), st.booleans()))


@given(steps)
def test_the_group_and_its_consumers_agree(steps):
    group, one, other = group_of_two()
    owners = {}
    for step, id, first in steps:
        consumer = one if first else other
        if step == "deliver":
            group.deliver(id, consumer, 5)
            owners[id] = consumer.name
        elif step == "acknowledge":
            assert group.acknowledge(id) == (owners.pop(id, None) is not None)
        elif id in owners:
            group.assign(id, group.deliveries[id], consumer)
            owners[id] = consumer.name
    assert {id: delivery.consumer for id, delivery in group.deliveries.items()} == owners
    assert list(group.pending) == sorted(owners)
    assert shares(group) == {name: sorted(id for id in owners if owners[id] == name) for name in (b"c", b"d")}
    assert [consumer.count for consumer in (one, other)] == [len(share) for share in shares(group).values()]


def test_a_second_delivery_begins_anew():
    group, one, other = group_of_two()
    delivery = group.deliver(7, one, 50)
    delivery.count = 9
    assert group.deliver(7, other, 60) is delivery
    assert (delivery.consumer, delivery.time, delivery.count) == (b"d", 60, 1)


def test_a_consumer_goes_with_what_it_has():
    group, one, other = group_of_two()
    for id in (1, 2, 3):
        group.deliver(id, other if id == 2 else one, 50)
    assert group.remove_consumer(b"c") == 2
    assert group.remove_consumer(b"c") is None
    assert (list(group.pending), list(group.deliveries), [*group.consumers]) == ([2], [2], [b"d"])


def test_copies_are_independent():
    group, one, _ = group_of_two()
    group.deliver(1, one, 50)
    twin = group.copy()
    group.deliver(2, one, 60).count = 5
    group.deliveries[1].count = 9
    assert (shares(twin)[b"c"], twin.deliveries[1].count, twin.consumers[b"c"].count) == ([1], 1, 1)
    assert twin.acknowledge(1) and 1 in group.deliveries
