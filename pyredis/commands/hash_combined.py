"""Commands that read, set or delete fields of hashes and their times in one step (Redis 8.0).

What propagates is told as in `hash_expiry`: moments are absolute, and what is past is deleted by name.
"""

from collections.abc import Sequence

from pyredis.commands.hash_expiry import SECOND, expire_now, fields_of, moment
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.numeric import parse_int
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import DENYOOM, FAST, WRITE, Keys, command
from pyredis.errors import CommandError, as_printed, wrong_arity
from pyredis.keyspace import events, hash_fields

_UNITS = {b"EX": (SECOND, True), b"PX": (1, True), b"EXAT": (SECOND, False), b"PXAT": (1, False)}
"""Options with a time: its unit in ms, and whether it counts from now."""


@command(
    "HGETEX",
    flags=WRITE | FAST,
    group="hash",
    since="8.0.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW access update", notes="RW and UPDATE because it changes the TTL")],
)
def hgetex(ctx: Client, key: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes) -> list[bytes | None]:
    """HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS <numfields field [field ...]>

    Answers the values of fields and sets or takes away their expiry.
    """  # noqa: E501
    db = ctx.db
    hash = db.take_as(key, Hash)
    given = (word, numfields, field, *words)
    option = word.upper()
    when: int | None = None
    if option in _UNITS:
        unit, relative = _UNITS[option]
        when = moment(numfields, unit, db.space.now if relative else 0, "hgetex")
        given = given[2:]
    elif option == b"PERSIST":
        given = given[1:]
    if len(given) < 2 and given[0].upper() == b"FIELDS":
        raise wrong_arity("hgetex")
    fields = fields_of(given)
    if hash is None:
        return [None] * len(fields)
    values = hash_fields.values(db, key, hash, fields)
    if not len(hash):
        return values
    if when is not None:
        repeat = (b"HPEXPIREAT", key, b"%d" % when, *given)
        if _set_times(ctx, key, hash, fields, when, repeat):
            left = dict(zip(fields, values, strict=True))
            values = [left.pop(field, None) for field in fields]  # named again, a deleted field is gone
    elif option == b"PERSIST":
        hash.with_deadlines()
        persisted = sum(map(hash.persist, fields))
        if persisted:
            db.changed(key, events.HPERSIST, persisted)
            ctx.rewritten = (b"HPERSIST", key, *given)
    return values


def _set_times(
    ctx: Client, key: bytes, hash: Hash, fields: Sequence[bytes], when: int, repeat: tuple[bytes, ...]
) -> bool:
    """Let those of the fields that are there expire at `when`, which `repeat` propagates; True: at once."""
    db = ctx.db
    hash.with_deadlines()
    found = [field for field in fields if field in hash.fields]
    if not found:
        return False
    if when <= db.space.now and not db.space.stores_past:
        found = list(dict.fromkeys(found))
        expire_now(ctx, key, hash, found)
        return True
    for field in found:
        hash.expire_at(field, when)
    db.fields_change(key, hash)
    db.changed(key, events.HEXPIRE, len(found))
    ctx.rewritten = repeat
    return False


@command(
    "HGETDEL",
    flags=WRITE | FAST,
    group="hash",
    since="8.0.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW access delete")],
)
def hgetdel(ctx: Client, key: bytes, word: bytes, numfields: bytes, field: bytes, *words: bytes) -> list[bytes | None]:
    """HGETDEL key FIELDS <numfields field [field ...]>

    Answers the values of fields and deletes them.
    """
    hash = ctx.db.take_as(key, Hash)
    fields = fields_of((word, numfields, field, *words))
    if hash is None:
        return [None] * len(fields)
    values = hash_fields.values(ctx.db, key, hash, fields)
    values = [
        value if value is not None and hash.remove(field) else None for field, value in zip(fields, values, strict=True)
    ]
    deleted = len(values) - values.count(None)
    if deleted:
        ctx.db.shrunk(key, hash, events.HDEL, deleted)
        ctx.rewritten = (b"HDEL", key, *fields)
    return values


class _SetOptions:
    """What HSETEX's words say; `at` is where the time stands among them."""

    __slots__ = ("at", "condition", "keep", "pairs", "when")

    def __init__(self, words: tuple[bytes, ...], now: int) -> None:
        self.condition = b""
        self.keep = False
        self.when: int | None = None
        self.at = 0
        self.pairs: tuple[bytes, ...] = ()
        options = Arguments(words)
        while not self.pairs:
            word = options.word()
            option = word.upper()
            if option == b"FIELDS":
                self._read_pairs(options)
            elif option in (b"FNX", b"FXX"):
                if self.condition:
                    raise CommandError(b"Only one of FXX or FNX arguments can be specified")
                self.condition = option
            elif option == b"KEEPTTL" or option in _UNITS:
                self._read_time(option, options, now)
            else:
                raise CommandError(b"unknown argument: %b" % as_printed(word))

    def _read_time(self, option: bytes, options: Arguments, now: int) -> None:
        if self.keep or self.when is not None:
            raise CommandError(b"Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified")
        if option == b"KEEPTTL":
            self.keep = True
            return
        unit, relative = _UNITS[option]
        self.at = options.position
        self.when = moment(options.word(), unit, now if relative else 0, "hsetex")

    def _read_pairs(self, options: Arguments) -> None:
        words = options.rest()
        if len(words) < 3:
            raise wrong_arity("hsetex")
        count = parse_int(words[0])
        if count is None or not 0 < count < 1 << 31:
            raise CommandError(b"invalid number of fields")
        if len(words) - 1 != 2 * count:
            raise wrong_arity("hsetex")
        self.pairs = words[1:]


@command(
    "HSETEX",
    flags=WRITE | DENYOOM | FAST,
    group="hash",
    since="8.0.0",
    complexity="O(N) in the number of fields",
    keys=[Keys(1, "RW update")],
)
def hsetex(ctx: Client, key: bytes, word: bytes, numfields: bytes, field: bytes, value: bytes, *words: bytes) -> int:
    """HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] FIELDS <numfields <field value [field value ...]>>

    Sets fields, if none or all of them are there, and their expiry; answers whether it did.
    """  # noqa: E501
    db = ctx.db
    given = (word, numfields, field, value, *words)
    options = _SetOptions(given, db.space.now)
    found = db.take_as(key, Hash)
    fields = options.pairs[::2]
    if options.condition and not _condition_holds(ctx, key, found, fields, options.condition):
        return 0
    hash = found if found is not None and len(found) else Hash()
    hash.put_many(options.pairs, ctx.engine.limits.hash, keep=options.keep)
    count = len(fields) if options.when is None else 0
    if hash is found:
        db.changed(key, events.HSET, count)
    else:
        db.put(key, hash, events.HSET, count)
    if options.when is not None:
        at = options.at
        repeat = (ctx.argv[0], key, *given[: at - 1], b"PXAT", b"%d" % options.when, *given[at + 1 :])
        if given[at - 1].upper() == b"PXAT":
            repeat = tuple(ctx.argv)
        _set_times(ctx, key, hash, fields, options.when, repeat)
    return 1


def _condition_holds(ctx: Client, key: bytes, hash: Hash | None, fields: Sequence[bytes], condition: bytes) -> bool:
    values = [None] * len(fields) if hash is None else hash_fields.values(ctx.db, key, hash, fields)
    return all((value is None) == (condition == b"FNX") for value in values)
