"""A replica that has part of this server's history gets what it lacks, if the backlog still has that."""

from typing import TYPE_CHECKING

from pyredis.engine.execution.propagation import Propagation
from pyredis.replication.replica import Replica, State
from pyredis.replication.replicas import Replicas

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

_PSYNC2 = b"psync2"


class PartialSyncs:
    """A component."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._log = engine.log
        self._replicas = engine[Replicas]
        self._propagation = engine[Propagation]

    def accept(self, replica: Replica, id: bytes, start: int) -> bool:
        """Let it go on from offset `start` of the stream `id`, if that is possible; else it needs a full sync."""
        if not self._is_possible(replica, id.decode("latin-1"), start):
            if id != b"?":
                self._engine.stats.partial_syncs_refused += 1
            return False
        self._engine.stats.partial_syncs += 1
        name = b" " + self._propagation.id.encode() if _PSYNC2 in replica.capabilities else b""
        replica.send(b"+CONTINUE" + name + b"\r\n")
        self._replicas.attach(replica, State.ONLINE)
        replica.sent = start
        backlog = self._replicas.backlog
        assert backlog is not None
        text = (
            "Partial resynchronization request from %s accepted. Sending %d bytes of backlog starting from offset %d."
        )
        self._log.info(text, replica.name, backlog.end - start, start)
        self._replicas.feed(replica)
        self._replicas.count_good()
        return True

    def _is_possible(self, replica: Replica, id: str, start: int) -> bool:
        propagation, name = self._propagation, replica.name
        if id != propagation.id and (id != propagation.second_id or start > propagation.second_offset):
            if id == "?":
                self._log.info("Full resync requested by replica %s", name)
            elif id == propagation.second_id:
                self._log.info(
                    "Partial resynchronization not accepted: Requested offset for second ID was %d, but I can reply up "
                    "to %d",
                    *(start, propagation.second_offset),
                )
            else:
                self._log.info(
                    "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '%s', my "
                    "replication IDs are '%s' and '%s')",
                    *(id, propagation.id, propagation.second_id),
                )
            return False
        self._replicas.flush()
        backlog = self._replicas.backlog
        if backlog is None or not backlog.covers(start):
            self._log.info(
                "Unable to partial resync with replica %s for lack of backlog (Replica request was: %d).", name, start
            )
            if backlog is not None and start > backlog.end:
                self._log.warning(
                    "Warning: replica %s tried to PSYNC with an offset that is greater than the master replication "
                    "offset.",
                    name,
                )
            return False
        return True
