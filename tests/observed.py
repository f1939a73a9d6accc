"""An engine of its own under a clock that tests move: its events, what it propagates, its changes."""

import shlex

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.dispatch import execute
from pyredis.engine.execution.propagation import LOG, Propagation
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients
from pyredis.protocol.parser import RequestParser

START_MS = 1_000_000


class Observed:
    """Calling it with a command line gives (changes, names of events, commands propagated)."""

    def __init__(self, clock=None):
        self.clock = clock or ManualClock(START_MS)
        self.engine = build_engine(clock=self.clock, seed=1)
        self.events = []
        self.sent = []
        self.engine.keyspace.observe(self._note)
        overhear(self.engine, lambda argv: self.sent.append(b" ".join(argv).decode()))
        self.client = self.engine[Clients].connect()

    def _note(self, db, key, event):
        if event.name and event.kind not in "oc":  # what was overwritten is test_notifications.py's
            self.events.append(event.name.decode())

    def __call__(self, line):
        self.events.clear()
        self.sent.clear()
        before = self.engine.keyspace.dirty
        self.line(line)
        return self.engine.keyspace.dirty - before, self.events, self.sent

    def line(self, line):
        """The raw reply."""
        self.engine.tick()
        run(self.engine, self.client, [words(line)])
        reply = b"".join(self.client.out)
        self.client.out.clear()
        return reply

    def value(self, line):
        """The reply as a value."""
        self.engine.tick()
        return execute(self.engine, self.client, words(line))


def overhear(engine, note):
    """Call `note` with each command that propagates, but SELECT."""
    parser = RequestParser()

    def read(data):
        for argv in parser.feed(data):
            if argv[0] != b"SELECT":
                note(argv)

    engine[Propagation].listen(read, LOG)


def words(line):
    return [word.encode() for word in shlex.split(line)]


def ask(client, *lines):
    """Run command lines as one read of `client`: the raw replies."""
    client.engine.tick()
    run(client.engine, client, [[word.encode() for word in shlex.split(line)] for line in lines])
    reply = b"".join(client.out)
    client.out.clear()
    return reply
