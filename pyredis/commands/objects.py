"""OBJECT: what Redis would tell of a value's inside.

A value belongs to its key alone, so its reference count is always 1, as in Redis 8.2.
"""

from pyredis.datatypes.text import encoding
from pyredis.engine.client import Client
from pyredis.engine.command_table.command import LOADING, READONLY, STALE, Keys, command, container
from pyredis.engine.command_table.help import help_reply
from pyredis.errors import CommandError
from pyredis.keyspace.access import Access
from pyredis.keyspace.kinds import encoding_name
from pyredis.protocol.replies import Status

_ADJUSTING = (
    b" Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
)

container("OBJECT", summary="Looks into the values at keys.", group="generic", since="2.2.3")


@command(
    "OBJECT ENCODING",
    flags=READONLY,
    group="generic",
    since="2.2.3",
    complexity="O(1)",
    keys=[Keys(2, "RO")],
    tips=["nondeterministic_output"],
)
def object_encoding(ctx: Client, key: bytes) -> bytes | None:
    """OBJECT ENCODING key

    Answers how a value is held.
    """
    value = ctx.db.look(key, quietly=True)
    if isinstance(value, bytes | bytearray | int):
        return encoding(value, len(key) + (0 if ctx.db.expire_time(key) is None else 8))
    return None if value is None else encoding_name(value)


@command(
    "OBJECT FREQ",
    flags=READONLY,
    group="generic",
    since="4.0.0",
    complexity="O(1)",
    keys=[Keys(2, "RO")],
    tips=["nondeterministic_output"],
)
def object_freq(ctx: Client, key: bytes) -> int | None:
    """OBJECT FREQ key

    Answers how often a key is used, on a logarithmic scale, under an LFU policy.
    """
    access = ctx.engine[Access]
    if ctx.db.look(key, quietly=True) is None:
        return None
    if not access.counts_frequency:
        raise CommandError(b"An LFU maxmemory policy is not selected, access frequency not tracked." + _ADJUSTING)
    return access.frequency(ctx.db, key)


@command(
    "OBJECT IDLETIME",
    flags=READONLY,
    group="generic",
    since="2.2.3",
    complexity="O(1)",
    keys=[Keys(2, "RO")],
    tips=["nondeterministic_output"],
)
def object_idletime(ctx: Client, key: bytes) -> int | None:
    """OBJECT IDLETIME key

    Answers for how many seconds a key was not used; kept for each key from the first time somebody asks.
    """
    access = ctx.engine[Access]
    if ctx.db.look(key, quietly=True) is None:
        return None
    if access.counts_frequency:
        raise CommandError(b"An LFU maxmemory policy is selected, idle time not tracked." + _ADJUSTING)
    return access.idle_ms(ctx.db, key) // 1000


@command(
    "OBJECT REFCOUNT",
    flags=READONLY,
    group="generic",
    since="2.2.3",
    complexity="O(1)",
    keys=[Keys(2, "RO")],
    tips=["nondeterministic_output"],
)
def object_refcount(ctx: Client, key: bytes) -> int | None:
    """OBJECT REFCOUNT key

    Answers how many references a value has.
    """
    return None if ctx.db.look(key, quietly=True) is None else 1


@command("OBJECT HELP", flags=LOADING | STALE, group="generic", since="6.2.0", complexity="O(1)")
def object_help(ctx: Client) -> list[Status]:
    """OBJECT HELP

    Explains the subcommands.
    """
    return help_reply("OBJECT", _HELP)


_HELP = """
ENCODING <key>
    How the value is held.
FREQ <key>
    How often the key is used, as a logarithm, under an LFU policy.
IDLETIME <key>
    Seconds since the key was last used.
REFCOUNT <key>
    How many references the value has.
"""
