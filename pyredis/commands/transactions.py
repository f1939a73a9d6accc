"""MULTI, EXEC and DISCARD; WATCH and UNWATCH.

Queued commands run back to back at EXEC; an error of one is its reply and stops none of the others. EXEC
answers null when a watched key changed, EXECABORT when a command could not be queued.
"""

from typing import Any

from pyredis.engine.acl.acl_log import MULTI, AclLog
from pyredis.engine.acl.selector import CHANNEL, COMMAND, KEY
from pyredis.engine.client import REPLY_ON, Client
from pyredis.engine.command_table.command import (
    ALLOW_BUSY,
    EVERY_DATABASE,
    FAST,
    LOADING,
    NOSCRIPT,
    NOT_QUEUED,
    SKIP_SLOWLOG,
    STALE,
    Keys,
    command,
)
from pyredis.engine.execution import gates
from pyredis.engine.execution.blocking import unless_blocked
from pyredis.engine.execution.dispatch import call
from pyredis.engine.execution.multi import Watches, leave
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.execution.transaction import Queued, Transaction
from pyredis.errors import CommandError
from pyredis.protocol.replies import NO_REPLY, NULL_ARRAY, OK, ArrayHead, ErrorReply, NullArray, Several, Status
from pyredis.protocol.reply_size import reply_size
from pyredis.scripting.scripts import Scripts

_CHANGED = (
    b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is "
    b"no longer allowed for the following reason: "
)
_CHANGED_REASONS = {
    COMMAND: b"no permission to execute the command or subcommand",
    KEY: b"no permission to touch the specified keys",
    CHANNEL: b"no permission to access one of the channels used as arguments",
}
_ANYTIME = NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY


@command("MULTI", flags=_ANYTIME | NOT_QUEUED, group="transactions", since="1.2.0", complexity="O(1)")
def multi(ctx: Client) -> Status:
    """MULTI

    Begins a transaction: commands are queued until EXEC.
    """
    if ctx.transaction is not None:
        raise CommandError(b"MULTI calls can not be nested")
    ctx.transaction = Transaction()
    ctx.gates |= gates.IN_TRANSACTION
    return OK


@command(
    "EXEC",
    flags=NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG | NOT_QUEUED | EVERY_DATABASE,
    group="transactions",
    since="1.2.0",
    complexity="Depends on commands in the transaction",
)
def exec(ctx: Client) -> Any:
    """EXEC

    Runs the queued commands and answers their replies.
    """
    transaction = ctx.transaction
    if transaction is None:
        raise CommandError(b"EXEC without MULTI")
    if any(queued.entry.command.group == "scripting" for queued in transaction.queue):
        return ctx.engine[Scripts].suspendable(ctx, lambda: _execute(ctx, transaction))
    return _execute(ctx, transaction)


def _execute(ctx: Client, transaction: Transaction) -> list[Any] | Several | NullArray:
    """Run the queue unless a watched key changed; either way the transaction is over."""
    watches = ctx.engine[Watches]
    touched = watches.touched(ctx)
    watches.clear(ctx)
    try:
        if transaction.spoiled:
            raise CommandError(b"Transaction discarded because of previous errors.", b"EXECABORT")
        return NULL_ARRAY if touched else _run(ctx, transaction.queue)
    finally:
        leave(ctx)  # only now: what runs inside can tell that it must not wait


def _run(ctx: Client, queue: list[Queued]) -> list[Any] | Several:
    """Call each command; what they change propagates as one transaction. CLIENT REPLY holds from its place on."""
    argv, propagation, size, mode = ctx.argv, ctx.engine[Propagation], 0, ctx.reply_mode
    values: list[Any] = []
    with propagation.transaction():
        for queued in queue:
            ctx.begin(queued.argv)
            ctx.last_entry = ctx.engine.exec  # which is what CLIENT INFO calls it
            refused = _no_longer_permitted(ctx, queued) if ctx.gates & gates.RESTRICTED else None
            value = refused or unless_blocked(call(ctx.engine, ctx, queued.entry, queued.argv))
            values.append(value if ctx.reply_mode == REPLY_ON else NO_REPLY)
            if ctx.output_max:
                size += reply_size(values[-1], ctx.output_max)
                if size > ctx.output_max:  # the transaction is carried out all the same
                    ctx.sink.overflow()
                    values.clear()
    ctx.argv, ctx.redacted, ctx.rewritten = argv, (), ()
    if ctx.reply_mode == mode:
        return values
    return Several([ArrayHead(len(values)), *values] if mode == REPLY_ON else values)


def _no_longer_permitted(ctx: Client, queued: Queued) -> ErrorReply | None:
    """The error for a command that the user was allowed to queue, and may not run now."""
    command = queued.entry.command
    refusal = ctx.user.refusal(command, queued.argv)
    if refusal is None:
        return None
    ctx.engine[AclLog].refused(ctx, command, queued.argv, refusal, MULTI)
    error = ErrorReply(_CHANGED + _CHANGED_REASONS[refusal.reason])
    ctx.engine.stats.count_error(error.line)
    return error


@command(
    "DISCARD",
    flags=_ANYTIME | NOT_QUEUED,
    group="transactions",
    since="2.0.0",
    complexity="O(N) in the number of queued commands",
)
def discard(ctx: Client) -> Status:
    """DISCARD

    Ends a transaction without running anything.
    """
    if ctx.transaction is None:
        raise CommandError(b"DISCARD without MULTI")
    leave(ctx)
    return OK


@command(
    "WATCH",
    flags=_ANYTIME | NOT_QUEUED,
    group="transactions",
    since="2.2.0",
    complexity="O(1) for every key",
    keys=[Keys(1, "RO", last=-1)],
)
def watch(ctx: Client, key: bytes, *keys: bytes) -> Status:
    """WATCH key [key ...]

    Lets the next EXEC do nothing if one of the keys changes before.
    """
    if ctx.transaction is not None:
        raise CommandError(b"WATCH inside MULTI is not allowed")
    for one in (key, *keys):
        ctx.engine[Watches].add(ctx, one)
    return OK


@command("UNWATCH", flags=_ANYTIME, group="transactions", since="2.2.0", complexity="O(1)")
def unwatch(ctx: Client) -> Status:
    """UNWATCH

    Forgets the watched keys.
    """
    ctx.engine[Watches].clear(ctx)
    return OK
