"""Whose keys are whose: may a command run here, and where else if not?

Most commands have one key, of a slot that is this node's, while all is well: `stable` answers that by itself. All
others are judged in full, EXEC as all its commands together.
"""

from binascii import crc_hqx
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyredis.cluster.node import Node
from pyredis.cluster.redirection import (
    ask,
    cross_slot,
    down,
    down_for_writes,
    moved,
    try_again,
    unbound,
)
from pyredis.cluster.view import View
from pyredis.datatypes.key_slot import BRACE, LAST_SLOT, SLOTS, key_slot
from pyredis.engine.command_table.command import ASKING, WRITE, Handler
from pyredis.engine.execution.blocking import Blocking, Wait
from pyredis.errors import Redirection
from pyredis.protocol.replies import ErrorReply

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine
    from pyredis.protocol.parser import Argv

Words = tuple["Entry", "Argv"]

_SHARD_CHANNELS = frozenset(("ssubscribe", "sunsubscribe", "spublish"))


class Routing:
    """`stable`: by slot, whether it is this node's, closed to others, and served."""

    def __init__(self, engine: "Engine", view: View) -> None:
        self._engine = engine
        self._config = engine.config
        self._view = view
        self.stable = bytearray(SLOTS)
        self._was_ok = view.is_ok
        self._is_stale = False  # a blocked client may wait for what is no longer served here
        view.on_slot = self._update
        for slot in range(SLOTS):
            self._update(slot)

    def _update(self, slot: int) -> None:
        view = self._view
        is_open = slot in view.migrating or slot in view.importing
        self.stable[slot] = view.is_ok and view.owners[slot] is view.myself and not is_open
        self._is_stale = True

    def settle(self) -> None:
        """After the view may have changed."""
        if self._view.is_ok != self._was_ok:
            self._was_ok = self._view.is_ok
            for slot in range(SLOTS):
                self._update(slot)
        if self._is_stale:
            self._is_stale = False
            self._redirect_blocked()

    # The gate

    def route(self, client: "Client", entry: "Entry", argv: "Argv") -> None:
        """Raises the redirection that a command meets, if it may not run here."""
        at = entry.command.only_key
        if at:
            slot = key_slot(argv[at])
            if self.stable[slot] or self._is_asked_for(client, entry, slot):
                return
        self.judge(client, self._commands(client, entry, argv), self._engine.flags(client.transaction, entry, argv))

    def lead(self, entry: "Entry") -> Handler:
        """A row's effect behind the question: most commands have one key, and no more than one word behind it."""
        effect, stable, judge = entry.effect, self.stable, self.route

        def call(client: "Client", key: bytes, *words: bytes) -> Any:
            if not stable[key_slot(key) if BRACE in key else crc_hqx(key, 0) & LAST_SLOT]:
                judge(client, entry, client.argv)
            if len(words) == 1:  # spreading a tuple costs as much as the question
                return effect(client, key, words[0])
            return effect(client, key, *words)

        def call_alone(client: "Client", key: bytes) -> Any:
            if not stable[key_slot(key) if BRACE in key else crc_hqx(key, 0) & LAST_SLOT]:  # `key_slot`, written out
                judge(client, entry, client.argv)
            return effect(client, key)

        def call_any(client: "Client", *words: bytes) -> Any:
            judge(client, entry, client.argv)
            return effect(client, *words)

        if entry.command.only_key != 1:
            return call_any
        return call_alone if entry.maximum == 2 else call

    def _is_asked_for(self, client: "Client", entry: "Entry", slot: int) -> bool:
        """Whether a single key of a slot that is imported is asked for here, as by each RESTORE-ASKING of a move."""
        view = self._view
        if slot not in view.importing or not (client.asking or entry.command.flags & ASKING):
            return False
        return view.is_ok and view.owners[slot] not in (None, view.myself)

    def slot_of(self, client: "Client", entry: "Entry", argv: "Argv") -> int | None:
        """The slot of what a script of this client calls, if that has keys. Raises the redirection that it meets."""
        return self.judge(client, ((entry, argv),), entry.command.flags)

    def _commands(self, client: "Client", entry: "Entry", argv: "Argv") -> Sequence[Words]:
        if entry is self._engine.exec and client.transaction is not None:
            return client.transaction.queue
        return ((entry, argv),)

    def judge(self, client: "Client", commands: Sequence[Words], flags: int) -> int | None:
        """The slot of their keys, if they have any. Raises Redirection."""
        names = {entry.command.name for entry, _ in commands}
        keys = [key for entry, argv in commands for key in entry.command.places_in(argv)]
        if not keys:
            return None
        slot = key_slot(keys[0])
        owner = self._view.owners[slot]
        if owner is None:
            raise unbound()
        if any(key_slot(key) != slot for key in keys):
            raise cross_slot()
        is_sharded = not names.isdisjoint(_SHARD_CHANNELS)
        if not self._view.is_ok:
            self._demand_health(flags, is_sharded=is_sharded)
        if slot in self._view.migrating or slot in self._view.importing:
            if "migrate" in names:
                return slot
            if self._serves_open(client, slot, () if is_sharded else keys, flags):
                return slot
        if owner is not self._view.myself and not self._serves_master(client, owner, flags, is_sharded=is_sharded):
            raise moved(slot, self.endpoint(owner), owner.port)
        return slot

    def _demand_health(self, flags: int, *, is_sharded: bool) -> None:
        """The cluster is down: what may run nevertheless?"""
        if is_sharded:
            if not self._config["cluster-allow-pubsubshard-when-down"]:
                raise down()
        elif not self._config["cluster-allow-reads-when-down"]:
            raise down()
        elif flags & WRITE:
            raise down_for_writes()

    def _serves_open(self, client: "Client", slot: int, keys: Sequence[bytes], flags: int) -> bool:
        """Of a slot that is moved, what is here is served, and what is asked for by ASKING. Raises Redirection."""
        view, db = self._view, self._engine.keyspace.databases[0]
        missing = sum(db.peek(key) is None for key in keys)
        if view.owners[slot] is view.myself and slot in view.migrating:
            if not missing:
                return True
            if missing < len(keys):
                raise try_again()
            target = view.migrating[slot]
            raise ask(slot, self.endpoint(target), target.port)
        if slot in view.importing and (client.asking or flags & ASKING):
            if missing and len(set(keys)) > 1:
                raise try_again()
            return True
        return False

    def _serves_master(self, client: "Client", owner: Node, flags: int, *, is_sharded: bool) -> bool:
        """A replica serves reads of who wants that, and shard channels."""
        return self._view.myself.master is owner and (client.reads_replica or is_sharded) and not flags & WRITE

    def endpoint(self, node: Node) -> bytes:
        """By what name clients are to reach a node (`cluster-preferred-endpoint-type`)."""
        return endpoint(self._config["cluster-preferred-endpoint-type"], node).encode()

    # Who waits

    def _redirect_blocked(self) -> None:
        """Who waits for a key that is no longer served here is told where it is."""
        self._engine[Blocking].release_where(self._answer_to_blocked)

    def _answer_to_blocked(self, wait: Wait) -> ErrorReply | None:
        refusal = self._refusal_of_blocked(wait) if wait.blocked.keys else None
        return None if refusal is None else ErrorReply(refusal.line)

    def _refusal_of_blocked(self, wait: Wait) -> Redirection | None:
        view, slot = self._view, key_slot(wait.blocked.keys[0])
        owner = view.owners[slot]
        if not view.is_ok:
            return down()
        if owner is view.myself or slot in view.importing:
            return None
        if owner is None:
            return unbound()
        if self._serves_master(wait.client, owner, wait.entry.command.flags, is_sharded=False):
            return None
        return moved(slot, self.endpoint(owner), owner.port)


def endpoint(preferred: str, node: Node) -> str:
    """The address that is shown; empty for one that clients are to know by themselves."""
    if preferred == "hostname":
        return node.hostname or "?"
    return "" if preferred == "unknown-endpoint" else node.ip
