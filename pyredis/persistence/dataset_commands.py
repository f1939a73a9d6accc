"""A keyspace as the commands that build it: the base of a log without `aof-use-rdb-preamble`.

As in Redis 7.4: collections in commands of at most 64 elements, expiries as PEXPIREAT and HPEXPIREAT behind, a stream
as its entries, its counters, its groups and what is pending. A vector set, for which there is no such command, is
RESTOREd. The keyspace must not change until the last chunk.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pyredis.datatypes.consumer_group import Group
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.list import List
from pyredis.datatypes.numeric import format_double
from pyredis.datatypes.set import Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream
from pyredis.datatypes.stream_id import format_id
from pyredis.datatypes.text import plain
from pyredis.keyspace.database import Database, Keyspace
from pyredis.protocol.encoder import encode_command
from pyredis.rdb.payload import dump

_ELEMENTS = 64
Words = Sequence[bytes]


def commands_of(space: Keyspace, libraries: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Chunks of bytes; `libraries` are the codes of libraries of functions."""
    for code in libraries:
        yield encode_command((b"FUNCTION", b"LOAD", code))
    for db in space.databases:
        if not len(db):
            continue
        yield encode_command((b"SELECT", b"%d" % db.index))
        for key, value in db.table.items():
            yield b"".join(map(encode_command, key_commands(db, key, value)))


def key_commands(db: Database, key: bytes, value: Any) -> Iterator[tuple[bytes, ...]]:
    """What makes one key."""
    build = _BUILDERS.get(value.__class__)
    if build is None:
        yield b"RESTORE", key, b"0", dump(value)
    else:
        yield from build(key, value)
    when = db.expires.get(key)
    if when is not None:
        yield b"PEXPIREAT", key, b"%d" % when


def _string(key: bytes, value: bytes | bytearray | int) -> Iterator[tuple[bytes, ...]]:
    yield b"SET", key, plain(value)


def _list(key: bytes, value: List) -> Iterator[tuple[bytes, ...]]:
    return _batches(b"RPUSH", key, list(value), _ELEMENTS)


def _set(key: bytes, value: Set) -> Iterator[tuple[bytes, ...]]:
    return _batches(b"SADD", key, value.in_order(), _ELEMENTS)


def _sorted_set(key: bytes, value: SortedSet) -> Iterator[tuple[bytes, ...]]:
    words = [word for member, score in value.items() for word in (format_double(score), member)]
    return _batches(b"ZADD", key, words, 2 * _ELEMENTS)


def _hash(key: bytes, value: Hash) -> Iterator[tuple[bytes, ...]]:
    names = list(value.fields)
    words = [word for pair in zip(names, value.values_of(names), strict=True) for word in pair]
    yield from _batches(b"HMSET", key, words, 2 * _ELEMENTS)
    if value.deadlines is not None:
        for name in names:
            when = value.deadlines.get(name)
            if when is not None:
                yield b"HPEXPIREAT", key, b"%d" % when, b"FIELDS", b"1", name


def _batches(name: bytes, key: bytes, words: list[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    for at in range(0, len(words), size):
        yield name, key, *words[at : at + size]


def _stream(key: bytes, value: Stream) -> Iterator[tuple[bytes, ...]]:
    for id, words in value.range():
        yield b"XADD", key, format_id(id), *words
    last = format_id(value.last_id)
    if not len(value):
        # An entry that is dropped at once leaves an empty stream behind; no ID may be zero.
        first = last if value.last_id else b"0-1"
        yield b"XADD", key, b"MAXLEN", b"0", first, b"x", b"y"
    added, deleted = b"%d" % value.entries_added, format_id(value.max_deleted_id)
    yield b"XSETID", key, last, b"ENTRIESADDED", added, b"MAXDELETEDID", deleted
    for name, group in value.groups.items():
        yield from _group(key, name, group)


def _group(key: bytes, name: bytes, group: Group) -> Iterator[tuple[bytes, ...]]:
    read = b"%d" % group.entries_read
    yield b"XGROUP", b"CREATE", key, name, format_id(group.last_id), b"ENTRIESREAD", read
    for consumer in group.consumers.values():
        if not consumer.count:
            yield b"XGROUP", b"CREATECONSUMER", key, name, consumer.name
        for id in consumer.pending:
            delivery = group.deliveries[id]
            said = (b"TIME", b"%d" % delivery.time, b"RETRYCOUNT", b"%d" % delivery.count, b"JUSTID", b"FORCE")
            yield b"XCLAIM", key, name, consumer.name, b"0", format_id(id), *said


_BUILDERS: dict[type, Callable[[bytes, Any], Iterator[tuple[bytes, ...]]]] = {
    bytes: _string,
    bytearray: _string,
    int: _string,
    List: _list,
    Set: _set,
    SortedSet: _sorted_set,
    Hash: _hash,
    Stream: _stream,
}
