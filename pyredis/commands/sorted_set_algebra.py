"""Unions, intersections and differences of sorted sets; plain sets take part, with a score of 1 for each member.

The result is a dict from member to score, sorted once at the end. Sources are visited from the smallest to the
largest (differences excepted), as in Redis: the order in which doubles are added shows in their last digits.
"""

from collections.abc import Callable
from itertools import islice
from math import isnan
from typing import Any

from pyredis.commands.sorted_sets import store
from pyredis.datatypes.numeric import parse_float
from pyredis.datatypes.set import Set
from pyredis.datatypes.sorted_set import SortedSet, in_order
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer, integer_between
from pyredis.engine.command_table.command import DENYOOM, MOVABLEKEYS, READONLY, WRITE, CountedKeys, Keys, command
from pyredis.errors import CommandError, WrongType, syntax_error
from pyredis.keyspace import events
from pyredis.keyspace.events import Event
from pyredis.protocol.replies import Pairs

Scores = dict[bytes, float]
Aggregate = Callable[[float, float], float]


def _sum(left: float, right: float) -> float:
    """The sum, where infinities cancel out 0."""
    total = left + right
    return total if total == total else 0.0


_AGGREGATES: dict[bytes, Aggregate] = {b"SUM": _sum, b"MIN": min, b"MAX": max}


class Source:
    """One operand: a sorted set, a set or nothing, with a weight."""

    __slots__ = ("value", "weight")

    def __init__(self, value: SortedSet | Set | None) -> None:
        self.value = value
        self.weight = 1.0

    def __len__(self) -> int:
        return 0 if self.value is None else len(self.value)

    def score(self, member: bytes) -> float | None:
        """The member's score without the weight, or None."""
        if isinstance(self.value, SortedSet):
            return self.value.score(member)
        return 1.0 if self.value is not None and member in self.value else None

    def scores(self) -> Scores:
        """All scores with the weight."""
        if self.value is None:
            return {}
        plain = self.value.as_dict() if isinstance(self.value, SortedSet) else dict.fromkeys(self.value.members, 1.0)
        if self.weight == 1.0:
            return plain
        weighted = {member: self.weight * score for member, score in plain.items()}
        return {member: 0.0 if isnan(score) else score for member, score in weighted.items()}


class Operation:
    """What a command's words say: sources, how to aggregate, what to answer."""

    __slots__ = ("aggregate", "limit", "sources", "with_scores")

    def __init__(self, ctx: Client, name: str, words: tuple[bytes, ...]) -> None:
        """`words` are the number of keys, the keys and the options. Raises Redis's errors."""
        self.aggregate: Aggregate = _sum
        self.limit = 0
        self.with_scores = False
        count = integer(words[0])
        if count < 1:
            raise CommandError(b"at least 1 input key is needed for '%b' command" % name.encode())
        if count >= len(words):
            raise syntax_error()
        self.sources = [Source(_operand(ctx, key)) for key in words[1 : count + 1]]
        options = Arguments(words[count + 1 :])
        while options:
            if not self._option(options, name):
                raise syntax_error()

    def _option(self, options: Arguments, name: str) -> bool:
        """Read one option if the command has it."""
        aggregates = name.startswith(("zunion", "zinter")) and name != "zintercard"
        if aggregates and options.flag(b"WEIGHTS", len(self.sources)):
            for source in self.sources:
                source.weight = _weight(options.word())
        elif aggregates and options.flag(b"AGGREGATE", 1):
            aggregate = _AGGREGATES.get(options.word().upper())
            if aggregate is None:
                raise syntax_error()
            self.aggregate = aggregate
        elif name in ("zunion", "zinter", "zdiff") and options.flag(b"WITHSCORES"):
            self.with_scores = True
        elif name == "zintercard" and options.flag(b"LIMIT", 1):
            self.limit = integer_between(options.word(), 0, (1 << 63) - 1, b"LIMIT can't be negative")
        else:
            return False
        return True

    # Results

    def union(self) -> Scores:
        """Members of any source."""
        first, *others = sorted(self.sources, key=len)
        total = first.scores()
        aggregate, get = self.aggregate, total.get
        for source in others:
            for member, score in source.scores().items():
                before = get(member)
                total[member] = score if before is None else aggregate(before, score)
        return total

    def intersection(self) -> Scores:
        """Members of every source."""
        first, *others = sorted(self.sources, key=len)
        common = first.scores()
        aggregate = self.aggregate
        for source in others:
            find, weight = source.score, source.weight
            common = {
                member: aggregate(score, found * weight)
                for member, score in common.items()
                if (found := find(member)) is not None
            }
        return common

    def intersection_size(self) -> int:
        """How many members every source has, up to the limit."""
        first, *others = sorted(self.sources, key=len)
        if not first:
            return 0
        common = (member for member in first.scores() if all(source.score(member) is not None for source in others))
        return sum(1 for _ in islice(common, self.limit or None))

    def difference(self) -> Scores:
        """Members of the first source and of no other."""
        first, *others = self.sources
        left = first.scores()
        for source in others:
            if len(source) < len(left):
                for member in source.scores():
                    left.pop(member, None)
            else:
                left = {member: score for member, score in left.items() if source.score(member) is None}
        return left

    def answer(self, scores: Scores) -> list[bytes] | Pairs:
        """A result as a reply."""
        members, ordered = in_order(scores)
        return Pairs(zip(members, ordered, strict=True)) if self.with_scores else members


