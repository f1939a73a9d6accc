"""The manifest of an append-only log of several files, as Redis 7.0 keeps it.

A log is a base (a snapshot, at most one), then increments in the order they were written. When a rewrite has made a
new base, what it replaces is history, and goes. A line a file: `file NAME seq NUMBER type b|h|i`; further pairs may
follow (Redis 8.2 adds `startoffset` and `endoffset`) and are dropped when the manifest is written again. `Manifest`
is a value: what happens to the files is first said of a new one, which then takes the old one's place on disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from pyredis.config.words import quote_word, split_words

BASE, HISTORY, INCREMENT = "b", "h", "i"
_LINE_MAX = 1024
_INVALID = "Invalid AOF manifest file format"


class LogFile(NamedTuple):
    """One file of a log; `seq` counts bases and increments apart, from 1."""

    name: str
    seq: int
    type: str

    def line(self) -> bytes:
        """Its line in the manifest."""
        name = self.name.encode("utf-8", "surrogateescape")
        if any(byte <= 32 or byte >= 127 or byte in b"\\\"'" for byte in name):
            name = quote_word(name)
        return b"file %b seq %d type %b\n" % (name, self.seq, self.type.encode())


class ManifestError(Exception):
    """A manifest that cannot be read. `number` is the line's, from 1, `line` its text, empty where none is to blame."""

    def __init__(self, reason: str, number: int = 0, line: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number
        self.line = line


@dataclass(frozen=True)
class Manifest:
    """The files of a log. `outdated`: what stands on disk says more than we keep, and should be written anew."""

    base: LogFile | None = None
    history: tuple[LogFile, ...] = ()
    increments: tuple[LogFile, ...] = ()
    base_seq: int = 0
    increment_seq: int = 0
    outdated: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to load."""
        return self.base is None and not self.increments

    @property
    def files(self) -> tuple[LogFile, ...]:
        """What is to load, in order."""
        return (self.base, *self.increments) if self.base else self.increments

    def format(self) -> bytes:
        """The text of the file."""
        base = (self.base,) if self.base else ()
        return b"".join(file.line() for file in (*base, *self.history, *self.increments))

    def with_increment(self, name: str) -> "Manifest":
        """With a new increment at the end; `name` is that of the whole log."""
        seq = self.increment_seq + 1
        added = LogFile(f"{name}.{seq}.incr.aof", seq, INCREMENT)
        return replace(self, increments=(*self.increments, added), increment_seq=seq)

    def with_base(self, name: str, extension: str) -> "Manifest":
        """With a new base; the old one is history. `extension` is `rdb` or `aof`."""
        seq = self.base_seq + 1
        base = LogFile(f"{name}.{seq}.base.{extension}", seq, BASE)
        old = (self.base._replace(type=HISTORY),) if self.base else ()
        return replace(self, base=base, base_seq=seq, history=(*old, *self.history))

    def with_increments_retired(self, *, keeping_last: bool) -> "Manifest":
        """With the increments that the base includes as history: all, or all but the one that is written now."""
        kept = self.increments[-1:] if keeping_last else ()
        retired = self.increments[: len(self.increments) - len(kept)]
        history = (*(file._replace(type=HISTORY) for file in retired), *self.history)
        return replace(self, increments=kept, history=history)

    def without_history(self) -> "Manifest":
        """With what is of no use forgotten."""
        return replace(self, history=())

    def upgraded(self, name: str) -> "Manifest":
        """Where the single file of a server before 7.0 is the base."""
        return replace(self, base=LogFile(name, 1, BASE), base_seq=1)

    def is_being_upgraded(self, name: str) -> bool:
        """Whether it names nothing but such a file."""
        return self.base is not None and not self.increments and self.base.name == name


def parse(text: bytes) -> Manifest:
    """Read a manifest. Raises ManifestError in Redis's words."""
    made = Manifest()
    number = 0
    for number, raw in enumerate(_lines(text), 1):
        if raw.startswith(b"#"):
            continue
        if not raw.endswith(b"\n"):
            raise ManifestError("The AOF manifest file contains too long line")
        line = raw.strip(b" \t\r\n")
        try:
            made = _with(made, _pairs(line))
        except ValueError as fault:
            raise ManifestError(str(fault), number, line.decode("utf-8", "surrogateescape")) from None
    if not number:
        raise ManifestError("Found an empty AOF manifest")
    return made


def _lines(text: bytes) -> Iterator[bytes]:
    """Lines with their ends, none longer than Redis reads."""
    at = 0
    while at < len(text):
        end = text.find(b"\n", at, at + _LINE_MAX)
        end = min(at + _LINE_MAX, len(text)) if end < 0 else end + 1
        yield text[at:end]
        at = end


def _pairs(line: bytes) -> dict[str, bytes]:
    words = split_words(line)
    if not words or len(words) < 6 or len(words) % 2:
        raise ValueError(_INVALID)
    names = (word.decode("latin-1").lower() for word in words[::2])
    return dict(zip(names, words[1::2], strict=True))


def _with(made: Manifest, pairs: dict[str, bytes]) -> Manifest:
    """The manifest with one more file. Raises ValueError."""
    name = pairs.get("file", b"").decode("utf-8", "surrogateescape")
    if "/" in name or "\\" in name:
        raise ValueError("File can't be a path, just a filename")
    seq, type = _number(pairs.get("seq", b"")), pairs.get("type", b"")[:1].decode("latin-1")
    if not name or not seq or not type:
        raise ValueError(_INVALID)
    file = LogFile(name, seq, type)
    made = replace(made, outdated=made.outdated or len(pairs) > 3)
    if type == BASE:
        if made.base is not None:
            raise ValueError("Found duplicate base file information")
        return replace(made, base=file, base_seq=seq)
    if type == HISTORY:
        return replace(made, history=(*made.history, file))
    if type != INCREMENT:
        raise ValueError("Unknown AOF file type")
    if seq <= made.increment_seq:
        raise ValueError("Found a non-monotonic sequence number")
    return replace(made, increments=(*made.increments, file), increment_seq=seq)


def _number(digits: bytes) -> int:
    """As C reads one: what is no number is 0."""
    try:
        return int(digits)
    except ValueError:
        return 0
