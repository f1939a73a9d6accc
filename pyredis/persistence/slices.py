"""A snapshot that the server itself writes, a slice at a time, where no copy of the process can do it.

Where it goes is a target: a file, or somebody who takes the bytes as fast as he can.
"""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pyredis.persistence.disk import Disk, Syncing, write_all
from pyredis.rdb.point_in_time import AnyKeyspace, PointInTime

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

SLICE_NS = 2_000_000
"""How long the server writes at a time."""


class Output(Protocol):
    """Who takes the bytes of a snapshot in place of a file."""

    def wants(self) -> bool:
        """Whether there is room for more now."""

    def take(self, data: bytes, /) -> None:
        """The next bytes."""


class Target(Protocol):
    """Where slices go. Every method may raise OSError."""

    def wants(self) -> bool:
        """Whether more may be written now."""

    def write(self, data: bytes, /) -> None:
        """Write all of it."""

    def finish(self) -> bool:
        """All is written: whether it is safe there. Asked until it is."""

    def close(self) -> None:
        """Give up."""


class FileTarget:
    """A file, synced in the end."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._syncing: Syncing | None = None
        self._file: int | None = disk.create(path)

    def wants(self) -> bool:
        """A file takes all."""
        return True

    def write(self, data: bytes) -> None:
        """Write all of it."""
        assert self._file is not None
        if write_all(self._disk, self._file, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def finish(self) -> bool:
        """Sync, and see whether that is done."""
        if self._syncing is None:
            assert self._file is not None
            self._syncing = self._disk.sync_later(self._file, close=True)
            return False
        if not self._syncing.done:
            return False
        self._file = None
        if self._syncing.error is not None:
            raise self._syncing.error
        return True

    def close(self) -> None:
        """Give up."""
        if self._file is not None and self._syncing is None:
            self._disk.close(self._file)
            self._file = None


class OutputTarget:
    """Somebody who takes the bytes."""

    def __init__(self, output: Output) -> None:
        self.wants = output.wants
        self.write = output.take

    def finish(self) -> bool:
        """He has them."""
        return True

    def close(self) -> None:
        """Nothing is open."""


class Slices:
    """What a keyspace was when this was made, written bit by bit. Its methods may raise OSError."""

    def __init__(
        self, engine: "Engine", target: Target, chunks: Callable[[AnyKeyspace], Iterator[bytes]], newest: int
    ) -> None:
        self._ticks = engine.clock.ticks_ns
        self._target = target
        self._then = PointInTime(engine.keyspace, newest)
        self._chunks = chunks(self._then)
        self._is_written = False

    def go_on(self) -> bool:
        """Write for a slice's time, or as much as is wanted; whether everything is written and safe."""
        if self._is_written:
            return self._target.finish()
        end = self._ticks() + SLICE_NS
        while self._target.wants() and self._ticks() < end:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._then.close()
                self._is_written = True
                return self._target.finish()
            self._target.write(chunk)
        return False

    def close(self) -> None:
        """Give up."""
        self._then.close()
        self._target.close()
