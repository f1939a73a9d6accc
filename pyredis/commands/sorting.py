"""SORT and SORT_RO: the elements of a list, a set or a sorted set in order, by themselves or by what other keys say.

A pattern names a key by an element put for its first `*`, and with `->` behind it a field of a hash; `#` is the element
itself. A BY pattern without `*` means no sorting at all: a list or sorted set answers in its own order then. What
has no weight counts as 0, or in alphabetical order comes first. Equal weights stand in the order of their elements
when they are numbers, else as they came.
"""

from collections.abc import Sequence
from math import isnan, nan

from pyredis.datatypes.hash import Hash
from pyredis.datatypes.key_slot import key_slot, pattern_slot
from pyredis.datatypes.list import List
from pyredis.datatypes.set import Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.text import plain
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import (
    DENYOOM,
    MOVABLEKEYS,
    READONLY,
    TABLE,
    WRITE,
    Keys,
    UnknownKeys,
    command,
)
from pyredis.engine.execution import gates
from pyredis.engine.execution.roles import SCRIPT
from pyredis.errors import CommandError, WrongType, syntax_error
from pyredis.keyspace import events, hash_fields
from pyredis.keyspace.database import Database

_SKIPPED = {b"LIMIT": 2, b"GET": 1, b"BY": 1}
_NO_WEIGHT = b"One or more scores can't be converted into double"
_MAY_CROSS = b"%b option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots."
_NO_LEAVE = b"%b option of SORT denied due to insufficient ACL permissions."
_COMPLEXITY = "O(N+M*log(M)), N the number of elements to sort, M of those returned; O(N) without sorting"


class Pattern:
    """A BY or GET pattern."""

    __slots__ = ("field", "is_element", "prefix", "suffix")

    def __init__(self, text: bytes) -> None:
        # Like Redis, which takes the pattern for a C string here, do not look behind a zero byte.
        shown = text.partition(b"\0")[0]
        self.is_element = shown == b"#"
        star = shown.find(b"*")
        self.prefix: bytes | None = text[:star] if star >= 0 else None
        rest = text[star + 1 :]
        arrow = rest.partition(b"\0")[0].find(b"->")
        has_field = 0 <= arrow < len(rest.partition(b"\0")[0]) - 2
        self.suffix = rest[:arrow] if has_field else rest
        self.field = rest[arrow + 2 :] if has_field else None

    def look_up(self, db: Database, element: bytes) -> bytes | None:
        """What the pattern says of an element, or None: no such key or field, or one of another type."""
        if self.is_element:
            return element
        if self.prefix is None:
            return None
        key = self.prefix + element + self.suffix
        value = db.get(key)
        if self.field is None:
            return plain(value) if isinstance(value, (bytes, bytearray, int)) else None
        return hash_fields.values(db, key, value, (self.field,))[0] if isinstance(value, Hash) else None


class Order:
    """What SORT's words say. `count` is negative for no limit.

    Patterns may name any key, so that they need leave to read all: without it (`may_look`), they are refused. Those of
    a cluster's node must keep to one slot (`slot`).
    """

    __slots__ = ("alpha", "by", "count", "descending", "gets", "offset", "sorts", "store")

    def __init__(self, words: tuple[bytes, ...], *, may_store: bool, may_look: bool, slot: int | None) -> None:
        self.alpha = self.descending = False
        self.sorts = True
        self.offset, self.count = 0, -1
        self.by: Pattern | None = None
        self.gets: list[Pattern] = []
        self.store: bytes | None = None
        options = Arguments(words)
        while options:
            if options.flag(b"ASC"):
                self.descending = False
            elif options.flag(b"DESC"):
                self.descending = True
            elif options.flag(b"ALPHA"):
                self.alpha = True
            elif options.flag(b"LIMIT", 2):
                self.offset, self.count = max(options.integer(), 0), options.integer()
            elif may_store and options.flag(b"STORE", 1):
                self.store = options.word()
            elif options.flag(b"BY", 1):
                self.by = Pattern(word := options.word())
                self.sorts = self.sorts and self.by.prefix is not None  # once off, a later pattern changes nothing
                if self.by.prefix is not None:
                    _check(b"BY", word, slot, may_look)
            elif options.flag(b"GET", 1):
                self.gets.append(Pattern(word := options.word()))
                _check(b"GET", word, None if word == b"#" else slot, may_look)
            else:
                raise syntax_error()


def _weight(text: bytes) -> float:
    """A number to sort by, up to a zero byte: a decimal however large or small, or infinity; nothing counts as 0."""
    digits = text.partition(b"\0")[0]
    if not digits:
        return 0.0
    try:
        number = float(digits)
    except ValueError:
        number = nan
    if isnan(number) or b"_" in digits or digits != digits.strip():
        raise CommandError(_NO_WEIGHT)
    return number


