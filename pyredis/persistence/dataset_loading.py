"""Filling the dataset when the server starts: from the append-only log if that is on, else from the RDB file.

The server listens already, and answers what needs no data; everything else is told that it is LOADING. A load is a
generator: it runs in slices between which the loop has its turn, or all at once where there is none. What is wrong
with a file goes to the log in Redis's words, and ends the load; only a log whose last file is cut short is repaired,
with `aof-load-truncated`, by cutting off what is not whole. Times are ms unless said, sizes bytes.
"""

import contextlib
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pyredis.engine.execution import gates
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import CommandError
from pyredis.keyspace.access import Access
from pyredis.keyspace.database import Keyspace
from pyredis.persistence.aof_format import RDB_MAGIC, VALKEY_MAGIC, BadFormat, CutShort, LogReader
from pyredis.persistence.aof_manifest import ManifestError
from pyredis.persistence.append_log import OFF, AppendLog
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.disk import Disk
from pyredis.persistence.log_files import LogFiles
from pyredis.persistence.replay import CannotReplay, Replay
from pyredis.persistence.rewriting import Rewriting
from pyredis.rdb.encoding import CorruptData, Truncated
from pyredis.rdb.file_check import Check, CheckFailed
from pyredis.rdb.loader import Loader

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields

_NO_RDB = "Wrong signature trying to load DB from file"
_FATAL = "Fatal error loading the DB, check server logs. Exiting."
_SECOND = 1000
_SECOND_US = 1_000_000
Steps = Iterator[None]
Done = Callable[["LoadingFailed | None"], None]


class LoadingFailed(Exception):
    """The dataset could not be loaded; the log says why. The text is what it is to end with, if not what is usual."""


def _is_foreign(fault: CorruptData, loader: Loader) -> bool:
    """Whether a file is no RDB file that could be read, by its first bytes."""
    return not loader.reader.version and not isinstance(fault, Truncated)


