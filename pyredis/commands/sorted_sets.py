"""Sorted sets member by member: add, change, remove, ask for scores and ranks, pick at random, walk.

Ranges, set algebra and pops have modules of their own; `store` here is what those share.
"""

from math import isnan
from typing import Any

from pyredis.commands.scanning import EMPTY, ScanOptions, ScanReply, read_cursor, reply
from pyredis.datatypes.numeric import INT64_MAX, format_double, parse_float, parse_floats
from pyredis.datatypes.sampling import MOST_DRAWS
from pyredis.datatypes.sorted_set import Limits, SortedSet
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer_between
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import NOT_A_FLOAT, OUT_OF_RANGE, CommandError, syntax_error, wrong_arity
from pyredis.keyspace import events
from pyredis.keyspace.events import Event
from pyredis.protocol.replies import NO_REPLY, NULL_ARRAY, NoReply, NullArray, Pairs

_SAME, _ADDED, _UPDATED = range(3)
_FEW = 50  # pairs of ZADD that are applied one by one


def store(ctx: Client, key: bytes, made: SortedSet, event: Event) -> int:
    """Put a new sorted set at a key whatever was there, or nothing if it is empty; how many members it has."""
    if made:
        ctx.db.set(key, made, event)
    else:
        ctx.db.remove(key)
    return len(made)


def read_score(word: bytes) -> float:
    """A word as a score or an increment. Raises Redis's error."""
    number = parse_float(word)
    if number is None:
        raise CommandError(NOT_A_FLOAT)
    return number


# Adding


class _Rules:
    """ZADD's options."""

    __slots__ = ("changes", "greater", "increment", "less", "new_only", "old_only")

    def __init__(self, options: Arguments, *, increment: bool) -> None:
        self.new_only = self.old_only = self.greater = self.less = self.changes = False
        self.increment = increment
        while options:
            if options.flag(b"NX"):
                self.new_only = True
            elif options.flag(b"XX"):
                self.old_only = True
            elif options.flag(b"GT"):
                self.greater = True
            elif options.flag(b"LT"):
                self.less = True
            elif options.flag(b"CH"):
                self.changes = True
            elif options.flag(b"INCR"):
                self.increment = True
            else:
                break

    def check(self, pairs: int) -> None:
        """Raise for options that exclude each other."""
        if self.new_only and self.old_only:
            raise CommandError(b"XX and NX options at the same time are not compatible")
        if self.greater + self.less + self.new_only > 1:
            raise CommandError(b"GT, LT, and/or NX options at the same time are not compatible")
        if self.increment and pairs > 1:
            raise CommandError(b"INCR option supports a single increment-element pair")

    def apply(self, to: SortedSet, member: bytes, score: float, within: Limits) -> tuple[int, float | None]:
        """Add or change one member: what happened, and the score asked for; None when the options forbade it."""
        before = to.score(member)
        if before is None:
            if self.old_only:
                return _SAME, None
            to.add(member, score, within)
            return _ADDED, score
        if self.new_only:
            return _SAME, None
        if self.increment:
            score += before
            if isnan(score):
                raise CommandError(b"resulting score is not a number (NaN)")
        if (self.less and score >= before) or (self.greater and score <= before):
            return _SAME, None
        if score == before:
            return _SAME, score
        to.move(member, before, score)
        return _UPDATED, score

    def apply_many(self, to: SortedSet, scores: dict[bytes, float]) -> tuple[int, int]:
        """Add or change many different members: how many are new, and how many changed or new."""
        given = [*zip(scores, scores.values(), to.scores_of([*scores]), strict=True)]
        accepted: dict[bytes, float] = {}
        if not self.old_only:
            accepted = {member: score for member, score, before in given if before is None}
        added = len(accepted)
        if added < len(given) and not self.new_only:
            for member, score, before in given:
                if before is None or score == before:
                    continue
                if not (self.less if score > before else self.greater):
                    accepted[member] = score
        if accepted:
            to.update(accepted)
        return added, len(accepted)


