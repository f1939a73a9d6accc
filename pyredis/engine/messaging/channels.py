"""Publish and subscribe: who listens to which channel, pattern or shard channel, and the delivery of messages.

A message is encoded once for each protocol version, whoever it goes to. While a client is subscribed its gate
SUBSCRIBED stands: in RESP2 it may then do little else (`admission`).
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from pyredis.datatypes.key_slot import key_slot
from pyredis.engine.execution import gates
from pyredis.engine.roster import Clients
from pyredis.patterns import Predicate, compile_pattern
from pyredis.protocol.encoder import VERSIONS
from pyredis.protocol.replies import Push
from pyredis.protocol.reply_size import NOTABLE_BYTES

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields


_NAME_BYTES = 450
"""About what a channel or pattern takes, with a dict of its subscribers."""


class Subscriptions:
    """Names and their subscribers, and the other way round; both in the order of subscription."""

    def __init__(self) -> None:
        self.subscribers: dict[bytes, dict[Client, None]] = {}
        self._names: dict[Client, dict[bytes, None]] = {}

    def add(self, client: "Client", name: bytes) -> None:
        """Subscribe, if it is not yet."""
        self.subscribers.setdefault(name, {})[client] = None
        self._names.setdefault(client, {})[name] = None

    def remove(self, client: "Client", name: bytes) -> None:
        """Unsubscribe, if it is subscribed."""
        names = self._names.get(client, {})
        if name not in names:
            return
        del names[name], self.subscribers[name][client]
        if not names:
            del self._names[client]
        if not self.subscribers[name]:
            del self.subscribers[name]

    def names(self, client: "Client") -> list[bytes]:
        """What a client is subscribed to."""
        return list(self._names.get(client, ()))

    def count(self, client: "Client") -> int:
        """How many names a client is subscribed to."""
        return len(self._names.get(client, ()))

    def clients(self) -> set["Client"]:
        """Everybody who is subscribed to something."""
        return set(self._names)


class PubSub:
    """All subscriptions of a server."""

    def __init__(self, engine: "Engine") -> None:
        self.channels = Subscriptions()
        self.patterns = Subscriptions()
        self.shards = Subscriptions()
        self.spread: Callable[[bytes, bytes, bool], None] | None = None  # to a cluster's other nodes
        self._matchers: dict[bytes, Predicate] = {}
        engine[Clients].on_forget.append(self.leave)
        engine.info.add("Clients", lambda: {"pubsub_clients": len(self.clients())})
        engine.info.add("Stats", self._fields)

    def _fields(self) -> "Fields":
        return {
            "pubsub_channels": len(self.channels.subscribers),
            "pubsub_patterns": len(self.patterns.subscribers),
            "pubsubshard_channels": len(self.shards.subscribers),
        }

    @property
    def size(self) -> int:
        """About the bytes of all subscriptions."""
        return _NAME_BYTES * sum(len(each.subscribers) for each in (self.channels, self.patterns, self.shards))

    def publish(self, channel: bytes, message: bytes) -> int:
        """Deliver to the channel's subscribers, then to matching patterns'; how many messages that were."""
        receivers = self.channels.subscribers.get(channel, {})
        sent = _deliver(receivers, Push((b"message", channel, message)))
        for pattern, clients in self.patterns.subscribers.items():
            if self._matches(pattern, channel):
                sent += _deliver(clients, Push((b"pmessage", pattern, channel, message)))
        return sent

    def publish_to_shard(self, channel: bytes, message: bytes) -> int:
        """Deliver to a shard channel's subscribers; how many."""
        receivers = self.shards.subscribers.get(channel, {})
        return _deliver(receivers, Push((b"smessage", channel, message)))

    def leave_slot(self, slot: int) -> None:
        """Nobody listens to shard channels of this slot any more; who did is told."""
        for channel in [channel for channel in self.shards.subscribers if key_slot(channel) == slot]:
            for client in list(self.shards.subscribers[channel]):
                self.shards.remove(client, channel)
                client.push(Push((b"sunsubscribe", channel, self.shards.count(client))))
                self.update_gate(client)

    def count(self, client: "Client") -> int:
        """Channels and patterns a client is subscribed to."""
        return self.channels.count(client) + self.patterns.count(client)

    def clients(self) -> set["Client"]:
        """Everybody who is subscribed."""
        return self.channels.clients() | self.patterns.clients() | self.shards.clients()

    def update_gate(self, client: "Client") -> None:
        """After a client's subscriptions changed: its gate says whether it has any."""
        before = client.gates
        if self.count(client) or self.shards.count(client):
            client.gates |= gates.SUBSCRIBED
        else:
            client.gates &= ~gates.SUBSCRIBED
        if client.gates != before:
            client.sink.adopt_limits()  # those of another class

    def leave(self, client: "Client") -> None:
        """Drop every subscription of a client."""
        for subscriptions in (self.channels, self.patterns, self.shards):
            for name in subscriptions.names(client):
                subscriptions.remove(client, name)
        self.update_gate(client)

    def _matches(self, pattern: bytes, channel: bytes) -> bool:
        """Whether a pattern covers a channel; compiled patterns are kept while there are few."""
        matcher = self._matchers.get(pattern)
        if matcher is None:
            if len(self._matchers) >= 2 * len(self.patterns.subscribers):
                self._matchers.clear()
            matcher = self._matchers[pattern] = compile_pattern(pattern)
        return bool(matcher(channel))


def _deliver(clients: Collection["Client"], message: Push) -> int:
    """Send one message to many, encoded once a protocol version; how many they were."""
    forms: dict[int, bytes] = {}
    for client in clients:
        form = forms.get(client.resp)
        if form is None:
            form = forms[client.resp] = VERSIONS[client.resp][Push](message)
        out = client.out
        out.append(form)  # `send`, written out
        client.queued = queued = client.queued + len(form)
        if queued > NOTABLE_BYTES and client.output_max:
            client.sink.check_output(queued)
        if len(out) == 1:  # else what waits there is on its way already, and this with it
            client.flush_soon()
    return len(clients)
