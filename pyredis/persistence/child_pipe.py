"""The way from a child that writes a snapshot to the server that passes it on."""

import contextlib
import os
import sys
from collections.abc import Iterable

from pyredis.persistence.slices import Output

_READ_BYTES = 256 * 1024
_READS = 4  # in one go: others are to be served, too
_CAPACITY = 1 << 20  # where it can be had: fewer and larger reads
_GATHER_BYTES = 64 * 1024


class ChildPipe:
    """`at_end`: the child has closed its side, and all is read. Raises OSError where there is no room for a pipe."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        if sys.platform == "linux":
            import fcntl

            with contextlib.suppress(OSError):  # a smaller one will do
                fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, _CAPACITY)
        self.at_end = False

    def let_child_write(self) -> None:
        """In the server, after the fork: only the child writes."""
        os.close(self.writing)

    def drain(self, output: Output) -> bool:
        """Pass on what is there, as far as it is wanted; whether there was something."""
        for count in range(_READS):
            if self.at_end or not output.wants():
                return count > 0
            try:
                data = os.read(self._reading, _READ_BYTES)
            except BlockingIOError:
                return count > 0
            if data:
                output.take(data)
            else:
                self.at_end = True
        return True

    def close(self) -> None:
        """Nobody reads any more: a child that goes on writing ends."""
        os.close(self._reading)


def write_gathered(file: int, chunks: Iterable[bytes]) -> None:
    """In the child: write all, in pieces that are worth a call. Raises OSError when nobody reads."""
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= _GATHER_BYTES:
            _write(file, b"".join(gathered))
            gathered, size = [], 0
    _write(file, b"".join(gathered))


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
