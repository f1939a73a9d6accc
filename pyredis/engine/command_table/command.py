"""Declaring commands: one function under one line, checked at import.

    @command("INCRBY", flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", complexity="O(1)",
             keys=[Keys(1, "RW access update")])
    def incrby(ctx, key, increment):
        \"\"\"INCRBY key increment

        Adds an integer to the number at key.
        \"\"\"

The signature is the arity, the docstring's first line is the manual's syntax line, and the paragraph below it the
summary (arguments and history that COMMAND DOCS tells are facts in `documentation.json`). A subcommand is declared
under its full name, `@command("CLIENT KILL", …)`.
Handlers return values (`protocol.replies`), never bytes of the protocol. What COMMAND answers follows Redis 8.2.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Handler = Callable[..., Any]
_VARIADIC = 4  # inspect.CO_VARARGS, without the cost of importing inspect


FLAGS = (
    *("write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript", "blocking", "loading", "stale"),
    *("skip_monitor", "skip_slowlog", "asking", "fast", "no_auth", "movablekeys", "allow_busy"),
    *("no_async_loading", "no_multi", "no_mandatory_keys"),
)
"""Names of the flags in the order of COMMAND; a flag is the bit of its place. Plain ints: an enum is slow to test."""

WRITE, READONLY, DENYOOM, MODULE, ADMIN, PUBSUB, NOSCRIPT, BLOCKING, LOADING, STALE = (1 << at for at in range(10))
SKIP_MONITOR, SKIP_SLOWLOG, ASKING, FAST, NO_AUTH, MOVABLEKEYS, ALLOW_BUSY = (1 << at for at in range(10, 17))
NO_ASYNC_LOADING, NO_MULTI, NO_MANDATORY_KEYS = (1 << at for at in range(17, 20))
# What COMMAND does not show
MAY_REPLICATE = 1 << 20  # no write, and yet it may propagate
EVERY_DATABASE = 1 << 21  # it may change another database than its client's
ALLOW_SUBSCRIBED = 1 << 22  # in RESP2 it runs while its client listens to channels
NOT_QUEUED = 1 << 23  # it runs at once inside MULTI
ALWAYS_TOUCHES = 1 << 24  # it counts as an access even under CLIENT NO-TOUCH
TELLS_DISK_ERRORS = 1 << 25  # no write, and yet it is refused while writes cannot be made durable

CATEGORIES = (
    *("keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo"),
    *("stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting"),
)
"""ACL categories, in the order of ACL CAT."""

GROUP_CATEGORIES = {
    "string": "string",
    "bitmap": "bitmap",
    "generic": "keyspace",
    "list": "list",
    "set": "set",
    "sorted-set": "sortedset",
    "hash": "hash",
    "stream": "stream",
    "geo": "geo",
    "hyperloglog": "hyperloglog",
    "connection": "connection",
    "transactions": "transaction",
    "scripting": "scripting",
    "pubsub": "pubsub",
}


class Keys:
    """A key spec: keys from argument `first` to `last` (0: only the first; negative: from the end), every `step`.

    `flags` is Redis's own: RO, RW, OW or RM, then access, update, insert, delete, not_key, incomplete, variable_flags.
    Of the latter, `actual` tells the flags from a command's words.
    """

    __slots__ = ("actual", "first", "flags", "last", "limit", "notes", "step", "told")

    def __init__(
        self,
        first: int,
        flags: str,
        *,
        last: int = 0,
        step: int = 1,
        limit: int = 0,
        notes: str = "",
        actual: Callable[[Sequence[bytes]], str] | None = None,
    ) -> None:
        if (actual is not None) != ("variable_flags" in flags):
            raise ValueError("flags are variable when `actual` tells them")
        self.actual = actual
        self.first = first
        self.flags = flags
        self.told = flags.removesuffix(" incomplete")  # what is told of keys that were found, whichever way
        self.last = last
        self.step = step
        self.limit = limit
        self.notes = notes

    @property
    def is_one(self) -> bool:
        """Whether it is for one key that is always there."""
        return type(self) is Keys and self.last == 0

    def positions(self, argv: Sequence[bytes]) -> range:
        """Where the keys stand in `argv`; empty when it is too short."""
        if self.first >= len(argv):
            return range(0)
        last = self.first + self.last if self.last >= 0 else len(argv) + self.last
        if self.limit > 1:
            last = self.first + (len(argv) - self.first) // self.limit - 1
        return range(self.first, min(last, len(argv) - 1) + 1, self.step)


class CountedKeys(Keys):
    """A key spec where argument `first` is the number of keys that follow it."""

    __slots__ = ()

    def positions(self, argv: Sequence[bytes]) -> range:
        """Where the keys stand; ValueError when the count is no positive number or too large."""
        if self.first >= len(argv):
            return range(0)
        count = int(argv[self.first])
        if count < 1 or self.first + count >= len(argv):
            raise ValueError(count)
        return range(self.first + 1, self.first + 1 + count)


class KeywordKeys(Keys):
    """A key spec where the keys follow the word `keyword`, which stands at position `first` or later, if at all."""

    __slots__ = ("keyword",)

    def __init__(self, keyword: str, first: int, flags: str, *, last: int = 0, limit: int = 0) -> None:
        super().__init__(first, flags, last=last, limit=limit)
        self.keyword = keyword

    def positions(self, argv: Sequence[bytes]) -> range:
        """Where the keys stand; empty without the keyword."""
        for at in range(self.first, len(argv) - 1):
            if argv[at].upper() == self.keyword.encode():
                return Keys(at + 1, self.flags, last=self.last, limit=self.limit).positions(argv)
        return range(0)


class UnknownKeys(Keys):
    """A key spec that follows no rule clients could use; `find` tells where the keys stand, if they can be told."""

    __slots__ = ("find",)

    def __init__(
        self, flags: str, *, notes: str = "", find: Callable[[Sequence[bytes]], range] = lambda argv: range(0)
    ) -> None:
        super().__init__(0, flags, notes=notes)
        self.find = find

    def positions(self, argv: Sequence[bytes]) -> range:
        """Where the keys stand, as far as the arguments tell."""
        return self.find(argv)


class Command:
    """A command as declared: shared by every server in the process, so nothing here changes after import."""

    __slots__ = (
        "_key_specs",
        "arity",
        "categories",
        "complexity",
        "container",
        "deprecated",
        "flags",
        "group",
        "handler",
        "keys",
        "maximum",
        "minimum",
        "name",
        "only_key",
        "since",
        "subcommands",
        "summary",
        "tips",
    )

    def __init__(
        self,
        name: str,
        handler: Handler | None,
        *,
        flags: int,
        group: str,
        since: str,
        complexity: str,
        keys: Sequence[Keys],
        tips: Sequence[str],
        categories: str,
        deprecated: tuple[str, str] | None,
    ) -> None:
        spelled = name.upper() if flags & MODULE else name.lower()  # as Redis shows it
        self.name = spelled.replace(" ", "|")
        self.container = self.name.rpartition("|")[0]
        self.handler = handler
        self.flags = flags
        self.group = group
        self.since = since
        self.complexity = complexity
        self.keys = keys
        self._key_specs = [spec for spec in keys if "not_key" not in spec.flags]
        self.only_key = keys[0].first if len(keys) == 1 and keys[0].is_one else 0
        self.tips = tips
        self.deprecated = deprecated
        self.subcommands: dict[bytes, Command] = {}
        self.minimum, self.maximum = self._argument_counts()
        self.arity = self.minimum if self.minimum == self.maximum else -self.minimum
        self.summary = self._summary()
        self.categories = _categories(flags, group, categories, bool(self.container), handler is None)

    def key_uses(self, argv: Sequence[bytes]) -> list[tuple[int, str]]:
        """Where the keys stand among a command's words, each with its spec's flags; none where a count is wrong."""
        found: list[tuple[int, str]] = []
        try:
            for spec in self._key_specs:
                flags = spec.told if spec.actual is None else spec.actual(argv)
                for at in spec.positions(argv):
                    found.append((at, flags))
        except ValueError:
            return []
        return found

    def keys_in(self, argv: Sequence[bytes]) -> list[bytes]:
        """The keys among a command's words; none where a count among them is wrong."""
        return [argv[at] for at, _ in self.key_uses(argv)]

    def places_in(self, argv: Sequence[bytes]) -> list[bytes]:
        """What among a command's words has a slot: its keys, and shard channels."""
        try:
            return [argv[at] for spec in self.keys for at in spec.positions(argv)]
        except ValueError:
            return []

    def _argument_counts(self) -> tuple[int, int]:
        """The least and the most words the command takes, its name included, read from the signature."""
        words = 1 + self.name.count("|")
        if self.handler is None:
            return 2, 1 << 30
        code = self.handler.__code__
        least = code.co_argcount - 1 - len(self.handler.__defaults__ or ())
        variadic = code.co_flags & _VARIADIC or self.handler.__defaults__
        return words + least, (1 << 30) if variadic else words + least

    def _summary(self) -> str:
        """What the docstring says behind the syntax line."""
        if self.handler is None:
            return ""
        syntax, _, rest = (self.handler.__doc__ or "").partition("\n")
        words = self.name.upper().replace("|", " ")
        if not f"{syntax} ".startswith(f"{words} ") or not rest.strip():
            raise ValueError(f"{self.name}: the docstring starts with the syntax line, then the summary")
        return " ".join(rest.split())


