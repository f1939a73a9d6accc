"""What a client asks about copies of its writes: ROLE, WAIT and WAITAOF, and what makes a server a replica.

This server has no replicas: nobody acknowledges, so who waits for one waits in vain. Its own log is waited for. It
cannot become a replica either, nor serve one: who asks for that gets an error, and never an OK that means nothing.
"""

from typing import Any, NoReturn

from pyredis.datatypes.numeric import INT64_MAX
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer, integer_between, timeout_ms
from pyredis.engine.command_table.command import (
    ADMIN,
    ALLOW_BUSY,
    BLOCKING,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    command,
)
from pyredis.engine.execution.blocking import Blocked
from pyredis.errors import CommandError, syntax_error
from pyredis.persistence.append_log import AppendLog
from pyredis.protocol.replies import OK, Status

_TIPS = ["request_policy:all_shards", "response_policy:agg_min"]


@command(
    "WAIT",
    flags=BLOCKING,
    group="generic",
    since="3.0.0",
    complexity="O(1)",
    tips=_TIPS,
    categories="connection -keyspace",
)
def wait(ctx: Client, numreplicas: bytes, timeout: bytes) -> int | Blocked:
    """WAIT numreplicas timeout

    Waits until so many replicas have what this connection wrote; answers how many have. The timeout is in ms.
    """
    wanted = integer(numreplicas)
    milliseconds = timeout_ms(timeout, ctx.db.space.now, in_seconds=False)
    return Blocked((), (), milliseconds, on_timeout=0, denied=0) if wanted > 0 else 0


@command(
    "WAITAOF",
    flags=BLOCKING,
    group="generic",
    since="7.2.0",
    complexity="O(1)",
    tips=_TIPS,
    categories="connection -keyspace",
)
def waitaof(ctx: Client, numlocal: bytes, numreplicas: bytes, timeout: bytes) -> list[int] | Blocked:
    """WAITAOF numlocal numreplicas timeout

    Waits until so many logs, here and on replicas, have on disk what this connection wrote. The timeout is in ms.
    """
    local = integer_between(numlocal, 0, 1)
    wanted = integer_between(numreplicas, 0, INT64_MAX, b"value is out of range, must be positive")
    milliseconds = timeout_ms(timeout, ctx.db.space.now, in_seconds=False)
    if local and not ctx.engine.config["appendonly"]:
        raise CommandError(b"WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
    log = ctx.engine[AppendLog]
    offset = ctx.wrote

    def so_far() -> list[int]:
        return [int(log.holds(offset)), 0]

    def enough() -> list[int] | None:
        answer = so_far()
        return answer if answer[0] >= local and answer[1] >= wanted else None

    return enough() or Blocked((), (), milliseconds, on_timeout=so_far, denied=so_far(), until=enough)


@command(
    "ROLE",
    flags=NOSCRIPT | LOADING | STALE | FAST,
    group="server",
    since="2.8.12",
    complexity="O(1)",
    categories="admin dangerous",
)
def role(ctx: Client) -> list[Any]:
    """ROLE

    Answers the part this server has in replication, and who replicates from it.
    """
    return [b"master", 0, []]


@command(
    "REPLICAOF",
    flags=ADMIN | NO_ASYNC_LOADING | NOSCRIPT | STALE,
    group="server",
    since="5.0.0",
    complexity="O(1)",
)
def replicaof(ctx: Client, host: bytes, port: bytes) -> Status:
    """REPLICAOF <host port | NO ONE>

    Makes this server a replica of another, which is refused, or a master, which it is.
    """
    return _follow(host, port)


@command(
    "SLAVEOF",
    flags=ADMIN | NO_ASYNC_LOADING | NOSCRIPT | STALE,
    group="server",
    since="1.0.0",
    complexity="O(1)",
    deprecated=("5.0.0", "`REPLICAOF`"),
)
def slaveof(ctx: Client, host: bytes, port: bytes) -> Status:
    """SLAVEOF <host port | NO ONE>

    Is REPLICAOF by its old name.
    """
    return _follow(host, port)


def _follow(host: bytes, port: bytes) -> Status:
    if (host.upper(), port.upper()) == (b"NO", b"ONE"):
        return OK
    integer_between(port, 0, 65535, b"Invalid master port")
    raise _refusal()


@command(
    "SYNC",
    flags=ADMIN | NO_ASYNC_LOADING | NO_MULTI | NOSCRIPT,
    group="server",
    since="1.0.0",
    complexity="",
)
def sync(ctx: Client) -> NoReturn:
    """SYNC

    Is how a replica of old asks for everything; refused.
    """
    raise _refusal()


@command(
    "PSYNC",
    flags=ADMIN | NO_ASYNC_LOADING | NO_MULTI | NOSCRIPT,
    group="server",
    since="2.8.0",
    complexity="",
)
def psync(ctx: Client, replicationid: bytes, offset: bytes, *options: bytes) -> NoReturn:
    """PSYNC replicationid offset

    Is how a replica asks for what it lacks; refused.
    """
    raise _refusal()


@command(
    "REPLCONF",
    flags=ADMIN | ALLOW_BUSY | LOADING | NOSCRIPT | STALE,
    group="server",
    since="3.0.0",
    complexity="O(1)",
)
def replconf(ctx: Client, *options: bytes) -> NoReturn:
    """REPLCONF

    Is how a replica introduces itself; refused.
    """
    raise _refusal()


@command("FAILOVER", flags=ADMIN | NOSCRIPT | STALE, group="server", since="6.2.0", complexity="O(1)")
def failover(ctx: Client, *words: bytes) -> NoReturn:
    """FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]

    Hands the master's part to a replica, if there was one.
    """
    if len(words) == 1 and words[0].upper() == b"ABORT":
        raise CommandError(b"No failover in progress.")
    options, seen = Arguments(words), set[bytes]()
    while options:
        option = options.word().upper()
        if option in seen:
            raise syntax_error()
        seen.add(option)
        if option == b"TIMEOUT":
            if options.integer() <= 0:
                raise CommandError(b"FAILOVER timeout must be greater than 0")
        elif option == b"TO":
            options.word()
            options.integer()
        elif option != b"FORCE":
            raise syntax_error()
    raise CommandError(b"FAILOVER requires connected replicas.")


def _refusal() -> CommandError:
    return CommandError(b"Replication is not available in this server yet")
