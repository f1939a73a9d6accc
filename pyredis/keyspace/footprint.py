"""How many bytes a key really takes in this process: for `used_memory` and `maxmemory`, not for MEMORY USAGE.

CPython rounds blocks of up to 512 bytes up to 16, and the C library larger ones with a header of 8. A collection's
size is its frame's, which Python tells, and the mean of a few elements looked at times their number, so the cost does
not depend on how many there are.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from sys import getrefcount, getsizeof
from typing import Any

from pyredis.datatypes.consumer_group import Group
from pyredis.datatypes.deadlines import Deadlines
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.list import List
from pyredis.datatypes.listpack import Listpack
from pyredis.datatypes.quicklist import Quicklist
from pyredis.datatypes.set import Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Node, Stream
from pyredis.datatypes.table import Table
from pyredis.datatypes.vector_set import VectorSet

SLOT = 40
"""A key's place in a `Table`, on average: bytes."""

NUMBER = 32
"""An int or a float that is not shared."""

OBJECT = 64
"""A small instance of a class with slots."""

_BYTES = 33  # of a bytes object, besides its content
_SAMPLES = 5
_BUCKETS = 2  # of a table that are looked at, or nodes of a stream
_LISTED = _BYTES + 7 - 2  # of an element of a Listpack besides what its `size` says of it: header, half the rounding
_OWN_REFERENCES = 4  # to a shared name, besides those of hashes: the pool's two, and two while it is looked at
_SHARED_MAX = 256  # ints up to here exist once


def block(size: int) -> int:
    """The bytes of memory that an object of `size` bytes takes."""
    return size + 15 & ~15 if size <= 512 else size + 23 & ~15


def text(content: bytes) -> int:
    """A bytes object; those of no or one byte exist once."""
    length = len(content)
    return block(_BYTES + length) if length > 1 else 0


def footprint(key: bytes, value: Any) -> int:
    """A key with its value and its place in the table, in bytes."""
    if value.__class__ is bytes:
        return SLOT + (len(key) + _BYTES + 15 & ~15) + block(_BYTES + len(value))
    measure = _MEASURES.get(value.__class__)
    return SLOT + text(key) + (measure(value) if measure else getsizeof(value))


def dict_size(content: dict[Any, Any], measure: Callable[[Any], int], name: Callable[[bytes], int] = text) -> int:
    """A dict whose keys `name` measures and whose values `measure`."""
    count = len(content)
    sampled = min(count, _SAMPLES)
    keys = sum(map(name, islice(content, sampled)))
    values = sum(map(measure, islice(content.values(), sampled)))
    return block(getsizeof(content)) + (keys + values) * count // (sampled or 1)


def table_size(table: Table[Any], measure: Callable[[Any], int], name: Callable[[bytes], int] = text) -> int:
    """A Table likewise, judged by some of its buckets."""
    step = max(len(table.directory) // _BUCKETS, 1)
    buckets = [table.directory[index] for index in range(0, len(table.directory), step)]
    sampled = sum(map(len, buckets))
    whole = sum(dict_size(bucket, measure, name) for bucket in buckets)
    return OBJECT + 16 * len(table.directory) + whole * table.count // (sampled or 1)


def _nothing(_: Any) -> int:
    return 0


def _number(_: Any) -> int:
    return NUMBER


def _integer(value: int) -> int:
    return 0 if 0 <= value <= _SHARED_MAX else NUMBER


def _bytearray(value: bytearray) -> int:
    return 2 * OBJECT + value.__alloc__()


def _field(name: bytes) -> int:
    """A field's name, which other hashes may hold too (`hash.shared`)."""
    return text(name) // max(getrefcount(name) - _OWN_REFERENCES, 1)


def _hash(value: Hash) -> int:
    fields = value.fields
    size = dict_size(fields, text, _field) if isinstance(fields, dict) else table_size(fields, text, _field)
    return OBJECT + size + (_deadlines(value.deadlines) if value.deadlines is not None else 0)


def _deadlines(value: Deadlines) -> int:
    """A dict of times, and a heap of pairs."""
    return len(value) * (3 * SLOT + 2 * NUMBER + OBJECT)


def _set(value: Set) -> int:
    members = value.members
    return OBJECT + (dict_size(members, _nothing) if isinstance(members, dict) else table_size(members, _nothing))


def _sorted_set(value: SortedSet) -> int:
    if value.table is None:
        members = _mean(map(text, islice(value.members, _SAMPLES)), len(value.members))
        return 2 * OBJECT + members + block(getsizeof(value.members)) + block(getsizeof(value.scores))
    places = 20 * value.table.count  # a pointer and a score in the ranking, with room
    return 3 * OBJECT + table_size(value.table, _number) + places


def _list(value: List) -> int:
    form = value.form
    return OBJECT + (_quicklist(form) if isinstance(form, Quicklist) else _listpack(form))


def _quicklist(value: Quicklist) -> int:
    nodes = value.nodes
    if not nodes:
        return OBJECT
    sampled = (nodes[0], nodes[-1]) if len(nodes) > 1 else (nodes[0],)
    return OBJECT + getsizeof(nodes) + sum(map(_listpack, sampled)) * len(value) // sum(map(len, sampled))


def _listpack(value: Listpack) -> int:
    return block(getsizeof(value)) + value.size + _LISTED * len(value)


def _stream(value: Stream) -> int:
    nodes = value.nodes
    step = max(len(nodes) // _BUCKETS, 1)
    sampled = nodes[::step]
    entries = sum(len(node.ids) for node in sampled)
    size = sum(map(_node, sampled)) * value.length // (entries or 1)
    return 2 * OBJECT + block(getsizeof(nodes)) + size + sum(map(_group, value.groups.values()))


def _node(node: Node) -> int:
    """Its entries are tuples with their IDs beside; fields that are the node's own are not counted again."""
    shared = set(map(id, node.fields))
    entries = node.entries[:_SAMPLES]
    own = sum(text(word) for word in chain.from_iterable(entries) if id(word) not in shared)
    each = sum(block(getsizeof(entry) + 16) for entry in entries) + own
    lists = block(getsizeof(node.ids)) + block(getsizeof(node.entries))
    fields = sum(map(text, node.fields))
    return 3 * OBJECT + lists + fields + len(node.ids) * 48 + each * len(node.entries) // (len(entries) or 1)


def _group(group: Group) -> int:
    """Deliveries, each of them with its ID in the group's and its consumer's order."""
    pending = block(getsizeof(group.deliveries)) + len(group.deliveries) * (OBJECT + NUMBER + 48 + 16)
    return 4 * OBJECT + pending + len(group.consumers) * 6 * OBJECT


def _vector_set(value: VectorSet) -> int:
    vectors = value.vectors
    arrays = vectors.rows.size() + getsizeof(vectors.lengths) + getsizeof(vectors.ranges) + getsizeof(vectors.ids)
    names = _mean(map(text, islice(value.names, _SAMPLES)), len(value.names))
    attributes = dict_size(value.attributes, text)
    return 8 * OBJECT + arrays + names + getsizeof(value.names) + getsizeof(value.places) + attributes


def _mean(sizes: Iterable[int], count: int) -> int:
    """`count` times the mean of sizes."""
    sampled: Sequence[int] = list(sizes)
    return sum(sampled) * count // (len(sampled) or 1)


_MEASURES: dict[type, Callable[[Any], int]] = {
    bytes: text,
    int: _integer,
    bytearray: _bytearray,
    Hash: _hash,
    Set: _set,
    SortedSet: _sorted_set,
    List: _list,
    Stream: _stream,
    VectorSet: _vector_set,
}
