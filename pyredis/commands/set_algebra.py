"""Sets combined: intersection, union and difference, answered or stored."""

from collections.abc import Callable

from pyredis.datatypes.numeric import INT64_MAX
from pyredis.datatypes.set import Limits, Set
from pyredis.datatypes.set_operations import Combined, Operands, common, difference, intersection, union
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer_between
from pyredis.engine.command_table.command import DENYOOM, MOVABLEKEYS, READONLY, WRITE, CountedKeys, Keys, command
from pyredis.errors import CommandError, syntax_error
from pyredis.keyspace import events
from pyredis.keyspace.events import Event
from pyredis.protocol.replies import Unordered

Operation = Callable[[Operands, Limits], Combined]


def _operands(ctx: Client, keys: tuple[bytes, ...]) -> list[Set | None]:
    """The sets at some keys. Raises WrongType."""
    return [ctx.db.get_as(key, Set) for key in keys]


def _store(ctx: Client, destination: bytes, keys: tuple[bytes, ...], operation: Operation, event: Event) -> int:
    """Store the result of an operation, or delete the key when it is empty; answers how many members it has."""
    result = operation(_operands(ctx, keys), ctx.engine.limits.set)
    if result.members:
        ctx.db.set(destination, result.as_set(), event)
    else:
        ctx.db.remove(destination)
    return len(result.members)


@command(
    "SINTER",
    flags=READONLY,
    group="set",
    since="1.0.0",
    complexity="O(N*M) in the size of the smallest set and the number of sets",
    keys=[Keys(1, "RO access", last=-1)],
    tips=["nondeterministic_output_order"],
)
def sinter(ctx: Client, key: bytes, *keys: bytes) -> Unordered:
    """SINTER key [key ...]

    Answers the members that all sets have.
    """
    return Unordered(common(_operands(ctx, (key, *keys))))


@command(
    "SINTERSTORE",
    flags=WRITE | DENYOOM,
    group="set",
    since="1.0.0",
    complexity="O(N*M) in the size of the smallest set and the number of sets",
    keys=[Keys(1, "OW update"), Keys(2, "RO access", last=-1)],
)
def sinterstore(ctx: Client, destination: bytes, key: bytes, *keys: bytes) -> int:
    """SINTERSTORE destination key [key ...]

    Stores the members that all sets have.
    """
    return _store(ctx, destination, (key, *keys), intersection, events.SINTERSTORE)


@command(
    "SINTERCARD",
    flags=READONLY | MOVABLEKEYS,
    group="set",
    since="7.0.0",
    complexity="O(N*M) in the size of the smallest set and the number of sets",
    keys=[CountedKeys(1, "RO access")],
)
def sintercard(ctx: Client, numkeys: bytes, key: bytes, *words: bytes) -> int:
    """SINTERCARD numkeys key [key ...] [LIMIT limit]

    Counts the members that all sets have, up to a limit.
    """
    count = integer_between(numkeys, 1, INT64_MAX, b"numkeys should be greater than 0")
    if count > 1 + len(words):
        raise CommandError(b"Number of keys can't be greater than number of args")
    keys = (key, *words)
    limit = 0
    options = Arguments(keys[count:])
    while options:
        if not options.flag(b"LIMIT", 1):
            raise syntax_error()
        limit = integer_between(options.word(), 0, INT64_MAX, b"LIMIT can't be negative")
    found = len(common(_operands(ctx, keys[:count]), limit))
    return min(found, limit) if limit else found


@command(
    "SUNION",
    flags=READONLY,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of all members",
    keys=[Keys(1, "RO access", last=-1)],
    tips=["nondeterministic_output_order"],
)
def sunion(ctx: Client, key: bytes, *keys: bytes) -> Unordered:
    """SUNION key [key ...]

    Answers the members of all sets.
    """
    return Unordered(union(_operands(ctx, (key, *keys)), ctx.engine.limits.set).members)


@command(
    "SUNIONSTORE",
    flags=WRITE | DENYOOM,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of all members",
    keys=[Keys(1, "OW update"), Keys(2, "RO access", last=-1)],
)
def sunionstore(ctx: Client, destination: bytes, key: bytes, *keys: bytes) -> int:
    """SUNIONSTORE destination key [key ...]

    Stores the members of all sets.
    """
    return _store(ctx, destination, (key, *keys), union, events.SUNIONSTORE)


@command(
    "SDIFF",
    flags=READONLY,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of all members",
    keys=[Keys(1, "RO access", last=-1)],
    tips=["nondeterministic_output_order"],
)
def sdiff(ctx: Client, key: bytes, *keys: bytes) -> Unordered:
    """SDIFF key [key ...]

    Answers the members of the first set that no other has.
    """
    return Unordered(difference(_operands(ctx, (key, *keys)), ctx.engine.limits.set).members)


@command(
    "SDIFFSTORE",
    flags=WRITE | DENYOOM,
    group="set",
    since="1.0.0",
    complexity="O(N) in the number of all members",
    keys=[Keys(1, "OW update"), Keys(2, "RO access", last=-1)],
)
def sdiffstore(ctx: Client, destination: bytes, key: bytes, *keys: bytes) -> int:
    """SDIFFSTORE destination key [key ...]

    Stores the members of the first set that no other has.
    """
    return _store(ctx, destination, (key, *keys), difference, events.SDIFFSTORE)