def _operand(ctx: Client, key: bytes) -> SortedSet | Set | None:
    value: Any = ctx.db.get(key)
    if value is None or isinstance(value, (SortedSet, Set)):
        return value
    raise WrongType


def _weight(word: bytes) -> float:
    weight = parse_float(word)
    if weight is None:
        raise CommandError(b"weight value is not a float")
    return weight


@command(
    "ZUNION",
    flags=READONLY | MOVABLEKEYS,
    group="sorted-set",
    since="6.2.0",
    complexity="O(N)+O(M*log(M)) for N members in all and M in the result",
    keys=[CountedKeys(1, "RO access")],
)
def zunion(ctx: Client, numkeys: bytes, key: bytes, *words: bytes) -> list[bytes] | Pairs:
    """ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]

    Answers the members of any of several sorted sets.
    """
    operation = Operation(ctx, "zunion", (numkeys, key, *words))
    return operation.answer(operation.union())


@command(
    "ZINTER",
    flags=READONLY | MOVABLEKEYS,
    group="sorted-set",
    since="6.2.0",
    complexity="O(N*K)+O(M*log(M)) for K keys, N members in the smallest and M in the result",
    keys=[CountedKeys(1, "RO access")],
)
def zinter(ctx: Client, numkeys: bytes, key: bytes, *words: bytes) -> list[bytes] | Pairs:
    """ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]

    Answers the members that several sorted sets have in common.
    """
    operation = Operation(ctx, "zinter", (numkeys, key, *words))
    return operation.answer(operation.intersection())


@command(
    "ZDIFF",
    flags=READONLY | MOVABLEKEYS,
    group="sorted-set",
    since="6.2.0",
    complexity="O(L + M*log(M)) for L members in all and M in the result",
    keys=[CountedKeys(1, "RO access")],
)
def zdiff(ctx: Client, numkeys: bytes, key: bytes, *words: bytes) -> list[bytes] | Pairs:
    """ZDIFF numkeys key [key ...] [WITHSCORES]

    Answers the members of the first sorted set that no other has.
    """
    operation = Operation(ctx, "zdiff", (numkeys, key, *words))
    return operation.answer(operation.difference())


@command(
    "ZINTERCARD",
    flags=READONLY | MOVABLEKEYS,
    group="sorted-set",
    since="7.0.0",
    complexity="O(N*K) for K keys and N members in the smallest",
    keys=[CountedKeys(1, "RO access")],
)
def zintercard(ctx: Client, numkeys: bytes, key: bytes, *words: bytes) -> int:
    """ZINTERCARD numkeys key [key ...] [LIMIT limit]

    Counts the members that several sorted sets have in common.
    """
    return Operation(ctx, "zintercard", (numkeys, key, *words)).intersection_size()


def _store(ctx: Client, destination: bytes, scores: dict[bytes, float], event: Event) -> int:
    return store(ctx, destination, SortedSet.of(scores, ctx.engine.limits.sorted_set), event)


@command(
    "ZUNIONSTORE",
    flags=WRITE | DENYOOM | MOVABLEKEYS,
    group="sorted-set",
    since="2.0.0",
    complexity="O(N)+O(M*log(M)) for N members in all and M in the result",
    keys=[Keys(1, "OW update"), CountedKeys(2, "RO access")],
)
def zunionstore(ctx: Client, destination: bytes, numkeys: bytes, key: bytes, *words: bytes) -> int:
    """ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]

    Stores the members of any of several sorted sets.
    """
    operation = Operation(ctx, "zunionstore", (numkeys, key, *words))
    return _store(ctx, destination, operation.union(), events.ZUNIONSTORE)


@command(
    "ZINTERSTORE",
    flags=WRITE | DENYOOM | MOVABLEKEYS,
    group="sorted-set",
    since="2.0.0",
    complexity="O(N*K)+O(M*log(M)) for K keys, N members in the smallest and M in the result",
    keys=[Keys(1, "OW update"), CountedKeys(2, "RO access")],
)
def zinterstore(ctx: Client, destination: bytes, numkeys: bytes, key: bytes, *words: bytes) -> int:
    """ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]

    Stores the members that several sorted sets have in common.
    """
    operation = Operation(ctx, "zinterstore", (numkeys, key, *words))
    return _store(ctx, destination, operation.intersection(), events.ZINTERSTORE)


@command(
    "ZDIFFSTORE",
    flags=WRITE | DENYOOM | MOVABLEKEYS,
    group="sorted-set",
    since="6.2.0",
    complexity="O(L + M*log(M)) for L members in all and M in the result",
    keys=[Keys(1, "OW update"), CountedKeys(2, "RO access")],
)
def zdiffstore(ctx: Client, destination: bytes, numkeys: bytes, key: bytes, *words: bytes) -> int:
    """ZDIFFSTORE destination numkeys key [key ...]

    Stores the members of the first sorted set that no other has.
    """
    operation = Operation(ctx, "zdiffstore", (numkeys, key, *words))
    return _store(ctx, destination, operation.difference(), events.ZDIFFSTORE)
