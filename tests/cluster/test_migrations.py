"""MIGRATE in a world where links are cut: what is moved is here, or there, or in both places, and never in none.

`PYREDIS_EXAMPLES=5000 pytest tests/cluster/test_migrations.py` runs so many worlds.
"""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from pytest import fixture, mark

from pyredis.cluster.migrations import Migrations
from pyredis.cluster.target_links import TargetLinks
from pyredis.engine.execution import gates
from pyredis.engine.execution.pause import Pause
from pyredis.replication.following import Following
from pyredis.testing import Caller, Simulation
from tests.machines import sequences

KEYS = [f"k{number}" for number in range(30)]


WORLDS = []


@fixture(autouse=True)
def worlds_end():
    yield
    while WORLDS:
        WORLDS.pop().end()


class World:
    """Servers `a` and `b`, and who talks to `a`."""

    def __init__(self, seed=1, *names):
        self.simulation = Simulation(seed)
        self.servers = {name: self.simulation.server(name) for name in ("a", "b", *names)}
        self.caller = self.call("client")
        WORLDS.append(self)

    def end(self):
        for server in self.servers.values():
            server.shut_down(force=True, now=True)
        self.run(1000)

    def call(self, host, server="a"):
        return Caller(self.simulation.host(host), (server, 6379))

    def migrate(self, *keys, timeout=1000, options=(), to="b"):
        self.caller.send("MIGRATE", to, 6379, "", 0, timeout, *options, "KEYS", *keys)

    def fill(self):
        for key in KEYS:
            self.caller.send("SET", key, f"value of {key}")
        self.simulation.run_for(10)
        self.caller.said = b""

    def run(self, ms):
        self.simulation.run_for(ms)

    def answered(self, text, within=10):
        assert self.simulation.run_until(lambda: self.caller.said == text, within), self.caller.said
        self.caller.said = b""

    def value(self, server, key):
        return self.servers[server].engine.keyspace.databases[0].peek(key.encode())

    def keys(self, server):
        return {key.decode() for key in self.servers[server].engine.keyspace.databases[0].table}


def test_keys_go_in_one_round_trip():
    world = World()
    world.fill()
    world.migrate(*KEYS)
    world.answered(b"+OK\r\n", within=6)  # to the client and back, a connection, a request and its replies
    assert (world.keys("a"), world.keys("b")) == (set(), set(KEYS))
    world.caller.send("SET", "more", 1)
    world.migrate("more")
    world.run(2)
    world.answered(b"+OK\r\n+OK\r\n", within=2)  # the connection is there


def test_writes_wait_and_are_not_lost():
    world = World()
    world.fill()
    world.simulation.delay("a", "b", 100)
    other = world.call("other")
    world.migrate("k0")
    world.run(10)
    for words in (("SET", "k0", "later"), ("GET", "k0"), ("SET", "k1", "later")):
        other.send(*words)
    reader = world.call("reader")
    reader.send("GET", "k0")
    world.run(10)
    assert reader.said == b"$11\r\nvalue of k0\r\n"  # until the target has answered
    assert other.said == b""
    world.answered(b"+OK\r\n", within=500)
    world.run(10)
    assert other.said == b"+OK\r\n$5\r\nlater\r\n+OK\r\n"
    assert world.value("b", "k0") == b"value of k0"


def test_nothing_expires_meanwhile():
    world = World()
    world.caller.send("SET", "k0", "v", "PX", 300)
    world.caller.send("SET", "k1", "v", "PX", 30)
    world.simulation.delay("a", "b", 100)
    world.run(10)
    world.caller.said = b""
    world.migrate("k0", "k1")
    world.run(150)  # connected, sent
    assert len(world.keys("a")) == 2
    world.answered(b"+OK\r\n", within=1000)
    world.run(300)
    assert world.keys("a") == world.keys("b") == set()


def test_two_at_once_take_turns():
    world = World(1, "c")
    world.fill()
    others = [world.call(f"other{number}") for number in range(5)]
    for number, other in enumerate(others):
        other.send("MIGRATE", "bc"[number % 2], 6379, f"k{number}", 0, 1000)
    world.run(50)
    assert [other.said for other in others] == [b"+OK\r\n"] * 5
    assert world.keys("b") == {"k0", "k2", "k4"}
    assert world.keys("c") == {"k1", "k3"}


def test_a_target_behind_a_cut_is_given_up():
    world = World()
    world.fill()
    world.simulation.cut("a", "b")
    world.migrate("k0", timeout=100)
    world.answered(b"-IOERR error or timeout connecting to the client\r\n", within=110)
    world.simulation.heal("a", "b")
    world.migrate("k0")
    world.answered(b"+OK\r\n")
    world.simulation.cut("a", "b")
    world.migrate("k1", timeout=100)
    world.answered(b"-IOERR error or timeout writing to target instance\r\n", within=110)  # here nothing takes it


