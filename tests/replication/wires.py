"""What stands between a replica and its master, and what only says that it is one: for faults of every kind.

All of it runs in a `Simulation`. A `Wire` passes on what both say, and may cut, split or delay it; a `Liar` answers in
a master's place; `Watched` is a pair of servers whose logs and whose every place in the stream are looked at.
"""

import logging

from pyredis.engine.client import NullSink
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients
from pyredis.keyspace.digest import digest_of_dataset
from pyredis.persistence.dataset_loading import Loading
from pyredis.protocol.parser import RequestParser
from pyredis.replication.following import Following
from pyredis.replication.master_link import Phase
from pyredis.testing import Simulation

PORT = 6379
TO_REPLICA, TO_MASTER = "to the replica", "to the master"


class Side:
    """A `Peer` that knows its link."""

    def __init__(self):
        self.link = None
        self.is_gone = False

    def connected(self, link):
        self.link = link

    def received(self, data):
        pass

    def congested(self):
        pass

    def writable(self):
        pass

    def lost(self, error):
        self.is_gone = True


class WireEnd(Side):
    def __init__(self, wire, direction, other=None):
        super().__init__()
        self.wire, self.direction, self.other = wire, direction, other
        self.unsent = []

    def connected(self, link):
        super().connected(link)
        if self.other is None:
            self.other = WireEnd(self.wire, TO_REPLICA, self)
            self.wire.host.dial(self.wire.master, self.other)
        for data in self.unsent:
            link.write(data)

    def write(self, data):
        if self.link is None:
            self.unsent.append(data)
        else:
            self.link.write(data)

    def received(self, data):
        self.wire.carry(self, data)

    def lost(self, error):
        super().lost(error)
        if self.other is not None and self.other.link is not None:
            self.other.link.close()


class Wire:
    """Listens as host `wire` and passes on to `master`. `passed` counts bytes by direction.

    It is cut, both ways, once `cut_at` = (direction, bytes) have passed; `pieces` is how many bytes arrive at once.
    """

    def __init__(self, simulation, master=("m", PORT), *, cut_at=None, pieces=0):
        self.host = simulation.host("wire")
        self.master = master
        self.cut_at, self.pieces = cut_at, pieces
        self.passed = {TO_REPLICA: 0, TO_MASTER: 0}
        self.was_cut = False
        simulation.listening[f"wire:{PORT}"] = lambda: WireEnd(self, TO_MASTER)

    def carry(self, end, data):
        direction, before = end.direction, self.passed[end.direction]
        self.passed[direction] += len(data)
        if self.cut_at is not None and self.cut_at[0] == direction and self.passed[direction] >= self.cut_at[1]:
            end.other.write(data[: self.cut_at[1] - before])
            self.cut_at, self.was_cut = None, True
            self.host.at(self.host.now + 2, lambda: self.cut(end))
            self.silent = end
        elif not self.was_cut or self.silent not in (end, end.other):
            for at in range(0, len(data), self.pieces or len(data)):
                end.other.write(data[at : at + (self.pieces or len(data))])

    @staticmethod
    def cut(end):
        for one in (end, end.other):
            if one.link is not None:
                one.link.abort()


class Liar(Side):
    """Answers a replica's commands as a master would, but for `lies`: by command, what it says instead.

    That is bytes, or a list of pieces; to ACK it lies only once.

    `sent` counts its bytes; `heard` are the commands that came.
    """

    def __init__(self, lies):
        super().__init__()
        self.lies = {b"PING": b"+PONG\r\n", b"REPLCONF": b"+OK\r\n", **lies}
        self.parser = RequestParser()
        self.heard = []
        self.sent = 0

    def received(self, data):
        for argv in self.parser.feed(data):
            self.heard.append(argv)
            is_ack = argv[:2] == [b"REPLCONF", b"ACK"]
            self.say(self.lies.pop(b"ACK", b"") if is_ack else self.lies.get(argv[0].upper(), b""))

    def say(self, answer):
        for piece in [answer] if isinstance(answer, bytes) else answer:
            self.sent += len(piece)
            self.link.write(piece)


