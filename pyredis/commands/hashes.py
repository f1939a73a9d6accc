"""Hashes: fields and values.

Fields whose time has passed are dealt with by `keyspace.hash_fields`; HLEN counts them until somebody deletes them.
Setting a field takes its time away, incrementing does not. The times themselves are in `hash_expiry`.
"""

from collections.abc import Sequence

from pyredis.commands.scanning import EMPTY, ScanOptions, ScanReply, read_cursor, reply
from pyredis.datatypes.hash import Hash, interleaved
from pyredis.datatypes.numeric import (
    INT64_MAX,
    INT64_MIN,
    LongDouble,
    add_long_double,
    format_long_double,
    parse_int,
    parse_long_double,
)
from pyredis.datatypes.sampling import MOST_DRAWS, draws, pick, sample
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import NOT_A_FLOAT, OUT_OF_RANGE, OVERFLOW, CommandError, syntax_error, wrong_arity
from pyredis.keyspace import events, hash_fields
from pyredis.keyspace.events import Event
from pyredis.protocol.replies import NO_REPLY, OK, FlatMap, NoReply, Pairs, Status


def read(ctx: Client, key: bytes, fields: Sequence[bytes]) -> list[bytes | None]:
    """The values of fields of a hash that may not exist. Raises WrongType."""
    hash = ctx.db.get_as(key, Hash)
    return [None] * len(fields) if hash is None else hash_fields.values(ctx.db, key, hash, fields)


def store(ctx: Client, key: bytes, words: Sequence[bytes]) -> int:
    """Set field, value, field, value, …; returns how many fields are new. Raises WrongType."""
    db = ctx.db
    found = db.take_as(key, Hash)
    hash = Hash() if found is None else found
    most = ctx.engine.limits.hash
    if len(words) == 2:
        created = int(hash.put(words[0], words[1], most))
    else:
        created = hash.put_many(words, most)
    if found is None:
        db.put(key, hash, events.HSET, len(words) // 2)
    else:
        db.changed(key, events.HSET, len(words) // 2)
    return created


@command(
    "HSET",
    flags=WRITE | DENYOOM | FAST,
    group="hash",
    since="2.0.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW update")],
)
def hset(ctx: Client, key: bytes, field: bytes, value: bytes, *words: bytes) -> int:
    """HSET key field value [field value ...]

    Sets fields of a hash; answers how many are new.
    """
    if len(words) % 2:
        raise wrong_arity("hset")
    db = ctx.db
    hash = db.take_as(key, Hash)
    if not words and hash is not None and hash.deadlines is None:
        fields, most = hash.fields, ctx.engine.limits.hash
        created = hash.update(field, value, most) if isinstance(fields, dict) else fields.set(field, value)
        db.changed(key, events.HSET)
        return int(created)
    return store(ctx, key, (field, value, *words))


@command(
    "HMSET",
    flags=WRITE | DENYOOM | FAST,
    group="hash",
    since="2.0.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW update")],
    deprecated=("4.0.0", "`HSET` with multiple field-value pairs"),
)
def hmset(ctx: Client, key: bytes, field: bytes, value: bytes, *words: bytes) -> Status:
    """HMSET key field value [field value ...]

    Sets fields of a hash.
    """
    if len(words) % 2:
        raise wrong_arity("hmset")
    store(ctx, key, (field, value, *words))
    return OK


@command(
    "HSETNX",
    flags=WRITE | DENYOOM | FAST,
    group="hash",
    since="2.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW insert")],
)
def hsetnx(ctx: Client, key: bytes, field: bytes, value: bytes) -> int:
    """HSETNX key field value

    Sets a field unless the hash has it.
    """
    hash = ctx.db.take_as(key, Hash)
    if hash is not None and hash_fields.values(ctx.db, key, hash, (field,))[0] is not None:
        return 0
    return store(ctx, key, (field, value))


@command(
    "HGET",
    flags=READONLY | FAST,
    group="hash",
    since="2.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
)
def hget(ctx: Client, key: bytes, field: bytes) -> bytes | None:
    """HGET key field

    Answers the value of a field.
    """
    hash = ctx.db.get_as(key, Hash)
    if hash is None:
        return None
    return hash.fields.get(field) if hash.deadlines is None else hash_fields.values(ctx.db, key, hash, (field,))[0]


