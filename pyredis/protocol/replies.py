"""What a command can return besides plain Python values.

Plain values and their replies: bytes → bulk string, int → integer, None → null, bool → boolean, float → double, list
and tuple → array, dict → map, set → set. The types here mark what those cannot say. `encoder` has one row for each
type.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pyredis.datatypes.stream_id import format_id


class Status:
    """A simple string such as `+OK`; its wire form is made once."""

    __slots__ = ("text", "wire")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.wire = b"+%b\r\n" % text

    def __repr__(self) -> str:
        return f"Status({self.text!r})"


class ErrorReply:
    """An error as a value, where it stands inside another reply (EXEC) or is handed on."""

    __slots__ = ("line",)

    def __init__(self, line: bytes) -> None:
        self.line = line


class Encoded:
    """A reply that is bytes already, in the version of the client that will get it."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class NullArray:
    """RESP2's `*-1`; plain null in RESP3."""

    __slots__ = ()


class NoReply:
    """The command answers nothing now (CLIENT REPLY, a blocked client)."""

    __slots__ = ()


class Push:
    """An out-of-band message: `>` in RESP3, an array in RESP2."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items


class Several:
    """Several replies to one command, one after the other (SUBSCRIBE)."""

    __slots__ = ("replies",)

    def __init__(self, replies: Sequence[Any]) -> None:
        self.replies = replies


class ArrayHead:
    """An array's first line: its elements come apart, or not at all."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


class Verbatim:
    """Text with a three-letter format (`txt`, `mkd`); a bulk string in RESP2."""

    __slots__ = ("format", "text")

    def __init__(self, text: bytes, format: bytes = b"txt") -> None:
        self.text = text
        self.format = format


class BigNumber:
    """An integer beyond 64 bits, as its decimal digits; a bulk string in RESP2."""

    __slots__ = ("digits",)

    def __init__(self, digits: bytes) -> None:
        self.digits = digits


class Attributed:
    """A reply preceded by an attribute map, which RESP2 clients do not see."""

    __slots__ = ("attributes", "value")

    def __init__(self, attributes: dict[Any, Any], value: Any) -> None:
        self.attributes = attributes
        self.value = value


class Unordered:
    """A set whose members come in a given order or cannot be hashed; an array in RESP2."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = list(items)


class PairMap:
    """A map given as pairs, where keys repeat or cannot be hashed; a flat array in RESP2."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.pairs = list(pairs)


class FlatMap:
    """A map of bulk strings, given as keys each followed by its value; a flat array in RESP2."""

    __slots__ = ("words",)

    def __init__(self, words: list[bytes]) -> None:
        self.words = words


class RecordMap:
    """Keys, each with several values: a map to arrays; in RESP2 one flat array of keys and values."""

    __slots__ = ("records",)

    def __init__(self, records: Iterable[tuple[Any, Sequence[Any]]]) -> None:
        self.records = list(records)


class Pairs:
    """Pairs in order, keys of which may repeat (members with scores): arrays of two in RESP3, a flat array in RESP2."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.pairs = list(pairs)


class PairArrayMap:
    """A map given as pairs; in RESP2 an array of arrays of two, not a flat one (XREAD)."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.pairs = list(pairs)


class Entries:
    """Stream entries: an array of pairs, an ID and an array of fields and values, as which they are iterated.

    IDs are given as numbers: most are never looked at again but by the encoder.
    """

    __slots__ = ("entries",)

    def __init__(self, entries: Sequence[tuple[int, tuple[bytes, ...]]]) -> None:
        self.entries = entries

    def __iter__(self) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
        return ((format_id(id), words) for id, words in self.entries)


OK = Status(b"OK")
PONG = Status(b"PONG")
QUEUED = Status(b"QUEUED")
NULL_ARRAY = NullArray()
NO_REPLY = NoReply()
