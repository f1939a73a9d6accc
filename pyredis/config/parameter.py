"""What a configuration parameter is: its names, default, flags, and the three texts of its value.

A value has a typed form (what `Config[...]` gives), the text CONFIG GET answers, and the lines CONFIG
REWRITE writes. `parse` turns words into the typed form and raises `ConfigError` with Redis's text; some
parameters change only a part of the value (`client-output-buffer-limit`) or add to it (`save` in a file),
so parsing knows the present value. The texts are `str`, bytes that are no UTF-8 kept as surrogates.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from pyredis.config.words import quote_word
from pyredis.errors import CommandError

IMMUTABLE = 1
"""CONFIG SET refuses it."""
SENSITIVE = 2
"""A secret: redacted in MONITOR and SLOWLOG."""
MULTI_ARG = 4
"""Several words; CONFIG SET splits its one argument at spaces."""
HIDDEN = 8
"""CONFIG GET shows it by its exact name only."""
PROTECTED = 16
"""CONFIG SET needs `enable-protected-configs`."""
DENY_LOADING = 32
"""CONFIG SET refuses it while the dataset is loading."""
DEBUG = 64
"""Shown by DEBUG CONFIG-REWRITE-FORCE-ALL and crash reports."""
VOLATILE = 128
"""Applied even when set to the value it has (a file that may have changed on disk)."""
OURS = 256
"""No parameter of Redis's."""
MODIFIABLE = 0
"""The ordinary case, spelt out in the tables."""

LONG_MAX = 2**63 - 1
ULONG_MAX = 2**64 - 1
INT_MAX = 2**31 - 1
INT_MIN = -(2**31)
UINT_MAX = 2**32 - 1

Words = Sequence[str]
Check = Callable[[str], str | None]


class ConfigError(CommandError):
    """A value or a file that cannot be accepted. `str(error)` is the text; as a reply it is `-ERR <text>`."""

    def __init__(self, text: str, code: bytes | None = None) -> None:
        super().__init__(text.encode("utf-8", "surrogateescape"), code)

    def __str__(self) -> str:
        return self.text.decode("utf-8", "surrogateescape")


class Parameter:
    """One row of the tables. `aliases` are other names that work everywhere; `default` is the typed value."""

    __slots__ = ("aliases", "default", "flags", "name")

    def __init__(self, name: str, default: Any, flags: int = MODIFIABLE, *, alias: str | None = None) -> None:
        self.name = name
        self.aliases = (alias,) if alias else ()
        self.default = default
        self.flags = flags

    def initial(self) -> Any:
        """The value of a server that is told nothing."""
        return self.default

    def parse(self, words: Words, current: Any = None) -> Any:
        """The value that `words` mean. Raises `ConfigError`."""
        raise NotImplementedError

    def load(self, words: Words, current: Any, seen: bool) -> Any:
        """The same for a line of a file; `seen` when an earlier line named the parameter."""
        return self.parse(words, current)

    def format(self, value: Any) -> str:
        """The text of CONFIG GET."""
        return str(value)

    def rewritten(self, value: Any) -> list[tuple[str, bool]]:
        """CONFIG REWRITE's lines, without the name; True: write it even if the file has no such line."""
        return [(self.format(value), value != self.default)]


class Bool(Parameter):
    """`yes` or `no`."""

    __slots__ = ()

    def parse(self, words: Words, current: Any = None) -> bool:
        """Any case."""
        word = words[0].lower()
        if word not in ("yes", "no"):
            raise ConfigError("argument must be 'yes' or 'no'")
        return word == "yes"

    def format(self, value: bool) -> str:
        """`yes` or `no`."""
        return "yes" if value else "no"


