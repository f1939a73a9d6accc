"""Lua's `struct`: values to and from bytes by a format string (R. Ierusalimschy's struct 0.2 as Redis ships it).

A format may be long: `breathe` is called between its fields now and then, so that the script can be stopped.
"""

from collections.abc import Callable, Iterator
from functools import partial
from struct import error as StructError
from struct import pack as to_bytes
from struct import unpack as from_bytes
from typing import Any

from pyredis.scripting.conversion import to_integer
from pyredis.scripting.faults import fault
from pyredis.scripting.libraries.lua_arguments import number, text

_SIZES = {b"b": 1, b"B": 1, b"h": 2, b"H": 2, b"l": 8, b"L": 8, b"T": 8, b"f": 4, b"d": 8, b"x": 1}
_INTEGERS = b"bBhHlLTiI"
_MAX_INTEGER = 32
_LONGEST = (1 << 31) - 1
_SIZE_MAX = (1 << 64) - 1
_RESULTS_MAX = 7995  # that Lua's stack holds, as in Redis; less where the script has filled it
_FIELDS_PER_BREATH = 1024


class Item:
    """One field of a format: its letter, size, and the bytes that align it."""

    __slots__ = ("letter", "little", "padding", "size")

    def __init__(self, letter: bytes, size: int, padding: int, little: bool) -> None:
        self.letter, self.size, self.padding, self.little = letter, size, padding, little


class Format:
    """Reads a format; the size of a string without a count depends on the value before it."""

    def __init__(self, text: bytes, name: bytes, breathe: Callable[[], None]) -> None:
        self._text = text
        self._breathe = breathe
        self._name = name  # of the function that reads it
        self.position = 0
        self._at = 0
        self._little, self._align = True, 1

    def items(self) -> Iterator[Item]:
        """Each field; the caller keeps `position` at where in the bytes the next one would begin."""
        until_breath = _FIELDS_PER_BREATH
        while self._at < len(self._text):
            until_breath -= 1
            if not until_breath:
                until_breath = _FIELDS_PER_BREATH
                self._breathe()
            letter = self._text[self._at : self._at + 1]
            self._at += 1
            if letter == b" ":
                continue
            size = self._size(letter)
            if size is None:
                continue
            padding = 0
            if letter not in b"cs" and self._align > 1 and size > 1:
                unit = min(size, self._align)
                padding = (unit - (self.position & (unit - 1))) & (unit - 1)  # sizes such as 3 included, as in C
            yield Item(letter, size, padding, self._little)

    def _count(self, default: int) -> int:
        start = self._at
        while self._text[self._at : self._at + 1].isdigit():
            self._at += 1
        if start == self._at:
            return default
        digits = self._text[start : self._at].lstrip(b"0")
        if len(digits) > 10 or int(digits or b"0") > _LONGEST:
            raise fault(b"integral size overflow")
        return int(digits or b"0")

    def _size(self, letter: bytes) -> int | None:
        """A field's size, or None for a letter that only sets options."""
        if letter in (b"i", b"I"):
            size = self._count(4)
            if size > _MAX_INTEGER:
                raise fault(b"integral size %d is larger than limit of %d" % (size, _MAX_INTEGER))
            return size
        if letter == b"c":
            return self._count(1)
        if letter == b"s":
            return 0
        if letter in _SIZES:
            return _SIZES[letter]
        if letter in (b">", b"<"):
            self._little = letter == b"<"
        elif letter == b"!":
            self._align = self._count(8)
            if self._align == 0 or self._align & (self._align - 1):
                raise fault(b"alignment %d is not a power of 2" % self._align)
        else:
            raise fault(b"bad argument #1 to '%b' (invalid format option '%b')" % (self._name, letter))
        return None


def pack(breathe: Callable[[], None], *words: Any) -> bytes:
    """struct.pack(format, ...)."""
    out = bytearray()
    at = 0
    form = Format(text(b"pack", words, 0), b"pack", breathe)
    for item in form.items():
        out += bytes(item.padding)
        if item.letter == b"x":
            out += b"\0"
            form.position = len(out)
            continue
        at += 1
        if at == len(words):
            words = (*words, None)  # what C finds there
        out += _packed(item, words, at)
        form.position = len(out)
    return bytes(out)


