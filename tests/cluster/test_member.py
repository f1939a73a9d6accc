"""Members together, without servers: meeting, failing, taking over, moving slots. Each part's rules are here."""

import pytest

from pyredis.cluster.node import FAIL, MIGRATE_TO, NO_ADDRESS, PFAIL
from pyredis.cluster.packet import Kind, decode, encode_ping, encode_update
from pyredis.cluster.view import is_reachable
from tests.cluster.members import Town


@pytest.fixture
def town():
    town = Town(1)
    town.settle_as_cluster(3, 1)
    town.run_for(2000)
    return town


def known(one, other):
    """A resident as another sees it."""
    return one.view.find(other.view.myself.id)


def takes_over(town, victim, ms=10_000):
    assert town.run_until(lambda: not town.is_ok(), 5000)
    assert town.run_until(town.is_ok, ms)
    return next(one for one in town.up() if one.view.myself.is_master and one.name >= 3)


# Meetings


def test_strangers_meet():
    town = Town(2)
    one, two, three = town.settle_down(3)
    assert one.member.meetings.meet(two.ip, two.port, two.port + 10_000)
    assert town.run_until(lambda: len(one.view.nodes) == len(two.view.nodes) == 2, 2000)
    three.member.meetings.meet(one.ip, one.port, one.port + 10_000)
    assert town.run_until(lambda: all(len(each.view.nodes) == 3 for each in town.residents), 20_000)  # by gossip
    assert town.run_until(lambda: not any(n.is_in_handshake for n in two.view.nodes.values()), 2000)
    assert known(two, three).ip == three.ip


@pytest.mark.parametrize("address", [("here", 1, 2), ("1.2.3", 1, 2), ("1.2.3.4", 0, 2), ("1.2.3.4", 1, 65536)])
def test_addresses_that_are_none(town, address):
    assert not town.residents[0].member.meetings.meet(*address)


def test_a_handshake_without_an_answer_is_given_up(town):
    one = town.residents[0]
    one.member.meetings.meet("10.9.9.9", 7000, 17000)
    one.member.meetings.meet("10.9.9.9", 7000, 17000)
    assert len(one.view.nodes) == 7
    assert town.run_until(lambda: len(one.view.nodes) == 6, 3000)


def test_who_moves_is_found(town):
    one, two = town.residents[:2]
    del town.by_address[two.ip, two.port]
    two.die()
    two.ip = "10.7.7.7"
    town.by_address[two.ip, two.port] = two
    two.start()
    assert town.run_until(lambda: known(one, two).ip == "10.7.7.7", 5000)
    assert town.run_until(town.is_ok, 10_000) and town.residents[4].master.ip == "10.7.7.7"


def test_another_node_at_the_address(town):
    one, two = town.residents[:2]
    two.die()
    two.disk = b""
    two.start()
    node = next(node for node in one.view.others() if (node.ip, node.port) == (two.ip, two.port))
    assert town.run_until(lambda: bool(node.flags & NO_ADDRESS), 3000) and not is_reachable(node)


def test_who_was_forgotten_is_not_met_again_by_gossip(town):
    one, two = town.residents[0], town.residents[4]
    one.view.forget(known(one, two), town.now + 60_000)
    town.run_for(5000)
    assert known(one, two) is None
    assert all(known(other, two) is None for other in town.residents if other not in (two, town.residents[1]))


# Strangers


def test_a_stranger_changes_nothing_but_by_meet(town):
    one, stranger = town.residents[0], town.settle_down(1)[0]
    packets = []
    town.carry = lambda link, data: packets.append(data)
    node = stranger.view.new_node(0, town.now)
    link = town.dial(stranger, known(one, town.residents[1]) and town.residents[0].view.myself)
    stranger.view.current_epoch = stranger.view.myself.config_epoch = 99
    for slot in range(16384):
        stranger.view.give(stranger.view.myself, 1 << slot)
    link.node = node
    for kind in (Kind.PING, Kind.PONG):
        stranger.member.sender.ping(link, kind)
    stranger.flush()
    header = decode(packets[0]).header
    owner = known(one, town.residents[1]).id
    packets.append(encode_update(header, owner, 98, (1 << 16384) - 1))
    before = [(n.id, n.slots, n.config_epoch) for n in one.view.nodes.values()], one.view.current_epoch
    for packet in packets:
        one.member.received(packet, link.other)
    assert ([(n.id, n.slots, n.config_epoch) for n in one.view.nodes.values()], one.view.current_epoch) == before


