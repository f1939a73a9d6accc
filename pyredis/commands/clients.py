"""CLIENT: what a connection says of itself, and what one may see of, and do to, the others.

A client that kills itself is closed behind the reply; another one at once, and what it sent before
no longer runs.
"""

from collections.abc import Callable

from pyredis.datatypes.numeric import INT64_MAX
from pyredis.engine.acl.accounts import Acl
from pyredis.engine.client import REPLY_OFF, REPLY_ON, REPLY_SKIP, Client
from pyredis.engine.command_table.arguments import Arguments, integer, integer_between
from pyredis.engine.command_table.command import ADMIN, LOADING, NOSCRIPT, STALE, command, container
from pyredis.engine.command_table.help import help_reply, subcommand_error
from pyredis.engine.execution import detours
from pyredis.engine.execution.pause import Pause
from pyredis.engine.observability.client_info import KINDS, client_kind, client_line, printable
from pyredis.engine.roster import Clients
from pyredis.errors import BAD_CLIENT_NAME, TIMEOUT_NEGATIVE, CommandError, as_printed, syntax_error
from pyredis.protocol.replies import NO_REPLY, OK, NoReply, Status, Verbatim

_ANYTIME = NOSCRIPT | LOADING | STALE
_TO_ALL = ["request_policy:all_nodes", "response_policy:all_succeeded"]

Filter = Callable[[Client], bool]

container("CLIENT", summary="Commands about connections.", group="connection", since="2.4.0")


# The connection itself


@command("CLIENT ID", flags=_ANYTIME, group="connection", since="5.0.0", complexity="O(1)")
def client_id(ctx: Client) -> int:
    """CLIENT ID

    Answers the number of the connection, which never repeats.
    """
    return ctx.id


@command("CLIENT GETNAME", flags=_ANYTIME, group="connection", since="2.6.9", complexity="O(1)")
def client_getname(ctx: Client) -> bytes | None:
    """CLIENT GETNAME

    Answers the connection's name, or null.
    """
    return ctx.name or None


@command("CLIENT SETNAME", flags=_ANYTIME, group="connection", since="2.6.9", complexity="O(1)", tips=_TO_ALL)
def client_setname(ctx: Client, name: bytes) -> Status:
    """CLIENT SETNAME connection-name

    Names the connection; an empty name takes it away.
    """
    if not printable(name):
        raise CommandError(BAD_CLIENT_NAME)
    ctx.name = name
    return OK


@command("CLIENT SETINFO", flags=_ANYTIME, group="connection", since="7.2.0", complexity="O(1)", tips=_TO_ALL)
def client_setinfo(ctx: Client, attribute: bytes, value: bytes) -> Status:
    """CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>

    Says which library talks over the connection.
    """
    name = attribute.upper()
    if name not in (b"LIB-NAME", b"LIB-VER"):
        raise CommandError(b"Unrecognized option '%b'" % as_printed(attribute))
    if not printable(value):
        raise CommandError(b"%b cannot contain spaces, newlines or special characters." % attribute)
    if name == b"LIB-NAME":
        ctx.library_name = value
    else:
        ctx.library_version = value
    return OK


@command("CLIENT REPLY", flags=_ANYTIME, group="connection", since="3.2.0", complexity="O(1)")
def client_reply(ctx: Client, mode: bytes) -> Status | NoReply:
    """CLIENT REPLY <ON | OFF | SKIP>

    Says whether commands are answered: all, none, or all but the next.
    """
    mode = mode.upper()
    if mode == REPLY_ON:
        ctx.set_reply_mode(REPLY_ON)
        return OK
    if mode not in (REPLY_OFF, REPLY_SKIP):
        raise syntax_error()
    if mode == REPLY_OFF:
        ctx.set_reply_mode(REPLY_OFF)
    elif ctx.reply_mode != REPLY_OFF:
        ctx.skip_next()
    return NO_REPLY


@command("CLIENT NO-EVICT", flags=ADMIN | _ANYTIME, group="connection", since="7.0.0", complexity="O(1)")
def client_no_evict(ctx: Client, switch: bytes) -> Status:
    """CLIENT NO-EVICT <ON | OFF>

    Keeps the connection from being closed when clients take too much memory.
    """
    ctx.no_evict = _is_on(switch)
    ctx.sink.adopt_limits()
    return OK


@command("CLIENT NO-TOUCH", flags=_ANYTIME, group="connection", since="7.2.0", complexity="O(1)")
def client_no_touch(ctx: Client, switch: bytes) -> Status:
    """CLIENT NO-TOUCH <ON | OFF>

    Lets the connection's commands leave the access times of keys alone.
    """
    ctx.set_no_touch(_is_on(switch))
    return OK


