"""MIGRATE: keys go to another server."""

import re
from collections.abc import Sequence

from pyredis.cluster.migrations import Migrations, Request
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer
from pyredis.engine.command_table.command import MOVABLEKEYS, WRITE, Keys, KeywordKeys, command
from pyredis.errors import CommandError, syntax_error
from pyredis.protocol.replies import NO_REPLY, NoReply, Status

_DEFAULT_TIMEOUT = 1000
_WORDS_AFTER = {b"AUTH": 1, b"AUTH2": 2}
_NO_WAIT = b"MIGRATE waits for its target, and neither a transaction nor a script can wait"
_WITH_KEYS = b"When using MIGRATE KEYS option, the key argument must be set to the empty string"


def _keys_begin(argv: Sequence[bytes]) -> int | None:
    """Where the keys of the option KEYS begin, if it is there and has some."""
    at = 6
    while at < len(argv) - 1:
        word = argv[at].upper()
        if word == b"KEYS":
            return at + 1
        at += 1 + _WORDS_AFTER.get(word, 0)
    return None


class _OneKey(Keys):
    """The key that stands by itself."""

    __slots__ = ()

    def positions(self, argv: Sequence[bytes]) -> range:
        """Third; it is none where there are others."""
        return super().positions(argv) if _keys_begin(argv) is None else range(0)


class _ManyKeys(KeywordKeys):
    """Those of the option KEYS, which is no password; who looks for the word alone may be mistaken."""

    __slots__ = ()

    def positions(self, argv: Sequence[bytes]) -> range:
        """All that follow, unless there is one that stands by itself, too."""
        begin = _keys_begin(argv)
        return range(0) if begin is None or argv[3] else range(begin, len(argv))


@command(
    "MIGRATE",
    flags=WRITE | MOVABLEKEYS,
    group="generic",
    since="2.6.0",
    complexity="O(N) in the size of the values",
    keys=[
        _OneKey(3, "RW access delete"),
        _ManyKeys("KEYS", -2, "RW access delete incomplete", last=-1),
    ],
    tips=["nondeterministic_output"],
    categories="dangerous",
)
def migrate(
    ctx: Client, host: bytes, port: bytes, key: bytes, destination_db: bytes, timeout: bytes, *words: bytes
) -> NoReply | Status:
    """MIGRATE host port <key | ""> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password] [KEYS key [key ...]]

    Sends keys to another server, and deletes those that it has taken. The timeout is in ms.
    """  # noqa: E501
    options, keys = _read(ctx, key, words)
    milliseconds, database = integer(timeout), integer(destination_db)
    found = [(name, value) for name in keys if (value := ctx.db.get(name)) is not None]
    if not found:
        return Status(b"NOKEY")
    if not ctx.may_wait:
        raise CommandError(_NO_WAIT)
    target = host.decode("utf-8", "surrogateescape"), _port(port)
    request = Request(target, database, milliseconds if milliseconds > 0 else _DEFAULT_TIMEOUT, *options)
    ctx.engine[Migrations].begin(ctx, request, found)
    return NO_REPLY


def _read(
    ctx: Client, key: bytes, words: tuple[bytes, ...]
) -> tuple[tuple[tuple[bytes, ...], bool, bool], list[bytes]]:
    """AUTH's words, COPY and REPLACE; and the keys."""
    options, copy, replace = Arguments(words), False, False
    credentials: tuple[bytes, ...] = ()
    while options:
        if options.flag(b"COPY"):
            copy = True
        elif options.flag(b"REPLACE"):
            replace = True
        elif options.flag(b"AUTH", 1):
            credentials = _secret(ctx, options, 1)
        elif options.flag(b"AUTH2", 2):
            credentials = _secret(ctx, options, 2)
        elif options.flag(b"KEYS"):
            if key:
                raise CommandError(_WITH_KEYS)
            return (credentials, copy, replace), list(options.rest())
        else:
            raise syntax_error()
    return (credentials, copy, replace), [key]


def _secret(ctx: Client, options: Arguments, count: int) -> tuple[bytes, ...]:
    """So many words that no log may show."""
    first = 6 + options.position
    ctx.redacted = (*ctx.redacted, *range(first, first + count))
    return tuple(options.word() for _ in range(count))


def _port(word: bytes) -> int:
    """As C reads a number: digits, up to where they end."""
    digits = re.match(rb"\s*[+-]?\d{1,9}", word)
    return int(digits.group()) if digits else 0