def test_a_server_that_becomes_a_replica_deletes_nothing():
    world = World(1, "c")
    world.fill()
    world.simulation.delay("a", "b", 100)
    world.migrate("k0")
    world.run(250)
    other = world.call("other")
    other.send("REPLICAOF", "nowhere", 6379)
    world.run(20)
    assert world.servers["a"].engine[Following].master == ("nowhere", 6379)
    text = b"-ERR The server's part changed meanwhile: no key that was migrated is deleted\r\n"
    world.answered(text, within=1000)
    assert "k0" in world.keys("a")


def test_a_writable_replica_may_migrate():
    world = World(1, "c")
    world.fill()
    engine = world.servers["a"].engine
    engine.config.set_many([(b"replica-read-only", b"no")])
    engine[Following].follow(("nowhere", 6379))
    world.migrate("k0")
    world.answered(b"+OK\r\n")
    assert "k0" not in world.keys("a")


def test_a_server_that_ends_in_the_middle_keeps_its_keys():
    world = World()
    world.fill()
    world.simulation.delay("a", "b", 100)
    world.migrate("k0")
    world.run(250)
    world.servers["a"].shut_down(force=True)
    world.run(1000)
    assert world.caller.gone
    assert "k0" in world.keys("a")


def test_the_other_purposes_of_a_pause_are_left_alone():
    world = World()
    world.fill()
    other = world.call("other")
    other.send("CLIENT", "PAUSE", 300, "WRITE")
    world.run(10)
    world.migrate("k0")
    world.run(100)
    assert world.caller.said == b""  # it is a write
    world.answered(b"+OK\r\n", within=250)
    world.simulation.delay("a", "b", 100)
    world.migrate("k1")
    world.run(10)
    other.send("CLIENT", "PAUSE", 2000, "WRITE")
    world.answered(b"+OK\r\n", within=1000)
    assert world.servers["a"].engine[Pause].active
    other.send("CLIENT", "UNPAUSE")
    world.run(10)
    assert not world.servers["a"].engine[Pause].active


@mark.parametrize("lies", [b"", b"-", b"+OK\r\n" * 5, b"\0", b":1\r\n"], ids=repr)
def test_lies_end_it(lies):
    world = World()
    world.fill()
    world.simulation.tamper("b", "a", lambda data: lies)
    world.migrate("k0", timeout=100)
    assert world.simulation.run_until(lambda: world.caller.said, 300)
    quiet(world)
    assert world.keys("a") | world.keys("b") == set(KEYS)


def quiet(world):
    """Nothing of it is left."""
    engine = world.servers["a"].engine
    assert engine[Migrations].current is None
    assert not engine.gates & gates.PAUSED
    assert all(link.user is None for link in engine[TargetLinks]._links.values())


@mark.slow
@sequences(40)
@given(seed=st.integers(0, 1 << 32))
def test_whatever_happens_to_the_link_no_key_is_lost(seed):
    world, random = World(seed), Random(seed)
    simulation, writer = world.simulation, world.call("writer")
    world.fill()
    simulation.delay("a", "b", random.randint(0, 20), jitter=random.randint(0, 30))
    asked, written = 0, {}
    for step in range(60):
        what = random.random()
        if what < 0.35:
            world.migrate(
                *random.sample(KEYS, random.randint(1, 6)), timeout=random.choice((1, 20, 100)), options=["REPLACE"]
            )
            asked += 1
        elif what < 0.6:
            key = random.choice(KEYS)
            writer.send("SET", key, f"{step}")
            written[key] = f"{step}"
        elif what < 0.7:
            simulation.cut("a", "b", one_way=random.random() < 0.3)
        elif what < 0.75:
            simulation.cut("b", "a", one_way=True)
        elif what < 0.9:
            simulation.heal("a", "b")
        elif what < 0.95:
            world.servers["b"].engine.config.set_many([(b"maxmemory", random.choice((b"1", b"0")))])
        run = random.choice((0, 1, 5, 30, 150))
        simulation.run_for(run)
        assert world.keys("a") | world.keys("b") == set(KEYS)
    simulation.heal("a", "b")
    assert simulation.run_until(lambda: world.caller.said.count(b"\r\n") == asked, 60_000), world.caller.said
    assert simulation.run_until(lambda: writer.said.count(b"\r\n") == writer.said.count(b"+OK"), 1000)
    simulation.run_for(1000)
    quiet(world)
    assert world.keys("a") | world.keys("b") == set(KEYS)
    for key, value in written.items():
        assert value.encode() in (world.value("a", key), world.value("b", key)), key
    world.end()
