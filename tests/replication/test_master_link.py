"""A replica that is paused hears its master, and applies nothing; what it does not read is no silence."""

import re

from pytest import mark

from pyredis.engine.roster import Clients
from pyredis.replication.following import Following
from pyredis.replication.master_link import Phase
from pyredis.testing import Simulation
from tests.observed import ask
from tests.oracle import ask as ask_port
from tests.oracle import wait_for
from tests.processes import starter

QUIET = {"repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1000"}


class Pair:
    def __init__(self, folder, **config):
        self.simulation = Simulation(1)
        options = QUIET | {"dir": str(folder)} | {key.replace("_", "-"): value for key, value in config.items()}
        self.master, self.replica = (
            self.simulation.server(name, options | {"dbfilename": f"{name}.rdb"}) for name in "mr"
        )
        self.clients = {server: server.engine[Clients].connect() for server in (self.master, self.replica)}
        self(self.replica, "REPLICAOF m 6379")
        self.simulation.run_for(3000)
        assert self.phase is Phase.CONNECTED

    def __call__(self, server, *lines):
        server.engine.tick()
        return ask(self.clients[server], *lines)

    @property
    def phase(self):
        return self.replica.engine[Following].phase

    def offsets(self):
        """The master's, and how much of it the replica has read and applied."""
        master, replica = (self(one, "INFO replication").decode() for one in (self.master, self.replica))
        found = [
            re.search(rf"{name}:(\d+)", text)
            for name, text in (
                ("master_repl_offset", master),
                ("slave_read_repl_offset", replica),
                ("slave_repl_offset", replica),
            )
        ]
        return tuple(int(one[1]) for one in found)


def test_what_a_pause_holds_back_has_been_read(tmp_path):
    pair = Pair(tmp_path)
    before = pair.offsets()
    assert len(set(before)) == 1
    pair(pair.replica, "CLIENT PAUSE 100000 WRITE")
    for _ in range(3):
        pair(pair.master, "INCR n")
        pair.simulation.run_for(100)
    sent, read, applied = pair.offsets()
    assert sent == read > applied == before[0]
    pair(pair.replica, "CLIENT UNPAUSE")
    pair.simulation.run_for(100)
    assert pair.offsets() == (sent, sent, sent)
    assert pair(pair.replica, "GET n") == b"$1\r\n3\r\n"


@mark.parametrize("size", [10, 100_000])
def test_a_long_pause_ends_no_connection(tmp_path, size):
    pair = Pair(tmp_path, repl_timeout="5", repl_ping_replica_period="1")
    link = pair.replica.engine[Following].link
    pair(pair.replica, "CLIENT PAUSE 20000 WRITE")
    for at in range(3):
        pair(pair.master, f"SET k{at} {'v' * size}")
        pair.simulation.run_for(5000)
    sent, _, applied = pair.offsets()
    assert sent > applied
    assert pair.phase is Phase.CONNECTED
    pair.simulation.run_for(10_000)
    assert pair.replica.engine[Following].link is link
    assert pair(pair.replica, "STRLEN k2") == b":%d\r\n" % size


@mark.slow
@mark.parametrize(("source", "seen"), [("127.0.0.2", b"127.0.0.2"), ("192.0.2.1", b"127.0.0.1"), ("", b"127.0.0.1")])
def test_a_master_is_dialled_from_the_address_asked_for(tmp_path, source, seen):
    """Where that is not ours, from any, like Redis."""
    with starter("--save", "", "--dir", str(tmp_path), "--repl-diskless-sync-delay", "0") as start:
        (master, _), (replica, _) = start(), start("--bind-source-addr", source)
        ask_port(replica, "REPLICAOF", "127.0.0.1", str(master))
        wait_for(lambda: b"slave0:ip=" in ask_port(master, "INFO", "replication"))
        assert b"slave0:ip=%b," % seen in ask_port(master, "INFO", "replication")