def test_a_forged_sender_is_dropped(town):
    one, two, three = town.residents[:3]
    packets = []
    town.carry = lambda link, data: packets.append(data)
    two.member.sender.ping(known(two, one).link)
    two.flush()
    header = decode(packets[0]).header._replace(config_epoch=99, current_epoch=99)
    link = known(one, three).inbound
    dropped = one.member.dropped
    one.member.received(encode_ping(Kind.PING, header, [], None), link)
    assert one.member.dropped == dropped + 1 and one.view.current_epoch < 99


# Failures


def test_a_dead_master_is_replaced_by_its_replica(town):
    victim = town.residents[0]
    victim.die()
    heir = takes_over(town, victim)
    assert heir is town.residents[3] and heir.view.myself.config_epoch == heir.view.current_epoch > 6
    victim.start()
    assert town.run_until(lambda: victim.view.myself.is_replica and town.is_ok(), 5000)
    assert (victim.master.ip, victim.master.port) == (heir.ip, heir.port)
    assert town.run_until(lambda: known(heir, victim).master is heir.view.myself, 3000)


def test_one_reporter_is_not_enough(town):
    one, two = town.residents[:2]
    town.cut([one.name, two.name])  # these two see each other; most do not
    town.cuts -= {(name, other) for name in (0, 1) for other in (3, 4, 5)}
    town.cuts = {(0, 2), (2, 0)}
    assert town.run_until(lambda: known(one, town.residents[2]).is_timed_out, 5000)
    town.run_for(5000)
    assert not known(one, town.residents[2]).has_failed and town.is_ok()
    town.heal()
    assert town.run_until(lambda: not known(one, town.residents[2]).flags & (PFAIL | FAIL), 3000)


def test_reports_grow_old(town):
    one, two = town.residents[:2]
    node = known(one, town.residents[2])
    one.member.failures.reported(node, known(one, two), failing=True)
    assert one.member.failures.count_reports(node) == 1
    town.now += 2 * town.settings.node_timeout + 1
    assert one.member.failures.count_reports(node) == 0


def test_the_only_master_judges_alone():
    town = Town(3)
    town.settle_as_cluster(1, 1)
    town.residents[1].die()
    assert town.run_until(lambda: known(*town.residents).has_failed, 5000)
    town.residents[1].start()
    assert town.run_until(lambda: not known(*town.residents).has_failed, 3000)


def test_a_failed_master_without_heir_comes_back(town):
    for name in (0, 3):
        town.residents[name].die()
    assert town.run_until(lambda: not any(one.view.is_ok for one in town.up()), 6000)
    town.residents[0].start()
    town.run_for(1000)
    assert known(town.residents[1], town.residents[0]).has_failed  # somebody may be about to take its slots
    assert town.run_until(town.is_ok, 10_000)


def test_a_minority_serves_nobody(town):
    one = town.residents[0]
    town.cut([0])
    assert town.run_until(lambda: not one.view.is_ok, town.settings.node_timeout + 1000)
    assert town.run_until(lambda: all(each.view.is_ok for each in town.residents[1:]), 10_000)
    town.heal()
    assert town.run_until(lambda: one.view.myself.is_replica and town.is_ok(), 15_000)


def test_full_coverage_may_be_waived(town):
    town.settings.requires_full_coverage = False
    for name in (0, 3):
        town.residents[name].die()
    town.run_for(6000)
    assert all(one.view.is_ok for one in town.up())


# Elections


