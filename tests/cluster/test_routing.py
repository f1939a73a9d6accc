"""Whose keys are whose, as INFO counts it, and who waits for a key that leaves."""

import pytest

from pyredis.assembly import build_engine
from pyredis.cluster.node import MASTER
from pyredis.cluster.routing import Routing
from pyredis.cluster.view import ALL_SLOTS, View
from pyredis.config.store import Config
from pyredis.datatypes.key_slot import key_slot
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients


@pytest.fixture
def node():
    """An engine that has all slots but that of `there`, which a neighbour has."""
    config = Config()
    config.load_lines("cluster-enabled yes")
    engine = build_engine(config, seed=1)
    view = View(engine.random, 0)
    other = view.new_node(MASTER, 0)
    other.ip, other.port = "10.0.0.2", 7000
    view.add(other)
    view.give(view.myself, ALL_SLOTS)
    view.give(other, 1 << key_slot(b"there"))
    view.is_ok = True
    engine.router = Routing(engine, view)
    engine.rewire()
    engine.view, engine.other = view, other
    return engine


def said(engine, *commands, client=None):
    client = client or engine[Clients].connect()
    run(engine, client, [[word.encode() for word in command.split()] for command in commands])
    out, client.out[:] = b"".join(client.out), []
    return out


MOVED = b"-MOVED %d 10.0.0.2:7000\r\n" % key_slot(b"there")


@pytest.mark.parametrize("batch", [["SET there 1"], ["SET here 1", "SET there 1"], ["SET there 1", "SET there 1"]])
def test_what_is_led_elsewhere_is_a_rejected_call(node, batch):
    assert MOVED in said(node, *batch)
    elsewhere = sum("there" in command for command in batch)
    stats = said(node, "INFO commandstats").split(b"cmdstat_set:")[-1].split(b"\r\n")[0]
    assert stats.startswith(b"calls=%d," % (len(batch) - elsewhere))
    assert stats.endswith(b"rejected_calls=%d,failed_calls=0" % elsewhere)
    assert b"errorstat_MOVED:count=%d" % elsewhere in said(node, "INFO errorstats")


def test_a_slot_that_moves(node):
    slot = key_slot(b"{t}1")
    said(node, "SET {t}1 x")
    node.view.open(slot, node.view.migrating, node.other)
    assert said(node, "GET {t}1", "GET {t}2") == b"$1\r\nx\r\n-ASK %d 10.0.0.2:7000\r\n" % slot
    assert said(node, "MGET {t}1 {t}2").startswith(b"-TRYAGAIN ")
    node.view.close(slot, node.view.migrating)
    assert said(node, "GET {t}2") == b"$-1\r\n"


def test_a_slot_that_comes(node):
    slot = key_slot(b"there")
    node.view.open(slot, node.view.importing, node.other)
    client = node[Clients].connect()
    assert (
        said(node, "GET there", "ASKING", "GET there", "GET there", client=client) == MOVED + b"+OK\r\n$-1\r\n" + MOVED
    )
    assert said(node, "ASKING", "MGET there {there}2").startswith(b"+OK\r\n-TRYAGAIN ")


def test_a_transaction_is_one_question(node):
    asked = said(node, "MULTI", "SET here 1", "SET other 1", "EXEC")
    assert asked.endswith(b"-CROSSSLOT Keys in request don't hash to the same slot\r\n")
    assert said(node, "MULTI", "SET there 1", "EXEC").endswith(
        MOVED + b"-EXECABORT Transaction discarded because of previous errors.\r\n"
    )


def test_who_waits_for_a_key_that_leaves_is_told_where_it_is(node):
    client = node[Clients].connect()
    assert said(node, "BLPOP here 0", client=client) == b""
    node.view.give(node.other, 1 << key_slot(b"here"))
    node.router.settle()
    assert b"".join(client.out).startswith(b"-MOVED %d " % key_slot(b"here")) and client.waiting is None


def test_nothing_is_served_while_the_cluster_is_down(node):
    client = node[Clients].connect()
    said(node, "BLPOP here 0", client=client)
    node.view.is_ok = False
    node.router.settle()
    assert b"".join(client.out) == said(node, "GET here") == b"-CLUSTERDOWN The cluster is down\r\n"
    said(node, "CONFIG SET cluster-allow-reads-when-down yes")
    assert said(node, "GET here", "SET here 1") == (
        b"$-1\r\n-CLUSTERDOWN The cluster is down and only accepts read commands\r\n"
    )
