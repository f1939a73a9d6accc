"""The configuration of one server: values by name, CONFIG GET and SET, loading of redis.conf.

`Config["port"]` is a plain dictionary look-up of the typed value. Components ask to be told of changes
(`on_change`) and may own a value that lives elsewhere (`on_read`). CONFIG SET is atomic: everything is
parsed, then stored, then applied; any failure puts back and re-applies the old values. Directives of a
file that are no parameters are kept in `directives` for the component they belong to.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pyredis.config import config_rewrite
from pyredis.config.parameter import (
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    MULTI_ARG,
    PROTECTED,
    VOLATILE,
    ConfigError,
    Parameter,
)
from pyredis.config.parameters import ALL
from pyredis.config.words import split_words
from pyredis.patterns import compile_pattern

__all__ = ["Config", "ConfigError", "Directive", "FatalError", "fatal"]

OBSOLETE = frozenset(
    ("list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands", "io-threads-do-reads")
)
"""Directives that a file may still have, with one argument, and that mean nothing."""
_ARGUMENTS = {"include": (1, 1), "rename-command": (2, 2), "user": (1, None), "loadmodule": (1, None)}
_ALWAYS_APPLIED = ("dir", "save", "client-output-buffer-limit", "notify-keyspace-events", "bind")

Apply = Callable[[Any], None]


class Directive(list[str]):
    """The words after a directive's name, with the `number` and text of its `line`."""

    def __init__(self, words: Iterable[str], number: int, line: str) -> None:
        super().__init__(words)
        self.number = number
        self.line = line


class FatalError(ConfigError):
    """What redis-server dies of before it has a log: it goes to standard error."""


