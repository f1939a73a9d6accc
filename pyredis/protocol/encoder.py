"""Values to bytes: one table a protocol version, keyed by exact type.

`RESP2[type(value)](value)` is the reply. A handler never sees the version; nothing is guessed from content. The
executor writes the two commonest forms (bulk strings and OK) itself, from the same pieces.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from typing import Any

import hiredis

from pyredis.datatypes.numeric import format_double
from pyredis.datatypes.stream_id import SEQUENCE_MASK
from pyredis.protocol.replies import (
    ArrayHead,
    Attributed,
    BigNumber,
    Encoded,
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
Items = Callable[[Iterable[Any]], bytes]
Whole = Callable[[bytes, Sequence[Any]], bytes]

BULK_HEADERS = [b"$%d\r\n" % size for size in range(1024)]
"""Ready headers of short bulk strings: a look-up is half the cost of formatting."""

_BULK_MARKS = [b"\r\n$%d\r\n" % size for size in range(1024)]
"""The end of a line, and the header of the short bulk string behind it."""

_PAIR_MARKS = [b"\r\n*2\r\n$%d\r\n" % size for size in range(64)]
"""The same before a short bulk string that is the first of a pair."""

_ARRAY_MARKS = [b"\r\n*%d" % size for size in range(1024)]
"""The end of a line, and the header of a short array but for its end."""

_TWO = _ARRAY_MARKS[2]

_FEW = 4
"""So few values are encoded one by one."""

_RUN = 1000
"""Values encoded at a time: each is looked at several times, while they are in the processor's cache."""

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


def bulks(values: Sequence[bytes]) -> list[bytes]:
    """Parts of the replies of at least one bulk string. What is done for each is done in C.

    They begin with the end of the line before, and the end of the last line is left to whoever goes on.
    """
    sizes = [*map(len, values)]
    size = sizes[0]
    if size < len(_BULK_MARKS) and sizes.count(size) == len(sizes):
        mark = _BULK_MARKS[size]
        return [mark, mark.join(values)]
    words = [b""] * (2 * len(sizes))
    words[1::2] = values
    if max(sizes) < len(_BULK_MARKS):
        words[::2] = map(_BULK_MARKS.__getitem__, sizes)
        return [b"".join(words)]
    words[::2] = [b"\r\n$%d\r\n" % size for size in sizes]
    return words  # what is long is not copied twice


def integers(values: Sequence[int]) -> bytes:
    """The replies of at least one integer."""
    if min(values) >= 0 and max(values) < len(INTEGERS):
        return b"".join(map(INTEGERS.__getitem__, values))
    return b"".join([b":%d\r\n" % value for value in values])


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
    Encoded: lambda value: value.data,
    NoReply: lambda value: b"",
    ArrayHead: lambda value: b"*%d\r\n" % value.size,
}
"""What holds nothing else and is the same in both versions."""


def _aggregates(encoders: Encoders, null: bytes) -> tuple[Items, Whole, Encoder]:
    """What encodes values in a row, an aggregate of any size and an array; each value goes through `encoders`."""

    def items(values: Iterable[Any]) -> bytes:
        return b"".join([encoders[value.__class__](value) for value in values])

    def mixed(values: Sequence[Any]) -> bytes:
        words: list[bytes] = []
        for value in values:
            if value.__class__ is bytes and len(value) < len(BULK_HEADERS):
                words += (BULK_HEADERS[len(value)], value, b"\r\n")
            else:
                words.append(null if value is None else encoders[value.__class__](value))
        return b"".join(words)

    def run(values: Sequence[Any]) -> list[bytes]:
        """Parts of the replies of some values, which are of one kind mostly; they begin and end as those of `bulks`."""
        kinds = {*map(type, values)}
        if kinds == {bytes}:
            return bulks(values)
        if kinds == {type(None)}:
            return [b"\r\n", (null * len(values))[:-2]]
        replies = integers(values) if kinds == {int} else items(values) if len(kinds) == 1 else mixed(values)
        return [b"\r\n", replies[:-2]]

    def whole(head: bytes, values: Sequence[Any]) -> bytes:
        """An aggregate: its head without the line's end, and its values a run at a time."""
        size = len(values)
        parts = [head]
        if 0 < size <= _RUN:
            parts += run(values)
        else:
            for at in range(0, size, _RUN):
                parts += run(values[at : at + _RUN])
        parts.append(b"\r\n")
        return b"".join(parts)

    def array(values: Sequence[Any]) -> bytes:
        size = len(values)
        if size > _RUN:
            return whole(b"*%d" % size, values)
        if size > _FEW and {*map(type, values)} == {bytes}:
            return b"".join([b"*%d" % size, *bulks(values), b"\r\n"])
        return b"*%d\r\n" % size + items(values)

    return items, whole, array


