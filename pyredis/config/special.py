"""The parameters with a grammar of their own: save points, buffer limits, addresses, event classes, …"""

import errno
import os
import re

from pyredis.config.parameter import (
    ConfigError,
    Parameter,
    Words,
    loose_integer,
    memory,
    quoted,
    shortest_memory,
)

Lines = list[tuple[str, bool]]
Points = tuple[tuple[int, int], ...]

EVENT_CLASSES = "g$lshzxetd"
"""The classes that `A` stands for, in the order CONFIG GET answers them."""
_SPECIAL_CLASSES = "noc"
_EVENT_MARKS = "KEm"


class Save(Parameter):
    """Save points: pairs of seconds and changes. Lines of a file add up, the first replaces the default."""

    __slots__ = ()

    def parse(self, words: Words, current: object = None) -> tuple[tuple[int, int], ...]:
        """Nothing or one empty word: none."""
        if list(words) == [""]:
            return ()
        numbers = [loose_integer(word) for word in words]
        if len(numbers) % 2 or any(value is None or value < 1 - at % 2 for at, value in enumerate(numbers)):
            raise ConfigError("Invalid save parameters")
        given = [value for value in numbers if value is not None]
        return tuple(zip(given[::2], given[1::2], strict=True))

    def load(self, words: Words, current: tuple[tuple[int, int], ...], seen: bool) -> tuple[tuple[int, int], ...]:
        """An empty one drops those before."""
        points = self.parse(words)
        return current + points if seen and list(words) != [""] else points

    def format(self, value: tuple[tuple[int, int], ...]) -> str:
        """All numbers in one line."""
        return " ".join(f"{seconds} {changes}" for seconds, changes in value)

    def rewritten(self, value: tuple[tuple[int, int], ...]) -> Lines:
        """A line each; always, or the default would come back."""
        return [(f"{seconds} {changes}", True) for seconds, changes in value] or [('""', True)]


class BufferLimits(Parameter):
    """(hard bytes, soft bytes, soft seconds) for normal, replica, pubsub; setting may name only some."""

    __slots__ = ()
    classes = ("normal", "slave", "pubsub")

    def parse(self, words: Words, current: tuple[tuple[int, int, int], ...] | None = None) -> object:
        """Groups of four words."""
        if len(words) % 4:
            raise ConfigError("Wrong number of arguments in buffer limit configuration.")
        limits = list(current or self.default)
        for at in range(0, len(words), 4):
            kind = words[at].lower().replace("replica", "slave")
            if kind not in self.classes:
                raise ConfigError("Invalid client class specified in buffer limit configuration.")
            hard, soft, seconds = memory(words[at + 1]), memory(words[at + 2]), loose_integer(words[at + 3])
            if hard is None or soft is None or seconds is None or seconds < 0:
                raise ConfigError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            limits[self.classes.index(kind)] = (hard, soft, seconds)
        return tuple(limits)

    def format(self, value: tuple[tuple[int, int, int], ...]) -> str:
        """All three in one line."""
        return " ".join(f"{kind} {h} {s} {t}" for kind, (h, s, t) in zip(self.classes, value, strict=True))

    def rewritten(self, value: tuple[tuple[int, int, int], ...]) -> Lines:
        """A line a class."""
        return [
            (f"{kind} {shortest_memory(limit[0])} {shortest_memory(limit[1])} {limit[2]}", limit != default)
            for kind, limit, default in zip(("normal", "replica", "pubsub"), value, self.default, strict=True)
        ]


class OomScores(Parameter):
    """oom-score-adj for master, replica and background child."""

    __slots__ = ()

    def parse(self, words: Words, current: object = None) -> tuple[int, ...]:
        """Three numbers."""
        if len(words) != 3:
            raise ConfigError("wrong number of arguments")
        values = [loose_integer(word) for word in words]
        if any(value is None or not -2000 <= value <= 2000 for value in values):
            raise ConfigError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        return tuple(value for value in values if value is not None)

    def format(self, value: tuple[int, ...]) -> str:
        """Three numbers."""
        return " ".join(map(str, value))


