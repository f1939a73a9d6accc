"""DEBUG: what Redis's own tests and tools reach into a server with.

It runs only where `enable-debug-command` allows. Its subcommands are no rows of COMMAND in Redis either, so
they have a small table of their own: a function under its name, the signature being the number of arguments.
Subcommands that look into structures only the C server has are absent; those that tune them are accepted and
change nothing.
"""

from collections.abc import Callable
from typing import Any

from pyredis.config.words import quote_word
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.numeric import INT64_MAX, parse_float, parse_int
from pyredis.datatypes.set import Set
from pyredis.datatypes.table import Table
from pyredis.datatypes.text import encoding, plain
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer, integer_between
from pyredis.engine.command_table.command import ADMIN, LOADING, NOSCRIPT, STALE, command
from pyredis.engine.command_table.help import help_reply
from pyredis.engine.execution.blocking import Blocked, Blocking
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import NO_SUCH_KEY, CommandError, as_printed
from pyredis.keyspace import events
from pyredis.keyspace.access import Access
from pyredis.keyspace.active_expiry import ActiveExpiry
from pyredis.keyspace.database import StringValue
from pyredis.keyspace.digest import digest_of_dataset, digest_of_value
from pyredis.keyspace.kinds import encoding_name
from pyredis.persistence.append_log import AppendLog
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.dataset_loading import Loading, LoadingFailed
from pyredis.persistence.saving import Saving
from pyredis.protocol.replies import (
    NO_REPLY,
    OK,
    Attributed,
    BigNumber,
    ErrorReply,
    NoReply,
    PairMap,
    Push,
    Status,
    Unordered,
    Verbatim,
)
from pyredis.scripting.scripts import Scripts

_VARIADIC = 4  # inspect.CO_VARARGS

Handler = Callable[..., Any]
SUBCOMMANDS: dict[bytes, Handler] = {}
_POSITIVE = b"value is out of range, must be positive"
_NO_HASH_TABLE = b"The value stored at the specified key is not represented using an hash table"
_FORBIDDEN = (
    b'DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from '
    b"a local connection, otherwise you need to set this option in the configuration file, and then restart "
    b"the server."
)
_LOAD_FAILED = b"Error trying to load the AOF files, check server logs."
_WRONG_TYPE_NAME = (
    b"Wrong protocol type name. Please use one of the following: "
    b"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
)


@command(
    "DEBUG",
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="1.0.0",
    complexity="Depends on subcommand.",
)
def debug(ctx: Client, subcommand: bytes, *arguments: bytes) -> Any:
    """DEBUG

    Tests and tools look into the server and disturb it with this.
    """
    allowed = ctx.engine.config["enable-debug-command"]
    if allowed == "no" or (allowed == "local" and not ctx.is_local):
        raise CommandError(_FORBIDDEN)
    handler = SUBCOMMANDS.get(subcommand.upper())
    if handler is None or not _takes(handler, len(arguments)):
        raise _unknown(subcommand)
    return handler(ctx, *arguments)


def subcommand(name: bytes) -> Callable[[Handler], Handler]:
    """Enter the decorated function under `name`."""

    def declare(handler: Handler) -> Handler:
        SUBCOMMANDS[name] = handler
        return handler

    return declare


def _takes(handler: Handler, count: int) -> bool:
    code = handler.__code__
    most = code.co_argcount - 1
    return most - len(handler.__defaults__ or ()) <= count and (count <= most or bool(code.co_flags & _VARIADIC))


def _unknown(name: bytes) -> CommandError:
    return CommandError(
        b"unknown subcommand or wrong number of arguments for '%b'. Try DEBUG HELP." % as_printed(name, 128)
    )


def _is_on(word: bytes) -> bool:
    return parse_int(word) not in (None, 0)


# The server


@subcommand(b"SLEEP")
def sleep(ctx: Client, seconds: bytes) -> Status:
    """Stop the whole server for some seconds."""
    ctx.engine.clock.sleep(max(parse_float(seconds) or 0.0, 0.0))
    return OK


def _crash(ctx: Client, kind: str, *lines: str) -> None:
    if ctx.engine.crash is None:
        raise CommandError(b"The server is part of another program, which must not crash")
    ctx.engine.crash(kind, list(lines))


@subcommand(b"SEGFAULT")
def segfault(ctx: Client) -> None:
    """Crash as by a fault of memory."""
    _crash(ctx, "segfault")


@subcommand(b"PANIC")
def panic(ctx: Client) -> None:
    """Crash as where something cannot be."""
    _crash(ctx, "panic", *_guru(f"DEBUG PANIC called at Unix time {ctx.engine.clock.now_ms() // 1000}"))


