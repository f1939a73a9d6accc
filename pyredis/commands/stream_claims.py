"""What a group has pending: listing it (XPENDING), and giving it to another consumer (XCLAIM, XAUTOCLAIM).

A claimed entry that was deleted meanwhile is no longer pending. Every entry that changes hands propagates as an
XCLAIM with the time and the count it has now.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from pyredis.commands.stream_arguments import (
    interval_end,
    interval_start,
    milliseconds,
    stream_and_group,
    stream_id,
)
from pyredis.commands.stream_groups import made_consumer
from pyredis.commands.stream_reads import claim_words, send_as_transaction, setid_words
from pyredis.datatypes.consumer_group import Consumer, Delivery, Group
from pyredis.datatypes.stream_id import format_id, parse_id
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer, integer_between
from pyredis.engine.command_table.command import FAST, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, as_printed, syntax_error
from pyredis.protocol.replies import NULL_ARRAY

_LONG_MAX = (1 << 63) - 1
_ATTEMPTS = 10  # pending entries that XAUTOCLAIM looks at for each it may claim
_ID_SIZE = 16


@command(
    "XPENDING",
    flags=READONLY,
    group="stream",
    since="5.0.0",
    complexity="O(N) in the number of entries returned; with IDLE, of those looked at",
    keys=[Keys(1, "RO access")],
    tips=["nondeterministic_output"],
)
def xpending(ctx: Client, key: bytes, group: bytes, *words: bytes) -> list[Any]:
    """XPENDING key group [[IDLE min-idle-time] start end count [consumer]]

    Answers what was delivered to consumers of a group and not acknowledged.
    """
    if not words:
        return _summary(stream_and_group(ctx, key, group)[1])
    if not 3 <= len(words) <= 6:
        raise syntax_error()
    least_idle = 0
    if words[0].upper() == b"IDLE":
        least_idle = integer(words[1])
        if len(words) < 5:
            raise syntax_error()
        words = words[2:]
    count = max(integer(words[2]), 0)
    start, end = interval_start(words[0]), interval_end(words[1])
    _, found = stream_and_group(ctx, key, group)
    ids = found.pending
    if len(words) > 3:
        consumer = found.consumers.get(words[3])
        if consumer is None:
            return []
        ids = consumer.pending
    answer: list[Any] = []
    now = ctx.db.space.now
    for id in ids.irange(start) if count else ():
        if id > end:
            break
        delivery = found.deliveries[id]
        idle = now - delivery.time
        if not least_idle or idle >= least_idle:
            answer.append([format_id(id), delivery.consumer, max(idle, 0), delivery.count])
            if len(answer) == count:
                break
    return answer


def _summary(group: Group) -> list[Any]:
    """How many are pending, the first and the last, and how many a consumer has."""
    if not group.deliveries:
        return [0, None, None, NULL_ARRAY]
    shares = [[name, b"%d" % consumer.count] for name, consumer in sorted(group.consumers.items()) if consumer.count]
    return [len(group.deliveries), format_id(group.pending[0]), format_id(group.pending[-1]), shares]


class Claim:
    """Entries on their way to a consumer. `answer` and `sent` collect the reply and what propagates."""

    __slots__ = ("answer", "consumer", "ctx", "group", "justid", "key", "name", "now", "sent", "stream")

    def __init__(self, ctx: Client, key: bytes, name: bytes, consumer: bytes, *, justid: bool) -> None:
        self.ctx, self.key, self.name, self.justid = ctx, key, name, justid
        self.stream, self.group = stream_and_group(ctx, key, name)
        self.now = ctx.db.space.now
        self.answer: list[Any] = []
        self.sent: list[tuple[bytes, ...]] = []
        self.consumer: Consumer = self.group.consumers.get(consumer) or made_consumer(ctx, key, self.group, consumer)
        self.consumer.seen = self.now

    def drop(self, id: int, delivery: Delivery) -> None:
        """The entry was deleted: it is no longer pending."""
        self._note(id, delivery)
        self.group.acknowledge(id)

    def take(self, id: int, delivery: Delivery, time: int, count: int | None = None) -> None:
        """The entry is the consumer's from now on."""
        self.group.assign(id, delivery, self.consumer)
        delivery.time = time
        if count is not None:
            delivery.count = count
        elif not self.justid:
            delivery.count += 1
        self.answer.append(format_id(id) if self.justid else (format_id(id), self.stream.get(id)))
        self.consumer.active = self.now
        self._note(id, delivery)

    def finish(self) -> None:
        """Propagate and count what was done."""
        self.ctx.db.changed_unnoticed(len(self.sent))
        send_as_transaction(self.ctx, self.sent)
        self.ctx.rewritten = ()

    def _note(self, id: int, delivery: Delivery) -> None:
        self.sent.append(claim_words(self.key, self.name, self.group, id, delivery))


