"""HyperLogLogs: estimates of how many different elements were added.

They are strings: what is stored is raw from the first look on, as in Redis, where every command makes the string its
own. An estimate is kept in the string, so PFCOUNT of one key is a write as seen by WATCH, replicas and the AOF.
"""

from math import ceil

from pyredis.datatypes import hyperloglog
from pyredis.datatypes.hyperloglog import Corrupt
from pyredis.datatypes.text import buffer
from pyredis.engine.client import Client
from pyredis.engine.command_table.command import ADMIN, DENYOOM, FAST, MAY_REPLICATE, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, as_printed
from pyredis.keyspace import events
from pyredis.protocol.replies import OK, Status

_NO_SKETCH = b"Key is not a valid HyperLogLog string value."
_SELF_TEST_SIZE = 10_000
_SELF_TEST_ERROR = 6 * 0.0081  # six standard deviations


def _corrupted() -> CommandError:
    return CommandError(b"Corrupted HLL object detected", b"INVALIDOBJ")


def _checked(value: bytes | bytearray | int | None) -> bytes | bytearray | None:
    """A string value as a sketch, None for a missing key. Raises Redis's error for any other string."""
    if value is None:
        return None
    if isinstance(value, int) or not hyperloglog.is_valid(value):
        raise CommandError(_NO_SKETCH, b"WRONGTYPE")
    return value


def _own(ctx: Client, key: bytes, value: bytes | bytearray) -> bytearray:
    """The sketch at a key in a form that can be changed in place."""
    sketch = buffer(value)
    if sketch is not value:
        ctx.db.reshape(key, sketch)
    return sketch


@command(
    "PFADD",
    flags=WRITE | DENYOOM | FAST,
    group="hyperloglog",
    since="2.8.9",
    complexity="O(1) for each element",
    keys=[Keys(1, "RW insert")],
)
def pfadd(ctx: Client, key: bytes, *elements: bytes) -> int:
    """PFADD key [element [element ...]]

    Adds elements to a HyperLogLog; answers whether that changed it.
    """
    db = ctx.db
    found = _checked(db.take_string(key))
    sketch = hyperloglog.new() if found is None else _own(ctx, key, found)
    most = ctx.engine.config["hll-sparse-max-bytes"]
    try:
        changes = sum([hyperloglog.add(sketch, element, most) for element in elements])
    except Corrupt:
        raise _corrupted()
    if found is None:
        changes += 1
    elif not changes:
        return 0
    hyperloglog.invalidate(sketch)
    db.put(key, sketch, events.PFADD, changes)
    return 1


@command(
    "PFCOUNT",
    flags=READONLY | MAY_REPLICATE,
    group="hyperloglog",
    since="2.8.9",
    complexity="O(1) for one key, with a kept estimate; O(N) in the number of several keys",
    keys=[
        Keys(
            1,
            "RW access",
            last=-1,
            notes="RW because it may change the internal representation of the key, and propagate to replicas",
        )
    ],
)
def pfcount(ctx: Client, key: bytes, *keys: bytes) -> int:
    """PFCOUNT key [key ...]

    Estimates how many different elements were added to a HyperLogLog, or to several together.
    """
    try:
        if keys:
            return hyperloglog.estimate(_union(ctx, (key, *keys))[0])
        found = _checked(ctx.db.string(key))
        if found is None:
            return 0
        sketch = _own(ctx, key, found)
        estimate = hyperloglog.cached(sketch)
        if estimate is None:
            estimate = hyperloglog.count(sketch)
            ctx.db.changed(key, events.PFCOUNT)
        return estimate
    except Corrupt:
        raise _corrupted()


def _union(ctx: Client, keys: tuple[bytes, ...]) -> tuple[bytes, bool]:
    """The registers of all sketches together, and whether one of them is dense. Raises Corrupt."""
    registers, dense = bytes(hyperloglog.REGISTERS), False
    for key in keys:
        found = _checked(ctx.db.string(key))
        if found is not None:
            registers = hyperloglog.greatest(registers, hyperloglog.registers_of(found))
            dense = dense or hyperloglog.is_dense(found)
    return registers, dense


