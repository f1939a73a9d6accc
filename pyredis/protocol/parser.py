"""Requests: bytes in, lists of arguments out.

Two parsers that agree. `StrictParser` is the specification: Redis's readQueryFromClient as a state machine in Python,
with inline commands, every limit and every error text. `RequestParser` is what connections use: a read that holds
nothing but whole, regular commands goes through hiredis, at a fifth of the cost; anything else goes through the
strict parser. A command with a great many arguments comes in many reads; its arguments go through hiredis, too, as many
as a read holds.

Nothing is allocated because it was announced: hiredis makes room for as many elements as an array says it has, so a
read goes that way only if it is long enough for all the elements that it announces.

Whether a read is regular is proven, not hoped. `#t` is fed behind the data: only if hiredis then yields it on its own,
with nothing left over, did the data end where a command ends. hiredis takes other types than bulk strings inside an
array. Nulls, numbers, errors, maps and nested arrays are not bytes, so joining the arguments fails. Simple and verbatim
strings are bytes, but their marks `+` and `=` are not part of them: a read that holds more of these than its arguments
do is not regular. A read that fails is parsed again, strictly, before any of its commands has run.
"""

import re
from collections.abc import Callable
from typing import Final

from hiredis import HiredisError, Reader

from pyredis.config.words import split_words
from pyredis.datatypes.numeric import parse_int
from pyredis.errors import ProtocolError

Argv = list[bytes]

SLICE_BYTES = 64 * 1024
"""How much of a large read is parsed and run before others have their turn."""

INLINE_MAX = 64 * 1024
MULTIBULK_MAX = (1 << 31) - 1
UNAUTHENTICATED_MULTIBULK_MAX = 10
UNAUTHENTICATED_BULK_MAX = 16384
_END: Final = b"#t\r\n"
_PLUS, _EQUALS = b"+="
_only_bytes: Final = b"".join  # raises TypeError for anything else
_large: Final = re.compile(rb"\*[0-9]{3}").search
_nested: Final = re.compile(rb"\*[0-9]+\r\n\*").search
_counts: Final = re.compile(rb"\*([0-9]+)\r").findall
_bulk_mark: Final = re.compile(rb"\r\n\$[0-9]+\r")
_ARGUMENT_MIN = len(b"$0\r\n\r\n")
_MANY_BYTES = 1024  # of one command's arguments that are worth hiredis
_LARGE_READ = 1 << 16
_FAST_MAX = 1 << 20  # a larger read holds a large argument: the strict parser takes it without copying it twice


def first_slice(data: bytes) -> tuple[bytes, bytes]:
    """What of a larger read is taken now, up to where a command seems to begin if there is such a place; the rest."""
    cut = data.rfind(b"\r\n*", 0, SLICE_BYTES) + 2
    cut = cut if cut > 1 else SLICE_BYTES
    return data[:cut], data[cut:]


def announces_too_much(data: bytes) -> bool:
    """Whether hiredis would make room for more array elements than `data` can hold.

    Arrays of less than a hundred elements are not counted, but a large read may not nest them: what they announce is no
    more than some megabytes.
    """
    if len(data) > _LARGE_READ and _nested(data):
        return True
    return _large(data) is not None and len(data) < _ARGUMENT_MIN * sum(map(int, _counts(data)))