class Loading:
    """A component. `total` and `loaded` are bytes of the files that are read."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._log = engine.log
        self._disk = engine[Disk]
        self._files = engine[LogFiles]
        self._dataset = engine[Dataset]
        self.total = self.loaded = 0
        self.keys_loaded = self.keys_expired = 0
        self.aux: dict[bytes, bytes] = {}  # what the last snapshot said of itself
        self._dropped: list[tuple[int, bytes]] = []  # of it: databases and keys past their time
        self._started = 0
        self._snapshot_memory = 0
        self._steps: Steps = iter(())
        self._done: Done = lambda failure: None
        engine.info.add("Persistence", self._fields)

    @property
    def active(self) -> bool:
        """Whether a load is going on."""
        return bool(self._engine.gates & gates.LOADING)

    # Running

    def at_start(self) -> Steps:
        """What a server loads when it starts; then its log is open."""
        began = self._engine.clock.now_ms()
        if self._config["appendonly"]:
            if (yield from self._log_steps()):
                self._log.info("DB loaded from append only file: %.3f seconds", self._seconds_since(began))
            try:
                self._engine[Rewriting].open_at_start()
            except OSError as error:
                self._log.warning("Can't begin the append only log: %s", error.strerror)
                raise LoadingFailed from None
            self._files.delete_history()
        elif (yield from self._first_snapshot_steps()):
            self._log.info("DB loaded from disk: %.3f seconds", self._seconds_since(began))

    def from_log(self) -> Steps:
        """DEBUG LOADAOF: the dataset anew, from what the log holds."""
        if self._engine[AppendLog].state != OFF:
            self._engine[AppendLog].flush(force=True)
        self._dataset.clear()
        yield from self._log_steps()
        self._log.info("Append Only File loaded by DEBUG LOADAOF")

    def from_snapshot(self, path: Path, *, flushing: bool, merging: bool) -> Steps:
        """DEBUG RELOAD: the dataset anew from an RDB file, or what it holds beside what there is."""
        if flushing:
            self._dataset.clear()
        if not (yield from self._rdb_steps(path, merging=merging)):
            self._log.warning("Fatal error: can't open the RDB file %s", path.name)
            raise LoadingFailed

    def from_master(self, path: Path) -> Steps:
        """The dataset anew, as a master sent it: what has expired stays, for the master says when it goes."""
        self._dataset.clear()
        if not (yield from self._rdb_steps(path, dropping_expired=False)):
            self._log.warning("Fatal error: can't open the RDB file %s", path.name)
            raise LoadingFailed

    def begin(self, steps: Steps, done: Done) -> None:
        """Load in slices; `done` hears how it went. The first slice is run at once."""
        self._steps, self._done = steps, done
        self.enter()
        self._go_on()

    def run(self, steps: Steps) -> None:
        """Load all at once. Raises LoadingFailed."""
        self._steps = steps
        self.enter()
        try:
            while self._slice():
                pass
        finally:
            self.leave()

    def _go_on(self) -> None:
        failure = None
        try:
            if self._slice():
                self._engine.host.soon(self._go_on)
                return
        except LoadingFailed as fault:
            failure = fault
        except Exception:
            self._log.exception("Error while loading")
            failure = LoadingFailed()
        self.leave()
        self._done(failure)

    def _slice(self) -> bool:
        """One step; whether there are more."""
        try:
            next(self._steps)
        except StopIteration:
            return False
        return True

    def enter(self) -> None:
        """The dataset is not there until `leave`."""
        self.total = self.loaded = self._snapshot_memory = 0
        self._started = self._engine.clock.now_ms()
        self._engine[Propagation].mute(True)
        self._engine.gates |= gates.LOADING
        self._engine[ExpiryView].update()

    def leave(self) -> None:
        """It is there."""
        self._engine[Propagation].mute(False)
        self._engine.gates &= ~gates.LOADING
        self._engine[ExpiryView].update()
        self._dataset.replaced()

    # The log

    def _log_steps(self) -> Generator[None, None, bool]:
        """Load base and increments; whether there were such."""
        files = self._files
        try:
            files.read_manifest()
            files.upgrade()
            found = files.manifest.files
            self.total = sum(files.size(file.name) for file in found)
        except (OSError, ManifestError):
            raise LoadingFailed from None
        yield
        for at, file in enumerate(found, 1):
            began = self._engine.clock.now_ms()
            yield from self._file_steps(file.name, is_last=at == len(found))
            kind = "base" if file is files.manifest.base else "incr"
            if files.size(file.name):
                self._log.info("DB loaded from %s file %s: %.3f seconds", kind, file.name, self._seconds_since(began))
        return bool(found) and self.total > 0

    def _file_steps(self, name: str, *, is_last: bool) -> Steps:
        replay = Replay(self._engine)
        chunks = self._chunks(self._files.path(name))
        data = next(chunks, b"")
        start = 0
        if data.startswith((RDB_MAGIC, VALKEY_MAGIC)):
            loader = self.loader(dropping_expired=False)
            data = yield from self._preamble_steps(loader, name, data, chunks)
            start = loader.reader.offset
        reader = LogReader(start)
        try:
            while data:
                yield from replay.run(reader.feed(data))
                yield
                data = next(chunks, b"")
            reader.finish()
        except CannotReplay as fault:
            self._log.warning("%s reading the append only file %s", fault.text, name)
            raise LoadingFailed from None
        except BadFormat as fault:
            self._log.warning(
                "Bad file format reading the append only file %s: make a backup of your AOF file, then use "
                "./redis-check-aof --fix <filename.manifest> (%s)",
                *(name, fault),
            )
            raise LoadingFailed from None
        except CutShort as fault:
            self._repair(name, fault, reader.in_transaction, is_last)

    def _preamble_steps(
        self, loader: Loader, name: str, data: bytes, chunks: Iterator[bytes]
    ) -> Generator[None, None, bytes]:
        """Load the snapshot a file begins with; what of the data read lies behind it."""
        old_style = name == self._files.name
        self._log.info("Reading RDB %s", "preamble from AOF file..." if old_style else "base file on AOF loading...")
        try:
            while data and not loader.reader.done:
                loader.feed(data)
                yield
                data = b"" if loader.reader.done else next(chunks, b"")
            if not loader.reader.done:
                loader.finish()  # raises
            self.take_rest(loader)
        except (CorruptData, CommandError) as fault:
            what = "preamble of the AOF file" if old_style else "base file"
            self._log.warning("Error reading the RDB %s %s, AOF loading aborted: %s", what, name, fault)
            raise LoadingFailed from None
        if old_style:
            self._log.info("Reading the remaining AOF tail...")
        return loader.reader.rest or next(chunks, b"")

    def _repair(self, name: str, fault: CutShort, in_transaction: bool, is_last: bool) -> None:
        """Cut off what is not whole, if that is allowed. Raises LoadingFailed."""
        if in_transaction:
            self._log.warning("Revert incomplete MULTI/EXEC transaction in AOF file %s", name)
        if self._config["aof-load-truncated"]:
            self._log.warning("!!! Warning: short read while loading the AOF file %s!!!", name)
            if not is_last:  # unlike Redis we leave it as it is: else the next start would not know
                self._log.warning("Fatal error: the truncated file is not the last file")
                raise LoadingFailed
            self._log.warning("!!! Truncating the AOF %s at offset %d !!!", name, fault.offset)
            try:
                self._disk.truncate_path(self._files.path(name), fault.offset)
            except OSError as error:
                self._log.warning("Error truncating the AOF file %s: %s", name, error.strerror)
            else:
                self._log.warning("AOF %s loaded anyway because aof-load-truncated is enabled", name)
                return
        self._log.warning(
            "Unexpected end of file reading the append only file %s. You can: 1) Make a backup of your AOF file, then "
            "use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' "
            "configuration option to yes and restart the server.",
            name,
        )
        raise LoadingFailed

    # Snapshots

    def _first_snapshot_steps(self) -> Generator[None, None, bool]:
        path = Path(self._config["dir"], self._config["dbfilename"])
        try:
            found = yield from self._rdb_steps(path, dropping_expired=self._config["replicaof"] is None)
        except LoadingFailed as failure:
            self._log.warning("%s", str(failure) or "Terminating server after rdb file reading failure.")
            raise
        if found:
            self._dataset.take_place(self.aux, self._dropped)
            self._dropped = []
        return found

    def _rdb_steps(
        self, path: Path, *, merging: bool = False, dropping_expired: bool = True
    ) -> Generator[None, None, bool]:
        """Load an RDB file; whether there was one."""
        if not self._disk.exists(path):
            return False
        loader = self.loader(dropping_expired=dropping_expired, merging=merging)
        try:
            self.total = self._disk.size(path)
            for data in self._chunks(path, "the RDB file"):
                yield from self.feed_steps(loader, data)
            loader.finish()
            self.take_rest(loader, merging=merging)
        except CorruptData as fault:
            self._tell_corrupt(path, fault, loader)
            raise LoadingFailed(_FATAL if _is_foreign(fault, loader) else "") from None
        except (OSError, CommandError) as fault:
            self._log.warning("Error loading the RDB file %s: %s", path, fault)
            raise LoadingFailed from None
        return True

    def _tell_corrupt(self, path: Path, fault: CorruptData, loader: Loader) -> None:
        if _is_foreign(fault, loader):
            version = re.search(r"version.*?(\d+)", fault.reason)
            known = f"Can't handle RDB format version {int(version[1])}" if version else _NO_RDB
            self._log.warning("%s", known)
            return
        if isinstance(fault, Truncated):
            self._log.warning("Short read or OOM loading DB. Unrecoverable error, aborting now.")
        self._log.warning("Internal error in RDB reading of %s %s", path, fault)
        self._check(path)

    def feed_steps(self, loader: Loader, data: bytes) -> Steps:
        """The bytes that were read, in pieces no larger than configured; `key-load-delay` is for tests.

        The loop has its turn between pieces: nobody is told that a small dataset is being loaded, as with Redis.
        """
        size, delay = self._config["loading-process-events-interval-bytes"], self._config["key-load-delay"]
        for at in range(0, len(data), size):
            if loader.reader.offset:
                yield
            before = loader.keys
            loader.feed(data[at : at + size])
            if delay > 0:
                self._engine.clock.sleep(delay * (loader.keys - before) / _SECOND_US)

    def _check(self, path: Path) -> None:
        """Say what pyredis-check-rdb would, as Redis does."""
        check = Check(str(path), self.total, self._engine.clock.now_ms(), self._log.warning)
        with contextlib.suppress(CheckFailed, OSError):
            for data in self._disk.read(path):
                check.feed(data)
            check.finish()

    def loader(self, *, dropping_expired: bool, merging: bool = False, space: Keyspace | None = None) -> Loader:
        """What fills the server's keyspace, or another."""
        engine, self._dropped = self._engine, []
        engine.tick()
        return Loader(
            space or engine.keyspace,
            engine.limits,
            dropping_expired=dropping_expired,
            merging=merging,
            verifying=self._config["rdbchecksum"] and self._dataset.verifying,
            on_usage=self._take_usage,
            on_expired=lambda index, key: self._dropped.append((index, key)),
            log=engine.log,
        )

    def _take_usage(self, index: int, key: bytes, idle: int | None, frequency: int | None) -> None:
        db = self._engine.keyspace.databases[index]
        self._engine[Access].restore(db, key, idle and idle * _SECOND, frequency)

    def take_rest(self, loader: Loader, *, merging: bool = False) -> None:
        """What a snapshot says beside its keys. Raises CommandError for a library that cannot be loaded."""
        self._dataset.take_libraries(loader.libraries, merging)
        self.keys_loaded, self.keys_expired, self.aux = loader.keys, loader.expired, loader.aux
        skipped = f", empty keys skipped: {loader.empty}" if loader.empty else ""
        text = "Done loading RDB, keys loaded: %d, keys expired: %d%s."
        self._log.info(text, loader.keys, loader.expired, skipped)

    # Inside

    def _chunks(self, path: Path, what: str = "the append log file") -> Iterator[bytes]:
        try:
            for data in self._disk.read(path):
                yield data
                self.loaded += len(data)
        except OSError as error:
            self._log.warning("Fatal error: can't open %s %s for reading: %s", what, path.name, error.strerror)
            raise LoadingFailed from None

    def _seconds_since(self, began: int) -> float:
        return (self._engine.clock.now_ms() - began) / _SECOND

    def _fields(self) -> "Fields":
        fields: Fields = {
            "loading": int(self.active),
            "rdb_last_load_keys_expired": self.keys_expired,
            "rdb_last_load_keys_loaded": self.keys_loaded,
        }
        if self.active:
            elapsed = (self._engine.clock.now_ms() - self._started) // _SECOND
            left = self.total - self.loaded
            fields |= {
                "loading_start_time": self._started // _SECOND,
                "loading_total_bytes": self.total,
                "loading_rdb_used_mem": self._snapshot_memory,
                "loading_loaded_bytes": self.loaded,
                "loading_loaded_perc": f"{100 * self.loaded / max(self.total, 1):.2f}",
                "loading_eta_seconds": elapsed * left // (self.loaded + 1) if elapsed else 1,
            }
        return fields
