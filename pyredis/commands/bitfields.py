"""Strings as rows of small integers: BITFIELD and BITFIELD_RO.

All words are read before the key is touched, so a fault in the last operation leaves the first undone. The
string is grown once, to the farthest bit any operation writes, even where FAIL then refuses to write it.

"""

from collections.abc import Sequence
from typing import NamedTuple

from pyredis.commands.bitmaps import bit_offset, store
from pyredis.datatypes.bitfield import (
    FAIL,
    SATURATE,
    WRAP,
    FieldType,
    assigned,
    get_field,
    incremented,
    parse_type,
    set_field,
)
from pyredis.datatypes.text import buffer, content
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import DENYOOM, FAST, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, syntax_error

_GET, _SET, _INCRBY = b"GET", b"SET", b"INCRBY"
_FOLLOWING = {_GET: 2, _SET: 3, _INCRBY: 3}
_NO_TYPE = b"Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."


class _Operation(NamedTuple):
    name: bytes
    field: FieldType
    offset: int
    number: int
    overflow: bytes

    @property
    def end(self) -> int:
        """The string length in bytes that holds the field."""
        return self.offset + self.field.bits + 7 >> 3


def _bitfield_key_flags(argv: Sequence[bytes]) -> str:
    """BITFIELD only reads its key when all its operations are GET."""
    at = 2
    while at < len(argv):
        name = argv[at].upper()
        following = 1 if name == b"OVERFLOW" else _FOLLOWING.get(name, 0)
        if not following or name in (_SET, _INCRBY) or at + following >= len(argv):
            return "RW access update"
        at += 1 + following
    return "RO access"


@command(
    "BITFIELD",
    flags=WRITE | DENYOOM,
    group="bitmap",
    since="3.2.0",
    complexity="O(1) an operation",
    keys=[
        Keys(
            1,
            "RW access update variable_flags",
            notes="This command allows both access and modification of the key",
            actual=_bitfield_key_flags,
        )
    ],
)
def bitfield(ctx: Client, key: bytes, *words: bytes) -> list[int | None]:
    """BITFIELD key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset increment> [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset increment> ...]]

    Reads and writes integers of any width within a string.
    """  # noqa: E501
    operations = _operations(ctx, words)
    writes = [operation for operation in operations if operation.name != _GET]
    if not writes:
        return _read(ctx, key, operations)
    stored = ctx.db.take_string(key)
    data = buffer(stored)
    size = max(operation.end for operation in writes)
    grown = stored is None or size > len(data)
    if size > len(data):
        data.extend(bytes(size - len(data)))
    answers: list[int | None] = []
    changes = 0
    for operation in operations:
        before = get_field(data, operation.field, operation.offset)
        after = _result(operation, before)
        answers.append(before if operation.name == _SET and after is not None else after)
        if operation.name != _GET and after is not None:
            set_field(data, operation.field, operation.offset, after)
            changes += grown or before != after
    store(ctx, key, data, changes)
    return answers


@command(
    "BITFIELD_RO",
    flags=READONLY | FAST,
    group="bitmap",
    since="6.0.0",
    complexity="O(1) an operation",
    keys=[Keys(1, "RO access")],
)
def bitfield_ro(ctx: Client, key: bytes, *words: bytes) -> list[int | None]:
    """BITFIELD_RO key [GET encoding offset [GET encoding offset ...]]

    Reads integers of any width within a string.
    """
    operations = _operations(ctx, words)
    if any(operation.name != _GET for operation in operations):
        raise CommandError(b"BITFIELD_RO only supports the GET subcommand")
    return _read(ctx, key, operations)


def _read(ctx: Client, key: bytes, operations: list[_Operation]) -> list[int | None]:
    data = content(ctx.db.string(key))
    return [get_field(data, operation.field, operation.offset) for operation in operations]


def _result(operation: _Operation, before: int) -> int | None:
    """What the field holds afterwards, None where FAIL refuses."""
    if operation.name == _SET:
        return assigned(operation.field, operation.number, operation.overflow)
    if operation.name == _INCRBY:
        return incremented(operation.field, before, operation.number, operation.overflow)
    return before


def _operations(ctx: Client, words: tuple[bytes, ...]) -> list[_Operation]:
    """The operations that the words spell; OVERFLOW holds for those behind it."""
    arguments = Arguments(words)
    operations = []
    overflow = WRAP
    while arguments:
        name = arguments.word().upper()
        if name == b"OVERFLOW" and arguments:
            overflow = arguments.word().upper()
            if overflow not in (WRAP, SATURATE, FAIL):
                raise CommandError(b"Invalid OVERFLOW type specified")
            continue
        if name not in _FOLLOWING or len(arguments) < _FOLLOWING[name]:
            raise syntax_error()
        field = parse_type(arguments.word())
        if field is None:
            raise CommandError(_NO_TYPE)
        offset = bit_offset(ctx, arguments.word(), field.bits)
        number = 0 if name == _GET else arguments.integer()
        operations.append(_Operation(name, field, offset, number, overflow))
    return operations
