"""MODULE: extensions of the C server cannot be loaded here.

Vector sets, which Redis 8.2 brings as one, are listed as that.
"""

from pyredis.engine.client import Client
from pyredis.engine.command_table.command import ADMIN, LOADING, NO_ASYNC_LOADING, NOSCRIPT, STALE, command, container
from pyredis.engine.command_table.help import help_reply
from pyredis.engine.observability.server_info import MODULE_LIST
from pyredis.errors import CommandError
from pyredis.protocol.replies import Status

container("MODULE", summary="Commands about extensions of the server.", group="server", since="4.0.0")

_FORBIDDEN = (
    b'MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from '
    b"a local connection, otherwise you need to set this option in the configuration file, and then restart "
    b"the server."
)
_CHANGES = ADMIN | NOSCRIPT | NO_ASYNC_LOADING


def _demand_permission(ctx: Client) -> None:
    allowed = ctx.engine.config["enable-module-command"]
    if allowed == "no" or (allowed == "local" and not ctx.is_local):
        raise CommandError(_FORBIDDEN)


@command(
    "MODULE LIST",
    flags=ADMIN | NOSCRIPT,
    group="server",
    since="4.0.0",
    complexity="O(N) in the number of modules",
    tips=["nondeterministic_output_order"],
)
def module_list(ctx: Client) -> list[dict[bytes, object]]:
    """MODULE LIST

    Answers what extensions there are.
    """
    return MODULE_LIST


@command("MODULE LOAD", flags=_CHANGES, group="server", since="4.0.0", complexity="O(1)")
def module_load(ctx: Client, path: bytes, *arguments: bytes) -> None:
    """MODULE LOAD path [arg [arg ...]]

    Is refused.
    """
    _demand_permission(ctx)
    raise CommandError(b"Error loading the extension. Please check the server logs.")


@command("MODULE LOADEX", flags=_CHANGES, group="server", since="7.0.0", complexity="O(1)")
def module_loadex(ctx: Client, path: bytes, *arguments: bytes) -> None:
    """MODULE LOADEX path [CONFIG name value [CONFIG name value ...]] [ARGS args [args ...]]

    Is refused.
    """
    _demand_permission(ctx)
    raise CommandError(b"Error loading the extension. Please check the server logs.")


@command("MODULE UNLOAD", flags=_CHANGES, group="server", since="4.0.0", complexity="O(1)")
def module_unload(ctx: Client, name: bytes) -> None:
    """MODULE UNLOAD name

    Is refused.
    """
    _demand_permission(ctx)
    raise CommandError(b"Error unloading module: no such module with that name")


@command("MODULE HELP", flags=LOADING | STALE, group="server", since="5.0.0", complexity="O(1)")
def module_help(ctx: Client) -> list[Status]:
    """MODULE HELP

    Lists the subcommands.
    """
    return help_reply("MODULE", _HELP)


_HELP = """
LIST
    What extensions there are.
LOAD <path> [<arg> ...]
    Refused: the C server's extensions cannot be loaded.
LOADEX <path> [[CONFIG NAME VALUE] ...] [ARGS ...]
    Refused as well.
UNLOAD <name>
    Refused: nothing was loaded.
"""
