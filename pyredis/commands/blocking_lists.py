"""Lists to wait for: BLPOP, BRPOP, BLMOVE, BRPOPLPUSH and BLMPOP.

Each does what its plain form does if it can, and propagates as that; else the client waits until a key it named holds
a list, and the command runs again.
"""

from collections.abc import Sequence

from pyredis.commands.list_moves import Request, is_left, move, pop_from_first
from pyredis.commands.lists import pop_one
from pyredis.datatypes.list import List
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import timeout_ms
from pyredis.engine.command_table.command import BLOCKING, DENYOOM, MOVABLEKEYS, WRITE, CountedKeys, Keys, command
from pyredis.engine.execution.blocking import Blocked

_CLASSES = (List,)


def _pop(ctx: Client, words: Sequence[bytes], *, left: bool) -> tuple[bytes, bytes] | Blocked:
    """Take an element from the first key that has one; `words` are the keys and the timeout."""
    timeout = timeout_ms(words[-1], ctx.db.space.now)
    keys = words[:-1]
    for key in keys:
        value = ctx.db.take_as(key, List)
        if value is not None:
            ctx.rewritten = (b"LPOP" if left else b"RPOP", key)
            return key, pop_one(ctx, key, value, left=left)
    return Blocked(keys, _CLASSES, timeout)


@command(
    "BLPOP",
    flags=WRITE | BLOCKING,
    group="list",
    since="2.0.0",
    complexity="O(N) in the number of keys",
    keys=[Keys(1, "RW access delete", last=-2)],
)
def blpop(ctx: Client, key: bytes, timeout: bytes, *words: bytes) -> tuple[bytes, bytes] | Blocked:
    """BLPOP key [key ...] timeout

    Takes the first element of the first list that is not empty; waits if all are. The timeout is in seconds.
    """
    return _pop(ctx, (key, timeout, *words), left=True)


@command(
    "BRPOP",
    flags=WRITE | BLOCKING,
    group="list",
    since="2.0.0",
    complexity="O(N) in the number of keys",
    keys=[Keys(1, "RW access delete", last=-2)],
)
def brpop(ctx: Client, key: bytes, timeout: bytes, *words: bytes) -> tuple[bytes, bytes] | Blocked:
    """BRPOP key [key ...] timeout

    Takes the last element of the first list that is not empty; waits if all are. The timeout is in seconds.
    """
    return _pop(ctx, (key, timeout, *words), left=False)


def _move(
    ctx: Client, source: bytes, destination: bytes, timeout: bytes, *, from_left: bool, to_left: bool
) -> bytes | Blocked:
    milliseconds = timeout_ms(timeout, ctx.db.space.now)
    element = move(ctx, source, destination, from_left=from_left, to_left=to_left)
    return Blocked((source,), _CLASSES, milliseconds, denied=None) if element is None else element


@command(
    "BLMOVE",
    flags=WRITE | DENYOOM | BLOCKING,
    group="list",
    since="6.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access delete"), Keys(2, "RW insert")],
)
def blmove(
    ctx: Client, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes, timeout: bytes
) -> bytes | Blocked:
    """BLMOVE source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout

    Moves an element from an end of a list to an end of another; waits for it. The timeout is in seconds.
    """
    from_left, to_left = is_left(wherefrom), is_left(whereto)
    element = _move(ctx, source, destination, timeout, from_left=from_left, to_left=to_left)
    if element.__class__ is bytes:
        ctx.rewritten = (b"LMOVE", source, destination, wherefrom, whereto)
    return element


@command(
    "BRPOPLPUSH",
    flags=WRITE | DENYOOM | BLOCKING,
    group="list",
    since="2.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access delete"), Keys(2, "RW insert")],
    deprecated=("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments"),
)
def brpoplpush(ctx: Client, source: bytes, destination: bytes, timeout: bytes) -> bytes | Blocked:
    """BRPOPLPUSH source destination timeout

    Moves the last element of a list to the head of another; waits for it. The timeout is in seconds.
    """
    element = _move(ctx, source, destination, timeout, from_left=False, to_left=True)
    if element.__class__ is bytes:
        ctx.rewritten = (b"RPOPLPUSH", source, destination)
    return element


@command(
    "BLMPOP",
    flags=WRITE | BLOCKING | MOVABLEKEYS,
    group="list",
    since="7.0.0",
    complexity="O(N+M) in the number of keys and of elements returned",
    keys=[CountedKeys(2, "RW access delete")],
)
def blmpop(
    ctx: Client, timeout: bytes, numkeys: bytes, key: bytes, where: bytes, *words: bytes
) -> tuple[bytes, list[bytes]] | Blocked:
    """BLMPOP timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]

    Takes elements from the first of several lists that is not empty; waits if all are. The timeout is in seconds.
    """
    request = Request((numkeys, key, where, *words))
    milliseconds = timeout_ms(timeout, ctx.db.space.now)
    return pop_from_first(ctx, request) or Blocked(request.keys, _CLASSES, milliseconds)
