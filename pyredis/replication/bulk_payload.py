"""The dataset on the wire: `$<size>` and so many bytes, or `$EOF:<mark>`, bytes, and the mark again.

The mark is 40 random characters, so it is not found in the bytes by chance. Empty lines before the header are a sign
of life of a master that is busy saving, and count for nothing.
"""

from random import Random

MARK_BYTES = 40
_HEADER_MAX = 4096
_HEX = "0123456789abcdef"


class PayloadError(Exception):
    """What comes is no payload; the text is for the log."""


def new_mark(random: Random) -> bytes:
    """A mark for a payload whose size is not known."""
    return "".join(random.choices(_HEX, k=MARK_BYTES)).encode()


def sized_header(size: int) -> bytes:
    """What stands before so many bytes."""
    return b"$%d\r\n" % size


def marked_header(mark: bytes) -> bytes:
    """What stands before bytes that a mark ends."""
    return b"$EOF:%b\r\n" % mark


class PayloadReader:
    """`size` is told by the header, or None; `read` counts the bytes that came; `done`, then `rest` came behind it."""

    def __init__(self) -> None:
        self.has_header = self.done = False
        self.size: int | None = None
        self.read = 0
        self.rest = b""
        self._mark = b""
        self._kept = b""  # of the header, or what may be the beginning of the mark

    def feed(self, data: bytes) -> bytes:
        """Take what came: the bytes of the dataset in it. Raises PayloadError."""
        if not self.has_header:
            data = self._header(self._kept + data)
            if not self.has_header:
                return b""
        found = self._to_mark(data) if self._mark else self._to_size(data)
        self.read += len(found)
        return found

    def _header(self, data: bytes) -> bytes:
        """Look for the header; what stands behind it."""
        data = data.lstrip(b"\n")
        line, end, rest = data.partition(b"\r\n")
        if not end:
            if len(data) > _HEADER_MAX or (data and data[:1] not in b"$-"):
                raise _bad_protocol(data)
            self._kept = data
            return b""
        if line[:1] == b"-":
            text = line[1:257].decode("utf-8", "backslashreplace")
            raise PayloadError(f"MASTER aborted replication with an error: {text}")
        mark = line.removeprefix(b"$EOF:")
        if mark != line and len(mark) == MARK_BYTES:
            self._mark = mark
        elif line[:1] == b"$" and line[1:].isdigit() and len(line) < 20:
            self.size = int(line[1:])
        else:
            raise _bad_protocol(line)
        self.has_header, self._kept = True, b""
        return rest

    def _to_size(self, data: bytes) -> bytes:
        assert self.size is not None
        left = self.size - self.read
        if len(data) >= left:
            self.done, self.rest = True, data[left:]
            return data[:left]
        return data

    def _to_mark(self, data: bytes) -> bytes:
        data = self._kept + data
        at = data.find(self._mark)
        if at >= 0:
            self.done, self.rest, self._kept = True, data[at + MARK_BYTES :], b""
            return data[:at]
        cut = max(len(data) - MARK_BYTES + 1, 0)
        self._kept = data[cut:]
        return data[:cut]


def _bad_protocol(line: bytes) -> PayloadError:
    shown = line[:64].decode("utf-8", "backslashreplace")
    return PayloadError(
        f"Bad protocol from MASTER, the first byte is not '$' (we received '{shown}'), are you sure the host and port "
        "are right?"
    )
