"""Reading what is new in streams, for oneself (XREAD) or as a consumer of a group (XREADGROUP), and waiting for it.

What a group reads propagates as the XCLAIMs that make it pending and the XGROUP SETID that says how far the group is.
"""

from collections.abc import Sequence

from pyredis.commands.stream_arguments import no_group, stream_id
from pyredis.commands.stream_groups import made_consumer
from pyredis.datatypes.consumer_group import Consumer, Delivery, Group
from pyredis.datatypes.stream import Entry, Stream
from pyredis.datatypes.stream_id import MAX_ID, format_id
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, timeout_ms
from pyredis.engine.command_table.command import BLOCKING, MOVABLEKEYS, READONLY, WRITE, KeywordKeys, command
from pyredis.engine.execution.blocking import Blocked
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import CommandError, syntax_error
from pyredis.protocol.replies import NULL_ARRAY, Entries, NullArray, PairArrayMap

Answer = PairArrayMap | NullArray | Blocked
Read = list[tuple[bytes, Entry | NullArray]]

_NEW = MAX_ID  # the ID `>`
_MEANINGLESS = (
    b"The %b ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
    b"specifying a proper ID, or use the > ID to get new messages. The %b ID would just return an empty result set."
)


class Request:
    """The options; `timeout` is ms, None to wait for nothing. `keys` and `ids` stand at the end of the words."""

    __slots__ = ("consumer", "count", "group", "ids", "keys", "leaves_nothing_pending", "timeout", "words")

    def __init__(self, ctx: Client, name: bytes, words: Sequence[bytes]) -> None:
        self.words = [name, *words]
        self.count = 0
        self.timeout: int | None = None
        self.group: bytes | None = None
        self.consumer = b""
        self.leaves_nothing_pending = False
        self.keys: Sequence[bytes] = ()
        self.ids: Sequence[bytes] = ()
        is_group = name == b"XREADGROUP"
        options = Arguments(list(words))
        while options:
            if options.flag(b"COUNT", 1):
                self.count = max(options.integer(), 0)
            elif options.flag(b"STREAMS", 1):
                self._streams(options.rest(), is_group=is_group)
            elif options.flag(b"GROUP", 2):
                _only_for_groups(b"GROUP", is_group=is_group)
                self.group, self.consumer = options.word(), options.word()
            elif options.flag(b"BLOCK", 1):
                self.timeout = timeout_ms(options.word(), ctx.db.space.now, in_seconds=False)
            elif options.flag(b"NOACK"):
                _only_for_groups(b"NOACK", is_group=is_group)
                self.leaves_nothing_pending = True
            else:
                raise syntax_error()
        if not self.keys:
            raise syntax_error()
        if is_group and self.group is None:
            raise CommandError(b"Missing GROUP option for XREADGROUP")

    def _streams(self, words: Sequence[bytes], *, is_group: bool) -> None:
        if len(words) % 2:
            name, kinds = (b"xreadgroup", b"ID or '>'") if is_group else (b"xread", b"ID, '+', or '$'")
            text = b"Unbalanced '%b' list of streams: for each stream key an %b must be specified."
            raise CommandError(text % (name, kinds))
        half = len(words) // 2
        self.keys, self.ids = words[:half], words[half:]

    def wait(self, ids: Sequence[int]) -> Blocked | NullArray:
        """What to answer when there is nothing: `$` means the last ID of now, also when the client is woken."""
        if self.timeout is None:
            return NULL_ARRAY
        at = len(self.words) - len(self.ids)
        known = [format_id(id) if word == b"$" else word for word, id in zip(self.ids, ids, strict=True)]
        return Blocked(
            self.keys,
            (Stream,),
            self.timeout,
            wakes_on_loss=self.group is not None,
            again=[*self.words[:at], *known],
        )


def _only_for_groups(option: bytes, *, is_group: bool) -> None:
    if not is_group:
        text = b"The %b option is only supported by XREADGROUP. You called XREAD instead."
        raise CommandError(text % option)


@command(
    "XREAD",
    flags=READONLY | BLOCKING | MOVABLEKEYS,
    group="stream",
    since="5.0.0",
    complexity="",
    keys=[KeywordKeys("STREAMS", 1, "RO access", last=-1, limit=2)],
)
def xread(ctx: Client, first: bytes, key: bytes, id: bytes, *words: bytes) -> Answer:
    """XREAD [COUNT count] [BLOCK milliseconds] STREAMS <key [key ...] id [id ...]>

    Answers the entries of streams that come after the IDs; waits for some if there are none.
    """
    request = Request(ctx, b"XREAD", (first, key, id, *words))
    ids = [_read_from(ctx, key, word) for key, word in zip(request.keys, request.ids, strict=True)]
    answer = []
    for key, after in zip(request.keys, ids, strict=True):
        stream = ctx.db.get_as(key, Stream)
        if stream is not None and after < stream.last_id:
            entries = stream.range(after + 1, MAX_ID, request.count)
            if entries:
                answer.append((key, Entries(entries)))
    return PairArrayMap(answer) if answer else request.wait(ids)


def _read_from(ctx: Client, key: bytes, word: bytes) -> int:
    """The ID behind which XREAD reads."""
    stream = ctx.db.get_as(key, Stream)
    if word == b"$":
        return 0 if stream is None else stream.last_id
    if word == b"+":
        return max(stream.top_id - 1, 0) if stream is not None and stream.length else 0
    if word == b">":
        text = b"The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
        raise CommandError(text)
    return stream_id(word)