def _is_on(word: bytes) -> bool:
    if word.upper() not in (b"ON", b"OFF"):
        raise syntax_error()
    return word.upper() == b"ON"


@command(
    "CLIENT INFO",
    flags=_ANYTIME,
    group="connection",
    since="6.2.0",
    complexity="O(1)",
    tips=["nondeterministic_output"],
)
def client_info(ctx: Client) -> Verbatim:
    """CLIENT INFO

    Answers the connection's line of CLIENT LIST.
    """
    return Verbatim(client_line(ctx, running=True))


@command(
    "CLIENT LIST",
    flags=ADMIN | _ANYTIME,
    group="connection",
    since="2.4.0",
    complexity="O(N) in the number of clients",
    tips=["nondeterministic_output"],
)
def client_list(ctx: Client, *words: bytes) -> Verbatim:
    """CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]

    Answers a line about each client.
    """
    listed = [client for client in _selected(ctx, words) if client is not None]
    return Verbatim(b"".join(client_line(client, running=client is ctx) for client in listed))


def _selected(ctx: Client, words: tuple[bytes, ...]) -> list[Client | None]:
    clients = ctx.engine[Clients].listed
    options = Arguments(words)
    if not options:
        return list(clients.values())
    if len(words) == 2 and options.flag(b"TYPE"):
        kind = _kind(words[1])
        return [client for client in clients.values() if client_kind(client) == kind]
    if options.flag(b"ID", following=1):
        ids = [integer_between(word, -INT64_MAX - 1, INT64_MAX, b"Invalid client ID") for word in options.rest()]
        return [clients.get(id) for id in ids]
    raise syntax_error()


def _any_integer(word: bytes, text: bytes) -> int:
    """A word as a 64 bit integer, or the error `text`."""
    return integer_between(word, -INT64_MAX - 1, INT64_MAX, text)


def _kind(word: bytes) -> bytes:
    kind = KINDS.get(word.lower())
    if kind is None:
        raise CommandError(b"Unknown client type '%b'" % as_printed(word))
    return kind


# Acting on others


@command(
    "CLIENT KILL",
    flags=ADMIN | _ANYTIME,
    group="connection",
    since="2.4.0",
    complexity="O(N) in the number of clients",
)
def client_kill(ctx: Client, word: bytes, *words: bytes) -> Status | int:
    """CLIENT KILL <ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] | [MAXAGE maxage] [[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] | [MAXAGE maxage] ...]>>

    Disconnects clients.
    """  # noqa: E501
    if not words:
        if not _kill(ctx, [_has_address(word)]):
            raise CommandError(b"No such client")
        return OK
    return _kill(ctx, _kill_filters(ctx, (word, *words)))


def _kill(ctx: Client, filters: list[Filter]) -> int:
    """Disconnect the clients that pass every filter; how many there were."""
    doomed = [client for client in ctx.engine[Clients].listed.values() if all(passes(client) for passes in filters)]
    for client in doomed:
        if client is ctx:
            ctx.gates |= detours.CLOSING
        else:
            client.close(at_once=True)
            ctx.engine[Clients].disconnect(client)
    return len(doomed)


def _has_address(word: bytes) -> Filter:
    return lambda client: client.sink.address.encode("utf-8", "surrogateescape") == word


def _kill_filters(ctx: Client, words: tuple[bytes, ...]) -> list[Filter]:
    """The filters of the newer form; of one given twice the last counts."""
    found: dict[bytes, Filter] = {b"SKIPME": lambda client: client is not ctx}
    options = Arguments(words)
    while options:
        name = options.word().upper()
        if name not in _FILTERS:
            raise syntax_error()
        found[name] = _FILTERS[name](ctx, options.word())
    return list(found.values())


def _by_id(ctx: Client, word: bytes) -> Filter:
    id = integer_between(word, 1, INT64_MAX, b"client-id should be greater than 0")
    return lambda client: client.id == id


def _by_type(ctx: Client, word: bytes) -> Filter:
    kind = _kind(word)
    return lambda client: client_kind(client) == kind


def _by_user(ctx: Client, word: bytes) -> Filter:
    if word not in ctx.engine[Acl].users:
        raise CommandError(b"No such user '%b'" % as_printed(word))
    return lambda client: client.user.name == word


def _by_address(ctx: Client, word: bytes) -> Filter:
    return _has_address(word)


def _by_local_address(ctx: Client, word: bytes) -> Filter:
    return lambda client: client.sink.local_address.encode("utf-8", "surrogateescape") == word


def _by_self(ctx: Client, word: bytes) -> Filter:
    if word.upper() not in (b"YES", b"NO"):
        raise syntax_error()
    skip = word.upper() == b"YES"
    return lambda client: not skip or client is not ctx


