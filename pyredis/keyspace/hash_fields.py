"""The gate to fields of hashes: what is past its time is dealt with here, as the keyspace's view says.

A hash itself never forgets a field. Commands that name fields get them by `values`, which deletes those of them that
are overdue, in one step for all: one event, and an HDEL each for replicas. Commands that answer a whole hash get it by
`names` and `words`, which leave them out and delete nothing; HRANDFIELD has all deleted first (`drop_overdue`). So does
Redis 8.2, and HLEN counts what nobody has deleted. Where fields are hidden nothing is deleted, and where they are shown
nothing is overdue (`Keyspace.past`).
"""

from collections.abc import Sequence

from pyredis.datatypes.hash import Hash
from pyredis.keyspace import events
from pyredis.keyspace.database import DELETE, Database


def values(db: Database, key: bytes, hash: Hash, fields: Sequence[bytes]) -> list[bytes | None]:
    """The values of fields, None where there is none."""
    found, deadlines = hash.get_many(fields), hash.deadlines
    if deadlines is None or not deadlines.any_overdue(past := db.space.past):
        return found
    overdue = {field: None for field in fields if deadlines.is_overdue(field, past)}
    if not overdue:
        return found
    if db.space.view == DELETE:
        for field in overdue:
            hash.remove(field)
        _expired(db, key, hash, [*overdue])
    return [None if field in overdue else value for field, value in zip(fields, found, strict=True)]


def names(db: Database, hash: Hash) -> list[bytes]:
    """The fields of a hash, in Redis's order when small."""
    return hash.names(db.space.past)


def words(db: Database, hash: Hash) -> list[bytes]:
    """Field, value, field, value, …, in the order of `names`."""
    return hash.words(db.space.past)


def select(db: Database, hash: Hash, fields: list[bytes]) -> list[bytes]:
    """Those of the fields of a hash that are to be seen."""
    deadlines = hash.deadlines
    if deadlines is None:
        return fields
    past = db.space.past
    return [field for field in fields if not deadlines.is_overdue(field, past)]


def has(db: Database, hash: Hash, field: bytes) -> bool:
    """Whether a field is to be seen; it is deleted by nobody."""
    return field in hash.fields and not (hash.deadlines is not None and hash.deadlines.is_overdue(field, db.space.past))


def drop_overdue(db: Database, key: bytes, hash: Hash) -> None:
    """Delete every field whose time has passed, unless a master decides that."""
    if db.space.view == DELETE and (gone := hash.expire_overdue(db.space.now)):
        _expired(db, key, hash, gone)


def expire_some(db: Database, limit: int) -> int:
    """The active cycle's step for one hash: delete at most `limit` of its overdue fields; 0: no hash has any."""
    while db.fields_due is not None and (due := db.fields_due.take_overdue(db.space.now, 1)):
        key = due[0]
        value = db.table.get(key)
        if value.__class__ is not Hash:
            continue  # the key was overwritten
        gone = value.expire_overdue(db.space.now, limit)
        db.fields_change(key, value)
        if gone:
            _expired(db, key, value, gone, asked_for=False)
            return len(gone)
    return 0


def _expired(db: Database, key: bytes, hash: Hash, fields: list[bytes], *, asked_for: bool = True) -> None:
    """Fields were deleted because their time has passed, as one change if a command asked; an empty hash goes."""
    space = db.space
    space.expired_fields += len(fields)
    db.shrunk(key, hash, events.HEXPIRED, 0)
    if space.on_fields_expired is not None:
        for gone in (fields,) if asked_for else ([field] for field in fields):
            space.on_fields_expired(db, key, gone)
