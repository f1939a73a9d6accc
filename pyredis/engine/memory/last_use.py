"""When any key was used last, though nothing is kept of single keys: for an OBJECT IDLETIME that is the first.

Commands count their calls anyway. Cron adds these up, and where the sum has changed since it looked before, something
was used meanwhile. So it costs a command nothing, and a key that nobody used is known to be idle for as long as all
are: on a server that rests, since that key was made or used; on a busy one, hardly at all.
"""

from pyredis.engine.command_table.command import READONLY, WRITE
from pyredis.engine.command_table.entry import Entry
from pyredis.engine.engine import Engine
from pyredis.keyspace.access import Access

_QUIET = {"ttl", "pttl", "expiretime", "pexpiretime", "type", "exists", "scan", "keys", "randomkey", "dbsize", "move"}
"""Commands on keys that do not count as a use, beside those about keys: OBJECT and MEMORY USAGE."""


class LastUse:
    """`when` any key was used last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._entries: list[Entry] = []
        self._names = 0  # under which rows were found until now
        self._uses = 0
        self._when = engine.keyspace.now
        engine.cron_steps.append(self._look)
        engine[Access].last_use = self.when

    def when(self) -> int:
        """When at the latest, ms since 1970; to the tenth of a second that cron takes."""
        self._look()
        return self._when

    def _look(self) -> None:
        if len(self._engine.entries) != self._names:
            self._names = len(self._engine.entries)
            self._entries = [entry for entry in self._engine.rows() if _uses_keys(entry)]
        # What a master or a log sends is in no entry's count, but in that of changes.
        uses = sum(entry.calls - entry.untouching for entry in self._entries) + self._engine.keyspace.dirty
        if uses != self._uses:
            self._uses = uses
            self._when = self._engine.keyspace.now


def _uses_keys(entry: Entry) -> bool:
    command = entry.command
    if entry.subentries or command.container or command.name in _QUIET:
        return False
    return bool(command.flags & (READONLY | WRITE))
