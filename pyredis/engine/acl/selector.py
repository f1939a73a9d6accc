"""A selector: one set of permissions, which commands may run on which keys and channels. Follows Redis 8.2.

A user has one of its own and any number of further ones, `(…)`; each decides alone, and one that agrees is enough.

- Commands: the full names (`get`, `config|get`) that may run. Beside them stand the rules they come from, in order and
  without those that a later one made void: that text is what ACL LIST shows.
- Keys: glob patterns, each for reading, writing or both. What a command does to a key its key specs tell: `access`
  reads; `insert`, `delete` and `update` write. One that does neither (EXISTS, STRLEN) needs any pattern that fits.
- Channels: glob patterns, matched by what is published or subscribed to; PSUBSCRIBE needs its very pattern listed.

Rules are bytes; where Redis takes them for C strings, they end at a zero byte here too.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from pyredis.config.words import split_words
from pyredis.engine.command_table.command import CATEGORIES, NO_AUTH, TABLE, Command
from pyredis.patterns import matches

READ, WRITE = 1, 2
_WRITING = frozenset(("insert", "delete", "update"))

COMMAND, KEY, CHANNEL = 1, 2, 3
"""What is refused; where selectors disagree the greatest counts."""

_CHANNELS: dict[str, tuple[slice, bool]] = {
    "publish": (slice(1, 2), False),
    "spublish": (slice(1, 2), False),
    "subscribe": (slice(1, None), False),
    "ssubscribe": (slice(1, None), False),
    "psubscribe": (slice(1, None), True),
}
"""Commands that need leave for channels: which of their words those are, and whether they are patterns."""

SYNTAX = b"Syntax error"
UNKNOWN_NAME = b"Unknown command or category name in ACL"
_FIRST_ARGUMENT = b"Allowing first-arg of a subcommand is not supported"
_PATTERN_TOO_LATE = (
    b"Adding a pattern after the * pattern (or the 'all%b' flag) is not valid and does not have any effect. "
    b"Try 'reset%b' to start with an empty list of %b"
)
_KEYS_TOO_LATE = _PATTERN_TOO_LATE % (b"keys", b"keys", b"patterns")
_CHANNELS_TOO_LATE = _PATTERN_TOO_LATE % (b"channels", b"channels", b"channels")


class RuleError(Exception):
    """A rule that cannot be followed; `text` is Redis's reason, bytes."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


class Refusal(NamedTuple):
    """Why a command may not run: COMMAND, KEY or CHANNEL, and the position of the word at fault (0: the command)."""

    reason: int
    position: int


