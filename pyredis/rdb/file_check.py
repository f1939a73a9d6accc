"""Looking at an RDB file without a server: redis-check-rdb.

What it says is what redis-check-rdb 8.2 says, line by line, but for the reason of a fault, which is told in our words,
and a summary by type at the end. Bytes are fed as they are read. What is behind a fault cannot be read, all before it
can be saved: `sound` tells which bytes those are, and `repaired` makes a new file of them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pyredis.config.store import Config
from pyredis.datatypes.collection_limits import CollectionLimits
from pyredis.datatypes.hash import Hash
from pyredis.datatypes.list import List
from pyredis.datatypes.set import Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream
from pyredis.keyspace.database import StringValue
from pyredis.rdb.checksum import crc64
from pyredis.rdb.encoding import CorruptData, Truncated
from pyredis.rdb.file_reader import (
    AUX,
    END,
    EXPIRES,
    EXPIRES_MS,
    FIRST_WITH_CHECKSUM,
    FREQUENCY,
    IDLE,
    MODULE_DATA,
    RESIZE,
    SELECT,
    Aux,
    EmptyKey,
    Key,
    Library,
    ModuleData,
    RdbReader,
    Section,
)
from pyredis.rdb.payload import FUNCTION, FUNCTION_BEFORE_7
from pyredis.rdb.type_codes import form_name

PROGRESS_FROM = 64 * 1024 * 1024
"""Files of at least so many bytes get a line for every tenth that is read."""
_OF_THE_NEXT_KEY = (EXPIRES, EXPIRES_MS, IDLE, FREQUENCY)
_DOING = {
    EXPIRES: "read-expire",
    EXPIRES_MS: "read-expire",
    IDLE: "read-type",
    FREQUENCY: "read-type",
    SELECT: "read-len",
    RESIZE: "read-len",
    AUX: "read-aux",
    MODULE_DATA: "read-module-aux",
    FUNCTION: "read-functions",
    FUNCTION_BEFORE_7: "read-functions",
    END: "check-sum",
}
_TYPES = {bytes: "string", List: "list", Set: "set", SortedSet: "zset", Hash: "hash", Stream: "stream"}
_NO_CHECKSUM = "RDB file was saved with checksum disabled: no check performed."


class CheckFailed(Exception):
    """The file is not valid: where and why."""


@dataclass(slots=True)
class _Tally:
    """Keys of one type: how many, in what forms, what is in them; the largest has the most bytes in the file."""

    keys: int = 0
    elements: int = 0
    size: int = 0
    largest: int = 0
    largest_key: bytes = b""
    forms: Counter[int] = field(default_factory=Counter)


class Check:
    """One file of `size` bytes. `say` gets lines of text; `now` is ms since 1970, to tell what has expired.

    With `tolerant` a key without elements, which old servers wrote and all pass over, is left out instead of a fault.
    """

    def __init__(self, name: str, size: int, now: int, say: Callable[[str], None], *, tolerant: bool = False) -> None:
        self._say = say
        self._now = now
        self._size = size
        self._tolerant = tolerant
        self._reader = RdbReader(CollectionLimits(Config()), trace=self._pass)
        self._told = 0  # tenths of the file
        self._begun = 0  # where the next key begins, with what is said of it before
        self.keys = self.expires = self.expired = self.timed = self.libraries = self.left_out = 0
        self.sound: list[tuple[int, int]] = []
        self._tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._tell(0, f"Checking RDB file {name}")

    @property
    def version(self) -> int:
        """The file's RDB version; 0 while it is not known."""
        return self._reader.version

    @property
    def saved(self) -> int:
        """The keys that are sound."""
        return sum(tally.keys for tally in self._tallies.values())

    @property
    def done(self) -> bool:
        """Whether the file's end was read; what is behind it does not belong to it."""
        return self._reader.done

    def feed(self, data: bytes) -> None:
        """Check what is whole now. Raises CheckFailed."""
        try:
            self._reader.feed(data)
        except CorruptData as fault:
            raise self._failed(self._reader.reached, fault.reason) from None
        self._tell_progress()

    def finish(self) -> None:
        """The file ends here. Raises CheckFailed when it is not whole."""
        reader = self._reader
        try:
            reader.finish()
        except Truncated:
            raise self._failed(reader.reached, "Unexpected EOF reading RDB file") from None
        except CorruptData as fault:
            raise self._failed(reader.reached, fault.reason) from None
        self._tell(reader.offset, "\\o/ RDB looks OK! \\o/")
        self._tell_counts()
        self._tell_summary()

    # Sections

    def _pass(self, section: Section) -> None:
        """A section is whole."""
        event = section.event
        if section.mark in _OF_THE_NEXT_KEY:
            return
        if isinstance(event, EmptyKey):
            self._leave_out(section)
            return
        if section.mark != END:
            self._keep(self._begun, section.end)
        self._begun = section.end
        if isinstance(event, Key):
            self._count(event, section)
        elif isinstance(event, Aux):
            self._tell(section.end, f"AUX FIELD {_shown(event.name)} = '{_shown(event.value)}'")
        elif isinstance(event, ModuleData):
            self._tell(section.end, f"MODULE AUX for: {event.module}")
        elif isinstance(event, Library):
            self.libraries += 1
        elif section.mark == SELECT:
            self._tell(section.end, f"Selecting DB ID {self._reader.db}")
        elif section.mark == END and self._reader.version >= FIRST_WITH_CHECKSUM:
            self._tell(section.end, "Checksum OK" if self._reader.has_checksum else _NO_CHECKSUM)

    def _leave_out(self, section: Section) -> None:
        if not self._tolerant:
            raise CorruptData(section.end - self._reader.offset, "the key has no elements")
        self.keys += 1
        self.left_out += 1
        self._begun = section.end
        self._tell(section.end, f"The key '{_shown(self._reader.key or b'')}' has no elements: left out")

    def _keep(self, start: int, end: int) -> None:
        if self.sound and self.sound[-1][1] == start:
            start = self.sound.pop()[0]
        self.sound.append((start, end))

    def _count(self, key: Key, section: Section) -> None:
        self.keys += 1
        self.expires += key.expires is not None
        self.expired += key.expires is not None and key.expires < self._now
        self.timed += isinstance(key.value, Hash) and key.value.deadlines is not None
        tally = self._tallies[_TYPES.get(key.value.__class__, "vectorset")]
        size = section.end - section.start
        tally.keys += 1
        tally.elements += 0 if isinstance(key.value, StringValue) else len(key.value)
        tally.size += size
        tally.forms[section.mark] += 1
        if size > tally.largest:
            tally.largest, tally.largest_key = size, key.name

    # Lines

    def _tell(self, offset: int, text: str) -> None:
        self._say(f"[offset {offset}] {text}")

    def _tell_progress(self) -> None:
        offset = self._reader.offset
        tenths = 10 * offset // max(self._size, 1)
        if self._size >= PROGRESS_FROM and self._told < tenths < 10:
            self._told = tenths
            self._tell(offset, f"{10 * tenths}% checked, {self.keys} keys read")

    def _tell_counts(self) -> None:
        self._say(f"[info] {self.keys} keys read")
        self._say(f"[info] {self.expires} expires")
        self._say(f"[info] {self.expired} already expired")
        self._say(f"[info] {self.timed} subexpires")

    def _tell_summary(self) -> None:
        for name, tally in sorted(self._tallies.items()):
            forms = ", ".join(f"{form_name(form)} {count}" for form, count in tally.forms.most_common())
            elements = f", {tally.elements} elements" if tally.elements else ""
            self._say(
                f"[summary] {name}: {tally.keys} keys ({forms}){elements}, {tally.size} bytes, "
                f"largest '{_shown(tally.largest_key)}' of {tally.largest} bytes"
            )
        if self.libraries:
            self._say(f"[summary] {self.libraries} libraries of functions")

    def _failed(self, offset: int, reason: str) -> CheckFailed:
        reader = self._reader
        self._say("--- RDB ERROR DETECTED ---")
        self._tell(offset, reason)
        self._say(f"[additional info] While doing: {self._doing()}")
        if reader.key is not None:
            self._say(f"[additional info] Reading key '{_shown(reader.key)}'")
        if reader.mark is not None and reader.mark not in _DOING:
            self._say(f"[additional info] Reading type {reader.mark} ({form_name(reader.mark)})")
        self.keys += reader.key is not None
        self._tell_counts()
        self._tell_summary()
        return CheckFailed(f"at byte {offset}: {reason}")

    def _doing(self) -> str:
        reader = self._reader
        if reader.mark is None:
            return "read-type" if reader.version else "start"
        return _DOING.get(reader.mark, "read-key" if reader.key is None else "read-object-value")


def repaired(chunks: Iterable[bytes], sound: list[tuple[int, int]], version: int) -> Iterator[bytes]:
    """A file of what is sound in another of an RDB version, sealed anew."""
    crc = 0
    for data in _cut(chunks, sound):
        crc = crc64(data, crc)
        yield data
    end = bytes((END,))
    yield end
    if version >= FIRST_WITH_CHECKSUM:
        yield crc64(end, crc).to_bytes(8, "little")


def _cut(chunks: Iterable[bytes], ranges: list[tuple[int, int]]) -> Iterator[bytes]:
    """What lies in ascending `ranges` of the bytes that come in chunks."""
    offset, waiting = 0, list(reversed(ranges))
    for chunk in chunks:
        end = offset + len(chunk)
        while waiting and waiting[-1][0] < end:
            start, stop = waiting[-1]
            yield chunk[max(start - offset, 0) : stop - offset]
            if stop > end:
                break
            waiting.pop()
        if not waiting:
            return
        offset = end


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")