class Str(Parameter):
    """A string. With `null` the empty one means unset, and CONFIG REWRITE then leaves no line."""

    __slots__ = ("check", "null")

    def __init__(
        self,
        name: str,
        default: str = "",
        flags: int = MODIFIABLE,
        *,
        alias: str | None = None,
        null: bool = False,
        check: Check | None = None,
    ) -> None:
        super().__init__(name, default, flags, alias=alias)
        self.null = null
        self.check = check

    def parse(self, words: Words, current: Any = None) -> str:
        """`check` answers what is wrong with it."""
        wrong = self.check(words[0]) if self.check else None
        if wrong:
            raise ConfigError(wrong)
        return words[0]

    def rewritten(self, value: str) -> list[tuple[str, bool]]:
        """Quoted always."""
        return [] if self.null and not value else [(quoted(value), value != self.default)]


class Enum(Parameter):
    """One of `choices`; `same` maps a choice to the earlier one that means the same."""

    __slots__ = ("choices", "same")

    def __init__(
        self,
        name: str,
        choices: tuple[str, ...],
        default: Any,
        flags: int = MODIFIABLE,
        *,
        same: dict[str, str] | None = None,
    ) -> None:
        super().__init__(name, default, flags)
        self.choices = choices
        self.same = same or {}

    def choice(self, word: str) -> str:
        """`word` as the table spells it."""
        word = word.lower()
        if word not in self.choices:
            raise self.unknown()
        return self.same.get(word, word)

    def unknown(self) -> ConfigError:
        """The error that lists the choices."""
        return ConfigError("argument(s) must be one of the following: " + ", ".join(self.choices))

    def parse(self, words: Words, current: Any = None) -> Any:
        """One word, any case."""
        if len(words) != 1:
            raise self.unknown()
        return self.choice(words[0])


class Flags(Enum):
    """Several of `choices`, the first of which means none. The value is a tuple in the table's order."""

    __slots__ = ()

    def parse(self, words: Words, current: Any = None) -> tuple[str, ...]:
        """`save` and `nosave` exclude each other."""
        if not words:
            raise self.unknown()
        given = {self.choice(word) for word in words}
        if {"save", "nosave"} <= given:
            raise ConfigError("shutdown options SAVE and NOSAVE can't be used simultaneously")
        return tuple(choice for choice in self.choices[1:] if choice in given)

    def format(self, value: tuple[str, ...]) -> str:
        """The flags with spaces between."""
        return " ".join(value) or self.choices[0]


_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_MEMORY = re.compile(r"([0-9]{0,127})(b|k|kb|m|mb|g|gb|)", re.ASCII | re.IGNORECASE)
_C_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?)([0-9]+)", re.ASCII)
_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 10**6, "mb": 2**20, "g": 10**9, "gb": 2**30}


def quoted(text: str) -> str:
    """`text` as CONFIG REWRITE quotes it."""
    return quote_word(text.encode("utf-8", "surrogateescape")).decode("ascii")


def strict_integer(word: str) -> int | None:
    """A 64 bit integer with no blank, plus sign or leading zero; else None."""
    if not _INTEGER.fullmatch(word):
        return None
    value = int(word)
    return value if -LONG_MAX - 1 <= value <= LONG_MAX else None


def loose_integer(word: str, base: int = 10) -> int | None:
    """C's strtoll of the whole `word` (the empty one is 0), saturated to 64 bits; None if a rest remains."""
    if not word:
        return 0
    match = _C_NUMBER.fullmatch(word)
    if match is None or (base == 8 and set(match[2]) & {"8", "9"}):
        return None
    return max(-LONG_MAX - 1, min(LONG_MAX, int(match[1] + match[2], base)))


def memory(word: str) -> int | None:
    """Bytes: digits and a unit (`k` is 1000, `kb` 1024, …), modulo 2^64 as Redis computes it; else None."""
    match = _MEMORY.fullmatch(word)
    if match is None:
        return None
    return min(int(match[1] or 0), ULONG_MAX) * _UNITS[match[2].lower()] & ULONG_MAX


def shortest_memory(value: int) -> str:
    """`value` bytes in the largest binary unit that divides it, as CONFIG REWRITE writes it."""
    for unit, size in (("gb", 2**30), ("mb", 2**20), ("kb", 2**10)):
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return str(value)


