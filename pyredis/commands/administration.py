"""The server itself: INFO, the clock, its role, and how to end it."""

from pyredis import REDIS_VERSION
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import (
    ADMIN,
    ALLOW_BUSY,
    FAST,
    LOADING,
    NO_MULTI,
    NOSCRIPT,
    READONLY,
    STALE,
    command,
)
from pyredis.engine.execution import gates
from pyredis.engine.execution.blocking import Blocked
from pyredis.errors import CommandError, syntax_error
from pyredis.protocol.replies import NO_REPLY, OK, NoReply, Status, Verbatim
from pyredis.replication.farewell import CANNOT, Farewell


@command(
    "INFO",
    flags=LOADING | STALE,
    group="server",
    since="1.0.0",
    complexity="O(1)",
    tips=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    categories="dangerous",
)
def info(ctx: Client, *sections: bytes) -> Verbatim:
    """INFO [section [section ...]]

    Answers what the server knows about itself, as lines of `name:value` in sections.
    """
    asked = [section.decode("latin-1").lower() for section in sections]
    return Verbatim(ctx.engine.info.render(asked))


@command(
    "TIME",
    flags=LOADING | STALE | FAST,
    group="server",
    since="2.6.0",
    complexity="O(1)",
    tips=["nondeterministic_output"],
)
def time(ctx: Client) -> list[bytes]:
    """TIME

    Answers the server's clock: seconds since 1970, and microseconds.
    """
    alone = ctx.may_wait  # else it sees the time at which the transaction or script began
    now = ctx.engine.clock.now_us() if alone else ctx.engine.keyspace.now * 1000
    return [b"%d" % part for part in divmod(now, 1_000_000)]


@command("LOLWUT", flags=READONLY | FAST, group="server", since="5.0.0", complexity="")
def lolwut(ctx: Client, *words: bytes) -> Verbatim:
    """LOLWUT [VERSION version]

    Answers the version. No art comes with it.
    """
    options = Arguments(words)
    if options.flag(b"VERSION", 1):
        options.integer()
    return Verbatim(b"Redis ver. %b\n" % REDIS_VERSION.encode())


@command(
    "SHUTDOWN",
    flags=ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY | NO_MULTI,
    group="server",
    since="1.0.0",
    complexity="O(N) in the number of keys when saving, otherwise O(1)",
)
def shutdown(ctx: Client, *words: bytes) -> NoReply | Status | Blocked:
    """SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]

    Ends the server, or takes that back.
    """
    farewell = ctx.engine[Farewell]
    asked = {word.upper() for word in words}
    if not asked <= {b"NOSAVE", b"SAVE", b"NOW", b"FORCE", b"ABORT"} or asked >= {b"NOSAVE", b"SAVE"}:
        raise syntax_error()
    if b"ABORT" in asked:
        if len(asked) > 1:
            raise syntax_error()
        if not farewell.is_near:
            raise CommandError(b"No shutdown in progress.")
        farewell.abort()
        return OK
    if ctx.engine.on_shutdown is None:
        raise CommandError(CANNOT)
    if ctx.engine.gates & gates.BUSY and b"NOSAVE" not in asked:
        raise CommandError(ctx.engine.busy, b"BUSY")  # half of a script's effects must not be saved
    save = True if b"SAVE" in asked else False if b"NOSAVE" in asked else None
    ends = ctx.engine.on_shutdown(save=save, now=b"NOW" in asked, force=b"FORCE" in asked)
    if ends is None:
        return Blocked((), (), 0, until=farewell.verdict)
    if not ends:
        raise CommandError(CANNOT)
    return NO_REPLY