def test_no_failover(town):
    town.residents[3].settings = type("Stubborn", (), {**vars(town.settings), "no_failover": True})()
    town.residents[0].die()
    town.run_for(15_000)
    assert not town.roles()[3]


def test_old_data_is_not_elected(town):
    heir = town.residents[3]
    town.settings.validity_ms = 1000
    town.cut([0])  # its master's stream stops; who is cut off is not elected either
    town.cuts |= {(3, 0), (0, 3)}
    heir.data_heard = town.now - 60_000
    town.residents[0].die()
    town.run_for(15_000)
    assert not heir.view.myself.is_master


def test_who_has_more_is_elected_first():
    town = Town(4)
    town.settle_as_cluster(3, 2)
    town.residents[6].offset = 500  # of the first master's two replicas, 3 and 6
    town.run_for(3000)
    town.residents[0].die()
    assert town.run_until(lambda: town.roles()[6], 10_000) and not town.roles()[3]


def test_a_vote_an_epoch(town):
    voter = town.residents[1]
    town.residents[0].die()
    assert town.run_until(lambda: town.roles()[3], 10_000)
    assert voter.view.last_vote_epoch == town.residents[3].view.myself.config_epoch
    assert f"lastVoteEpoch {voter.view.last_vote_epoch}".encode() in voter.disk


# Manual failover


def test_by_hand(town):
    master, replica = town.residents[0], town.residents[3]
    replica.member.handover.request(force=False)
    town.run_for(5)
    assert master.is_paused
    assert town.run_until(lambda: replica.view.myself.is_master and master.view.myself.is_replica, 3000)
    assert not master.is_paused and town.run_until(town.is_ok, 3000)


def test_by_hand_waits_for_the_stream(town):
    master, replica = town.residents[0], town.residents[3]
    master.offset, replica.offset = 100, 50
    replica.member.handover.request(force=False)
    town.run_for(3000)
    assert not replica.view.myself.is_master and master.is_paused
    replica.offset = 100
    assert town.run_until(lambda: replica.view.myself.is_master, 1000)


def test_by_hand_is_given_up(town):
    master, replica = town.residents[0], town.residents[3]
    master.offset = 100
    replica.member.handover.request(force=False)
    town.run_for(5500)
    assert not (replica.view.myself.is_master or master.is_paused or replica.member.handover.until)


def test_by_force(town):
    town.residents[0].die()
    replica = town.residents[3]
    replica.member.handover.request(force=True)
    assert town.run_until(lambda: replica.view.myself.is_master, 500)


def test_takeover_asks_nobody(town):
    replica = town.residents[3]
    for name in (0, 1, 2):
        town.residents[name].die()
    replica.member.take_over()
    assert replica.view.myself.is_master and replica.view.myself.slot_count == 5461
    assert replica.view.myself.config_epoch == 7


# Slots


def test_a_newer_epoch_takes_slots(town):
    one, two = town.residents[:2]
    one.keys = {100: 3}
    two.view.next_epoch()
    two.view.give(two.view.myself, 1 << 100)
    two.settle()
    assert town.run_until(lambda: one.view.owners[100] is known(one, two), 3000)
    assert one.keys == {}  # they are the other's now


def test_an_importing_slot_is_closed_by_hand_alone(town):
    one, two = town.residents[:2]
    one.view.open(9000, one.view.importing, known(one, two))
    two.view.next_epoch()
    town.run_for(3000)
    assert 9000 in one.view.importing


def test_old_claims_are_corrected_by_third_parties(town):
    one, three = town.residents[0], town.residents[2]
    town.cuts |= {(0, 2), (2, 0)}  # the new owner cannot tell it
    three.view.next_epoch()
    three.view.give(three.view.myself, 1 << 100)
    three.settle()
    assert town.run_until(lambda: one.view.owners[100] is known(one, three), 3000)


def test_the_last_slot_takes_its_master_along(town):
    one, two = town.residents[:2]
    two.view.next_epoch()
    two.view.give(two.view.myself, known(two, one).slots)
    two.settle()
    assert town.run_until(lambda: one.view.myself.is_replica and town.residents[3].master.ip == two.ip, 5000)


