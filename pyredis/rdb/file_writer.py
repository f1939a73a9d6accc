"""Writing an RDB file: a keyspace in, chunks of bytes out.

A chunk holds one bucket of the table of keys, a few hundred, so that whoever writes can do other things in between.
What is written, a keyspace or what it was at some time, must not change until the last one. It is for Redis 7.0
(RDB 10) unless a newer version is asked for, or fields of hashes expire, for which there must be 12. Valkey reads no
12, but its own 80, which is written where that is asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pyredis.rdb.checksum import crc64
from pyredis.rdb.encoding import int64_bytes, length_bytes, string_bytes
from pyredis.rdb.file_reader import AUX, END, EXPIRES_MS, FREQUENCY, IDLE, RESIZE, SELECT
from pyredis.rdb.payload import FUNCTION
from pyredis.rdb.point_in_time import AnyDatabase, AnyKeyspace
from pyredis.rdb.type_codes import FIELD_TIMES_VERSION, PORTABLE_VERSION, STRING, VALKEY_VERSION
from pyredis.rdb.value_writing import write_value

_BEFORE_STRING = [bytes((STRING, size)) for size in range(64)]
_BEFORE = [bytes((size,)) for size in range(64)]
_EXPIRES_MS = bytes((EXPIRES_MS,))

Usage = Callable[[AnyDatabase, bytes], bytes]


def idle_mark(seconds: int) -> bytes:
    """What stands before a key that was not used for so long."""
    return bytes((IDLE,)) + length_bytes(seconds)


def frequency_mark(frequency: int) -> bytes:
    """What stands before a key with an LFU counter."""
    return bytes((FREQUENCY, frequency))


def aux_fields(version: str, now: int, memory: int, *, aof_base: bool = False) -> list[tuple[bytes, bytes]]:
    """What Redis says about every file: the server's version, when it was written (ms since 1970), bytes of memory."""
    return [
        (b"redis-ver", version.encode()),
        (b"redis-bits", b"64"),
        (b"ctime", b"%d" % (now // 1000)),
        (b"used-mem", b"%d" % memory),
        (b"aof-base", b"%d" % aof_base),
    ]


def version_for(space: AnyKeyspace) -> int:
    """The lowest RDB version that can hold a keyspace."""
    return PORTABLE_VERSION if all(db.fields_due is None for db in space.databases) else FIELD_TIMES_VERSION


def write_rdb(
    space: AnyKeyspace,
    *,
    aux: Iterable[tuple[bytes, bytes]] = (),
    libraries: Iterable[bytes] = (),
    newest: int = PORTABLE_VERSION,
    compressing: bool = True,
    checksum: bool = True,
    usage: Usage | None = None,
    on_keys: Callable[[int], None] | None = None,
    keys: bool = True,
) -> Iterator[bytes]:
    """The chunks of a file, perhaps without `keys`.

    `usage` gives the mark before a key, if such are wanted, `on_keys` hears how many came.
    """
    newest = max(newest, version_for(space))
    crc = 0
    for chunk in _chunks(space.databases if keys else (), aux, libraries, newest, compressing, usage, on_keys):
        if checksum:
            crc = crc64(chunk, crc)
        yield chunk
    yield crc.to_bytes(8, "little")


def _chunks(
    databases: Sequence[AnyDatabase],
    aux: Iterable[tuple[bytes, bytes]],
    libraries: Iterable[bytes],
    newest: int,
    compressing: bool,
    usage: Usage | None,
    on_keys: Callable[[int], None] | None,
) -> Iterator[bytes]:
    """Everything but the checksum."""
    head = [(b"VALKEY%03d" if newest >= VALKEY_VERSION else b"REDIS%04d") % newest]
    head += (bytes((AUX,)) + string_bytes(name) + string_bytes(value) for name, value in aux)
    head += (bytes((FUNCTION,)) + string_bytes(code, compressing) for code in libraries)
    yield b"".join(head)
    for db in databases:
        if len(db):
            yield b"".join((bytes((SELECT,)), length_bytes(db.index), bytes((RESIZE,)), *_sizes(db)))
            for bucket in db.table.buckets():
                yield b"".join(_bucket_parts(db, bucket, newest, compressing, usage))
                if on_keys is not None:
                    on_keys(len(bucket))
    yield bytes((END,))


def _sizes(db: AnyDatabase) -> tuple[bytes, bytes]:
    return length_bytes(len(db)), length_bytes(db.expires.count)


def _bucket_parts(
    db: AnyDatabase, bucket: dict[bytes, Any], newest: int, compressing: bool, usage: Usage | None
) -> list[bytes]:
    """The keys of a bucket. Short strings at short keys, by far the most, are written right here."""
    parts: list[bytes] = []
    times = db.expires.get if db.expires.count else None
    for key, value in bucket.items():
        if times is not None and (when := times(key)) is not None:
            parts += (_EXPIRES_MS, int64_bytes(when))
        if usage is not None:
            parts.append(usage(db, key))
        size = len(key)
        # What sorts behind the digits is no integer, and short enough to be one are 11 bytes.
        if value.__class__ is bytes and size < 64 and (size > 11 or key > b":"):
            length = len(value)
            if length < 64 and (length > 11 or value > b":"):
                parts += (_BEFORE_STRING[size], key, _BEFORE[length], value)
            else:
                parts += (_BEFORE_STRING[size], key, string_bytes(value, compressing))
            continue
        code, body = write_value(value, newest, compressing)
        parts += (bytes((code,)), string_bytes(key, compressing), body)
    return parts
