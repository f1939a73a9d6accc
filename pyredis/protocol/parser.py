"""Requests: bytes in, lists of arguments out.

Two parsers that agree. `StrictParser` is the specification: Redis's readQueryFromClient as a state machine in Python,
with inline commands, every limit and every error text. `RequestParser` is what connections use: whole, regular commands
go through hiredis, at a fifth of the cost; anything else goes through the strict parser.

Reads end anywhere. What a read holds behind its last whole command goes to the strict parser, which knows at once if
it is malformed; but its bytes are kept as well, and if the next read brings the rest, all of it goes through hiredis.
A command with more arguments than two reads hold stays with the strict parser, which sends them through hiredis, as
many as a read brings. So no byte is parsed more than three times, however the stream is cut.

Nothing is allocated because it was announced: hiredis makes room for as many elements as an array says it has, so a
read goes that way only if it is long enough for all the elements that it announces.

Whether bytes are regular is proven, not hoped, before any of their commands has run. `#t` is fed behind the data: only
if hiredis then yields it on its own, with nothing left over, did the data end where a command ends. hiredis takes other
types than bulk strings inside an array. Nulls, numbers, errors, maps and nested arrays are not bytes, so joining the
arguments fails. Simple and verbatim strings are bytes, but their marks `+` and `=` are not part of them: a read that
holds more of these than its arguments do is not regular. Where a read may be cut is guessed: before its last line that
begins with `*`, which may be part of a value. If it is, what hiredis finds is proven by writing it anew.
"""

import re
from collections.abc import Callable
from typing import Final

from hiredis import HiredisError, Reader, pack_command

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
_STAR, _RETURN, _PLUS, _EQUALS = b"*\r+="
_only_bytes: Final = b"".join  # raises TypeError for anything else
_large: Final = re.compile(rb"\*[0-9]{3}").search
_nested: Final = re.compile(rb"\*[0-9]+\r\n\*").search
_counts: Final = re.compile(rb"\*([0-9]+)\r").findall
_bulk_mark: Final = re.compile(rb"\r\n\$[0-9]+\r")
_bulk_marks: Final = _bulk_mark.findall
_ARGUMENT_MIN = len(b"$0\r\n\r\n")
_bulk_header: Final = re.compile(rb"\$(0|[1-9][0-9]{0,8})\r\n").match
_MANY_BYTES = 128  # of one command's arguments that are worth hiredis
_SHORT = 1024  # bytes that may be given to hiredis once too often
_LARGE_READ = 1 << 16


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

    def forget(self) -> None:
        """Forget what is half read."""
        self._buffer.clear()
        self._argv, self._missing, self._bulk, self.held, self._scanned = [], 0, -1, 0, 0

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
            if self._bulk < 0 and not self._begin_bulk():
                return None
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

    def _begin_bulk(self) -> bool:
        """Read `$<size>`; False when it is not whole."""
        header = _bulk_header(self._buffer)
        if header is not None and self.authenticated and (size := int(header[1])) <= self.bulk_max:
            del self._buffer[: header.end()]
            self._bulk = size
            return True
        line = self._line(b"bulk count")
        if line is not None:
            self._bulk = self._bulk_size(line)
        return line is not None

    def _take_many(self) -> None:
        """Read at once all arguments that are whole, as an array of their own, if they are regular.

        Tried once for what was fed, so that an argument which makes it fail costs no more than its read.
        """
        self._tried = True
        if not self.authenticated or len(self._buffer) > self.bulk_max:
            return
        marks = _marks(self._buffer)
        if marks + 1 >= self._missing:
            self._take_all()
        elif marks:
            self._take_some(marks)

    def _take_some(self, marks: int) -> None:
        """All but the last argument of which something came, which may not be whole; there are more to come."""
        arguments = bytes(self._buffer[: _last_bulk(self._buffer) + 2])
        if not self._take_array(marks, arguments):
            self._take_array(len(_bulk_marks(self._buffer)), arguments)

    def _take_all(self) -> None:
        """All that the command lacks: up to where the next one seems to begin, or else proven by writing them anew."""
        end = self._buffer.find(b"\r\n*") + 2
        if self._take_array(self._missing, bytes(self._buffer[:end] if end > 1 else self._buffer)):
            return
        header = b"*%d\r\n" % self._missing
        found, size = rewritten(header + self._buffer, most=1)
        if found:
            self._took(found[0], size - len(header))

    def _take_array(self, count: int, arguments: bytes) -> bool:
        """What the buffer begins with, if it is so many regular arguments."""
        batch = regular_commands(Reader(), b"*%d\r\n%b" % (count, arguments)) if count <= self._missing else None
        if batch is None or len(batch) != 1:
            return False
        self._took(batch[0], len(arguments))
        return True

    def _took(self, arguments: Argv, size: int) -> None:
        """Arguments of the command that stood in so many bytes of the buffer."""
        del self._buffer[:size]
        self._argv += arguments
        self.held += sum(map(len, arguments))
        self._missing -= len(arguments)
        self._scanned = 0

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

    __slots__ = ("_begun", "_reader", "error", "regular", "strict", "was_exact", "weigh")

    def __init__(self, bulk_max: int = 512 << 20) -> None:
        self.strict = StrictParser(bulk_max)
        self.error: ProtocolError | None = None
        self.regular = True
        self.was_exact = True  # set to False by a read that was anything else than its commands, as one writes them
        self.weigh: Callable[[int], None] | None = None  # hears of the bytes of a command that came in several reads
        self._reader = Reader()
        self._begun = b""  # the command within which the last read ended, if it began in that

    def limit(self, authenticated: bool) -> None:
        """Set or lift the limits for clients that have not authenticated."""
        self.strict.authenticated = authenticated
        self.regular = authenticated and self.strict.idle

    def feed(self, data: bytes) -> list[Argv]:
        """The whole commands up to the end of `data`, or up to a protocol error (see `error`).

        One command at a time of a client that has not authenticated: it may change what the next ones may be.
        `more` gives the others.
        """
        if self.regular and (len(data) <= _SHORT or data.endswith(b"\r\n")):
            regular = (one_command if data.rfind(_STAR) == 0 else regular_commands)(self._reader, data)
            if regular is not None:
                return regular
            self._reader = Reader()
        self.was_exact = False
        return self._feed_part(data)

    def _feed_part(self, data: bytes) -> list[Argv]:
        """A read that is no row of whole, regular commands."""
        batch: list[Argv] = []
        strict, size = self.strict, len(data)
        was_idle = strict.idle
        if self._begun:
            strict.forget()
            data = self._begun + data
        elif not was_idle:  # the rest of a long command, then perhaps regular ones
            strict.feed(data)
            self._strictly(batch, most=1)
            if not batch or self.error is not None:
                return batch
            data = strict.rest()
        if strict.authenticated:
            data = self._take_regular(data, batch)
        strict.feed(data)
        count = len(batch)
        self._strictly(batch, most=1 << 62 if strict.authenticated else 1)
        self.regular = strict.idle and strict.authenticated and self.error is None
        self._begun = b"" if self.regular or len(batch) > count or len(data) > min(size, _SHORT) else data
        if batch and not was_idle and self.weigh is not None:
            self.weigh(sum(map(len, batch[0])))
        return batch

    def _take_regular(self, data: bytes, batch: list[Argv]) -> bytes:
        """Append to `batch` the regular commands that `data` begins with; what is behind them."""
        cut = data.rfind(b"\n*") + 1  # before the last command, it seems
        if data.endswith(b"\r\n") and regular_commands(Reader(), data[cut:]) is not None:
            cut = len(data)
        if not cut:
            return data
        regular = regular_commands(self._reader, data[:cut])
        if regular is not None:
            batch += regular
            return data[cut:]
        self._reader = Reader()
        found, size = rewritten(data)
        batch += found
        return data[size:]

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


