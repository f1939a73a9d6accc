"""A string value's three forms: `bytes`, `int` after arithmetic, `bytearray` once it was changed in place.

The forms are Redis's encodings embstr, int and raw. Clients see the same bytes.
"""

from pyredis.datatypes.numeric import is_canonical_int


def content(value: bytes | bytearray | int | None) -> bytes | bytearray:
    """The bytes of a string value; none for a missing key. Not to be changed."""
    if value is None:
        return b""
    return b"%d" % value if isinstance(value, int) else value


def buffer(value: bytes | bytearray | int | None) -> bytearray:
    """A string value for changing in place: itself if it can be, else a copy that has to be stored."""
    return value if isinstance(value, bytearray) else bytearray(content(value))


def plain(value: bytes | bytearray | int) -> bytes:
    """A string value as a reply: a copy, if it might be changed in place before the reply is written."""
    if value.__class__ is bytes:
        return value
    return b"%d" % value if isinstance(value, int) else bytes(value)


EMBEDDED_LIMIT = 41
"""Key and value, in bytes, that Redis 8.2 keeps in one piece; an expiry takes 8 of them."""


def encoding(value: bytes | bytearray | int, beside: int = 0) -> bytes:
    """What OBJECT ENCODING answers for a string; `beside` is the size of its key and expiry, bytes."""
    if value.__class__ is bytes and not is_canonical_int(value):
        return b"embstr" if len(value) + beside <= EMBEDDED_LIMIT else b"raw"
    return b"raw" if isinstance(value, bytearray) else b"int"