def fatal(reason: str, number: int | None = None, line: str = "") -> FatalError:
    """The error redis-server dies with at start. `number` counts lines from 1."""
    where = "" if number is None else f"Reading the configuration file, at line {number}\n>>> '{line}'\n"
    return FatalError(f"*** FATAL CONFIG FILE ERROR (Redis 8.2.3) ***\n{where}{reason}")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class Config:
    """All parameters of one server. `file` is the absolute path CONFIG REWRITE writes, None without one."""

    def __init__(self, parameters: Sequence[Parameter] = ALL, *, sentinel: bool = False) -> None:
        self.parameters = parameters
        self.sentinel = sentinel
        self.file: Path | None = None
        self.directives: dict[str, list[Directive]] = {}
        self._by_name = {name: row for row in parameters for name in (row.name, *row.aliases)}
        self._values = {row.name: row.initial() for row in parameters}
        self._appliers: dict[str, list[Apply]] = {}
        self._readers: dict[str, Callable[[], Any]] = {}
        self._directive_lines: dict[str, Callable[[], list[str]]] = {}
        self._seen: set[str] = set()
        self.warnings: list[str] = []  # for who starts a server to log

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def parameter(self, name: str) -> Parameter | None:
        """The row called `name`, in any case, or by an alias."""
        return self._by_name.get(name.lower())

    def replace(self, name: str, value: Any) -> None:
        """Stores a typed value as it is, applying nothing: what REPLICAOF does to `replicaof`."""
        if name not in self._values:
            raise KeyError(name)
        self._values[name] = value

    def on_change(self, name: str, apply: Apply) -> None:
        """`apply(value)` is called when CONFIG SET changed `name`; its `ConfigError` rolls all back."""
        if name not in self._values:
            raise KeyError(name)
        self._appliers.setdefault(name, []).append(apply)

    def on_read(self, name: str, read: Callable[[], Any]) -> None:
        """CONFIG GET and REWRITE ask `read()` for the typed value of `name`."""
        if name not in self._values:
            raise KeyError(name)
        self._readers[name] = read

    def on_rewrite(self, directive: str, lines: Callable[[], list[str]]) -> None:
        """CONFIG REWRITE puts `lines()`, whole lines, for those of `directive` (`user`, `loadmodule`)."""
        self._directive_lines[directive] = lines

    def live(self, name: str) -> Any:
        """The value CONFIG GET shows, typed."""
        reader = self._readers.get(name)
        return reader() if reader else self._values[name]

    # CONFIG GET

    def get_matching(self, patterns: Iterable[bytes]) -> dict[str, str]:
        """Names and texts. A plain name answers as it was asked for; a pattern matches names and aliases."""
        found: dict[str, str] = {}
        answered: set[str] = set()
        for pattern in patterns:
            for name in self._names(pattern):
                if name.lower() not in answered:
                    answered.add(name.lower())
                    row = self._by_name[name.lower()]
                    found[name] = row.format(self.live(row.name))
        return found

    def _names(self, pattern: bytes) -> list[str]:
        if not any(mark in pattern for mark in (b"[", b"*", b"?")):
            name = _text(pattern)
            return [name] if name.lower() in self._by_name else []
        matches = compile_pattern(pattern, True)
        return [name for name, row in self._by_name.items() if not row.flags & HIDDEN and matches(name.encode())]

    # CONFIG SET

    def set_many(self, pairs: list[tuple[bytes, bytes]], *, local: bool = False, loading: bool = False) -> None:
        """CONFIG SET. `local`: asked over loopback or a Unix socket. `ConfigError`: nothing changed."""
        asked = [(_text(name), _text(value)) for name, value in pairs]
        self._refuse(asked, local, loading)
        before = dict(self._values)
        changed: list[str] = []
        for name, text in asked:
            row = self._by_name[name.lower()]
            words = (text.split(" ") if text else []) if row.flags & MULTI_ARG else [text]
            old = self._values[row.name]
            try:
                value = row.parse(words, old)
            except ConfigError as error:
                self._values.update(before)
                raise _failed(name.lower(), str(error))
            self._values[row.name] = value
            if (value != old or row.flags & VOLATILE or row.name in _ALWAYS_APPLIED) and row.name not in changed:
                changed.append(row.name)
        self._apply(changed, before, {self._by_name[name.lower()].name: name.lower() for name, _ in asked})

    def _refuse(self, asked: list[tuple[str, str]], local: bool, loading: bool) -> None:
        protected = self._values.get("enable-protected-configs", "no")
        allowed = protected == "yes" or (protected == "local" and local)
        before: set[str] = set()
        for name, _ in asked:
            row = self._by_name.get(name.lower())
            if row is None:
                raise ConfigError(
                    f"Unknown option or number of arguments for CONFIG SET - '{name.partition(chr(0))[0]}'"
                )
            if row.flags & IMMUTABLE:
                raise _failed(name, "can't set immutable config")
            if row.flags & PROTECTED and not allowed:
                raise _failed(name, "can't set protected config")
            if loading and row.flags & DENY_LOADING:
                raise ConfigError("Redis is loading the dataset in memory", b"LOADING")
            if name.lower() in before:
                raise _failed(name, "duplicate parameter")
            before.add(name.lower())

    def _apply(self, changed: list[str], before: dict[str, Any], spelt: dict[str, str]) -> None:
        for name in changed:
            try:
                for apply in self._appliers.get(name, ()):
                    apply(self._values[name])
            except ConfigError as error:
                self._values.update(before)
                self._reapply(changed)
                raise _failed(spelt[name], str(error))

    def _reapply(self, names: list[str]) -> None:
        for name in names:
            for apply in self._appliers.get(name, ()):
                try:
                    apply(self._values[name])
                except ConfigError:
                    continue  # as Redis: the rest of the old values is still put back

    # redis.conf

    def load_lines(self, text: str, base: Path | None = None) -> None:
        """Reads a configuration. Relative includes start at `base`, by default at `dir` as read so far.

        Raises `ConfigError` with what redis-server prints before it exits.
        """
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw.strip(" \t\r\n")
            if not line or line[0] == "#":
                continue
            words = split_words(_raw(line))
            if words is None:
                raise fatal("Unbalanced quotes in configuration line", number, line)
            if words:
                name, *arguments = map(_text, words)
                if name.lower() == "include" and len(arguments) == 1:
                    self._include(arguments[0], base)
                    continue
                wrong = self._load_line(name.lower(), Directive(arguments, number, line))
                if wrong:
                    raise fatal(wrong, number, line)
        self._check()

    def _load_line(self, name: str, words: Directive) -> str | None:
        """Takes in one line; answers what is wrong with it."""
        row = self._by_name.get(name)
        if row is None:
            return self._load_directive(name, words)
        arguments: list[str] = words
        if row.flags & MULTI_ARG:
            if len(words) == 1 and words[0]:
                arguments = [_text(word) for word in split_words(_raw(words[0])) or ()]
        elif len(words) != 1:
            return "wrong number of arguments"
        try:
            self._values[row.name] = row.load(arguments, self._values[row.name], row.name in self._seen)
        except ConfigError as error:
            return str(error)
        self._seen.add(row.name)
        return None

    def _load_directive(self, name: str, words: Directive) -> str | None:
        if name in OBSOLETE and len(words) == 1:
            return None
        least, most = _ARGUMENTS.get(name, (0, -1))
        if name == "sentinel":
            if words and not self.sentinel:
                return "sentinel directive while not in sentinel mode"
        elif "." in name:
            least, most = 1, None
        if name != "sentinel" and (len(words) < least or (most is not None and len(words) > most)):
            return "Bad directive or wrong number of arguments"
        self.directives.setdefault(name, []).append(words)
        return None

    def _include(self, pattern: str, base: Path | None) -> None:
        root = base or Path(self._values.get("dir") or ".")
        paths = [root / pattern]
        if any(mark in pattern for mark in "*?["):
            import glob  # rarely needed, and slow to import

            paths = [root / name for name in sorted(glob.glob(pattern, root_dir=root))]  # noqa: PTH207
        text = ""
        for path in paths:
            try:
                text += _text(path.read_bytes())
            except OSError as failure:
                named = path if path != root / pattern else pattern
                raise ConfigError(f"Fatal error, can't open config file '{named}': {failure.strerror}")
        self.load_lines(text, base)

    def _check(self) -> None:
        """What Redis checks across parameters at the end of each file."""
        values = self._values
        if values.get("logfile"):
            try:
                with Path(values["dir"], values["logfile"]).open("a"):
                    pass
            except OSError as failure:
                raise fatal(f"Can't open the log file: {os.strerror(failure.errno or 0)}")
        if values.get("cluster-enabled"):
            if values["replicaof"]:
                raise fatal("replicaof directive not allowed in cluster mode")
            if values["databases"] > 1:
                text = "WARNING: Changing databases number from %d to 1 since we are in cluster mode"
                self.warnings.append(text % values["databases"])
            values["databases"] = 1

    # CONFIG REWRITE

    def rewrite(self, *, everything: bool = False) -> None:
        """Writes the present values into `file`, keeping its comments and layout. Raises `ConfigError`.

        `everything`: also values that are the default and that the file does not have.
        """
        if self.file is None:
            raise ConfigError("The server is running without a config file")
        try:
            old = _text(self.file.read_bytes()) if self.file.exists() else ""
            config_rewrite.overwrite(self.file, _raw(self._rewritten(old, everything)))
        except OSError as failure:
            raise ConfigError(f"Rewriting config file: {failure.strerror}")

    def _rewritten(self, old: str, everything: bool) -> str:
        page = config_rewrite.Page(old, {name: row.name for name, row in self._by_name.items()})
        for row in self.parameters:
            value = self.live(row.name)
            hidden = row.name == "replicaof" and self._values.get("cluster-enabled")
            hidden = hidden or (row.name == "save" and self.sentinel)
            lines = [] if hidden else row.rewritten(value)
            page.write(row.name, [(f"{row.name} {line}", force or everything) for line, force in lines])
        for name, lines_of in self._directive_lines.items():
            page.write(name, [(line, True) for line in lines_of()])
        return page.content()


def _failed(name: str, reason: str) -> ConfigError:
    return ConfigError(f"CONFIG SET failed (possibly related to argument '{name}') - {reason}")
