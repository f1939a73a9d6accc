"""BGREWRITEAOF: the append-only log, made anew from what it leads to."""

from pyredis.engine.client import Client
from pyredis.engine.command import ADMIN, NO_ASYNC_LOADING, NOSCRIPT, command
from pyredis.errors import CommandError
from pyredis.persistence.background import Background
from pyredis.persistence.rewriting import Rewriting
from pyredis.protocol.replies import Status


@command("BGREWRITEAOF", flags=ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="1.0.0", complexity="O(1)")
def bgrewriteaof(ctx: Client) -> Status:
    """BGREWRITEAOF

    Begins to rewrite the append-only log, or does so when it can.
    """
    rewriting = ctx.engine[Rewriting]
    if rewriting.active:
        raise CommandError(b"Background append only file rewriting already in progress")
    if ctx.engine[Background].active or ctx.transaction is not None:
        rewriting.scheduled = True
        rewriting.failures = 0
        return Status(b"Background append only file rewriting scheduled")
    if not rewriting.start():
        raise CommandError(
            b"Can't execute an AOF background rewriting. Please check the server logs for more information."
        )
    return Status(b"Background append only file rewriting started")