class StrictParser:
    """One client's unparsed bytes and where in a command they stand. Bounds are in bytes and counts."""

    __slots__ = ("_argv", "_buffer", "_bulk", "_missing", "_scanned", "_tried", "authenticated", "bulk_max", "held")

    def __init__(self, bulk_max: int = 512 << 20) -> None:
        self.bulk_max = bulk_max
        self.authenticated = True
        self._buffer = bytearray()
        self._argv: Argv = []
        self._missing = 0  # arguments of the current command still to come
        self._bulk = -1  # size of the argument being read; -1 before its header
        self.held = 0  # bytes of the arguments read of it
        self._scanned = 0  # how far the buffer is known to hold no line end
        self._tried = False  # whether what was fed last was looked at for many arguments at once

    @property
    def idle(self) -> bool:
        """Nothing is half read."""
        return not self._buffer and not self._missing

    @property
    def between(self) -> bool:
        """No command is half read; whole ones may wait in the buffer."""
        return not self._missing

    @property
    def lacking(self) -> int:
        """Bytes still to come of the argument being read."""
        return self._bulk + 2 - len(self._buffer) if self._bulk >= 0 else 0

    @property
    def buffered(self) -> int:
        """Bytes received that have not become an argument yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._buffer += data
        self._tried = False

    def rest(self) -> bytes:
        """Give back the bytes behind the last command; only between commands."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def next(self) -> Argv | None:
        """The next command, [] for an empty one, or None until more bytes come. Raises ProtocolError."""
        if not self._missing:
            if not self._buffer:
                return None
            if self._buffer[0] != 0x2A:  # '*'
                return self._inline()
            line = self._line(b"mbulk count")
            if line is None:
                return None
            if not self._begin(line):
                return []
        return self._arguments()

    def _begin(self, line: bytes) -> bool:
        """Read `*<count>`; False when the command is empty."""
        count = parse_int(line[1:])
        if count is None or count > MULTIBULK_MAX:
            raise ProtocolError(b"invalid multibulk length")
        if count > UNAUTHENTICATED_MULTIBULK_MAX and not self.authenticated:
            raise ProtocolError(b"unauthenticated multibulk length")
        self._argv = []
        self._missing = max(count, 0)
        return count > 0

    def _arguments(self) -> Argv | None:
        """Go on reading `$<size>` and that many bytes until the command is whole."""
        while self._missing:
            if self._bulk < 0 and not self._tried and len(self._buffer) > _MANY_BYTES:
                self._take_many()
                continue
            if self._bulk < 0:
                line = self._line(b"bulk count")
                if line is None:
                    return None
                self._bulk = self._bulk_size(line)
            end = self._bulk
            if len(self._buffer) < end + 2:
                return None
            self._argv.append(bytes(memoryview(self._buffer)[:end]))
            del self._buffer[: end + 2]
            self.held += end
            self._missing -= 1
            self._bulk = -1
            self._scanned = 0
        argv, self._argv = self._argv, []
        self.held = 0
        return argv

    def _take_many(self) -> None:
        """Read at once all arguments that are whole, as an array of their own, if they are regular.

        Tried once for what was fed, so that an argument which makes it fail costs no more than its read.
        """
        self._tried = True
        buffer = self._buffer
        if not self.authenticated or len(buffer) > self.bulk_max:
            return
        end = buffer.find(b"\r\n*")  # the next command, or else the last argument, which may not be whole
        end = end if end >= 0 else _last_bulk(buffer)
        arguments = bytes(buffer[: end + 2])
        for count in (_marks, _bulk_marks):
            marks = count(arguments)
            batch = regular_commands(Reader(), b"*%d\r\n%b" % (marks + 1, arguments))
            if batch and marks < self._missing:
                del buffer[: end + 2]
                self._argv += batch[0]
                self.held += sum(map(len, batch[0]))
                self._missing -= marks + 1
                self._scanned = 0
                return

    def _bulk_size(self, line: bytes) -> int:
        if line[:1] != b"$":
            raise ProtocolError(b"expected '$', got '%b'" % line[:1])
        size = parse_int(line[1:])
        if size is None or size < 0 or size > self.bulk_max:
            raise ProtocolError(b"invalid bulk length")
        if size > UNAUTHENTICATED_BULK_MAX and not self.authenticated:
            raise ProtocolError(b"unauthenticated bulk length")
        return size

    def _find(self, mark: bytes) -> int:
        """Where `mark` stands, or -1; a NUL before it hides it, as from C's strchr."""
        end = self._buffer.find(mark, self._scanned)
        nul = self._buffer.find(0, self._scanned, end if end >= 0 else len(self._buffer))
        if nul < 0 <= end:
            return end
        self._scanned = nul if nul >= 0 else len(self._buffer)
        return -1

    def _line(self, what: bytes) -> bytes | None:
        """The header line up to a carriage return, which a line feed is taken to follow, as in Redis."""
        end = self._find(b"\r")
        if end < 0:
            if len(self._buffer) > INLINE_MAX:
                raise ProtocolError(b"too big %b string" % what)
            return None
        if end + 2 > len(self._buffer):
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self._scanned = 0
        return line

    def _inline(self) -> Argv | None:
        """A command as a line of words."""
        end = self._find(b"\n")
        if end < 0:
            if len(self._buffer) > INLINE_MAX:
                raise ProtocolError(b"too big inline request")
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        self._scanned = 0
        words = split_words(line)
        if words is None:
            raise ProtocolError(b"unbalanced quotes in request")
        return words


