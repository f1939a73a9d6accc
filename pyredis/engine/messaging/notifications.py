"""Keyspace notifications: events published as `__keyspace@<db>__:<key>` and `__keyevent@<db>__:<event>`.

`notify-keyspace-events` chooses the classes of events and which of the two channels. The keyspace is observed only
while it chooses something.
"""

from typing import TYPE_CHECKING

from pyredis.engine.messaging.channels import PubSub
from pyredis.keyspace.events import Event

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.keyspace.database import Database

_ALL = "g$lshzxetd"
"""What the class `A` stands for: everything but key misses, new, overwritten and retyped keys."""


class Notifications:
    """Publishes what the keyspace tells."""

    def __init__(self, engine: "Engine") -> None:
        self._keyspace = engine.keyspace
        self._pubsub = engine[PubSub]
        engine.config.on_change("notify-keyspace-events", self._choose)
        self._choose(engine.config["notify-keyspace-events"])

    def _choose(self, classes: str) -> None:
        self._kinds = frozenset(classes.replace("A", _ALL)) - {"K", "E"}
        self._by_key, self._by_event = "K" in classes, "E" in classes
        if self._kinds and (self._by_key or self._by_event):
            self._keyspace.observe(self._happened)
        else:
            self._keyspace.unobserve(self._happened)

    def _happened(self, db: "Database", key: bytes, event: Event) -> None:
        if event.kind not in self._kinds:
            return
        if self._by_key:
            self._pubsub.publish(b"__keyspace@%d__:%b" % (db.index, key), event.name)
        if self._by_event:
            self._pubsub.publish(b"__keyevent@%d__:%b" % (db.index, event.name), key)
