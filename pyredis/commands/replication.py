"""What a client asks about copies of its writes: ROLE, WAIT and WAITAOF.

This server has no replicas: nobody acknowledges, so who waits for one waits in vain. Its own log is waited for.
"""

from typing import Any

from pyredis.datatypes.numeric import INT64_MAX
from pyredis.engine.arguments import integer, integer_between, timeout_ms
from pyredis.engine.blocking import Blocked
from pyredis.engine.client import Client
from pyredis.engine.command import BLOCKING, FAST, LOADING, NOSCRIPT, STALE, command
from pyredis.errors import CommandError
from pyredis.persistence.append_log import AppendLog

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
    answer = [int(log.holds(ctx)), 0]
    if not wanted and answer[0] >= local:
        return answer
    if not answer[0]:
        log.await_sync(ctx)
    return Blocked((), (), milliseconds, on_timeout=answer, denied=answer)


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
