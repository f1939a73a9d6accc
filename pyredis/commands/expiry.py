"""Expiry: when keys go, set, asked for and taken away.

Every form propagates as PEXPIREAT with the moment; one that has passed deletes at once, and that propagates.
"""

from pyredis.datatypes.numeric import INT64_MAX, INT64_MIN
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer
from pyredis.engine.command_table.command import FAST, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, as_printed, invalid_expire
from pyredis.keyspace.database import Database

_SECOND = 1000
_NO_KEY, _NO_EXPIRY = -2, -1


class Condition:
    """NX, XX, GT and LT: whether a new expiry may take the place of the one there is."""

    __slots__ = ("gt", "lt", "nx", "xx")

    def __init__(self, words: tuple[bytes, ...]) -> None:
        self.nx = self.xx = self.gt = self.lt = False
        options = Arguments(words)
        while options:
            if options.flag(b"NX"):
                self.nx = True
            elif options.flag(b"XX"):
                self.xx = True
            elif options.flag(b"GT"):
                self.gt = True
            elif options.flag(b"LT"):
                self.lt = True
            else:
                raise CommandError(b"Unsupported option %b" % as_printed(options.word()))
        if self.nx and (self.xx or self.gt or self.lt):
            raise CommandError(b"NX and XX, GT or LT options at the same time are not compatible")
        if self.gt and self.lt:
            raise CommandError(b"GT and LT options at the same time are not compatible")

    def allows(self, when: int, present: int | None) -> bool:
        """Whether `when` may follow `present`; no expiry is later than any moment."""
        if present is None:
            return not (self.xx or self.gt)
        return not (self.nx or (self.gt and when <= present) or (self.lt and when >= present))


def moment(name: str, word: bytes, unit: int, start: int) -> int:
    """The moment `word` says in `unit` ms from `start`, ms since 1970. Raises Rfor overflow."""
    number = integer(word) * unit
    if not INT64_MIN <= number <= INT64_MAX - start:
        raise invalid_expire(name)
    return number + start


def _expire(
    ctx: Client, name: str, key: bytes, word: bytes, options: tuple[bytes, ...], unit: int, *, relative: bool
) -> int:
    """All four commands: 1 when the expiry was set or the key deleted."""
    db = ctx.db
    condition = Condition(options) if options else None
    when = moment(name, word, unit, db.space.now if relative else 0)
    if db.take(key) is None:
        return 0
    if condition is not None and not condition.allows(when, db.expire_time(key)):
        return 0
    if when <= db.space.now and not db.space.stores_past:
        db.remove(key)
        ctx.rewritten = (b"UNLINK" if ctx.engine.config["lazyfree-lazy-expire"] else b"DEL", key)
    else:
        db.expire_at(key, when)
        if relative or unit != 1:
            ctx.rewritten = (b"PEXPIREAT", key, b"%d" % when, *options)
    return 1


@command(
    "EXPIRE",
    flags=WRITE | FAST,
    group="generic",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW update")],
)
def expire(ctx: Client, key: bytes, seconds: bytes, *options: bytes) -> int:
    """EXPIRE key seconds [NX | XX | GT | LT]

    Lets a key expire after some seconds.
    """
    return _expire(ctx, "expire", key, seconds, options, _SECOND, relative=True)


@command(
    "PEXPIRE",
    flags=WRITE | FAST,
    group="generic",
    since="2.6.0",
    complexity="O(1)",
    keys=[Keys(1, "RW update")],
)
def pexpire(ctx: Client, key: bytes, milliseconds: bytes, *options: bytes) -> int:
    """PEXPIRE key milliseconds [NX | XX | GT | LT]

    Lets a key expire after some milliseconds.
    """
    return _expire(ctx, "pexpire", key, milliseconds, options, 1, relative=True)


@command(
    "EXPIREAT",
    flags=WRITE | FAST,
    group="generic",
    since="1.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW update")],
)
def expireat(ctx: Client, key: bytes, moment: bytes, *options: bytes) -> int:
    """EXPIREAT key unix-time-seconds [NX | XX | GT | LT]

    Lets a key expire at a moment in seconds.
    """
    return _expire(ctx, "expireat", key, moment, options, _SECOND, relative=False)


@command(
    "PEXPIREAT",
    flags=WRITE | FAST,
    group="generic",
    since="2.6.0",
    complexity="O(1)",
    keys=[Keys(1, "RW update")],
)
def pexpireat(ctx: Client, key: bytes, moment: bytes, *options: bytes) -> int:
    """PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]

    Lets a key expire at a moment in milliseconds.
    """
    return _expire(ctx, "pexpireat", key, moment, options, 1, relative=False)


def _expire_time(db: Database, key: bytes) -> int:
    """When the key expires, ms since 1970; -1 for never, -2 for no such key."""
    if db.look(key) is None:
        return _NO_KEY
    when = db.expire_time(key)
    return _NO_EXPIRY if when is None else max(when, 0)


def _left(db: Database, key: bytes) -> int:
    """How long the key lives, ms; -1 for ever, -2 for no such key."""
    when = _expire_time(db, key)
    return when if when < 0 else max(when - db.space.now, 0)


def _in_seconds(ms: int) -> int:
    """Rounded; the special answers stay."""
    return ms if ms < 0 else (ms + _SECOND // 2) // _SECOND


@command(
    "TTL",
    flags=READONLY | FAST,
    group="generic",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def ttl(ctx: Client, key: bytes) -> int:
    """TTL key

    Answers in how many seconds a key expires.
    """
    return _in_seconds(_left(ctx.db, key))


@command(
    "PTTL",
    flags=READONLY | FAST,
    group="generic",
    since="2.6.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def pttl(ctx: Client, key: bytes) -> int:
    """PTTL key

    Answers in how many milliseconds a key expires.
    """
    return _left(ctx.db, key)


@command(
    "EXPIRETIME",
    flags=READONLY | FAST,
    group="generic",
    since="7.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
)
def expiretime(ctx: Client, key: bytes) -> int:
    """EXPIRETIME key

    Answers the moment a key expires at, in seconds.
    """
    return _in_seconds(_expire_time(ctx.db, key))


@command(
    "PEXPIRETIME",
    flags=READONLY | FAST,
    group="generic",
    since="7.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
)
def pexpiretime(ctx: Client, key: bytes) -> int:
    """PEXPIRETIME key

    Answers the moment a key expires at, in milliseconds.
    """
    return _expire_time(ctx.db, key)


@command(
    "PERSIST",
    flags=WRITE | FAST,
    group="generic",
    since="2.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW update")],
)
def persist(ctx: Client, key: bytes) -> int:
    """PERSIST key

    Lets a key live for ever.
    """
    return int(ctx.db.take(key) is not None and ctx.db.persist(key))
