"""The payload of DUMP and of FUNCTION DUMP: what a file would hold, then 2 bytes of RDB version and 8 of CRC-64.

A payload is refused before it is read when its version is not known or its checksum is wrong. As Redis and Valkey go
different ways from version 12 on, both their newest versions are known here; what is written names the oldest that
holds it, of those up to Redis 8.2's.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pyredis.datatypes.collection_limits import CollectionLimits
from pyredis.rdb.checksum import crc64
from pyredis.rdb.encoding import CorruptData, Reader, string_bytes
from pyredis.rdb.type_codes import (
    FIELD_TIMES_VERSION,
    NEWEST_FILE_VERSION,
    PORTABLE_VERSION,
    VALKEY_VERSION,
    integrity_text,
    version_of,
)
from pyredis.rdb.value_reading import read_value
from pyredis.rdb.value_writing import write_value

NEWEST_VERSION = FIELD_TIMES_VERSION
"""The newest RDB version that is written: Redis 7.4's to 8.2's."""

FUNCTION, FUNCTION_BEFORE_7 = 0xF5, 0xF6
_FOOTER = 10


class WrongPayload(Exception):
    """The payload's version is not known, or its checksum is wrong."""


class NoLibrary(Exception):
    """What stands in a payload of FUNCTION DUMP is no library; `text` is Redis's error."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


def is_known(version: int) -> bool:
    """Whether an RDB version of Redis or Valkey can be read."""
    return version <= NEWEST_FILE_VERSION or version == VALKEY_VERSION


def _sealed(body: bytes, version: int) -> bytes:
    body += version.to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")


def _opened(payload: bytes, verifying: bool) -> tuple[Reader, int]:
    """A cursor over what stands before the footer, and the RDB version. Raises WrongPayload."""
    end = len(payload) - _FOOTER
    if end < 0:
        raise WrongPayload
    version = int.from_bytes(payload[end : end + 2], "little")
    if not is_known(version):
        raise WrongPayload
    if verifying and crc64(memoryview(payload)[:-8]) != int.from_bytes(payload[-8:], "little"):
        raise WrongPayload
    return Reader(payload, 0, end), version


def dump(value: Any) -> bytes:
    """DUMP's payload of a value, for Redis 7.0 and later unless fields expire.

    Nothing is packed: in Python that takes 0.2 µs a byte, while everybody waits.
    """
    code, body = write_value(value, compressing=False)
    return _sealed(bytes((code,)) + body, version_of(code))


def restore(payload: bytes, limits: CollectionLimits, *, verifying: bool = True) -> Any:
    """The value in a payload. Raises WrongPayload, and CorruptData for what is not to be trusted.

    The checksum counts if `verifying`. What may follow the value, Redis does not look at either.
    """
    reader, version = _opened(payload, verifying)
    code = reader.byte()
    try:
        return read_value(code, reader, limits, version)
    except CorruptData as fault:
        raise CorruptData(fault.offset, integrity_text(code, fault.reason))


def dump_libraries(codes: Iterable[bytes]) -> bytes:
    """FUNCTION DUMP's payload of libraries, given by their code."""
    return _sealed(b"".join(bytes((FUNCTION,)) + string_bytes(code) for code in codes), PORTABLE_VERSION)


def restore_libraries(payload: bytes, *, verifying: bool = True) -> Iterator[bytes]:
    """The code of each library in a payload, in turn. Raises WrongPayload at once, NoLibrary on the way."""
    reader, _ = _opened(payload, verifying)
    return _libraries(reader)


def _libraries(reader: Reader) -> Iterator[bytes]:
    while reader.at < reader.end:
        mark = reader.byte()
        if mark == FUNCTION_BEFORE_7:
            raise NoLibrary(b"Pre-GA function format not supported")
        if mark != FUNCTION:
            raise NoLibrary(b"given type is not a function")
        try:
            yield reader.string()
        except CorruptData:
            raise NoLibrary(b"Failed loading library payload")
