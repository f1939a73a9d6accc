"""The text of CLUSTER NODES, as 7.0.15 and 8.2.3 write it."""

import pytest

from pyredis.local_cluster.node_reports import OpenSlot, fields_of, parse_nodes

A, B, C, D = ("0a" * 20, "1b" * 20, "2c" * 20, "3d" * 20)
TEXT = f"""\
{A} 127.0.0.1:30004@31004,hostname4 slave {D} 0 1426238317239 4 connected
{B} 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922
{C} ::1:30003@31003,,shard-id=1 master,fail? - 0 1426238318243 3 disconnected 10923 16383
{D} 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460 [77->-{B}] [10924-<-{C}]
"""


def test_every_field_is_read():
    replica, master, silent, myself = parse_nodes(TEXT)
    assert (replica.port, replica.master, replica.slots, replica.is_master) == (30004, myself.id, (), False)
    assert (master.port, master.master, master.slots, master.is_met) == (30002, "", ((5461, 10922),), True)
    assert (silent.port, silent.slots, silent.is_met) == (30003, ((10923, 10923), (16383, 16383)), False)
    assert myself.is_myself
    assert myself.open_slots == (OpenSlot(77, True, master.id), OpenSlot(10924, False, silent.id))
    assert myself.slots == ((0, 5460),)


@pytest.mark.parametrize("flags", ["master,handshake", "master,noaddr", "slave,fail", "master,fail?"])
def test_who_cannot_be_talked_to_is_not_met(flags):
    (entry,) = parse_nodes(f"{'a' * 40} 127.0.0.1:1@2 {flags} - 0 0 0 connected")
    assert not entry.is_met


def test_what_is_no_such_text_is_an_error():
    with pytest.raises(ValueError, match="no line of CLUSTER NODES: vars currentEpoch"):
        parse_nodes("vars currentEpoch 6 lastVoteEpoch 0")


def test_fields_of_an_info_text():
    assert fields_of(b"# Server\r\na:1\r\nb:x:y\r\n\r\n") == {"a": "1", "b": "x:y"}
