"""SAVE, BGSAVE, LASTSAVE and BGREWRITEAOF: the dataset as files."""

from pyredis.engine.client import Client
from pyredis.engine.command_table.command import (
    ADMIN,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    command,
)
from pyredis.errors import CommandError, syntax_error
from pyredis.persistence.background import Background
from pyredis.persistence.rewriting import Rewriting
from pyredis.persistence.saving import Saving
from pyredis.protocol.replies import OK, Status

_STARTED = Status(b"Background saving started")
_SCHEDULED = Status(b"Background saving scheduled")
_IN_PROGRESS = b"Background save already in progress"


@command(
    "SAVE",
    flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
    group="server",
    since="1.0.0",
    complexity="O(N) in the number of keys in all databases",
)
def save(ctx: Client) -> Status:
    """SAVE

    Writes the dataset to its file; nobody is served meanwhile.
    """
    saving = ctx.engine[Saving]
    if saving.active:
        raise CommandError(_IN_PROGRESS)
    saving.count += 1
    if not saving.save():
        raise CommandError(b"")
    return OK


@command("BGSAVE", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="1.0.0", complexity="O(1)")
def bgsave(ctx: Client, *words: bytes) -> Status:
    """BGSAVE [SCHEDULE]

    Writes the dataset to its file while the server goes on.
    """
    if words and (len(words) > 1 or words[0].upper() != b"SCHEDULE"):
        raise syntax_error()
    saving = ctx.engine[Saving]
    if saving.active:
        raise CommandError(_IN_PROGRESS)
    if ctx.engine[Background].active or not ctx.may_wait:
        if not words and ctx.may_wait:
            raise CommandError(
                b"Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to "
                b"schedule a BGSAVE whenever possible."
            )
        saving.scheduled = True
        return _SCHEDULED
    if not saving.start():
        raise CommandError(b"")
    return _STARTED


@command(
    "LASTSAVE",
    flags=LOADING | STALE | FAST,
    group="server",
    since="1.0.0",
    complexity="O(1)",
    tips=["nondeterministic_output"],
    categories="admin dangerous",
)
def lastsave(ctx: Client) -> int:
    """LASTSAVE

    Answers when the dataset was last saved, in seconds since 1970; the start of the server if it never was.
    """
    return ctx.engine[Saving].last // 1000


@command("BGREWRITEAOF", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="1.0.0", complexity="O(1)")
def bgrewriteaof(ctx: Client) -> Status:
    """BGREWRITEAOF

    Begins to rewrite the append-only log, or does so when it can.
    """
    rewriting = ctx.engine[Rewriting]
    if rewriting.active:
        raise CommandError(b"Background append only file rewriting already in progress")
    if ctx.engine[Background].active or not ctx.may_wait:
        rewriting.scheduled = True
        rewriting.failures = 0
        return Status(b"Background append only file rewriting scheduled")
    if not rewriting.start():
        raise CommandError(
            b"Can't execute an AOF background rewriting. Please check the server logs for more information."
        )
    return Status(b"Background append only file rewriting started")