class Selector:
    """What its rules allow; nothing at first, but for channels if `all_channels`."""

    __slots__ = (
        "all_channels",
        "all_commands",
        "all_keys",
        "channels",
        "commands",
        "first_arguments",
        "future",
        "keys",
        "rules",
    )

    def __init__(self, *, all_channels: bool) -> None:
        self.all_keys = False
        self.keys: dict[bytes, int] = {}  # patterns in order, each for READ, WRITE or both
        self.all_channels = all_channels
        self.channels: dict[bytes, None] = {}  # patterns in order
        self.all_commands = False
        self.future = False  # the rules begin with `+@all`
        self.commands: set[str] = set()  # while it is not `all_commands`
        self.first_arguments: dict[str, set[bytes]] = {}  # of commands that are else forbidden, in lower case
        self.rules: list[bytes] = []

    @classmethod
    def described(cls, text: bytes, *, all_channels: bool) -> "Selector":
        """A selector made of the rules between parentheses. Raises RuleError; unbalanced quotes make an empty one."""
        made = cls(all_channels=all_channels)
        for rule in split_words(text) or ():
            made.apply(rule)
        return made

    def copy(self) -> "Selector":
        """One that can be changed alone."""
        made = Selector(all_channels=self.all_channels)
        made.all_keys, made.all_commands, made.future = self.all_keys, self.all_commands, self.future
        made.keys, made.channels, made.commands = self.keys.copy(), self.channels.copy(), self.commands.copy()
        made.first_arguments = {name: words.copy() for name, words in self.first_arguments.items()}
        made.rules = [*self.rules]
        return made

    # Rules

    def apply(self, rule: bytes) -> None:
        """Follow one rule. Raises RuleError and changes nothing where it is none."""
        text = rule.partition(b"\0")[0].lower()
        whole = _WHOLE.get(text)
        mark = rule[:1]
        if whole is not None:
            whole(self)
        elif mark in (b"~", b"%"):
            self._add_keys(rule)
        elif mark == b"&":
            self._add_channel(rule[1:])
        elif mark in (b"+", b"-"):
            name = text[1:].decode("latin-1")
            if name.startswith("@"):
                self._change_category(name[1:], mark)
            elif mark == b"+" and "|" in name:
                self._allow_part(name)
            else:
                self._change_command(_command(name), mark)
        else:
            raise RuleError(SYNTAX)

    def allow_all_keys(self) -> None:
        """`allkeys`, `~*`."""
        self.all_keys = True
        self.keys.clear()

    def forget_keys(self) -> None:
        """`resetkeys`."""
        self.all_keys = False
        self.keys.clear()

    def allow_all_channels(self) -> None:
        """`allchannels`, `&*`."""
        self.all_channels = True
        self.channels.clear()

    def forget_channels(self) -> None:
        """`resetchannels`."""
        self.all_channels = False
        self.channels.clear()

    def allow_all_commands(self) -> None:
        """`allcommands`, `+@all`."""
        self.commands = set()
        self.all_commands = self.future = True
        self.first_arguments.clear()
        self.rules.clear()

    def forget_commands(self) -> None:
        """`nocommands`, `-@all`."""
        self.commands = set()
        self.all_commands = self.future = False
        self.first_arguments.clear()
        self.rules.clear()

    def _add_keys(self, rule: bytes) -> None:
        """`~pattern`, `%R~pattern`, `%W~pattern`, `%RW~pattern`."""
        if self.all_keys:
            raise RuleError(_KEYS_TOO_LATE)
        uses, pattern = READ | WRITE, rule[1:]
        if rule[:1] == b"%":
            letters, _, pattern = rule[1:].partition(b"~")
            uses = _USES.get(letters.upper(), 0)
        if not uses or has_blanks(pattern):
            raise RuleError(SYNTAX)
        self.keys[pattern] = self.keys.get(pattern, 0) | uses

    def _add_channel(self, pattern: bytes) -> None:
        """`&pattern`."""
        if self.all_channels:
            raise RuleError(_CHANNELS_TOO_LATE)
        if has_blanks(pattern):
            raise RuleError(SYNTAX)
        self.channels[pattern] = None

    def _change_category(self, category: str, sign: bytes) -> None:
        if category not in CATEGORIES:
            raise RuleError(UNKNOWN_NAME)
        for command in TABLE.values():
            if category in command.categories:
                self._permit(command, sign)
        self._note(sign, b"@" + category.encode())

    def _change_command(self, command: Command, sign: bytes) -> None:
        self._permit(command, sign)
        self._note(sign, command.name.lower().encode())

    def _allow_part(self, name: str) -> None:
        """`+command|subcommand`; for a command without subcommands, one first argument, though that is deprecated."""
        head, _, part = name.rpartition("|")
        command = _command(head)
        if command.container:
            raise RuleError(_FIRST_ARGUMENT)
        if not part:
            raise RuleError(SYNTAX)
        if command.subcommands:
            self._permit(_command(name), b"+")
        else:
            self.first_arguments.setdefault(head, set()).add(part.encode("latin-1"))
        self._note(b"+", name.encode("latin-1"))

    def _permit(self, command: Command, sign: bytes) -> None:
        """Allow or forbid a command with all its subcommands."""
        names = [command.name, *(sub.name for sub in command.subcommands.values())]
        if sign == b"+":
            self.commands.update(names)
        else:
            if self.all_commands:
                self.commands = {one.name for one in TABLE.values()}
                self.all_commands = False
            self.commands.difference_update(names)
        self.first_arguments.pop(command.name, None)

    def _note(self, sign: bytes, name: bytes) -> None:
        """Keep a rule; it makes void those before it about the same, or about parts of it."""
        self.rules = [rule for rule in self.rules if rule[1:] != name and not rule[1:].startswith(name + b"|")]
        self.rules.append(sign + name)

    # In words

    @property
    def command_text(self) -> bytes:
        """The rules for commands that make this selector."""
        return b" ".join([b"+@all" if self.future else b"-@all", *self.rules])

    @property
    def key_text(self) -> bytes:
        """The rules for keys; empty when there is none."""
        if self.all_keys:
            return b"~*"
        return b" ".join(_USE_MARKS[uses] + pattern for pattern, uses in self.keys.items())

    @property
    def channel_text(self) -> bytes:
        """The rules for channels; empty when there is none."""
        return b"&*" if self.all_channels else b" ".join(b"&" + pattern for pattern in self.channels)

    @property
    def text(self) -> bytes:
        """All rules that make this selector, in the order of Redis."""
        channels = [self.channel_text] if self.channel_text else []
        if not self.all_channels:
            channels.insert(0, b"resetchannels")
        return b" ".join([*([self.key_text] if self.key_text else []), *channels, self.command_text])

    # Decisions

    @property
    def is_unlimited(self) -> bool:
        """Whether it allows everything."""
        return self.all_commands and self.all_keys and self.all_channels

    @property
    def reads_all_keys(self) -> bool:
        """Whether any key may be read."""
        return self.all_keys or bool(self.keys.get(b"*", 0) & READ)

    def refusal(self, command: Command, argv: Sequence[bytes]) -> Refusal | None:
        """Why a command with its words may not run, or None."""
        if not self._allows(command, argv):
            return Refusal(COMMAND, 0)
        if not self.all_keys:
            for at, flags in command.key_uses(argv):
                if not self._allows_key(argv[at], _uses(flags)):
                    return Refusal(KEY, at)
        if not self.all_channels and command.name in _CHANNELS:
            words, are_patterns = _CHANNELS[command.name]
            for at in range(len(argv))[words]:
                if not allows_channel(self.channels, argv[at], is_pattern=are_patterns):
                    return Refusal(CHANNEL, at)
        return None

    def _allows(self, command: Command, argv: Sequence[bytes]) -> bool:
        if self.all_commands or command.name in self.commands or command.flags & NO_AUTH:
            return True
        return len(argv) > 1 and argv[1].lower() in self.first_arguments.get(command.name, ())

    def _allows_key(self, key: bytes, uses: int) -> bool:
        for pattern, allowed in self.keys.items():  # noqa: SIM110 - each key is asked for: a generator costs too much
            if uses & ~allowed == 0 and matches(pattern, key):
                return True
        return False


