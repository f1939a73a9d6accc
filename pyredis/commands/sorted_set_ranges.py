"""Ranges of sorted sets: by rank, by score, by the members' bytes; answered, stored, counted, removed.

ZRANGE's options choose the kind of range and the direction, which its older relatives have in their names. Whatever
the kind, a range becomes an interval of ranks first, so that offsets, limits and counts are arithmetic.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pyredis.commands.sorted_sets import store
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, syntax_error
from pyredis.keyspace import events
from pyredis.keyspace.events import Event
from pyredis.protocol.replies import Pairs

_BAD_SCORE = b"min or max is not a float"
_BAD_MEMBER = b"min or max not valid string range item"

Interval = tuple[int, int]
"""Ranks from the first to before the second; empty when that is not greater."""


class RankRange(NamedTuple):
    """Ranks, which count from behind when negative."""

    first: int
    last: int

    @classmethod
    def read(cls, low: bytes, high: bytes) -> "RankRange":
        """Raises Redis's error for what is no integer."""
        return cls(integer(low), integer(high))

    def interval(self, found: SortedSet) -> Interval:
        """The ranks it covers."""
        first, last = self
        size = len(found)
        if first < 0:
            first = max(first + size, 0)
        if last < 0:
            last = max(last + size, -1)
        return first, min(last + 1, size)


class ScoreRange(NamedTuple):
    """Scores; either end may be left out."""

    low: float
    high: float
    without_low: bool
    without_high: bool

    @classmethod
    def read(cls, low: bytes, high: bytes) -> "ScoreRange":
        """`5`, `(5`, `inf`. Raises Redis's error."""
        return cls(_read_score(low), _read_score(high), low[:1] == b"(", high[:1] == b"(")

    def interval(self, found: SortedSet) -> Interval:
        """The ranks it covers."""
        start = found.below(self.low, inclusive=self.without_low)
        return start, found.below(self.high, inclusive=not self.without_high)


def _read_score(word: bytes) -> float:
    """The number of an end of a range; what does not fit a double is infinite or 0, and no digits are 0."""
    digits = (word[1:] if word[:1] == b"(" else word).partition(b"\0")[0]
    if not digits:
        return 0.0
    try:
        score = float(digits)
    except ValueError:
        raise CommandError(_BAD_SCORE) from None
    if score != score or b"_" in digits or digits[0] <= 32 or digits[-1] <= 32:
        raise CommandError(_BAD_SCORE)
    return score


class MemberRange(NamedTuple):
    """Members between two of them, as words: `[a`, `(a`, or `-` and `+` for before and behind all."""

    low: bytes
    high: bytes

    @classmethod
    def read(cls, low: bytes, high: bytes) -> "MemberRange":
        """Raises Redis's error."""
        for word in (low, high):
            if word[:1] not in (b"(", b"[") and not (word[:1] in (b"-", b"+") and word[1:2] in (b"", b"\0")):
                raise CommandError(_BAD_MEMBER)
        return cls(low, high)

    def interval(self, found: SortedSet) -> Interval:
        """The ranks it covers, where all scores are the same."""
        return _member_rank(found, self.low, past_equal=b"("), _member_rank(found, self.high, past_equal=b"[")


def _member_rank(found: SortedSet, word: bytes, *, past_equal: bytes) -> int:
    """How many members are below an end; those equal to it too, if it is marked by `past_equal`."""
    mark = word[:1]
    if mark in (b"-", b"+"):
        return 0 if mark == b"-" else len(found)
    return found.below_member(word[1:], inclusive=mark == past_equal)


Range = RankRange | ScoreRange | MemberRange
Kind = type[RankRange] | type[ScoreRange] | type[MemberRange]


class Query(NamedTuple):
    """How a range is asked for. `limit` is negative for all."""

    kind: Kind
    reverse: bool = False
    with_scores: bool = False
    offset: int = 0
    limit: int = -1

    def read(self, first: bytes, second: bytes) -> Range:
        """The range between two words; reversed ranges of scores and members begin with the greater one."""
        if self.reverse and self.kind is not RankRange:
            first, second = second, first
        return self.kind.read(first, second)


def select(found: SortedSet, wanted: Range, query: Query) -> tuple[Sequence[bytes], Sequence[float]]:
    """Members and scores of a range in the order asked for."""
    start, stop = wanted.interval(found)
    if query.kind is RankRange:
        if query.reverse:
            start, stop = len(found) - stop, len(found) - start
    elif query.offset or query.limit >= 0:
        start, stop = _limited(start, stop, query)
    members, scores = found.slice(start, stop) if start < stop else ([], [])
    return (members[::-1], scores[::-1]) if query.reverse else (members, scores)


