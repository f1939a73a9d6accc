"""Elements that move: from one list to another (LMOVE, RPOPLPUSH), or out of the first of several (LMPOP).

The commands that wait for an element, in `blocking_lists`, do the same once there is one.
"""

from collections.abc import Sequence

from pyredis.commands.lists import pop_many, popped
from pyredis.datatypes.list import List
from pyredis.datatypes.numeric import INT64_MAX
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer_between
from pyredis.engine.command_table.command import DENYOOM, MOVABLEKEYS, WRITE, CountedKeys, Keys, command
from pyredis.errors import syntax_error
from pyredis.keyspace import events
from pyredis.protocol.replies import NULL_ARRAY, NullArray


def is_left(word: bytes) -> bool:
    """Whether LEFT is named, not RIGHT. Raises a syntax error for anything else."""
    side = word.upper()
    if side not in (b"LEFT", b"RIGHT"):
        raise syntax_error()
    return side == b"LEFT"


def move(ctx: Client, source: bytes, destination: bytes, *, from_left: bool, to_left: bool) -> bytes | None:
    """Take an element from an end of a list and add it at an end of another, or the same; None without a source."""
    db = ctx.db
    giver = db.take_as(source, List)
    if giver is None:
        return None
    taker = db.take_as(destination, List)
    element = giver.pop_left() if from_left else giver.pop_right()
    target = List() if taker is None else taker
    if to_left:
        target.push_left((element,), ctx.engine.limits.list)
    else:
        target.push_right((element,), ctx.engine.limits.list)
    pushed = events.LPUSH if to_left else events.RPUSH
    if taker is None:
        db.put(destination, target, pushed, 0)
    else:
        db.changed(destination, pushed, 0)
    popped(ctx, source, giver, events.LPOP if from_left else events.RPOP, 1)
    return element


@command(
    "LMOVE",
    flags=WRITE | DENYOOM,
    group="list",
    since="6.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access delete"), Keys(2, "RW insert")],
)
def lmove(ctx: Client, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes) -> bytes | None:
    """LMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT>

    Moves an element from an end of a list to an end of another, and answers it.
    """
    from_left, to_left = is_left(wherefrom), is_left(whereto)
    return move(ctx, source, destination, from_left=from_left, to_left=to_left)


@command(
    "RPOPLPUSH",
    flags=WRITE | DENYOOM,
    group="list",
    since="1.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access delete"), Keys(2, "RW insert")],
    deprecated=("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments"),
)
def rpoplpush(ctx: Client, source: bytes, destination: bytes) -> bytes | None:
    """RPOPLPUSH source destination

    Moves the last element of a list to the head of another, and answers it.
    """
    return move(ctx, source, destination, from_left=False, to_left=True)


class Request:
    """What LMPOP's and BLMPOP's words say: the keys, the end, and how many elements."""

    __slots__ = ("count", "keys", "left")

    def __init__(self, words: Sequence[bytes]) -> None:
        number = integer_between(words[0], 1, INT64_MAX, b"numkeys should be greater than 0")
        self.keys = words[1 : number + 1]
        options = Arguments(tuple(words[number + 1 :]))
        self.left = is_left(options.word())
        self.count = 1
        if options:
            if not options.flag(b"COUNT", 1):
                raise syntax_error()
            self.count = integer_between(options.word(), 1, INT64_MAX, b"count should be greater than 0")
            options.end()


def pop_from_first(ctx: Client, request: Request) -> tuple[bytes, list[bytes]] | None:
    """Take elements from the first of several keys that has a list; None if none has."""
    for key in request.keys:
        value = ctx.db.take_as(key, List)
        if value is not None:
            elements = pop_many(ctx, key, value, request.count, left=request.left)
            ctx.rewritten = (b"LPOP" if request.left else b"RPOP", key, b"%d" % len(elements))
            return key, elements
    return None


@command(
    "LMPOP",
    flags=WRITE | MOVABLEKEYS,
    group="list",
    since="7.0.0",
    complexity="O(N+M) in the number of keys and of elements returned",
    keys=[CountedKeys(1, "RW access delete")],
)
def lmpop(
    ctx: Client, numkeys: bytes, key: bytes, where: bytes, *words: bytes
) -> tuple[bytes, list[bytes]] | NullArray:
    """LMPOP numkeys key [key ...] <LEFT | RIGHT> [COUNT count]

    Takes elements from the first of several lists that is not empty; answers its key and the elements.
    """
    return pop_from_first(ctx, Request((numkeys, key, where, *words))) or NULL_ARRAY