def one_command(reader: Reader, data: bytes) -> list[Argv] | None:
    """The command of a read that holds one `*`, at its beginning; None as from `regular_commands`, whose proof this is.

    Most reads are such. Of a command that announces many arguments nothing is known yet.
    """
    if _RETURN not in data[2:4]:
        return regular_commands(reader, data)
    try:
        reader.feed(data)
        argv = reader.gets()
        if argv.__class__ is not list or reader.has_data() or not argv:
            return None
        arguments = _only_bytes(argv)
    except (HiredisError, TypeError):
        return None
    if _PLUS in data or _EQUALS in data:
        return None if _has_marks(data, arguments) else [argv]
    return [argv]


def regular_commands(reader: Reader, data: bytes) -> list[Argv] | None:
    """The commands of a read that holds only whole, regular ones; None for any other read, and `reader` is spoilt."""
    if (len(data) > _LARGE_READ or _large(data)) and announces_too_much(data):
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


def rewritten(data: bytes, most: int = 1 << 62) -> tuple[list[Argv], int]:
    """Up to `most` commands that `data` begins with, and in how many bytes they stand, as far as clients write them so.

    This costs twice what `regular_commands` does, but no value can mislead it.
    """
    batch: list[Argv] = []
    size = 0
    if announces_too_much(data):
        return batch, size
    reader = Reader()
    try:
        reader.feed(data)
        while len(batch) < most and (argv := reader.gets()).__class__ is list:
            written = pack_command(tuple(argv))
            if not data.startswith(written, size):
                break
            size += len(written)
            if argv:
                batch.append(argv)
    except (HiredisError, TypeError):  # TypeError: an argument that is neither bytes nor a number
        pass
    return batch, size


def _last_bulk(buffer: bytearray) -> int:
    """Where the header of the last bulk string begins with its line end before it, or -1; a value may look like one."""
    at = buffer.rfind(b"\r\n$")
    while at >= 0 and not _bulk_mark.match(buffer, at):
        at = buffer.rfind(b"\r\n$", 0, at)
    return at


def _marks(data: bytearray) -> int:
    """How many bulk strings follow others, if no argument begins with `$`."""
    return data.count(b"\r\n$")


def _marked(data: bytes, batch: list[Argv]) -> bool:
    """Whether a `+` or `=` stands outside the arguments."""
    return _has_marks(data, b"".join(map(_only_bytes, batch)))


def _has_marks(data: bytes, inside: bytes) -> bool:
    """Whether a read has more `+` or `=` than its arguments."""
    return data.count(b"+") != inside.count(b"+") or data.count(b"=") != inside.count(b"=")
