"""Keys whatever they hold: delete, find, rename, copy and move them."""

from functools import partial

from pyredis.commands.scanning import ScanOptions, ScanReply, read_cursor, reply
from pyredis.datatypes.key_slot import pattern_slot
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, int32
from pyredis.engine.command_table.command import (
    ALWAYS_TOUCHES,
    DENYOOM,
    EVERY_DATABASE,
    FAST,
    READONLY,
    WRITE,
    Keys,
    command,
)
from pyredis.errors import DB_INDEX_OUT_OF_RANGE, NO_SUCH_KEY, SAME_OBJECT, CommandError, syntax_error
from pyredis.keyspace import events
from pyredis.keyspace.database import Database
from pyredis.keyspace.kinds import copy_of, type_name
from pyredis.keyspace.lazyfree import is_laborious
from pyredis.patterns import compile_pattern
from pyredis.protocol.replies import OK, Status

_SUM = ("request_policy:multi_shard", "response_policy:agg_sum")


def _delete(ctx: Client, keys: tuple[bytes, ...], *, lazily: bool) -> int:
    if lazily:
        values = {id(value): value for value in ctx.db.table.get_many(keys) if value.__class__ is not bytes}
        ctx.engine.stats.lazyfreed_objects += sum(map(is_laborious, values.values()))
    return ctx.db.remove_many(keys)


@command(
    "DEL",
    flags=WRITE,
    group="generic",
    since="1.0.0",
    complexity="O(N) in the number of keys, and of elements in their collections",
    keys=[Keys(1, "RM delete", last=-1)],
    tips=_SUM,
)
def delete(ctx: Client, key: bytes, *keys: bytes) -> int:
    """DEL key [key ...]

    Deletes keys; answers how many there were.
    """
    return _delete(ctx, (key, *keys), lazily=ctx.engine.config["lazyfree-lazy-user-del"])


@command(
    "UNLINK",
    flags=WRITE | FAST,
    group="generic",
    since="4.0.0",
    complexity="O(N) in the number of keys",
    keys=[Keys(1, "RM delete", last=-1)],
    tips=_SUM,
)
def unlink(ctx: Client, key: bytes, *keys: bytes) -> int:
    """UNLINK key [key ...]

    Deletes keys; their memory may be freed later.
    """
    return _delete(ctx, (key, *keys), lazily=True)


@command(
    "EXISTS",
    flags=READONLY | FAST,
    group="generic",
    since="1.0.0",
    complexity="O(N) in the number of keys",
    keys=[Keys(1, "RO", last=-1)],
    tips=_SUM,
)
def exists(ctx: Client, key: bytes, *keys: bytes) -> int:
    """EXISTS key [key ...]

    Counts the keys that exist; one named twice counts twice.
    """
    return 1 + len(keys) - ctx.db.look_many((key, *keys)).count(None)


@command(
    "TOUCH",
    flags=READONLY | FAST | ALWAYS_TOUCHES,
    group="generic",
    since="3.2.1",
    complexity="O(N) in the number of keys",
    keys=[Keys(1, "RO", last=-1)],
    tips=_SUM,
)
def touch(ctx: Client, key: bytes, *keys: bytes) -> int:
    """TOUCH key [key ...]

    Counts the keys that exist and renews their access times.
    """
    return 1 + len(keys) - ctx.db.get_many((key, *keys)).count(None)


@command("TYPE", flags=READONLY | FAST, group="generic", since="1.0.0", complexity="O(1)", keys=[Keys(1, "RO")])
def type_of(ctx: Client, key: bytes) -> Status:
    """TYPE key

    Answers the type of the value at a key.
    """
    return Status(type_name(ctx.db.look(key)))


# Looking through the keyspace


@command(
    "KEYS",
    flags=READONLY,
    group="generic",
    since="1.0.0",
    complexity="O(N) in the number of keys in the database",
    tips=["request_policy:all_shards", "nondeterministic_output_order"],
    categories="dangerous",
)
def keys(ctx: Client, pattern: bytes) -> list[bytes]:
    """KEYS pattern

    Answers all keys that match a glob pattern.
    """
    slotted = ctx.db.space.slotted
    slot = None if slotted is None else pattern_slot(pattern)
    found = ctx.db.keys() if slotted is None or slot is None else slotted.unexpired_in_slot(slot)
    return list(found if pattern == b"*" else filter(compile_pattern(pattern), found))


