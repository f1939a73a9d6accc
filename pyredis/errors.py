"""Every error a command can answer with: the exception and the exact texts of Redis, in one place.

A handler raises; the engine catches once and answers `-<code> <text>`. Texts are bytes without the code.
"""


class CommandError(Exception):
    """An error reply. `code` is the first word (`ERR`, `WRONGTYPE`, …), `text` the rest, both bytes.

    With `counted`, statistics know of it already.
    """

    code = b"ERR"
    counted = False

    def __init__(self, text: bytes, code: bytes | None = None) -> None:
        super().__init__(text)
        self.text = text
        if code is not None:
            self.code = code

    @property
    def line(self) -> bytes:
        """The reply without the leading `-` and the line end."""
        return self.code + b" " + self.text if self.text else self.code


class WrongType(CommandError):
    """The key holds a value of another type."""

    code = b"WRONGTYPE"

    def __init__(self) -> None:
        super().__init__(b"Operation against a key holding the wrong kind of value")


class Redirection(CommandError):
    """An error of the cluster. EXEC that meets one is over, and answers it as it is."""


class ProtocolError(Exception):
    """Malformed input: answered `-ERR Protocol error: <text>`, then the client is closed. `text` is bytes."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


SYNTAX = b"syntax error"
NOT_AN_INTEGER = b"value is not an integer or out of range"
NOT_A_FLOAT = b"value is not a valid float"
OUT_OF_RANGE = b"value is out of range"
NO_SUCH_KEY = b"no such key"
INDEX_OUT_OF_RANGE = b"index out of range"
STRING_TOO_LONG = b"string exceeds maximum allowed size (proto-max-bulk-len)"
OVERFLOW = b"increment or decrement would overflow"
OFFSET_OUT_OF_RANGE = b"offset is out of range"
DB_INDEX_OUT_OF_RANGE = b"DB index is out of range"
SAME_OBJECT = b"source and destination objects are the same"
BAD_CLIENT_NAME = b"Client names cannot contain spaces, newlines or special characters."
TIMEOUT_NEGATIVE = b"timeout is negative"
TIMEOUT_NOT_A_FLOAT = b"timeout is not a float or out of range"
TIMEOUT_NOT_AN_INTEGER = b"timeout is not an integer or out of range"
TIMEOUT_OUT_OF_RANGE = b"timeout is out of range"


def as_printed(word: bytes, most: int | None = None) -> bytes:
    """A word as an error shows it: as C prints it, up to its first NUL, and perhaps only so many bytes."""
    return word[:most].partition(b"\0")[0]


def syntax_error() -> CommandError:
    """The arguments do not fit the command's syntax."""
    return CommandError(SYNTAX)


def out_of_memory() -> CommandError:
    """The command may take memory, and there is none."""
    return CommandError(b"command not allowed when used memory > 'maxmemory'.", b"OOM")


def too_few_replicas() -> CommandError:
    """A write that `min-replicas-to-write` replicas would not get."""
    return CommandError(b"Not enough good replicas to write.", b"NOREPLICAS")


def read_only_replica() -> CommandError:
    """A write by a replica's client."""
    return CommandError(b"You can't write against a read only replica.", b"READONLY")


def master_down() -> CommandError:
    """A replica without its master does not serve what may be old (`replica-serve-stale-data no`)."""
    return CommandError(b"Link with MASTER is down and replica-serve-stale-data is set to 'no'.", b"MASTERDOWN")


def not_an_integer() -> CommandError:
    """An argument is no 64 bit integer."""
    return CommandError(NOT_AN_INTEGER)


def wrong_arity(name: str) -> CommandError:
    """`name` is the full lower-case name, a subcommand joined by `|`."""
    return CommandError(b"wrong number of arguments for '%b' command" % name.encode())


def invalid_expire(name: str) -> CommandError:
    """An expiry that is not positive or overflows."""
    return CommandError(b"invalid expire time in '%b' command" % name.encode())
