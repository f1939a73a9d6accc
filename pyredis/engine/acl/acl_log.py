"""ACL LOG: what was refused, newest first, and how often; INFO counts it too. Follows Redis 8.2.

The same again within a minute is the same entry, counted once more. `acllog-max-len` bounds the log.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyredis.engine.acl.selector import CHANNEL, COMMAND, KEY, Refusal
from pyredis.engine.observability.client_info import client_line

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.command import Command
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields

TOPLEVEL, MULTI, LUA = b"toplevel", b"multi", b"lua"
"""Where a command was refused."""

_REASONS = {COMMAND: b"command", KEY: b"key", CHANNEL: b"channel"}
_AUTH = b"auth"
_GROUPED_MS = 60_000
_COMPARED = 10


class Denial:
    """An entry. Times are ms since 1970."""

    __slots__ = ("client", "context", "count", "created", "id", "object", "reason", "updated", "user")

    def __init__(self, reason: bytes, context: bytes, object: bytes, user: bytes) -> None:
        self.reason = reason
        self.context = context
        self.object = object
        self.user = user
        self.count = 0
        self.id = self.created = self.updated = 0
        self.client = b""

    @property
    def kind(self) -> tuple[bytes, ...]:
        """What has to be equal for two to be the same."""
        return self.reason, self.context, self.object, self.user


class AclLog:
    """The log, and how often each reason was given since the start."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._next_id = 0
        self.entries: list[Denial] = []
        self.denied = dict.fromkeys((*_REASONS.values(), _AUTH), 0)
        engine.info.add("Stats", self._fields)

    def _fields(self) -> "Fields":
        short = {b"command": "cmd"}
        return {f"acl_access_denied_{short.get(why, why.decode())}": count for why, count in self.denied.items()}

    def refused(
        self, client: "Client", command: "Command", argv: Sequence[bytes], refusal: Refusal, context: bytes
    ) -> None:
        """A client's command was refused."""
        found = command.name.encode() if refusal.reason == COMMAND else argv[refusal.position]
        self._note(client, Denial(_REASONS[refusal.reason], context, found, client.user.name))

    def not_admitted(self, client: "Client", user: bytes) -> None:
        """A client could not authenticate as `user`."""
        self._note(client, Denial(_AUTH, context_of(client), client.argv[0], user))

    def _note(self, client: "Client", denial: Denial) -> None:
        self.denied[denial.reason] += 1
        most, now = self._engine.config["acllog-max-len"], self._engine.keyspace.now
        if not most:
            self.entries.clear()
            return
        entry = self._recent(denial, now) or self._added(denial, now, most)
        entry.count += 1
        entry.updated = now
        # A script's commands are its caller's.
        entry.client = client_line(self._engine.running or client, running=True).rstrip(b"\n")

    def _recent(self, denial: Denial, now: int) -> Denial | None:
        """The entry for the same among the newest, now at the head."""
        for at, entry in enumerate(self.entries[:_COMPARED]):
            if entry.kind == denial.kind and abs(now - entry.updated) <= _GROUPED_MS:
                self.entries.insert(0, self.entries.pop(at))
                return entry
        return None

    def _added(self, denial: Denial, now: int, most: int) -> Denial:
        """A new entry; the log is cut only now."""
        denial.id = self._next_id
        self._next_id += 1
        denial.created = now
        self.entries.insert(0, denial)
        del self.entries[most:]
        return denial


def context_of(client: "Client") -> bytes:
    """Where a client's own command is refused."""
    return TOPLEVEL if client.transaction is None else MULTI
