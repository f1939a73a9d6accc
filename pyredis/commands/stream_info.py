"""XINFO: what there is to know about a stream, its groups and consumers. Times are ms since 1970."""

from typing import Any

from pyredis.commands.stream_arguments import no_group
from pyredis.commands.streams import shown
from pyredis.datatypes.consumer_group import UNKNOWN, Consumer, Group
from pyredis.datatypes.stream import Stream
from pyredis.datatypes.stream_id import format_id
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import LOADING, READONLY, STALE, Keys, command, container
from pyredis.engine.command_table.help import help_reply, subcommand_error
from pyredis.errors import NO_SUCH_KEY, CommandError
from pyredis.protocol.replies import Status

_Map = dict[bytes, Any]

container("XINFO", summary="Tells about streams.", group="stream", since="5.0.0")

_USUAL_COUNT = 10
_HELP = """
CONSUMERS <key> <group>
    Tell about the consumers of a group.
GROUPS <key>
    Tell about the groups of a stream.
STREAM <key> [FULL [COUNT <count>]]
    Tell about a stream.
"""


def _existing(ctx: Client, key: bytes) -> Stream:
    stream = ctx.db.get_as(key, Stream)
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    return stream


@command("XINFO STREAM", flags=READONLY, group="stream", since="5.0.0", complexity="O(1)", keys=[Keys(2, "RO access")])
def xinfo_stream(ctx: Client, key: bytes, *words: bytes) -> _Map:
    """XINFO STREAM key [FULL [COUNT count]]

    Tells about a stream; with FULL also its entries, groups, consumers and what is pending.
    """
    stream = _existing(ctx, key)
    if not words:
        first, last = shown(stream.range(count=1)), shown(stream.reversed_range(count=1))
        return {
            **_summary(stream),
            b"groups": len(stream.groups),
            b"first-entry": first[0] if first else None,
            b"last-entry": last[0] if last else None,
        }
    count = _count(ctx, words)
    return {
        **_summary(stream),
        b"entries": shown(stream.range(count=count)),
        b"groups": [_full_group(stream, name, group, count) for name, group in sorted(stream.groups.items())],
    }


def _count(ctx: Client, words: tuple[bytes, ...]) -> int:
    """How many of everything FULL shows; 0: all."""
    options = Arguments(words)
    if len(words) not in (1, 3) or not options.flag(b"FULL"):
        raise subcommand_error(ctx.argv)
    if not options:
        return _USUAL_COUNT
    if not options.flag(b"COUNT", 1):
        raise subcommand_error(ctx.argv)
    count = options.integer()
    return count if count >= 0 else _USUAL_COUNT


def _summary(stream: Stream) -> _Map:
    return {
        b"length": stream.length,
        b"radix-tree-keys": len(stream.nodes),
        b"radix-tree-nodes": stream.tree_nodes(),
        b"last-generated-id": format_id(stream.last_id),
        b"max-deleted-entry-id": format_id(stream.max_deleted_id),
        b"entries-added": stream.entries_added,
        b"recorded-first-entry-id": format_id(stream.first_id),
    }


def _progress(stream: Stream, group: Group) -> _Map:
    read = group.entries_read
    return {
        b"last-delivered-id": format_id(group.last_id),
        b"entries-read": None if read == UNKNOWN else read,
        b"lag": stream.lag(group),
    }


def _full_group(stream: Stream, name: bytes, group: Group, count: int) -> _Map:
    pending = []
    for id in group.pending:
        delivery = group.deliveries[id]
        pending.append([format_id(id), delivery.consumer, delivery.time, delivery.count])
        if len(pending) == count:
            break
    consumers = [_full_consumer(group, one, count) for _, one in sorted(group.consumers.items())]
    return {
        b"name": name,
        **_progress(stream, group),
        b"pel-count": len(group.deliveries),
        b"pending": pending,
        b"consumers": consumers,
    }


def _full_consumer(group: Group, consumer: Consumer, count: int) -> _Map:
    pending = []
    for id in consumer.pending:
        delivery = group.deliveries[id]
        pending.append([format_id(id), delivery.time, delivery.count])
        if len(pending) == count:
            break
    return {
        b"name": consumer.name,
        b"seen-time": consumer.seen,
        b"active-time": consumer.active,
        b"pel-count": consumer.count,
        b"pending": pending,
    }


@command("XINFO GROUPS", flags=READONLY, group="stream", since="5.0.0", complexity="O(1)", keys=[Keys(2, "RO access")])
def xinfo_groups(ctx: Client, key: bytes) -> list[_Map]:
    """XINFO GROUPS key

    Tells about the groups of a stream.
    """
    stream = _existing(ctx, key)
    return [
        {
            b"name": name,
            b"consumers": len(group.consumers),
            b"pending": len(group.deliveries),
            **_progress(stream, group),
        }
        for name, group in sorted(stream.groups.items())
    ]


@command(
    "XINFO CONSUMERS",
    flags=READONLY,
    group="stream",
    since="5.0.0",
    complexity="O(1)",
    keys=[Keys(2, "RO access")],
    tips=["nondeterministic_output"],
)
def xinfo_consumers(ctx: Client, key: bytes, group: bytes) -> list[_Map]:
    """XINFO CONSUMERS key group

    Tells about the consumers of a group.
    """
    found = _existing(ctx, key).groups.get(group)
    if found is None:
        raise no_group(key, group, named_first=True)
    now = ctx.db.space.now
    return [
        {
            b"name": name,
            b"pending": one.count,
            b"idle": max(now - one.seen, 0),
            b"inactive": UNKNOWN if one.active == UNKNOWN else now - one.active,
        }
        for name, one in sorted(found.consumers.items())
    ]


@command("XINFO HELP", flags=LOADING | STALE, group="stream", since="5.0.0", complexity="O(1)")
def xinfo_help(ctx: Client) -> list[Status]:
    """XINFO HELP

    Shows the subcommands.
    """
    return help_reply("XINFO", _HELP)
