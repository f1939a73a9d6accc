"""Glob patterns as KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL rules know them.

`*` any run, `?` any byte, `[a-c]` and `[^x]` classes, a backslash quotes. What is peculiar to Redis (8.2) and
kept:

- a class ends at the first `]`, so `[]` matches nothing and `[^]` anything; an open class ends with the
  pattern;
- a range may be reversed; its ends are signed bytes, so `[a-\\xff]` runs from -1 to 97;
- `nocase` folds ASCII letters, but not a quoted byte within a class; a range is folded after it was put in
  order;
- a pattern of stars alone does not match the empty text (commands treat the pattern `*` apart), and no more
  than 1,000 stars with something after them are followed.

Runs of `*` are one. Each piece between stars has a fixed width and is searched for once, leftmost, so a match takes at
worst the product of both lengths: no pattern makes it explode.

Two ways lead to the same answer. A short pattern becomes a regular expression, which takes up to 10 µs a byte once
and then matches quickest. A long one is compared position by position (`LongPattern`), and read only as far as the
texts are long.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

Predicate = Callable[[bytes], bool]
Accepted = frozenset[int]
"""The bytes that fit at one position of a pattern."""

SHORT = 128
"""Up to so many bytes a pattern becomes a regular expression."""
_DEEPEST = 1000
_ALL: Accepted = frozenset(range(256))
_EXACTLY = tuple(frozenset((byte,)) for byte in range(256))
_IN_BOTH_CASES = tuple(frozenset(letter.lower() + letter.upper()) for letter in (bytes((at,)) for at in range(256)))


def matches(pattern: bytes, text: bytes, nocase: bool = False) -> bool:
    """Whether the glob `pattern` matches the whole of `text`."""
    return compile_pattern(pattern, nocase)(text)


def compile_pattern(pattern: bytes, nocase: bool = False) -> Predicate:
    """A function that tells whether a text matches the glob `pattern`.

    The last 1,024 short patterns are kept, 64 up to 16 KB, one up to 1 MB: some 2 MB of patterns at most.
    """
    size = len(pattern)
    if size <= SHORT:
        return _short(pattern, nocase)
    if size <= 1 << 14:
        return _long(pattern, nocase)
    return _longer(pattern, nocase) if size <= 1 << 20 else LongPattern(pattern, nocase)


@lru_cache(maxsize=1024)
def _short(pattern: bytes, nocase: bool) -> Predicate:
    return compile_short(pattern, nocase)


# Reading a pattern

_STARS = re.compile(rb"\*+")
_PLAIN = re.compile(rb"[^*?\[\\]{1,4096}")
_MEMBER = re.compile(rb"\\.|[^\]]-.|[^\]]", re.DOTALL)
"""One member of a class: a quoted byte, a range or a byte."""
_SMALL_CLASS = re.compile(rb"\^?(?:\\.|[^\]]-.|[^\]]){0,16}+\]", re.DOTALL)
_MEMBERS = re.compile(rb"(?:\\.|[^\]]-.|[^\]]){0,4096}+", re.DOTALL)


def _read(pattern: bytes, nocase: bool) -> Iterator[tuple[Accepted, ...] | None]:
    """Runs of what fits at each position; None is a run of stars."""
    plain = _IN_BOTH_CASES if nocase else _EXACTLY
    position, end = 0, len(pattern)
    while position < end:
        byte = pattern[position]
        if byte == 42:  # *
            position = _STARS.match(pattern, position).end()  # type: ignore[union-attr]  # it starts with one
            yield None
        elif byte == 63:  # ?
            position += 1
            yield (_ALL,)
        elif byte == 91:  # [
            if found := _SMALL_CLASS.match(pattern, position + 1):
                accepted, position = _small_class(found[0], nocase), found.end()
            else:
                accepted, position = _class(pattern, position + 1, nocase)
            yield (accepted,)
        elif found := _PLAIN.match(pattern, position):
            position = found.end()
            yield tuple(map(plain.__getitem__, found[0]))
        else:  # a backslash quotes what follows, if anything does
            position += 2 if position + 1 < end else 1
            yield (plain[pattern[position - 1]],)


@lru_cache(maxsize=1024)
def _small_class(source: bytes, nocase: bool) -> Accepted:
    """The bytes accepted by a class of few members, which is often there again and again."""
    return _class(source, 0, nocase)[0]


def _class(pattern: bytes, position: int, nocase: bool) -> tuple[Accepted, int]:
    """The bytes accepted by the class whose `[` lies before `position`, and the position after it."""
    negated = pattern.startswith(b"^", position)
    position += negated
    accepted: set[int] = set()
    while (chunk := _MEMBERS.match(pattern, position)) and chunk[0]:  # in parts: a long class would need much memory
        for member in set(_MEMBER.findall(chunk[0])):
            accepted.update(_member(member, nocase))
        position = chunk.end()
    return (_ALL - accepted if negated else frozenset(accepted)), position + 1


def _member(member: bytes, nocase: bool) -> Iterable[int]:
    """The bytes that a member of a class stands for."""
    if len(member) == 1:
        return _IN_BOTH_CASES[member[0]] if nocase else member
    return member[1:] if len(member) == 2 else _range(member[0], member[2], nocase)


def _range(first: int, last: int, nocase: bool) -> Iterator[int]:
    """The bytes of a range whose ends may be in either order."""
    low, high = sorted((_signed(first), _signed(last)))
    if not nocase:
        return (value & 255 for value in range(low, high + 1))
    return (
        value & 255
        for folded in range(_lower(low), _lower(high) + 1)
        for value in ((folded, folded - 32) if 97 <= folded <= 122 else (folded,))
        if not 65 <= folded <= 90
    )


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


# Short patterns


def compile_short(pattern: bytes, nocase: bool) -> Predicate:
    """The way of short patterns: a regular expression, or less where that does."""
    pieces: list[list[Accepted]] = [[]]
    for run in _read(pattern, nocase):
        if run is None:
            pieces.append([])
        else:
            pieces[-1].extend(run)
    if _too_deep(len(pieces) - 1, not pieces[-1]) or any(not accepted for piece in pieces for accepted in piece):
        return _never
    if all(len(accepted) == 1 for piece in pieces for accepted in piece):
        simple = _without_classes([bytes(next(iter(accepted)) for accepted in piece) for piece in pieces])
        if simple is not None:
            return simple
    match = re.compile(_expression(pieces), re.DOTALL).fullmatch
    return lambda text: match(text) is not None


def _too_deep(stars: int, ends_with_star: bool) -> bool:
    return stars - ends_with_star > _DEEPEST


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


# Long patterns


class LongPattern:
    """A pattern as a predicate, read only as far as the longest text so far: longer ones match nothing shorter."""

    __slots__ = ("_ahead", "_pieces", "_runs", "_width")

    def __init__(self, pattern: bytes, nocase: bool = False) -> None:
        self._runs = _read(pattern, nocase)
        self._width = 0  # positions read
        self._ahead: list[list[Accepted]] | None = [[]]  # pieces read; None when all is read
        self._pieces: list[_Piece] = []

    def __call__(self, text: bytes) -> bool:
        """Whether the whole of `text` matches."""
        if self._ahead is not None:
            self._read_for(len(text), self._ahead)
        if self._width > len(text) or not self._pieces:
            return False
        if len(self._pieces) == 1:
            return self._width == len(text) and self._pieces[0].fits(text, 0)
        head, *middle, tail = self._pieces
        at, end = head.width, len(text) - tail.width
        if not (text and head.fits(text, 0) and tail.fits(text, end)):
            return False
        for piece in middle:
            at = piece.find(text, at, end)
            if at < 0:
                return False
            at += piece.width
        return True

    def _read_for(self, length: int, pieces: list[list[Accepted]]) -> None:
        """Read on until no text of `length` can match, or to the end."""
        while self._width <= length and not _too_deep(len(pieces) - 1, True):
            run = next(self._runs, ())
            if run == ():
                break
            if run is None:
                pieces.append([])
            else:
                pieces[-1].extend(run)
                self._width += len(run)
        else:
            return
        self._ahead = None
        if not _too_deep(len(pieces) - 1, not pieces[-1]):
            self._pieces = [_Piece(piece) for piece in pieces]


class _Piece:
    """What stands between two stars."""

    __slots__ = ("accepted", "literal", "width")

    def __init__(self, accepted: list[Accepted]) -> None:
        self.width = len(accepted)
        self.literal = bytes(next(iter(one)) for one in accepted) if all(len(one) == 1 for one in accepted) else None
        self.accepted = accepted if self.literal is None else []

    def fits(self, text: bytes, at: int) -> bool:
        """Whether it matches at position `at`; there is room for it."""
        if self.literal is not None:
            return text.startswith(self.literal, at)
        return all(map(frozenset.__contains__, self.accepted, text[at : at + self.width]))

    def find(self, text: bytes, at: int, end: int) -> int:
        """Where it matches first between two positions, or -1."""
        if self.literal is not None:
            return text.find(self.literal, at, end)
        starts = max(self.width, 256)  # tried at once; more and more, for it may be found soon
        while at + self.width <= end:
            found = self._search(text[at : min(at + starts + self.width - 1, end)])
            if found >= 0:
                return at + found
            at += starts
            starts = max(self.width, min(starts * 4, 1 << 16))
        return -1

    def _search(self, window: bytes) -> int:
        """The same within a window: one big number has a byte for each start, 1 while it is possible."""
        possible = int.from_bytes(b"\1" * (len(window) - self.width + 1), "little")
        known: dict[Accepted, int] = {_ALL: -1}
        for offset, accepted in enumerate(self.accepted):
            fitting = known.get(accepted)
            if fitting is None:
                fitting = int.from_bytes(window.translate(_ones(accepted)), "little")
                if len(known) < 9:
                    known[accepted] = fitting
            possible &= fitting >> 8 * offset
            if not possible:
                return -1
        return ((possible & -possible).bit_length() - 1) // 8


@lru_cache(maxsize=256)
def _ones(accepted: Accepted) -> bytes:
    """The table that makes 1 of every byte accepted, and 0 of the others."""
    return bytes(byte in accepted for byte in range(256))


_long = lru_cache(maxsize=64)(LongPattern)
_longer = lru_cache(maxsize=1)(LongPattern)
