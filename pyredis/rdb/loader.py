"""Filling a keyspace from an RDB file, as a server does when it starts.

Nothing here counts as a change, and nobody is told. A master drops what has expired meanwhile; a replica keeps it,
for its master says when it goes, and so does who will replay a log upon it. A key that is there already is an error,
unless the file is to be merged with what there is.
"""

import logging
from collections.abc import Callable

from pyredis.datatypes.collection_limits import CollectionLimits
from pyredis.keyspace.database import Keyspace
from pyredis.rdb.encoding import CorruptData
from pyredis.rdb.file_reader import Aux, EmptyKey, Event, Key, Library, ModuleData, RdbReader, Resize

_EMPTY_LOGGED = 10
_SECOND = 1000
_OTHER_AUX = (b"redis-bits", b"repl-stream-db", b"repl-id", b"repl-offset", b"lua", b"aof-base", b"ctime", b"used-mem")
"""What a file may say that is known, and not worth a line of the log."""
_ANNOUNCED_MAX, _ANNOUNCED_PER_BYTE = 1 << 20, 16
"""Keys for which room is made before they come, a third of a byte each: so many, or so many for each byte that came."""
OnUsage = Callable[[int, bytes, int | None, int | None], None]


class Loader:
    """Feeds a file to a keyspace. `keys`, `expired` and `empty` count; `aux` is what the file says about itself.

    `libraries` are the codes that were found, for the caller to load. `on_usage` gets database, key, idle seconds and
    frequency of keys that come with either, `on_expired` database and key of what is dropped.
    `log` names the first empty keys.
    """

    def __init__(
        self,
        space: Keyspace,
        limits: CollectionLimits,
        *,
        dropping_expired: bool = True,
        merging: bool = False,
        verifying: bool = True,
        on_usage: OnUsage | None = None,
        on_expired: Callable[[int, bytes], None] | None = None,
        log: logging.Logger | None = None,
    ) -> None:
        self.reader = RdbReader(limits, verifying=verifying)
        self.keys = self.expired = self.empty = 0
        self.aux: dict[bytes, bytes] = {}
        self.libraries: list[bytes] = []
        self._space = space
        self._dropping_expired = dropping_expired
        self._merging = merging
        self._announced: set[int] = set()  # databases whose size was told
        self._fed = self._reserved = 0  # bytes, and keys for which there is room
        self._on_usage = on_usage
        self._on_expired = on_expired
        self._log = log

    def feed(self, data: bytes) -> None:
        """Load what is whole now. Raises CorruptData."""
        self._fed += len(data)
        self._take(self.reader.feed(data))

    def finish(self) -> None:
        """The file ends here. Raises CorruptData when it is not whole."""
        self._take(self.reader.finish())

    def _take(self, events: list[Event]) -> None:
        databases, now = self._space.databases, self._space.now
        for event in events:
            if event.__class__ is not Key:
                self._take_other(event)
                continue
            index, name, value, expires, idle, frequency = event
            if index >= len(databases):
                raise CorruptData(self.reader.offset, f"a key of database {index}, and there are {len(databases)}")
            if expires is not None and expires < now and self._dropping_expired:
                self.expired += 1
                if self._on_expired is not None:
                    self._on_expired(index, name)
                continue
            if not databases[index].load(name, value, expires) and not self._merging:
                raise CorruptData(self.reader.offset, f"the key {name[:64]!r} is in database {index} already")
            self.keys += 1
            if (idle is not None or frequency is not None) and self._on_usage is not None:
                self._on_usage(index, name, idle, frequency)

    def _take_other(self, event: Event) -> None:
        if isinstance(event, Aux):
            self.aux[event.name] = event.value
            self._tell_of(event)
        elif isinstance(event, Resize):
            if event.db < len(self._space.databases) and event.db not in self._announced:
                self._announced.add(event.db)  # once: a file that announces again and again makes no work
                db = self._space.databases[event.db]
                db.table.reserve(self._believed(event.keys))
                db.expires.reserve(self._believed(event.expires))
        elif isinstance(event, Library):
            self.libraries.append(event.code)
        elif isinstance(event, EmptyKey):
            self.empty += 1
            if self._log is not None and self.empty <= _EMPTY_LOGGED:
                name = event.name.decode("utf-8", "backslashreplace")
                self._log.info("rdbLoadObject skipping empty key: %s", name)
        elif isinstance(event, ModuleData):
            raise CorruptData(self.reader.offset, f"data of the module '{event.module}', which is not here")

    def _tell_of(self, event: Aux) -> None:
        """Log what the file says of where it comes from."""
        name, text = event.name, event.value.decode("utf-8", "backslashreplace")
        if self._log is None:
            return
        if name in (b"redis-ver", b"valkey-ver"):
            self._log.info("Loading RDB produced by version %s", text)
        elif name == b"ctime" and text.isdigit():
            self._log.info("RDB age %d seconds", self._space.now // _SECOND - int(text))
        elif name == b"used-mem" and text.isdigit():
            self._log.info("RDB memory usage when created %.2f Mb", int(text) / (1 << 20))
        elif name == b"aof-base" and text == "1":
            self._log.info("RDB is base AOF")
        elif name not in _OTHER_AUX:
            self._log.debug("Unrecognized RDB AUX field: '%s'", name.decode("utf-8", "backslashreplace"))

    def _believed(self, keys: int) -> int:
        """How many of the keys that are announced there shall be room for: the file may be wrong, or lie."""
        most = max(_ANNOUNCED_MAX, _ANNOUNCED_PER_BYTE * self._fed) - self._reserved
        keys = max(min(keys, most), 0)
        self._reserved += keys
        return keys
