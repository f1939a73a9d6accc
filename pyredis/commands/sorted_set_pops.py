"""Taking the lowest or the highest members of sorted sets, at once or as soon as there are some.

What says which key served propagates as ZPOPMIN or ZPOPMAX of that key.
"""

from collections.abc import Sequence
from typing import Any

from pyredis.datatypes.numeric import INT64_MAX
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer_between, timeout_ms
from pyredis.engine.command_table.command import BLOCKING, FAST, MOVABLEKEYS, WRITE, CountedKeys, Keys, command
from pyredis.engine.execution.blocking import Blocked
from pyredis.errors import OUT_OF_RANGE, syntax_error
from pyredis.keyspace import events
from pyredis.protocol.replies import NULL_ARRAY, NullArray, Pairs

Popped = list[tuple[bytes, float]]


def _pop(ctx: Client, key: bytes, found: SortedSet, count: int, *, highest: bool) -> Popped:
    """Take up to `count` members with their scores, from the end inwards."""
    size = len(found)
    count = min(count, size)
    if count == 1:
        popped = [found.pop(highest=highest)]
    elif highest:
        members, scores = found.take(size - count, size)
        popped = list(zip(members[::-1], scores[::-1], strict=True))
    else:
        popped = list(zip(*found.take(0, count), strict=True))
    ctx.db.shrunk(key, found, events.ZPOPMAX if highest else events.ZPOPMIN, count)
    return popped


def _first(ctx: Client, keys: Sequence[bytes]) -> tuple[bytes, SortedSet] | None:
    """The first key that holds a sorted set. Raises WrongType for one before it that holds something else."""
    for key in keys:
        found = ctx.db.take_as(key, SortedSet)
        if found is not None:
            return key, found
    return None


def _pop_from_one(ctx: Client, key: bytes, words: tuple[bytes, ...], *, highest: bool) -> Pairs | list[Any]:
    """ZPOPMIN and ZPOPMAX: without a count the answer is flat in both protocols."""
    if len(words) > 1:
        raise syntax_error()
    count = integer_between(words[0], 0, INT64_MAX, OUT_OF_RANGE + b", must be positive") if words else 1
    found = ctx.db.take_as(key, SortedSet)
    if found is None or not count:
        return []
    popped = _pop(ctx, key, found, count, highest=highest)
    return Pairs(popped) if words else [*popped[0]]


@command(
    "ZPOPMIN",
    flags=WRITE | FAST,
    group="sorted-set",
    since="5.0.0",
    complexity="O(log(N)*M) for M members taken from N",
    keys=[Keys(1, "RW access delete")],
)
def zpopmin(ctx: Client, key: bytes, *words: bytes) -> Pairs | list[Any]:
    """ZPOPMIN key [count]

    Takes the members with the lowest scores.
    """
    return _pop_from_one(ctx, key, words, highest=False)


@command(
    "ZPOPMAX",
    flags=WRITE | FAST,
    group="sorted-set",
    since="5.0.0",
    complexity="O(log(N)*M) for M members taken from N",
    keys=[Keys(1, "RW access delete")],
)
def zpopmax(ctx: Client, key: bytes, *words: bytes) -> Pairs | list[Any]:
    """ZPOPMAX key [count]

    Takes the members with the highest scores.
    """
    return _pop_from_one(ctx, key, words, highest=True)


def _name(*, highest: bool) -> bytes:
    return b"ZPOPMAX" if highest else b"ZPOPMIN"


# From the first of several keys


def _read_several(numkeys: bytes, words: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], bool, int]:
    """ZMPOP's keys, whether it takes the highest, and how many. Raises Redis's errors."""
    number = integer_between(numkeys, 1, INT64_MAX, b"numkeys should be greater than 0")
    if number >= len(words):
        raise syntax_error()
    where = words[number].upper()
    if where not in (b"MIN", b"MAX"):
        raise syntax_error()
    count = None
    options = Arguments(words[number + 1 :])
    while options:
        if count is not None or not options.flag(b"COUNT", 1):
            raise syntax_error()
        count = integer_between(options.word(), 1, INT64_MAX, b"count should be greater than 0")
    return words[:number], where == b"MAX", count or 1


