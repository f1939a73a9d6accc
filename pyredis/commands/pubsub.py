"""Channels: SUBSCRIBE and its kin, PUBLISH, and PUBSUB, which tells who listens.

A command that names several channels answers once for each.
"""

from collections.abc import Sequence

from pyredis.engine.client import Client
from pyredis.engine.command_table.command import (
    ALLOW_SUBSCRIBED,
    FAST,
    LOADING,
    MAY_REPLICATE,
    NOSCRIPT,
    PUBSUB,
    STALE,
    Keys,
    command,
    container,
)
from pyredis.engine.command_table.help import help_reply, subcommand_error
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.messaging.channels import PubSub, Subscriptions
from pyredis.errors import CommandError
from pyredis.patterns import compile_pattern
from pyredis.protocol.replies import Push, Several, Status

_SUBSCRIBING = PUBSUB | NOSCRIPT | LOADING | STALE | ALLOW_SUBSCRIBED
_ASKING = PUBSUB | LOADING | STALE
_SHARD_CHANNELS = [Keys(1, "not_key", last=-1)]

container("PUBSUB", summary="A container for Pub/Sub commands.", group="pubsub", since="2.8.0")


def _subscribe(ctx: Client, kind: bytes, subscriptions: Subscriptions, names: Sequence[bytes]) -> Several:
    """Subscribe to each name; one reply for each."""
    replies = []
    for name in names:
        subscriptions.add(ctx, name)
        replies.append(_confirmation(ctx, kind, subscriptions, name))
    ctx.engine[PubSub].update_gate(ctx)
    return Several(replies)


def _unsubscribe(ctx: Client, kind: bytes, subscriptions: Subscriptions, names: Sequence[bytes]) -> Several:
    """Unsubscribe from each name, from all if none is given; one reply for each, and one for nothing."""
    replies = []
    for name in names or subscriptions.names(ctx):
        subscriptions.remove(ctx, name)
        replies.append(_confirmation(ctx, kind, subscriptions, name))
    ctx.engine[PubSub].update_gate(ctx)
    return Several(replies or [_confirmation(ctx, kind, subscriptions, None)])


def _confirmation(ctx: Client, kind: bytes, subscriptions: Subscriptions, name: bytes | None) -> Push:
    """What is answered for a name: how many subscriptions are left, shard channels counted on their own."""
    pubsub = ctx.engine[PubSub]
    count = pubsub.shards.count(ctx) if subscriptions is pubsub.shards else pubsub.count(ctx)
    return Push((kind, name, count))


@command("SUBSCRIBE", flags=_SUBSCRIBING, group="pubsub", since="2.0.0", complexity="O(N) in the number of channels")
def subscribe(ctx: Client, channel: bytes, *channels: bytes) -> Several:
    """SUBSCRIBE channel [channel ...]

    Listens to channels.
    """
    return _subscribe(ctx, b"subscribe", ctx.engine[PubSub].channels, (channel, *channels))


@command("PSUBSCRIBE", flags=_SUBSCRIBING, group="pubsub", since="2.0.0", complexity="O(N) in the number of patterns")
def psubscribe(ctx: Client, pattern: bytes, *patterns: bytes) -> Several:
    """PSUBSCRIBE pattern [pattern ...]

    Listens to every channel that matches a pattern.
    """
    return _subscribe(ctx, b"psubscribe", ctx.engine[PubSub].patterns, (pattern, *patterns))


@command(
    "SSUBSCRIBE",
    flags=_SUBSCRIBING,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) in the number of shard channels",
    keys=_SHARD_CHANNELS,
)
def ssubscribe(ctx: Client, shardchannel: bytes, *shardchannels: bytes) -> Several:
    """SSUBSCRIBE shardchannel [shardchannel ...]

    Listens to shard channels. Not within a transaction, as the others may.
    """
    if not ctx.may_wait:
        raise CommandError(b"SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
    return _subscribe(ctx, b"ssubscribe", ctx.engine[PubSub].shards, (shardchannel, *shardchannels))


@command("UNSUBSCRIBE", flags=_SUBSCRIBING, group="pubsub", since="2.0.0", complexity="O(N) in the number of channels")
def unsubscribe(ctx: Client, *channels: bytes) -> Several:
    """UNSUBSCRIBE [channel [channel ...]]

    Stops listening to these channels, or to all.
    """
    return _unsubscribe(ctx, b"unsubscribe", ctx.engine[PubSub].channels, channels)


@command("PUNSUBSCRIBE", flags=_SUBSCRIBING, group="pubsub", since="2.0.0", complexity="O(N) in the number of patterns")
def punsubscribe(ctx: Client, *patterns: bytes) -> Several:
    """PUNSUBSCRIBE [pattern [pattern ...]]

    Stops listening to these patterns, or to all.
    """
    return _unsubscribe(ctx, b"punsubscribe", ctx.engine[PubSub].patterns, patterns)


@command(
    "SUNSUBSCRIBE",
    flags=_SUBSCRIBING,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) in the number of shard channels",
    keys=_SHARD_CHANNELS,
)
def sunsubscribe(ctx: Client, *shardchannels: bytes) -> Several:
    """SUNSUBSCRIBE [shardchannel [shardchannel ...]]

    Stops listening to these shard channels, or to all.
    """
    return _unsubscribe(ctx, b"sunsubscribe", ctx.engine[PubSub].shards, shardchannels)


