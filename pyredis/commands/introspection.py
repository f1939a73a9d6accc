"""COMMAND: what the server can do, told from the table that runs it.

Rows, key specs and documentation have the shapes of Redis 8.2; lists without an order are sets in RESP3.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import (
    CATEGORIES,
    FLAGS,
    LOADING,
    MODULE,
    NO_MANDATORY_KEYS,
    STALE,
    Command,
    CountedKeys,
    Keys,
    KeywordKeys,
    UnknownKeys,
    command,
)
from pyredis.engine.command_table.documentation import documentation
from pyredis.engine.command_table.entry import Entry
from pyredis.engine.command_table.help import help_reply
from pyredis.errors import CommandError, syntax_error
from pyredis.patterns import compile_pattern
from pyredis.protocol.replies import Status, Unordered

_Map = dict[bytes, Any]
_MODULE = b"vectorset"  # the one that is part of Redis


@command(
    "COMMAND",
    flags=LOADING | STALE,
    group="server",
    since="2.8.13",
    complexity="O(N) in the number of commands",
    tips=["nondeterministic_output_order"],
    categories="connection",
)
def command_(ctx: Client, *words: bytes) -> list[Any]:
    """COMMAND

    Describes all commands. `words` are never any: `Engine.find` takes the first for a subcommand.
    """
    return [_row(entry.command) for entry in _top(ctx)]


@command(
    "COMMAND COUNT",
    flags=LOADING | STALE,
    group="server",
    since="2.8.13",
    complexity="O(1)",
    categories="connection",
)
def command_count(ctx: Client) -> int:
    """COMMAND COUNT

    Answers how many commands there are.
    """
    return len(_top(ctx))


@command(
    "COMMAND INFO",
    flags=LOADING | STALE,
    group="server",
    since="2.8.13",
    complexity="O(N) in the number of commands asked for",
    tips=["nondeterministic_output_order"],
    categories="connection",
)
def command_info(ctx: Client, *names: bytes) -> list[Any]:
    """COMMAND INFO [command-name [command-name ...]]

    Describes some commands, or all.
    """
    if not names:
        return [_row(entry.command) for entry in _top(ctx)]
    found = [_find(ctx, name) for name in names]
    return [None if entry is None else _row(entry.command) for entry in found]


@command(
    "COMMAND DOCS",
    flags=LOADING | STALE,
    group="server",
    since="7.0.0",
    complexity="O(N) in the number of commands asked for",
    tips=["nondeterministic_output_order"],
    categories="connection",
)
def command_docs(ctx: Client, *names: bytes) -> _Map:
    """COMMAND DOCS [command-name [command-name ...]]

    Answers the documentation of some commands, or of all.
    """
    found = [_find(ctx, name) for name in names] if names else _top(ctx)
    return {entry.command.name.encode(): _docs(entry.command) for entry in found if entry is not None}


@command(
    "COMMAND LIST",
    flags=LOADING | STALE,
    group="server",
    since="7.0.0",
    complexity="O(N) in the number of commands",
    tips=["nondeterministic_output_order"],
    categories="connection",
)
def command_list(ctx: Client, *words: bytes) -> list[bytes]:
    """COMMAND LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]

    Answers the names of all commands, or of those of a module, an ACL category or like a pattern.
    """
    options = Arguments(words)
    every = (entry.command for entry in ctx.engine.every_row())
    if not options:
        return [one.name.encode() for one in every]
    if not options.flag(b"FILTERBY", 2) or len(options) > 2:
        raise syntax_error()
    kind, wanted = options.word().upper(), options.word()
    if kind == b"MODULE":
        return [one.name.encode() for one in every if one.flags & MODULE and wanted == _MODULE]
    if kind == b"ACLCAT":
        category = wanted.decode("latin-1").lower()
        return [one.name.encode() for one in every if category in one.categories]
    if kind == b"PATTERN":
        return list(filter(compile_pattern(wanted, True), (one.name.encode() for one in every)))
    raise syntax_error()


@command(
    "COMMAND GETKEYS",
    flags=LOADING | STALE,
    group="server",
    since="2.8.13",
    complexity="O(N) in the number of arguments",
    categories="connection",
)
def command_getkeys(ctx: Client, name: bytes, *arguments: bytes) -> list[bytes]:
    """COMMAND GETKEYS command [arg [arg ...]]

    Answers which words of a command are keys.
    """
    argv = [name, *arguments]
    return [argv[at] for at, _ in _keys_of(ctx, argv)]


@command(
    "COMMAND GETKEYSANDFLAGS",
    flags=LOADING | STALE,
    group="server",
    since="7.0.0",
    complexity="O(N) in the number of arguments",
    categories="connection",
)
def command_getkeysandflags(ctx: Client, name: bytes, *arguments: bytes) -> list[list[Any]]:
    """COMMAND GETKEYSANDFLAGS command [arg [arg ...]]

    Answers which words of a command are keys, and how it uses them.
    """
    argv = [name, *arguments]
    return [[argv[at], _statuses(flags.split())] for at, flags in _keys_of(ctx, argv)]


@command(
    "COMMAND HELP",
    flags=LOADING | STALE,
    group="server",
    since="5.0.0",
    complexity="O(1)",
    categories="connection",
)
def command_help(ctx: Client) -> list[Status]:
    """COMMAND HELP

    Explains the subcommands.
    """
    return help_reply("COMMAND", _HELP)


_HELP = """
(no subcommand)
    A row for each command.
