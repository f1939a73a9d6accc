"""What MULTI queues on a client."""

from itertools import islice
from typing import NamedTuple

from pyredis.engine.command_table.entry import Entry
from pyredis.protocol.parser import Argv


class Queued(NamedTuple):
    """A command waiting for EXEC."""

    entry: Entry
    argv: Argv


class Transaction:
    """The commands queued since MULTI; spoiled by one that could not be queued."""

    __slots__ = ("_measured", "queue", "spoiled")

    def __init__(self) -> None:
        self.queue: list[Queued] = []
        self.spoiled = False
        self._measured = 0, 0  # commands, and their bytes

    def add(self, entry: Entry, argv: Argv) -> None:
        """Queue a command."""
        self.queue.append(Queued(entry, argv))

    @property
    def size(self) -> int:
        """The bytes of the words queued."""
        count, size = self._measured
        size += sum(sum(map(len, one.argv)) for one in islice(self.queue, count, None))
        self._measured = len(self.queue), size
        return size

    def spoil(self) -> None:
        """EXEC will abort."""
        self.spoiled = True