def _by_age(ctx: Client, word: bytes) -> Filter:
    least = _any_integer(word, b"maxage is not an integer or out of range")
    if least <= 0:
        raise CommandError(b"maxage should be greater than 0")
    now = ctx.engine.keyspace.now // 1000
    return lambda client: now - client.created // 1000 >= least


_FILTERS: dict[bytes, Callable[[Client, bytes], Filter]] = {
    b"ID": _by_id,
    b"TYPE": _by_type,
    b"USER": _by_user,
    b"ADDR": _by_address,
    b"LADDR": _by_local_address,
    b"SKIPME": _by_self,
    b"MAXAGE": _by_age,
}


@command("CLIENT PAUSE", flags=ADMIN | _ANYTIME, group="connection", since="3.0.0", complexity="O(1)")
def client_pause(ctx: Client, timeout: bytes, *words: bytes) -> Status:
    """CLIENT PAUSE timeout [WRITE | ALL]

    Holds back commands, or only writes, for some milliseconds.
    """
    if len(words) > 1:
        raise subcommand_error(ctx.argv)
    mode = words[0].upper() if words else b"ALL"
    if mode not in (b"WRITE", b"ALL"):
        raise CommandError(b"CLIENT PAUSE mode must be WRITE or ALL")
    now = ctx.engine.keyspace.now
    span = _any_integer(timeout, b"timeout is not an integer or out of range")
    if span < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    if now + span > INT64_MAX:
        raise CommandError(b"timeout is out of range")
    ctx.engine[Pause].begin(now + span, mode == b"ALL")
    return OK


@command(
    "CLIENT UNPAUSE",
    flags=ADMIN | _ANYTIME,
    group="connection",
    since="6.2.0",
    complexity="O(N) in the number of paused clients",
)
def client_unpause(ctx: Client) -> Status:
    """CLIENT UNPAUSE

    Lets commands run again that CLIENT PAUSE holds back.
    """
    ctx.engine[Pause].end()
    return OK


@command(
    "CLIENT UNBLOCK",
    flags=ADMIN | _ANYTIME,
    group="connection",
    since="5.0.0",
    complexity="O(log N) in the number of clients",
)
def client_unblock(ctx: Client, id: bytes, *words: bytes) -> int:
    """CLIENT UNBLOCK client-id [TIMEOUT | ERROR]

    Ends another client's wait as if its time were up, or with an error.
    """
    if len(words) > 1:
        raise subcommand_error(ctx.argv)
    reason = words[0].upper() if words else b"TIMEOUT"
    if reason not in (b"TIMEOUT", b"ERROR"):
        raise CommandError(b"CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    target = ctx.engine[Clients].listed.get(integer(id))
    unblock = getattr(target.waiting, "unblock", None) if target else None
    if unblock is None:
        return 0
    unblock(reason == b"ERROR")
    return 1


@command("CLIENT HELP", flags=LOADING | STALE, group="connection", since="5.0.0", complexity="O(1)")
def client_help(ctx: Client) -> list[Status]:
    """CLIENT HELP

    Lists the subcommands.
    """
    return help_reply("CLIENT", _HELP)


_HELP = """
CACHING (YES|NO)
    Track, or do not track, the keys of the next command (OPTIN and OPTOUT modes).
GETNAME
    The name of this connection.
GETREDIR
    The client that this connection's invalidation messages go to.
ID
    The number of this connection.
INFO
    What is known about this connection.
KILL <ip:port>
    Disconnect the client with this address.
KILL <option> <value> [<option> <value> [...]]
    Disconnect the clients that fit all options:
    * ADDR (<ip:port>|<unixsocket>:0): the peer's address
    * LADDR (<ip:port>|<unixsocket>:0): our address
    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB): the kind of client
    * USER <username>: the authenticated user
    * SKIPME (YES|NO): spare this connection (default: yes)
    * ID <client-id>: the number of the connection
    * MAXAGE <maxage>: connected for at least so many seconds
LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)|ID <client-id> [<client-id> ...]]
    What is known about all clients, about those of a kind, or about these.
NO-EVICT (ON|OFF)
    Spare this connection when clients take too much memory.
NO-TOUCH (ON|OFF)
    Do not let this connection's commands count as use of their keys.
PAUSE <timeout> [WRITE|ALL]
    Hold back all commands, or writes, for <timeout> milliseconds.
REPLY (ON|OFF|SKIP)
    Answer all commands, none, or all but the next.
SETINFO <option> <value>
    Say which library is used: LIB-NAME or LIB-VER.
SETNAME <name>
    Name this connection.
TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]
         [OPTIN] [OPTOUT] [NOLOOP]
    Be told when keys change that were read.
TRACKINGINFO
    How this connection tracks keys.
UNBLOCK <client-id> [TIMEOUT|ERROR]
    End a blocked client's wait.
UNPAUSE
    End a pause.
"""