@command(
    "HMGET",
    flags=READONLY | FAST,
    group="hash",
    since="2.0.0",
    complexity="O(N) in the number of fields asked for",
    keys=[Keys(1, "RO access")],
)
def hmget(ctx: Client, key: bytes, field: bytes, *fields: bytes) -> list[bytes | None]:
    """HMGET key field [field ...]

    Answers the values of several fields; null where there is none.
    """
    return read(ctx, key, (field, *fields))


@command(
    "HEXISTS",
    flags=READONLY | FAST,
    group="hash",
    since="2.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RO")],
)
def hexists(ctx: Client, key: bytes, field: bytes) -> int:
    """HEXISTS key field

    Tells whether a hash has a field.
    """
    return int(read(ctx, key, (field,))[0] is not None)


@command(
    "HSTRLEN",
    flags=READONLY | FAST,
    group="hash",
    since="3.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RO")],
)
def hstrlen(ctx: Client, key: bytes, field: bytes) -> int:
    """HSTRLEN key field

    Answers the length of a field's value.
    """
    return len(read(ctx, key, (field,))[0] or b"")


@command("HLEN", flags=READONLY | FAST, group="hash", since="2.0.0", complexity="O(1)", keys=[Keys(1, "RO")])
def hlen(ctx: Client, key: bytes) -> int:
    """HLEN key

    Counts the fields of a hash.
    """
    hash = ctx.db.get_as(key, Hash)
    return 0 if hash is None else len(hash)


@command(
    "HDEL",
    flags=WRITE | FAST,
    group="hash",
    since="2.0.0",
    complexity="O(N) in the number of fields to delete",
    keys=[Keys(1, "RW delete")],
)
def hdel(ctx: Client, key: bytes, field: bytes, *fields: bytes) -> int:
    """HDEL key field [field ...]

    Deletes fields, and the hash with its last one; answers how many there were.
    """
    hash = ctx.db.take_as(key, Hash)
    if hash is None:
        return 0
    deleted = hash.remove_many((field, *fields))
    if deleted:
        ctx.db.shrunk(key, hash, events.HDEL, deleted)
    return deleted


# Numbers


def _number_at(ctx: Client, key: bytes, field: bytes) -> tuple[Hash | None, bytes]:
    """The hash, if there is one, and the value to increment: 0 where there is none."""
    hash = ctx.db.take_as(key, Hash)
    if hash is None:
        return None, b"0"
    value = hash.fields.get(field) if hash.deadlines is None else hash_fields.values(ctx.db, key, hash, (field,))[0]
    return hash if len(hash) else None, b"0" if value is None else value


def _replace(ctx: Client, key: bytes, hash: Hash | None, field: bytes, value: bytes, event: Event) -> None:
    """Set a field that keeps its time."""
    if hash is None:
        hash = Hash()
        hash.update(field, value, ctx.engine.limits.hash)
        ctx.db.put(key, hash, event)
    else:
        hash.update(field, value, ctx.engine.limits.hash)
        ctx.db.changed(key, event)


@command(
    "HINCRBY",
    flags=WRITE | DENYOOM | FAST,
    group="hash",
    since="2.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access update")],
)
def hincrby(ctx: Client, key: bytes, field: bytes, increment: bytes) -> int:
    """HINCRBY key field increment

    Adds an integer to a field's number.
    """
    step = integer(increment)
    hash, value = _number_at(ctx, key, field)
    number = parse_int(value)
    if number is None:
        raise CommandError(b"hash value is not an integer")
    number += step
    if not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(OVERFLOW)
    _replace(ctx, key, hash, field, b"%d" % number, events.HINCRBY)
    return number