@command(
    "XREADGROUP",
    flags=WRITE | BLOCKING | MOVABLEKEYS,
    group="stream",
    since="5.0.0",
    complexity="O(N) in the number of entries returned",
    keys=[KeywordKeys("STREAMS", 4, "RO access", last=-1, limit=2)],
)
def xreadgroup(
    ctx: Client, first: bytes, second: bytes, third: bytes, fourth: bytes, fifth: bytes, sixth: bytes, *words: bytes
) -> Answer:
    """XREADGROUP GROUP <group consumer> [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS <key [key ...] id [id ...]>

    Gives a consumer entries of streams that its group has not read (`>`), or those it has pending after an ID.
    """
    request = Request(ctx, b"XREADGROUP", (first, second, third, fourth, fifth, sixth, *words))
    ids = [
        _group_reads_from(ctx, key, request.group, word) for key, word in zip(request.keys, request.ids, strict=True)
    ]
    ctx.rewritten = ()
    answer: list[tuple[bytes, Read | Entries]] = []
    with ctx.engine[Propagation].transaction():
        for key, after in zip(request.keys, ids, strict=True):
            stream = ctx.db.get_as(key, Stream)
            if stream is None:
                continue  # it has expired just now
            reader = GroupReader(ctx, request, key, stream)
            if after != _NEW:
                answer.append((key, reader.history(after)))
            elif stream.top_id > reader.group.last_id:
                answer.append((key, reader.new()))
    return PairArrayMap(answer) if answer else request.wait(ids)


def _group_reads_from(ctx: Client, key: bytes, name: bytes | None, word: bytes) -> int:
    """The ID behind which a consumer reads again what it has pending, or _NEW."""
    stream = ctx.db.get_as(key, Stream)
    if stream is None or name not in stream.groups:
        raise no_group(key, name or b"", where=b" in XREADGROUP with GROUP option")
    if word in (b"$", b"+"):
        raise CommandError(_MEANINGLESS % (word, word))
    return _NEW if word == b">" else stream_id(word)


class GroupReader:
    """One consumer reading one stream."""

    __slots__ = ("consumer", "ctx", "group", "key", "name", "request", "stream")

    def __init__(self, ctx: Client, request: Request, key: bytes, stream: Stream) -> None:
        self.ctx, self.request, self.key, self.stream = ctx, request, key, stream
        self.name = request.group or b""
        self.group = group = stream.groups[self.name]
        consumer = group.consumers.get(request.consumer)
        if consumer is None:
            consumer = made_consumer(ctx, key, group, request.consumer)
            if request.leaves_nothing_pending:
                self._propagate((b"XGROUP", b"CREATECONSUMER", key, self.name, request.consumer))
        consumer.seen = ctx.db.space.now
        self.consumer: Consumer = consumer

    def history(self, after: int) -> Read | Entries:
        """What the consumer has pending; without its fields where the entry was deleted."""
        now, count = self.ctx.db.space.now, self.request.count
        deliveries = self.group.deliveries
        found: list[tuple[int, Entry]] = []
        deleted = set()
        for id in self.consumer.pending.irange(min(after + 1, MAX_ID)):
            entry = self.stream.get(id)
            if entry is None:
                deleted.add(id)
            else:
                delivery = deliveries[id]
                delivery.time = now
                delivery.count += 1
            found.append((id, entry or ()))
            if count and len(found) >= count:
                break
        if not deleted:
            return Entries(found)
        return [(format_id(id), NULL_ARRAY if id in deleted else entry) for id, entry in found]

    def new(self) -> Entries:
        """What no consumer of the group has read; it is pending from now on."""
        stream, group, now = self.stream, self.group, self.ctx.db.space.now
        entries = stream.range(group.last_id + 1, MAX_ID, self.request.count)
        pending = not self.request.leaves_nothing_pending
        propagates = self.ctx.engine.record is not None
        for id, _ in entries:
            stream.advance(group, id)
            if pending:
                delivery = group.deliver(id, self.consumer, now)
                self.consumer.active = now
                if propagates:
                    self._propagate(claim_words(self.key, self.name, group, id, delivery))
        if propagates:
            self._propagate(setid_words(self.key, self.name, group))
        self.ctx.db.changed_unnoticed()
        return Entries(entries)

    def _propagate(self, words: Sequence[bytes]) -> None:
        self.ctx.engine[Propagation].send(self.ctx.db.index, words)


def claim_words(key: bytes, name: bytes, group: Group, id: int, delivery: Delivery) -> tuple[bytes, ...]:
    """The XCLAIM that makes a delivery what it is now."""
    time, count = b"%d" % delivery.time, b"%d" % delivery.count
    head = (b"XCLAIM", key, name, delivery.consumer, b"0", format_id(id), b"TIME", time, b"RETRYCOUNT", count)
    return (*head, b"FORCE", b"JUSTID", b"LASTID", format_id(group.last_id))


def setid_words(key: bytes, name: bytes, group: Group) -> tuple[bytes, ...]:
    """The XGROUP SETID that brings a group where it is now."""
    read = b"%d" % group.entries_read
    return (b"XGROUP", b"SETID", key, name, format_id(group.last_id), b"ENTRIESREAD", read)


def send_as_transaction(ctx: Client, commands: Sequence[tuple[bytes, ...]]) -> None:
    """Propagate commands as one."""
    propagation = ctx.engine[Propagation]
    with propagation.transaction():
        for words in commands:
            propagation.send(ctx.db.index, words)
