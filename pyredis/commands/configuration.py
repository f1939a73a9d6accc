"""CONFIG: reading and changing parameters while the server runs.

CONFIG SET is atomic over all its pairs. What is secret (a password) is redacted in the logs of commands.
"""

from pyredis.config.parameter import SENSITIVE, ConfigError
from pyredis.engine.client import Client
from pyredis.engine.command_table.command import ADMIN, LOADING, NOSCRIPT, STALE, command, container
from pyredis.engine.command_table.help import help_reply
from pyredis.engine.execution import gates
from pyredis.errors import syntax_error
from pyredis.protocol.replies import OK, Status

container("CONFIG", summary="Commands about the server's configuration.", group="server", since="2.0.0")

_EVERYWHERE = ["request_policy:all_nodes", "response_policy:all_succeeded"]


@command(
    "CONFIG GET",
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.0.0",
    complexity="O(N) in the number of parameters",
)
def config_get(ctx: Client, parameter: bytes, *parameters: bytes) -> dict[bytes, bytes]:
    """CONFIG GET parameter [parameter ...]

    Answers the values of the parameters that match patterns.
    """
    found = ctx.engine.config.get_matching((parameter, *parameters))
    return {_raw(name): _raw(value) for name, value in found.items()}


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@command(
    "CONFIG SET",
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.0.0",
    complexity="O(N) in the number of parameters",
    tips=_EVERYWHERE,
)
def config_set(ctx: Client, parameter: bytes, value: bytes, *words: bytes) -> Status:
    """CONFIG SET parameter value [parameter value ...]

    Changes parameters: all of them, or none if one cannot be.
    """
    if len(words) % 2:
        raise syntax_error()
    words = (parameter, value, *words)
    _redact(ctx, words)
    ctx.engine.config.set_many(
        list(zip(words[::2], words[1::2], strict=True)),
        local=ctx.is_local,
        loading=bool(ctx.engine.gates & (gates.LOADING | gates.ASYNC_LOADING)),
    )
    return OK


def _redact(ctx: Client, words: tuple[bytes, ...]) -> None:
    """Let no log show the values of secret parameters."""
    for at in range(0, len(words), 2):
        row = ctx.engine.config.parameter(words[at].decode("latin-1"))
        if row is not None and row.flags & SENSITIVE:
            ctx.redacted = (*ctx.redacted, at + 3)


@command(
    "CONFIG RESETSTAT",
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.0.0",
    complexity="O(1)",
    tips=_EVERYWHERE,
)
def config_resetstat(ctx: Client) -> Status:
    """CONFIG RESETSTAT

    Sets the counters that INFO shows back to zero.
    """
    engine = ctx.engine
    errors = len(engine.stats.errors)
    engine.stats.reset()
    engine.stats.freed(errors)
    engine.keyspace.reset_stats()
    for entry in engine.rows():
        entry.reset()
    for step in engine.on_reset:
        step()
    return OK


@command(
    "CONFIG REWRITE",
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.8.0",
    complexity="O(1)",
    tips=_EVERYWHERE,
)
def config_rewrite(ctx: Client) -> Status:
    """CONFIG REWRITE

    Writes the present values into the configuration file.
    """
    config, log = ctx.engine.config, ctx.engine.log
    try:
        config.rewrite()
    except ConfigError as error:
        if config.file is not None:
            log.warning("CONFIG REWRITE failed: %s", str(error).removeprefix("Rewriting config file: "))
        raise
    log.debug("Rewritten config file (%s) successfully", config.file)
    log.info("CONFIG REWRITE executed with success.")
    return OK


@command("CONFIG HELP", flags=LOADING | STALE, group="server", since="5.0.0", complexity="O(1)")
def config_help(ctx: Client) -> list[Status]:
    """CONFIG HELP

    Explains the subcommands.
    """
    return help_reply("CONFIG", _HELP)


_HELP = """
GET <pattern>
    Names and values of the parameters that match a glob pattern.
SET <directive> <value>
    Change a parameter.
RESETSTAT
    Set INFO's counters back to zero.
REWRITE
    Write the present values into the configuration file.
"""