def _pop_several(ctx: Client, keys: Sequence[bytes], count: int, *, highest: bool) -> list[Any] | None:
    """The answer of ZMPOP, or None when all keys are empty."""
    served = _first(ctx, keys)
    if served is None:
        return None
    key, found = served
    popped = _pop(ctx, key, found, count, highest=highest)
    ctx.rewritten = (_name(highest=highest), key, b"%d" % len(popped))
    return [key, popped]


@command(
    "ZMPOP",
    flags=WRITE | MOVABLEKEYS,
    group="sorted-set",
    since="7.0.0",
    complexity="O(K) + O(M*log(N)) for K keys and M members taken from N",
    keys=[CountedKeys(1, "RW access delete")],
)
def zmpop(ctx: Client, numkeys: bytes, key: bytes, where: bytes, *words: bytes) -> list[Any] | NullArray:
    """ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]

    Takes members from the first of several sorted sets that is there.
    """
    keys, highest, count = _read_several(numkeys, (key, where, *words))
    return _pop_several(ctx, keys, count, highest=highest) or NULL_ARRAY


@command(
    "BZMPOP",
    flags=WRITE | BLOCKING | MOVABLEKEYS,
    group="sorted-set",
    since="7.0.0",
    complexity="O(K) + O(M*log(N)) for K keys and M members taken from N",
    keys=[CountedKeys(2, "RW access delete")],
)
def bzmpop(ctx: Client, timeout: bytes, numkeys: bytes, key: bytes, where: bytes, *words: bytes) -> list[Any] | Blocked:
    """BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]

    As ZMPOP, waiting until one of the sorted sets is there.
    """
    keys, highest, count = _read_several(numkeys, (key, where, *words))
    wait = timeout_ms(timeout, ctx.db.space.now)
    return _pop_several(ctx, keys, count, highest=highest) or Blocked(keys, (SortedSet,), wait)


def _pop_or_wait(ctx: Client, words: tuple[bytes, ...], *, highest: bool) -> list[Any] | Blocked:
    """BZPOPMIN and BZPOPMAX: `words` are keys and the timeout."""
    keys = words[:-1]
    wait = timeout_ms(words[-1], ctx.db.space.now)
    served = _first(ctx, keys)
    if served is None:
        return Blocked(keys, (SortedSet,), wait)
    key, found = served
    popped = _pop(ctx, key, found, 1, highest=highest)
    ctx.rewritten = (_name(highest=highest), key)
    return [key, *popped[0]]


@command(
    "BZPOPMIN",
    flags=WRITE | BLOCKING | FAST,
    group="sorted-set",
    since="5.0.0",
    complexity="O(log(N))",
    keys=[Keys(1, "RW access delete", last=-2)],
)
def bzpopmin(ctx: Client, key: bytes, word: bytes, *words: bytes) -> list[Any] | Blocked:
    """BZPOPMIN key [key ...] timeout

    Takes the member with the lowest score from the first sorted set that is there, waiting for one.
    """
    return _pop_or_wait(ctx, (key, word, *words), highest=False)


@command(
    "BZPOPMAX",
    flags=WRITE | BLOCKING | FAST,
    group="sorted-set",
    since="5.0.0",
    complexity="O(log(N))",
    keys=[Keys(1, "RW access delete", last=-2)],
)
def bzpopmax(ctx: Client, key: bytes, word: bytes, *words: bytes) -> list[Any] | Blocked:
    """BZPOPMAX key [key ...] timeout

    Takes the member with the highest score from the first sorted set that is there, waiting for one.
    """
    return _pop_or_wait(ctx, (key, word, *words), highest=True)
