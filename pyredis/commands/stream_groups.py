"""Consumer groups: making and deleting them and their consumers, and acknowledging what they were given."""

from pyredis.commands.stream_arguments import (
    no_group,
    policy_and_ids,
    stream_id,
)
from pyredis.commands.streams import DELETED, KEPT, MISSING, delete_unless_referenced
from pyredis.datatypes.consumer_group import UNKNOWN, Consumer, Group
from pyredis.datatypes.stream import Stream
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import DENYOOM, FAST, LOADING, STALE, WRITE, Keys, command, container
from pyredis.engine.command_table.help import help_reply, subcommand_error
from pyredis.errors import CommandError
from pyredis.keyspace import events
from pyredis.protocol.replies import OK, Status

container("XGROUP", summary="Manages the consumer groups of streams.", group="stream", since="5.0.0")

_NO_KEY = (
    b"The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM "
    b"option to create an empty stream automatically."
)
_HELP = """
CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <count>]
    Make a group that reads what comes after an ID ($: after the last entry).
    * MKSTREAM
      Make the stream too if there is none.
    * ENTRIESREAD <count>
      How many entries the group counts as having read.
CREATECONSUMER <key> <group> <consumer>
    Make a consumer.
DELCONSUMER <key> <group> <consumer>
    Delete a consumer and forget what it has pending.
DESTROY <key> <group>
    Delete a group.
SETID <key> <group> <id|$> [ENTRIESREAD <count>]
    Let a group read on from another ID.
"""


def made_consumer(ctx: Client, key: bytes, group: Group, name: bytes) -> Consumer:
    """A new consumer of a group."""
    consumer = group.consumers[name] = Consumer(name, ctx.db.space.now)
    ctx.db.changed(key, events.XGROUP_CREATECONSUMER)
    return consumer


def _group_options(ctx: Client, words: tuple[bytes, ...], *, may_create: bool) -> tuple[bool, int]:
    """MKSTREAM and ENTRIESREAD."""
    makes_stream, entries_read = False, UNKNOWN
    options = Arguments(words)
    while options:
        if may_create and options.flag(b"MKSTREAM"):
            makes_stream = True
        elif options.flag(b"ENTRIESREAD", 1):
            entries_read = options.integer()
            if entries_read < 0 and entries_read != UNKNOWN:
                raise CommandError(b"value for ENTRIESREAD must be positive or -1")
        else:
            raise subcommand_error(ctx.argv)
    return makes_stream, entries_read


def _existing(ctx: Client, key: bytes) -> Stream:
    stream = ctx.db.take_as(key, Stream)
    if stream is None:
        raise CommandError(_NO_KEY)
    return stream


def _existing_group(ctx: Client, key: bytes, name: bytes) -> tuple[Stream, Group]:
    stream = _existing(ctx, key)
    group = stream.groups.get(name)
    if group is None:
        raise no_group(key, name, named_first=True)
    return stream, group


@command(
    "XGROUP CREATE",
    flags=WRITE | DENYOOM,
    group="stream",
    since="5.0.0",
    complexity="O(1)",
    keys=[Keys(2, "RW insert")],
)
def xgroup_create(ctx: Client, key: bytes, group: bytes, id: bytes, *words: bytes) -> Status:
    """XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]

    Makes a consumer group that reads what comes after an ID.
    """
    makes_stream, entries_read = _group_options(ctx, words, may_create=True)
    stream = ctx.db.take_as(key, Stream)
    if stream is None and not makes_stream:
        raise CommandError(_NO_KEY)
    if len(words) > 3:
        raise subcommand_error(ctx.argv)
    if id == b"$":
        last_id = 0 if stream is None else stream.last_id
    else:
        last_id = stream_id(id)
    found = Stream() if stream is None else stream
    if group in found.groups:
        raise CommandError(b"Consumer Group name already exists", b"BUSYGROUP")
    found.groups[group] = Group(last_id, min(entries_read, found.entries_added))
    if stream is None:
        ctx.db.put(key, found, events.XGROUP_CREATE)
    else:
        ctx.db.changed(key, events.XGROUP_CREATE)
    return OK


@command("XGROUP SETID", flags=WRITE, group="stream", since="5.0.0", complexity="O(1)", keys=[Keys(2, "RW update")])
def xgroup_setid(ctx: Client, key: bytes, group: bytes, id: bytes, *words: bytes) -> Status:
    """XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]

    Lets a group read on from another ID.
    """
    _, entries_read = _group_options(ctx, words, may_create=False)
    stream, found = _existing_group(ctx, key, group)
    if len(words) > 2:
        raise subcommand_error(ctx.argv)
    found.last_id = stream.last_id if id == b"$" else _any_id(id)
    found.entries_read = min(entries_read, stream.entries_added)
    ctx.db.changed(key, events.XGROUP_SETID)
    return OK


