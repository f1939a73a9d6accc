"""ACL: users and what they may do, and what was refused.

Whoever may look at users or change them does so unseen: no log of commands shows the words of SETUSER, GETUSER and
DELUSER.
"""

import secrets
from typing import Any

from pyredis.engine.acl.accounts import Acl
from pyredis.engine.acl.acl_log import AclLog, Denial
from pyredis.engine.acl.selector import Selector
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer
from pyredis.engine.command_table.command import ADMIN, CATEGORIES, LOADING, NOSCRIPT, STALE, TABLE, command, container
from pyredis.engine.command_table.help import help_reply, subcommand_error
from pyredis.errors import CommandError, as_printed, wrong_arity
from pyredis.protocol.replies import OK, Status, Unordered

container("ACL", summary="Commands about users and their permissions.", group="server", since="6.0.0")

_ANYTIME = NOSCRIPT | LOADING | STALE
_GUARDED = ADMIN | _ANYTIME
_EVERYWHERE = ["request_policy:all_nodes", "response_policy:all_succeeded"]

_BITS_MAX = 4096
_LOG_SHOWN = 10

_Map = dict[bytes, Any]


def _redact(ctx: Client) -> None:
    """Let no log show who or what this is about."""
    ctx.redacted = tuple(range(2, len(ctx.argv)))


# Users


@command("ACL WHOAMI", flags=_ANYTIME, group="server", since="6.0.0", complexity="O(1)")
def acl_whoami(ctx: Client) -> bytes:
    """ACL WHOAMI

    Answers the name of the connection's user.
    """
    return ctx.user.name


@command("ACL USERS", flags=_GUARDED, group="server", since="6.0.0", complexity="O(N) in the number of users")
def acl_users(ctx: Client) -> list[bytes]:
    """ACL USERS

    Answers the names of all users.
    """
    return [user.name for user in ctx.engine[Acl].sorted_users]


@command("ACL LIST", flags=_GUARDED, group="server", since="6.0.0", complexity="O(N) in the number of users")
def acl_list(ctx: Client) -> list[bytes]:
    """ACL LIST

    Answers all users, each with the rules that make it.
    """
    return ctx.engine[Acl].lines


@command("ACL GETUSER", flags=_GUARDED, group="server", since="6.0.0", complexity="O(N) in the user's rules")
def acl_getuser(ctx: Client, username: bytes) -> _Map | None:
    """ACL GETUSER username

    Answers the rules that make a user, or null.
    """
    _redact(ctx)
    user = ctx.engine[Acl].users.get(username)
    if user is None:
        return None
    own, *others = map(_described, user.selectors)
    return {b"flags": Unordered(user.flags), b"passwords": user.passwords, **own, b"selectors": others}


def _described(selector: Selector) -> _Map:
    return {b"commands": selector.command_text, b"keys": selector.key_text, b"channels": selector.channel_text}


@command(
    "ACL SETUSER",
    flags=_GUARDED,
    group="server",
    since="6.0.0",
    complexity="O(N) in the number of rules",
    tips=_EVERYWHERE,
)
def acl_setuser(ctx: Client, username: bytes, *rules: bytes) -> Status:
    """ACL SETUSER username [rule [rule ...]]

    Makes or changes a user: by all rules, or by none if one is wrong.
    """
    _redact(ctx)
    ctx.engine[Acl].set_user(username, rules)
    return OK


@command(
    "ACL DELUSER",
    flags=_GUARDED,
    group="server",
    since="6.0.0",
    complexity="O(N) in the number of clients",
    tips=_EVERYWHERE,
)
def acl_deluser(ctx: Client, username: bytes, *usernames: bytes) -> int:
    """ACL DELUSER username [username ...]

    Deletes users and disconnects their clients; answers how many users there were.
    """
    _redact(ctx)
    return ctx.engine[Acl].delete((username, *usernames))


@command("ACL LOAD", flags=_GUARDED, group="server", since="6.0.0", complexity="O(N) in the number of users")
def acl_load(ctx: Client) -> Status:
    """ACL LOAD

    Takes the users of the ACL file in place of the present ones.
    """
    ctx.engine[Acl].load()
    return OK


@command(
    "ACL SAVE",
    flags=_GUARDED,
    group="server",
    since="6.0.0",
    complexity="O(N) in the number of users",
    tips=_EVERYWHERE,
)
def acl_save(ctx: Client) -> Status:
    """ACL SAVE

    Writes the users into the ACL file.
    """
    ctx.engine[Acl].save()
    return OK


# Asking