class Taking(NullSink):
    """A client's sink that keeps what is written."""

    address = "10.0.0.1:5000"

    def __init__(self):
        self.taken = b""

    def write(self, data):
        self.taken += data


class Kept(logging.Handler):
    """What a server logs."""

    def __init__(self, log):
        super().__init__(logging.DEBUG)
        self.records = []
        log.addHandler(self)
        log.setLevel(logging.INFO)

    def emit(self, record):
        self.records.append(record)

    @property
    def lines(self):
        return [record.getMessage() for record in self.records]

    @property
    def warnings(self):
        return [record.getMessage() for record in self.records if record.levelno >= logging.WARNING]

    @property
    def failures(self):
        """Errors of the program itself."""
        return [record for record in self.records if record.exc_info]


class Watched:
    """A master `m` and replicas of it; `places` is what the master's dataset was at each place of its stream."""

    def __init__(self, folder, seed=1, **parameters):
        self.folder = folder
        self.simulation = Simulation(seed)
        self.parameters = {"repl_diskless_sync_delay": "0", "repl_timeout": "5", "repl_ping_replica_period": "1"}
        self.parameters |= parameters
        self.master = self.server("m")
        self.places = {}
        self.count = 0

    def server(self, name, **parameters):
        given = {"dir": str(self.folder), "dbfilename": f"{name}.rdb", **self.parameters, **parameters}
        server = self.simulation.server(name, {key.replace("_", "-"): value for key, value in given.items()})
        server.kept = Kept(server.engine.log)
        server.client = server.engine[Clients].connect()
        return server

    def replica(self, master="m", **parameters):
        """A new replica of it, which has nothing."""
        self.count += 1
        return self.server(f"r{self.count}", replicaof=f"{master} {PORT}", **parameters)

    def lie(self, liar):
        """Who connects to the master next finds the liar there."""
        place = f"m:{PORT}"
        listening = self.simulation.listening
        honest = listening[place]

        def accept():
            listening[place] = honest
            return liar

        listening[place] = accept
        return liar

    def run(self, *lines, server=None):
        """Commands, a line each; each place in the stream that they lead to is noted."""
        server = server or self.master
        engine = server.engine
        for line in lines:
            engine.tick()
            run(engine, server.client, [line.encode().split()])
            self.note()
        said = b"".join(server.client.out)
        server.client.out.clear()
        return said

    def start_over(self, *lines):
        """Another dataset at the master, while nobody follows it."""
        self.run("FLUSHALL", *lines)
        self.places.clear()
        self.note()

    def note(self):
        self.places[place(self.master)] = digest(self.master)

    def check(self, replica):
        """Where it is, its dataset is what the master's was there."""
        engine = replica.engine
        if engine[Following].is_whole and not engine[Loading].active and place(replica)[0] == place(self.master)[0]:
            before = [at for at in self.places if at[1] <= place(replica)[1]]  # PING and GETACK change nothing
            assert not before or digest(replica) == self.places[max(before, key=lambda at: at[1])], place(replica)

    def in_step(self, replica):
        following = replica.engine[Following]
        return following.phase is Phase.CONNECTED and place(replica) == place(self.master)

    def settle(self, replica, ms=60_000):
        """Let time pass until they are in step, and look at every moment of it."""

        def reached():
            self.check(replica)
            return self.in_step(replica)

        assert self.simulation.run_until(reached, ms), (replica.kept.lines[-20:], place(replica), place(self.master))
        assert digest(replica) == digest(self.master)

    def end(self, server):
        server.end(0)
        self.simulation.run_for(5)


def place(server):
    propagation = server.engine[Propagation]
    return propagation.id, propagation.offset


def digest(server):
    return digest_of_dataset(server.engine.keyspace)
