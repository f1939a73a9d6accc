"""A lock of a folder: held by one process at a time, and let go with it, however it ends."""

import sys
from pathlib import Path
from typing import IO


class FolderLock:
    """`name` is a file in `folder`, which stays there."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / name
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """False if somebody else has it. Raises OSError where the folder is of no use."""
        file = self._path.open("ab")
        if not _lock(file):
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let others have it."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