def _sort(db: Database, elements: list[bytes], order: Order) -> None:
    """Sort in place. Raises the error for a weight that is no number."""
    by = order.by
    weights = elements if by is None else [by.look_up(db, element) for element in elements]
    if order.alpha:
        # Replies are in the order of the locale, C here, which stops at a zero byte; what is stored in that of bytes.
        texts = weights if order.store is not None else [text and text.partition(b"\0")[0] for text in weights]
        keys = [(text is not None, text or b"") for text in texts]
        pairs = sorted(zip(keys, elements, strict=True), key=lambda pair: pair[0], reverse=order.descending)
        elements[:] = [element for _, element in pairs]
    else:
        numbers = [0.0 if text is None else _weight(text) for text in weights]
        elements[:] = [element for _, element in sorted(zip(numbers, elements, strict=True), reverse=order.descending)]


def _elements(ctx: Client, key: bytes, order: Order) -> list[bytes]:
    """The elements to sort or, if they stay as they are, to answer. Raises WrongType."""
    value = ctx.db.get(key)
    if value is None:
        return []
    if isinstance(value, List):
        elements = list(value)
    elif isinstance(value, SortedSet):
        value.enlarge()  # as Redis does, for good
        elements = [member for member, _ in value.items()]
    elif isinstance(value, Set):
        if not order.sorts and (order.store is not None or ctx.role is SCRIPT):  # else what comes of it would be random
            order.sorts, order.alpha, order.by = True, True, None
        return value.in_order()
    else:
        raise WrongType
    if not order.sorts and order.descending:
        elements.reverse()
    return elements


def _sorted(ctx: Client, key: bytes, order: Order) -> list[bytes | None]:
    """What SORT answers."""
    db = ctx.db
    elements = _elements(ctx, key, order)
    if order.sorts:
        _sort(db, elements, order)
    stop = None if order.count < 0 else order.offset + order.count
    chosen = elements[order.offset : stop]
    if not order.gets:
        return list(chosen)
    return [pattern.look_up(db, element) for element in chosen for pattern in order.gets]


def _check(option: bytes, pattern: bytes, slot: int | None, may_look: bool) -> None:
    """Raise the error for a pattern whose keys may not be looked at."""
    if slot is not None and pattern_slot(pattern) != slot:
        raise CommandError(_MAY_CROSS % option)
    if not may_look:
        raise CommandError(_NO_LEAVE % option)


def _order(ctx: Client, name: str, key: bytes, words: tuple[bytes, ...]) -> Order:
    slot = key_slot(key) if ctx.engine.router is not None else None
    return Order(words, may_store=name == "sort", may_look=_may_look(ctx, name), slot=slot)


def _may_look(ctx: Client, name: str) -> bool:
    """Whether the user may read any key while it runs this command."""
    return not ctx.gates & gates.RESTRICTED or ctx.user.may_read_all(TABLE[name], ctx.argv)


def _store_position(argv: Sequence[bytes]) -> range:
    """Where the key to store at stands: behind the last STORE that is no argument of another option."""
    found, at = range(0), 2
    while at < len(argv):
        word = argv[at].upper()
        if word == b"STORE" and at + 1 < len(argv):
            found = range(at + 1, at + 2)
            at += 1
        at += 1 + _SKIPPED.get(word, 0)
    return found


_PATTERN_KEYS = UnknownKeys(
    "RO access",
    notes="For the optional BY/GET keyword. It is marked 'unknown' because the key names "
    "derive from the content of the key we sort",
)


@command(
    "SORT",
    flags=WRITE | DENYOOM | MOVABLEKEYS,
    group="generic",
    since="1.0.0",
    complexity=_COMPLEXITY,
    keys=[
        Keys(1, "RO access"),
        _PATTERN_KEYS,
        UnknownKeys(
            "OW update",
            notes="For the optional STORE keyword. It is marked 'unknown' because the keyword can "
            "appear anywhere in the argument array",
            find=_store_position,
        ),
    ],
    categories="dangerous list set sortedset -keyspace",
)
def sort(ctx: Client, key: bytes, *words: bytes) -> list[bytes | None] | int:
    """SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE destination]

    Answers the elements of a list, set or sorted set in order, or stores them as a list.
    """  # noqa: E501
    order = _order(ctx, "sort", key, words)
    found = _sorted(ctx, key, order)
    if order.store is None:
        return found
    if found:
        value = List.of((element or b"" for element in found), ctx.engine.limits.list)
        ctx.db.set(order.store, value, events.SORTSTORE)
        ctx.db.dirty += len(found) - 1  # an element is a change
    else:
        ctx.db.remove(order.store)
    return len(found)


@command(
    "SORT_RO",
    flags=READONLY | MOVABLEKEYS,
    group="generic",
    since="7.0.0",
    complexity=_COMPLEXITY,
    keys=[Keys(1, "RO access"), _PATTERN_KEYS],
    categories="dangerous list set sortedset -keyspace",
)
def sort_ro(ctx: Client, key: bytes, *words: bytes) -> list[bytes | None]:
    """SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]

    Answers the elements of a list, set or sorted set in order.
    """
    return _sorted(ctx, key, _order(ctx, "sort_ro", key, words))