@command(
    "SCAN",
    flags=READONLY,
    group="generic",
    since="2.8.0",
    complexity="O(1) for a call, O(N) for a whole walk of N keys",
    tips=["nondeterministic_output", "request_policy:special", "response_policy:special"],
)
def scan(ctx: Client, cursor: bytes, *words: bytes) -> ScanReply:
    """SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]

    Walks the keys step by step.
    """
    db = ctx.db
    position = read_cursor(cursor)
    options = ScanOptions(words, of="keys")
    slotted = db.space.slotted
    slot = None if slotted is None or options.pattern is None else pattern_slot(options.pattern)
    scan = db.table.scan if slotted is None or slot is None else partial(slotted.table.scan_slot, slot)
    position, found = scan(position, options.count)
    found = [key for key in found if not db.expire_if_due(key)]
    if options.type is not None:
        found = [key for key in found if type_name(db.table.get(key)) == options.type]
    return reply(position, options.select(found))


@command(
    "RANDOMKEY",
    flags=READONLY,
    group="generic",
    since="1.0.0",
    complexity="O(1)",
    tips=["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
)
def randomkey(ctx: Client) -> bytes | None:
    """RANDOMKEY

    Answers any key.
    """
    return ctx.db.random_key()


# Moving and copying


def _rename(ctx: Client, key: bytes, newkey: bytes, *, replace: bool) -> bool:
    """Rename; False when the new name is taken and must not be. Raises when there is no such key."""
    db = ctx.db
    if db.take(key) is None:
        raise CommandError(NO_SUCH_KEY)
    if key == newkey:
        return False
    if db.take(newkey) is not None and not replace:
        return False
    db.move(key, db, newkey, events.RENAME_FROM, events.RENAME_TO)
    return True


@command(
    "RENAME",
    flags=WRITE,
    group="generic",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access delete"), Keys(2, "OW update")],
)
def rename(ctx: Client, key: bytes, newkey: bytes) -> Status:
    """RENAME key newkey

    Gives a key another name, over whatever had it.
    """
    _rename(ctx, key, newkey, replace=True)
    return OK


@command(
    "RENAMENX",
    flags=WRITE | FAST,
    group="generic",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access delete"), Keys(2, "OW insert")],
)
def renamenx(ctx: Client, key: bytes, newkey: bytes) -> int:
    """RENAMENX key newkey

    Gives a key another name unless that is taken.
    """
    return int(_rename(ctx, key, newkey, replace=False))


def other_database(ctx: Client, word: bytes) -> Database:
    """The database of a given number. Raises Redis's errors."""
    index = int32(word)
    databases = ctx.engine.keyspace.databases
    if not 0 <= index < len(databases):
        raise CommandError(DB_INDEX_OUT_OF_RANGE)
    return databases[index]


@command(
    "COPY",
    flags=WRITE | DENYOOM | EVERY_DATABASE,
    group="generic",
    since="6.2.0",
    complexity="O(N) in the size of a collection, O(1) for strings",
    keys=[Keys(1, "RO access"), Keys(2, "OW update")],
)
def copy(ctx: Client, source: bytes, destination: bytes, *words: bytes) -> int:
    """COPY source destination [DB destination-db] [REPLACE]

    Copies a value and its expiry to another key.
    """
    db = target = ctx.db
    replace = False
    options = Arguments(words)
    while options:
        if options.flag(b"REPLACE"):
            replace = True
        elif options.flag(b"DB", 1):
            target = other_database(ctx, options.word())
        else:
            raise syntax_error()
    if db is target and source == destination:
        raise CommandError(SAME_OBJECT)
    value = db.get(source)
    if value is None or (target.take(destination) is not None and not replace):
        return 0
    db.copy(source, copy_of(value), target, destination)
    return 1


@command(
    "MOVE",
    flags=WRITE | FAST | EVERY_DATABASE,
    group="generic",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access update")],
)
def move(ctx: Client, key: bytes, database: bytes) -> int:
    """MOVE key db

    Moves a key to another database unless it has such a key.
    """
    if ctx.engine.config["cluster-enabled"]:
        raise CommandError(b"MOVE is not allowed in cluster mode")
    db, target = ctx.db, other_database(ctx, database)
    if db is target:
        raise CommandError(SAME_OBJECT)
    if db.take(key) is None or target.take(key) is not None:
        return 0
    db.move(key, target, key, events.MOVE_FROM, events.MOVE_TO)
    return 1
