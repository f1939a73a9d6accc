"""Lua's `bit`: operations on 32 bit integers (Lua BitOp 1.0.2)."""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_, xor
from struct import pack
from typing import Any

from pyredis.scripting.libraries.lua_arguments import number

_MASK = 0xFFFFFFFF
_ROUNDING = 6755399441055744.0


def _number(name: bytes, words: tuple[Any, ...], at: int) -> int:
    """An argument as its low 32 bits, rounded as BitOp does it: by adding 1.5 * 2^52 to the double."""
    return int.from_bytes(pack("<d", number(name, words, at) + _ROUNDING)[:4], "little")


def _signed(value: int) -> int:
    value &= _MASK
    return value - (1 << 32) if value >> 31 else value


def _folded(name: bytes, operation: Callable[[int, int], int]) -> Callable[..., int]:
    def function(*words: Any) -> int:
        return _signed(reduce(operation, [_number(name, words, at) for at in range(max(len(words), 1))]))

    return function


def _shift(name: bytes, operation: Callable[[int, int], int]) -> Callable[..., int]:
    def function(*words: Any) -> int:
        return _signed(operation(_number(name, words, 0), _number(name, words, 1) & 31))

    return function


def _unary(name: bytes, operation: Callable[[int], int]) -> Callable[..., int]:
    def function(*words: Any) -> int:
        return _signed(operation(_number(name, words, 0)))

    return function


def _tohex(*words: Any) -> bytes:
    value = _number(b"tohex", words, 0)
    digits = _signed(_number(b"tohex", words, 1)) if len(words) > 1 else 8
    form = b"%08X" if digits < 0 else b"%08x"
    count = min(abs(digits), 8)
    return (form % value)[8 - count :]


FUNCTIONS: dict[bytes, Callable[..., Any]] = {
    b"tobit": _unary(b"tobit", lambda value: value),
    b"bnot": _unary(b"bnot", lambda value: ~value),
    b"bswap": _unary(b"bswap", lambda value: int.from_bytes(value.to_bytes(4, "little"), "big")),
    b"band": _folded(b"band", and_),
    b"bor": _folded(b"bor", or_),
    b"bxor": _folded(b"bxor", xor),
    b"lshift": _shift(b"lshift", lambda value, by: value << by),
    b"rshift": _shift(b"rshift", lambda value, by: value >> by),
    b"arshift": _shift(b"arshift", lambda value, by: _signed(value) >> by),
    b"rol": _shift(b"rol", lambda value, by: value << by | value >> 32 - by),
    b"ror": _shift(b"ror", lambda value, by: value >> by | value << 32 - by),
    b"tohex": _tohex,
}
"""By their names in Lua."""
