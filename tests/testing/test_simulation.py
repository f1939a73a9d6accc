"""Servers, links and clients on one virtual clock, without asyncio."""

import gc
import subprocess
import sys
import weakref

from pytest import fixture, mark, raises

from pyredis.engine.roster import Clients
from pyredis.testing import Caller, Simulation
from tests.observed import overhear

KEYS = 20


@fixture(autouse=True)
def no_loop(monkeypatch):
    """Nothing here may have a loop or a socket."""
    for name in ("asyncio.new_event_loop", "asyncio.get_running_loop", "asyncio.run", "socket.socket"):
        monkeypatch.setattr(name, None)


def world(seed):
    """Two servers, `a` sending all its writes to `b`, and who talks to `a`."""
    simulation = Simulation(seed, tracing=True)
    a, _ = simulation.server("a"), simulation.server("b")
    simulation.delay("a", "b", 5, jitter=20)
    follower = Caller(simulation.host("a"), ("b", 6379))
    overhear(a.engine, lambda argv: follower.send(*argv))
    return simulation, follower, Caller(simulation.host("client"), ("a", 6379))


def replayed(seed):
    """The proof: what happens, and when, on a way that is slow, cut and out of order."""
    simulation, follower, caller = world(seed)
    for number in range(KEYS):
        caller.send("RPUSH", f"k{number}", "v")
    assert simulation.run_until(lambda: caller.said == b":1\r\n" * KEYS, 10)
    assert simulation.run_until(lambda: follower.said == b":1\r\n" * KEYS, 100)
    other = Caller(simulation.host("client"), ("b", 6379))
    other.send("BLPOP", "nokey", "0.5")
    began = simulation.clock.now_ms()
    assert simulation.run_until(lambda: other.said == b"*-1\r\n", 10_000)
    assert simulation.clock.now_ms() - began == 504  # and there and back twice, 1 ms each way
    simulation.cut("a", "b")
    caller.send("RPUSH", "k", "cut")
    simulation.run_for(60_000)
    assert follower.said.count(b":") == KEYS
    simulation.heal("a", "b")
    assert simulation.run_until(lambda: follower.said.count(b":") == KEYS + 1, 100)
    simulation.reorder("a", "b")
    for number in range(KEYS):
        simulation.host("client").at(simulation.clock.now_ms() + number, lambda n=number: caller.send("RPUSH", "r", n))
    simulation.run_for(1000)
    other.send("LRANGE", "r", 0, -1)
    simulation.run_for(10)
    assert sorted(other.said.split()[-2 * KEYS + 1 :: 2], key=int) == [b"%d" % number for number in range(KEYS)]
    return simulation.trace, other.said


def test_the_same_seed_is_the_same_world():
    trace, said = replayed(1)
    assert replayed(1) == (trace, said)
    others = [replayed(seed) for seed in range(2, 5)]
    assert all(other != trace for other, _ in others)
    assert {said, *(words for _, words in others)} != {said}  # another order of what was reordered


def synced(folder, seed):
    """All that is said while a replica gets a dataset over the disk, and then a stream."""
    simulation = Simulation(seed, tracing=True)
    simulation.server("a", {"dir": str(folder), "dbfilename": "a.rdb", "repl-diskless-sync": "no"})
    caller = Caller(simulation.host("client"), ("a", 6379))
    caller.send("SET", "k", "v")
    simulation.run_for(10)
    simulation.server("b", {"dir": str(folder), "dbfilename": "b.rdb", "replicaof": "a 6379"})
    simulation.run_for(1000)
    caller.send("INCR", "n")
    simulation.run_for(1000)
    return simulation.trace


def test_a_full_sync_over_the_disk_is_left_to_nothing(tmp_path):
    trace = synced(tmp_path, 1)
    assert any(b"INCR" in event.what for event in trace if event.target == "b" and isinstance(event.what, bytes))
    assert all(synced(tmp_path, 1) == trace for _ in range(3))


