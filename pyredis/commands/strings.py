"""Whole strings: SET and GET with their older variants, and several keys at once.

What expires propagates with its absolute time (`PXAT`) if that was not given, what answers the old value without `GET`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pyredis.datatypes.numeric import INT64_MAX
from pyredis.datatypes.text import plain
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import invalid_expire, syntax_error, wrong_arity
from pyredis.keyspace import events
from pyredis.keyspace.database import STRING_TYPES
from pyredis.protocol.replies import OK, Status

_SECOND = 1000
_EXPIRY_OPTIONS = {b"EX": (_SECOND, True), b"PX": (1, True), b"EXAT": (_SECOND, False), b"PXAT": (1, False)}
"""Options with a time: its unit in ms, and whether it counts from now."""


class Expiry(NamedTuple):
    """An expiry as given: one of EX, PX, EXAT, PXAT and its argument, judged only when it is needed."""

    option: bytes
    word: bytes

    @property
    def is_absolute(self) -> bool:
        """Whether it names a moment and not a span."""
        return not _EXPIRY_OPTIONS[self.option][1]

    def resolve(self, name: str, now: int) -> int:
        """The moment, ms since 1970. Raises Redis's error in the name of the command."""
        unit, relative = _EXPIRY_OPTIONS[self.option]
        number = integer(self.word)
        when = number * unit + (now if relative else 0)
        if number <= 0 or when > INT64_MAX:
            raise invalid_expire(name)
        return when


def read_expiry(word: bytes, options: Arguments, before: Expiry | None) -> Expiry:
    """The expiry that the option `word` begins; it may repeat, not contradict. Raises a syntax error."""
    if word not in _EXPIRY_OPTIONS or (before is not None and before.option != word):
        raise syntax_error()
    return Expiry(word, options.word())


def _store(ctx: Client, key: bytes, value: bytes, when: int | None, *, as_given: bool = False) -> None:
    """Store a value that expires at `when`, or not; `as_given`: the command already says when."""
    ctx.db.set(key, value, events.SET)
    if when is not None:
        ctx.db.expire_at(key, when, None)
        ctx.db.changed(key, events.EXPIRE, 0)  # an event of its own, but one change with the SET
    if when is not None and not as_given:
        ctx.rewritten = (b"SET", key, value, b"PXAT", b"%d" % when)


class _SetOptions:
    """What SET's words say."""

    __slots__ = ("expiry", "get", "keep", "nx", "xx")

    def __init__(self, words: tuple[bytes, ...]) -> None:
        self.nx = self.xx = self.get = self.keep = False
        self.expiry: Expiry | None = None
        options = Arguments(words)
        while options:
            word = options.word().upper()
            if word == b"NX" and not self.xx:
                self.nx = True
            elif word == b"XX" and not self.nx:
                self.xx = True
            elif word == b"GET":
                self.get = True
            elif word == b"KEEPTTL" and self.expiry is None:
                self.keep = True
            elif not self.keep:
                self.expiry = read_expiry(word, options, self.expiry)
            else:
                raise syntax_error()


def _set_key_flags(argv: Sequence[bytes]) -> str:
    """SET only reads its key's old value with GET."""
    return "RW access update" if any(word.upper() == b"GET" for word in argv[3:]) else "OW update"


@command(
    "SET",
    flags=WRITE | DENYOOM,
    group="string",
    since="1.0.0",
    complexity="O(1)",
    keys=[
        Keys(
            1,
            "RW access update variable_flags",
            notes="RW and ACCESS due to the optional `GET` argument",
            actual=_set_key_flags,
        )
    ],
)
def set(ctx: Client, key: bytes, value: bytes, *words: bytes) -> Status | bytes | None:
    """SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]

    Stores a string at a key, whatever was there.
    """  # noqa: E501
    db = ctx.db
    if not words:
        db.set(key, value, events.SET)
        return OK
    options = _SetOptions(words)
    when = options.expiry.resolve("set", db.space.now) if options.expiry else None
    answer: Status | bytes | None = OK
    found = False
    if options.get:
        before = db.string(key)
        found = before is not None
        answer = None if before is None else plain(before)
    elif options.nx or options.xx:
        found = (db.peek if options.xx else db.take)(key) is not None  # with XX, what follows is the access
    if found if options.nx else options.xx and not found:
        return answer if options.get else None
    if options.keep:
        db.put(key, value, events.SET)
    else:
        _store(ctx, key, value, when, as_given=options.expiry is not None and options.expiry.option == b"PXAT")
    if options.get and when is None:
        ctx.rewritten = (b"SET", key, value, *(word for word in words if word.upper() != b"GET"))
    return answer


@command(
    "GET",
    flags=READONLY | FAST,
    group="string",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
)
def get(ctx: Client, key: bytes) -> bytes | None:
    """GET key

    Answers the string at a key.
    """
    value = ctx.db.string(key)
    return value if value.__class__ is bytes or value is None else plain(value)


@command(
    "SETNX",
    flags=WRITE | DENYOOM | FAST,
    group="string",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "OW insert")],
    deprecated=("2.6.12", "`SET` with the `NX` argument"),
)
def setnx(ctx: Client, key: bytes, value: bytes) -> int:
    """SETNX key value

    Stores a string unless the key exists.
    """
    if ctx.db.take(key) is not None:
        return 0
    ctx.db.set(key, value, events.SET)
    return 1


