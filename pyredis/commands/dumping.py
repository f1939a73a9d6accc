"""DUMP and RESTORE: a value as a payload of bytes, and back.

A payload is always checked in full, whatever `sanitize-dump-payload` says. RESTORE propagates with the absolute time;
one whose time has passed only deletes what it would have replaced, and propagates as that.
"""

from pyredis.datatypes.numeric import INT64_MAX
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer
from pyredis.engine.command_table.command import ASKING, DENYOOM, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, syntax_error
from pyredis.keyspace import events
from pyredis.keyspace.access import HIGHEST_FREQUENCY, Access
from pyredis.log_levels import VERBOSE
from pyredis.persistence.dataset import Dataset
from pyredis.protocol.replies import OK, Status
from pyredis.rdb.encoding import CorruptData
from pyredis.rdb.payload import WrongPayload, dump, restore

_SECOND = 1000


@command(
    "DUMP",
    flags=READONLY,
    group="generic",
    since="2.6.0",
    complexity="O(N) in the size of the value",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def dump_value(ctx: Client, key: bytes) -> bytes | None:
    """DUMP key

    Answers the value as a payload that RESTORE takes, here or on another server.
    """
    value = ctx.db.get(key)
    return None if value is None else dump(value)


class _Options:
    """What RESTORE's words say; times are in the units of the command."""

    __slots__ = ("absolute", "frequency", "idle", "replace")

    def __init__(self, words: tuple[bytes, ...]) -> None:
        self.replace = self.absolute = False
        self.idle: int | None = None
        self.frequency: int | None = None
        options = Arguments(words)
        while options:
            if options.flag(b"REPLACE"):
                self.replace = True
            elif options.flag(b"ABSTTL"):
                self.absolute = True
            elif self.frequency is None and options.flag(b"IDLETIME", 1):
                self.idle = options.integer()
                if self.idle < 0:
                    raise CommandError(b"Invalid IDLETIME value, must be >= 0")
            elif self.idle is None and options.flag(b"FREQ", 1):
                self.frequency = options.integer()
                if not 0 <= self.frequency <= HIGHEST_FREQUENCY:
                    raise CommandError(b"Invalid FREQ value, must be >= 0 and <= 255")
            else:
                raise syntax_error()


_NO_OPTIONS = _Options(())


@command(
    "RESTORE",
    flags=WRITE | DENYOOM,
    group="generic",
    since="2.6.0",
    complexity="O(N) in the size of the value, O(N*log(N)) for sorted sets",
    keys=[Keys(1, "OW update")],
    categories="dangerous",
)
def restore_value(ctx: Client, key: bytes, ttl: bytes, serialized_value: bytes, *words: bytes) -> Status:
    """RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]

    Stores the value that a payload of DUMP holds.
    """
    return _restore(ctx, b"RESTORE", key, ttl, serialized_value, words)


@command(
    "RESTORE-ASKING",
    flags=WRITE | DENYOOM | ASKING,
    group="server",
    since="3.0.0",
    complexity="O(N) in the size of the value, O(N*log(N)) for sorted sets",
    keys=[Keys(1, "OW update")],
    categories="dangerous keyspace",
)
def restore_asking(ctx: Client, key: bytes, ttl: bytes, serialized_value: bytes, *words: bytes) -> Status:
    """RESTORE-ASKING key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]

    RESTORE for MIGRATE, into a slot that is being imported.
    """
    return _restore(ctx, b"RESTORE-ASKING", key, ttl, serialized_value, words)


def _restore(ctx: Client, name: bytes, key: bytes, ttl: bytes, payload: bytes, words: tuple[bytes, ...]) -> Status:
    options = _Options(words) if words else _NO_OPTIONS
    db = ctx.db
    if not options.replace and key in db:
        raise CommandError(b"Target key name already exists.", b"BUSYKEY")
    when = integer(ttl)
    if when < 0:
        raise CommandError(b"Invalid TTL value, must be >= 0")
    try:
        value = restore(payload, ctx.engine.limits, verifying=ctx.engine[Dataset].verifying)
    except WrongPayload:
        raise CommandError(b"DUMP payload version or checksum are wrong")
    except CorruptData as fault:
        ctx.engine.log.log(VERBOSE, "Error in the payload of RESTORE %s", fault)
        raise CommandError(b"Bad data format")
    if when and not options.absolute:
        when += db.space.now
        ctx.rewritten = (name, key, b"%d" % when, payload, *words, b"ABSTTL")
    if when and not db.space.stores_past and (when <= db.space.now or when > INT64_MAX):
        ctx.rewritten = (b"UNLINK" if ctx.engine.config["lazyfree-lazy-server-del"] else b"DEL", key)
        db.remove(key)
        return OK
    db.place(key, value, when or None, events.RESTORE)
    if options.idle is not None or options.frequency is not None:
        ctx.engine[Access].restore(db, key, options.idle and options.idle * _SECOND, options.frequency)
    return OK