def _table(resp3: bool) -> Encoders:
    """All rows of a version; `encoders` is what nested values go through."""
    encoders = _SIMPLE.copy()
    null = b"_\r\n" if resp3 else b"$-1\r\n"
    items, whole, array = _aggregates(encoders, null)

    def short_entries(values: Entries) -> bytes:
        try:
            return entries(values.entries)
        except IndexError:
            return array([*values])

    encoders.update(
        {
            type(None): lambda value: null,
            list: array,
            tuple: array,
            Entries: short_entries,
            Several: lambda value: items(value.replies),
        }
    )
    encoders.update(_resp3_rows(items, whole, array) if resp3 else _resp2_rows(items, whole, array))
    return encoders


def _resp2_rows(items: Items, whole: Whole, array: Encoder) -> Encoders:
    """What RESP2 says with the types it has."""

    def pairs(values: Collection[tuple[Any, Any]]) -> bytes:
        return whole(b"*%d" % (2 * len(values)), [*chain.from_iterable(values)])

    return {
        NullArray: lambda value: b"*-1\r\n",
        bool: lambda value: b":1\r\n" if value else b":0\r\n",
        float: lambda value: bulk(format_double(value)),
        dict: lambda value: pairs(value.items()),
        PairMap: lambda value: pairs(value.pairs),
        PairArrayMap: lambda value: array(value.pairs),
        RecordMap: lambda value: array([word for key, values in value.records for word in (key, *values)]),
        FlatMap: lambda value: array(value.words),
        Pairs: lambda value: pairs(value.pairs),
        set: lambda value: array(list(value)),
        Unordered: lambda value: array(value.items),
        Push: lambda value: array(list(value.items)),
        Verbatim: lambda value: bulk(value.text),
        BigNumber: lambda value: bulk(value.digits),
        Attributed: lambda value: items([value.value]),
    }


def _resp3_rows(items: Items, whole: Whole, array: Encoder) -> Encoders:
    """What RESP3 has types of its own for."""

    def pairs(values: Collection[tuple[Any, Any]], mark: bytes = b"%") -> bytes:
        return whole(b"%b%d" % (mark, len(values)), [*chain.from_iterable(values)])

    def unordered(values: list[Any]) -> bytes:
        return whole(b"~%d" % len(values), values)

    return {
        NullArray: lambda value: b"_\r\n",
        bool: lambda value: b"#t\r\n" if value else b"#f\r\n",
        float: lambda value: b",%b\r\n" % format_double(value),
        dict: lambda value: pairs(value.items()),
        PairMap: lambda value: pairs(value.pairs),
        PairArrayMap: lambda value: pairs(value.pairs),
        RecordMap: lambda value: pairs(value.records),
        FlatMap: lambda value: whole(b"%%%d" % (len(value.words) // 2), value.words),
        Pairs: lambda value: array(value.pairs),
        set: lambda value: unordered(list(value)),
        Unordered: lambda value: unordered(value.items),
        Push: lambda value: b">%d\r\n" % len(value.items) + items(value.items),
        Verbatim: lambda value: b"=%d\r\n%b:%b\r\n" % (len(value.text) + 4, value.format, value.text),
        BigNumber: lambda value: b"(%b\r\n" % value.digits,
        Attributed: lambda value: pairs(value.attributes.items(), b"|") + items([value.value]),
    }


_THREE_WORDS = b"*3\r\n"


def encode_command(words: Sequence[bytes]) -> bytes:
    """A command's bytes, as a client sends them. Most have three words, and one join is half the price of packing."""
    if len(words) == 3:
        one, two, three = words
        if len(one) < 1024 > len(two) and len(three) < 1024:
            first, second, third = BULK_HEADERS[len(one)], BULK_HEADERS[len(two)], BULK_HEADERS[len(three)]
            return b"".join((_THREE_WORDS, first, one, b"\r\n", second, two, b"\r\n", third, three, b"\r\n"))
    packed: bytes = hiredis.pack_command(tuple(words))  # type: ignore[arg-type]
    return packed


RESP2 = _table(resp3=False)
RESP3 = _table(resp3=True)
VERSIONS = {2: RESP2, 3: RESP3}