@command(
    "SETEX",
    flags=WRITE | DENYOOM,
    group="string",
    since="2.0.0",
    complexity="O(1)",
    keys=[Keys(1, "OW update")],
    deprecated=("2.6.12", "`SET` with the `EX` argument"),
)
def setex(ctx: Client, key: bytes, seconds: bytes, value: bytes) -> Status:
    """SETEX key seconds value

    Stores a string that expires after some seconds.
    """
    _store(ctx, key, value, Expiry(b"EX", seconds).resolve("setex", ctx.db.space.now))
    return OK


@command(
    "PSETEX",
    flags=WRITE | DENYOOM,
    group="string",
    since="2.6.0",
    complexity="O(1)",
    keys=[Keys(1, "OW update")],
    deprecated=("2.6.12", "`SET` with the `PX` argument"),
)
def psetex(ctx: Client, key: bytes, milliseconds: bytes, value: bytes) -> Status:
    """PSETEX key milliseconds value

    Stores a string that expires after some milliseconds.
    """
    _store(ctx, key, value, Expiry(b"PX", milliseconds).resolve("psetex", ctx.db.space.now))
    return OK


@command(
    "GETSET",
    flags=WRITE | DENYOOM | FAST,
    group="string",
    since="1.0.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access update")],
    deprecated=("6.2.0", "`SET` with the `!GET` argument"),
)
def getset(ctx: Client, key: bytes, value: bytes) -> bytes | None:
    """GETSET key value

    Stores a string and answers the one that was there.
    """
    before = ctx.db.string(key)
    answer = None if before is None else plain(before)
    ctx.db.set(key, value, events.SET)
    ctx.rewritten = (b"SET", key, value)
    return answer


@command(
    "GETDEL",
    flags=WRITE | FAST,
    group="string",
    since="6.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access delete")],
)
def getdel(ctx: Client, key: bytes) -> bytes | None:
    """GETDEL key

    Answers the string at a key and deletes it.
    """
    value = ctx.db.string(key)
    if value is None:
        return None
    ctx.db.remove(key)
    ctx.rewritten = (b"DEL", key)
    return plain(value)


@command(
    "GETEX",
    flags=WRITE | FAST,
    group="string",
    since="6.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RW access update", notes="RW and UPDATE because it changes the TTL")],
)
def getex(ctx: Client, key: bytes, *words: bytes) -> bytes | None:
    """GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]

    Answers the string at a key and sets or takes away its expiry.
    """
    persist, expiry = _getex_options(words)
    value = ctx.db.string(key)
    if value is None:
        return None
    if expiry is not None:
        _change_expiry(ctx, key, expiry)
    elif persist and ctx.db.persist(key):
        ctx.rewritten = (b"PERSIST", key)
    return plain(value)


def _getex_options(words: tuple[bytes, ...]) -> tuple[bool, Expiry | None]:
    persist = False
    expiry: Expiry | None = None
    options = Arguments(words)
    while options:
        word = options.word().upper()
        if word == b"PERSIST" and expiry is None:
            persist = True
        elif not persist:
            expiry = read_expiry(word, options, expiry)
        else:
            raise syntax_error()
    return persist, expiry


def _change_expiry(ctx: Client, key: bytes, expiry: Expiry) -> None:
    """Let the key expire; at once if its moment has passed."""
    db = ctx.db
    when = expiry.resolve("getex", db.space.now)
    if expiry.is_absolute and when <= db.space.now:
        db.remove(key)
        ctx.rewritten = (b"UNLINK" if ctx.engine.config["lazyfree-lazy-expire"] else b"DEL", key)
    else:
        db.expire_at(key, when)
        ctx.rewritten = (b"PEXPIREAT", key, b"%d" % when)


@command(
    "MGET",
    flags=READONLY | FAST,
    group="string",
    since="1.0.0",
    complexity="O(N) in the number of keys",
    keys=[Keys(1, "RO access", last=-1)],
    tips=["request_policy:multi_shard"],
)
def mget(ctx: Client, key: bytes, *keys: bytes) -> list[bytes | None]:
    """MGET key [key ...]

    Answers the strings at several keys; null where there is none.
    """
    values = ctx.db.get_many((key, *keys))
    return [value if value.__class__ is bytes or value is None else _string_or_none(value) for value in values]


def _string_or_none(value: Any) -> bytes | None:
    kind = type(value)
    return plain(value) if kind in STRING_TYPES else None


@command(
    "MSET",
    flags=WRITE | DENYOOM,
    group="string",
    since="1.0.1",
    complexity="O(N) in the number of keys",
    keys=[Keys(1, "OW update", last=-1, step=2)],
    tips=["request_policy:multi_shard", "response_policy:all_succeeded"],
)
def mset(ctx: Client, key: bytes, value: bytes, *words: bytes) -> Status:
    """MSET key value [key value ...]

    Stores several strings.
    """
    if len(words) % 2:
        raise wrong_arity("mset")
    ctx.db.set_pairs((key, value, *words), events.SET)
    return OK


@command(
    "MSETNX",
    flags=WRITE | DENYOOM,
    group="string",
    since="1.0.1",
    complexity="O(N) in the number of keys",
    keys=[Keys(1, "OW insert", last=-1, step=2)],
)
def msetnx(ctx: Client, key: bytes, value: bytes, *words: bytes) -> int:
    """MSETNX key value [key value ...]

    Stores several strings unless one of the keys exists.
    """
    if len(words) % 2:
        raise wrong_arity("msetnx")
    if any(ctx.db.take(one) is not None for one in (key, *words[::2])):
        return 0
    ctx.db.set_pairs((key, value, *words), events.SET)
    return 1
