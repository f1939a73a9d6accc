"""Streams as logs: adding, reading ranges, deleting and trimming entries.

A stream is not deleted when its last entry goes, for it remembers its last ID and its groups. What propagates names
the ID that was given and exactly what was trimmed.
"""

from collections.abc import Iterable

from pyredis.commands.stream_arguments import (
    TrimOptions,
    count_option,
    id_for_xadd,
    interval_end,
    interval_start,
    policy_and_ids,
    stream_id,
)
from pyredis.datatypes.stream import ACKED, DELREF, Entry, Stream, Trim
from pyredis.datatypes.stream_id import MAX_ID, SEQUENCE_MASK, format_id
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import NO_SUCH_KEY, CommandError, syntax_error, wrong_arity
from pyredis.keyspace import events
from pyredis.protocol.replies import NULL_ARRAY, OK, Entries, NullArray, Status

Words = tuple[bytes, ...]

DELETED, KEPT, MISSING = 1, 2, -1
"""What XDELEX and XACKDEL answer for an entry: it is gone, it is still referenced, there is none."""

_NOT_ABOVE = b"The ID specified in XADD is equal or smaller than the target stream top item"
_EXHAUSTED = b"The stream has exhausted the last possible ID, unable to add more items"


def shown(entries: Iterable[tuple[int, Entry]]) -> list[tuple[bytes, Entry]]:
    """Entries as replies have them."""
    return [(format_id(id), entry) for id, entry in entries]


# Adding


@command(
    "XADD",
    flags=WRITE | DENYOOM | FAST,
    group="stream",
    since="5.0.0",
    complexity="O(1); O(N) for N entries that trimming deletes",
    keys=[Keys(1, "RW update", notes="UPDATE instead of INSERT because of the optional trimming feature")],
    tips=["nondeterministic_output"],
)
def xadd(ctx: Client, key: bytes, id: bytes, field: bytes, value: bytes, *words: bytes) -> bytes | None:
    """XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]

    Adds an entry to a stream, which is made if it is missing, and may trim the stream.
    """  # noqa: E501
    if id != b"*":
        return _xadd_with_options(ctx, key, (id, field, value, *words))
    if words and len(words) % 2:
        raise wrong_arity("xadd")
    db, engine = ctx.db, ctx.engine
    stream = db.take_as(key, Stream)
    fields = (field, value, *words) if words else (field, value)
    if stream is None or stream.last_id == MAX_ID:
        found = Stream() if stream is None else stream
        given = _added(ctx, key, stream, found, found.next_id(db.space.now), fields)
    else:
        number = stream.next_id(db.space.now)
        stream.append(number, fields, engine.limits.stream)
        db.changed(key, events.XADD)
        given = b"%d-%d" % (number >> 64, number & SEQUENCE_MASK)
    if engine.record is not None:
        ctx.rewritten = (b"XADD", key, given, *fields)
    return given


def _added(ctx: Client, key: bytes, stream: Stream | None, found: Stream, id: int, fields: Words) -> bytes:
    """Add an entry to a stream; `stream` is None while the key does not hold it yet."""
    if id <= found.last_id or id > MAX_ID:
        raise CommandError(_EXHAUSTED if found.last_id == MAX_ID else _NOT_ABOVE)
    found.append(id, fields, ctx.engine.limits.stream)
    if stream is None:
        ctx.db.put(key, found, events.XADD)
    else:
        ctx.db.changed(key, events.XADD)
    return format_id(id)


