"""Hashes: fields with values, some of which may expire.

A small hash (Redis's listpack) is one dict in order of insertion; a large one (Redis's hashtable) is a `Table`, which
can be scanned while it changes and has random fields. Once large it stays so. The same few field names recur in hash
after hash, so small hashes share them through one bounded store of names.

Expiring fields (Redis 7.4) have their times in `deadlines`, which most hashes never have. A field whose time has
passed is still there and counted until somebody deletes it: the callers decide who sees it. Small hashes with
`deadlines` (Redis's listpackex) list expiring fields first, soonest first; so a field is placed anew when its time is
changed, also when that is taken away.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import NamedTuple

from pyredis.datatypes.allocation import allocated, bulk_size, table_size
from pyredis.datatypes.deadlines import Deadlines
from pyredis.datatypes.listpack import EMPTY_SIZE, entry_size
from pyredis.datatypes.table import Table

LISTPACK, LISTPACK_EX, HASHTABLE = b"listpack", b"listpackex", b"hashtable"
_NAMES: dict[bytes, bytes] = {}
_MOST_NAMES = 4096
_LONGEST_NAME = 32
_NO_TIME_SIZE, _TIME_SIZE, _LISTPACK_EX_SIZE, _TIMED_TABLE_SIZE = 2, 10, 24, 32


class Limits(NamedTuple):
    """How many entries, and how many bytes in one of their words, a hash may have and be small."""

    entries: int
    bytes: int


def shared(name: bytes) -> bytes:
    """An equal name that other hashes hold too, if there is one; this one is offered to them."""
    found = _NAMES.get(name)
    if found is not None:
        return found
    if len(name) <= _LONGEST_NAME:
        if len(_NAMES) >= _MOST_NAMES:
            _NAMES.clear()  # names that recur are soon back
        _NAMES[name] = name
    return name


def _soonest_first(fields: dict[bytes, bytes], deadlines: Deadlines) -> list[bytes]:
    """Expiring fields by their time, of equal ones the last placed first, and then those that do not expire."""
    timed = [(when, name) for name in reversed(fields) if (when := deadlines.get(name)) is not None]
    timed.sort(key=itemgetter(0))
    return [name for _, name in timed] + [name for name in fields if deadlines.get(name) is None]


def interleaved(names: list[bytes], values: list[bytes]) -> list[bytes]:
    """Name, value, name, value, …"""
    words = names * 2
    words[::2], words[1::2] = names, values
    return words


class Hash:
    """bytes → bytes. `fields` is public for reading: its `get` and `in` work in both forms."""

    __slots__ = ("deadlines", "fields")

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] | Table[bytes] = {}
        self.deadlines: Deadlines | None = None

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def encoding(self) -> bytes:
        """Redis's name of the form."""
        if self.fields.__class__ is not dict:
            return HASHTABLE
        return LISTPACK if self.deadlines is None else LISTPACK_EX

    # Fields and values

    def put(self, field: bytes, value: bytes, limits: Limits) -> bool:
        """Store a field that is new or loses its time; True when it is new."""
        if self.deadlines is not None:
            self.persist(field)
        return self.update(field, value, limits)

    def update(self, field: bytes, value: bytes, limits: Limits) -> bool:
        """Store a field; one that is there keeps its time. True when it is new."""
        fields = self.fields
        if not isinstance(fields, dict):
            return fields.set(field, value)
        if len(value) > limits.bytes or len(field) > limits.bytes:
            return self.enlarge().set(field, value)
        if field in fields:
            fields[field] = value
            return False
        fields[shared(field)] = value
        if len(fields) > limits.entries:
            self.enlarge()
        return True

    def put_many(self, words: Sequence[bytes], limits: Limits, *, keep: bool = False) -> int:
        """`put`, or to `keep` times `update`, for field, value, field, value, …; returns how many are new.

        The hash becomes large at once if the words make it so, in whatever order they stand.
        """
        names, values = words[::2], words[1::2]
        fields = self.fields
        if isinstance(fields, dict):
            if len(names) <= limits.entries and max(map(len, words)) <= limits.bytes:
                put = self.update if keep else self.put
                return sum([put(name, value, limits) for name, value in zip(names, values, strict=True)])
            fields = self.enlarge()
        if self.deadlines is not None and not keep:
            for name in names:
                self.persist(name)
        return fields.update(names, values)

    def enlarge(self) -> Table[bytes]:
        """Take the large form."""
        self.fields = table = Table.filled(self.fields.items())
        return table

    def remove(self, field: bytes) -> bool:
        """Delete a field; False when it was not there."""
        if self.deadlines is not None:
            self.deadlines.pop(field)
        fields = self.fields
        if isinstance(fields, dict):
            return fields.pop(field, None) is not None
        return fields.pop(field) is not None

    def remove_many(self, names: Sequence[bytes]) -> int:
        """Delete fields; returns how many there were."""
        fields = self.fields
        if isinstance(fields, dict) or self.deadlines is not None:
            return sum(map(self.remove, names))
        return fields.discard(names)

    def get_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """The values of fields, None where there is none."""
        fields = self.fields
        return [*map(fields.get, names)] if isinstance(fields, dict) else fields.get_many(names)

    def names(self, now: int | None = None) -> list[bytes]:
        """The fields, in Redis's order when small; with a time those that are not overdue then."""
        deadlines = self.deadlines
        if deadlines is None:
            return list(self.fields)
        fields = self.fields
        names: Iterable[bytes] = _soonest_first(fields, deadlines) if isinstance(fields, dict) else fields
        if now is not None and deadlines.any_overdue(now):
            return [name for name in names if not deadlines.is_overdue(name, now)]
        return list(names)

    def values_of(self, names: Iterable[bytes]) -> list[bytes]:
        """The values of fields that are there."""
        fields = self.fields
        if isinstance(fields, dict):
            return list(map(fields.__getitem__, names))
        directory, mask = fields.directory, fields.mask
        return [directory[hash(name) & mask][name] for name in names]

    def words(self, now: int) -> list[bytes]:
        """Field, value, field, value, … of those that are not overdue then, in the order of `names`."""
        fields = self.fields
        if self.deadlines is not None:
            names = self.names(now)
            return interleaved(names, self.values_of(names))
        if isinstance(fields, dict):
            return [*chain.from_iterable(fields.items())]
        buckets = list(fields.buckets())
        return interleaved([*chain.from_iterable(buckets)], [*chain.from_iterable([one.values() for one in buckets])])

    # Times

    def with_deadlines(self) -> Deadlines:
        """The times of its fields, whose place is made now if there was none."""
        if self.deadlines is None:
            self.deadlines = Deadlines()
        return self.deadlines

    @property
    def next_expiry(self) -> int | None:
        """When the first of its fields expires, ms since 1970, or None."""
        return None if self.deadlines is None else self.deadlines.soonest()

    def expire_at(self, field: bytes, when: int) -> None:
        """Let an existing field expire at `when` ms since 1970."""
        self.with_deadlines().set(field, when)
        self._place_anew(field)

    def persist(self, field: bytes) -> bool:
        """Take a field's time away; False when it had none."""
        if self.deadlines is None or self.deadlines.pop(field) is None:
            return False
        self._place_anew(field)
        return True

    def expire_overdue(self, now: int, limit: int | None = None) -> list[bytes]:
        """Delete fields whose time has passed, soonest first, at most `limit`; returns which."""
        if self.deadlines is None:
            return []
        gone = self.deadlines.take_overdue(now, limit)
        for name in gone:
            self.remove(name)
        return gone

    def _place_anew(self, field: bytes) -> None:
        fields = self.fields
        if isinstance(fields, dict) and field in fields:
            fields[shared(field)] = fields.pop(field)

    # For the keyspace

    def copy(self) -> "Hash":
        """An independent copy, in the same form, with the same times."""
        twin = Hash()
        twin.fields = self.fields.copy()
        twin.deadlines = None if self.deadlines is None else self.deadlines.copy()
        return twin

    def memory_usage(self, samples: int) -> int:
        """The bytes Redis would take, judged by `samples` fields (0: all)."""
        fields = self.fields
        if isinstance(fields, dict):
            size = EMPTY_SIZE + sum(map(entry_size, fields)) + sum(map(entry_size, fields.values()))
            if self.deadlines is None:
                return allocated(size)
            timed = len(self.deadlines)
            times = timed * _TIME_SIZE + (len(fields) - timed) * _NO_TIME_SIZE
            return allocated(size + times) + _LISTPACK_EX_SIZE
        pairs = islice(fields.items(), samples or None)
        extra = 0 if self.deadlines is None else _TIMED_TABLE_SIZE
        return extra + table_size(len(fields), (bulk_size(name) + bulk_size(value) for name, value in pairs))
