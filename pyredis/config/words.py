"""Splitting a line into arguments and quoting one, as redis.conf, inline commands and redis-cli do.

Words are separated by blanks. Inside double quotes `\\xHH`, `\\n`, `\\r`, `\\t`, `\\b`, `\\a` stand for a
byte and any other escaped byte for itself; inside single quotes only `\\'` is an escape. A closing quote
ends the word, so a blank or the end must follow. As in C a NUL byte ends the line; vertical tab and form
feed are skipped before a word and part of it within. Outside quotes a backslash is an ordinary byte.
"""

import re

_BLANK = b" \t\n\v\f\r"
_PART = re.compile(
    rb"""[^ \t\n\r"']+ | "(?:[^"\\]|\\.)*"(?![^ \t\n\v\f\r]) | '(?:[^'\\]|\\'|\\(?!'))*'(?![^ \t\n\v\f\r])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_MEANING = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_REPRESENTATION = [b"%c" % byte if 32 <= byte < 127 else b"\\x%02x" % byte for byte in range(256)]
for _byte, _letter in zip(b'\\"\n\r\t\a\b', b'\\"nrtab', strict=True):
    _REPRESENTATION[_byte] = b"\\%c" % _letter


def split_words(line: bytes) -> list[bytes] | None:
    """The arguments in `line`; None for unbalanced quotes or a closing one not followed by a blank."""
    if b"\0" in line:
        line = line[: line.index(b"\0")]
    if b'"' not in line and b"'" not in line and b"\v" not in line and b"\f" not in line:
        return line.split()
    words: list[bytes] = []
    position, end = 0, len(line)
    while True:
        while position < end and line[position] in _BLANK:
            position += 1
        if position == end:
            return words
        taken = _word(line, position)
        if taken is None:
            return None
        word, position = taken
        words.append(word)


def _word(line: bytes, position: int) -> tuple[bytes, int] | None:
    """The word that begins at `position` and where it ends: bare parts, up to the first quoted one."""
    word = b""
    while True:
        match = _PART.match(line, position)
        if match is None:
            at_end = position == len(line) or line[position] in b" \t\n\r"
            return (word, position) if at_end else None
        part = match[0]
        position = match.end()
        if part[0] == 34:
            return word + _ESCAPE.sub(_unescape, part[1:-1]), position
        if part[0] == 39:
            return word + part[1:-1].replace(b"\\'", b"'"), position
        word += part


def _unescape(match: re.Match[bytes]) -> bytes:
    digits, other = match.groups()
    return bytes((int(digits, 16),)) if digits else _MEANING.get(other, other)


def quote_word(word: bytes) -> bytes:
    """`word` in double quotes, everything unprintable escaped, so that `split_words` gives it back."""
    return b'"' + b"".join([_REPRESENTATION[byte] for byte in word]) + b'"'
