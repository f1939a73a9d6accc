"""Taking in a dataset that a master sends: over a file, or straight from the connection.

Over a file (`repl-diskless-load disabled`) the old data is served until the new is all there; then it is dropped, and
the file is loaded as any snapshot. Straight from the connection what comes is loaded as it comes: into the keyspace
if that was empty, or with `swapdb` beside it, and then takes its place at once; if it fails the old data is still
there. While a dataset is loaded beside the old one, that is served only if it is of the same history.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pyredis.engine.execution import gates
from pyredis.errors import CommandError
from pyredis.keyspace.database import Keyspace
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.dataset_loading import Loading
from pyredis.persistence.disk import Disk, write_all
from pyredis.persistence.saving import Saving
from pyredis.rdb.encoding import CorruptData

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

Done = Callable[[bool], None]
"""Told whether the dataset is there now."""


class TransferFailed(Exception):
    """It cannot be taken in; the text is for the log."""


class Transfer(Protocol):
    """`drops_data`: what there was is gone if it fails from here on. `loads_later`: not before all has come."""

    drops_data: bool
    loads_later: bool
    where: str
    """Where it goes, as the log says it."""

    def take(self, data: bytes) -> Iterator[None]:
        """The next bytes of a snapshot, in steps between which others have their turn. Raises TransferFailed."""

    def finish(self, done: Done) -> None:
        """That was all. Raises TransferFailed, or `done` hears of it, now or later."""

    def cut_short(self, reason: str) -> str:
        """The connection was lost for a reason: the text for the log."""

    def abandon(self) -> None:
        """No more will come."""


def new_transfer(engine: "Engine", *, same_history: bool) -> Transfer:
    """As `repl-diskless-load` says. Raises TransferFailed."""
    how = engine.config["repl-diskless-load"]
    if how == "swapdb":
        return DirectTransfer(engine, beside=True, serving=same_history)
    if how == "on-empty-db" and not any(map(len, engine.keyspace.databases)):
        return DirectTransfer(engine, beside=False, serving=False)
    return FileTransfer(engine)


class FileTransfer:
    """Over a file, which becomes the server's snapshot."""

    drops_data = False
    loads_later = True
    where = "to disk"

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._disk = engine[Disk]
        # One process may have several servers in one folder.
        name = f"temp-{engine.clock.now_ms() // 1000}.{os.getpid()}.{engine.run_id[:8]}.rdb"
        self._path = Path(engine.config["dir"], name)
        try:
            self._file: int | None = self._disk.create(self._path)
        except OSError as error:
            text = f"Opening the temp file needed for MASTER <-> REPLICA synchronization: {error.strerror}"
            raise TransferFailed(text) from None

    def take(self, data: bytes) -> Iterator[None]:
        """Write it."""
        yield from ()
        assert self._file is not None
        try:
            if write_all(self._disk, self._file, data) < len(data):
                raise OSError(0, "short write")
        except OSError as error:
            text = (
                "Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA synchronization"
            )
            raise TransferFailed(f"{text}: {error.strerror}") from None

    def finish(self, done: Done) -> None:
        """Put the file in place, and load it."""
        target = self._engine[Saving].path
        try:
            self._close()
            self._disk.rename(self._path, target)
            self._disk.sync_folder(target.parent)
        except OSError as error:
            text = f"Failed trying to rename the temp DB into {target.name} in MASTER <-> REPLICA synchronization"
            raise TransferFailed(f"{text}: {error.strerror}") from None
        self.drops_data = True
        self._engine.log.info("MASTER <-> REPLICA sync: Flushing old data")
        loading = self._engine[Loading]
        loading.begin(loading.from_master(target), lambda failure: done(failure is None))

    def cut_short(self, reason: str) -> str:
        """A connection like others."""
        return f"I/O error trying to sync with MASTER: {reason}"

    def abandon(self) -> None:
        """Remove the file."""
        try:
            self._close()
            self._disk.remove(self._path)
        except OSError as error:
            self._engine.log.warning("Failed to remove %s: %s", self._path.name, error.strerror)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                self._disk.sync(file)
            finally:
                self._disk.close(file)


class DirectTransfer:
    """Straight from the connection, `beside` the old data or in its place. `serving`: that is served meanwhile."""

    loads_later = False
    where = "to parser"

    def __init__(self, engine: "Engine", *, beside: bool, serving: bool) -> None:
        self._engine = engine
        self._loading = engine[Loading]
        space = engine.keyspace
        self._new: Keyspace | None = None
        if beside:
            self._new = Keyspace(len(space.databases), engine.random, slotted=space.slotted is not None)
            self._new.now = space.now
        self._loader = self._loading.loader(dropping_expired=False, space=self._new)
        self._gate = gates.ASYNC_LOADING if serving else 0
        self.drops_data = not beside
        if self.drops_data:
            engine.log.info("MASTER <-> REPLICA sync: Flushing old data")
            engine[Dataset].clear()
        if self._gate:
            engine.gates |= self._gate
        else:
            self._loading.enter()

    def take(self, data: bytes) -> Iterator[None]:
        """Load it."""
        try:
            yield from self._loading.feed_steps(self._loader, data)
        except CorruptData as fault:
            raise TransferFailed(f"Internal error in RDB reading {fault}") from None

    def finish(self, done: Done) -> None:
        """What was loaded is the dataset."""
        try:
            self._loader.finish()
            self.drops_data = True
            if self._new is not None:
                self._take_place(self._new)
            self._loading.take_rest(self._loader)
        except (CorruptData, CommandError) as fault:
            raise TransferFailed(f"Internal error in RDB reading {fault}") from None
        self._leave()
        self._engine[Dataset].replaced()
        done(True)

    def _take_place(self, new: Keyspace) -> None:
        self._engine.log.info("MASTER <-> REPLICA sync: Swapping active DB with loaded DB")
        self._engine[Dataset].clear()
        for db, loaded in zip(self._engine.keyspace.databases, new.databases, strict=True):
            db.table, db.expires, db.fields_due = loaded.table, loaded.expires, loaded.fields_due

    def cut_short(self, reason: str) -> str:
        """A snapshot that is not whole."""
        return f"Internal error in RDB reading at byte {self._loader.reader.offset}: {reason}"

    def abandon(self) -> None:
        """Half a dataset is none."""
        if self._new is None:
            self._engine[Dataset].clear()
        self._leave()

    def _leave(self) -> None:
        if self._gate:
            self._engine.gates &= ~self._gate
        else:
            self._loading.leave()
