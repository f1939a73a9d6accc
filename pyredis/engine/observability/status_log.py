"""Every five seconds the log says how many keys and clients there are, if it is told so much: the lines of Redis.

Their "slots" are the entries of the keyspace's directory.
"""

import logging
from typing import TYPE_CHECKING

from pyredis.engine.execution.roles import REPLICA
from pyredis.engine.memory.used_memory import Memory
from pyredis.engine.roster import Clients
from pyredis.log_levels import VERBOSE

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

PERIOD_MS = 5000
_FIRST_MS = 500  # behind the lines of a start


class StatusLog:
    """A component."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._next = engine.keyspace.now + _FIRST_MS
        engine.cron_steps.append(self._cron)

    def _cron(self) -> None:
        engine = self._engine
        if engine.keyspace.now < self._next:
            return
        self._next = engine.keyspace.now + PERIOD_MS
        log = engine.log
        if log.isEnabledFor(VERBOSE):
            for db in engine.keyspace.databases:
                if len(db):
                    counts = db.index, len(db), len(db.expires), len(db.table.directory)
                    log.log(VERBOSE, "DB %d: %d keys (%d volatile) in %d slots HT.", *counts)
        if log.isEnabledFor(logging.DEBUG):
            clients = engine[Clients].listed.values()
            replicas = sum(one.role is REPLICA for one in clients)
            text = "%d clients connected (%d replicas), %d bytes in use"
            log.debug(text, len(clients) - replicas, replicas, engine[Memory].used())
