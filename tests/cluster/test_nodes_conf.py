"""`nodes.conf`: files of real servers are read, what is written comes back, what is none is refused."""

from random import Random

import pytest

from pyredis.cluster import nodes_conf
from pyredis.cluster.node import FAIL
from pyredis.cluster.nodes_conf import CorruptConfig
from pyredis.cluster.view import View

A, B, C = (letter * 40 for letter in "abc")
OF_7_0 = f"""\
{A} 127.0.0.1:7000@17000,here myself,master - 0 0 3 connected 0-5 7 [8->-{B}] [9-<-{C}]
{B} 127.0.0.1:7001@17001, slave {A} 1 2 9 disconnected

{C} ::1:7002 master,fail? - 0 5 4 connected 16383
vars currentEpoch 6 lastVoteEpoch 5
"""
OF_8_2 = f"""\
{B} 127.0.0.1:7001@17001,,tls-port=0,shard-id={"5" * 40} slave {A} 0 0 3 connected
{A} 127.0.0.1:7000@17000,,tls-port=0,shard-id={"5" * 40} myself,master,fail - 0 0 3 connected 0-16383
vars currentEpoch 3 lastVoteEpoch 0 somethingNew 1
"""
OF_VALKEY = f"""\
{A} 127.0.0.1:7000@17000,,tcp-port=7000,client-ipv4=1.2.3.4,shard-id={"5" * 40} myself,slave {B} 0 0 0 connected
{B} :0@0,name,nodename=n,shard-id={"5" * 40} master,noaddr - 0 0 1 disconnected
vars currentEpoch 1 lastVoteEpoch 0
"""


def loaded(text):
    view = View(Random(1), 1000)
    nodes_conf.load(view, text.encode(), 1000)
    return view


def test_of_7_0():
    view = loaded(OF_7_0)
    a, b, c = (view.nodes[id.encode()] for id in (A, B, C))
    assert view.myself is a and len(view.nodes) == 3 and a.hostname == "here"
    assert (a.slots, c.slots, view.owners[7], view.owners[6]) == (0b10111111, 1 << 16383, a, None)
    assert (view.migrating, view.importing) == ({8: b}, {9: c})
    assert (b.master, b.config_epoch, b.ping_sent, b.pong_received) == (a, 0, 1000, 1000)
    assert (c.ip, c.port, c.bus_port, c.is_timed_out) == ("::1", 7002, 17002, True)
    assert (view.current_epoch, view.last_vote_epoch, a.config_epoch) == (6, 5, 3)


def test_of_8_2():
    view = loaded(OF_8_2)
    a, b = (view.nodes[id.encode()] for id in (A, B))
    assert view.myself is a and b.master is a and a.shard_id == b.shard_id == b"5" * 40
    assert a.flags & FAIL and a.fail_time == 1000 and a.slot_count == 16384


def test_of_valkey():
    view = loaded(OF_VALKEY)
    assert view.myself.is_replica and view.myself.master.hostname == "name" and view.myself.port == 7000


@pytest.mark.parametrize("text", [OF_7_0, OF_8_2, OF_VALKEY])
def test_what_is_written_comes_back(text):
    view = loaded(text)
    dumped = nodes_conf.dump(view).decode()
    assert nodes_conf.dump(loaded(dumped)).decode() == dumped
    assert dumped.endswith(f"vars currentEpoch {view.current_epoch} lastVoteEpoch {view.last_vote_epoch}\n")


def test_a_name_with_spaces_is_one_word():
    view = loaded(OF_8_2)
    view.myself.human_name = "my node, a=b"
    assert b",nodename=my_node__a_b," in nodes_conf.dump(view)
    assert loaded(nodes_conf.dump(view).decode()).myself.human_name == "my_node__a_b"


def test_its_form_is_that_of_8_2():
    line = nodes_conf.dump(loaded(OF_8_2)).splitlines()[1].decode()
    assert line.startswith(
        f"{A} 127.0.0.1:7000@17000,,tls-port=0,shard-id={'5' * 40} myself,master,fail - 0 0 3 connected"
    )
    assert nodes_conf.describe(loaded(OF_7_0), loaded(OF_7_0).myself).startswith(
        f"{A} 127.0.0.1:7000@17000,here ".encode()
    )


def test_an_epoch_is_no_less_than_those_of_nodes():
    assert loaded(OF_7_0.replace("currentEpoch 6", "currentEpoch 2")).current_epoch == 4


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "vars currentEpoch",
        OF_7_0.replace("myself,", ""),
        OF_7_0.replace(" 0-5 ", " 0-16384 "),
        OF_7_0.replace(" 0-5 ", " x "),
        OF_7_0.replace("[8->-", "[99999->-"),
        OF_7_0.replace(f"[8->-{B}]", "[8->-b]"),
        OF_7_0.replace("master,fail?", "emperor"),
        OF_7_0.replace(C, "C" * 40),
        OF_7_0.replace(f"slave {A}", "slave x"),
        OF_7_0.replace("myself,master -", "myself,slave -"),
        OF_8_2.replace("shard-id=5", "shard-id=-"),
        OF_8_2.replace("tls-port=0", "tls-port"),
    ],
)
def test_what_is_none(text):
    with pytest.raises(CorruptConfig):
        loaded(text)
