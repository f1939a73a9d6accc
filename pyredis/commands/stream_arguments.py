"""What the stream commands' arguments have in common: IDs and intervals of them, trimming, and who is missing.

Errors and the order in which they are found are those of Redis 8.2.
"""

from collections.abc import Sequence

from pyredis.datatypes.consumer_group import Group
from pyredis.datatypes.numeric import INT64_MAX
from pyredis.datatypes.stream import ACKED, DELREF, KEEPREF, Stream, Trim
from pyredis.datatypes.stream_id import MAX_ID, SEQUENCE_MASK, parse_id, parse_prefix
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer, integer_between
from pyredis.errors import CommandError, as_printed, syntax_error

_POLICIES = frozenset((KEEPREF, DELREF, ACKED))
_TWO_STRATEGIES = b"syntax error, MAXLEN and MINID options at the same time are not compatible"
_MOST_TRIMMED, _USUALLY_TRIMMED = 1_000_000, 10_000


# IDs


def invalid_id() -> CommandError:
    """A word is no stream ID."""
    return CommandError(b"Invalid stream ID specified as stream command argument")


def stream_id(word: bytes, missing: int = 0) -> int:
    """A word as an ID, `missing` being the sequence where it has none. Raises Redis's error."""
    id = parse_id(word, missing)
    if id is None:
        raise invalid_id()
    return id


def interval_start(word: bytes) -> int:
    """The first ID that an interval from `word` on has: `-`, `+`, an ID, or `(` and an ID."""
    if word[:1] == b"(":
        id = stream_id(word[1:]) + 1
        if id > MAX_ID:
            raise CommandError(b"invalid start ID for the interval")
        return id
    return _end(word, 0)


def interval_end(word: bytes) -> int:
    """The last ID that an interval up to `word` has."""
    if word[:1] == b"(":
        id = stream_id(word[1:], SEQUENCE_MASK) - 1
        if id < 0:
            raise CommandError(b"invalid end ID for the interval")
        return id
    return _end(word, SEQUENCE_MASK)


def _end(word: bytes, missing: int) -> int:
    if word == b"-":
        return 0
    return MAX_ID if word == b"+" else stream_id(word, missing)


def count_option(words: tuple[bytes, ...]) -> int | None:
    """COUNT as the ranges have it: None without it, and nothing is below 0."""
    if len(words) == 2 and words[0].upper() == b"COUNT":
        return max(integer(words[1]), 0)
    count = None
    options = Arguments(words)
    while options:
        if not options.flag(b"COUNT", 1):
            raise syntax_error()
        count = max(options.integer(), 0)
    return count


# Missing keys and groups


def no_group(key: bytes, name: bytes, *, named_first: bool = False, where: bytes = b"") -> CommandError:
    """There is no such group. Redis says it in two ways."""
    key, name = as_printed(key), as_printed(name)
    if named_first:
        return CommandError(b"No such consumer group '%b' for key name '%b'" % (name, key), b"NOGROUP")
    return CommandError(b"No such key '%b' or consumer group '%b'%b" % (key, name, where), b"NOGROUP")


def stream_and_group(ctx: Client, key: bytes, name: bytes) -> tuple[Stream, Group]:
    """What must be there. Raises WrongType, or what Redis answers when a part is missing."""
    stream = ctx.db.get_as(key, Stream)
    group = None if stream is None else stream.groups.get(name)
    if stream is None or group is None:
        raise no_group(key, name)
    return stream, group


# Trimming, and which references an entry keeps


class TrimOptions:
    """The words of XADD up to its ID, or those of XTRIM. `threshold_at` is where the number or ID stands."""

    __slots__ = ("approximate", "length", "limit", "makes_no_stream", "minimum", "policy", "threshold_at")

    def __init__(self, options: Arguments, *, is_xadd: bool) -> None:
        self.length: int | None = None
        self.minimum: int | None = None
        self.approximate = False
        self.limit: int | None = None
        self.policy = b""
        self.makes_no_stream = False
        self.threshold_at = 0
        while options:
            if is_xadd and options.words[options.position] == b"*":
                break
            if options.flag(b"MAXLEN", 1):
                self._strategy(options)
                self.length = options.integer()
                if self.length < 0:
                    raise CommandError(b"The MAXLEN argument must be >= 0.")
            elif options.flag(b"MINID", 1):
                self._strategy(options)
                self.minimum = stream_id(options.word())
            elif options.flag(b"LIMIT", 1):
                self.limit = options.integer()
                if self.limit < 0:
                    raise CommandError(b"The LIMIT argument must be >= 0.")
            elif is_xadd and options.flag(b"NOMKSTREAM"):
                self.makes_no_stream = True
            elif not self.policy and options.words[options.position].upper() in _POLICIES:
                self.policy = options.word().upper()
            elif is_xadd:
                break
            else:
                raise syntax_error()

    def check(self, *, is_xadd: bool, obeyed: bool) -> None:
        """Raise for what does not go together; called once the ID is known to be one.

        Who is obeyed sends the threshold that an approximate trim came to, and the limit that this had with it.
        """
        if obeyed:
            self.limit = 0
            return
        trims = self.threshold_at
        if self.limit and not trims:
            raise CommandError(b"syntax error, LIMIT cannot be used without specifying a trimming strategy")
        if not is_xadd and not trims:
            raise CommandError(b"syntax error, XTRIM must be called with a trimming strategy")
        if self.limit is not None and not self.approximate:
            raise CommandError(b"syntax error, LIMIT cannot be used without the special ~ option")

    def trim(self, node_entries: int) -> Trim | None:
        """What to trim, or None. Without a limit of its own an approximate trim stops after a hundred full nodes."""
        if not self.threshold_at:
            return None
        limit = self.limit or 0
        if self.approximate and self.limit is None:
            limit = min(100 * node_entries, _MOST_TRIMMED) or _USUALLY_TRIMMED
        return Trim(self.length, self.minimum or 0, self.approximate, limit, self.policy or KEEPREF)

    def _strategy(self, options: Arguments) -> None:
        """The sign before the threshold, which stands next then."""
        if self.threshold_at:
            raise CommandError(_TWO_STRATEGIES)
        self.approximate = options.flag(b"~", 1)
        if not self.approximate:
            options.flag(b"=", 1)
        self.threshold_at = options.position


def id_for_xadd(word: bytes) -> tuple[int, bool]:
    """The ID, or the first of the millisecond that is to be completed, and whether it is whole."""
    prefix = parse_prefix(word)
    if prefix is not None:
        return prefix, False
    return stream_id(word), True


def policy_and_ids(words: Sequence[bytes]) -> tuple[bytes, Sequence[bytes]]:
    """`[KEEPREF | DELREF | ACKED] IDS numids id …` in any order: the policy and the words of the IDs."""
    policy = b""
    ids: Sequence[bytes] | None = None
    options = Arguments(tuple(words))
    while options:
        if not policy and options.words[options.position].upper() in _POLICIES:
            policy = options.word().upper()
        elif options.flag(b"IDS"):
            if not options:
                raise syntax_error()
            count = integer_between(options.word(), 1, INT64_MAX, b"Number of IDs must be a positive integer")
            if count > len(options):
                raise CommandError(b"The `numids` parameter must match the number of arguments")
            ids = options.words[options.position : options.position + count]
            options.position += count
        else:
            raise syntax_error()
    if ids is None:
        raise syntax_error()
    return policy or KEEPREF, ids


def milliseconds(word: bytes, text: bytes) -> int:
    """A number of milliseconds, any 64 bit one; `text` is the error for what is none."""
    try:
        return integer(word)
    except CommandError:
        raise CommandError(text) from None