@subcommand(b"OOM")
def out_of_memory(ctx: Client) -> None:
    """Crash as where there is no memory."""
    size = INT64_MAX
    told = f"Redis aborting for OUT OF MEMORY. Allocating {size} bytes!"
    _crash(ctx, "panic", f"Out Of Memory allocating {size} bytes!", *_guru(told))


@subcommand(b"ASSERT")
def assert_(ctx: Client) -> None:
    """Crash as where an assertion does not hold."""
    hides = ctx.engine.config["hide-user-data-from-log"]
    words = [b'"*redacted*"' if hides and at else quote_word(word) for at, word in enumerate(ctx.argv)]
    _crash(
        ctx,
        "assert",
        "=== ASSERTION FAILED CLIENT CONTEXT ===",
        f"client->conn = fd={ctx.sink.fd}",
        f"client->argc = {len(words)}",
        *(f"client->argv[{at}] = {word.decode()} (refcount: 1)" for at, word in enumerate(words)),
        "=== ASSERTION FAILED ===",
        "==> debugging.py '1 == 2' is not true",
    )


def _guru(text: str) -> list[str]:
    return [
        "-" * 48,
        "!!! Software Failure. Press left mouse button to continue",
        f"Guru Meditation: {text} #debugging.py",
    ]


@subcommand(b"SET-ACTIVE-EXPIRE")
def set_active_expire(ctx: Client, on: bytes) -> Status:
    """Whether expired keys go before anybody asks for them."""
    ctx.engine[ActiveExpiry].enabled = _is_on(on)
    return OK


@subcommand(b"SET-DISABLE-DENY-SCRIPTS")
def set_disable_deny_scripts(ctx: Client, on: bytes) -> Status:
    """Whether scripts may run what is marked `noscript`."""
    ctx.engine[Scripts].calls.denies = not _is_on(on)
    return OK


@subcommand(b"SET-SKIP-CHECKSUM-VALIDATION")
def set_skip_checksum_validation(ctx: Client, on: bytes) -> Status:
    """Whether payloads and files are taken whatever their checksums are."""
    ctx.engine[Dataset].verifying = not _is_on(on)
    return OK


@subcommand(b"PAUSE-CRON")
def pause_cron(ctx: Client, on: bytes) -> Status:
    """Stop periodic work, or go on with it."""
    ctx.engine.cron_paused = _is_on(on)
    return OK


@subcommand(b"CHANGE-REPL-ID")
def change_repl_id(ctx: Client) -> Status:
    """Take a new replication id."""
    ctx.engine.log.info("Changing replication IDs after receiving DEBUG change-repl-id")
    ctx.engine[Propagation].renew_id()
    ctx.engine[Propagation].forget_second_id()
    return OK


@subcommand(b"REPLICATE")
def replicate(ctx: Client, *words: bytes) -> Status:
    """Send a command to replicas and the log that is not executed here, whatever it is."""
    ctx.engine[Propagation].send(ctx.db.index, words)
    return OK


@subcommand(b"CONFIG-REWRITE-FORCE-ALL")
def config_rewrite_force_all(ctx: Client) -> Status:
    """CONFIG REWRITE, with the defaults too."""
    ctx.engine.config.rewrite(everything=True)
    return OK