def _xadd_with_options(ctx: Client, key: bytes, words: Words) -> bytes | None:
    """XADD where more than `*` comes before the fields."""
    arguments = Arguments(words)
    options = TrimOptions(arguments, is_xadd=True)
    at = arguments.position
    is_given = not arguments or words[at] != b"*"
    id, is_whole = id_for_xadd(words[at]) if arguments and is_given else (0, not arguments)
    options.check(is_xadd=True, obeyed=ctx.role.is_obeyed)
    fields = words[at + 1 :]
    if not fields or len(fields) % 2:
        raise wrong_arity("xadd")
    if is_whole and not id:
        raise CommandError(b"The ID specified in XADD must be greater than 0-0")
    stream = ctx.db.take_as(key, Stream)
    if stream is None and options.makes_no_stream:
        return None
    found = Stream() if stream is None else stream
    if found.last_id == MAX_ID:
        raise CommandError(_EXHAUSTED)
    if not is_given:
        id = found.next_id(ctx.db.space.now)
    elif not is_whole and found.last_id >> 64 == id >> 64:
        id = found.last_id + 1
        if id >> 64 != found.last_id >> 64:
            raise CommandError(_NOT_ABOVE)
    given = _added(ctx, key, stream, found, id, fields)
    trim = options.trim(ctx.engine.limits.stream.entries)
    if trim is not None and found.trim(trim):
        ctx.db.changed(key, events.XTRIM, 0)
    if ctx.engine.record is not None:
        exact = _exact(words[:at], options, found)
        ctx.rewritten = (b"XADD", key, *exact, words[at] if is_given and is_whole else given, *fields)
    return given


def _exact(words: Words, options: TrimOptions, stream: Stream) -> Words:
    """The words that trim as an approximate trim just did, whatever nodes a replica has."""
    if not options.approximate:
        return words
    at = options.threshold_at
    first = stream.nodes[0].first if stream.nodes else MAX_ID
    threshold = format_id(first) if options.length is None else b"%d" % stream.length
    return (*words[: at - 1], b"=", threshold, *words[at + 1 :])


# Reading


@command("XLEN", flags=READONLY | FAST, group="stream", since="5.0.0", complexity="O(1)", keys=[Keys(1, "RO")])
def xlen(ctx: Client, key: bytes) -> int:
    """XLEN key

    Answers the number of entries of a stream.
    """
    stream = ctx.db.get_as(key, Stream)
    return 0 if stream is None else stream.length


def _range(ctx: Client, key: bytes, start: bytes, end: bytes, words: Words, *, backwards: bool) -> Entries | NullArray:
    first, last = interval_start(start), interval_end(end)
    count = count_option(words) if words else None
    stream = ctx.db.get_as(key, Stream)
    if stream is None:
        return Entries(())
    if count == 0:
        return NULL_ARRAY
    read = stream.reversed_range if backwards else stream.range
    return Entries(read(first, last, count or 0))


@command(
    "XRANGE",
    flags=READONLY,
    group="stream",
    since="5.0.0",
    complexity="O(N) in the number of entries returned",
    keys=[Keys(1, "RO access")],
)
def xrange(ctx: Client, key: bytes, start: bytes, end: bytes, *words: bytes) -> Entries | NullArray:
    """XRANGE key start end [COUNT count]

    Answers the entries in a range of IDs.
    """
    return _range(ctx, key, start, end, words, backwards=False)


@command(
    "XREVRANGE",
    flags=READONLY,
    group="stream",
    since="5.0.0",
    complexity="O(N) in the number of entries returned",
    keys=[Keys(1, "RO access")],
)
def xrevrange(ctx: Client, key: bytes, end: bytes, start: bytes, *words: bytes) -> Entries | NullArray:
    """XREVRANGE key end start [COUNT count]

    Answers the entries in a range of IDs, the last one first.
    """
    return _range(ctx, key, start, end, words, backwards=True)


# Deleting


@command(
    "XDEL",
    flags=WRITE | FAST,
    group="stream",
    since="5.0.0",
    complexity="O(1) for each entry",
    keys=[Keys(1, "RW delete")],
)
def xdel(ctx: Client, key: bytes, id: bytes, *ids: bytes) -> int:
    """XDEL key id [id ...]

    Deletes entries; what is pending in groups stays so.
    """
    stream = ctx.db.take_as(key, Stream)
    if stream is None:
        return 0
    deleted = sum(map(stream.delete, [stream_id(word) for word in (id, *ids)]))
    if deleted:
        ctx.db.changed(key, events.XDEL, deleted)
    return deleted


