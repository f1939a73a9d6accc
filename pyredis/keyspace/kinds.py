"""What kind of value stands at a key: its name for TYPE, its encoding for OBJECT ENCODING, its copy for COPY.

A value that is no string has a method `copy()`.
"""

from collections.abc import Callable
from typing import Any

from pyredis.datatypes.hash import Hash
from pyredis.datatypes.list import List
from pyredis.datatypes.set import Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream
from pyredis.datatypes.text import encoding
from pyredis.datatypes.vector_set import VectorSet

NAMES: dict[type, bytes] = {
    bytes: b"string",
    bytearray: b"string",
    int: b"string",
    List: b"list",
    Set: b"set",
    Hash: b"hash",
    SortedSet: b"zset",
    Stream: b"stream",
    VectorSet: b"vectorset",
}
"""The TYPE name of each class of values."""

ENCODINGS: dict[type, Callable[[Any], bytes]] = {
    bytes: encoding,
    bytearray: encoding,
    int: encoding,
    List: lambda value: value.encoding,
    Set: lambda value: value.encoding,
    Hash: lambda value: value.encoding,
    SortedSet: lambda value: b"skiplist" if value.is_large else b"listpack",
    Stream: lambda value: b"stream",
    VectorSet: lambda value: b"raw",
}
"""The function that tells the encoding, by class."""

IMMUTABLE = frozenset((bytes, int))


def type_name(value: Any) -> bytes:
    """The name of a value's type; `none` for no value."""
    return b"none" if value is None else NAMES[value.__class__]


def encoding_name(value: Any) -> bytes:
    """The encoding Redis would hold the value in."""
    return ENCODINGS[value.__class__](value)


def copy_of(value: Any) -> Any:
    """An independent copy; what cannot change is its own."""
    return value if value.__class__ in IMMUTABLE else value.copy()