@subcommand(b"RELOAD")
def reload(ctx: Client, *options: bytes) -> Status:
    """Save the dataset, drop it and load it again, unless told to leave one of these out."""
    asked = {option.upper() for option in options}
    if not asked <= {b"MERGE", b"NOFLUSH", b"NOSAVE"}:
        raise CommandError(b"DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    ctx.rewritten = ()  # who follows has what is loaded
    saving, loading = ctx.engine[Saving], ctx.engine[Loading]
    if b"NOSAVE" not in asked and not saving.save(as_backup=False):
        raise CommandError(b"")
    try:
        loading.run(loading.from_snapshot(saving.path, flushing=b"NOFLUSH" not in asked, merging=b"MERGE" in asked))
    except LoadingFailed:
        raise CommandError(b"Error trying to load the RDB dump, check server logs.")
    ctx.engine.log.info("DB reloaded by DEBUG RELOAD")
    return OK


@subcommand(b"LOADAOF")
def loadaof(ctx: Client) -> Status | Blocked:
    """Load the dataset anew from the append-only log."""
    engine, loading = ctx.engine, ctx.engine[Loading]
    ctx.rewritten = ()
    if not ctx.may_wait:
        try:
            loading.run(loading.from_log())
        except LoadingFailed:
            raise CommandError(_LOAD_FAILED)
        return OK
    outcome: list[Status | ErrorReply] = []

    def loaded(failure: LoadingFailed | None) -> None:
        outcome.append(OK if failure is None else ErrorReply(b"ERR " + _LOAD_FAILED))
        engine[Blocking].look_again()

    engine.host.soon(lambda: loading.begin(loading.from_log(), loaded))
    return Blocked((), (), 0, until=lambda: outcome[0] if outcome else None)


@subcommand(b"AOF-FLUSH-SLEEP")
def aof_flush_sleep(ctx: Client, microseconds: bytes) -> Status:
    """Let each write of the append-only log take so long."""
    ctx.engine[AppendLog].pause_us = max(integer(microseconds), 0)
    return OK


# The keyspace


@subcommand(b"OBJECT")
def object_(ctx: Client, key: bytes) -> Status:
    """How a key's value is kept."""
    value = _value(ctx, key)
    access = ctx.engine[Access]
    idle = 0 if access.counts_frequency else access.idle_ms(ctx.db, key)
    return Status(
        b"Value at:%#x refcount:1 encoding:%b serializedlength:%d lru:%d lru_seconds_idle:%d"
        % (
            id(value),
            encoding_name(value),
            _serialized_length(value),
            (ctx.db.space.now - idle) // 1000 & 0xFFFFFF,
            idle // 1000,
        )
    )


def _value(ctx: Client, key: bytes) -> Any:
    """The value, expired or not."""
    value = ctx.db.table.get(key)
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    return value


def _serialized_length(value: Any) -> int:
    """Bytes of a string in an RDB file, uncompressed."""
    if not isinstance(value, StringValue):
        return len(value)
    text = plain(value)
    number = parse_int(text)
    if number is not None and -(1 << 31) <= number < 1 << 31:
        return 2 if -128 <= number < 128 else 3 if -32768 <= number < 32768 else 5
    return len(text) + (1 if len(text) < 64 else 2 if len(text) < 16384 else 5)


@subcommand(b"LISTPACK")
def listpack(ctx: Client, key: bytes) -> Status:
    """What the C server prints of a listpack; here it is only said whether the value would be one."""
    if not encoding_name(_value(ctx, key)).startswith(b"listpack"):
        raise CommandError(b"Not a listpack encoded object.")
    return Status(b"Listpack structure printed on stdout")


@subcommand(b"DIGEST")
def digest(ctx: Client) -> Status:
    """A digest of all data: equal on servers that hold the same."""
    return Status(digest_of_dataset(ctx.engine.keyspace))


@subcommand(b"DIGEST-VALUE")
def digest_value(ctx: Client, *keys: bytes) -> list[Status]:
    """Digests of the values at some keys."""
    return [Status(digest_of_value(ctx.db, key)) for key in keys]


@subcommand(b"SDSLEN")
def sdslen(ctx: Client, key: bytes) -> Status:
    """Lengths of a key and its string."""
    value = _value(ctx, key)
    if not isinstance(value, bytes | bytearray) or encoding(value) == b"int":
        raise CommandError(b"Not an sds encoded string.")
    return Status(
        b"key_sds_len:%d, key_sds_avail:0, key_zmalloc: %d, val_sds_len:%d, val_sds_avail:0, val_zmalloc: %d"
        % (len(key), key.__sizeof__(), len(value), value.__sizeof__())
    )


@subcommand(b"HTSTATS")
def htstats(ctx: Client, index: bytes, full: bytes = b"") -> Verbatim:
    """Sizes of a database's tables."""
    number = integer(index)
    databases = ctx.engine.keyspace.databases
    if not 0 <= number < len(databases):
        raise CommandError(b"Out of range database")
    db = databases[number]
    tables: list[tuple[bytes, Table[Any]]] = [(b"Dictionary", db.table), (b"Expires", db.expires)]
    return Verbatim(b"".join(b"[%b HT]\n%b" % (name, _table_stats(table)) for name, table in tables))


def _table_stats(table: Table[Any]) -> bytes:
    if not len(table):
        return b""
    size = 1 << max(2, (len(table) - 1).bit_length())
    return b"Hash table 0 stats (main hash table):\n table size: %d\n number of elements: %d\n" % (
        size,
        len(table),
    )


@subcommand(b"HTSTATS-KEY")
def htstats_key(ctx: Client, key: bytes, full: bytes = b"") -> Verbatim:
    """Sizes of the table that holds a large hash or set."""
    value = _value(ctx, key)
    table = value.fields if isinstance(value, Hash) else value.members if isinstance(value, Set) else None
    if not isinstance(table, Table):
        raise CommandError(_NO_HASH_TABLE)
    return Verbatim(_table_stats(table))


@subcommand(b"POPULATE")
def populate(ctx: Client, count: bytes, prefix: bytes = b"key", size: bytes = b"0") -> Status:
    """Create many strings, which neither propagates nor counts as a change."""
    keys = integer_between(count, 0, INT64_MAX, _POSITIVE)
    length = integer_between(size, 0, INT64_MAX, _POSITIVE)
    db = ctx.db
    before = db.dirty
    for at in range(keys):
        key = b"%b:%d" % (prefix, at)
        if key not in db:
            value = b"value:%d" % at
            db.set(key, value[:length].ljust(length, b"\0") if length else value, events.SET)
    db.dirty = before
    return OK


# Replies


@subcommand(b"PROTOCOL")
def protocol(ctx: Client, type: bytes) -> Any:
    """A reply of each type."""
    name = type.lower()
    if name == b"push":
        return _push(ctx)
    if name not in _REPLIES:
        raise CommandError(_WRONG_TYPE_NAME)
    return _REPLIES[name]


_REPLIES: dict[bytes, Any] = {
    b"string": b"Hello World",
    b"integer": 12345,
    b"double": 3.141,
    b"bignum": BigNumber(b"1234567999999999999999999999999999999"),
    b"null": None,
    b"array": [0, 1, 2],
    b"set": Unordered([0, 1, 2]),
    b"map": PairMap([(0, False), (1, True), (2, False)]),
    b"attrib": Attributed({b"key-popularity": [b"key:123", 90]}, b"Some real reply following the attribute"),
    b"verbatim": Verbatim(b"This is a verbatim\nstring"),
    b"true": True,
    b"false": False,
}


def _push(ctx: Client) -> NoReply:
    """A reply, and a push message behind it."""
    if ctx.resp < 3:
        raise CommandError(b"RESP2 is not supported by this command")
    ctx.reply(b"Some real reply following the push reply")
    ctx.reply(Push([b"server-cpu-usage", 42]))
    return NO_REPLY


@subcommand(b"ERROR")
def error(ctx: Client, text: bytes) -> ErrorReply:
    """An error of any text, without line breaks."""
    return ErrorReply(text.replace(b"\r", b" ").replace(b"\n", b" "))


@subcommand(b"LOG")
def log_(ctx: Client, message: bytes) -> Status:
    """A line in the server's log."""
    ctx.engine.log.warning("DEBUG LOG: %s", message.decode("utf-8", "replace"))
    return OK


# What tunes something that does not exist here


@subcommand(b"REPLYBUFFER")
def replybuffer(ctx: Client, what: bytes, value: bytes) -> Status:
    """Reply buffers are never resized."""
    if what.upper() == b"PEAK-RESET-TIME":
        if value.upper() not in (b"NEVER", b"RESET"):
            integer(value)
    elif what.upper() != b"RESIZING":
        raise _unknown(ctx.argv[1])
    return OK


def _accepted(ctx: Client, value: bytes) -> Status:
    return OK


for _name in (
    b"DICT-RESIZING",
    b"QUICKLIST-PACKED-THRESHOLD",
    b"LEAK",
):
    SUBCOMMANDS[_name] = _accepted


@subcommand(b"HELP")
def help(ctx: Client) -> list[Status]:
    """Explains the subcommands."""
    return help_reply("DEBUG", _HELP)


_HELP = """
ASSERT
    Crash by an assertion that fails.
AOF-FLUSH-SLEEP <microseconds>
    Let each write of the append-only log take so long.
CHANGE-REPL-ID
    Take a new replication id.
CONFIG-REWRITE-FORCE-ALL
    CONFIG REWRITE that also writes what is the default.
DICT-RESIZING <0|1>
    Accepted; tables need no switch here.
DIGEST
    A digest of all data.
DIGEST-VALUE <key> [<key> ...]
    Digests of the values at some keys.
ERROR <string>
    Answer with this error.
HTSTATS <dbid> [full]
    Sizes of a database's tables.
LOADAOF
    Load the dataset anew from the append-only log.
LOG <message>
    Write a line to the log.
OBJECT <key>
    How a value is kept.
OOM
    Crash as where there is no memory.
PANIC
    Crash as where something cannot be.
PAUSE-CRON <0|1>
    Stop periodic work, or go on.
POPULATE <count> [<prefix>] [<size>]
    Create strings <prefix>:<n>.
PROTOCOL <type>
    Answer with a value of a type: string, integer, double, bignum, null, array, set, map, attrib,
    push, verbatim, true, false.
REPLYBUFFER <PEAK-RESET-TIME <NEVER|RESET|time>|RESIZING <0|1>>
    Accepted; reply buffers are not resized here.
RELOAD [MERGE] [NOFLUSH] [NOSAVE]
    Save, drop and load the dataset.
SDSLEN <key>
    Lengths of a key and its string.
SEGFAULT
    Crash by a fault of memory.
SET-ACTIVE-EXPIRE <0|1>
    Whether expired keys are deleted before they are asked for.
SET-DISABLE-DENY-SCRIPTS <0|1>
    Accepted.
SET-SKIP-CHECKSUM-VALIDATION <0|1>
    Whether payloads and files are taken whatever their checksums are.
SLEEP <seconds>
    Stop the whole server for a while.
"""
