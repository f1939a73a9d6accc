"""Values to bytes: one table a protocol version, keyed by exact type.

`RESP2[type(value)](value)` is the reply. A handler never sees the version; nothing is guessed from content. The
executor writes the two commonest forms (bulk strings and OK) itself, from the same pieces.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from hiredis import pack_command

from pyredis.datatypes.numeric import format_double
from pyredis.datatypes.stream_id import SEQUENCE_MASK
from pyredis.protocol.replies import (
    Attributed,
    BigNumber,
    Entries,
    ErrorReply,
    FlatMap,
    NoReply,
    NullArray,
    PairArrayMap,
    PairMap,
    Pairs,
    Push,
    RecordMap,
    Several,
    Status,
    Unordered,
    Verbatim,
)

Encoder = Callable[[Any], bytes]
Encoders = dict[type, Encoder]

BULK_HEADERS = [b"$%d\r\n" % size for size in range(1024)]
"""Ready headers of short bulk strings: a look-up is half the cost of formatting."""

_BULK_MARKS = [b"\r\n$%d\r\n" % size for size in range(1024)]
"""The end of a line, and the header of the short bulk string behind it."""

_PAIR_MARKS = [b"\r\n*2\r\n$%d\r\n" % size for size in range(64)]
"""The same before a short bulk string that is the first of a pair."""

_ARRAY_MARKS = [b"\r\n*%d" % size for size in range(1024)]
"""The end of a line, and the header of a short array but for its end."""

_TWO = _ARRAY_MARKS[2]

INTEGERS = [b":%d\r\n" % value for value in range(1024)]


def bulk(value: bytes) -> bytes:
    """A bulk string."""
    return b"$%d\r\n%b\r\n" % (len(value), value)


def integer(value: int) -> bytes:
    """A 64 bit integer."""
    return INTEGERS[value] if 0 <= value < 1024 else b":%d\r\n" % value


def error(line: bytes) -> bytes:
    """An error line; line ends inside it would break the protocol and become spaces, as in Redis."""
    return b"-%b\r\n" % line.replace(b"\r", b" ").replace(b"\n", b" ")


def bulks(values: Sequence[Any]) -> bytes:
    """An array of at least one bulk string and nothing else. What is done for each is done in C."""
    sizes = [*map(len, values)]
    if sizes.count(sizes[0]) == len(sizes):
        mark = b"\r\n$%d\r\n" % sizes[0]
        return b"*%d%b%b\r\n" % (len(sizes), mark, mark.join(values))
    if max(sizes) >= len(_BULK_MARKS):
        return pack_command(tuple(values))  # type: ignore[no-any-return]
    parts = [b""] * (2 * len(sizes))
    parts[::2] = map(_BULK_MARKS.__getitem__, sizes)
    parts[1::2] = values
    return b"*%d%b\r\n" % (len(sizes), b"".join(parts))


def entries(values: Sequence[tuple[int, tuple[bytes, ...]]]) -> bytes:
    """Stream entries. Raises IndexError where one has too many words, or too long ones, for the ready headers."""
    parts = [b"*%d" % len(values)]
    for number, words in values:
        id = b"%d-%d" % (number >> 64, number & SEQUENCE_MASK)
        if len(words) == 2:
            field, value = words
            parts += (_PAIR_MARKS[len(id)], id, _TWO, _BULK_MARKS[len(field)], field, _BULK_MARKS[len(value)], value)
            continue
        parts += (_PAIR_MARKS[len(id)], id, _ARRAY_MARKS[len(words)])
        for word in words:
            parts += (_BULK_MARKS[len(word)], word)
    parts.append(b"\r\n")
    return b"".join(parts)


_SIMPLE: Encoders = {
    bytes: bulk,
    bytearray: bulk,
    int: integer,
    Status: lambda value: value.wire,
    ErrorReply: lambda value: error(value.line),
    NoReply: lambda value: b"",
}
"""What holds nothing else and is the same in both versions."""


def _table(resp3: bool) -> Encoders:
    """All rows of a version; `encoders` is what nested values go through."""
    encoders = _SIMPLE.copy()

    def items(values: Iterable[Any]) -> bytes:
        return b"".join([encoders[value.__class__](value) for value in values])

    def array(values: list[Any] | tuple[Any, ...]) -> bytes:
        if len(values) > 4 and {*map(type, values)} == {bytes}:
            return bulks(values)
        return b"*%d\r\n" % len(values) + items(values)

    def short_entries(values: Entries) -> bytes:
        try:
            return entries(values.entries)
        except IndexError:
            return array([*values])

    def marked(mark: bytes, count: int, values: list[Any]) -> bytes:
        """The array's reply as one of another aggregate type."""
        whole = array(values)
        return b"%b%d\r\n" % (mark, count) + whole[whole.index(b"\n") + 1 :]

    def pairs(mark: bytes, values: Iterable[tuple[Any, Any]], count: int) -> bytes:
        return marked(mark, count, [*chain.from_iterable(values)])

    encoders.update(
        {
            list: array,
            tuple: array,
            Entries: short_entries,
            Several: lambda value: items(value.replies),
        }
    )
    if resp3:
        encoders.update(
            {
                type(None): lambda value: b"_\r\n",
                NullArray: lambda value: b"_\r\n",
                bool: lambda value: b"#t\r\n" if value else b"#f\r\n",
                float: lambda value: b",%b\r\n" % format_double(value),
                dict: lambda value: pairs(b"%", value.items(), len(value)),
                PairMap: lambda value: pairs(b"%", value.pairs, len(value.pairs)),
                PairArrayMap: lambda value: pairs(b"%", value.pairs, len(value.pairs)),
                RecordMap: lambda value: pairs(b"%", value.records, len(value.records)),
                FlatMap: lambda value: marked(b"%", len(value.words) // 2, value.words),
                Pairs: lambda value: array(value.pairs),
                set: lambda value: marked(b"~", len(value), list(value)),
                Unordered: lambda value: marked(b"~", len(value.items), value.items),
                Push: lambda value: b">%d\r\n" % len(value.items) + items(value.items),
                Verbatim: lambda value: b"=%d\r\n%b:%b\r\n" % (len(value.text) + 4, value.format, value.text),
                BigNumber: lambda value: b"(%b\r\n" % value.digits,
                Attributed: lambda value: (
                    pairs(b"|", value.attributes.items(), len(value.attributes)) + items([value.value])
                ),
            }
        )
    else:
        encoders.update(
            {
                type(None): lambda value: b"$-1\r\n",
                NullArray: lambda value: b"*-1\r\n",
                bool: lambda value: b":1\r\n" if value else b":0\r\n",
                float: lambda value: bulk(format_double(value)),
                dict: lambda value: pairs(b"*", value.items(), 2 * len(value)),
                PairMap: lambda value: pairs(b"*", value.pairs, 2 * len(value.pairs)),
                PairArrayMap: lambda value: array(value.pairs),
                RecordMap: lambda value: array([word for key, values in value.records for word in (key, *values)]),
                FlatMap: lambda value: array(value.words),
                Pairs: lambda value: pairs(b"*", value.pairs, 2 * len(value.pairs)),
                set: lambda value: array(list(value)),
                Unordered: lambda value: array(value.items),
                Push: lambda value: array(list(value.items)),
                Verbatim: lambda value: bulk(value.text),
                BigNumber: lambda value: bulk(value.digits),
                Attributed: lambda value: items([value.value]),
            }
        )
    return encoders


RESP2 = _table(resp3=False)
RESP3 = _table(resp3=True)
VERSIONS = {2: RESP2, 3: RESP3}