def add(ctx: Client, key: bytes, words: tuple[bytes, ...], *, increment: bool = False) -> int | float | None:
    """ZADD and ZINCRBY in full: `words` are options and pairs of score and member."""
    options = Arguments(words)
    rules = _Rules(options, increment=increment)
    rest = options.rest()
    if not rest or len(rest) % 2:
        raise syntax_error()
    pairs = len(rest) // 2
    rules.check(pairs)
    scores, members = parse_floats(rest[::2]), rest[1::2]
    if scores is None:
        raise CommandError(NOT_A_FLOAT)
    within = ctx.engine.limits.sorted_set
    found = ctx.db.take_as(key, SortedSet)
    target = SortedSet() if found is None else found
    if found is None and rules.old_only:
        return None if rules.increment else 0
    if pairs > within.entries or (found is None and len(members[0]) > within.size):
        target.enlarge()
    answer: float | None = None
    if pairs > _FEW and target.is_large and len(different := dict(zip(members, scores, strict=True))) == pairs:
        added, changed = rules.apply_many(target, different)
    else:
        outcomes = [rules.apply(target, member, score, within) for member, score in zip(members, scores, strict=True)]
        added = sum(outcome == _ADDED for outcome, _ in outcomes)
        changed = sum(outcome != _SAME for outcome, _ in outcomes)
        answer = outcomes[0][1]
    event = events.ZINCR if rules.increment else events.ZADD
    if found is None:
        ctx.db.put(key, target, event, changed)
    elif changed:
        ctx.db.changed(key, event, changed)
    if rules.increment:
        return answer
    return changed if rules.changes else added


@command(
    "ZADD",
    flags=WRITE | DENYOOM | FAST,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N)) for each member added to N",
    keys=[Keys(1, "RW update")],
)
def zadd(ctx: Client, key: bytes, score: bytes, member: bytes, *words: bytes) -> int | float | None:
    """ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]

    Adds members to a sorted set or changes their scores.
    """
    number = None if words else parse_float(score)
    if number is None:
        return add(ctx, key, (score, member, *words))
    db = ctx.db
    found = db.take_as(key, SortedSet)
    if found is None:
        found = SortedSet()
        found.add(member, number, ctx.engine.limits.sorted_set)
        db.put(key, found, events.ZADD)
        return 1
    before = found.score(member)
    if before is None:
        found.add(member, number, ctx.engine.limits.sorted_set)
        db.changed(key, events.ZADD)
        return 1
    if before != number:
        found.move(member, before, number)
        db.changed(key, events.ZADD)
    return 0


@command(
    "ZINCRBY",
    flags=WRITE | DENYOOM | FAST,
    group="sorted-set",
    since="1.2.0",
    complexity="O(log(N))",
    keys=[Keys(1, "RW access update")],
)
def zincrby(ctx: Client, key: bytes, increment: bytes, member: bytes) -> int | float | None:
    """ZINCRBY key increment member

    Adds to the score of a member, which begins at 0.
    """
    number = parse_float(increment)
    found = None if number is None else ctx.db.take_as(key, SortedSet)
    before = None if found is None else found.score(member)
    if number is None or found is None or before is None or (score := before + number) != score:
        return add(ctx, key, (increment, member), increment=True)
    if score != before:
        found.move(member, before, score)
        ctx.db.changed(key, events.ZINCR)
    return score


@command(
    "ZREM",
    flags=WRITE | FAST,
    group="sorted-set",
    since="1.2.0",
    complexity="O(M*log(N)) for M members removed from N",
    keys=[Keys(1, "RW delete")],
)
def zrem(ctx: Client, key: bytes, member: bytes, *members: bytes) -> int:
    """ZREM key member [member ...]

    Removes members; answers how many there were.
    """
    found = ctx.db.take_as(key, SortedSet)
    if found is None:
        return 0
    removed = found.remove_many((member, *members))
    if removed:
        ctx.db.shrunk(key, found, events.ZREM, removed)
    return removed


# Asking


@command("ZCARD", flags=READONLY | FAST, group="sorted-set", since="1.2.0", complexity="O(1)", keys=[Keys(1, "RO")])
def zcard(ctx: Client, key: bytes) -> int:
    """ZCARD key

    Counts the members of a sorted set.
    """
    found = ctx.db.get_as(key, SortedSet)
    return 0 if found is None else len(found)


@command(
    "ZSCORE",
    flags=READONLY | FAST,
    group="sorted-set",
    since="1.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
)
def zscore(ctx: Client, key: bytes, member: bytes) -> float | None:
    """ZSCORE key member

    Answers the score of a member.
    """
    found = ctx.db.get_as(key, SortedSet)
    return None if found is None else found.score(member)


