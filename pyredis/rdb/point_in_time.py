"""The dataset as it is now, for whoever writes it bit by bit while the server goes on: a snapshot without a fork.

The tables of keys are copied at once, some 45 ms for a million keys. Values are not: strings never change, and any
other is put into its written form before a command gets hold of it, for it may change it then. From then on the copy
holds that form in its place: one of the RDB version `newest`, as whoever writes it asks for. A value that moves to
another key is treated so too.
"""

from typing import Any

from pyredis.datatypes.table import Table
from pyredis.keyspace.database import Database, Keyspace
from pyredis.rdb.type_codes import PORTABLE_VERSION
from pyredis.rdb.value_writing import Written, write_value

_UNCHANGING = (bytes, int)


class FrozenDatabase:
    """A database as it was. It has what a writer of databases looks at."""

    __slots__ = ("expires", "fields_due", "index", "table")

    def __init__(self, db: Database) -> None:
        self.index = db.index
        self.table: Table[Any] = db.table.copy()
        self.expires = db.expires.copy()
        self.fields_due = db.fields_due

    def __len__(self) -> int:
        return self.table.count


class PointInTime:
    """All databases as they were when it was made, until `close`. One at a time for a keyspace."""

    def __init__(self, space: Keyspace, newest: int = PORTABLE_VERSION) -> None:
        self._space = space
        self._newest = newest
        self.databases = [FrozenDatabase(db) for db in space.databases]
        # By the table that was copied: a database may get another.
        self._copies = {
            id(db.table): (db.table, frozen.table) for db, frozen in zip(space.databases, self.databases, strict=True)
        }
        space.before_use = self._before_use
        space.update_access_hooks()

    def close(self) -> None:
        """Keep nothing any more."""
        self._space.before_use = None
        self._space.update_access_hooks()
        self._copies.clear()

    def _before_use(self, db: Database, key: bytes, value: Any) -> None:
        if value.__class__ in _UNCHANGING:
            return
        found = self._copies.get(id(db.table))
        if found is not None and found[1].get(key) is value:
            found[1].set(key, Written(*write_value(value, self._newest)))


AnyKeyspace = Keyspace | PointInTime
AnyDatabase = Database | FrozenDatabase
"""Both are written alike."""