def allows_channel(patterns: dict[bytes, None], channel: bytes, *, is_pattern: bool) -> bool:
    """Whether one of `patterns` covers a channel; a pattern to subscribe to has to be one of them."""
    return channel in patterns if is_pattern else any(matches(pattern, channel) for pattern in patterns)


def _command(name: str) -> Command:
    """A command or subcommand by its full lower-case name, whatever clients call it. Raises RuleError."""
    command = TABLE.get(name)
    if command is None:
        raise RuleError(UNKNOWN_NAME)
    return command


def has_blanks(text: bytes) -> bool:
    """Whether a text holds what separates words, or a zero byte."""
    return any(byte in b" \t\n\v\f\r\0" for byte in text)


@lru_cache(256)
def _uses(flags: str) -> int:
    """READ and WRITE, as far as a key spec's flags need them."""
    words = flags.split()
    return READ * ("access" in words) | WRITE * (not _WRITING.isdisjoint(words))


_USES = {b"R": READ, b"W": WRITE, b"RW": READ | WRITE, b"WR": READ | WRITE}
_USE_MARKS = {READ: b"%R~", WRITE: b"%W~", READ | WRITE: b"~"}

_WHOLE: dict[bytes, Callable[[Selector], None]] = {
    b"allkeys": Selector.allow_all_keys,
    b"~*": Selector.allow_all_keys,
    b"resetkeys": Selector.forget_keys,
    b"allchannels": Selector.allow_all_channels,
    b"&*": Selector.allow_all_channels,
    b"resetchannels": Selector.forget_channels,
    b"allcommands": Selector.allow_all_commands,
    b"+@all": Selector.allow_all_commands,
    b"nocommands": Selector.forget_commands,
    b"-@all": Selector.forget_commands,
}
"""Rules that are one word."""