@command(
    "ZMSCORE",
    flags=READONLY | FAST,
    group="sorted-set",
    since="6.2.0",
    complexity="O(N) in the number of members asked for",
    keys=[Keys(1, "RO access")],
)
def zmscore(ctx: Client, key: bytes, member: bytes, *members: bytes) -> list[float | None]:
    """ZMSCORE key member [member ...]

    Answers the scores of several members.
    """
    found = ctx.db.get_as(key, SortedSet)
    return [None] * (1 + len(members)) if found is None else found.scores_of((member, *members))


@command(
    "ZRANK",
    flags=READONLY | FAST,
    group="sorted-set",
    since="2.0.0",
    complexity="O(log(N))",
    keys=[Keys(1, "RO access")],
)
def zrank(ctx: Client, key: bytes, member: bytes, *words: bytes) -> int | list[int | float] | NullArray | None:
    """ZRANK key member [WITHSCORE]

    Answers how many members come before a member.
    """
    return _rank(ctx, key, member, words, "zrank", reverse=False)


@command(
    "ZREVRANK",
    flags=READONLY | FAST,
    group="sorted-set",
    since="2.0.0",
    complexity="O(log(N))",
    keys=[Keys(1, "RO access")],
)
def zrevrank(ctx: Client, key: bytes, member: bytes, *words: bytes) -> int | list[int | float] | NullArray | None:
    """ZREVRANK key member [WITHSCORE]

    Answers how many members come behind a member.
    """
    return _rank(ctx, key, member, words, "zrevrank", reverse=True)


def _rank(
    ctx: Client, key: bytes, member: bytes, words: tuple[bytes, ...], name: str, *, reverse: bool
) -> int | list[int | float] | NullArray | None:
    if len(words) > 1:
        raise wrong_arity(name)
    if words and words[0].upper() != b"WITHSCORE":
        raise syntax_error()
    found = ctx.db.get_as(key, SortedSet)
    place = None if found is None else found.rank(member)
    if found is None or place is None:
        return NULL_ARRAY if words else None
    rank, score = place
    if reverse:
        rank = len(found) - 1 - rank
    return [rank, score] if words else rank


# Picking and walking


@command(
    "ZRANDMEMBER",
    flags=READONLY,
    group="sorted-set",
    since="6.2.0",
    complexity="O(N) in the number of members answered",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def zrandmember(ctx: Client, key: bytes, *words: bytes) -> bytes | list[bytes] | Pairs | NoReply | None:
    """ZRANDMEMBER key [count [WITHSCORES]]

    Answers random members: different ones, or with a negative count independent ones.
    """
    if not words:
        found = ctx.db.get_as(key, SortedSet)
        return None if found is None else found.random_member(ctx.engine.random)
    count = integer_between(words[0], -INT64_MAX, INT64_MAX)
    if len(words) > 2 or (len(words) == 2 and words[1].upper() != b"WITHSCORES"):
        raise syntax_error()
    if len(words) == 2 and abs(count) > INT64_MAX // 2:
        raise CommandError(OUT_OF_RANGE)
    found = ctx.db.get_as(key, SortedSet)
    if found is None or not count:
        return []
    if not ctx.may_have(-count):
        return NO_REPLY
    if count < -MOST_DRAWS:
        raise CommandError(OUT_OF_RANGE)
    random = ctx.engine.random
    if count > 0:
        members = found.random_members(random, count)
    else:
        members = [found.random_member(random) for _ in range(-count)]
    return members if len(words) == 1 else Pairs((member, found.score(member)) for member in members)


@command(
    "ZSCAN",
    flags=READONLY,
    group="sorted-set",
    since="2.8.0",
    complexity="O(1) for a call, O(N) for a whole walk of N members",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def zscan(ctx: Client, key: bytes, cursor: bytes, *words: bytes) -> ScanReply:
    """ZSCAN key cursor [MATCH pattern] [COUNT count]

    Walks the members and their scores step by step.
    """
    position = read_cursor(cursor)
    found = ctx.db.get_as(key, SortedSet)
    if found is None:
        return EMPTY
    options = ScanOptions(words)
    if found.table is None:
        position, members = 0, found.members
    else:
        position, members = found.table.scan(position, options.count)
    answer: list[Any] = []
    for member in options.select(members):
        answer += (member, _scanned(found, member))
    return reply(position, answer)


def _scanned(found: SortedSet, member: bytes) -> bytes:
    """A score as ZSCAN writes it: with 17 digits where Redis takes it from a hash table."""
    score = found.score(member)
    assert score is not None
    return b"%.17g" % score if found.is_large else format_double(score)