@command(
    "PUBLISH",
    flags=_ASKING | FAST | MAY_REPLICATE,
    group="pubsub",
    since="2.0.0",
    complexity="O(N+M) in the channel's subscribers and everybody's patterns",
)
def publish(ctx: Client, channel: bytes, message: bytes) -> int:
    """PUBLISH channel message

    Sends a message to everybody who listens; answers how many got it.
    """
    _spread(ctx, channel, message, sharded=False)
    return ctx.engine[PubSub].publish(channel, message)


@command(
    "SPUBLISH",
    flags=_ASKING | FAST | MAY_REPLICATE,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) in the shard channel's subscribers",
    keys=[Keys(1, "not_key")],
)
def spublish(ctx: Client, shardchannel: bytes, message: bytes) -> int:
    """SPUBLISH shardchannel message

    Sends a message to everybody who listens to a shard channel; answers how many got it.
    """
    _spread(ctx, shardchannel, message, sharded=True)
    return ctx.engine[PubSub].publish_to_shard(shardchannel, message)


def _spread(ctx: Client, channel: bytes, message: bytes, *, sharded: bool) -> None:
    """A message goes to a cluster's nodes, or to the replicas of a server that is in none."""
    spread = ctx.engine[PubSub].spread
    if spread is not None:
        spread(channel, message, sharded)
    else:
        ctx.engine[Propagation].send_to_replicas(ctx.db.index, ctx.argv)


@command("PUBSUB CHANNELS", flags=_ASKING, group="pubsub", since="2.8.0", complexity="O(N) in the number of channels")
def pubsub_channels(ctx: Client, *words: bytes) -> list[bytes]:
    """PUBSUB CHANNELS [pattern]

    Answers the channels that somebody listens to.
    """
    return _listened(ctx, ctx.engine[PubSub].channels, words)


@command(
    "PUBSUB SHARDCHANNELS",
    flags=_ASKING,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) in the number of shard channels",
)
def pubsub_shardchannels(ctx: Client, *words: bytes) -> list[bytes]:
    """PUBSUB SHARDCHANNELS [pattern]

    Answers the shard channels that somebody listens to.
    """
    return _listened(ctx, ctx.engine[PubSub].shards, words)


def _listened(ctx: Client, subscriptions: Subscriptions, words: Sequence[bytes]) -> list[bytes]:
    """The names with subscribers, of those that match the pattern if one is given."""
    if len(words) > 1:
        raise subcommand_error(ctx.argv)
    names = subscriptions.subscribers
    return list(filter(compile_pattern(words[0]), names) if words else names)


@command("PUBSUB NUMSUB", flags=_ASKING, group="pubsub", since="2.8.0", complexity="O(N) in the channels asked for")
def pubsub_numsub(ctx: Client, *channels: bytes) -> list[bytes | int]:
    """PUBSUB NUMSUB [channel [channel ...]]

    Answers how many clients listen to each channel, patterns aside.
    """
    return _numbers(ctx.engine[PubSub].channels, channels)


@command(
    "PUBSUB SHARDNUMSUB",
    flags=_ASKING,
    group="pubsub",
    since="7.0.0",
    complexity="O(N) in the shard channels asked for",
)
def pubsub_shardnumsub(ctx: Client, *shardchannels: bytes) -> list[bytes | int]:
    """PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]

    Answers how many clients listen to each shard channel.
    """
    return _numbers(ctx.engine[PubSub].shards, shardchannels)


def _numbers(subscriptions: Subscriptions, names: Sequence[bytes]) -> list[bytes | int]:
    """Each name and how many listen to it, in a row."""
    return [part for name in names for part in (name, len(subscriptions.subscribers.get(name, ())))]


@command("PUBSUB NUMPAT", flags=_ASKING, group="pubsub", since="2.8.0", complexity="O(1)")
def pubsub_numpat(ctx: Client) -> int:
    """PUBSUB NUMPAT

    Answers how many patterns somebody listens to.
    """
    return len(ctx.engine[PubSub].patterns.subscribers)


@command("PUBSUB HELP", flags=LOADING | STALE, group="pubsub", since="6.2.0", complexity="O(1)", categories="-pubsub")
def pubsub_help(ctx: Client) -> list[Status]:
    """PUBSUB HELP

    Lists the subcommands.
    """
    return help_reply("PUBSUB", _HELP)


_HELP = """
CHANNELS [<pattern>]
    The channels somebody listens to, all or those that match.
NUMPAT
    How many patterns somebody listens to.
NUMSUB [<channel> ...]
    How many listen to each of these channels, patterns aside.
SHARDCHANNELS [<pattern>]
    The shard channels somebody listens to, all or those that match.
SHARDNUMSUB [<shardchannel> ...]
    How many listen to each of these shard channels.
"""
