"""Arguments of library functions that are written in Python, with Lua's complaints about them."""

from typing import Any

from lupa.lua51 import lua_type

from pyredis.scripting.faults import fault


def number(name: bytes, words: tuple[Any, ...], at: int) -> float:
    """Argument `at` (from 0) of the function `name` as a number. Raises ScriptFault."""
    value: Any = words[at] if at < len(words) else None
    kind = value.__class__
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is bytes:
        try:
            return float(value)
        except ValueError:
            pass
    got = b"no value" if at >= len(words) else type_name(value)
    raise fault(b"bad argument #%d to '%b' (number expected, got %b)" % (at + 1, name, got))


def type_name(value: Any) -> bytes:
    """What Lua's `type` answers."""
    if value is None:
        return b"nil"
    if isinstance(value, bool):
        return b"boolean"
    if isinstance(value, bytes):
        return b"string"
    if isinstance(value, int | float):
        return b"number"
    return (lua_type(value) or "userdata").encode()
