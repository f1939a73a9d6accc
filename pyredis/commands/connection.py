"""A connection's own commands: greeting, authentication, protocol version, taking leave.

Passwords are kept from the slow log and monitors (`ctx.redacted`). RESET brings a connection back to what it
was when new, but for the library it said it is.
"""

from typing import Any

from pyredis import REDIS_VERSION
from pyredis.datatypes.numeric import parse_int
from pyredis.engine.acl.accounts import DEFAULT, Acl
from pyredis.engine.acl.authentication import authenticate
from pyredis.engine.client import REPLY_OFF, REPLY_ON, Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import (
    ALLOW_BUSY,
    ALLOW_SUBSCRIBED,
    FAST,
    LOADING,
    NO_AUTH,
    NOSCRIPT,
    NOT_QUEUED,
    STALE,
    TELLS_DISK_ERRORS,
    command,
)
from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.roles import NORMAL
from pyredis.engine.observability.client_info import printable
from pyredis.engine.observability.server_info import MODULE_LIST
from pyredis.engine.roster import Clients
from pyredis.errors import BAD_CLIENT_NAME, CommandError, as_printed, syntax_error, wrong_arity
from pyredis.protocol.replies import OK, PONG, Status

_ANYTIME = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY
_RESET = Status(b"RESET")
_HELLO_FIRST = (
    b"HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user>"
    b" <pass> option can be used to authenticate the client and select the RESP protocol version at the"
    b" same time"
)


@command(
    "PING",
    flags=FAST | ALLOW_SUBSCRIBED | TELLS_DISK_ERRORS,
    group="connection",
    since="1.0.0",
    complexity="O(1)",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
)
def ping(ctx: Client, *words: bytes) -> Any:
    """PING [message]

    Answers PONG, or the message.
    """
    if len(words) > 1:
        raise wrong_arity("ping")
    if ctx.gates & gates.SUBSCRIBED and ctx.resp == 2:
        return [b"pong", words[0] if words else b""]
    return words[0] if words else PONG


@command("ECHO", flags=LOADING | STALE | FAST, group="connection", since="1.0.0", complexity="O(1)")
def echo(ctx: Client, message: bytes) -> bytes:
    """ECHO message

    Answers the message.
    """
    return message


@command(
    "AUTH",
    flags=_ANYTIME,
    group="connection",
    since="1.0.0",
    complexity="O(N) in the number of the user's passwords",
)
def auth(ctx: Client, word: bytes, *words: bytes) -> Status:
    """AUTH [username] password

    Authenticates the connection.
    """
    if len(words) > 1:
        raise syntax_error()
    ctx.redacted = (1, 2)
    if words:
        authenticate(ctx, word, words[0])
    elif not ctx.engine[Acl].default.nopass:
        authenticate(ctx, DEFAULT, word)
    else:
        raise CommandError(
            b"AUTH <password> called without any password configured for the default user."
            b" Are you sure your configuration is correct?"
        )
    return OK


class _Greeting:
    """What HELLO's words say; redacts the password at once, whatever else is wrong."""

    __slots__ = ("credentials", "name", "version")

    def __init__(self, ctx: Client, words: tuple[bytes, ...]) -> None:
        self.version = _protocol(words[0]) if words else None
        self.credentials: tuple[bytes, bytes] | None = None
        self.name: bytes | None = None
        options = Arguments(words[1:])
        while options:
            if options.flag(b"AUTH", following=2):
                at = options.position + 2  # of the user's name, behind HELLO and the version
                ctx.redacted = (*ctx.redacted, at, at + 1)
                self.credentials = options.word(), options.word()
            elif options.flag(b"SETNAME", following=1):
                self.name = options.word()
                if not printable(self.name):
                    raise CommandError(BAD_CLIENT_NAME)
            else:
                raise CommandError(b"Syntax error in HELLO option '%b'" % as_printed(options.word()))


def _protocol(word: bytes) -> int:
    version = parse_int(word)
    if version is None:
        raise CommandError(b"Protocol version is not an integer or out of range")
    if version not in (2, 3):
        raise CommandError(b"unsupported protocol version", b"NOPROTO")
    return version


@command("HELLO", flags=_ANYTIME, group="connection", since="6.0.0", complexity="O(1)")
def hello(ctx: Client, *words: bytes) -> dict[bytes, Any]:
    """HELLO [protover [AUTH username password] [SETNAME clientname]]

    Selects the protocol version, and tells who the server is.
    """
    greeting = _Greeting(ctx, words)
    if greeting.credentials:
        authenticate(ctx, *greeting.credentials)
    if ctx.gates & gates.UNAUTHENTICATED:  # even if nobody asks for a password any more
        raise CommandError(_HELLO_FIRST, b"NOAUTH")
    if greeting.name is not None:
        ctx.name = greeting.name
    if greeting.version is not None:
        ctx.talk(greeting.version)
    return _server(ctx)


def _server(ctx: Client) -> dict[bytes, Any]:
    config = ctx.engine.config
    answer: dict[bytes, Any] = {
        b"server": b"redis",
        b"version": REDIS_VERSION.encode(),
        b"proto": ctx.resp,
        b"id": ctx.id,
        b"mode": b"cluster" if config["cluster-enabled"] else b"standalone",
        b"role": b"replica" if config["replicaof"] else b"master",
        b"modules": MODULE_LIST,
    }
    if config["availability-zone"]:
        answer[b"availability_zone"] = config["availability-zone"].encode()
    if config.sentinel:
        answer[b"mode"] = b"sentinel"
        del answer[b"role"]
    return answer


@command(
    "QUIT",
    flags=_ANYTIME | ALLOW_SUBSCRIBED | NOT_QUEUED,
    group="connection",
    since="1.0.0",
    complexity="O(1)",
    deprecated=("7.2.0", "just closing the connection"),
)
def quit(ctx: Client, *words: bytes) -> Status:
    """QUIT

    Closes the connection once its replies are sent.
    """
    ctx.gates |= detours.CLOSING
    return OK


@command("RESET", flags=_ANYTIME | ALLOW_SUBSCRIBED | NOT_QUEUED, group="connection", since="6.2.0", complexity="O(1)")
def reset(ctx: Client) -> Status:
    """RESET

    Makes the connection what it was when it was new.
    """
    if ctx.role is not NORMAL:
        raise CommandError(b"can only reset normal client connections")
    ctx.engine[Clients].forget(ctx)
    ctx.transaction = None
    ctx.gates &= ~gates.IN_TRANSACTION
    ctx.db = ctx.engine.keyspace.databases[0]
    ctx.name = b""
    ctx.no_evict = ctx.reads_replica = False
    ctx.gates &= ~detours.ASKING
    ctx.sink.adopt_limits()
    ctx.set_no_touch(False)
    if ctx.reply_mode == REPLY_OFF:
        ctx.set_reply_mode(REPLY_ON)
    ctx.talk(2)
    ctx.engine[Acl].start_over(ctx)
    return _RESET
