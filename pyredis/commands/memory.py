"""MEMORY: what a key takes, and what the server takes.

A key's size is an estimate of Redis's own (`keyspace.memory_usage`), unless asked for what it takes here
(`keyspace.footprint`, a word of ours); the server's sizes are what is really used (`engine.memory`). Python's allocator
tells nothing of its fragmentation, so MALLOC-STATS answers as Redis does when built with such an allocator.
"""

from typing import Any

from pyredis.cluster.cluster_mode import ClusterMode
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import LOADING, READONLY, STALE, Keys, command, container
from pyredis.engine.command_table.help import help_reply
from pyredis.engine.memory.client_memory import ClientMemory
from pyredis.engine.memory.used_memory import EXPIRY, STARTUP, Memory, give_back
from pyredis.engine.observability.server_info import resident_memory
from pyredis.errors import syntax_error
from pyredis.keyspace.footprint import SLOT, footprint
from pyredis.keyspace.memory_usage import memory_usage
from pyredis.protocol.replies import OK, Status, Verbatim

_SAMPLES = 5
_POINTER = 8  # the bytes of one
_EMPTY_BYTES = 5 << 20
_FROM_ALL = ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]

container("MEMORY", summary="Commands about memory.", group="server", since="4.0.0")


@command(
    "MEMORY USAGE",
    flags=READONLY,
    group="server",
    since="4.0.0",
    complexity="O(N) in the number of samples",
    keys=[Keys(2, "RO")],
)
def memory_usage_of(ctx: Client, key: bytes, *words: bytes) -> int | None:
    """MEMORY USAGE key [SAMPLES count]

    Estimates the bytes of a key with its value; behind ACTUAL those that it takes here, else those it would in Redis.
    """
    samples = _SAMPLES
    options = Arguments(words)
    if options.flag(b"ACTUAL"):
        options.end()
        value = ctx.db.look(key, quietly=True)
        return None if value is None else footprint(key, value)
    while options:
        if not options.flag(b"SAMPLES", following=1):
            raise syntax_error()
        samples = options.integer()
        if samples < 0:
            raise syntax_error()
    return memory_usage(ctx.db, key, samples)


@command("MEMORY STATS", group="server", since="4.0.0", complexity="O(1)", tips=_FROM_ALL)
def memory_stats(ctx: Client) -> dict[bytes, Any]:
    """MEMORY STATS

    Answers what takes memory in the server.
    """
    engine = ctx.engine
    used = engine[Memory].used()
    peak = engine.stats.peak_memory = max(engine.stats.peak_memory, used)
    clients, memory = engine[ClientMemory].estimate(), engine[Memory]
    parts = {name: part() for name, part in (memory.parts | memory.spared).items()}
    databases = {b"db.%d" % db.index: _database(db) for db in engine.keyspace.databases if len(db)}
    overhead = memory.overhead()
    dataset = max(used - overhead, 0)
    keys = sum(map(len, engine.keyspace.databases))
    return {
        b"peak.allocated": peak,
        b"total.allocated": used,
        b"startup.allocated": STARTUP,
        b"replication.backlog": parts.get("replication_backlog", 0),
        b"replica.fullsync.buffer": 0,
        b"clients.slaves": parts.get("replicas", 0),
        b"clients.normal": clients,
        b"cluster.links": engine[ClusterMode].bus.size,
        b"aof.buffer": 0,
        b"lua.caches": parts.get("scripts_eval", 0),
        b"functions.caches": parts.get("functions", 0),
        b"script.VMs": parts.get("vm_eval", 0) + parts.get("vm_functions", 0),
        **databases,
        b"overhead.db.hashtable.lut": sum(
            _POINTER * len(db.table.directory) for db in engine.keyspace.databases if len(db)
        ),
        b"overhead.db.hashtable.rehashing": 0,
        b"overhead.total": overhead,
        b"db.dict.rehashing.count": 0,
        b"keys.count": keys,
        b"keys.bytes-per-key": (used - STARTUP) // keys if keys else 0,
        b"dataset.bytes": dataset,
        b"dataset.percentage": dataset * 100 / max(used - STARTUP, 1),
        b"peak.percentage": used * 100 / peak if peak else 0.0,
        **_allocator(used),
    }


def _database(db: Any) -> dict[bytes, int]:
    return {
        b"overhead.hashtable.main": SLOT * len(db),
        b"overhead.hashtable.expires": EXPIRY * db.expires.count,
    }


def _allocator(used: int) -> dict[bytes, Any]:
    """What Redis says when its allocator tells nothing: all that is held is active."""
    resident = resident_memory()
    return {
        b"allocator.allocated": used,
        b"allocator.active": resident,
        b"allocator.resident": resident,
        b"allocator.muzzy": 0,
        b"allocator-fragmentation.ratio": resident / used,
        b"allocator-fragmentation.bytes": resident - used,
        b"allocator-rss.ratio": 1.0,
        b"allocator-rss.bytes": 0,
        b"rss-overhead.ratio": 1.0,
        b"rss-overhead.bytes": 0,
        b"fragmentation": resident / used,
        b"fragmentation.bytes": resident - used,
    }


@command("MEMORY DOCTOR", group="server", since="4.0.0", complexity="O(1)", tips=_FROM_ALL)
def memory_doctor(ctx: Client) -> Verbatim:
    """MEMORY DOCTOR

    Reports on memory in plain words.
    """
    engine = ctx.engine
    used = engine[Memory].used()
    peak = max(engine.stats.peak_memory, used)
    if used - STARTUP < _EMPTY_BYTES:
        return Verbatim(b"The server is almost empty: there is nothing to find yet.\n")
    if peak > used * 3 // 2:
        return Verbatim(b"The server used much more memory once than it does now; a restart gives it back.\n")
    return Verbatim(b"No memory problem was found.\n")


@command(
    "MEMORY PURGE",
    group="server",
    since="4.0.0",
    complexity="Depends on the allocated memory",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
)
def memory_purge(ctx: Client) -> Status:
    """MEMORY PURGE

    Gives memory that is free inside the process back to the system, as far as that is possible.
    """
    give_back()
    return OK


@command(
    "MEMORY MALLOC-STATS",
    group="server",
    since="4.0.0",
    complexity="Depends on the allocated memory",
    tips=_FROM_ALL,
)
def memory_malloc_stats(ctx: Client) -> bytes:
    """MEMORY MALLOC-STATS

    Answers what the allocator tells of itself: nothing.
    """
    return b"Stats not supported for the current allocator"


@command("MEMORY HELP", flags=LOADING | STALE, group="server", since="4.0.0", complexity="O(1)")
def memory_help(ctx: Client) -> list[Status]:
    """MEMORY HELP

    Lists the subcommands.
    """
    return help_reply("MEMORY", _MEMORY_HELP)


_MEMORY_HELP = """
DOCTOR
    A report on memory in plain words.
MALLOC-STATS
    What the allocator tells.
PURGE
    Give free memory back to the system.
STATS
    What takes memory.
USAGE <key> [SAMPLES <count>]
    The bytes of a key with its value in Redis; <count> elements are looked at (default: 5, 0 for all).
USAGE <key> ACTUAL
    The bytes that it takes in this server.
"""
