"""Values to bytes: one table a protocol version, keyed by exact type.

`RESP2[type(value)](value)` is the reply. A handler never sees the version; nothing is guessed from content. The
executor writes the two commonest forms (bulk strings and OK) itself, from the same pieces.
"""

from collections.abc import Callable, Iterable
from typing import Any

from hiredis import pack_command

from pyredis.datatypes.numeric import format_double
from pyredis.protocol.replies import (
    Attributed,
    BigNumber,
    ErrorReply,
    NoReply,
    NullArray,
    PairMap,
    Pairs,
    Push,
    Status,
    Unordered,
    Verbatim,
)

Encoder = Callable[[Any], bytes]
Encoders = dict[type, Encoder]

BULK_HEADERS = [b"$%d\r\n" % size for size in range(1024)]
"""Ready headers of short bulk strings: a look-up is half the cost of formatting."""

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


def _table(resp3: bool) -> Encoders:
    """The rows both versions share; `encoders` is what nested values go through."""
    encoders: Encoders = {}

    def items(values: Iterable[Any]) -> bytes:
        return b"".join([encoders[value.__class__](value) for value in values])

    def array(values: list[Any] | tuple[Any, ...]) -> bytes:
        # A long array of nothing but bulk strings is a command's own form, which hiredis writes in C.
        if len(values) > 4 and {*map(type, values)} == {bytes}:
            return pack_command(tuple(values))  # type: ignore[no-any-return]
        return b"*%d\r\n" % len(values) + items(values)

    def pairs(mark: bytes, values: Iterable[tuple[Any, Any]], count: int) -> bytes:
        return b"%b%d\r\n" % (mark, count) + items(part for pair in values for part in pair)

    encoders.update(
        {
            bytes: bulk,
            bytearray: bulk,
            int: integer,
            list: array,
            tuple: array,
            Status: lambda value: value.wire,
            ErrorReply: lambda value: error(value.line),
            NoReply: lambda value: b"",
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
                Pairs: lambda value: array(value.pairs),
                set: lambda value: b"~%d\r\n" % len(value) + items(value),
                Unordered: lambda value: b"~%d\r\n" % len(value.items) + items(value.items),
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
