"""CLIENT TRACKING and what belongs to it: being told when keys change that one keeps copies of."""

from typing import Any

from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import LOADING, NOSCRIPT, STALE, command
from pyredis.engine.messaging.invalidation import Tracking
from pyredis.engine.messaging.tracking_mode import Mode
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError, syntax_error
from pyredis.protocol.replies import OK, Status, Unordered

_ANYTIME = NOSCRIPT | LOADING | STALE
_OTHER_MODE = b"before disabling tracking for this client, and then re-enabling it with a different mode."
_OVERLAPS = b"Prefix '%b' overlaps with %b prefix '%b'. Prefixes for a single client must not overlap."


def _read_mode(ctx: Client, words: tuple[bytes, ...]) -> Mode:
    """What the words behind ON or OFF say. Raises Redis's errors."""
    mode = Mode()
    options = Arguments(words)
    while options:
        if options.flag(b"REDIRECT", 1):
            if mode.redirect:
                raise CommandError(b"A client can only redirect to a single other client")
            mode.redirect = options.integer()
            if mode.redirect not in ctx.engine[Clients].listed:
                raise CommandError(b"The client ID you want redirect to does not exist")
        elif options.flag(b"PREFIX", 1):
            mode.prefixes.append(options.word())
        elif options.flag(b"BCAST"):
            mode.broadcast = True
        elif options.flag(b"OPTIN"):
            mode.optin = True
        elif options.flag(b"OPTOUT"):
            mode.optout = True
        elif options.flag(b"NOLOOP"):
            mode.noloop = True
        else:
            raise syntax_error()
    return mode


def _check(mode: Mode, before: Mode | None) -> None:
    """Raise for options that do not go together, or not with the present mode."""
    if mode.prefixes and not mode.broadcast:
        raise CommandError(b"PREFIX option requires BCAST mode to be enabled")
    if before is not None and before.broadcast != mode.broadcast:
        raise CommandError(b"You can't switch BCAST mode on/off " + _OTHER_MODE)
    if mode.broadcast and (mode.optin or mode.optout):
        raise CommandError(b"OPTIN and OPTOUT are not compatible with BCAST")
    if mode.optin and mode.optout:
        raise CommandError(b"You can't specify both OPTIN mode and OPTOUT mode")
    if before is not None and ((mode.optin and before.optout) or (mode.optout and before.optin)):
        raise CommandError(b"You can't switch OPTIN/OPTOUT mode " + _OTHER_MODE)


def _add_prefixes(mode: Mode, before: Mode | None) -> None:
    """Listen to what was listened to before, too. Raises for prefixes that overlap."""
    earlier = before.prefixes if before is not None else []
    for at, prefix in enumerate(mode.prefixes):
        for other in earlier:
            if _overlap(prefix, other):
                raise CommandError(_OVERLAPS % (prefix, b"an existing", other))
        for other in mode.prefixes[at + 1 :]:
            if _overlap(prefix, other):
                raise CommandError(_OVERLAPS % (prefix, b"another provided", other))
    if mode.broadcast:
        mode.prefixes = list(dict.fromkeys([*earlier, *(mode.prefixes or [b""])]))


def _overlap(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


@command(
    "CLIENT TRACKING",
    flags=_ANYTIME,
    group="connection",
    since="6.0.0",
    complexity="O(1)",
)
def client_tracking(ctx: Client, status: bytes, *words: bytes) -> Status:
    """CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]

    Lets this connection, or another, be told when keys change that it read.
    """  # noqa: E501
    mode = _read_mode(ctx, words)
    switch, tracking = status.upper(), ctx.engine[Tracking]
    if switch == b"OFF":
        tracking.stop(ctx)
    elif switch == b"ON":
        _check(mode, ctx.tracking)
        _add_prefixes(mode, ctx.tracking)
        tracking.start(ctx, mode)
    else:
        raise syntax_error()
    return OK


@command("CLIENT CACHING", flags=_ANYTIME, group="connection", since="6.0.0", complexity="O(1)")
def client_caching(ctx: Client, mode: bytes) -> Status:
    """CLIENT CACHING <YES | NO>

    Says whether the keys of the next command will be cached.
    """
    tracking, choice = ctx.tracking, mode.upper()
    if tracking is None:
        raise CommandError(
            b"CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
        )
    if choice == b"YES":
        if not tracking.optin:
            raise CommandError(b"CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    elif choice == b"NO":
        if not tracking.optout:
            raise CommandError(b"CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    else:
        raise syntax_error()
    tracking.caching = True
    return OK


@command("CLIENT GETREDIR", flags=_ANYTIME, group="connection", since="6.0.0", complexity="O(1)")
def client_getredir(ctx: Client) -> int:
    """CLIENT GETREDIR

    Answers which connection is told instead of this one: 0 for this one, -1 without tracking.
    """
    return -1 if ctx.tracking is None else ctx.tracking.redirect


@command("CLIENT TRACKINGINFO", flags=_ANYTIME, group="connection", since="6.2.0", complexity="O(1)")
def client_trackinginfo(ctx: Client) -> dict[bytes, Any]:
    """CLIENT TRACKINGINFO

    Answers how this connection tracks keys.
    """
    mode = ctx.tracking
    if mode is None:
        return {b"flags": Unordered([b"off"]), b"redirect": -1, b"prefixes": []}
    flags = {
        b"on": True,
        b"bcast": mode.broadcast,
        b"optin": mode.optin,
        b"caching-yes": mode.optin and mode.caching,
        b"optout": mode.optout,
        b"caching-no": mode.optout and mode.caching,
        b"noloop": mode.noloop,
        b"broken_redirect": mode.broken,
    }
    shown = Unordered([name for name, holds in flags.items() if holds])
    return {b"flags": shown, b"redirect": mode.redirect, b"prefixes": sorted(mode.prefixes)}