def test_it_stays_where_replicas_may_not_migrate(town):
    town.settings.allows_replica_migration = False
    one, two = town.residents[:2]
    two.view.next_epoch()
    two.view.give(two.view.myself, known(two, one).slots)
    two.settle()
    town.run_for(5000)
    assert one.view.myself.is_master and not one.view.myself.slots


def test_equal_epochs_part():
    town = Town(5)
    town.settle_as_cluster(3, 0)
    for one in town.residents:
        one.view.myself.config_epoch = 3
        for other in one.view.others():
            other.config_epoch = 3
    epochs = lambda: {one.view.myself.config_epoch for one in town.residents}  # noqa: E731
    assert town.run_until(lambda: len(epochs()) == 3, 10_000)


# Replicas migrate


def test_a_replica_goes_to_an_orphan():
    town = Town(6)
    town.settle_as_cluster(3, 1)
    extra = town.settle_down(1)[0]
    extra.member.meetings.meet(town.residents[0].ip, 7000, 17_000)
    town.run_for(5000)
    extra.member.role.follow(known(extra, town.residents[1]))
    extra.settle()
    town.run_for(3000)
    town.residents[3].die()  # the first master's only one
    assert town.run_until(lambda: known(town.residents[0], town.residents[3]).has_failed, 5000)
    assert town.run_until(lambda: town.residents[0].view.myself.good_replicas == 1, 20_000)
    assert known(town.residents[1], town.residents[1]).good_replicas == 1
    assert known(town.residents[1], town.residents[0]).flags & MIGRATE_TO


def test_none_goes_below_the_barrier(town):
    town.settings.migration_barrier = 2
    town.residents[3].die()
    town.run_for(15_000)
    assert known(town.residents[0], town.residents[0]).good_replicas == 0


# Messages


def test_messages_reach_whom_they_are_for(town):
    town.residents[0].member.sender.publish(b"ch", b"all", sharded=False)
    town.residents[0].member.sender.publish(b"ch", b"shard", sharded=True)
    town.residents[0].settle()
    town.run_for(100)
    assert sorted(name for name, _, message, _ in town.heard if message == b"all") == [1, 2, 3, 4, 5]
    assert [name for name, _, message, _ in town.heard if message == b"shard"] == [3]


@pytest.mark.slow
def test_a_hundred_members():
    town = Town(7, node_timeout=5000)
    town.settle_as_cluster(50, 1)
    town.residents[0].die()
    assert town.run_until(lambda: town.roles()[50], 20_000)
    assert town.run_until(town.is_ok, 10_000)


def test_a_link_that_swallows_what_is_sent_is_made_anew(town):
    """Its other end lives, and says so over its own link: that must not keep the dead one."""
    one, two = town.residents[:2]
    node, carry = known(one, two), town.carry
    dead = node.link
    node.flags |= PFAIL
    town.carry = lambda link, data: None if link is dead else carry(link, data)
    assert town.run_until(lambda: node.link is not dead and not node.is_timed_out, 5000)


def test_a_replica_closes_slots_with_its_master(town):
    """It was told that they are open; that its master has one now, or has it no longer, it may hear by gossip alone."""
    one, two, replica = town.residents[0], town.residents[1], town.residents[3]
    replica.view.open(9000, replica.view.importing, known(replica, two))
    replica.view.open(100, replica.view.migrating, known(replica, two))
    one.view.next_epoch()
    one.view.give(one.view.myself, 1 << 9000)
    one.settle()
    assert town.run_until(lambda: not replica.view.importing and not two.view.myself.slots >> 9000 & 1, 5000)
    two.view.next_epoch()
    two.view.give(two.view.myself, 1 << 100)
    two.settle()
    assert town.run_until(lambda: not replica.view.migrating, 5000)
    assert replica.view.owners[9000] is known(replica, one) and replica.view.owners[100] is known(replica, two)