def delete_unless_referenced(stream: Stream, id: int, policy: bytes) -> int:
    """Delete an entry as XDELEX does: DELETED, KEPT or MISSING."""
    if policy == ACKED and stream.is_referenced(id):
        return KEPT
    if policy == DELREF:
        stream.forget(id)
    return DELETED if stream.delete(id) else MISSING


@command(
    "XDELEX",
    flags=WRITE | FAST,
    group="stream",
    since="8.2.0",
    complexity="O(1) for each entry",
    keys=[Keys(1, "RW delete")],
)
def xdelex(ctx: Client, key: bytes, first: bytes, second: bytes, third: bytes, *words: bytes) -> list[int]:
    """XDELEX key [KEEPREF | DELREF | ACKED] IDS <numids id [id ...]>

    Deletes entries; the option says what becomes of those that groups have pending.
    """
    stream = ctx.db.take_as(key, Stream)
    policy, listed = policy_and_ids((first, second, third, *words))
    if stream is None:
        return [MISSING] * len(listed)
    ids = [stream_id(word) for word in listed]
    answers = [delete_unless_referenced(stream, id, policy) for id in ids]
    if DELETED in answers:
        ctx.db.changed(key, events.XDEL, answers.count(DELETED))
    return answers


@command(
    "XTRIM",
    flags=WRITE,
    group="stream",
    since="5.0.0",
    complexity="O(N) in the number of entries deleted",
    keys=[Keys(1, "RW delete")],
    tips=["nondeterministic_output"],
)
def xtrim(ctx: Client, key: bytes, strategy: bytes, threshold: bytes, *words: bytes) -> int:
    """XTRIM key <<MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]>

    Deletes entries at the head of a stream.
    """
    words = (strategy, threshold, *words)
    options = TrimOptions(Arguments(words), is_xadd=False)
    options.check(is_xadd=False, obeyed=ctx.role.is_obeyed)
    stream = ctx.db.take_as(key, Stream)
    if stream is None:
        return 0
    deleted = stream.trim(options.trim(ctx.engine.limits.stream.entries) or Trim())
    if deleted:
        ctx.rewritten = (b"XTRIM", key, *_exact(words, options, stream))
        ctx.db.changed(key, events.XTRIM, deleted)
    return deleted


@command(
    "XSETID",
    flags=WRITE | DENYOOM | FAST,
    group="stream",
    since="5.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW update")],
)
def xsetid(ctx: Client, key: bytes, id: bytes, *words: bytes) -> Status:
    """XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]

    Sets what a stream remembers of entries that are gone.
    """
    last, added, max_deleted = stream_id(id), None, 0
    options = Arguments(words)
    while options:
        if options.flag(b"ENTRIESADDED", 1):
            added = options.integer()
            if added < 0:
                raise CommandError(b"entries_added must be positive")
        elif options.flag(b"MAXDELETEDID", 1):
            max_deleted = stream_id(options.word())
            if last < max_deleted:
                raise CommandError(b"The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
        else:
            raise syntax_error()
    stream = ctx.db.take_as(key, Stream)
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    if last < stream.max_deleted_id:
        raise CommandError(b"The ID specified in XSETID is smaller than current max_deleted_entry_id")
    if stream.length and last < stream.top_id:
        raise CommandError(b"The ID specified in XSETID is smaller than the target stream top item")
    if stream.length and added is not None and added < stream.length:
        raise CommandError(b"The entries_added specified in XSETID is smaller than the target stream length")
    stream.last_id = last
    stream.entries_added = stream.entries_added if added is None else added
    stream.max_deleted_id = max_deleted or stream.max_deleted_id
    ctx.db.changed(key, events.XSETID)
    return OK
