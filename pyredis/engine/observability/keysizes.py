"""INFO's `# Keysizes`: how many values of each type have how many elements (strings: bytes), by powers of two.

Redis keeps these numbers with every change of a value; here they are counted when somebody asks, which costs writes
nothing and takes some 0.2 s a million keys. So INFO without a section's name shows them only while there are few keys.
"""

from collections import Counter
from typing import TYPE_CHECKING

from pyredis.engine.observability.info import Fields
from pyredis.keyspace.kinds import NAMES

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.keyspace.database import Database

FEW = 10_000
"""Up to so many keys `default` and `all` show the section: some 2 ms."""

_FIELDS = {
    b"string": "strings_sizes",
    b"list": "lists_items",
    b"set": "sets_items",
    b"zset": "zsets_items",
    b"hash": "hashes_items",
}
"""By type, in the order of INFO; of streams and vector sets nothing is told."""
_UNITS = ((1 << 60, "E"), (1 << 50, "P"), (1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K"))


class Keysizes:
    """The component that gives the section."""

    def __init__(self, engine: "Engine") -> None:
        self._databases = engine.keyspace.databases
        engine.info.add("Keysizes", self._fields, is_costly=self._is_costly)

    def _is_costly(self) -> bool:
        return sum(map(len, self._databases)) > FEW

    def _fields(self) -> Fields:
        return {
            f"db{db.index}_distrib_{name}": ",".join(f"{_bound(bits)}={counts[bits]}" for bits in sorted(counts))
            for db in self._databases
            if len(db)
            for name, counts in _counted(db).items()
            if counts
        }


def _counted(db: "Database") -> dict[str, Counter[int]]:
    """By field: how many values have a size of how many bits."""
    found = {name: Counter[int]() for name in _FIELDS.values()}
    untold = Counter[int]()
    by_class = {kind: found.get(_FIELDS.get(name, ""), untold) for kind, name in NAMES.items()}
    for bucket in db.table.buckets():
        for value in bucket.values():
            kind = value.__class__
            by_class[kind][(len(str(value)) if kind is int else len(value)).bit_length()] += 1
    return found


def _bound(bits: int) -> str:
    """The least number of so many bits, as INFO writes it: `512`, `1K`."""
    bound = 1 << bits >> 1
    for unit, letter in _UNITS:
        if bound >= unit:
            return f"{bound // unit}{letter}"
    return str(bound)
