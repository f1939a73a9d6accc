"""Before a master ends its replicas get what they lack: it takes no more writes and waits until all have acknowledged.

Not longer than `shutdown-timeout`; SHUTDOWN NOW does not wait, and SHUTDOWN ABORT takes the end back.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.pause import ENDING, FOREVER, Pause
from pyredis.engine.execution.propagation import Propagation
from pyredis.protocol.replies import ErrorReply
from pyredis.replication.replica import Replica, State
from pyredis.replication.replicas import Replicas

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields

_SECOND = 1000
CANNOT = b"Errors trying to SHUTDOWN. Check logs."


class Farewell:
    """A component. `waits`: the server is about to end."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._log = engine.log
        self._replicas = engine[Replicas]
        self._until = 0
        self._end: Callable[[], bool] | None = None
        self._scheduled: Callable[[], object] | None = None
        engine[Replicas].on_ack.append(self._check)
        engine.cron_steps.append(self._cron)
        engine.info.add("Server", self._fields)

    @property
    def waits(self) -> bool:
        """Whether replicas are waited for."""
        return self._end is not None

    @property
    def is_near(self) -> bool:
        """Whether the server is to end, now or soon."""
        return self.waits or self._scheduled is not None

    def schedule(self, shut_down: Callable[[], object]) -> None:
        """Begin with it when cron comes to it, unless that is taken back before."""
        self._scheduled = shut_down

    def begin(self, end: Callable[[], bool]) -> bool:
        """Call `end` when it is time, if that is not now: whether it will. It answers whether the server ends."""
        seconds = self._engine.config["shutdown-timeout"]
        if not seconds or not self._lagging:
            return False
        self._log.info("Waiting for replicas before shutting down.")
        self._until = self._engine.clock.now_ms() + seconds * _SECOND
        self._engine[Pause].begin(FOREVER, False, ENDING)
        self._end = end
        self._replicas.ask_for_acks()
        return True

    def verdict(self) -> ErrorReply | None:
        """For clients that wait for the end: an error when it does not come."""
        return None if self.waits else ErrorReply(b"ERR " + CANNOT)

    def abort(self) -> None:
        """The server does not end after all."""
        self._log.info("Shutdown manually aborted.")
        self._give_up()

    def _give_up(self) -> None:
        self._end = self._scheduled = None
        self._engine[Pause].end(ENDING)
        self._engine[Blocking].look_again()

    def _cron(self) -> None:
        if self._scheduled is not None and not self.waits:
            self._scheduled()  # till then it is near
        self._scheduled = None
        self._check()

    def _check(self) -> None:
        end = self._end
        if end is None or (self._lagging and self._engine.clock.now_ms() < self._until):
            return
        self.tell()
        if not end():
            self._give_up()

    @property
    def _lagging(self) -> list[Replica]:
        offset = self._engine[Propagation].offset
        return [one for one in self._replicas.attached.values() if not one.rdb_only and one.acknowledged < offset]

    def tell(self) -> None:
        """Say how it stands with the replicas."""
        count, offset, now = len(self._replicas.attached), self._engine[Propagation].offset, self._engine.clock.now_ms()
        lagging = self._lagging
        for replica in lagging:
            lag = (now - replica.ack_time) // _SECOND if replica.state is State.ONLINE else 0
            self._log.info(
                "Lagging replica %s reported offset %d behind master, lag=%d, state=%s.",
                *(replica.name, offset - replica.acknowledged, lag, replica.state and replica.state.shown),
            )
        if count:
            text = "%d of %d replicas are in sync when shutting down."
            self._log.info(text, count - len(lagging), count)

    def _fields(self) -> "Fields":
        if not self.waits:
            return {}
        return {"shutdown_in_milliseconds": max(self._until - self._engine.clock.now_ms(), 0)}