def _categories(flags: int, group: str, explicit: str, is_sub: bool, is_container: bool) -> frozenset[str]:
    """ACL categories: those that flags imply, the group's, and the ones named."""
    if is_container:
        return frozenset({"slow"})
    found = set(explicit.split())
    if flags & WRITE:
        found.add("write")
    if flags & READONLY and not flags & NOSCRIPT | (group == "scripting"):
        found.add("read")
    if flags & ADMIN:
        found |= {"admin", "dangerous"}
    if flags & PUBSUB:
        found.add("pubsub")
    if flags & BLOCKING:
        found.add("blocking")
    found.add("fast" if flags & FAST else "slow")
    if group in GROUP_CATEGORIES:
        found.add(GROUP_CATEGORIES[group])
    return frozenset(word for word in found if "-" + word not in found and not word.startswith("-"))


class CommandTable(Mapping[str, Command]):
    """Every command by its full lower-case name, though its family may still have to be imported.

    That happens when a command is asked for; whoever looks at all of them has all imported first.
    """

    def __init__(self) -> None:
        self._declared: dict[str, Command] = {}
        self._families: dict[str, list[str]] = {}  # by command, without subcommands: those not yet imported
        self._import: Callable[[str], None] = lambda family: None

    def expect(self, families: Mapping[str, Sequence[str]], load: Callable[[str], None]) -> None:
        """Know that the commands of `families` are declared when `load` is called with the family's name."""
        self._import = load
        for family, names in families.items():
            for name in names:
                self._families.setdefault(name, []).append(family)

    @property
    def is_complete(self) -> bool:
        """Whether all families are imported."""
        return not self._families

    def import_next(self) -> None:
        """Import what is still to be imported of one command."""
        for name in [*self._families][:1]:
            self._load(name)

    def _load(self, name: str) -> None:
        for family in self._families.get(name, ()):
            self._import(family)
        self._families.pop(name, None)  # only now: on another thread the import may still be under way

    def __getitem__(self, name: str) -> Command:
        if self._families:
            self._load(name.partition("|")[0])
        return self._declared[name]

    def __iter__(self) -> Iterator[str]:
        self._complete()
        return iter(sorted(self._declared))

    def __len__(self) -> int:
        self._complete()
        return len(self._declared)

    def _complete(self) -> None:
        while self._families:
            self.import_next()

    def declare(self, declared: Command) -> None:
        """Enter a command, under its container if it has one. Raises ValueError for a row that contradicts others."""
        name = declared.name.lower()
        if name in self._declared:
            raise ValueError(f"{declared.name} is declared twice")
        if declared.flags & WRITE and declared.flags & READONLY:
            raise ValueError(f"{declared.name} cannot both write and be read-only")
        if declared.container:
            self._declared[declared.container].subcommands[name.rpartition("|")[2].encode()] = declared
        self._declared[name] = declared


