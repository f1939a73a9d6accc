"""Arguments of library functions that are written in Python, with Lua's complaints about them."""

from typing import Any

from lupa.lua51 import lua_type

from pyredis.scripting.conversion import number_text
from pyredis.scripting.faults import ScriptFault, fault


def number(name: bytes, words: tuple[Any, ...], at: int) -> float:
    """Argument `at` (from 0) of the function `name` as a number. Raises ScriptFault."""
    value: Any = words[at] if at < len(words) else None
    kind = value.__class__
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    parsed = parse_number(value) if kind is bytes else None
    if parsed is None:
        raise _unexpected(b"number", name, words, at)
    return parsed


def text(name: bytes, words: tuple[Any, ...], at: int) -> bytes:
    """Argument `at` (from 0) of the function `name` as a string, which a number can be. Raises ScriptFault."""
    value: Any = words[at] if at < len(words) else None
    if isinstance(value, bytes):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    raise _unexpected(b"string", name, words, at)


def parse_number(word: bytes) -> float | None:
    """The number that Lua reads in a string, decimal or hexadecimal, or None."""
    try:
        return float(word) if b"x" not in word.lower() else float(int(word, 16))
    except ValueError:
        return None


def _unexpected(wanted: bytes, name: bytes, words: tuple[Any, ...], at: int) -> ScriptFault:
    got = b"no value" if at >= len(words) else type_name(words[at])
    return fault(b"bad argument #%d to '%b' (%b expected, got %b)" % (at + 1, name, wanted, got))


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
    kind = lua_type(value) or "userdata"
    return b"thread" if type(value).__name__ == "_LuaCoroutineFunction" else kind.encode()  # to lupa a function
