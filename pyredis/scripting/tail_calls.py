"""Tail calls that would hide where a script is.

In Lua `return f(x)` puts f's frame in the place of its caller's, whose line is lost then, unless f is a function of
C. Redis's libraries are C throughout; some of ours are Lua, so an error in `return cjson.decode(x)` would have no line.
Compiled scripts are therefore changed: a tail call of something's field (`a.b(x)`, `a:b(x)`, or a local variable that
was set to `a.b`), which is how libraries are called, becomes an ordinary one. Functions that call themselves by name go
on without a stack, as Lua promises.

The form is that of Lua 5.1's `string.dump`: a header, then a function: its source, where it is, its sizes, its code,
its constants, functions in it of the same form, and what a debugger wants to know.
"""

import re
from struct import Struct, calcsize, iter_unpack, pack_into

CHANGED_MAX = 64 << 10

_HEADER = 12
_INT = Struct("i")
_SIZE = Struct("N")
_SIZES = 4  # bytes: upvalues, parameters, whether they vary, registers
_MOVE, _GET_TABLE, _SELF, _CALL, _TAIL_CALL = 0, 6, 11, 28, 29
_SETS_NOTHING = frozenset((7, 8, 9, 22, 23, 24, 25, 26, 30, 33, 34, 35))
"""Operations whose first register is none that they set."""

_NIL, _BOOLEAN, _NUMBER, _STRING = 0, 1, 3, 4
_WORTH_A_LOOK = re.compile(rb"\breturn\s+[A-Za-z_]\w*\s*[.:\[({'\"]")


def may_hide_lines(code: bytes) -> bool:
    """Whether a script's text may hold such a call. In one of a single line nothing is lost.

    One that is very large is left as it is: to change it would take long, and others wait.
    """
    return len(code) <= CHANGED_MAX and b"\n" in code and _WORTH_A_LOOK.search(code) is not None


def kept(dumped: bytes) -> bytes:
    """A dumped function with tail calls of fields as ordinary ones."""
    made = bytearray(dumped)
    _function(made, _HEADER)
    return bytes(made)


def _function(made: bytearray, at: int) -> int:
    """Change the function at a position; returns where it ends."""
    at = _after_text(made, at) + 2 * _INT.size + _SIZES
    (count,) = _INT.unpack_from(made, at)
    at += _INT.size
    _code(made, at, count)
    at = _after_constants(made, at + 4 * count)
    (count,) = _INT.unpack_from(made, at)
    at += _INT.size
    for _ in range(count):
        at = _function(made, at)
    return _after_debugging(made, at)


def _code(made: bytearray, start: int, count: int) -> None:
    """Change the code of a function. What a register was set to last is told by the order of the code alone."""
    fields: set[int] = set()  # registers that hold what was taken out of a table
    for at, (word,) in enumerate(iter_unpack("I", made[start : start + 4 * count])):
        operation, register = word & 63, word >> 6 & 255
        if operation == _TAIL_CALL and register in fields:
            pack_into("I", made, start + 4 * at, word - _TAIL_CALL + _CALL)
        elif operation in (_GET_TABLE, _SELF) or (operation == _MOVE and word >> 23 in fields):
            fields.add(register)
        elif operation not in _SETS_NOTHING:
            fields.discard(register)


def _after_text(made: bytearray, at: int) -> int:
    (size,) = _SIZE.unpack_from(made, at)
    return at + _SIZE.size + int(size)


def _after_constants(made: bytearray, at: int) -> int:
    (count,) = _INT.unpack_from(made, at)
    at += _INT.size
    for _ in range(count):
        kind, at = made[at], at + 1
        if kind == _STRING:
            at = _after_text(made, at)
        else:
            at += {_NIL: 0, _BOOLEAN: 1, _NUMBER: calcsize("d")}[kind]
    return at


def _after_debugging(made: bytearray, at: int) -> int:
    """Behind the lines of the code, the names of variables with where they live, and those of upvalues."""
    (count,) = _INT.unpack_from(made, at)
    at += _INT.size * (1 + count)
    for more in (2 * _INT.size, 0):
        (count,) = _INT.unpack_from(made, at)
        at += _INT.size
        for _ in range(count):
            at = _after_text(made, at) + more
    return at
