"""From a command's syntax line to the arguments that COMMAND DOCS answers, which clients make hints of.

    key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]

The line is written as the manual writes it: capitals are tokens, other words are arguments, `""` is an empty one, `[…]`
may be left out, `<…>` groups, `|` separates alternatives, and `[x …]` behind `x` means that x repeats. A token takes
the word or group behind it. Redis gives groups names of their own; here they are called by their token, or
`choice` and `block`. Types follow from names, and from the command's group where a name means several things.
"""

import re
from typing import Any

_WORDS = re.compile(r"\.\.\.|[\[\]<>|]|[^\s\[\]<>|]+")
_CLOSING = frozenset(("]", ">", "|", ""))
_KEYS = frozenset(["key", "newkey", "destkey", "sourcekey", "source", "destination", "src", "dst", "key1", "key2"])
_INTEGER_NAMES = """
count seconds milliseconds numfields start stop end increment decrement numkeys weight rank num-matches
len offset client-id maxage timeout db cursor limit version port destination-db ttl frequency index
entries-read index1 index2 protover ms slot start-slot end-slot config-epoch cluster-bus-port numlocal
numreplicas min-match-len numids bit bits entries-added
"""
_INTEGERS = frozenset(_INTEGER_NAMES.split())
_DOUBLES = frozenset(["longitude", "latitude", "radius", "width", "height", "score"])
_WORD_TYPES = frozenset(("string", "integer", "double", "key", "pattern", "unix-time"))
_BY_GROUP = {
    "bitmap": {"value": "integer"},
    "list": {"timeout": "double"},
    "sorted-set": {"timeout": "double", "min": "double", "max": "double"},
    "stream": {"start": "string", "end": "string"},
}
"""Where a name means another type in one group than in most."""
_STRINGS = dict.fromkeys(("start", "stop", "min", "max"), "string")
_BY_COMMAND = dict.fromkeys(
    ("zrange", "zrangestore", "zlexcount", "zrangebylex", "zrevrangebylex", "zremrangebylex"), _STRINGS
) | {"xpending": {"min-idle-time": "integer"}, "cluster|keyslot": {"key": "string"}}
"""Where it means another one in a single command."""
_INNER_TOKENS = frozenset(("COUNT", "BYRADIUS", "BYBOX"))
"""Tokens that belong to the first word of a block, not to the block."""


class Argument:
    """One argument, as COMMAND DOCS describes it."""

    __slots__ = ("arguments", "key_spec", "multiple", "multiple_token", "name", "optional", "token", "type")

    def __init__(self, name: str, type: str, token: str = "", arguments: "list[Argument] | None" = None) -> None:
        self.name = name
        self.type = type
        self.token = token
        self.arguments = arguments or []
        self.key_spec: int | None = None
        self.optional = self.multiple = self.multiple_token = False

    def same_as(self, other: "Argument", *, but_token: bool = False) -> bool:
        """Whether both were written alike."""
        return (
            (self.name, self.type) == (other.name, other.type)
            and (but_token or self.token == other.token)
            and len(self.arguments) == len(other.arguments)
            and all(one.same_as(two) for one, two in zip(self.arguments, other.arguments, strict=True))
        )

    @property
    def flags(self) -> list[str]:
        """Of `optional`, `multiple`, `multiple_token` those that hold."""
        return [flag for flag in ("optional", "multiple", "multiple_token") if getattr(self, flag)]

    def as_dict(self) -> dict[str, Any]:
        """The fields in Redis's order, without those that say nothing."""
        fields: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.type not in ("oneof", "block"):
            fields["display_text"] = self.name
        if self.key_spec is not None:
            fields["key_spec_index"] = self.key_spec
        if self.token or self.type == "pure-token":
            fields["token"] = self.token
        if self.flags:
            fields["flags"] = self.flags
        if self.arguments:
            fields["arguments"] = [argument.as_dict() for argument in self.arguments]
        return fields


def parse(syntax: str, *, group: str = "", name: str = "", key_specs: int = 0) -> list[Argument]:
    """The arguments of a syntax line without the command's name. Raises ValueError for unbalanced brackets.

    `group` and `name` are the command's, and settle types; keys are numbered through its `key_specs`.
    """
    parser = _Parser(_WORDS.findall(syntax), group, name)
    choices = parser.choices()
    if parser.at < len(parser.words):
        raise ValueError(f"{name}: unbalanced {parser.words[parser.at]} in {syntax!r}")
    arguments = choices[0] if len(choices) == 1 else [_one(choices)]
    _number_keys(arguments, key_specs, 0)
    return arguments


