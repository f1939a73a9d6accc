"""Digests of values and of the whole dataset, those of DEBUG DIGEST and DIGEST-VALUE (Redis 7.4, `debug.c`).

What has an order is mixed in, so that the order counts; what has none is combined by exclusive or. Two servers with
the same digest hold the same data, whatever the encodings.
"""

from collections.abc import Callable
from hashlib import sha1
from typing import Any

from pyredis.datatypes.hash import Hash
from pyredis.datatypes.list import List
from pyredis.datatypes.numeric import shortest_double
from pyredis.datatypes.set import Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream
from pyredis.datatypes.stream_id import format_id
from pyredis.datatypes.text import content
from pyredis.datatypes.vector_set import VectorSet
from pyredis.keyspace.database import Database, Keyspace, SlottedDatabase
from pyredis.keyspace.kinds import type_name

_TYPE_NUMBERS = {b"string": 0, b"list": 1, b"set": 2, b"zset": 3, b"hash": 4, b"vectorset": 5, b"stream": 6}


def _number(data: bytes) -> int:
    """The SHA1 of some bytes, as a number."""
    return int.from_bytes(sha1(data, usedforsecurity=False).digest(), "big")


def _again(digest: int) -> int:
    """The SHA1 of a digest."""
    return _number(digest.to_bytes(20, "big"))


def _mixed(digest: int, data: bytes) -> int:
    """The digest with `data` mixed in: the order of such steps counts."""
    return _again(digest ^ _number(data))


def _list(digest: int, value: List) -> int:
    for element in value:
        digest = _mixed(digest, element)
    return digest


def _set(digest: int, value: Set) -> int:
    for member in value.members:
        digest ^= _number(member)
    return digest


def _sorted_set(digest: int, value: SortedSet) -> int:
    for member, score in value.items():
        digest ^= _again(_mixed(_mixed(0, member), shortest_double(score)))
    return digest


def _hash(digest: int, value: Hash) -> int:
    names = value.names()
    for name, word in zip(names, value.values_of(names), strict=True):
        part = _mixed(_mixed(0, name), word)
        if value.deadlines is not None and value.deadlines.get(name) is not None:
            part ^= _number(b"!!hexpire!!")
        digest ^= _again(part)
    return digest


def _stream(digest: int, value: Stream) -> int:
    for id, words in value.range():
        digest = _mixed(digest, format_id(id).replace(b"-", b"."))
        for word in words:
            digest = _mixed(digest, word)
    return digest


def _vector_set(digest: int, value: VectorSet) -> int:
    whole = _again(_mixed(_mixed(0, b"%d" % len(value)), b"%d" % value.dimension))
    for row, element in enumerate(value.names):
        part = _mixed(_mixed(0, value.vectors.raw(row)), element)
        attributes = value.attributes.get(element)
        whole ^= _again(part if attributes is None else _mixed(part, attributes))
    return digest ^ _again(whole)


def _string(digest: int, value: bytes | bytearray | int) -> int:
    return _mixed(digest, bytes(content(value)))


_PARTS: dict[type, Callable[[int, Any], int]] = {
    bytes: _string,
    bytearray: _string,
    int: _string,
    List: _list,
    Set: _set,
    SortedSet: _sorted_set,
    Hash: _hash,
    Stream: _stream,
    VectorSet: _vector_set,
}


def _with_value(digest: int, db: Database, key: bytes, value: Any) -> int:
    digest = _mixed(digest, _TYPE_NUMBERS[type_name(value)].to_bytes(4, "big"))
    digest = _PARTS[value.__class__](digest, value)
    if db.expire_time(key) is not None:
        digest ^= _number(b"!!expire!!")
    return digest


def digest_of_value(db: Database, key: bytes) -> bytes:
    """DEBUG DIGEST-VALUE of one key: 40 hexadecimal digits, zeros when it does not exist."""
    value = db.peek(key)
    return b"%040x" % (0 if value is None else _with_value(0, db, key, value))


def digest_of_dataset(space: Keyspace) -> bytes:
    """DEBUG DIGEST: 40 hexadecimal digits, zeros when there is no key at all."""
    digest = 0
    for db in space.databases:
        if not len(db):
            continue
        digest = _mixed(digest, db.index.to_bytes(4, "big"))
        for key, value in db.table.items():
            digest ^= _of_key(db, key, value)
    return b"%040x" % digest


def digest_of_slot(db: SlottedDatabase, slot: int) -> bytes:
    """The same of a slot's keys: equal on two nodes that have them all."""
    digest = 0
    for key in db.keys_in_slot(slot, db.count_in_slot(slot)):
        digest ^= _of_key(db, key, db.table.get(key))
    return b"%040x" % digest


def _of_key(db: Database, key: bytes, value: Any) -> int:
    return _again(_with_value(_mixed(0, key), db, key, value))
