"""The last bytes of the replication stream, shared by all replicas: each has a position in it, none has a copy.

Bytes are counted as Redis counts them: the first byte of a stream has offset 1. What is older than the size asked for
goes, a block at a time, but not before all replicas have had it; how far one may lag is for its output limit to say.
"""

from bisect import bisect_right

BLOCK_BYTES = 16 * 1024
"""What small writes are gathered into; a larger one is a block of its own."""

_BLOCKS = 16  # at least, of what is to be kept


class Backlog:
    """It holds the bytes from offset `first` up to, and without, `end`."""

    def __init__(self, offset: int) -> None:
        """The stream has had `offset` bytes; what follows will be kept."""
        self.first = self.end = offset + 1
        self._blocks: list[bytearray | bytes] = []
        self._starts: list[int] = []  # the offsets of their first bytes
        self.allocated = 0
        """The bytes its blocks take."""

    def __len__(self) -> int:
        return self.end - self.first

    def append(self, data: bytes, size: int) -> None:
        """The stream goes on with `data`; blocks are to be so small that few bytes are kept beyond `size`."""
        most = max(size // _BLOCKS, BLOCK_BYTES)
        if len(data) <= most:
            self._append(data)
            return
        for at in range(0, len(data), most):
            self._append(data[at : at + most])

    def _append(self, data: bytes) -> None:
        last = self._blocks[-1] if self._blocks else b""
        if last.__class__ is bytearray and len(last) + len(data) <= BLOCK_BYTES:
            last += data
        else:
            self._starts.append(self.end)
            self.allocated += max(len(data), BLOCK_BYTES)
            self._blocks.append(bytearray(data) if len(data) < BLOCK_BYTES else data)
        self.end += len(data)

    def read(self, offset: int) -> bytes:
        """Bytes from `offset` on, which it must have: all that is left of the block where that is."""
        at = bisect_right(self._starts, offset) - 1
        return bytes(self._blocks[at][offset - self._starts[at] :])

    def covers(self, offset: int) -> bool:
        """Whether who wants the stream from `offset` on can have it."""
        return self.first <= offset <= self.end

    def trim(self, size: int, needed: int) -> None:
        """Keep at least the last `size` bytes, and all from offset `needed` on."""
        count = 0
        for start, block in zip(self._starts, self._blocks, strict=True):
            after = start + len(block)
            if self.end - after <= size or after > needed:
                break
            self.first = after
            self.allocated -= max(len(block), BLOCK_BYTES)
            count += 1
        if count:
            del self._starts[:count], self._blocks[:count]
