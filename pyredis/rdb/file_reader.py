"""Reading an RDB file: bytes are fed as they come, events come out.

A file is a magic with its version, then marked sections, then an end mark and, from version 5 on, a CRC-64 of all that
(zero: none). What is said of the next key (when it expires, how it was used) stands before it. The reader keeps only
what is not yet whole; a value that is not is tried again when twice as much of it has come, so a long one costs little
more than its length. Bytes behind the end (the tail of an AOF) are left in `rest`.

Redis's versions to 15 and Valkey's 80 are read; both number types and marks differently from there on.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any, NamedTuple

from pyredis.datatypes.collection_limits import CollectionLimits
from pyredis.rdb.checksum import crc64
from pyredis.rdb.encoding import INTEGER_WIDTHS, CorruptData, EmptyCollection, Reader, Truncated
from pyredis.rdb.module_values import skip_module
from pyredis.rdb.payload import FUNCTION, FUNCTION_BEFORE_7
from pyredis.rdb.templated_hashes import read_template
from pyredis.rdb.type_codes import NEWEST_FILE_VERSION, STRING, VALKEY_VERSION, integrity_text
from pyredis.rdb.value_reading import is_type, read_value

TEMPLATE, SLOT_IMPORT, SLOT_INFO = 0xF2, 0xF3, 0xF4
MODULE_DATA, IDLE, FREQUENCY, AUX, RESIZE, EXPIRES_MS, EXPIRES, SELECT, END = range(0xF7, 0x100)
MAGIC_SIZE = 9
FIRST_WITH_CHECKSUM = 5
_SECOND = 1000
_PLAIN_HEAD = 9 + 2 + 63 + 2  # what stands before a string at a short key, at most: its expiry, the key, two lengths
_int64 = Struct("<q").unpack_from


class Key(NamedTuple):
    """A key and its value. Perhaps said: `expires`, ms since 1970, `idle`, seconds, `frequency`, an LFU counter."""

    db: int
    name: bytes
    value: Any
    expires: int | None = None
    idle: int | None = None
    frequency: int | None = None


class EmptyKey(NamedTuple):
    """A key whose value has no elements, an old mistake: there is nothing to load."""

    db: int
    name: bytes


class Aux(NamedTuple):
    """Something said about the file."""

    name: bytes
    value: bytes


class Resize(NamedTuple):
    """How many keys, and keys that expire, the database that follows has."""

    db: int
    keys: int
    expires: int


class Library(NamedTuple):
    """The code of a library of functions."""

    code: bytes


class ModuleData(NamedTuple):
    """Data of a module, passed over."""

    module: str


Event = Key | EmptyKey | Aux | Resize | Library | ModuleData


class Section(NamedTuple):
    """What a file is made of: a mark, or a value's type, with what belongs to it. `start` and `end` are offsets."""

    mark: int
    start: int
    end: int
    event: Event | None


Trace = Callable[[Section], None]