def _any_id(word: bytes) -> int:
    """An ID, or one of the ends `-` and `+`."""
    if word in (b"-", b"+"):
        return 0 if word == b"-" else (1 << 128) - 1
    return stream_id(word)


@command(
    "XGROUP DESTROY",
    flags=WRITE,
    group="stream",
    since="5.0.0",
    complexity="O(N) in the number of entries the group has pending",
    keys=[Keys(2, "RW delete")],
)
def xgroup_destroy(ctx: Client, key: bytes, group: bytes) -> int:
    """XGROUP DESTROY key group

    Deletes a consumer group.
    """
    if _existing(ctx, key).groups.pop(group, None) is None:
        return 0
    ctx.db.changed(key, events.XGROUP_DESTROY)
    return 1


@command(
    "XGROUP CREATECONSUMER",
    flags=WRITE | DENYOOM,
    group="stream",
    since="6.2.0",
    complexity="O(1)",
    keys=[Keys(2, "RW insert")],
)
def xgroup_createconsumer(ctx: Client, key: bytes, group: bytes, consumer: bytes) -> int:
    """XGROUP CREATECONSUMER key group consumer

    Makes a consumer of a group.
    """
    _, found = _existing_group(ctx, key, group)
    if consumer in found.consumers:
        return 0
    made_consumer(ctx, key, found, consumer)
    return 1


@command(
    "XGROUP DELCONSUMER",
    flags=WRITE,
    group="stream",
    since="5.0.0",
    complexity="O(N) in the number of entries the consumer has pending",
    keys=[Keys(2, "RW delete")],
)
def xgroup_delconsumer(ctx: Client, key: bytes, group: bytes, consumer: bytes) -> int:
    """XGROUP DELCONSUMER key group consumer

    Deletes a consumer; answers how many entries it had pending.
    """
    _, found = _existing_group(ctx, key, group)
    pending = found.remove_consumer(consumer)
    if pending is None:
        return 0
    ctx.db.changed(key, events.XGROUP_DELCONSUMER)
    return pending


@command("XGROUP HELP", flags=LOADING | STALE, group="stream", since="5.0.0", complexity="O(1)")
def xgroup_help(ctx: Client) -> list[Status]:
    """XGROUP HELP

    Shows the subcommands.
    """
    return help_reply("XGROUP", _HELP)


@command(
    "XACK",
    flags=WRITE | FAST,
    group="stream",
    since="5.0.0",
    complexity="O(1) for each ID",
    keys=[Keys(1, "RW update")],
)
def xack(ctx: Client, key: bytes, group: bytes, id: bytes, *ids: bytes) -> int:
    """XACK key group id [id ...]

    Acknowledges entries: they are no longer pending.
    """
    stream = ctx.db.get_as(key, Stream)
    found = None if stream is None else stream.groups.get(group)
    if found is None:
        return 0
    acknowledged = sum(map(found.acknowledge, [stream_id(word) for word in (id, *ids)]))
    ctx.db.changed_unnoticed(acknowledged)
    return acknowledged


@command(
    "XACKDEL",
    flags=WRITE | FAST,
    group="stream",
    since="8.2.0",
    complexity="O(1) for each ID",
    keys=[Keys(1, "RW update delete")],
)
def xackdel(
    ctx: Client, key: bytes, group: bytes, first: bytes, second: bytes, third: bytes, *words: bytes
) -> list[int]:
    """XACKDEL key group [KEEPREF | DELREF | ACKED] IDS <numids id [id ...]>

    Acknowledges entries and deletes those that were pending, unless other groups still need them.
    """
    stream = ctx.db.get_as(key, Stream)
    policy, listed = policy_and_ids((first, second, third, *words))
    found = None if stream is None else stream.groups.get(group)
    if stream is None or found is None:
        return [MISSING] * len(listed)
    answers = []
    deleted = acknowledged = 0
    for id in [stream_id(word) for word in listed]:
        answer = MISSING
        if found.acknowledge(id):
            acknowledged += 1
            answer = delete_unless_referenced(stream, id, policy)
            deleted += answer == DELETED
            answer = KEPT if answer == KEPT else DELETED
        answers.append(answer)
    ctx.db.changed_unnoticed(acknowledged)
    if deleted:
        ctx.db.changed(key, events.XDEL, deleted)
    return answers