@command(
    "HINCRBYFLOAT",
    flags=WRITE | DENYOOM | FAST,
    group="hash",
    since="2.6.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access update")],
)
def hincrbyfloat(ctx: Client, key: bytes, field: bytes, increment: bytes) -> bytes:
    """HINCRBYFLOAT key field increment

    Adds to a field's number, which may have a fraction.
    """
    step = _long_double(increment, NOT_A_FLOAT)
    if step.is_infinite:
        raise CommandError(b"value is NaN or Infinity")
    hash, before = _number_at(ctx, key, field)
    number = add_long_double(_long_double(before, b"hash value is not a float"), step)
    if number.is_infinite:
        raise CommandError(b"increment would produce NaN or Infinity")
    value = format_long_double(number)
    _replace(ctx, key, hash, field, value, events.HINCRBYFLOAT)
    if hash is None or hash.deadlines is None or hash.deadlines.get(field) is None:
        ctx.rewritten = (b"HSET", key, field, value)  # which a replica of any version knows
    else:
        ctx.rewritten = (b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", field, value)
    return value


def _long_double(word: bytes, error: bytes) -> LongDouble:
    number = parse_long_double(word)
    if number is None:
        raise CommandError(error)
    return number


# Whole hashes


@command(
    "HGETALL",
    flags=READONLY,
    group="hash",
    since="2.0.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output_order"],
)
def hgetall(ctx: Client, key: bytes) -> FlatMap:
    """HGETALL key

    Answers all fields with their values.
    """
    hash = ctx.db.get_as(key, Hash)
    return FlatMap([] if hash is None else hash_fields.words(ctx.db, hash))


@command(
    "HKEYS",
    flags=READONLY,
    group="hash",
    since="2.0.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output_order"],
)
def hkeys(ctx: Client, key: bytes) -> list[bytes]:
    """HKEYS key

    Answers all fields.
    """
    hash = ctx.db.get_as(key, Hash)
    return [] if hash is None else hash_fields.names(ctx.db, hash)


@command(
    "HVALS",
    flags=READONLY,
    group="hash",
    since="2.0.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output_order"],
)
def hvals(ctx: Client, key: bytes) -> list[bytes]:
    """HVALS key

    Answers all values.
    """
    hash = ctx.db.get_as(key, Hash)
    return [] if hash is None else hash_fields.words(ctx.db, hash)[1::2]


@command(
    "HSCAN",
    flags=READONLY,
    group="hash",
    since="2.8.0",
    complexity="O(1) for a call, O(N) for a whole walk of N fields",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def hscan(ctx: Client, key: bytes, cursor: bytes, *words: bytes) -> ScanReply:
    """HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]

    Walks the fields of a hash step by step.
    """
    position = read_cursor(cursor)
    hash = ctx.db.get_as(key, Hash)
    if hash is None:
        return EMPTY
    options = ScanOptions(words, of="fields")
    if isinstance(hash.fields, dict):
        position, names = 0, hash.names()
    else:
        position, names = hash.fields.scan(position, options.count)
    names = options.select(hash_fields.select(ctx.db, hash, names))
    return reply(position, names if options.no_values else interleaved(names, hash.values_of(names)))


@command(
    "HRANDFIELD",
    flags=READONLY,
    group="hash",
    since="6.2.0",
    complexity="O(N) in the number of fields answered",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def hrandfield(ctx: Client, key: bytes, *words: bytes) -> bytes | list[bytes] | Pairs | NoReply | None:
    """HRANDFIELD key [count [WITHVALUES]]

    Answers a random field, or some: different ones, or with a negative count each one of all.
    """
    count, with_values = _random_options(words) if words else (None, False)
    hash = ctx.db.get_as(key, Hash)
    if hash is not None:
        hash_fields.drop_overdue(ctx.db, key, hash)
    if hash is None or not len(hash):
        return None if count is None else []
    random = ctx.engine.random
    if count is None:
        return pick(hash.fields, random)
    if not ctx.may_have(-count):
        return NO_REPLY
    if count < -MOST_DRAWS:
        raise CommandError(OUT_OF_RANGE)
    if count >= len(hash):
        names = hash.names()
    else:
        names = sample(hash.fields, count, random) if count >= 0 else draws(hash.fields, -count, random)
    if not with_values:
        return names
    return Pairs(zip(names, hash.values_of(names), strict=True))


def _random_options(words: tuple[bytes, ...]) -> tuple[int, bool]:
    count = integer(words[0])
    if count < -INT64_MAX:
        raise CommandError(b"value is out of range, value must between %d and %d" % (-INT64_MAX, INT64_MAX))
    if len(words) > 2 or (len(words) == 2 and words[1].upper() != b"WITHVALUES"):
        raise syntax_error()
    if len(words) == 2 and abs(count) > INT64_MAX // 2:
        raise CommandError(OUT_OF_RANGE)
    return count, len(words) == 2