class ClaimOptions:
    """XCLAIM's IDs and options; `time` is when the entries count as delivered, ms since 1970."""

    __slots__ = ("count", "force", "ids", "justid", "last_id", "time")

    def __init__(self, words: Sequence[bytes], now: int) -> None:
        self.ids: list[int] = []
        for word in words:
            id = parse_id(word)
            if id is None:
                break
            self.ids.append(id)
        self.force = self.justid = False
        self.count = self.time = -1
        self.last_id = 0
        options = Arguments(tuple(words[len(self.ids) :]))
        while options:
            if options.flag(b"FORCE"):
                self.force = True
            elif options.flag(b"JUSTID"):
                self.justid = True
            elif options.flag(b"IDLE", 1):
                self.time = now - milliseconds(options.word(), b"Invalid IDLE option argument for XCLAIM")
            elif options.flag(b"TIME", 1):
                self.time = milliseconds(options.word(), b"Invalid TIME option argument for XCLAIM")
            elif options.flag(b"RETRYCOUNT", 1):
                self.count = milliseconds(options.word(), b"Invalid RETRYCOUNT option argument for XCLAIM")
            elif options.flag(b"LASTID", 1):
                self.last_id = stream_id(options.word())
            else:
                raise CommandError(b"Unrecognized XCLAIM option '%b'" % as_printed(options.word()))
        if not 0 <= self.time <= now:
            self.time = now


@command(
    "XCLAIM",
    flags=WRITE | FAST,
    group="stream",
    since="5.0.0",
    complexity="O(log N) for N entries that the consumer has pending",
    keys=[Keys(1, "RW update")],
    tips=["nondeterministic_output"],
)
def xclaim(
    ctx: Client, key: bytes, group: bytes, consumer: bytes, min_idle_time: bytes, id: bytes, *words: bytes
) -> list[Any]:
    """XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]

    Gives pending entries to a consumer.
    """  # noqa: E501
    stream, found = stream_and_group(ctx, key, group)
    least_idle = milliseconds(min_idle_time, b"Invalid min-idle-time argument for XCLAIM")
    now = ctx.db.space.now
    options = ClaimOptions((id, *words), now)
    advances = options.last_id > found.last_id
    if advances:
        found.last_id = options.last_id
    claim = Claim(ctx, key, group, consumer, justid=options.justid)
    for id_ in options.ids:
        delivery = found.deliveries.get(id_)
        if stream.get(id_) is None:
            if delivery is not None:
                claim.drop(id_, delivery)
            continue
        if delivery is None:
            if not options.force:
                continue
            delivery = found.deliver(id_, claim.consumer, options.time)
        elif least_idle > 0 and now - delivery.time < least_idle:
            continue
        claim.take(id_, delivery, options.time, None if options.count < 0 else options.count)
    if advances and not claim.sent:
        claim.sent.append(setid_words(key, group, found))
    claim.finish()
    return claim.answer


@command(
    "XAUTOCLAIM",
    flags=WRITE | FAST,
    group="stream",
    since="6.2.0",
    complexity="O(1) for a small COUNT",
    keys=[Keys(1, "RW delete")],
    tips=["nondeterministic_output"],
)
def xautoclaim(
    ctx: Client, key: bytes, group: bytes, consumer: bytes, min_idle_time: bytes, start: bytes, *words: bytes
) -> list[Any]:
    """XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]

    Gives a consumer what others have had pending for a while.
    """
    least_idle = milliseconds(min_idle_time, b"Invalid min-idle-time argument for XAUTOCLAIM")
    first = interval_start(start)
    count, justid = 100, False
    options = Arguments(words)
    while options:
        if options.flag(b"COUNT", 1):
            count = integer_between(options.word(), 1, _LONG_MAX // _ID_SIZE, b"COUNT must be > 0")
        elif options.flag(b"JUSTID"):
            justid = True
        else:
            raise syntax_error()
    claim = Claim(ctx, key, group, consumer, justid=justid)
    attempts = count * _ATTEMPTS
    looked_at = list(islice(claim.group.pending.irange(first), attempts + 1))
    dropped: list[bytes] = []
    after = 0
    for at, id in enumerate(looked_at):
        if at == attempts or len(claim.sent) == count:
            after = id
            break
        delivery = claim.group.deliveries[id]
        if claim.stream.get(id) is None:
            claim.drop(id, delivery)
            dropped.append(format_id(id))
        elif least_idle <= 0 or claim.now - delivery.time >= least_idle:
            claim.take(id, delivery, claim.now)
    claim.finish()
    return [format_id(after), claim.answer, dropped]
