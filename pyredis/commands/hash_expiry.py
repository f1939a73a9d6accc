"""Fields of hashes that expire (Redis 7.4): setting, taking away and asking for their times.

What propagates does not depend on time: moments are absolute (`HPEXPIREAT`), and a field that is
given a moment in the past is deleted at once, as `HDEL`. Moments are ms since 1970, less than 2 ** 46.
"""

from collections.abc import Sequence

from pyredis.datatypes.hash import Hash
from pyredis.datatypes.numeric import INT64_MAX
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer, integer_between
from pyredis.engine.command_table.command import FAST, READONLY, WRITE, Keys, command
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import CommandError, invalid_expire
from pyredis.keyspace import events, hash_fields
from pyredis.keyspace.database import Database

_LAST_MOMENT = (1 << 46) - 1
SECOND = 1000  # ms
NO_FIELD, NO_EXPIRY = -2, -1
_NOT_MET, _UPDATED, _DELETED = 0, 1, 2

_FIELDS_MISSING = b"Mandatory argument FIELDS is missing or not at the right position"
_FIELDS_MISMATCH = b"The `numfields` parameter must match the number of arguments"
_BAD_COUNT = b"Number of fields must be a positive integer"


def fields_of(words: Sequence[bytes], error: bytes = _BAD_COUNT) -> Sequence[bytes]:
    """The fields of `FIELDS numfields field …`; `error` is the text for a wrong number."""
    if words[0].upper() != b"FIELDS":
        raise CommandError(_FIELDS_MISSING)
    if integer_between(words[1], 1, INT64_MAX, error) != len(words) - 2:
        raise CommandError(_FIELDS_MISMATCH)
    return words[2:]


def moment(word: bytes, unit: int, start: int, name: str) -> int:
    """The moment that a number of `unit` ms from `start` stands for. Raises Redis's errors."""
    number = integer(word)
    if number < 0:
        raise CommandError(b"invalid expire time, must be >= 0")
    if number * unit + start > _LAST_MOMENT:
        raise invalid_expire(name)
    return number * unit + start


def expire_now(ctx: Client, key: bytes, hash: Hash, fields: Sequence[bytes]) -> None:
    """Delete fields that were given a moment in the past; that propagates instead of the present command."""
    db = ctx.db
    for field in fields:
        hash.remove(field)
    db.space.expired_fields += len(fields)
    db.shrunk(key, hash, events.HDEL, len(fields))
    propagation = ctx.engine[Propagation]
    with propagation.transaction():
        for field in fields:
            propagation.send(db.index, (b"HDEL", key, field))
    ctx.rewritten = ()


# Setting times


def _may_expire(before: int | None, when: int, condition: bytes) -> bool:
    """Whether NX, XX, GT or LT let a field have another time; a field without one counts as living for ever."""
    if before is None:
        return condition not in (b"XX", b"GT")
    return not (
        condition == b"NX" or (condition == b"GT" and before >= when) or (condition == b"LT" and before <= when)
    )


def _expire(ctx: Client, key: bytes, words: tuple[bytes, ...], unit: int, *, relative: bool, name: str) -> list[int]:
    """HEXPIRE and its like: what became of each field."""
    db = ctx.db
    hash = db.take_as(key, Hash)
    now = db.space.now
    when = moment(words[0], unit, now if relative else 0, name)
    condition = words[1].upper()
    options: tuple[bytes, ...] = ()
    if condition in (b"NX", b"XX", b"GT", b"LT"):
        options = (words[1],)
    fields = fields_of(words[1 + len(options) :], b"Parameter `numFields` should be greater than 0")
    if hash is None:
        return [NO_FIELD] * len(fields)
    past = when <= now and not db.space.stores_past
    results = [_expire_field(hash, field, when, condition, past) for field in fields]
    updated = [field for field, result in zip(fields, results, strict=True) if result == _UPDATED]
    deleted = [field for field, result in zip(fields, results, strict=True) if result == _DELETED]
    if deleted:
        expire_now(ctx, key, hash, deleted)
    elif updated:
        db.fields_change(key, hash)
        db.changed(key, events.HEXPIRE, len(updated))
        command = ctx.argv[0] if unit == 1 and not relative else b"HPEXPIREAT"
        ctx.rewritten = (
            *(command, key, b"%d" % when, *options),
            *(words[1 + len(options)], b"%d" % len(updated), *updated),
        )
    return results


def _expire_field(hash: Hash, field: bytes, when: int, condition: bytes, past: bool) -> int:
    deadlines = hash.with_deadlines()
    if field not in hash.fields:
        return NO_FIELD
    if not _may_expire(deadlines.get(field), when, condition):
        return _NOT_MET
    if past:
        hash.remove(field)
        return _DELETED
    hash.expire_at(field, when)
    return _UPDATED