class EventClasses(Parameter):
    """Keyspace event classes to publish, as letters: `A` for all classes, K and E for the channels."""

    __slots__ = ()

    def parse(self, words: Words, current: object = None) -> str:
        """The value is normalised: each letter once, in Redis's order."""
        if len(words) != 1:
            raise ConfigError("wrong number of arguments")
        given = set(words[0])
        if not given <= set("A" + EVENT_CLASSES + _SPECIAL_CLASSES + _EVENT_MARKS):
            raise ConfigError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        every = "A" in given or given >= set(EVENT_CLASSES)
        classes = "A" if every else "".join(letter for letter in EVENT_CLASSES if letter in given)
        return classes + "".join(letter for letter in _SPECIAL_CLASSES + _EVENT_MARKS if letter in given)

    def format(self, value: str) -> str:
        """Beside `A`, Redis does not show `n`, `o` and `c`, though they are set."""
        return "".join(letter for letter in value if "A" not in value or letter not in _SPECIAL_CLASSES)

    def rewritten(self, value: str) -> Lines:
        """Quoted."""
        return [(quoted(self.format(value)), value != "")]


class Bind(Parameter):
    """Addresses to listen on; a leading `-` means that one may be missing."""

    __slots__ = ()

    def parse(self, words: Words, current: object = None) -> tuple[str, ...]:
        """At most 16; one empty word: none."""
        if len(words) > 16:
            raise ConfigError("Too many bind addresses specified.")
        return () if list(words) == [""] else tuple(words)

    def format(self, value: tuple[str, ...]) -> str:
        """With spaces between."""
        return " ".join(value)

    def rewritten(self, value: tuple[str, ...]) -> Lines:
        """The default leaves no line."""
        return [] if value == self.default else [(self.format(value) or '""', True)]


class ReplicaOf(Parameter):
    """The master: (host, port), or None. Set at start only; later by the command REPLICAOF."""

    __slots__ = ()

    def parse(self, words: Words, current: object = None) -> tuple[str, int] | None:
        """`no one` is None."""
        if len(words) != 2:
            raise ConfigError("wrong number of arguments")
        if [word.lower() for word in words] == ["no", "one"]:
            return None
        port = loose_integer(words[1])
        if port is None or not 0 <= port <= 65535:
            raise ConfigError("Invalid master port")
        return words[0], port

    def format(self, value: tuple[str, int] | None) -> str:
        """`host port` or nothing."""
        return f"{value[0]} {value[1]}" if value else ""

    def rewritten(self, value: tuple[str, int] | None) -> Lines:
        """A master leaves no line."""
        return [(self.format(value), True)] if value else []


class Directory(Parameter):
    """The working directory, absolute. Unlike Redis no chdir: several servers may live in one process."""

    __slots__ = ()

    def initial(self) -> str:
        """Where the process is."""
        return os.getcwd()  # noqa: PTH109

    def parse(self, words: Words, current: str | None = None) -> str:
        """Relative to the present one; must be a directory that may be entered."""
        if len(words) != 1:
            raise ConfigError("wrong number of arguments")
        path = os.path.join(current or self.initial(), words[0])  # noqa: PTH118
        try:
            if not words[0]:
                raise OSError(errno.ENOENT, "")
            os.stat(os.path.join(path, "."))  # noqa: PTH116, PTH118
            if not os.access(path, os.X_OK):
                raise OSError(errno.EACCES, "")
        except OSError as failure:
            raise ConfigError(os.strerror(failure.errno or errno.ENOENT))
        return os.path.realpath(path)

    def rewritten(self, value: str) -> Lines:
        """Always written."""
        return [(quoted(value), True)]


_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?|inf|infinity)", re.I | re.A)


class Percentiles(Parameter):
    """The latency percentiles INFO shows."""

    __slots__ = ()

    def parse(self, words: Words, current: object = None) -> tuple[float, ...]:
        """Numbers from 0 to 100; one empty word: none."""
        if list(words) == [""]:
            return ()
        values = []
        for word in words:
            if not _FLOAT.fullmatch(word):
                raise ConfigError("Invalid latency-tracking-info-percentiles parameters")
            if not 0.0 <= float(word) <= 100.0:
                raise ConfigError("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
            values.append(float(word))
        return tuple(values)

    def format(self, value: tuple[float, ...]) -> str:
        """Up to six digits, trailing zeros dropped."""
        return " ".join(f"{number:f}".rstrip("0").rstrip(".") for number in value)

    def rewritten(self, value: tuple[float, ...]) -> Lines:
        """Always written, or the default would come back."""
        return [(self.format(value) or '""', True)]
