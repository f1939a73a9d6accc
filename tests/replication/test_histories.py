"""Whatever happens to a master, two replicas and a chain: who has as much of the same stream has the same data.

All of it runs in one process, on one virtual clock: writes of every kind, cuts, promotions, demotions, restarts from a
snapshot and without one, kills of connections. `PYREDIS_EXAMPLES=10000 pytest tests/replication/test_histories.py -n 2
--timeout 7200` runs so many; hypothesis prints the steps of a failure, and repeats it.
"""

import shutil
import tempfile
from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients
from pyredis.keyspace.digest import digest_of_dataset
from pyredis.persistence.dataset_loading import Loading
from pyredis.persistence.saving import Saving
from pyredis.replication.following import Following
from pyredis.replication.master_link import Phase
from pyredis.replication.replicas import Replicas
from pyredis.testing import Simulation
from tests.machines import sequences
from tests.observed import ask
from tests.replication.random_writes import RandomWrites

NAMES = ("a", "b", "c", "d")
PORT = 6379
nodes = st.sampled_from(NAMES)


def as_bytes(word):
    return word if isinstance(word, bytes) else str(word).encode()


class Histories(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 1 << 32), load=st.sampled_from(["disabled", "on-empty-db", "swapdb"]))
    def begin(self, seed, load):
        self.folder = tempfile.mkdtemp()
        self.random = Random(seed)
        self.simulation = Simulation(seed)
        self.load = load
        self.writes = RandomWrites(seed, self.simulation.clock.now_ms())
        self.servers = {name: self._server(name) for name in NAMES}
        for name, master in (("b", "a"), ("c", "a"), ("d", "b")):
            self.follow(name, master)
        self.simulation.run_for(3000)

    def _server(self, name, master=None):
        config = {
            "dir": self.folder,
            "dbfilename": f"{name}.rdb",
            "repl-diskless-load": self.load,
            "repl-diskless-sync-delay": "0",
            "repl-backlog-size": "16384",
            "repl-timeout": "5",
            "repl-ping-replica-period": "1",
        }
        if master is not None:
            config["replicaof"] = f"{master} {PORT}"
        server = self.simulation.server(name, config)
        loading = server.engine[Loading]
        loading.begin(loading.at_start(), lambda failure: None)
        return server

    def engine(self, name):
        return self.servers[name].engine

    # What clients and operators do

    @rule(name=nodes, count=st.integers(1, 30))
    def write(self, name, count):
        engine = self.engine(name)
        client = engine[Clients].connect()
        engine.tick()
        is_replica = engine[Following].master is not None
        for words in self.writes.commands(count):
            if is_replica and words[0] == "PFCOUNT":
                continue  # it keeps what it counted in the value, as the real server's does
            run(engine, client, [[as_bytes(word) for word in words]])
            client.out.clear()
        engine[Clients].disconnect(client)

    @rule(ms=st.sampled_from([1, 3, 10, 100, 1000, 7000]))
    def wait(self, ms):
        self.simulation.run_for(ms)

    @rule(one=nodes, other=nodes, one_way=st.booleans())
    def cut(self, one, other, one_way):
        self.simulation.cut(one, other, one_way=one_way)

    @rule(one=nodes, other=nodes)
    def heal(self, one, other):
        self.simulation.heal(one, other)

    @rule(one=nodes, other=nodes, ms=st.sampled_from([1, 20, 300]))
    def delay(self, one, other, ms):
        self.simulation.delay(one, other, ms, jitter=ms)

    @rule(name=nodes)
    def promote(self, name):
        self._ask(name, "REPLICAOF NO ONE")

    @rule(name=nodes, master=nodes)
    def follow(self, name, master):
        if name != master:
            self._ask(name, f"REPLICAOF {master} {PORT}")

    @rule(name=nodes, kind=st.sampled_from(["master", "replica"]))
    def kill_connections(self, name, kind):
        self._ask(name, f"CLIENT KILL TYPE {kind}")

    def _ask(self, name, line):
        client = self.engine(name)[Clients].connect()
        ask(client, line)
        self.engine(name)[Clients].disconnect(client)

    @rule(name=nodes, saving=st.booleans())
    def restart(self, name, saving):
        """With a last snapshot, or with what an earlier one holds, if there is one."""
        server, engine = self.servers[name], self.engine(name)
        if saving and not engine[Loading].active:
            engine[Saving].save()
        master = engine[Following].master
        server.end(0)
        self.simulation.run_for(2)
        self.servers[name] = self._server(name, master and master[0])

    # What holds

    @invariant()
    def the_same_place_is_the_same_data(self):
        places = {}
        for name, server in getattr(self, "servers", {}).items():
            engine = server.engine
            if not engine[Loading].active and engine[Following].is_whole:
                place = engine[Propagation].id, engine[Propagation].offset
                digest = digest_of_dataset(engine.keyspace)
                other, expected = places.setdefault(place, (name, digest))
                assert digest == expected, f"{name} and {other} differ at {place}"

    def teardown(self):
        if not hasattr(self, "servers"):
            return
        for one in NAMES:
            for other in NAMES:
                self.simulation.heal(one, other)
                self.simulation.delay(one, other, 1)
        assert self.simulation.run_until(lambda: not any(map(self._is_loading, NAMES)), 120_000)
        self.promote("a")
        for name, master in (("b", "a"), ("c", "a"), ("d", "b")):
            self.follow(name, master)
        assert self.simulation.run_until(self._all_the_same, 120_000), self._state()
        self.the_same_place_is_the_same_data()
        for server in self.servers.values():
            server.end(0)
        self.simulation.run_for(2)
        shutil.rmtree(self.folder)

    def _is_loading(self, name):
        return self.engine(name)[Loading].active

    def _all_the_same(self):
        engines = [server.engine for server in self.servers.values()]
        places = {(one[Propagation].id, one[Propagation].offset) for one in engines}
        return len(places) == 1 and all(one[Following].phase is Phase.CONNECTED for one in engines[1:])

    def _state(self):
        return {
            name: (
                server.engine[Following].master,
                server.engine[Following].phase,
                server.engine[Propagation].id,
                server.engine[Propagation].offset,
                len(server.engine[Replicas].attached),
            )
            for name, server in self.servers.items()
        }


Histories.TestCase.settings = sequences(60)
test_histories = Histories.TestCase
