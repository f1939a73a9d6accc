"""Glob patterns as KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL rules know them, as regular expressions.

`*` any run, `?` any byte, `[a-c]` and `[^x]` classes, a backslash quotes. What is peculiar to Redis (8.2) and
kept:

- a class ends at the first `]`, so `[]` matches nothing and `[^]` anything; an open class ends with the
  pattern;
- a range may be reversed; its ends are signed bytes, so `[a-\\xff]` runs from -1 to 97;
- `nocase` folds ASCII letters, but not a quoted byte within a class; a range is folded after it was put in
  order;
- a pattern of stars alone does not match the empty text (commands treat the pattern `*` apart), and no more
  than 1,000 stars with something after them are followed.

Runs of `*` are one. Each piece between stars has a fixed width and is searched for once, leftmost, in an
atomic group, so a match takes at worst the product of both lengths: no pattern makes it explode.

"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

Predicate = Callable[[bytes], bool]

_ALL = frozenset(range(256))
_DEEPEST = 1000


def matches(pattern: bytes, text: bytes, nocase: bool = False) -> bool:
    """Whether the glob `pattern` matches the whole of `text`."""
    return compile_pattern(pattern, nocase)(text)


@lru_cache(maxsize=1024)
def compile_pattern(pattern: bytes, nocase: bool = False) -> Predicate:
    """A function that tells whether a text matches the glob `pattern`. The last 1,024 patterns are kept."""
    pieces = _pieces(pattern, nocase)
    stars = len(pieces) - 1
    if any(not accepted for piece in pieces for accepted in piece):
        return _never
    if stars > _DEEPEST and stars - (not pieces[-1]) > _DEEPEST:
        return _never
    if all(len(accepted) == 1 for piece in pieces for accepted in piece):
        simple = _without_classes([bytes(next(iter(accepted)) for accepted in piece) for piece in pieces])
        if simple is not None:
            return simple
    match = re.compile(_expression(pieces), re.DOTALL).fullmatch
    return lambda text: match(text) is not None


def _never(text: bytes) -> bool:
    return False


def _without_classes(literals: list[bytes]) -> Predicate | None:
    """The usual shapes without a regular expression: `text`, `*`, `text*`, `*text`, `*text*`."""
    match literals:
        case [text]:
            return lambda candidate: candidate == text
        case [b"", b""]:
            return lambda candidate: len(candidate) > 0
        case [text, b""]:
            return lambda candidate: candidate.startswith(text)
        case [b"", text]:
            return lambda candidate: candidate.endswith(text)
        case [b"", text, b""]:
            return lambda candidate: text in candidate
    return None


def _pieces(pattern: bytes, nocase: bool) -> list[list[frozenset[int]]]:
    """The pattern cut at its runs of stars; each piece lists the bytes accepted at each of its positions."""
    pieces: list[list[frozenset[int]]] = [[]]
    position, end = 0, len(pattern)
    while position < end:
        byte = pattern[position]
        position += 1
        if byte == 42:  # *
            if len(pieces) == 1 or pieces[-1]:
                pieces.append([])
            continue
        if byte == 63:  # ?
            accepted = _ALL
        elif byte == 91:  # [
            accepted, position = _class(pattern, position, nocase)
        else:
            if byte == 92 and position < end:  # a backslash
                byte = pattern[position]
                position += 1
            accepted = _both_cases(byte) if nocase else frozenset((byte,))
        pieces[-1].append(accepted)
    return pieces


def _class(pattern: bytes, position: int, nocase: bool) -> tuple[frozenset[int], int]:
    """The bytes accepted by the class whose `[` lies before `position`, and the position after it."""
    end = len(pattern)
    negated = pattern[position : position + 1] == b"^"
    position += negated
    accepted: set[int] = set()
    while position < end:
        byte = pattern[position]
        if byte == 92 and position + 1 < end:  # a backslash
            accepted.add(pattern[position + 1])
            position += 2
        elif byte == 93:  # ]
            position += 1
            break
        elif position + 2 < end and pattern[position + 1] == 45:  # -
            accepted.update(_range(byte, pattern[position + 2], nocase))
            position += 3
        else:
            accepted.update(_both_cases(byte) if nocase else (byte,))
            position += 1
    return (_ALL - accepted if negated else frozenset(accepted)), position


def _range(first: int, last: int, nocase: bool) -> Iterator[int]:
    """The bytes of a range whose ends may be in either order."""
    low, high = sorted((_signed(first), _signed(last)))
    if nocase:
        low, high = _lower(low), _lower(high)
    for byte in range(256):
        value = _signed(byte)
        if low <= (_lower(value) if nocase else value) <= high:
            yield byte


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


def _both_cases(byte: int) -> frozenset[int]:
    letter = bytes((byte,))
    return frozenset(letter.lower() + letter.upper())


def _expression(pieces: list[list[frozenset[int]]]) -> bytes:
    """The regular expression: head anchored, middle pieces leftmost, tail anchored by the full match."""
    head, *rest = [b"".join(map(_byte_expression, piece)) for piece in pieces]
    if not rest:
        return head
    *middle, tail = rest
    found = b"".join(b"(?>.*?%b)" % piece for piece in middle)
    return head + found + (b".*" + tail if tail else b".*")


def _byte_expression(accepted: frozenset[int]) -> bytes:
    if len(accepted) == 256:
        return b"."
    if len(accepted) == 1:
        return b"\\x%02x" % next(iter(accepted))
    return b"[%b]" % b"".join(b"\\x%02x-\\x%02x" % run for run in _runs(sorted(accepted)))


def _runs(values: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Maximal runs of consecutive numbers in ascending `values`, as first and last."""
    first = last = -2
    for value in values:
        if value == last + 1:
            last = value
            continue
        if last >= 0:
            yield first, last
        first = last = value
    yield first, last