@command("ACL CAT", flags=_ANYTIME, group="server", since="6.0.0", complexity="O(N) in the number of commands")
def acl_cat(ctx: Client, *words: bytes) -> list[bytes]:
    """ACL CAT [category]

    Answers the categories, or the commands of one.
    """
    if len(words) > 1:
        raise subcommand_error(ctx.argv)
    if not words:
        return [name.encode() for name in CATEGORIES]
    category = words[0].decode("latin-1").lower()
    if category not in CATEGORIES:
        raise CommandError(b"Unknown category '%b'" % as_printed(words[0], 128))
    return [one.name.encode() for one in TABLE.values() if category in one.categories]


@command("ACL GENPASS", flags=_ANYTIME, group="server", since="6.0.0", complexity="O(1)")
def acl_genpass(ctx: Client, *words: bytes) -> bytes:
    """ACL GENPASS [bits]

    Answers a new password: random hexadecimal digits.
    """
    if len(words) > 1:
        raise subcommand_error(ctx.argv)
    bits = integer(words[0]) if words else 256
    if not 0 < bits <= _BITS_MAX:
        raise CommandError(
            b"ACL GENPASS argument must be the number of bits for the output password, a positive number up to %d"
            % _BITS_MAX
        )
    # From the system, not from the engine's generator: nobody may guess a password, not even who seeded that.
    return secrets.token_hex(_BITS_MAX // 8)[: -(-bits // 4)].encode()


@command("ACL DRYRUN", flags=_GUARDED, group="server", since="7.0.0", complexity="O(1)")
def acl_dryrun(ctx: Client, username: bytes, command: bytes, *args: bytes) -> Status | bytes:
    """ACL DRYRUN username command [arg [arg ...]]

    Answers whether a user may run a command, without running it.
    """
    user = ctx.engine[Acl].users.get(username)
    if user is None:
        raise CommandError(b"User '%b' not found" % as_printed(username))
    argv = [command, *args]
    try:
        entry = ctx.engine.find(argv)
    except CommandError:
        entry = None
    if entry is None:
        raise CommandError(b"Command '%b' not found" % as_printed(command))
    if not entry.takes(len(argv)):
        raise wrong_arity(entry.command.name)
    refusal = user.refusal(entry.command, argv)
    return OK if refusal is None else user.refusal_text(refusal, entry.command, argv, tells_all=True)


# The log


@command("ACL LOG", flags=_GUARDED, group="server", since="6.0.0", complexity="O(N) in the number of entries shown")
def acl_log(ctx: Client, *words: bytes) -> list[_Map] | Status:
    """ACL LOG [count | RESET]

    Answers what was refused, the latest first, or forgets it.
    """
    if len(words) > 1:
        raise subcommand_error(ctx.argv)
    entries = ctx.engine[AclLog].entries
    if words and words[0].upper() == b"RESET":
        entries.clear()
        return OK
    count = integer(words[0]) if words else _LOG_SHOWN
    now = ctx.engine.keyspace.now
    return [_entry(entry, now) for entry in entries[: max(count, 0)]]


def _entry(entry: Denial, now: int) -> _Map:
    return {
        b"count": entry.count,
        b"reason": entry.reason,
        b"context": entry.context,
        b"object": entry.object,
        b"username": entry.user,
        b"age-seconds": (now - entry.updated) / 1000,
        b"client-info": entry.client,
        b"entry-id": entry.id,
        b"timestamp-created": entry.created,
        b"timestamp-last-updated": entry.updated,
    }


@command("ACL HELP", flags=LOADING | STALE, group="server", since="6.0.0", complexity="O(1)")
def acl_help(ctx: Client) -> list[Status]:
    """ACL HELP

    Explains the subcommands.
    """
    return help_reply("ACL", _HELP)


_HELP = """
CAT [<category>]
    The categories of commands, or the commands of one.
DELUSER <username> [<username> ...]
    Delete users and disconnect their clients.
DRYRUN <username> <command> [<arg> ...]
    Whether a user may run a command, without running it.
GETUSER <username>
    The rules that make a user.
GENPASS [<bits>]
    A random password, of 256 bits unless told otherwise.
LIST
    All users, in the form of the ACL file.
LOAD
    Take the users from the ACL file.
LOG [<count>|RESET]
    What was refused of late; RESET forgets it.
SAVE
    Write the users into the ACL file.
SETUSER <username> <rule> [<rule> ...]
    Make or change a user.
USERS
    The names of all users.
WHOAMI
    The name of this connection's user.
"""
