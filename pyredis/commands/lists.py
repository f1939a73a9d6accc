"""Lists: pushing, popping, reading and changing one list. `list_moves` and `blocking_lists` have the rest.

A list becomes a quicklist before it is added to, and a listpack again after elements left it, by the limits that
`list-max-listpack-size` sets at that moment; a failed LINSERT or LSET may have converted it too, as in Redis.
"""

from itertools import islice

from pyredis.datatypes.list import List
from pyredis.datatypes.listpack import Listpack
from pyredis.datatypes.numeric import INT64_MAX
from pyredis.datatypes.quicklist import Quicklist
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer, integer_between
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import INDEX_OUT_OF_RANGE, NO_SUCH_KEY, CommandError, syntax_error, wrong_arity
from pyredis.keyspace import events
from pyredis.protocol.replies import NULL_ARRAY, OK, NullArray, Status

_NOT_POSITIVE = b"value is out of range, must be positive"
_RANK_ZERO = (
    b"RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
    b"or use negative to start from the end of the list"
)


def _push_left(ctx: Client, key: bytes, elements: tuple[bytes, ...], value: List | None) -> int:
    if value is None:
        value = List()
        length = value.push_left(elements, ctx.engine.limits.list)
        ctx.db.put(key, value, events.LPUSH, length)
    else:
        form = value.form
        length = value.push_left(elements, form.limits if form.__class__ is Quicklist else ctx.engine.limits.list)
        ctx.db.changed(key, events.LPUSH, len(elements))
    return length


def _push_right(ctx: Client, key: bytes, elements: tuple[bytes, ...], value: List | None) -> int:
    if value is None:
        value = List()
        length = value.push_right(elements, ctx.engine.limits.list)
        ctx.db.put(key, value, events.RPUSH, length)
    else:
        form = value.form
        length = value.push_right(elements, form.limits if form.__class__ is Quicklist else ctx.engine.limits.list)
        ctx.db.changed(key, events.RPUSH, len(elements))
    return length


@command(
    "LPUSH",
    flags=WRITE | DENYOOM | FAST,
    group="list",
    since="1.0.0",
    complexity="O(1) for each element added",
    keys=[Keys(1, "RW insert")],
)
def lpush(ctx: Client, key: bytes, element: bytes, *elements: bytes) -> int:
    """LPUSH key element [element ...]

    Adds elements at the head of a list, the last one foremost; a missing key becomes a list.
    """
    value = ctx.db.take_as(key, List)
    if value is None or elements or value.form.__class__ is Listpack:
        return _push_left(ctx, key, (element, *elements), value)
    form = value.form
    form.push_left(element)
    ctx.db.changed(key, events.LPUSH)
    return len(form)


@command(
    "RPUSH",
    flags=WRITE | DENYOOM | FAST,
    group="list",
    since="1.0.0",
    complexity="O(1) for each element added",
    keys=[Keys(1, "RW insert")],
)
def rpush(ctx: Client, key: bytes, element: bytes, *elements: bytes) -> int:
    """RPUSH key element [element ...]

    Adds elements at the tail of a list; a missing key becomes a list.
    """
    value = ctx.db.take_as(key, List)
    if value is None or elements or value.form.__class__ is Listpack:
        return _push_right(ctx, key, (element, *elements), value)
    form = value.form
    form.push_right(element)
    ctx.db.changed(key, events.RPUSH)
    return len(form)


@command(
    "LPUSHX",
    flags=WRITE | DENYOOM | FAST,
    group="list",
    since="2.2.0",
    complexity="O(1) for each element added",
    keys=[Keys(1, "RW insert")],
)
def lpushx(ctx: Client, key: bytes, element: bytes, *elements: bytes) -> int:
    """LPUSHX key element [element ...]

    Adds elements at the head of a list if there is one.
    """
    value = ctx.db.take_as(key, List)
    return 0 if value is None else _push_left(ctx, key, (element, *elements), value)


@command(
    "RPUSHX",
    flags=WRITE | DENYOOM | FAST,
    group="list",
    since="2.2.0",
    complexity="O(1) for each element added",
    keys=[Keys(1, "RW insert")],
)
def rpushx(ctx: Client, key: bytes, element: bytes, *elements: bytes) -> int:
    """RPUSHX key element [element ...]

    Adds elements at the tail of a list if there is one.
    """
    value = ctx.db.take_as(key, List)
    return 0 if value is None else _push_right(ctx, key, (element, *elements), value)


