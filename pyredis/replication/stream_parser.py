"""A master's stream: the commands that became whole, and exactly the bytes they came in.

The bytes go on to the log of nobody and to the replicas of this replica as they are; their number is how far this
replica is. Both count whole commands only, and of a transaction nothing before its EXEC.
"""

import sys
from typing import NamedTuple

from hiredis import Reader

from pyredis.protocol.encoder import encode_command
from pyredis.protocol.parser import Argv, StrictParser, regular_commands

_MULTI_BYTES = encode_command((b"MULTI",))


class Whole(NamedTuple):
    """Commands and their bytes."""

    commands: list[Argv]
    data: bytes


class Batch(NamedTuple):
    """Commands that are applied in one go; those of a transaction take effect as one."""

    commands: list[Argv]
    is_transaction: bool = False


class StreamParser:
    """One master's. Raises ProtocolError for what is no command."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._strict = _strict_parser()
        self._raw = bytearray()  # what is not yet whole

    @property
    def held(self) -> int:
        """Bytes that came and belong to nothing whole yet."""
        return len(self._raw)

    def feed(self, data: bytes) -> list[Whole]:
        """What became whole. A read is cut at most into its regular commands, and what is left of it.

        What is left stands before the next read, since most end within a command; but not before a shorter one: what
        comes in small pieces is not copied time and again.
        """
        found = []
        if 0 < len(self._raw) <= len(data):
            data = bytes(self._raw) + data
            self._raw.clear()
            self._strict = _strict_parser()
        if not self._raw:
            for cut in (len(data) if data.endswith(b"\r\n") else 0, data.rfind(b"\r\n*") + 2):
                if cut >= 2 and (batch := regular_commands(self._reader, data[:cut])) is not None:
                    found.append(Whole(batch, data[:cut]))
                    data = data[cut:]
                    break
                self._reader = Reader()
        if data:
            found += self._strictly(data)
        return found

    def _strictly(self, data: bytes) -> list[Whole]:
        self._raw += data
        self._strict.feed(data)
        commands, size = [], 0
        while (argv := self._strict.next()) is not None:
            size = len(self._raw) - self._strict.buffered
            if argv:
                commands.append(argv)
        if not size:
            return []
        whole = Whole(commands, bytes(self._raw[:size]))
        del self._raw[:size]
        return [whole]


def _strict_parser() -> StrictParser:
    return StrictParser(sys.maxsize)  # what is too long here the master has had, too


class Transactions:
    """Holds back what stands behind a MULTI until its EXEC has come: what takes effect as one is applied as one."""

    def __init__(self) -> None:
        self._commands: list[Argv] | None = None  # behind a MULTI
        self._data: list[bytes] = []

    @property
    def held(self) -> int:
        """Bytes of a transaction that is not whole."""
        return sum(map(len, self._data))

    def feed(self, whole: Whole) -> tuple[list[Batch], bytes]:
        """Commands to apply, and the bytes of all that is whole with them."""
        if self._commands is None and 1 not in map(len, whole.commands):  # neither MULTI nor EXEC
            return [Batch(whole.commands)], whole.data
        ready: list[Batch] = []
        began = -1  # where the transaction begins that is not whole
        for at, argv in enumerate(whole.commands):
            word = argv[0].upper() if len(argv) == 1 else b""
            if word == b"MULTI" and self._commands is None:
                self._commands, began = [], at
            elif self._commands is None:
                ready.append(Batch([argv]))
            elif word == b"EXEC":
                ready.append(Batch(self._commands, is_transaction=True))
                self._commands = None
            else:
                self._commands.append(argv)
        if self._commands is None:
            return ready, self._take(whole.data)
        if began < 0:
            self._data.append(whole.data)
            return ready, b""
        cut = _start(whole, began)
        data = self._take(whole.data[:cut])
        self._data.append(whole.data[cut:])
        return ready, data

    def _take(self, data: bytes) -> bytes:
        """What was held, and `data`."""
        held, self._data = self._data, []
        return b"".join((*held, data)) if held else data


def _start(whole: Whole, at: int) -> int:
    """Where in its bytes a command starts: counted from the end if they are as one writes them, else read again."""
    start = len(whole.data) - sum(len(encode_command(argv)) for argv in whole.commands[at:])
    if start >= 0 and whole.data[start : start + len(_MULTI_BYTES)].upper() == _MULTI_BYTES:
        return start
    strict = StrictParser(len(whole.data))
    strict.feed(whole.data)
    count = 0
    while count < at:
        count += bool(strict.next())
    return len(whole.data) - strict.buffered
