"""One field out of a JSON object, read as leniently as Redis's vector sets do it.

Only the top level is looked at and only up to the field; what follows may be anything. Strings know the escapes
`\\n`, `\\r` and `\\t`, and any other character behind a backslash stands for itself. Values are numbers (true is 1,
false is 0), strings, null, and arrays of these; an object makes its field unreadable.
"""

import re
from typing import Any

MISSING = object()
"""There is no such field, or none that can be read."""

_STRING_BODY = rb"[^\"\\]*(?:\\.[^\"\\]*)*"
_START = re.compile(rb"\s*\{")
_NAME = re.compile(rb"\s*\"(" + _STRING_BODY + rb")\"\s*:\s*", re.DOTALL)
_STRING = re.compile(rb"\"(" + _STRING_BODY + rb")\"", re.DOTALL)
_NUMBER = re.compile(rb"[0-9eE.+-]+")
_VALID_NUMBER = re.compile(rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_PLAIN = re.compile(rb"true|false|null|[0-9eE.+-]+|\"" + _STRING_BODY + rb"\"", re.DOTALL)
_LITERAL = re.compile(rb"(true|false|null)(?=[\s,\]}]|$)")
_BRACKET = re.compile(rb"\"" + _STRING_BODY + rb"\"|[\[\]{}\"]", re.DOTALL)
_AFTER = re.compile(rb"\s*,")
_SPACE = re.compile(rb"\s*")
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_LITERALS: dict[bytes, float | None] = {b"true": 1.0, b"false": 0.0, b"null": None}
_CLOSERS = {b"[": b"]", b"{": b"}"}
_DEEPEST = 64  # arrays in arrays


def field(json: bytes, name: bytes) -> Any:
    """The value of the first field of a name: float, bytes, tuple or None; else MISSING."""
    start = _START.match(json)
    at = start.end() if start else -1
    while at >= 0:
        found = _NAME.match(json, at)
        if found is None:
            return MISSING
        if found[1] == name:
            return _value(json, found.end())[0]
        at = _skipped(json, found.end())
        after = _AFTER.match(json, at) if at >= 0 else None
        at = after.end() if after else -1
    return MISSING


def _skipped(json: bytes, at: int) -> int:
    """The place behind a value of any kind; -1 where there is none."""
    opener = json[at : at + 1]
    if opener not in _CLOSERS or not opener:
        found = _PLAIN.match(json, at)
        return found.end() if found else -1
    depth = 0
    for found in _BRACKET.finditer(json, at):
        if found[0] == b'"':
            return -1  # a string without end
        depth += (found[0] == opener) - (found[0] == _CLOSERS[opener])
        if not depth:
            return found.end()
    return -1


def _value(json: bytes, at: int, depth: int = 0) -> tuple[Any, int]:
    """A value and the place behind it; MISSING for what cannot be read."""
    first = json[at : at + 1]
    if first == b'"':
        found = _STRING.match(json, at)
        return (_unescaped(found[1]), found.end()) if found else (MISSING, at)
    if first == b"[":
        return _array(json, at + 1, depth + 1) if depth < _DEEPEST else (MISSING, at)
    if first.isdigit() or first in (b"-", b"+"):
        found = _NUMBER.match(json, at)
        if found and _VALID_NUMBER.fullmatch(found[0]):
            return float(found[0]), found.end()
        return MISSING, at
    found = _LITERAL.match(json, at)
    return (_LITERALS[found[1]], found.end()) if found else (MISSING, at)


def _array(json: bytes, at: int, depth: int) -> tuple[Any, int]:
    values: list[Any] = []
    at = _behind_space(json, at)
    if json[at : at + 1] == b"]":
        return (), at + 1
    while True:
        value, at = _value(json, _behind_space(json, at), depth)
        if value is MISSING:
            return MISSING, at
        values.append(value)
        at = _behind_space(json, at) + 1
        mark = json[at - 1 : at]
        if mark == b"]":
            return tuple(values), at
        if mark != b",":
            return MISSING, at


def _behind_space(json: bytes, at: int) -> int:
    found = _SPACE.match(json, at)
    return found.end() if found else at


def _unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text) if b"\\" in text else text