def _limited(start: int, stop: int, query: Query) -> Interval:
    """The part of an interval that LIMIT leaves; counted from its end when the order is reversed."""
    if query.offset < 0:
        return 0, 0
    if query.reverse:
        stop -= query.offset
        return (start if query.limit < 0 else max(start, stop - query.limit)), stop
    start += query.offset
    return start, (stop if query.limit < 0 else min(stop, start + query.limit))


# Asking


def _read_query(words: tuple[bytes, ...], kind: Kind | None, reverse: bool | None, *, storing: bool) -> Query:
    """The options; those that the command's name settles (`kind`, `reverse` not None) are not allowed."""
    with_scores = False
    offset, limit = 0, -1
    options = Arguments(words)
    while options:
        word = options.word().upper()
        if word == b"WITHSCORES" and not storing:
            with_scores = True
        elif word == b"LIMIT" and len(options) >= 2:
            offset, limit = options.integer(), options.integer()
        elif word == b"REV" and reverse is None:
            reverse = True
        elif word == b"BYLEX" and kind is None:
            kind = MemberRange
        elif word == b"BYSCORE" and kind is None:
            kind = ScoreRange
        else:
            raise syntax_error()
    kind = kind or RankRange
    if limit != -1 and kind is RankRange:
        raise CommandError(b"syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
    if with_scores and kind is MemberRange:
        raise CommandError(b"syntax error, WITHSCORES not supported in combination with BYLEX")
    return Query(kind, bool(reverse), with_scores, offset, limit)


def _answer(ctx: Client, key: bytes, first: bytes, second: bytes, query: Query) -> Sequence[bytes] | Pairs:
    wanted = query.read(first, second)
    found = ctx.db.get_as(key, SortedSet)
    if found is None:
        return []
    members, scores = select(found, wanted, query)
    return Pairs(zip(members, scores, strict=True)) if query.with_scores else members


@command(
    "ZRANGE",
    flags=READONLY,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N)+M) for M members answered of N",
    keys=[Keys(1, "RO access")],
)
def zrange(ctx: Client, key: bytes, start: bytes, stop: bytes, *words: bytes) -> Sequence[bytes] | Pairs:
    """ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]

    Answers the members within a range.
    """
    if words:
        return _answer(ctx, key, start, stop, _read_query(words, None, None, storing=False))
    wanted = RankRange.read(start, stop)
    found = ctx.db.get_as(key, SortedSet)
    return [] if found is None else found.slice(*wanted.interval(found))[0]


@command(
    "ZREVRANGE",
    flags=READONLY,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N)+M) for M members answered of N",
    keys=[Keys(1, "RO access")],
    deprecated=("6.2.0", "`ZRANGE` with the `REV` argument"),
)
def zrevrange(ctx: Client, key: bytes, start: bytes, stop: bytes, *words: bytes) -> Sequence[bytes] | Pairs:
    """ZREVRANGE key start stop [WITHSCORES]

    Answers the members within a range of ranks, which count from the greatest.
    """
    return _answer(ctx, key, start, stop, _read_query(words, RankRange, True, storing=False))


@command(
    "ZRANGEBYSCORE",
    flags=READONLY,
    group="sorted-set",
    since="1.0.5",
    complexity="O(log(N)+M) for M members answered of N",
    keys=[Keys(1, "RO access")],
    deprecated=("6.2.0", "`ZRANGE` with the `BYSCORE` argument"),
)
def zrangebyscore(ctx: Client, key: bytes, min: bytes, max: bytes, *words: bytes) -> Sequence[bytes] | Pairs:
    """ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]

    Answers the members within a range of scores.
    """
    return _answer(ctx, key, min, max, _read_query(words, ScoreRange, False, storing=False))


@command(
    "ZREVRANGEBYSCORE",
    flags=READONLY,
    group="sorted-set",
    since="2.2.0",
    complexity="O(log(N)+M) for M members answered of N",
    keys=[Keys(1, "RO access")],
    deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"),
)
def zrevrangebyscore(ctx: Client, key: bytes, max: bytes, min: bytes, *words: bytes) -> Sequence[bytes] | Pairs:
    """ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]

    Answers the members within a range of scores, the greatest first.
    """
    return _answer(ctx, key, max, min, _read_query(words, ScoreRange, True, storing=False))


@command(
    "ZRANGEBYLEX",
    flags=READONLY,
    group="sorted-set",
    since="2.8.9",
    complexity="O(log(N)+M) for M members answered of N",
    keys=[Keys(1, "RO access")],
    deprecated=("6.2.0", "`ZRANGE` with the `BYLEX` argument"),
)
def zrangebylex(ctx: Client, key: bytes, min: bytes, max: bytes, *words: bytes) -> Sequence[bytes] | Pairs:
    """ZRANGEBYLEX key min max [LIMIT offset count]

    Answers the members between two of them, where all scores are the same.
    """
    return _answer(ctx, key, min, max, _read_query(words, MemberRange, False, storing=False))


