"""Hashes of Redis 8.10 that share their fields: a template has the fields, a hash its number and the values.

In a file templates stand before the keys, each behind a mark of its own: number, count, fields. There a hash is type
30, a listpack of the template's number and the values, or 32, the number and each value as a string. In a payload,
which has no templates beside it, types 29 and 31 bring the fields along: a zero, a listpack of them, and then the
listpack of 30, whose number means nothing elsewhere, or the strings of 32.
"""

from collections.abc import Mapping

from pyredis.datatypes.numeric import parse_int
from pyredis.rdb.encoding import Reader
from pyredis.rdb.listpack_forms import read_listpack

OWN_LISTPACK, SHARED_LISTPACK, OWN_STRINGS, SHARED_STRINGS = range(29, 33)
TYPES = frozenset((OWN_LISTPACK, SHARED_LISTPACK, OWN_STRINGS, SHARED_STRINGS))
LISTPACKS = frozenset((OWN_LISTPACK, SHARED_LISTPACK))

Templates = Mapping[int, list[bytes]]
"""Fields by the number of their template."""


def read_template(reader: Reader) -> tuple[int, list[bytes]]:
    """A template, behind its mark: its number and its fields. Raises CorruptData."""
    number, count = reader.length(), reader.length()
    return number, [reader.string() for _ in range(count)]


def read_words(reader: Reader, code: int, templates: Templates) -> list[bytes]:
    """The fields and values in turn of a hash of the type `code`. Raises CorruptData."""
    own = None
    if code in (OWN_LISTPACK, OWN_STRINGS):
        if reader.length():
            raise reader.corrupt("hash: fields of its own in an unknown form")
        own = read_listpack(reader.string())
    if code in LISTPACKS:
        number, *values = read_listpack(reader.string()) or [b""]
        fields = _fields(reader, parse_int(number), templates) if own is None else own
    else:
        fields = _fields(reader, reader.length(), templates) if own is None else own
        values = [reader.string() for _ in fields]
    if not fields or len(fields) != len(values):
        raise reader.corrupt(f"hash: {len(values)} values for {len(fields)} fields of a template")
    return [word for pair in zip(fields, values, strict=True) for word in pair]


def _fields(reader: Reader, number: int | None, templates: Templates) -> list[bytes]:
    fields = None if number is None else templates.get(number)
    if fields is None:
        raise reader.corrupt(f"hash: no template has the number {number}")
    return fields
