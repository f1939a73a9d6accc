"""Writing values, each as the oldest type that holds it.

`newest` is the RDB version of whoever shall read: 10 for Redis 7.0, 11 for 7.2, which knows small sets as listpacks and
when consumers were active. Fields that expire need 12 whatever is asked for, but for Valkey, whose 80 has a form of its
own for them.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from pyredis.datatypes.deadlines import Deadlines
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.list import List
from pyredis.datatypes.listpack import LARGE, Listpack
from pyredis.datatypes.numeric import format_double
from pyredis.datatypes.quicklist import Quicklist
from pyredis.datatypes.set import INTSET, LISTPACK, Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream
from pyredis.datatypes.text import content
from pyredis.datatypes.vector_set import VectorSet
from pyredis.rdb.encoding import double_bytes, int64_bytes, length_bytes, string_bytes
from pyredis.rdb.listpack_forms import write_listpack
from pyredis.rdb.packed_forms import write_intset
from pyredis.rdb.stream_values import write_stream
from pyredis.rdb.type_codes import (
    HASH,
    HASH_LISTPACK,
    HASH_LISTPACK_TIMES,
    HASH_TIMES,
    MODULE_2,
    NO_TIME,
    PACKED_NODE,
    PLAIN_NODE,
    PORTABLE_VERSION,
    QUICKLIST_2,
    SET,
    SET_INTSET,
    SET_LISTPACK,
    SMALL_SETS_VERSION,
    SORTED_SET_2,
    SORTED_SET_LISTPACK,
    STREAM_2,
    STREAM_3,
    STRING,
    VALKEY_HASH_TIMES,
    VALKEY_VERSION,
)
from pyredis.rdb.vector_set_values import write_vector_set

Text = Callable[[bytes], bytes]


class Written:
    """A value that was written before, when it was still what it shall be."""

    __slots__ = ("body", "code")

    def __init__(self, code: int, body: bytes) -> None:
        self.code = code
        self.body = body


def write_value(value: Any, newest: int = PORTABLE_VERSION, compressing: bool = True) -> tuple[int, bytes]:
    """The type and the body of a value."""
    return _WRITERS[value.__class__](value, newest, partial(string_bytes, compressing=compressing))


def _string_body(value: bytes | bytearray | int, newest: int, string: Text) -> tuple[int, bytes]:
    return STRING, string(bytes(content(value)))


def _list_body(value: List, newest: int, string: Text) -> tuple[int, bytes]:
    form = value.form
    nodes: Iterable[Listpack] = form.nodes if isinstance(form, Quicklist) else (form,)
    parts = [length_bytes(len(form.nodes) if isinstance(form, Quicklist) else 1)]
    for node in nodes:
        if node.size == LARGE:
            parts += (length_bytes(PLAIN_NODE), string(node[0]))
        else:
            parts += (length_bytes(PACKED_NODE), string(write_listpack(node)))
    return QUICKLIST_2, b"".join(parts)


def _set_body(value: Set, newest: int, string: Text) -> tuple[int, bytes]:
    form = value.encoding
    if form is INTSET:
        return SET_INTSET, string(write_intset(map(int, value.members)))
    if form is LISTPACK and newest >= SMALL_SETS_VERSION:
        return SET_LISTPACK, string(write_listpack(value.members))
    return SET, _counted(len(value), map(string, value.members))


def _counted(count: int, parts: Iterable[bytes]) -> bytes:
    return length_bytes(count) + b"".join(parts)


def _sorted_set_body(value: SortedSet, newest: int, string: Text) -> tuple[int, bytes]:
    if not value.is_large:
        words = [word for member, score in value.items() for word in (member, format_double(score))]
        return SORTED_SET_LISTPACK, string(write_listpack(words))
    # From the highest down: for Redis, adding at the head of its skiplist is the quickest.
    pairs = [*value.items()][::-1]
    return SORTED_SET_2, _counted(len(pairs), [string(member) + double_bytes(score) for member, score in pairs])


def _hash_body(value: Hash, newest: int, string: Text) -> tuple[int, bytes]:
    names = value.names()
    pairs = zip(names, value.values_of(names), strict=True)
    is_small = isinstance(value.fields, dict)
    if value.deadlines is not None and (soonest := value.deadlines.soonest()) is not None:
        if newest >= VALKEY_VERSION:
            fields = _valkey_fields(value.fields.items(), value.deadlines, string)
            return VALKEY_HASH_TIMES, _counted(len(names), fields)
        code = HASH_LISTPACK_TIMES if is_small else HASH_TIMES
        parts = (
            _small_with_times(pairs, value.deadlines, string)
            if is_small
            else _timed(pairs, value.deadlines, soonest, string)
        )
        return code, int64_bytes(soonest) + b"".join(parts)
    if is_small:
        return HASH_LISTPACK, string(write_listpack(word for pair in pairs for word in pair))
    return HASH, _counted(len(names), [string(name) + string(word) for name, word in pairs])


def _small_with_times(pairs: Iterable[tuple[bytes, bytes]], times: Deadlines, string: Text) -> Iterator[bytes]:
    yield string(write_listpack(word for name, text in pairs for word in (name, text, b"%d" % (times.get(name) or 0))))


def _timed(pairs: Iterable[tuple[bytes, bytes]], times: Deadlines, soonest: int, string: Text) -> Iterator[bytes]:
    found = list(pairs)
    yield length_bytes(len(found))
    for name, text in found:
        when = times.get(name)
        yield length_bytes(0 if when is None else when - soonest + 1) + string(name) + string(text)


def _valkey_fields(placed: Iterable[tuple[bytes, bytes]], times: Deadlines, string: Text) -> Iterator[bytes]:
    """Fields in the order in which they were placed, not in that in which they are shown: so it is kept."""
    for name, text in placed:
        when = times.get(name)
        yield string(name) + string(text) + int64_bytes(NO_TIME if when is None else when)


def _vector_set_body(value: VectorSet, newest: int, string: Text) -> tuple[int, bytes]:
    return MODULE_2, write_vector_set(value)


def _stream_body(value: Stream, newest: int, string: Text) -> tuple[int, bytes]:
    code = STREAM_3 if newest >= SMALL_SETS_VERSION else STREAM_2
    return code, write_stream(value, code, string)


_WRITERS: dict[type, Callable[[Any, int, Text], tuple[int, bytes]]] = {
    bytes: _string_body,
    bytearray: _string_body,
    int: _string_body,
    List: _list_body,
    Set: _set_body,
    SortedSet: _sorted_set_body,
    Hash: _hash_body,
    Stream: _stream_body,
    VectorSet: _vector_set_body,
    Written: lambda value, newest, string: (value.code, value.body),
}