@command(
    "ZREVRANGEBYLEX",
    flags=READONLY,
    group="sorted-set",
    since="2.8.9",
    complexity="O(log(N)+M) for M members answered of N",
    keys=[Keys(1, "RO access")],
    deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"),
)
def zrevrangebylex(ctx: Client, key: bytes, max: bytes, min: bytes, *words: bytes) -> Sequence[bytes] | Pairs:
    """ZREVRANGEBYLEX key max min [LIMIT offset count]

    Answers the members between two of them, the greatest first, where all scores are the same.
    """
    return _answer(ctx, key, max, min, _read_query(words, MemberRange, True, storing=False))


@command(
    "ZRANGESTORE",
    flags=WRITE | DENYOOM,
    group="sorted-set",
    since="6.2.0",
    complexity="O(log(N)+M) for M members stored of N",
    keys=[Keys(1, "OW update"), Keys(2, "RO access")],
)
def zrangestore(ctx: Client, dst: bytes, src: bytes, min: bytes, max: bytes, *words: bytes) -> int:
    """ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]

    Stores the members within a range at another key.
    """
    query = _read_query(words, None, None, storing=True)
    wanted = query.read(min, max)
    found = ctx.db.get_as(src, SortedSet)
    members, scores = ([], []) if found is None else select(found, wanted, query)
    if query.reverse:
        members, scores = members[::-1], scores[::-1]
    return store(ctx, dst, SortedSet.of_sorted(list(members), scores, ctx.engine.limits.sorted_set), events.ZRANGESTORE)


# Counting and removing


def _count(ctx: Client, key: bytes, wanted: Range) -> int:
    found = ctx.db.get_as(key, SortedSet)
    if found is None:
        return 0
    start, stop = wanted.interval(found)
    return max(stop - start, 0)


def _remove(ctx: Client, key: bytes, wanted: Range, event: Event) -> int:
    found = ctx.db.take_as(key, SortedSet)
    if found is None:
        return 0
    start, stop = wanted.interval(found)
    if start >= stop:
        return 0
    removed = len(found.take(start, stop)[0])
    ctx.db.shrunk(key, found, event, removed)
    return removed


@command(
    "ZCOUNT",
    flags=READONLY | FAST,
    group="sorted-set",
    since="2.0.0",
    complexity="O(log(N))",
    keys=[Keys(1, "RO access")],
)
def zcount(ctx: Client, key: bytes, min: bytes, max: bytes) -> int:
    """ZCOUNT key min max

    Counts the members within a range of scores.
    """
    return _count(ctx, key, ScoreRange.read(min, max))


@command(
    "ZLEXCOUNT",
    flags=READONLY | FAST,
    group="sorted-set",
    since="2.8.9",
    complexity="O(log(N))",
    keys=[Keys(1, "RO access")],
)
def zlexcount(ctx: Client, key: bytes, min: bytes, max: bytes) -> int:
    """ZLEXCOUNT key min max

    Counts the members between two of them, where all scores are the same.
    """
    return _count(ctx, key, MemberRange.read(min, max))


@command(
    "ZREMRANGEBYRANK",
    flags=WRITE,
    group="sorted-set",
    since="2.0.0",
    complexity="O(log(N)+M) for M members removed from N",
    keys=[Keys(1, "RW delete")],
)
def zremrangebyrank(ctx: Client, key: bytes, start: bytes, stop: bytes) -> int:
    """ZREMRANGEBYRANK key start stop

    Removes the members within a range of ranks.
    """
    return _remove(ctx, key, RankRange.read(start, stop), events.ZREMRANGEBYRANK)


@command(
    "ZREMRANGEBYSCORE",
    flags=WRITE,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N)+M) for M members removed from N",
    keys=[Keys(1, "RW delete")],
)
def zremrangebyscore(ctx: Client, key: bytes, min: bytes, max: bytes) -> int:
    """ZREMRANGEBYSCORE key min max

    Removes the members within a range of scores.
    """
    return _remove(ctx, key, ScoreRange.read(min, max), events.ZREMRANGEBYSCORE)


@command(
    "ZREMRANGEBYLEX",
    flags=WRITE,
    group="sorted-set",
    since="2.8.9",
    complexity="O(log(N)+M) for M members removed from N",
    keys=[Keys(1, "RW delete")],
)
def zremrangebylex(ctx: Client, key: bytes, min: bytes, max: bytes) -> int:
    """ZREMRANGEBYLEX key min max

    Removes the members between two of them, where all scores are the same.
    """
    return _remove(ctx, key, MemberRange.read(min, max), events.ZREMRANGEBYLEX)