class RdbReader:
    """One file. `offset` is how many bytes are read, `done` whether the end was, `rest` what came behind it.

    With `verifying` the checksum is, unless the file has none. `trace` gets every section once it is whole. What was
    being read last, perhaps in vain, is told by `mark`, the section's, if any, by `key`, and by `reached`, an offset.
    """

    def __init__(self, limits: CollectionLimits, *, verifying: bool = True, trace: Trace | None = None) -> None:
        self.limits = limits
        self.version = 0
        self.offset = 0
        self.db = 0
        self.done = False
        self.rest = b""
        self.has_checksum = False
        self.mark: int | None = None
        self.key: bytes | None = None
        self.reached = 0
        self._trace = trace
        self._verifying = verifying
        self._checksum = 0
        self._chunks: list[bytes] = []  # not read yet
        self._waiting = 0  # the bytes in them
        self._wanted = MAGIC_SIZE
        self._expires: int | None = None  # of the next key
        self._idle: int | None = None
        self._frequency: int | None = None
        self._templates: dict[int, list[bytes]] = {}  # fields that hashes share

    def feed(self, data: bytes) -> list[Event]:
        """The events that are whole now. Raises CorruptData, with the offset in the file; then reading is over."""
        if self.done:
            self.rest += data
            return []
        self._chunks.append(data)
        self._waiting += len(data)
        return self._read() if self._waiting >= self._wanted else []

    def finish(self) -> list[Event]:
        """The file ends here: what is left of the events. Raises Truncated when it is not whole."""
        events = [] if self.done else self._read()
        if not self.done:
            raise Truncated(self.offset + self._waiting, "the file ends too early")
        return events

    def _read(self) -> list[Event]:
        buffer = b"".join(self._chunks)
        reader = Reader(buffer)
        events: list[Event] = []
        start = 0
        try:
            if not self.version:
                self._read_magic(reader)
            while not self.done:
                start = self._read_plain(reader, events)
                if start >= reader.end:
                    self.reached = self.offset + start
                    break
                self._read_section(reader, events)
        except Truncated as fault:
            self.reached = self.offset + fault.offset
            reader.at = start
        except CorruptData as fault:
            self.reached = self.offset + fault.offset
            raise CorruptData(self.reached, fault.reason)
        self._keep(buffer, reader.at)
        return events

    def _keep(self, buffer: bytes, at: int) -> None:
        """Everything before `at` is read."""
        if not self.done:
            self._checksum = crc64(memoryview(buffer)[:at], self._checksum) if self._verifying else 0
        self.offset += at
        rest = buffer[at:]
        if self.done:
            self.rest, self._chunks, self._waiting = rest, [], 0
            return
        self._chunks, self._waiting = [rest], len(rest)
        self._wanted = 2 * len(rest) if at == 0 else len(rest) + 1

    def _read_magic(self, reader: Reader) -> None:
        magic = reader.take(MAGIC_SIZE)
        name, digits = (b"VALKEY", magic[6:]) if magic.startswith(b"VALKEY") else (magic[:5], magic[5:])
        if name not in (b"REDIS", b"VALKEY") or not digits.isdigit():
            raise CorruptData(0, f"no RDB file begins with {magic!r}")
        version = int(digits)
        known = version == VALKEY_VERSION if name == b"VALKEY" else 0 < version <= NEWEST_FILE_VERSION
        if not known:
            raise CorruptData(0, f"no known version of RDB: {magic!r}")
        self.version = version

    def _read_plain(self, reader: Reader, events: list[Event]) -> int:
        """Read as many strings at short keys as there are, the bulk of most files; where they end."""
        data, at, end, db, add = reader.data, reader.at, reader.end, self.db, events.append
        if (
            self._trace is not None
            or self._expires is not None
            or self._idle is not None
            or self._frequency is not None
        ):
            return at
        last = end - _PLAIN_HEAD
        while at < last:
            expires, start = None, at
            if data[at] == EXPIRES_MS:
                expires = _int64(data, at + 1)[0]
                start = at + 9
            size = data[start + 1]
            if data[start] != STRING or size > 63:
                break
            middle = start + 2 + size
            form = data[middle]
            if form < 0x40:
                begin, stop = middle + 1, middle + 1 + form
            elif form < 0x80:
                begin = middle + 2
                stop = begin + ((form & 0x3F) << 8 | data[middle + 1])
            elif form in INTEGER_WIDTHS:
                begin, stop = middle + 1, middle + 1 + INTEGER_WIDTHS[form]
            else:
                break
            if stop > end:
                break
            value = data[begin:stop]
            if form > 0x80:
                value = b"%d" % int.from_bytes(value, "little", signed=True)
            add(Key(db, data[start + 2 : middle], value, expires))
            at = stop
        reader.at = at
        return at

    def _read_section(self, reader: Reader, events: list[Event]) -> None:
        start = reader.at
        self.mark = mark = reader.byte()
        read = _SECTIONS.get(mark)
        event = self._read_key(reader, mark) if read is None else read(self, reader)
        if event is not None:
            events.append(event)
        if self._trace is not None:
            self._trace(Section(mark, self.offset + start, self.offset + reader.at, event))
        self.mark = self.key = None

    def _read_key(self, reader: Reader, code: int) -> Event:
        if not is_type(code):
            raise reader.corrupt(f"no value has the type {code}")
        self.key = name = reader.string()
        try:
            value = read_value(code, reader, self.limits, self.version, self._templates)
        except EmptyCollection:
            value = None
        except Truncated:
            raise
        except CorruptData as fault:
            raise CorruptData(fault.offset, integrity_text(code, f"{fault.reason}, at the key {name[:64]!r}"))
        said = self._expires, self._idle, self._frequency
        self._expires = self._idle = self._frequency = None
        return EmptyKey(self.db, name) if value is None else Key(self.db, name, value, *said)

    # Sections that are no keys

    def _read_expires_ms(self, reader: Reader) -> None:
        self._expires = reader.int64()

    def _read_expires(self, reader: Reader) -> None:
        self._expires = int.from_bytes(reader.take(4), "little", signed=True) * _SECOND

    def _read_idle(self, reader: Reader) -> None:
        self._idle = reader.length()

    def _read_frequency(self, reader: Reader) -> None:
        self._frequency = reader.byte()

    def _read_select(self, reader: Reader) -> None:
        self.db = reader.length()

    def _read_resize(self, reader: Reader) -> Event:
        return Resize(self.db, reader.length(), reader.length())

    def _read_aux(self, reader: Reader) -> Event:
        return Aux(reader.string(), reader.string())

    def _read_library(self, reader: Reader) -> Event:
        return Library(reader.string())

    def _refuse_library(self, reader: Reader) -> None:
        raise reader.corrupt("a library in the form before Redis 7.0")

    def _read_module(self, reader: Reader) -> Event:
        return ModuleData(skip_module(reader))

    def _read_template(self, reader: Reader) -> None:
        number, fields = read_template(reader)
        self._templates[number] = fields

    def _skip_slot(self, reader: Reader) -> None:
        for _ in range(3):
            reader.length()

    def _skip_slot_import(self, reader: Reader) -> None:
        reader.string()
        for _ in range(2 * reader.length()):
            reader.length()

    def _read_end(self, reader: Reader) -> None:
        if self.version >= FIRST_WITH_CHECKSUM:
            at = reader.at
            expected = int.from_bytes(reader.take(8), "little")
            self.has_checksum = expected != 0
            if self._verifying and expected:
                found = crc64(memoryview(reader.data)[:at], self._checksum)
                if found != expected:
                    raise CorruptData(at, f"RDB CRC error: the checksum is {found:016x}, not {expected:016x}")
        self.done = True


_SECTIONS: dict[int, Callable[[RdbReader, Reader], Event | None]] = {
    TEMPLATE: RdbReader._read_template,
    SLOT_IMPORT: RdbReader._skip_slot_import,
    SLOT_INFO: RdbReader._skip_slot,
    FUNCTION: RdbReader._read_library,
    FUNCTION_BEFORE_7: RdbReader._refuse_library,
    MODULE_DATA: RdbReader._read_module,
    IDLE: RdbReader._read_idle,
    FREQUENCY: RdbReader._read_frequency,
    AUX: RdbReader._read_aux,
    RESIZE: RdbReader._read_resize,
    EXPIRES_MS: RdbReader._read_expires_ms,
    EXPIRES: RdbReader._read_expires,
    SELECT: RdbReader._read_select,
    END: RdbReader._read_end,
}