def test_no_asyncio_is_loaded():
    """Beside what `pyredis.testing` brings for real sockets."""
    program = (
        "import sys, types, pyredis; sys.modules['asyncio'] = None\n"
        "package = types.ModuleType('pyredis.testing'); package.__path__ = [pyredis.__path__[0] + '/testing']\n"
        "sys.modules['pyredis.testing'] = package\n"
        "from pyredis.testing.simulation import Simulation, Caller\n"
        "world = Simulation(1); world.server('a'); one = Caller(world.host('c'), ('a', 6379)); one.send('PING')\n"
        "assert world.run_until(lambda: one.said == b'+PONG\\r\\n', 10)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_a_cut_one_way_lets_the_other_pass():
    simulation, follower, caller = world(1)
    simulation.run_for(100)
    simulation.cut("b", "a", one_way=True)
    caller.send("SET", "k", "v")
    other = Caller(simulation.host("client"), ("b", 6379))
    simulation.run_for(100)
    other.send("GET", "k")
    simulation.run_for(100)
    assert (other.said, follower.said) == (b"$1\r\nv\r\n", b"")
    simulation.heal("a", "b")
    simulation.run_for(100)
    assert follower.said == b"+OK\r\n"


def test_who_closes_hears_at_once_and_the_other_when_it_arrives():
    simulation = Simulation(1)
    a = simulation.server("a")
    caller = Caller(simulation.host("c"), ("a", 6379))
    simulation.run_for(10)
    simulation.cut("c", "a")
    caller.link.close()
    simulation.run_for(1000)
    assert (caller.gone, len(a.engine[Clients].listed)) == (True, 1)
    simulation.heal("c", "a")
    simulation.run_for(1)
    assert not a.engine[Clients].listed


def test_a_lie_is_what_arrives():
    simulation, follower, caller = world(1)
    simulation.tamper("a", "b", lambda data: data.replace(b"SET", b"GET"))
    caller.send("SET", "k", "v")
    simulation.run_for(100)
    assert follower.said.startswith(b"-ERR wrong number of arguments")


def test_what_is_lost_does_not_arrive():
    simulation, follower, caller = world(1)
    simulation.run_for(100)
    simulation.tamper("a", "b", lambda data: b"")
    caller.send("SET", "k", "v")
    simulation.run_for(1000)
    assert (follower.said, follower.link.pending()) == (b"", 0)


def test_nobody_listens():
    simulation = Simulation(1)
    caller = Caller(simulation.host("a"), ("b", 6379))
    assert simulation.run_until(lambda: caller.gone, 10)


def test_a_port_is_listened_on_once():
    simulation = Simulation(1)
    simulation.server("a")
    with raises(OSError, match="in use"):
        simulation.server("a")
    simulation.server("a", {"port": "6380"})


def test_a_port_may_change():
    simulation = Simulation(1)
    simulation.server("a")
    one = Caller(simulation.host("c"), ("a", 6379))
    one.send("CONFIG", "SET", "port", "7000")
    simulation.run_for(10)
    late, other = Caller(simulation.host("c"), ("a", 6379)), Caller(simulation.host("c"), ("a", 7000))
    other.send("PING")
    simulation.run_for(10)
    assert (one.said, late.gone, other.said) == (b"+OK\r\n", True, b"+PONG\r\n")


def test_servers_end_one_by_one():
    simulation = Simulation(1)
    a, b = simulation.server("a"), simulation.server("b")
    callers = [Caller(simulation.host("c"), (name, 6379)) for name in "ab"]
    simulation.run_for(10)
    callers[0].send("SHUTDOWN")
    simulation.run_for(10)
    assert [caller.gone for caller in callers] == [True, False]
    assert (a.asked_to_end, b.asked_to_end) == (True, False)
    callers[1].send("PING")
    simulation.run_for(10)
    assert callers[1].said == b"+PONG\r\n"


def test_who_does_not_read_is_dropped_at_his_limit():
    simulation = Simulation(1)
    a = simulation.server("a", {"client-output-buffer-limit": "pubsub 100000 0 0"})
    listener, talker = (Caller(simulation.host("c"), ("a", 6379)) for _ in range(2))
    listener.send("SUBSCRIBE", "c")
    simulation.run_for(10)
    listener.link.pause_reading()
    for _ in range(12):
        talker.send("PUBLISH", "c", "x" * 10_000)
    simulation.run_for(10)
    assert a.engine.stats.output_buffer_disconnections == 1
    assert listener.gone


@mark.parametrize("ms", [1, 1500])
def test_idle_clients_are_dropped_in_virtual_time(ms):
    simulation = Simulation(1)
    simulation.server("a", {"timeout": "1"})
    caller = Caller(simulation.host("c"), ("a", 6379))
    simulation.run_for(ms)
    assert caller.gone == (ms > 1000)


def engine_that_ended():
    """One that ran a script, which has a stack of its own."""
    simulation = Simulation(seed=1)
    server = simulation.server("a")
    caller = Caller(simulation.host("client"), ("a", 6379))
    caller.send("EVAL", "return 1", "0")
    assert simulation.run_until(lambda: caller.said == b":1\r\n", 1000)
    server.end(0)
    simulation.run_for(5)
    return weakref.ref(server.engine)


def test_a_server_that_has_ended_is_not_kept():
    engine = engine_that_ended()
    gc.collect()
    assert engine() is None
