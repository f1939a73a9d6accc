"""Engines without a server, on a disk of the test's: started, given commands, stopped and started again."""

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients
from pyredis.keyspace.digest import digest_of_dataset
from pyredis.persistence.append_log import AppendLog
from pyredis.persistence.background import Background
from pyredis.persistence.dataset_loading import Loading


def engine_on(disk, folder, clock=None, **parameters):
    """An engine that has loaded what the disk holds. Raises LoadingFailed."""
    config = Config()
    given = {"appendonly": "yes", "appendfsync": "always", **parameters}
    lines = [f"{name.replace('_', '-')} {value}" for name, value in given.items()]
    config.load_lines("\n".join([f'dir "{folder}"', *lines]), None)
    engine = build_engine(config, clock=clock or ManualClock(), seed=1, disk=disk)
    engine[Background].forks_allowed = False
    engine[Loading].run(engine[Loading].at_start())
    return engine


class Session:
    """A client whose replies leave, as those of a connection do, only when the log was written."""

    def __init__(self, engine):
        self.engine = engine
        self.client = engine[Clients].connect()

    def __call__(self, *words):
        """The raw reply to one command."""
        return self.send([words])

    def send(self, commands):
        argvs = [[word if isinstance(word, bytes) else str(word).encode() for word in words] for words in commands]
        run(self.engine, self.client, argvs)
        for step in self.engine.before_replies:
            step()
        reply = b"".join(self.client.out)
        self.client.out.clear()
        return reply


def digest(engine):
    return digest_of_dataset(engine.keyspace)


def log_of(engine):
    return engine[AppendLog]