class RequestParser:
    """A connection's parser: `feed(data)` gives the commands that became whole.

    After a ProtocolError, kept in `error` until the commands before it have run, the client must be closed. `regular`
    is False while the strict parser holds part of a command or a client that has not authenticated is limited.
    """

    __slots__ = ("_reader", "error", "regular", "strict", "was_exact", "weigh")

    def __init__(self, bulk_max: int = 512 << 20) -> None:
        self.strict = StrictParser(bulk_max)
        self.error: ProtocolError | None = None
        self.regular = True
        self.was_exact = True  # set to False by a read that was anything else than its commands, as one writes them
        self.weigh: Callable[[int], None] | None = None  # hears of the bytes of a command that came in several reads
        self._reader = Reader()

    def limit(self, authenticated: bool) -> None:
        """Set or lift the limits for clients that have not authenticated."""
        self.strict.authenticated = authenticated
        self.regular = authenticated and self.strict.idle

    def feed(self, data: bytes) -> list[Argv]:
        """The whole commands up to the end of `data`, or up to a protocol error (see `error`).

        One command at a time of a client that has not authenticated: it may change what the next ones may be.
        `more` gives the others.
        """
        if self.regular and (len(data) <= _MANY_BYTES or data.endswith(b"\r\n")):
            regular = regular_commands(self._reader, data)
            if regular is not None:
                return regular
            self._reader = Reader()
        self.was_exact = False
        batch: list[Argv] = []
        strict = self.strict
        if not strict.idle:  # the rest of a command, then perhaps regular ones
            strict.feed(data)
            self._strictly(batch, most=1)
            if not batch or self.error is not None:
                return batch
            if self.weigh is not None:
                self.weigh(sum(map(len, batch[0])))
            data = strict.rest()
        if strict.authenticated:
            # A read that ends within a command: the whole ones before that may still go the fast way.
            for cut in (len(data) if data.endswith(b"\r\n") else 0, data.rfind(b"\r\n*") + 2):
                if cut >= 2 and (regular := regular_commands(Reader(), data[:cut])) is not None:
                    batch += regular
                    data = data[cut:]
                    break
        strict.feed(data)
        self._strictly(batch, most=1 << 62 if strict.authenticated else 1)
        self.regular = strict.idle and strict.authenticated and self.error is None
        return batch

    def more(self) -> list[Argv]:
        """What is whole behind the command that a client sent before it had authenticated."""
        strict = self.strict
        return self.feed(strict.rest()) if strict.between and strict.buffered and self.error is None else []

    def _strictly(self, batch: list[Argv], most: int = 1 << 62) -> None:
        """Append to `batch` what the strict parser finds, up to `most` commands."""
        try:
            while len(batch) < most and (argv := self.strict.next()) is not None:
                if argv:
                    batch.append(argv)
        except ProtocolError as error:
            self.error = error


def regular_commands(reader: Reader, data: bytes) -> list[Argv] | None:
    """The commands of a read that holds only whole, regular ones; None for any other read, and `reader` is spoilt."""
    if (len(data) > _LARGE_READ or _large(data)) and (len(data) > _FAST_MAX or announces_too_much(data)):
        return None
    next_reply = reader.gets
    batch: list[Argv] = []
    try:
        reader.feed(data)
        argv = next_reply()
        if argv.__class__ is not list:
            return None
        more = reader.has_data()
        if more:  # another answer of the reader tells that what stood before it was whole
            reader.feed(_END)
        while argv.__class__ is list:
            if argv:
                _only_bytes(argv)
                batch.append(argv)
            argv = next_reply() if more else True
        if argv is True and not reader.has_data():
            return None if (_PLUS in data or _EQUALS in data) and _marked(data, batch) else batch
    except (HiredisError, TypeError):  # TypeError: an argument that is not bytes
        pass
    return None


def _last_bulk(buffer: bytearray) -> int:
    """Where the header of the last bulk string begins with its line end before it, or -1; a value may look like one."""
    at = buffer.rfind(b"\r\n$")
    while at >= 0 and not _bulk_mark.match(buffer, at):
        at = buffer.rfind(b"\r\n$", 0, at)
    return at


def _marks(data: bytes) -> int:
    """How many bulk strings follow others, if no argument begins with `$`."""
    return data.count(b"\r\n$")


def _bulk_marks(data: bytes) -> int:
    """How many bulk strings follow others, if no argument holds what looks like the header of one."""
    return len(_bulk_mark.findall(data))


def _marked(data: bytes, batch: list[Argv]) -> bool:
    """Whether a `+` or `=` stands outside the arguments."""
    inside = b"".join(map(_only_bytes, batch))
    return data.count(b"+") != inside.count(b"+") or data.count(b"=") != inside.count(b"=")
