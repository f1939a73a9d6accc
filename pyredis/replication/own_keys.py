"""Keys with an expiry that a writable replica's own clients gave them: no master says when those go.

A replica leaves what expires to its master, which knows nothing of what is written here (`replica-read-only no`). So
keys that are given an expiry while no command of the master runs are noted, and deleted when their time has come.
"""

from typing import TYPE_CHECKING

from pyredis.datatypes.deadlines import Deadlines
from pyredis.keyspace.active_expiry import ActiveExpiry
from pyredis.keyspace.database import HIDE, Database
from pyredis.persistence.dataset import Dataset

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

_AT_ONCE = 1000


class OwnKeys:
    """A component."""

    def __init__(self, engine: "Engine") -> None:
        self._space = engine.keyspace
        self._active = engine[ActiveExpiry]
        self._due: dict[int, Deadlines] = {}  # by database
        engine[Dataset].on_replaced.append(self._due.clear)
        engine.cron_steps.append(self._expire)

    def update(self, *, replica: bool, writable: bool) -> None:
        """What this server is may have changed."""
        self._space.on_expiry_set = self._note if replica and writable else None
        if not replica:
            self._due.clear()

    def _note(self, db: Database, key: bytes, when: int) -> None:
        if self._space.view == HIDE:
            self._due.setdefault(db.index, Deadlines()).set(key, when)

    def _expire(self) -> None:
        if not self._due or not self._active.enabled or self._space.view != HIDE:
            return
        now = self._space.now
        for index, deadlines in self._due.items():
            db = self._space.databases[index]
            for key in deadlines.take_overdue(now, _AT_ONCE):
                when = db.expire_time(key)
                if when is not None and when < now:  # else it was written anew since
                    db.expire(key)
