"""Reading a command's options: one cursor over the words that follow its fixed arguments.

options = Arguments(words)
while options:
    if options.flag(b"NX"): …
    elif options.flag(b"EX"): seconds = options.integer()
    else: raise syntax_error()
"""

from math import ceil

from pyredis.datatypes.numeric import INT64_MAX, parse_float, parse_int
from pyredis.errors import (
    TIMEOUT_NEGATIVE,
    TIMEOUT_NOT_A_FLOAT,
    TIMEOUT_NOT_AN_INTEGER,
    TIMEOUT_OUT_OF_RANGE,
    CommandError,
    not_an_integer,
    syntax_error,
)


class Arguments:
    """A cursor over argument words; true while some are left."""

    __slots__ = ("position", "words")

    def __init__(self, words: tuple[bytes, ...] | list[bytes]) -> None:
        self.words = words
        self.position = 0

    def __bool__(self) -> bool:
        return self.position < len(self.words)

    def __len__(self) -> int:
        return len(self.words) - self.position

    def flag(self, name: bytes, following: int = 0) -> bool:
        """Whether the next word is `name` (in any case) with at least `following` words behind it; then it is read."""
        at = self.position
        if at + following < len(self.words) and self.words[at].upper() == name:
            self.position = at + 1
            return True
        return False

    def word(self) -> bytes:
        """The next word. Raises a syntax error at the end."""
        if not self:
            raise syntax_error()
        self.position += 1
        return self.words[self.position - 1]

    def integer(self) -> int:
        """The next word as a 64 bit integer. Raises what Redis answers for anything else."""
        value = parse_int(self.word())
        if value is None:
            raise not_an_integer()
        return value

    def rest(self) -> tuple[bytes, ...]:
        """All that is left, read."""
        left = tuple(self.words[self.position :])
        self.position = len(self.words)
        return left

    def end(self) -> None:
        """Raise a syntax error unless everything was read."""
        if self:
            raise syntax_error()


def integer(word: bytes) -> int:
    """A word as a 64 bit integer, or Redis's error."""
    value = parse_int(word)
    if value is None:
        raise not_an_integer()
    return value


def int32(word: bytes, text: bytes | None = None) -> int:
    """A word as a 32 bit integer; `text` is the error for both kinds of fault, else Redis's usual ones."""
    value = parse_int(word)
    if value is None:
        raise CommandError(text) if text is not None else not_an_integer()
    if not -(1 << 31) <= value < 1 << 31:
        raise CommandError(text or b"value is out of range, value must between -2147483648 and 2147483647")
    return value


def integer_between(word: bytes, least: int, most: int, text: bytes | None = None) -> int:
    """A word as an integer within bounds; `text` is the error for both kinds of fault."""
    value = parse_int(word)
    if value is None:
        raise CommandError(text) if text is not None else not_an_integer()
    if not least <= value <= most:
        raise CommandError(text or b"value is out of range, value must between %d and %d" % (least, most))
    return value


def timeout_ms(word: bytes, now: int, *, in_seconds: bool = True) -> int:
    """How long a blocking command may wait, ms (0: for ever); seconds may have a fraction. Raises Redis's errors."""
    if in_seconds:
        seconds = parse_float(word)
        if seconds is None or seconds != seconds:
            raise CommandError(TIMEOUT_NOT_A_FLOAT)
        if seconds * 1000 > INT64_MAX:
            raise CommandError(TIMEOUT_OUT_OF_RANGE)
        timeout = ceil(max(seconds * 1000, -1e18))
    else:
        timeout = integer_between(word, -INT64_MAX - 1, INT64_MAX, TIMEOUT_NOT_AN_INTEGER)
    if timeout < 0:
        raise CommandError(TIMEOUT_NEGATIVE)
    if timeout > INT64_MAX - now:
        raise CommandError(TIMEOUT_OUT_OF_RANGE)
    return timeout