@command(
    "HEXPIRE",
    flags=WRITE | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW update")],
)
def hexpire(
    ctx: Client, key: bytes, seconds: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes
) -> list[int]:
    """HEXPIRE key seconds [NX | XX | GT | LT] FIELDS <numfields field [field ...]>

    Lets fields expire after some seconds.
    """
    return _expire(ctx, key, (seconds, word, numfields, field, *words), SECOND, relative=True, name="hexpire")


@command(
    "HPEXPIRE",
    flags=WRITE | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW update")],
)
def hpexpire(
    ctx: Client, key: bytes, milliseconds: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes
) -> list[int]:
    """HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS <numfields field [field ...]>

    Lets fields expire after some milliseconds.
    """
    return _expire(ctx, key, (milliseconds, word, numfields, field, *words), 1, relative=True, name="hpexpire")


@command(
    "HEXPIREAT",
    flags=WRITE | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW update")],
)
def hexpireat(
    ctx: Client, key: bytes, seconds: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes
) -> list[int]:
    """HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS <numfields field [field ...]>

    Lets fields expire at a moment in seconds since 1970.
    """
    return _expire(ctx, key, (seconds, word, numfields, field, *words), SECOND, relative=False, name="hexpireat")


@command(
    "HPEXPIREAT",
    flags=WRITE | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW update")],
)
def hpexpireat(
    ctx: Client, key: bytes, milliseconds: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes
) -> list[int]:
    """HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS <numfields field [field ...]>

    Lets fields expire at a moment in milliseconds since 1970.
    """
    return _expire(ctx, key, (milliseconds, word, numfields, field, *words), 1, relative=False, name="hpexpireat")


@command(
    "HPERSIST",
    flags=WRITE | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW update")],
)
def hpersist(ctx: Client, key: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes) -> list[int]:
    """HPERSIST key FIELDS <numfields field [field ...]>

    Takes the expiry of fields away.
    """
    hash = ctx.db.take_as(key, Hash)
    fields = fields_of((word, numfields, field, *words))
    if hash is None:
        return [NO_FIELD] * len(fields)
    results = [_persist_field(ctx.db, hash, field) for field in fields]
    if 1 in results:
        ctx.db.changed(key, events.HPERSIST)
    return results


def _persist_field(db: Database, hash: Hash, field: bytes) -> int:
    if not hash_fields.has(db, hash, field):
        return NO_FIELD
    return 1 if hash.persist(field) else NO_EXPIRY


# Asking for times


def _times(ctx: Client, key: bytes, words: tuple[bytes, ...], *, relative: bool, in_seconds: bool) -> list[int]:
    """HTTL and its like, for each field."""
    hash = ctx.db.get_as(key, Hash)
    fields = fields_of(words)
    if hash is None:
        return [NO_FIELD] * len(fields)
    start = ctx.db.space.now if relative else 0
    results: list[int] = []
    for field in fields:
        when = hash.deadlines.get(field) if hash.deadlines is not None else None
        if not hash_fields.has(ctx.db, hash, field):
            results.append(NO_FIELD)
        elif when is None:
            results.append(NO_EXPIRY)
        else:
            results.append((when - start + 999) // SECOND if in_seconds else when - start)
    return results


@command(
    "HTTL",
    flags=READONLY | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def httl(ctx: Client, key: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes) -> list[int]:
    """HTTL key FIELDS <numfields field [field ...]>

    Answers in how many seconds fields expire; -1 for never, -2 for no such field.
    """
    return _times(ctx, key, (word, numfields, field, *words), relative=True, in_seconds=True)


@command(
    "HPTTL",
    flags=READONLY | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def hpttl(ctx: Client, key: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes) -> list[int]:
    """HPTTL key FIELDS <numfields field [field ...]>

    Answers in how many milliseconds fields expire; -1 for never, -2 for no such field.
    """
    return _times(ctx, key, (word, numfields, field, *words), relative=True, in_seconds=False)


@command(
    "HEXPIRETIME",
    flags=READONLY | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RO access")],
)
def hexpiretime(ctx: Client, key: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes) -> list[int]:
    """HEXPIRETIME key FIELDS <numfields field [field ...]>

    Answers when fields expire, in seconds since 1970; -1 for never, -2 for no such field.
    """
    return _times(ctx, key, (word, numfields, field, *words), relative=False, in_seconds=True)


@command(
    "HPEXPIRETIME",
    flags=READONLY | FAST,
    group="hash",
    since="7.4.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RO access")],
)
def hpexpiretime(ctx: Client, key: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes) -> list[int]:
    """HPEXPIRETIME key FIELDS <numfields field [field ...]>

    Answers when fields expire, in milliseconds since 1970; -1 for never, -2 for no such field.
    """
    return _times(ctx, key, (word, numfields, field, *words), relative=False, in_seconds=False)