TABLE = CommandTable()
"""What importing a family's module fills."""


def command(
    name: str,
    *,
    flags: int = 0,
    group: str,
    since: str,
    complexity: str,
    keys: Sequence[Keys] = (),
    tips: Sequence[str] = (),
    categories: str = "",
    deprecated: tuple[str, str] | None = None,
) -> Callable[[Handler], Handler]:
    """Declare the decorated function as the command `name` ("CLIENT KILL" for a subcommand).

    `categories` are ACL categories beyond those the flags and the group imply; `-word` takes an implied one away.
    `deprecated` is (since, what replaces it). Raises ValueError at import for a row that contradicts itself.
    """

    def declare(handler: Handler) -> Handler:
        TABLE.declare(
            Command(
                name,
                handler,
                flags=flags,
                group=group,
                since=since,
                complexity=complexity,
                keys=keys,
                tips=tips,
                categories=categories,
                deprecated=deprecated,
            )
        )
        return handler

    return declare


def container(name: str, *, summary: str, group: str, since: str, flags: int = 0) -> None:
    """Declare a command that is only the head of its subcommands."""
    head = Command(
        name,
        None,
        flags=flags,
        group=group,
        since=since,
        complexity="Depends on subcommand.",
        keys=(),
        tips=(),
        categories="",
        deprecated=None,
    )
    head.summary = summary
    TABLE.declare(head)