class Integer(Parameter):
    """A whole number from `low` to `high`; quietly brought into `clamp` where Redis does so."""

    __slots__ = ("clamp", "high", "low")
    wrong = "argument couldn't be parsed into an integer"
    unsigned = False

    def __init__(
        self,
        name: str,
        low: int,
        high: int,
        default: int,
        flags: int = MODIFIABLE,
        *,
        alias: str | None = None,
        clamp: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(name, default, flags, alias=alias)
        self.low = low
        self.high = high
        self.clamp = clamp

    def number(self, word: str) -> int | None:
        """The number `word` spells; None if it spells none."""
        return strict_integer(word)

    def parse(self, words: Words, current: Any = None) -> int:
        """Checks the bounds; a negative number has wrapped around where only positive ones exist."""
        value = self.number(words[0])
        if value is None:
            raise ConfigError(self.wrong)
        self.check_bounds(value)
        return max(self.clamp[0], min(self.clamp[1], value)) if self.clamp else value

    def check_bounds(self, value: int) -> None:
        """Raises when `value` is out of bounds. Numbers that cannot be negative have an own text for that."""
        signed = value - 2**64 if value > LONG_MAX else value
        if signed < 0 and self.unsigned:
            raise ConfigError("argument must be greater or equal to 0")
        if not self.low <= value <= self.high:
            raise ConfigError(f"argument must be between {self.low} and {self.high} inclusive")


class Octal(Integer):
    """File permissions."""

    __slots__ = ()
    wrong = "argument couldn't be parsed as an octal number"

    def number(self, word: str) -> int | None:
        """Octal digits."""
        return loose_integer(word, 8)

    def check_bounds(self, value: int) -> None:
        """The bounds are told in octal too."""
        if not self.low <= value <= self.high:
            raise ConfigError(f"argument must be between {self.low:o} and {self.high:o} inclusive")

    def format(self, value: int) -> str:
        """Octal digits."""
        return f"{value:o}"


class Unsigned(Integer):
    """An `Integer` held in an unsigned number."""

    __slots__ = ()
    unsigned = True


class Memory(Integer):
    """Bytes. CONFIG GET answers the plain number, CONFIG REWRITE the largest unit."""

    __slots__ = ()
    wrong = "argument must be a memory value"

    def number(self, word: str) -> int | None:
        """Signed where the upper bound is that of a signed number."""
        value = memory(word)
        return value - 2**64 if value is not None and value > LONG_MAX >= self.high else value

    def rewritten(self, value: int) -> list[tuple[str, bool]]:
        """With a unit."""
        return [(shortest_memory(value), value != self.default)]


class Size(Memory):
    """A `Memory` held in an unsigned number."""

    __slots__ = ()
    unsigned = True

    def number(self, word: str) -> int | None:
        """Unsigned."""
        return memory(word)


class MemoryOrPercent(Memory):
    """Bytes, or a share of maxmemory in percent, kept as a negative number."""

    __slots__ = ()
    wrong = "argument must be a memory or percent value"

    def number(self, word: str) -> int | None:
        """`5%` is -5."""
        value = super().number(word)
        if value is None and len(word) > 1 and word.endswith("%"):
            percent = strict_integer(word[:-1])
            value = -percent if percent is not None and percent >= 0 else None
        return value

    def check_bounds(self, value: int) -> None:
        """Percentages have an own text."""
        if value < self.low:
            raise ConfigError(f"percentage argument must be less or equal to {-self.low}")
        super().check_bounds(value)

    def format(self, value: int) -> str:
        """With `%` if it is one."""
        return f"{-value}%" if value < 0 else str(value)

    def rewritten(self, value: int) -> list[tuple[str, bool]]:
        """As it was given."""
        return [(self.format(value), value != self.default)] if value < 0 else super().rewritten(value)
