"""What kind of value stands at a key: its name for TYPE, its encoding for OBJECT ENCODING, its copy for COPY.

A datatype registers its class by `register`; strings (bytes, bytearray, int) are registered here. A value
that is no string has a method `copy()`.
"""

from collections.abc import Callable
from typing import Any

from pyredis.datatypes.text import encoding

Encoding = Callable[[Any], bytes]

NAMES: dict[type, bytes] = {}
"""The TYPE name of each class of values."""

ENCODINGS: dict[type, Encoding] = {}
"""The function that tells the encoding, by class."""

IMMUTABLE = frozenset((bytes, int))


def register(kind: type, name: bytes, encoding_of: Encoding) -> None:
    """Let values of the class `kind` be of the type `name`."""
    NAMES[kind] = name
    ENCODINGS[kind] = encoding_of


def type_name(value: Any) -> bytes:
    """The name of a value's type; `none` for no value. KeyError for a class nobody registered."""
    return b"none" if value is None else NAMES[value.__class__]


def encoding_name(value: Any) -> bytes:
    """The encoding Redis would hold the value in."""
    return ENCODINGS[value.__class__](value)


def copy_of(value: Any) -> Any:
    """An independent copy; what cannot change is its own."""
    return value if value.__class__ in IMMUTABLE else value.copy()


for _string in (bytes, bytearray, int):
    register(_string, b"string", encoding)
