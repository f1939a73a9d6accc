"""What a script answers, read from the tokens that the sandbox makes of it (`replies.lua`).

A scalar is a token of its own; a table is a mark, a count where it holds others, and then these. So tokens come in the
order of the reply's bytes, and no depth of tables needs a stack here: values are put together from a list of what is
still open, and what nests deeper than other code would follow is written as bytes at once.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from pyredis.protocol.encoder import VERSIONS
from pyredis.protocol.replies import BigNumber, Encoded, ErrorReply, PairMap, Status, Unordered, Verbatim
from pyredis.scripting.conversion import to_integer

TOKENS_PER_BREATH = 2000
"""Parts of a result after which the script may be put aside, or killed."""


class Mark:
    """A token that says what follows it."""

    __slots__ = ()


ARRAY, FLAT, MAP, SET, STATUS, ERROR, KNOWN, DOUBLE, BIG, VERBATIM, NULL, DEEP, FAILED = (Mark() for _ in range(13))
MARKS: dict[str, object] = {
    "ARRAY": ARRAY,
    "FLAT": FLAT,
    "MAP": MAP,
    "SET": SET,
    "STATUS": STATUS,
    "ERROR": ERROR,
    "KNOWN": KNOWN,
    "DOUBLE": DOUBLE,
    "BIG": BIG,
    "VERBATIM": VERBATIM,
    "NULL": NULL,
    "DEEP": DEEP,
    "FAILED": FAILED,
}


def one_line(text: bytes) -> bytes:
    """Text of a status or error: line ends are blanks."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def error_line(text: bytes) -> bytes:
    """A script's text as an error's line: to C it ends at a zero."""
    return one_line(text.partition(b"\0")[0].rstrip(b"\r\n"))


class Result:
    """Reads tokens of a script's result; `resp` is the version the script chose, `breathe` is called now and then.

    `errors` are lines of errors in it that statistics do not know of yet; `known` is how many others it holds.
    """

    def __init__(self, resp: int, breathe: Callable[[], None]) -> None:
        self._resp = resp
        self._breathe = breathe
        self.errors: list[bytes] = []
        self.known = 0

    def scalar(self, value: Any) -> Any:
        """A value that is no table."""
        kind = value.__class__
        if kind is bool:
            if self._resp == 3:
                return value
            return 1 if value else None
        if kind is float:
            return to_integer(value)
        return None if value is NULL else value

    def value(self, tokens: Iterator[Any]) -> Any:
        """The value that the tokens tell."""
        opened: list[tuple[list[Any], int, Callable[[list[Any]], Any]]] = []
        items: list[Any] = []
        close: Callable[[list[Any]], Any] = _same
        missing, count = 1, 0
        for token in tokens:
            if not (count := count + 1) % TOKENS_PER_BREATH:
                self._breathe()
            if token.__class__ is Mark and token in _CLOSE:
                opened.append((items, missing, close))
                close, size = _CLOSE[token], next(tokens)
                items, missing = [], 2 * size if token is MAP else size
            else:
                flat = token is FLAT
                items.append(self._flat(tokens, next(tokens)) if flat else self._leaf(token, tokens))
                missing -= 1
            while not missing and opened:
                made = close(items)
                items, missing, close = opened.pop()
                items.append(made)
                missing -= 1
        return items[0]

    def encoded(self, tokens: Iterator[Any], resp: int) -> Encoded:
        """The bytes of the reply that the tokens tell, for a client of this version."""
        encoders, heads, parts = VERSIONS[resp], _HEADS[resp], []
        for token in tokens:
            if token.__class__ is Mark and token in heads:
                head, times = heads[token]
                parts.append(head % (times * next(tokens)))
            else:
                value = self._leaf(token, tokens)
                parts.append(encoders[value.__class__](value))
            if not len(parts) % TOKENS_PER_BREATH:
                self._breathe()
        return Encoded(b"".join(parts))

    def _flat(self, tokens: Iterator[Any], count: int) -> list[Any]:
        """So many scalars, as a list. Most are strings, which need no look each."""
        items: list[Any] = []
        while missing := count - len(items):
            some = list(islice(tokens, min(missing, TOKENS_PER_BREATH)))
            items += some if {*map(type, some)} == {bytes} else map(self.scalar, some)
            if count > TOKENS_PER_BREATH:
                self._breathe()
        return items

    def _leaf(self, token: Any, tokens: Iterator[Any]) -> Any:
        """A value that holds no others."""
        if token.__class__ is not Mark:
            return self.scalar(token)
        if token is ERROR:
            line = error_line(next(tokens))
            self.errors.append(line)
            return ErrorReply(line)
        if token is KNOWN:
            self.known += 1
            return ErrorReply(error_line(next(tokens)))
        if token is STATUS:
            return Status(one_line(next(tokens).partition(b"\0")[0]))
        if token is DOUBLE:
            return float(next(tokens))
        if token is BIG:
            return BigNumber(one_line(next(tokens)))
        if token is VERBATIM:
            format = next(tokens)
            return Verbatim(next(tokens), format[:3])
        return None


def _same(items: list[Any]) -> Any:
    return items


_CLOSE: dict[Any, Callable[[list[Any]], Any]] = {
    ARRAY: _same,
    MAP: lambda items: PairMap(list(zip(items[::2], items[1::2], strict=True))),
    SET: Unordered,
}
"""What becomes of what a table held."""

_HEADS: dict[int, dict[Any, tuple[bytes, int]]] = {
    2: {ARRAY: (b"*%d\r\n", 1), FLAT: (b"*%d\r\n", 1), MAP: (b"*%d\r\n", 2), SET: (b"*%d\r\n", 1)},
    3: {ARRAY: (b"*%d\r\n", 1), FLAT: (b"*%d\r\n", 1), MAP: (b"%%%d\r\n", 1), SET: (b"~%d\r\n", 1)},
}
"""The beginning of a table's reply, and how many values stand behind each of its count, by version."""
