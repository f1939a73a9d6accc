"""The few file operations that durability is made of.

Everything that must survive a crash or a power cut goes through a `Disk`, so that a test can give one that stops
before or after any step, or that forgets what was not synced. A file that is written is a descriptor. What a rename
or a new file is worth is known only once its folder is synced.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

READ_SIZE = 256 * 1024
"""Bytes a file is read in."""
_SYNC_EVERY = 4 * 1024 * 1024  # of a large file, so that the last sync finds little left to do
_WRITE_SIZE = 256 * 1024
_MODE = 0o644
_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Syncing:
    """A sync that runs, or ran, in the background; `error` is what went wrong."""

    __slots__ = ("done", "error")

    def __init__(self) -> None:
        self.done = False
        self.error: OSError | None = None


class Disk:
    """The machine's disk. Every method may raise OSError; sizes are bytes. Its threads begin with `on_thread`."""

    on_thread: Callable[[], None] = staticmethod(lambda: None)

    def open_append(self, path: Path) -> int:
        """A file to append to; it is made if there is none."""
        return os.open(path, _APPENDING, _MODE)

    def create(self, path: Path) -> int:
        """An empty file to append to; what it held is gone."""
        return os.open(path, _APPENDING | os.O_TRUNC, _MODE)

    def write(self, file: int, data: bytes) -> int:
        """How much of `data` was written: perhaps not all."""
        return os.write(file, data)

    def truncate(self, file: int, size: int) -> None:
        """Cut off what is behind `size`."""
        os.ftruncate(file, size)

    def truncate_path(self, path: Path, size: int) -> None:
        """The same for a file that is not open, and make it last."""
        file = os.open(path, os.O_RDWR)
        try:
            os.ftruncate(file, size)
            os.fsync(file)
        finally:
            os.close(file)

    def sync(self, file: int) -> None:
        """Return when what was written is safe from a power cut."""
        _sync(file)

    def sync_later(self, file: int, *, close: bool = False) -> Syncing:
        """Sync on another thread, then `close`; looked at by polling."""
        syncing = Syncing()
        threading.Thread(target=self._sync_there, args=(syncing, file, close), name="pyredis-fsync").start()
        return syncing

    def _sync_there(self, syncing: Syncing, file: int, close: bool) -> None:
        self.on_thread()
        try:
            self.sync(file)
        except OSError as error:
            syncing.error = error
        if close:
            with contextlib.suppress(OSError):
                self.close(file)
        syncing.done = True

    def close(self, file: int) -> None:
        """Close a descriptor."""
        os.close(file)

    def rename(self, source: Path, target: Path) -> None:
        """Put a file in another's place."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Delete a file; it need not exist."""
        path.unlink(missing_ok=True)

    def remove_later(self, path: Path) -> None:
        """Delete a file on another thread, since a large one takes long; nobody hears if that fails."""
        threading.Thread(target=self._remove_there, args=(path,), name="pyredis-unlink").start()

    def _remove_there(self, path: Path) -> None:
        self.on_thread()
        with contextlib.suppress(OSError):
            self.remove(path)

    def make_folder(self, path: Path) -> None:
        """Make a folder if it is not there."""
        path.mkdir(mode=0o755, exist_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Make new and renamed files of a folder last."""
        if os.name == "nt":
            return  # Windows opens no folders, and does this by itself
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def exists(self, path: Path) -> bool:
        """Whether there is such a file or folder."""
        return path.exists()

    def size(self, path: Path) -> int:
        """The size of a file."""
        return path.stat().st_size

    def read(self, path: Path) -> Iterator[bytes]:
        """The contents of a file, in pieces of `READ_SIZE`."""
        with path.open("rb", buffering=0) as file:
            while data := file.read(READ_SIZE):
                yield data


_sync = getattr(os, "fdatasync", os.fsync)


def write_all(disk: Disk, file: int, data: bytes) -> int:
    """Write until the disk takes no more: how much it took. Raises OSError when that is nothing at all."""
    written = 0
    while written < len(data):
        try:
            count = disk.write(file, data[written:] if written else data)
        except InterruptedError:
            continue
        except OSError:
            if not written:
                raise
            break
        written += count
    return written


def write_new(
    disk: Disk, path: Path, chunks: Iterable[bytes], *, incrementally: bool = True, synced: bool = True
) -> None:
    """Write a file and sync it; on failure there is none. With `incrementally` it is synced on the way too."""
    file = disk.create(path)
    try:
        unsynced = 0
        for data in _gathered(chunks):
            if write_all(disk, file, data) < len(data):
                disk.write(file, data[-1:])  # raises what the disk has against it
                raise OSError("short write")
            unsynced += len(data)
            if incrementally and unsynced >= _SYNC_EVERY:
                disk.sync(file)
                unsynced = 0
        if synced:
            disk.sync(file)
    except BaseException:
        disk.close(file)
        with contextlib.suppress(OSError):
            disk.remove(path)
        raise
    disk.close(file)


def replace_file(disk: Disk, path: Path, chunks: Iterable[bytes], *, synced: bool = True) -> None:
    """Put a file in place, whole or not at all: written aside, synced, renamed; a power cut may undo what is not."""
    aside = path.with_name(f"temp-{path.name}")
    write_new(disk, aside, chunks, synced=synced)
    disk.rename(aside, path)


def write_durably(disk: Disk, path: Path, chunks: Iterable[bytes]) -> None:
    """Put a file in place, whole or not at all, and so that it lasts: its folder is synced too."""
    replace_file(disk, path, chunks)
    disk.sync_folder(path.parent)


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces worth a call of the system."""
    waiting: list[bytes] = []
    size = 0
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= _WRITE_SIZE:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
