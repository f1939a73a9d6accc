"""How much memory a key takes: an estimate of what Redis 8.2 would say, not of Python's own use.

Redis stores key and value in one block when they fit in 64 bytes, else a longer string apart; every block is
rounded up to a size class of jemalloc. Values of other types estimate themselves by `memory_usage(samples)`.
"""

from sys import getsizeof
from typing import Any

from pyredis.datatypes.allocation import allocated, string_size
from pyredis.keyspace.database import Database

_HEADER = 16
_EXPIRY = 8
_EMBEDDED_MAX = 64


def memory_usage(db: Database, key: bytes, samples: int) -> int | None:
    """Bytes of a key with its value, or None; containers look at `samples` elements, all if 0."""
    value: Any = db.peek(key)
    if value is None:
        return None
    size = _HEADER + 1 + string_size(len(key), tiny=True)
    if db.expire_time(key) is not None:
        size += _EXPIRY
    if not isinstance(value, (bytes, bytearray, int)):
        return allocated(size) + _estimate(value, samples)
    if isinstance(value, int) or _is_integer(value):
        return allocated(size)
    whole = size + string_size(len(value))
    if whole <= _EMBEDDED_MAX and not isinstance(value, bytearray):
        return allocated(whole)
    return allocated(size) + allocated(string_size(len(value)))


def _is_integer(value: bytes | bytearray) -> bool:
    """Whether Redis keeps the string as an integer."""
    if isinstance(value, bytearray) or len(value) > 20:
        return False
    digits = value[1:] if value[:1] == b"-" else value
    return digits.isdigit() and (digits[:1] != b"0" or value == b"0") and -(1 << 63) <= int(value) < 1 << 63


def _estimate(value: Any, samples: int) -> int:
    measure = getattr(value, "memory_usage", None)
    return int(measure(samples)) if measure else getsizeof(value)