COUNT
    How many commands there are.
LIST [FILTERBY <MODULE name|ACLCAT category|PATTERN pattern>]
    Names of commands.
INFO [<command-name> ...]
    Rows of some commands; of all without a name.
DOCS [<command-name> ...]
    Documentation of some commands; of all without a name.
GETKEYS <full-command>
    The keys among a command's words.
GETKEYSANDFLAGS <full-command>
    The keys among a command's words, and what it does to them.
"""


# Finding


def _top(ctx: Client) -> list[Entry]:
    """All commands, without subcommands."""
    return [entry for entry in ctx.engine.every_row() if not entry.command.container]


def _find(ctx: Client, name: bytes) -> Entry | None:
    """A command or, as `config|get`, a subcommand, in any case."""
    head, bar, rest = name.lower().partition(b"|")
    entry = ctx.engine.row(head)
    return entry.subentries.get(rest) if entry is not None and bar else entry


def _keys_of(ctx: Client, argv: list[bytes]) -> list[tuple[int, str]]:
    """Positions of the keys and their flags. Raises what Redis answers when they cannot be told."""
    try:
        entry = ctx.engine.find(argv)
    except CommandError:
        raise CommandError(b"Invalid command specified") from None
    declared = entry.command
    if not declared.keys:
        raise CommandError(b"The command has no key arguments")
    if not entry.takes(len(argv)):
        raise CommandError(b"Invalid number of arguments specified for command")
    found = declared.key_uses(argv)
    if not found and not declared.flags & NO_MANDATORY_KEYS:
        raise CommandError(b"Invalid arguments specified for command")
    return found


# Rows


def _row(declared: Command) -> list[Any]:
    """What COMMAND INFO answers."""
    first, last, step = _key_range(declared.keys)
    return [
        declared.name.encode(),
        declared.arity,
        _statuses(name for at, name in enumerate(FLAGS) if declared.flags >> at & 1),
        first,
        last,
        step,
        _statuses(f"@{category}" for category in sorted(declared.categories, key=CATEGORIES.index)),
        Unordered(tip.encode() for tip in declared.tips),
        Unordered(_key_spec(spec) for spec in declared.keys),
        [_row(sub) for sub in declared.subcommands.values()] or Unordered(()),
    ]


def _key_range(specs: Sequence[Keys]) -> tuple[int, int, int]:
    """First key, last key and step, as told before there were key specs: ranges that adjoin are one."""
    if len(specs) == 1 and not isinstance(specs[0], (CountedKeys, KeywordKeys)):
        return specs[0].first, _last(specs[0]), specs[0].step
    first = last = 0
    for spec in specs:
        adjoins = not first or (last > 0 and spec.first == last + 1)
        if not isinstance(spec, (CountedKeys, KeywordKeys)) and spec.step == 1 and adjoins:
            first, last = first or spec.first, _last(spec)
    return first, last, int(first > 0)


def _last(spec: Keys) -> int:
    return spec.last if spec.last < 0 else spec.first + spec.last


def _key_spec(spec: Keys) -> _Map:
    notes = {b"notes": spec.notes.encode()} if spec.notes else {}
    if isinstance(spec, UnknownKeys):
        unknown: _Map = {b"type": b"unknown", b"spec": {}}
        return {**notes, b"flags": _statuses(spec.flags.split()), b"begin_search": unknown, b"find_keys": unknown}
    counted = isinstance(spec, CountedKeys)
    found = (
        {b"keynumidx": 0, b"firstkey": 1, b"keystep": spec.step}
        if counted
        else {b"lastkey": spec.last, b"keystep": spec.step, b"limit": spec.limit}
    )
    begin: _Map = {b"type": b"index", b"spec": {b"index": spec.first}}
    if isinstance(spec, KeywordKeys):
        begin = {b"type": b"keyword", b"spec": {b"keyword": spec.keyword.encode(), b"startfrom": spec.first}}
    return {
        **notes,
        b"flags": _statuses(spec.flags.split()),
        b"begin_search": begin,
        b"find_keys": {b"type": b"keynum" if counted else b"range", b"spec": found},
    }


def _statuses(words: Iterable[str]) -> Unordered:
    return Unordered(Status(word.encode()) for word in words)


# Documentation


def _docs(declared: Command) -> _Map:
    """What COMMAND DOCS answers of one command; fields without content are left out, and modules' tell nothing."""
    if declared.flags & MODULE:
        return {b"group": b"module", b"module": _MODULE}
    since, instead = declared.deprecated or ("", "")
    facts = documentation().get(declared.name, {})
    fields: _Map = {
        b"summary": declared.summary.encode(),
        b"since": declared.since.encode(),
        b"group": declared.group.encode(),
        b"complexity": declared.complexity.encode(),
        b"doc_flags": facts.get(b"doc_flags"),
        b"deprecated_since": since.encode(),
        b"replaced_by": instead.encode(),
        b"history": facts.get(b"history"),
        b"arguments": facts.get(b"arguments"),
        b"subcommands": {sub.name.encode(): _docs(sub) for sub in declared.subcommands.values()},
    }
    return {name: value for name, value in fields.items() if value}
