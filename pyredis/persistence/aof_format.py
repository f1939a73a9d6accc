"""The text of an append-only log: commands as a client would send them, one after the other.

SELECT stands where the database changes, MULTI and EXEC around what takes effect as one, and a line `#TS:<seconds>`
where a new second begins, if such are wanted. Reading is by whole commands: what is missing at the end of a file can
be cut off, at the last command or before the transaction it belongs to; what is no command cannot be repaired.
"""

from collections.abc import Callable

import hiredis

from pyredis.protocol.encoder import encode_command
from pyredis.protocol.parser import Argv, announces_too_much

RDB_MAGIC = b"REDIS"
"""How a file begins that holds a snapshot, maybe with commands behind it."""
VALKEY_MAGIC = b"VALKEY"
_HASH, _STAR, _DOLLAR, _NEWLINE = b"#*$\n"
_LINE_MAX = 1024
_SECOND = 1000


class LogFault(Exception):
    """`offset` is where the last command ends that is of use, bytes from the beginning of the file."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"at byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class BadFormat(LogFault):
    """There is something that is no command."""


class CutShort(LogFault):
    """The file ends within a command, or within a transaction."""


def annotation(now: int) -> bytes:
    """The mark of a second; `now` is ms since 1970."""
    return b"#TS:%d\r\n" % (now // _SECOND)


class LogReader:
    """Bytes in, commands out. `offset` counts what was read as whole commands, from `start` on.

    `valid` is where the file may be cut: behind the last command that is in no transaction.
    """

    __slots__ = (
        "_argv",
        "_begun",
        "_chunks",
        "_missing",
        "_waiting",
        "_wanted",
        "in_transaction",
        "offset",
        "on_second",
        "valid",
    )

    def __init__(self, start: int = 0, on_second: Callable[[int, int], None] | None = None) -> None:
        self.offset = self.valid = start
        self.in_transaction = False
        self.on_second = on_second  # hears of a mark: the second, and the offset it stands at
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._wanted = 0  # bytes that must wait before it is worth another look
        self._argv: Argv = []  # the words read of a command that is not whole
        self._missing = 0  # how many are still to come
        self._begun = 0  # the bytes read of it

    def feed(self, data: bytes) -> list[Argv]:
        """The commands that are whole now. Raises BadFormat."""
        self._chunks.append(data)
        self._waiting += len(data)
        if self._waiting < self._wanted:
            return []
        buffer = b"".join(self._chunks)
        commands, at = ([], 0) if self._missing or announces_too_much(buffer) else self._read_plain(buffer)
        self.offset += at
        rest = buffer[at:]
        at, self._wanted = self._read(rest, commands)
        rest = rest[at:]
        self._chunks, self._waiting = [rest], len(rest)
        return commands

    def finish(self) -> None:
        """The file ends here. Raises CutShort when it does so within something."""
        if self._waiting or self._missing:
            raise CutShort(self.valid, "the last command is not whole")
        if self.in_transaction:
            raise CutShort(self.valid, "the last transaction is not whole")

    def _read_plain(self, buffer: bytes) -> tuple[list[Argv], int]:
        """Commands and where the last one ends, read three times as fast, while nothing unusual comes.

        The parser does not say how far it read. What it understood must be, written again, how the buffer begins.
        """
        parser = hiredis.Reader()
        parser.feed(buffer)
        try:
            commands: list[Argv] = list(iter(parser.gets, False))
            pieces = [encode_command(argv) for argv in commands]
        except (hiredis.ProtocolError, TypeError, ValueError):
            return [], 0
        whole = b"".join(pieces)
        shortest = min(map(len, commands), default=0)
        if not shortest or not buffer.startswith(whole):
            return [], 0
        at = self.offset
        if not self.in_transaction and shortest > 1:
            self.valid = at + len(whole)
            return commands, len(whole)
        for argv, piece in zip(commands, pieces, strict=True):
            at += len(piece)
            self._note_transaction(argv)
            if not self.in_transaction:
                self.valid = at
        return commands, len(whole)

    def _read(self, buffer: bytes, commands: list[Argv]) -> tuple[int, int]:
        """Append commands: what of the buffer is read, and how long the rest must get before it is worth a look."""
        at, end = 0, len(buffer)
        try:
            while at < end:
                newline = buffer.find(b"\n", at)
                if newline < 0:
                    return at, self._need_line(buffer, at)
                if not self._missing:
                    at = self._begin(buffer, at, newline)
                    continue
                if buffer[at] != _DOLLAR:
                    raise self._bad(f"a word begins with {buffer[at : at + 1]!r}")
                begin = newline + 1
                stop = begin + int(buffer[at + 1 : newline])
                if stop < begin:
                    raise ValueError
                if stop + 2 > end:
                    return at, stop + 2 - at
                if buffer[stop + 1] != _NEWLINE:
                    raise self._bad("a word is longer than it says")
                self._argv.append(buffer[begin:stop])
                self._begun += stop + 2 - at
                self._missing -= 1
                at = stop + 2
                if not self._missing:
                    commands.append(self._whole())
        except ValueError:
            raise self._bad("a size is no number") from None
        return at, 0

    def _begin(self, buffer: bytes, at: int, newline: int) -> int:
        """Read a command's count of words, or a line that is no command; where what follows begins."""
        if buffer[at] == _STAR:
            self._missing = int(buffer[at + 1 : newline])
            self._argv = []
            self._begun = newline + 1 - at
            if self._missing < 1:
                raise ValueError
        elif buffer[at] == _HASH:
            if self.on_second is not None and buffer.startswith(b"#TS:", at):
                self.on_second(int(buffer[at + 4 : newline]), self.offset)
            self.offset += newline + 1 - at
        else:
            raise self._bad(f"a command begins with {buffer[at : at + 1]!r}")
        return newline + 1

    def _whole(self) -> Argv:
        """The command whose last word was read."""
        argv = self._argv
        if len(argv) == 1 or self.in_transaction:
            self._note_transaction(argv)
        self._forward(self._begun)
        return argv

    def _forward(self, size: int) -> None:
        self.offset += size
        self._begun = 0
        if not self.in_transaction:
            self.valid = self.offset

    def _note_transaction(self, argv: Argv) -> None:
        word = argv[0].upper() if len(argv) == 1 else b""
        if word == b"MULTI":
            self.in_transaction = True
        elif word == b"EXEC":
            self.in_transaction = False

    def _need_line(self, buffer: bytes, at: int) -> int:
        """The rest of a line is missing: any byte more may bring it."""
        if len(buffer) - at > _LINE_MAX:
            raise self._bad("a line has no end")
        if buffer[at] not in ((_DOLLAR,) if self._missing else (_STAR, _HASH)):
            raise self._bad(f"a {'word' if self._missing else 'command'} begins with {buffer[at : at + 1]!r}")
        return len(buffer) - at + 1

    def _bad(self, reason: str) -> BadFormat:
        return BadFormat(self.offset, reason)
