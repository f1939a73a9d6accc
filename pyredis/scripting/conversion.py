"""Values into Lua, as Redis 8.2 converts them: what a command answered, by the rules of RESP2 until the script calls
`redis.setresp(3)`. What comes out of Lua is read in `results.py`.
"""

from collections.abc import Callable
from itertools import chain
from math import copysign
from typing import Any

from pyredis.datatypes.numeric import format_double
from pyredis.protocol.replies import (
    Attributed,
    BigNumber,
    Entries,
    ErrorReply,
    FlatMap,
    NullArray,
    PairArrayMap,
    PairMap,
    Pairs,
    RecordMap,
    Status,
    Unordered,
    Verbatim,
)

_FEW = 8
_UNPACKED_MAX = 200  # longer lists do not pass as arguments


def to_integer(number: float) -> int:
    """A Lua number as the 64 bit integer C makes of it: cut off, and the least one for what does not fit."""
    if -9.3e18 < number < 9223372036854775808.0:
        return int(number)
    return -(1 << 63)


def number_text(number: float) -> bytes:
    """A number as Lua's `tostring` has it."""
    if number != number:
        return b"-nan" if copysign(1, number) < 0 else b"nan"
    return b"%.14g" % number


class ToLua:
    """Makes Lua's values; `array(*items)` and `field(name, value)` make a table in Lua, `table_from` a large one."""

    def __init__(
        self, array: Callable[..., Any], field: Callable[[bytes, Any], Any], table_from: Callable[[Any], Any]
    ) -> None:
        self._array, self._field, self._table_from = array, field, table_from
        shared: dict[type, Callable[[Any], Any]] = {
            bytes: _same,
            bytearray: bytes,
            int: _same,
            Status: lambda value: field(b"ok", value.text),
            ErrorReply: lambda value: field(b"err", value.line),
        }
        self._two: dict[type, Callable[[Any], Any]] = {
            **shared,
            type(None): lambda value: False,
            NullArray: lambda value: False,
            bool: int,
            float: format_double,
            list: lambda value: self._list(value, self._two),
            tuple: lambda value: self._list(value, self._two),
            dict: lambda value: self._list([*chain.from_iterable(value.items())], self._two),
            PairMap: lambda value: self._list([*chain.from_iterable(value.pairs)], self._two),
            Pairs: lambda value: self._list([*chain.from_iterable(value.pairs)], self._two),
            FlatMap: lambda value: self._list(value.words, self._two),
            PairArrayMap: lambda value: self._list(value.pairs, self._two),
            RecordMap: lambda value: self._list(
                [word for key, each in value.records for word in (key, *each)], self._two
            ),
            Entries: lambda value: self._list(value, self._two),
            set: lambda value: self._list(list(value), self._two),
            Unordered: lambda value: self._list(value.items, self._two),
            Verbatim: lambda value: value.text,
            BigNumber: lambda value: value.digits,
            Attributed: lambda value: self._two[value.value.__class__](value.value),
        }
        self._three: dict[type, Callable[[Any], Any]] = {
            **shared,
            type(None): lambda value: None,
            NullArray: lambda value: None,
            bool: _same,
            float: lambda value: field(b"double", value),
            list: lambda value: self._list(value, self._three),
            tuple: lambda value: self._list(value, self._three),
            dict: lambda value: self._map(value.items()),
            PairMap: lambda value: self._map(value.pairs),
            Pairs: lambda value: self._list(value.pairs, self._three),
            PairArrayMap: lambda value: self._map(value.pairs),
            RecordMap: lambda value: self._map(value.records),
            Entries: lambda value: self._list(value, self._three),
            FlatMap: lambda value: self._map(zip(value.words[::2], value.words[1::2], strict=True)),
            set: lambda value: self._set(value),
            Unordered: lambda value: self._set(value.items),
            Verbatim: lambda value: field(
                b"verbatim_string", table_from({b"format": value.format, b"string": value.text})
            ),
            BigNumber: lambda value: field(b"big_number", value.digits),
            Attributed: lambda value: self._three[value.value.__class__](value.value),
        }
        self.tables = {2: self._two, 3: self._three}

    def _list(self, values: Any, table: dict[type, Callable[[Any], Any]]) -> Any:
        if values.__class__ is list and len(values) > _FEW and {*map(type, values)} == {bytes}:
            items = values  # strings are the same on both sides
        else:
            items = [table[value.__class__](value) for value in values]
        if len(items) <= _UNPACKED_MAX:
            return self._array(*items)
        if None in items:  # a hole
            return self._table_from({at: item for at, item in enumerate(items, 1) if item is not None})
        return self._table_from(items)

    def _map(self, pairs: Any) -> Any:
        three = self._three
        made = {three[key.__class__](key): three[value.__class__](value) for key, value in pairs}
        return self._field(b"map", self._table_from(made))

    def _set(self, members: Any) -> Any:
        three = self._three
        return self._field(b"set", self._table_from({three[one.__class__](one): True for one in members}))


def _same(value: Any) -> Any:
    return value