def popped(ctx: Client, key: bytes, value: List, event: events.Event, count: int) -> None:
    """Elements left a list: the key goes if none is left, else the list may become a listpack again."""
    form = value.form
    if form.__class__ is Quicklist and len(form.nodes) == 1:
        value.try_conversion(ctx.engine.limits.list)
    ctx.db.shrunk(key, value, event, count)


def pop_one(ctx: Client, key: bytes, value: List, *, left: bool) -> bytes:
    """Take an element from an end of the list at a key."""
    element = value.pop_left() if left else value.pop_right()
    popped(ctx, key, value, events.LPOP if left else events.RPOP, 1)
    return element


def pop_many(ctx: Client, key: bytes, value: List, count: int, *, left: bool) -> list[bytes]:
    """Take up to `count` elements from an end of the list at a key, in the order of their leaving."""
    length = len(value)
    count = min(count, length)
    if left:
        elements = value.slice(0, count)
        value.trim(count, 0)
    else:
        elements = value.slice(length - count, length)
        elements.reverse()
        value.trim(0, count)
    popped(ctx, key, value, events.LPOP if left else events.RPOP, count)
    return elements


def _pop_counted(ctx: Client, key: bytes, words: tuple[bytes, ...], *, left: bool) -> list[bytes] | NullArray:
    """LPOP and RPOP with a count."""
    if len(words) > 1:
        raise wrong_arity("lpop" if left else "rpop")
    count = integer_between(words[0], 0, INT64_MAX, _NOT_POSITIVE)
    value = ctx.db.take_as(key, List)
    if value is None:
        return NULL_ARRAY
    return pop_many(ctx, key, value, count, left=left) if count else []


@command(
    "LPOP",
    flags=WRITE | FAST,
    group="list",
    since="1.0.0",
    complexity="O(N) in the number of elements returned",
    keys=[Keys(1, "RW access delete")],
)
def lpop(ctx: Client, key: bytes, *count: bytes) -> bytes | list[bytes] | NullArray | None:
    """LPOP key [count]

    Takes the first elements of a list and answers them.
    """
    if count:
        return _pop_counted(ctx, key, count, left=True)
    value = ctx.db.take_as(key, List)
    if value is None:
        return None
    element = value.form.pop_left()
    popped(ctx, key, value, events.LPOP, 1)
    return element


@command(
    "RPOP",
    flags=WRITE | FAST,
    group="list",
    since="1.0.0",
    complexity="O(N) in the number of elements returned",
    keys=[Keys(1, "RW access delete")],
)
def rpop(ctx: Client, key: bytes, *count: bytes) -> bytes | list[bytes] | NullArray | None:
    """RPOP key [count]

    Takes the last elements of a list and answers them, the last one first.
    """
    if count:
        return _pop_counted(ctx, key, count, left=False)
    value = ctx.db.take_as(key, List)
    if value is None:
        return None
    element = value.form.pop_right()
    popped(ctx, key, value, events.RPOP, 1)
    return element


@command(
    "LLEN",
    flags=READONLY | FAST,
    group="list",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RO")],
)
def llen(ctx: Client, key: bytes) -> int:
    """LLEN key

    Counts the elements of a list.
    """
    value = ctx.db.get_as(key, List)
    return 0 if value is None else len(value)


@command(
    "LINDEX",
    flags=READONLY,
    group="list",
    since="1.0.0",
    complexity="O(N) in the runs of elements between the index and the nearer end",
    keys=[Keys(1, "RO access")],
)
def lindex(ctx: Client, key: bytes, index: bytes) -> bytes | None:
    """LINDEX key index

    Answers the element at an index, which counts from 0, or from the end if it is negative.
    """
    value = ctx.db.get_as(key, List)
    return None if value is None else value.at(integer(index))


@command(
    "LSET",
    flags=WRITE | DENYOOM,
    group="list",
    since="1.0.0",
    complexity="O(N) in the runs of elements between the index and the nearer end",
    keys=[Keys(1, "RW update")],
)
def lset(ctx: Client, key: bytes, index: bytes, element: bytes) -> Status:
    """LSET key index element

    Replaces the element at an index.
    """
    value = ctx.db.take_as(key, List)
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    at = integer(index)
    at = (at + (1 << 31)) % (1 << 32) - (1 << 31)  # Redis keeps the low 32 bits of it here
    try:
        value.replace(at, element, ctx.engine.limits.list)
    except IndexError:
        raise CommandError(INDEX_OUT_OF_RANGE) from None
    ctx.db.changed(key, events.LSET)
    return OK