@command(
    "PFMERGE",
    flags=WRITE | DENYOOM,
    group="hyperloglog",
    since="2.8.9",
    complexity="O(N) in the number of HyperLogLogs",
    keys=[Keys(1, "RW access insert"), Keys(2, "RO access", last=-1)],
)
def pfmerge(ctx: Client, destkey: bytes, *sourcekeys: bytes) -> Status:
    """PFMERGE destkey [sourcekey [sourcekey ...]]

    Makes the first HyperLogLog the union of all.
    """
    db = ctx.db
    try:
        registers, dense = _union(ctx, (destkey, *sourcekeys))
        found = _checked(db.take_string(destkey))
        sketch = hyperloglog.new() if found is None else _own(ctx, destkey, found)
        if dense and not hyperloglog.is_dense(sketch):
            hyperloglog.to_dense(sketch)
        hyperloglog.merge_into(sketch, registers, ctx.engine.config["hll-sparse-max-bytes"])
    except Corrupt:
        raise _corrupted()
    db.put(destkey, sketch, events.PFADD)
    return OK


# For tests of the structure itself


@command(
    "PFDEBUG",
    flags=WRITE | DENYOOM | ADMIN,
    group="hyperloglog",
    since="2.8.9",
    complexity="O(1)",
    keys=[Keys(2, "RW access")],
)
def pfdebug(ctx: Client, subcommand: bytes, key: bytes) -> object:
    """PFDEBUG subcommand key

    Looks into a HyperLogLog: GETREG, DECODE, ENCODING, TODENSE. SIMD ON | OFF changes nothing here.
    """
    name = subcommand.upper()
    if name == b"SIMD":
        return _simd(key)
    found = _checked(ctx.db.take_string(key))
    if found is None:
        raise CommandError(b"The specified key does not exist")
    sketch = _own(ctx, key, found)
    if name == b"GETREG":
        _make_dense(ctx, sketch)
        return list(hyperloglog.registers_of(sketch))
    if name == b"TODENSE":
        return int(_make_dense(ctx, sketch))
    if name == b"ENCODING":
        return Status(b"dense" if hyperloglog.is_dense(sketch) else b"sparse")
    if name != b"DECODE":
        raise CommandError(b"Unknown PFDEBUG subcommand '%b'" % as_printed(subcommand))
    if hyperloglog.is_dense(sketch):
        raise CommandError(b"HLL encoding is not sparse")
    return hyperloglog.describe(sketch)


def _simd(word: bytes) -> Status:
    """Redis 8's switch for its vector instructions. For a wrong word it answers twice; we say the error alone."""
    if word.upper() not in (b"ON", b"OFF"):
        raise CommandError(b"Argument must be ON or OFF")
    return Status(b"enabled" if word.upper() == b"ON" else b"disabled")


def _make_dense(ctx: Client, sketch: bytearray) -> bool:
    if hyperloglog.is_dense(sketch):
        return False
    try:
        hyperloglog.to_dense(sketch)
    except Corrupt:
        raise _corrupted()
    ctx.db.dirty += 1
    return True


@command("PFSELFTEST", flags=ADMIN, group="hyperloglog", since="2.8.9", complexity="O(1), some 0.1 s")
def pfselftest(ctx: Client) -> Status:
    """PFSELFTEST

    Checks that both encodings agree and estimate within their error.
    """
    sparse, dense = hyperloglog.new(), hyperloglog.new()
    hyperloglog.to_dense(dense)
    most = ctx.engine.config["hll-sparse-max-bytes"]
    seed = b"%x:" % ctx.engine.random.getrandbits(64)
    for number in range(1, _SELF_TEST_SIZE + 1):
        element = seed + b"%d" % number
        hyperloglog.add(sparse, element, most)
        hyperloglog.add(dense, element, most)
        if number in (10, 100, 1000, _SELF_TEST_SIZE):
            _compare(sparse, dense, number)
    return OK


def _compare(sparse: bytearray, dense: bytearray, number: int) -> None:
    if hyperloglog.registers_of(sparse) != hyperloglog.registers_of(dense):
        raise CommandError(b"dense/sparse disagree", b"TESTFAILED")
    error = abs(number - hyperloglog.count(dense))
    if error > max(1, ceil(_SELF_TEST_ERROR * number)):
        raise CommandError(b"Too big error. card:%d abserr:%d" % (number, error), b"TESTFAILED")