def _packed(item: Item, words: tuple[Any, ...], at: int) -> bytes:
    """Argument `at` (from 0) of pack as the bytes of a field."""
    if item.letter in b"cs":
        string = text(b"pack", words, at)
        size = item.size if item.letter == b"c" and item.size else len(string)
        if len(string) < size:
            raise fault(b"bad argument #%d to 'pack' (string too short)" % (at + 1))
        return string[:size] + (b"\0" if item.letter == b"s" else b"")
    value = number(b"pack", words, at)
    order = "<" if item.little else ">"
    if item.letter in b"fd":
        try:
            return to_bytes(order + item.letter.decode(), float(value))
        except (OverflowError, StructError):
            return to_bytes(order + "f", float("inf") if value > 0 else float("-inf"))
    whole = value if isinstance(value, int) else _whole(value)
    bits = 8 * min(item.size, 8)
    data = (whole & ((1 << bits) - 1)).to_bytes(bits // 8, "little").ljust(item.size, b"\0")
    return data if item.little else data[::-1]


def _whole(number: float) -> int:
    """A number as C makes 64 bits of it: signed below zero, else unsigned."""
    if number >= 1 << 63:
        return int(number) if number < 1 << 64 else 0
    return to_integer(number)


def unpack(breathe: Callable[[], None], *words: Any) -> Any:
    """struct.unpack(format, bytes [, position]): the values, then the position behind them."""
    form = Format(text(b"unpack", words, 0), b"unpack", breathe)
    data = text(b"unpack", words, 1)
    at = (to_integer(number(b"unpack", words, 2)) if len(words) > 2 and words[2] is not None else 1) - 1
    if at == -1:
        raise fault(b"bad argument #3 to 'unpack' (offset must be 1 or greater)")
    at &= _SIZE_MAX  # as C has it
    values: list[Any] = []
    form.position = at
    for item in form.items():
        at += item.padding
        size = item.size
        if item.letter == b"c" and size == 0:
            if not values or not isinstance(values[-1], int | float):
                raise fault(b"format 'c0' needs a previous size")
            size = to_integer(values.pop())
        if at > len(data) or size > len(data) - at or size < 0:
            raise fault(b"bad argument #2 to 'unpack' (data string too short)")
        if item.letter == b"s":
            end = data.find(b"\0", at)
            if end < 0:
                raise fault(b"unfinished string in data")
            values.append(data[at:end])
            size = end - at + 1
        elif item.letter != b"x":
            values.append(_unpacked(item, data[at : at + size]))
        if len(values) > _RESULTS_MAX:
            raise fault(b"stack overflow (too many results)")
        at += size
        form.position = at
    return (*values, float(at + 1))  # which C may have made larger than any integer of Lua


def _unpacked(item: Item, data: bytes) -> Any:
    if item.letter == b"c":
        return data
    if item.letter in b"fd":
        return from_bytes(("<" if item.little else ">") + item.letter.decode(), data)[0]
    low = data[:8] if item.little else data[::-1][:8]
    signed = item.letter in b"bhli"
    return float(int.from_bytes(low, "little", signed=signed))


def size(breathe: Callable[[], None], *words: Any) -> int:
    """struct.size(format)."""
    total = 0
    form = Format(text(b"size", words, 0), b"size", breathe)
    for item in form.items():
        if item.letter == b"s" or (item.letter == b"c" and item.size == 0):
            option = b"s" if item.letter == b"s" else b"c0"
            raise fault(b"bad argument #1 to 'size' (option '%b' has no fixed size)" % option)
        total += item.padding + item.size
        form.position = total
    return total


def functions(breathe: Callable[[], None]) -> dict[bytes, Callable[..., Any]]:
    """The library's functions by their names in Lua."""
    return {b"pack": partial(pack, breathe), b"unpack": partial(unpack, breathe), b"size": partial(size, breathe)}
