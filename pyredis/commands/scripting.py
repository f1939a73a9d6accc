"""EVAL and SCRIPT: Lua scripts by their text or its SHA-1.

What a script does propagates as the commands it ran, never as the script.
"""

from typing import Any

from pyredis.engine.client import Client
from pyredis.engine.command_table.command import (
    ALLOW_BUSY,
    LOADING,
    MAY_REPLICATE,
    MOVABLEKEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    SKIP_MONITOR,
    STALE,
    CountedKeys,
    command,
    container,
)
from pyredis.engine.command_table.help import help_reply
from pyredis.errors import CommandError
from pyredis.protocol.replies import OK, Status
from pyredis.scripting.scripts import Scripts

_RUNS = NOSCRIPT | STALE | SKIP_MONITOR | MOVABLEKEYS | NO_MANDATORY_KEYS
_COMPLEXITY = "Depends on the script that is executed."
_WORST_RW = "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE"
_WORST_RO = "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS"
_ALL_SHARDS = "request_policy:all_shards"


@command(
    "EVAL",
    flags=_RUNS | MAY_REPLICATE,
    group="scripting",
    since="2.6.0",
    complexity=_COMPLEXITY,
    keys=[CountedKeys(2, "RW access update", notes=_WORST_RW)],
)
def eval_(ctx: Client, script: bytes, numkeys: bytes, *words: bytes) -> Any:
    """EVAL script numkeys [key [key ...]] [arg [arg ...]]

    Runs a Lua script and answers what it returns.
    """
    scripts = ctx.engine[Scripts]
    return scripts.evaluate(ctx, scripts.evaluated, script, numkeys, words, False)


@command(
    "EVAL_RO",
    flags=READONLY | _RUNS,
    group="scripting",
    since="7.0.0",
    complexity=_COMPLEXITY,
    keys=[CountedKeys(2, "RO access", notes=_WORST_RO)],
)
def eval_ro(ctx: Client, script: bytes, numkeys: bytes, *words: bytes) -> Any:
    """EVAL_RO script numkeys [key [key ...]] [arg [arg ...]]

    Runs a Lua script that must not write.
    """
    scripts = ctx.engine[Scripts]
    return scripts.evaluate(ctx, scripts.evaluated, script, numkeys, words, True)


@command(
    "EVALSHA",
    flags=_RUNS | MAY_REPLICATE,
    group="scripting",
    since="2.6.0",
    complexity=_COMPLEXITY,
    keys=[CountedKeys(2, "RW access update")],
)
def evalsha(ctx: Client, sha1: bytes, numkeys: bytes, *words: bytes) -> Any:
    """EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]

    Runs a cached Lua script by its digest.
    """
    return _by_digest(ctx, sha1, numkeys, words, False)


@command(
    "EVALSHA_RO",
    flags=READONLY | _RUNS,
    group="scripting",
    since="7.0.0",
    complexity=_COMPLEXITY,
    keys=[CountedKeys(2, "RO access")],
)
def evalsha_ro(ctx: Client, sha1: bytes, numkeys: bytes, *words: bytes) -> Any:
    """EVALSHA_RO sha1 numkeys [key [key ...]] [arg [arg ...]]

    Runs a cached Lua script that must not write.
    """
    return _by_digest(ctx, sha1, numkeys, words, True)


def _by_digest(ctx: Client, sha1: bytes, numkeys: bytes, words: tuple[bytes, ...], readonly: bool) -> Any:
    scripts = ctx.engine[Scripts]
    if scripts.debugs(ctx):
        raise CommandError(b"Please use EVAL instead of EVALSHA for debugging")
    if len(sha1) != 40:
        scripts.find(sha1)  # raises, before the other words are looked at
    return scripts.evaluate(ctx, scripts.find, sha1, numkeys, words, readonly)


container("SCRIPT", summary="Manages cached Lua scripts.", group="scripting", since="2.6.0")


@command(
    "SCRIPT LOAD",
    flags=NOSCRIPT | STALE,
    group="scripting",
    since="2.6.0",
    complexity="O(N) in the length of the script",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
)
def script_load(ctx: Client, script: bytes) -> bytes:
    """SCRIPT LOAD script

    Caches a script without running it and answers its digest.
    """
    return ctx.engine[Scripts].load(script).sha


@command(
    "SCRIPT EXISTS",
    flags=NOSCRIPT,
    group="scripting",
    since="2.6.0",
    complexity="O(N) in the number of digests",
    tips=[_ALL_SHARDS, "response_policy:agg_logical_and"],
)
def script_exists(ctx: Client, sha1: bytes, *more: bytes) -> list[int]:
    """SCRIPT EXISTS sha1 [sha1 ...]

    Tells which scripts are cached.
    """
    scripts = ctx.engine[Scripts]
    return [int(scripts.known(sha)) for sha in (sha1, *more)]


@command(
    "SCRIPT FLUSH",
    flags=NOSCRIPT,
    group="scripting",
    since="2.6.0",
    complexity="O(N) in the number of scripts cached",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
)
def script_flush(ctx: Client, *mode: bytes) -> Status:
    """SCRIPT FLUSH [ASYNC|SYNC]

    Forgets all cached scripts.
    """
    if len(mode) > 1 or (mode and mode[0].upper() not in (b"ASYNC", b"SYNC")):
        raise CommandError(b"SCRIPT FLUSH only support SYNC|ASYNC option")
    scripts = ctx.engine[Scripts]
    if mode[0].upper() == b"ASYNC" if mode else ctx.engine.config["lazyfree-lazy-user-flush"]:
        ctx.engine.stats.freed(len(scripts) + scripts.evicting)
    scripts.flush()
    return OK


@command(
    "SCRIPT KILL",
    flags=NOSCRIPT | ALLOW_BUSY,
    group="scripting",
    since="2.6.0",
    complexity="O(1)",
    tips=[_ALL_SHARDS, "response_policy:one_succeeded"],
)
def script_kill(ctx: Client) -> Status:
    """SCRIPT KILL

    Ends the script that runs, if it has not written yet.
    """
    ctx.engine[Scripts].kill(function=False)
    return OK


@command("SCRIPT DEBUG", flags=NOSCRIPT, group="scripting", since="3.2.0", complexity="O(1)")
def script_debug(ctx: Client, mode: bytes) -> Status:
    """SCRIPT DEBUG <YES|SYNC|NO>

    Starts the debugger with the client's next script: on a copy of the dataset, or on the server's own, which waits.
    """
    if ctx.out or ctx.transaction is not None:
        raise CommandError(b"SCRIPT DEBUG must be called outside a pipeline")
    scripts = ctx.engine[Scripts]
    wanted = mode.upper()
    if wanted == b"NO":
        if scripts.debugs(ctx):
            del scripts.debugger.forked[ctx]
    elif wanted in (b"YES", b"SYNC"):
        scripts.debugger.forked[ctx] = wanted == b"YES"
    else:
        raise CommandError(b"Use SCRIPT DEBUG YES/SYNC/NO")
    return OK


@command("SCRIPT HELP", flags=LOADING | STALE, group="scripting", since="5.0.0", complexity="O(1)")
def script_help(ctx: Client) -> list[Status]:
    """SCRIPT HELP

    Lists the subcommands.
    """
    return help_reply("SCRIPT", _HELP)


_HELP = """
DEBUG (YES|SYNC|NO)
    Set how the connection's next scripts are debugged.
EXISTS <sha1> [<sha1> ...]
    Tell which scripts are cached.
FLUSH [ASYNC|SYNC]
    Forget every cached script.
KILL
    End the script that runs now.
LOAD <script>
    Cache a script without running it.
"""