def _number_keys(arguments: list[Argument], specs: int, seen: int) -> int:
    """Give each key the index of its key spec, in order; answers how many keys were met."""
    for argument in arguments:
        if argument.type == "key":
            if specs:
                argument.key_spec = min(seen, specs - 1)
            seen += 1
        elif argument.type == "pattern" and argument.token in ("BY", "GET"):  # SORT's name keys, all by one spec
            argument.key_spec, seen = 1, 2
        seen = _number_keys(argument.arguments, specs, seen)
    return seen


class _Parser:
    """Recursive descent: choices are sequences between bars, sequences words and bracketed choices."""

    def __init__(self, words: list[str], group: str, command: str) -> None:
        self.words = words
        self.at = 0
        self.group = group
        self.command = command
        self.repeated = False  # the sequence just read ended with an ellipsis

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self) -> str:
        self.at += 1
        return self.words[self.at - 1]

    def choices(self) -> list[list[Argument]]:
        found = [self.sequence()]
        while self.peek() == "|":
            self.take()
            found.append(self.sequence())
        return found

    def sequence(self) -> list[Argument]:
        found: list[Argument] = []
        self.repeated = False
        while self.peek() not in _CLOSING:
            word = self.take()
            if word == "...":
                self.repeated = True
            elif word == "[":
                self.bracket(found)
            elif word == "<":
                found.append(_fold(_one(self.closed(">"))))
            elif word == '""':
                found.append(Argument("empty-string", "pure-token"))
            elif word.upper() == word:
                found.append(self.after_token(word))
            else:
                found.append(self.word(word))
        return found

    def closed(self, bracket: str) -> list[list[Argument]]:
        inner = self.choices()
        if self.peek() != bracket:
            raise ValueError(f"{self.command}: {bracket} is missing")
        self.take()
        return inner

    def bracket(self, before: list[Argument]) -> None:
        """`[…]`: something that may be left out, or the repetition of what stands before it."""
        inner = self.closed("]")
        repeated, self.repeated = self.repeated, False
        if repeated and len(inner) == 1 and _repeat(before, inner[0]):
            return
        argument = _fold(_one(inner))
        argument.optional = True
        argument.multiple = argument.multiple or repeated
        before.append(argument)

    def after_token(self, token: str) -> Argument:
        """A token with the argument it introduces, or alone."""
        following = self.peek()
        if following == "<":
            self.take()
            argument = _one(self.closed(">"))
            argument.name = token.lower()
        elif following not in _CLOSING and following not in ("[", "...") and following.upper() != following:
            argument = self.word(self.take())
        else:
            return Argument(token.lower(), "pure-token", token)
        argument.token = token
        return argument

    def word(self, name: str) -> Argument:
        return Argument(name, self.type_of(name))

    def type_of(self, name: str) -> str:
        special = _BY_COMMAND.get(self.command, {}).get(name) or _BY_GROUP.get(self.group, {}).get(name)
        if special:
            return special
        if name in _KEYS:
            return "key"
        if name == "increment" and self.command.endswith("float"):
            return "double"
        if name.startswith("unix-time"):
            return "unix-time"
        if name == "pattern":
            return name
        return "integer" if name in _INTEGERS else "double" if name in _DOUBLES else "string"


def _one(choices: list[list[Argument]]) -> Argument:
    """Choices as a single argument: itself, a block, or one of several."""
    if len(choices) > 1:
        return Argument("choice", "oneof", arguments=[_one([choice]) for choice in choices])
    (sequence,) = choices
    if len(sequence) == 1:
        return sequence[0]
    block = Argument("block", "block", arguments=sequence)
    first = sequence[0] if sequence else block
    if first.type in _WORD_TYPES and not first.optional and first.token and first.token not in _INNER_TOKENS:
        block.token, first.token = first.token, ""  # it introduces the block and not its first word alone
        block.name = block.token.lower()
    return block


def _fold(argument: Argument) -> Argument:
    """`a | b [a | b ...]`: the repetition, caught in the last choice, is one of all choices."""
    last = argument.arguments[-1] if argument.type == "oneof" else argument
    again = last.arguments[-1] if last.type == "block" else argument
    if again.multiple and len(again.arguments) == len(argument.arguments) > 1:
        del last.arguments[-1]
        argument.arguments[-1] = _one([last.arguments])
        argument.multiple = True
    return argument


def _repeat(before: list[Argument], inner: list[Argument]) -> bool:
    """Let the end of `before` repeat if it was written like `inner`; False if it was not."""
    tail = before[-len(inner) :]
    if len(tail) < len(inner):
        return False
    if len(inner) == 1 and tail[0].same_as(inner[0], but_token=not inner[0].token):
        tail[0].multiple = True
        tail[0].multiple_token = bool(inner[0].token)
        return True
    if len(inner) > 1 and all(one.same_as(two) for one, two in zip(tail, inner, strict=True)):
        block = _one([tail])
        block.multiple = True
        block.multiple_token = bool(block.token)
        before[-len(inner) :] = [block]
        return True
    return False
