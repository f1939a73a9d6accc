"""What a snapshot holds, and emptying what a load fills: the keys of all databases and the libraries of functions.

Libraries belong to a service that persistence does not know; `assembly` says how they are listed and taken in.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import pyredis
from pyredis.engine.memory.used_memory import Memory
from pyredis.keyspace.access import Access
from pyredis.persistence.aof_format import annotation
from pyredis.persistence.dataset_commands import commands_of
from pyredis.persistence.save_progress import SaveProgress
from pyredis.rdb.file_writer import Usage, aux_fields, frequency_mark, idle_mark, write_rdb
from pyredis.rdb.point_in_time import AnyDatabase, AnyKeyspace
from pyredis.rdb.type_codes import PORTABLE_VERSION

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

_MICROSECONDS = 1_000_000
Aux = list[tuple[bytes, bytes]]
Dropped = list[tuple[int, bytes]]
"""Databases and keys that were past their time when they were loaded."""


class Dataset:
    """A component."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.libraries: Callable[[], Iterable[bytes]] = lambda: ()
        self.take_libraries: Callable[[Iterable[bytes], bool], None] = lambda codes, replacing: None
        self.drop_libraries: Callable[[], None] = lambda: None
        self.verifying = True  # checksums; DEBUG SET-SKIP-CHECKSUM-VALIDATION ends it
        self.on_replaced: list[Callable[[], None]] = []
        self.place: Callable[[], Aux] = list  # in the replication stream
        self.take_place: Callable[[dict[bytes, bytes], Dropped], None] = lambda aux, dropped: None  # at the start

    def rdb_chunks(
        self,
        space: AnyKeyspace | None = None,
        *,
        aof_base: bool = False,
        keys: bool = True,
        libraries: bool = True,
        newest: int = PORTABLE_VERSION,
    ) -> Iterator[bytes]:
        """The bytes of an RDB file, as configured, of everything there is or was, or with no `keys` or `libraries`."""
        engine = self._engine
        aux = aux_fields(pyredis.REDIS_VERSION, engine.clock.now_ms(), engine[Memory].used(), aof_base=aof_base)
        delay = engine.config["rdb-key-save-delay"]
        return write_rdb(
            space or engine.keyspace,
            keys=keys,
            newest=newest,
            aux=aux + self.place(),
            libraries=list(self.libraries()) if libraries else (),
            compressing=engine.config["rdbcompression"],
            checksum=engine.config["rdbchecksum"],
            usage=self._delayed if delay else self._usage(),
            on_keys=None if space is None else engine[SaveProgress].written,
        )

    def command_chunks(self) -> Iterator[bytes]:
        """The same as commands that build it."""
        engine = self._engine
        if engine.config["aof-timestamp-enabled"]:
            yield annotation(engine.clock.now_ms())
        delay = engine.config["rdb-key-save-delay"]
        for chunk in commands_of(engine.keyspace, self.libraries()):
            yield chunk
            if delay:
                engine.clock.sleep(max(delay, 0) / _MICROSECONDS)

    def clear(self) -> None:
        """Drop every key and library."""
        for db in self._engine.keyspace.databases:
            db.flush()
        self.drop_libraries()

    def replaced(self) -> None:
        """What was just loaded is how things are: no change."""
        for db in self._engine.keyspace.databases:
            db.dirty = 0
        for hear in self.on_replaced:
            hear()

    def _usage(self) -> Usage | None:
        """What a file says of how keys are used: what the eviction policy goes by."""
        access, databases = self._engine[Access], self._engine.keyspace.databases
        policy = self._engine.config["maxmemory-policy"]
        if policy.endswith("lfu"):
            return lambda db, key: frequency_mark(access.frequency(databases[db.index], key))
        if policy.endswith("lru"):
            return lambda db, key: idle_mark(access.idle_ms(databases[db.index], key) // 1000)
        return None

    def _delayed(self, db: AnyDatabase, key: bytes) -> bytes:
        """For tests: a file takes long to write."""
        self._engine.clock.sleep(max(self._engine.config["rdb-key-save-delay"], 0) / _MICROSECONDS)
        return b""
