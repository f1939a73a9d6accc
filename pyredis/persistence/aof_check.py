"""Looking at an append-only log without a server, and cutting off what is broken or too new: redis-check-aof.

What it says is what redis-check-aof 7.4 says, line by line; only of a snapshot at the beginning of a file it tells
less. A file is read as lines and words, so that the place of a fault is known exactly. Only the last file of a log
is ever cut.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pyredis.config.store import Config
from pyredis.datatypes.collection_limits import CollectionLimits
from pyredis.persistence.aof_format import RDB_MAGIC
from pyredis.persistence.aof_manifest import Manifest, ManifestError, parse
from pyredis.persistence.disk import READ_SIZE
from pyredis.rdb.encoding import CorruptData
from pyredis.rdb.file_reader import EmptyKey, Key, RdbReader

OK, EMPTY, TRUNCATED, TRUNCATED_TO_TIME = "ok", "empty", "truncated", "truncated to time"
_LINE_MAX = 127
_MARK_MAX = 1023
_NUMBER = re.compile(rb"\s*[+-]?\d+")


class CheckFailed(Exception):
    """The files are not valid, or could not be repaired; the last line says why."""


class _Fault(Exception):
    """A command that is none; `text` may be empty where the file just ends."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text


class Checker:
    """`say` gets lines of text, `agree` asks whether to go on. `until`: cut off what is newer, seconds since 1970."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        fix: bool = False,
        until: int = 0,
        agree: Callable[[], bool] | None = None,
    ) -> None:
        self._say = say
        self._fix = fix
        self._until = until
        self._agree = agree
        self._line = 1  # like redis-check-aof we count on from file to file

    def check(self, path: Path) -> None:
        """Check a manifest with its files, or one file. Raises CheckFailed."""
        try:
            text = path.read_bytes() if _is_manifest(path) else None
        except OSError as error:
            raise self._failed(f"Cannot open file {path}: {error.strerror}") from None
        if text is not None:
            self._check_log(path.parent, text)
            return
        self._say("Start checking Old-Style AOF")
        result = self._check_file(str(path), path, is_last=True, preamble=self._is_rdb(path))
        self._conclude(result, str(path), "AOF")

    def _check_log(self, folder: Path, text: bytes) -> None:
        self._say("Start checking Multi Part AOF")
        manifest = self._manifest(text)
        last = manifest.files[-1] if manifest.files else None
        if manifest.base is not None:
            name = manifest.base.name
            preamble = self._is_rdb(folder / name)
            self._say(f"Start to check BASE AOF ({'RDB' if preamble else 'RESP'} format).")
            is_last = manifest.base is last
            self._conclude(self._check_file(name, folder / name, is_last=is_last, preamble=preamble), name, "BASE AOF")
        if manifest.increments:
            self._say("Start to check INCR files.")
        for file in manifest.increments:
            result = self._check_file(file.name, folder / file.name, is_last=file is last, preamble=False)
            self._conclude(result, file.name, "INCR AOF")
        self._say("All AOF files and manifest are valid")

    def _manifest(self, text: bytes) -> Manifest:
        try:
            return parse(text)
        except ManifestError as fault:
            self._say("*** FATAL AOF MANIFEST FILE ERROR ***")
            if fault.line:
                self._say(f"Reading the manifest file, at line {fault.number}")
                self._say(f">>> '{fault.line}'")
            raise self._failed(fault.reason) from None

    def _conclude(self, result: str, name: str, kind: str) -> None:
        if result is OK:
            self._say(f"{kind} {name} is valid")
        elif result is EMPTY:
            self._say(f"{kind} {name} is empty")
        elif result is TRUNCATED_TO_TIME:
            self._say(f"Successfully truncated AOF {name} to timestamp {self._until}")
        else:
            self._say(f"Successfully truncated AOF {name}")

    # One file

    def _check_file(self, name: str, path: Path, *, is_last: bool, preamble: bool) -> str:
        try:
            file = path.open("r+b")
        except OSError as error:
            raise self._failed(f"Cannot open file {path}: {error.strerror}, aborting...") from None
        with file:
            size = path.stat().st_size
            if not size:
                return EMPTY
            if preamble:
                self._check_preamble(path, file)
            return self._check_commands(name, path, file, size, is_last)

    def _check_commands(self, name: str, path: Path, file: BinaryIO, size: int, is_last: bool) -> str:
        scan = _Scan(file, str(path), size, self._line)
        while True:
            if not scan.in_transaction:
                scan.valid = file.tell()
            mark = file.read(1)
            if not mark:
                break
            file.seek(-1, 1)
            if mark == b"#":
                if self._is_too_new(path, file, is_last):
                    return TRUNCATED_TO_TIME
            elif mark == b"*":
                try:
                    scan.command()
                except _Fault as fault:
                    scan.fault = fault.text
                    break
            else:
                self._say(f"AOF {name} format error")
                scan.at_end = False
                break
        if scan.at_end and scan.in_transaction and not scan.fault:
            scan.fault = scan.described("Reached EOF before reading EXEC for MULTI").text
        if scan.fault:
            self._say(scan.fault)
        return self._judge(name, file, size, scan, is_last)

    def _judge(self, name: str, file: BinaryIO, size: int, scan: "_Scan", is_last: bool) -> str:
        self._line = scan.line
        valid, surplus = scan.valid, size - scan.valid
        if not surplus and self._until:
            self._say(f"Truncate nothing in AOF {name} to timestamp {self._until}")
            return OK
        self._say(
            f"AOF analyzed: filename={name}, size={size}, ok_up_to={valid}, ok_up_to_line={scan.line}, diff={surplus}"
        )
        if not surplus:
            return OK
        if not self._fix:
            raise self._failed(f"AOF {name} is not valid. Use the --fix option to try fixing it.")
        if not is_last:
            raise self._failed(f"Failed to truncate AOF {name} because it is not the last file")
        self._say(f"This will shrink the AOF {name} from {size} bytes, with {surplus} bytes, to {valid} bytes")
        if self._agree is None or not self._agree():
            raise self._failed("Aborting...")
        self._cut(file, valid, f"Failed to truncate AOF {name}")
        return TRUNCATED

    def _is_too_new(self, path: Path, file: BinaryIO, is_last: bool) -> bool:
        """Read a mark; if what follows is too new, the file is cut before it."""
        at = file.tell()
        line = file.readline(_MARK_MAX)
        if not self._until or not line.startswith(b"#TS:"):
            return False
        number = _NUMBER.match(line, 4)
        if number is None or line[number.end() : number.end() + 1] != b"\r":
            raise self._failed("Invalid timestamp annotation")
        if int(number[0]) <= self._until:
            return False
        if not at:
            raise self._failed(f"AOF {path} has nothing before timestamp {self._until}, aborting...")
        if not is_last:
            self._say(
                f"Failed to truncate AOF {path} to timestamp {self._until} to offset {at} because it is not the last "
                "file."
            )
            raise self._failed(
                "If you insist, please delete all files after this file according to the manifest file and delete the "
                "corresponding records in manifest file manually. Then re-run redis-check-aof."
            )
        self._cut(file, at, f"Failed to truncate AOF {path} to timestamp {self._until}")
        return True

    def _cut(self, file: BinaryIO, size: int, complaint: str) -> None:
        try:
            file.truncate(size)
        except OSError:
            raise self._failed(complaint) from None

    def _check_preamble(self, path: Path, file: BinaryIO) -> None:
        """Read a snapshot to its end; `file` stands behind it."""
        reader = RdbReader(CollectionLimits(Config()))
        keys = 0
        self._say(f"[offset 0] Checking RDB file {path}")
        try:
            while not reader.done and (data := file.read(READ_SIZE)):
                for event in reader.feed(data):
                    keys += isinstance(event, Key | EmptyKey)
            if not reader.done:
                reader.finish()
        except CorruptData as fault:
            self._say(f"--- RDB ERROR DETECTED ---\n[offset {fault.offset}] {fault.reason}")
            raise self._failed("RDB preamble of AOF file is not sane, aborting.") from None
        self._say(f"[offset {reader.offset}] \\o/ RDB looks OK! \\o/\n[info] {keys} keys read")
        self._say("RDB preamble is OK, proceeding with AOF tail...")
        file.seek(reader.offset)

    def _is_rdb(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                head = file.read(8)
        except OSError as error:
            raise self._failed(f"Cannot open file {path}: {error.strerror}") from None
        return len(head) == 8 and head.startswith(RDB_MAGIC)

    def _failed(self, text: str) -> CheckFailed:
        self._say(text)
        return CheckFailed(text)


class _Scan:
    """Where the reading of a file is. `line` counts lines of commands; `valid` is where the file may be cut."""

    def __init__(self, file: BinaryIO, name: str, size: int, line: int) -> None:
        self._file = file
        self._size = size
        self._name = name
        self._began = 0
        self.line = line
        self.valid = 0
        self.fault = ""
        self.at_end = True
        self._depth = 0

    @property
    def in_transaction(self) -> bool:
        """Whether there was a MULTI and no EXEC yet."""
        return self._depth != 0

    def command(self) -> None:
        """Read one command. Raises _Fault."""
        for at in range(self._long(b"*")):
            word = self._word()
            if at:
                continue
            if word.lower() == b"multi":
                self._depth += 1
                if self._depth != 1:
                    raise self.described(f"Unexpected MULTI in AOF {self._name}")
            elif word.lower() == b"exec":
                self._depth -= 1
                if self._depth:
                    raise self.described(f"Unexpected EXEC in AOF {self._name}")

    def described(self, text: str) -> _Fault:
        """A fault, with the place where what was read last begins."""
        self.at_end = False
        return _Fault(f"0x{self._began:16x}: {text}")

    def _long(self, prefix: bytes) -> int:
        self._began = self._file.tell()
        line = self._file.readline(_LINE_MAX)
        if not line:
            raise _Fault
        if line[:1] != prefix:
            raise self.described(f"Expected prefix '{prefix.decode()}', got: '{line[:1].decode('latin-1')}'")
        number = _NUMBER.match(line, 1)
        self._line_end(line[number.end() if number else 1 :])
        return int(number[0]) if number else 0

    def _word(self) -> bytes:
        size = self._long(b"$")
        if not 0 <= size < 1 << 62:
            raise self.described(f"Expected to read string of {size} bytes, which is not in the suitable range")
        self._began = self._file.tell()
        data = self._file.read(min(size + 2, self._size - self._began))
        if len(data) < size + 2:
            raise self.described(f"Expected to read {size + 2} bytes, got {len(data)} bytes")
        self._line_end(data[size:])
        return data[:size]

    def _line_end(self, data: bytes) -> None:
        if data[:2] != b"\r\n":
            first, second = (data[:2] + b"\0\0")[:2]
            raise self.described(f"Expected \\r\\n, got: {first:02x}{second:02x}")
        self.line += 1


def _is_manifest(path: Path) -> bool:
    """Whether it begins like one: nothing but comments and lines of files."""
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(1024), b""):
            if not line.startswith(b"#"):
                return line.startswith(b"file")
    return False
