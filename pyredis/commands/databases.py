"""Whole databases: select, swap, count and flush them."""

from collections.abc import Iterable

from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import int32
from pyredis.engine.command_table.command import (
    EVERY_DATABASE,
    FAST,
    LOADING,
    READONLY,
    STALE,
    WRITE,
    command,
)
from pyredis.engine.execution import detours
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import DB_INDEX_OUT_OF_RANGE, CommandError, syntax_error
from pyredis.keyspace.database import Database
from pyredis.persistence.saving import Saving
from pyredis.protocol.replies import NO_REPLY, OK, NoReply, Status


@command("SELECT", flags=LOADING | STALE | FAST, group="connection", since="1.0.0", complexity="O(1)")
def select(ctx: Client, index: bytes) -> Status:
    """SELECT index

    Makes another database the connection's own.
    """
    number = int32(index)
    if number and ctx.engine.config["cluster-enabled"]:
        raise CommandError(b"SELECT is not allowed in cluster mode")
    databases = ctx.engine.keyspace.databases
    if not 0 <= number < len(databases):
        raise CommandError(DB_INDEX_OUT_OF_RANGE)
    ctx.db = databases[number]
    return OK


@command(
    "SWAPDB",
    flags=WRITE | FAST | EVERY_DATABASE,
    group="server",
    since="4.0.0",
    complexity="O(N) in the number of clients that watch or wait for keys of the two",
    categories="dangerous keyspace",
)
def swapdb(ctx: Client, index1: bytes, index2: bytes) -> Status:
    """SWAPDB index1 index2

    Exchanges the contents of two databases.
    """
    if ctx.engine.config["cluster-enabled"]:
        raise CommandError(b"SWAPDB is not allowed in cluster mode")
    first, second = int32(index1, b"invalid first DB index"), int32(index2, b"invalid second DB index")
    keyspace = ctx.engine.keyspace
    if not (0 <= first < len(keyspace.databases) and 0 <= second < len(keyspace.databases)):
        raise CommandError(DB_INDEX_OUT_OF_RANGE)
    keyspace.swap(first, second)
    return OK


@command(
    "DBSIZE",
    flags=READONLY | FAST,
    group="server",
    since="1.0.0",
    complexity="O(1)",
    tips=["request_policy:all_shards", "response_policy:agg_sum"],
    categories="keyspace",
)
def dbsize(ctx: Client) -> int:
    """DBSIZE

    Counts the keys of the database, expired ones that are still there among them.
    """
    return len(ctx.db)


@command(
    "FLUSHDB",
    flags=WRITE,
    group="server",
    since="1.0.0",
    complexity="O(N) in the number of keys in the database",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
    categories="dangerous keyspace",
)
def flushdb(ctx: Client, *mode: bytes) -> Status | NoReply:
    """FLUSHDB [ASYNC | SYNC]

    Deletes all keys of the database.
    """
    return _flush(ctx, b"FLUSHDB", [ctx.db], mode)


@command(
    "FLUSHALL",
    flags=WRITE | EVERY_DATABASE,
    group="server",
    since="1.0.0",
    complexity="O(N) in the number of keys in all databases",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
    categories="dangerous keyspace",
)
def flushall(ctx: Client, *mode: bytes) -> Status | NoReply:
    """FLUSHALL [ASYNC | SYNC]

    Deletes all keys of all databases.
    """
    flushed = _flush(ctx, b"FLUSHALL", ctx.engine.keyspace.databases, mode)
    ctx.engine[Saving].flushed()
    return flushed


def _flush(ctx: Client, name: bytes, databases: Iterable[Database], mode: tuple[bytes, ...]) -> Status | NoReply:
    """Empty databases. It propagates even where nothing was; `changed` makes that happen for what was."""
    if len(mode) > 1 or (mode and mode[0].upper() not in (b"ASYNC", b"SYNC")):
        raise syntax_error()
    dropped = sum([db.flush() for db in databases])
    asynchronous = mode[0].upper() == b"ASYNC" if mode else ctx.engine.config["lazyfree-lazy-user-flush"]
    if asynchronous or ctx.may_wait:  # Redis lets a client wait for its background thread, if it may wait
        ctx.engine.stats.lazyfreed_objects += dropped
    if not dropped and ctx.engine.record is not None:
        ctx.engine[Propagation].feed(ctx)
    if ctx.gates & detours.TRACKING and ctx.may_wait and not asynchronous:
        ctx.answer(OK)  # behind what it is told of: it waited
        return NO_REPLY
    return OK