@command(
    "LINSERT",
    flags=WRITE | DENYOOM,
    group="list",
    since="2.2.0",
    complexity="O(N) in the number of elements before the pivot",
    keys=[Keys(1, "RW insert")],
)
def linsert(ctx: Client, key: bytes, where: bytes, pivot: bytes, element: bytes) -> int:
    """LINSERT key <BEFORE | AFTER> pivot element

    Inserts an element before or after the first one that equals the pivot; answers the new length, or -1 without it.
    """
    side = where.upper()
    if side not in (b"BEFORE", b"AFTER"):
        raise syntax_error()
    value = ctx.db.take_as(key, List)
    if value is None:
        return 0
    if not value.insert(pivot, element, ctx.engine.limits.list, after=side == b"AFTER"):
        return -1
    ctx.db.changed(key, events.LINSERT)
    return len(value)


def span(start: int, stop: int, length: int) -> tuple[int, int]:
    """An inclusive range of indices, which may count from the end, as positions from … up to (not with)."""
    if start < 0:
        start = max(start + length, 0)
    if stop < 0:
        stop += length
    stop = min(stop + 1, length)
    return (start, stop) if start < stop else (0, 0)


@command(
    "LRANGE",
    flags=READONLY,
    group="list",
    since="1.0.0",
    complexity="O(S+N), S the runs of elements between the start and the nearer end, N the number of elements answered",
    keys=[Keys(1, "RO access")],
)
def lrange(ctx: Client, key: bytes, start: bytes, stop: bytes) -> list[bytes]:
    """LRANGE key start stop

    Answers the elements between two indices, both included.
    """
    first, last = integer(start), integer(stop)
    value = ctx.db.get_as(key, List)
    return [] if value is None else value.slice(*span(first, last, len(value)))


@command(
    "LTRIM",
    flags=WRITE,
    group="list",
    since="1.0.0",
    complexity="O(N) in the number of elements removed",
    keys=[Keys(1, "RW delete")],
)
def ltrim(ctx: Client, key: bytes, start: bytes, stop: bytes) -> Status:
    """LTRIM key start stop

    Keeps only the elements between two indices, both included.
    """
    first, last = integer(start), integer(stop)
    value = ctx.db.take_as(key, List)
    if value is not None:
        length = len(value)
        first, last = span(first, last, length)
        value.trim(first, length - last)
        popped(ctx, key, value, events.LTRIM, length - (last - first))
    return OK


@command(
    "LREM",
    flags=WRITE,
    group="list",
    since="1.0.0",
    complexity="O(N) in the number of elements",
    keys=[Keys(1, "RW delete")],
)
def lrem(ctx: Client, key: bytes, count: bytes, element: bytes) -> int:
    """LREM key count element

    Removes elements that equal the given one: the first `count` of them, the last ones if it is negative, all if 0.
    """
    most = integer_between(count, -INT64_MAX, INT64_MAX)
    value = ctx.db.take_as(key, List)
    if value is None:
        return 0
    removed = value.remove(element, abs(most) or len(value), from_right=most < 0)
    if removed:
        popped(ctx, key, value, events.LREM, removed)
    return removed


@command(
    "LPOS",
    flags=READONLY,
    group="list",
    since="6.0.6",
    complexity="O(N) in the number of elements compared",
    keys=[Keys(1, "RO access")],
)
def lpos(ctx: Client, key: bytes, element: bytes, *words: bytes) -> int | list[int] | None:
    """LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]

    Answers the index of an element that equals the given one, or with `COUNT` the indices of several.
    """
    rank, most = 1, 0
    count: int | None = None
    options = Arguments(words)
    while options:
        if options.flag(b"RANK", 1):
            rank = integer_between(options.word(), -INT64_MAX, INT64_MAX)
            if not rank:
                raise CommandError(_RANK_ZERO)
        elif options.flag(b"COUNT", 1):
            count = integer_between(options.word(), 0, INT64_MAX, b"COUNT can't be negative")
        elif options.flag(b"MAXLEN", 1):
            most = integer_between(options.word(), 0, INT64_MAX, b"MAXLEN can't be negative")
        else:
            raise syntax_error()
    value = ctx.db.get_as(key, List)
    if value is None:
        return None if count is None else []
    found = value.positions(element, from_right=rank < 0, most=most)
    found = islice(found, abs(rank) - 1, None)
    return next(found, None) if count is None else list(islice(found, count or None))
