"""FAILOVER: a master hands its part to a replica, and becomes its replica.

    no-failover ── FAILOVER ─→ waiting-for-sync ── a replica has everything ─→ failover-in-progress ── it says yes ─→ ╮
         ↑                          │ time is up, ABORT                              │ it says no, ABORT               │
         ╰──────────────────────────┴────────────────────────────────────────────────┴─────────────────────────────────╯

While it lasts writes are held back, so the stream stands still; they go on at the new master, or here when it fails.
With FORCE the time that is up is no reason to give up: then what the replica lacks is lost.
"""

from typing import TYPE_CHECKING

from pyredis.engine.execution.pause import FAILING_OVER, FOREVER, Pause
from pyredis.engine.execution.propagation import Propagation
from pyredis.errors import CommandError
from pyredis.replication.following import Following
from pyredis.replication.replica import Replica, State
from pyredis.replication.replicas import Replicas

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

NONE, WAITING, IN_PROGRESS = "no-failover", "waiting-for-sync", "failover-in-progress"

Address = tuple[str, int]


class Failover:
    """A component; `state` as INFO shows it."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._log = engine.log
        self._replicas = engine[Replicas]
        self._following = engine[Following]
        self.state = NONE
        self._target: Address | None = None
        self._ends: int | None = None
        self._force = False
        engine[Replicas].on_ack.append(self._check)
        engine.cron_steps.append(self._check)

    # Commands

    def begin(self, target: Address | None, *, force: bool, timeout: int | None) -> None:
        """Hand over to `target`, or to who is the first to have everything; `timeout` in ms. Raises CommandError."""
        if self.state != NONE:
            raise CommandError(b"FAILOVER already in progress.")
        if self._following.master is not None:
            raise CommandError(b"FAILOVER is not valid when server is a replica.")
        if not self._replicas.attached:
            raise CommandError(b"FAILOVER requires connected replicas.")
        if force and (timeout is None or target is None):
            raise CommandError(b"FAILOVER with force option requires both a timeout and target HOST and IP.")
        if target is not None:
            self._demand_online(target)
        self._log.info("FAILOVER requested%s.", f" to {target[0]}:{target[1]}" if target else "")
        self._target, self._force = target, force
        self._ends = None if timeout is None else self._engine.keyspace.now + timeout
        self.state = WAITING
        self._engine[Pause].begin(FOREVER, False, FAILING_OVER)
        self._engine.host.soon(self._check)

    def _demand_online(self, target: Address) -> None:
        replica = self._find(target)
        if replica is None:
            raise CommandError(b"FAILOVER target HOST and PORT is not a replica.")
        if replica.state is not State.ONLINE:
            raise CommandError(b"FAILOVER target replica is not online.")

    def abort(self, why: str) -> None:
        """Go on as before."""
        to = f" to {self._target[0]}:{self._target[1]}" if self._target else ""
        self._log.info("Aborting failover%s while %s: %s", to, self.state, why)
        was_in_progress = self.state == IN_PROGRESS
        self.state = NONE
        if was_in_progress:
            self._following.promote()
        self._engine[Pause].end(FAILING_OVER)

    # What happens meanwhile

    def _check(self) -> None:
        if self.state != WAITING:
            return
        if self._ends is not None and self._engine.keyspace.now >= self._ends:
            if not self._force:
                self.abort("Replica never caught up before timeout")
                return
            assert self._target is not None
            self._log.info("FAILOVER to %s:%d time out exceeded, failing over.", *self._target)
            self._hand_over(self._target)
            return
        offset = self._engine[Propagation].offset
        for replica in self._replicas.attached.values():
            if self._target in (None, replica.address) and replica.is_online and replica.acknowledged == offset:
                self._log.info("Failover target %s:%d is synced, failing over.", *replica.address)
                self._hand_over(replica.address)
                return

    def _hand_over(self, target: Address) -> None:
        self._target = target
        self.state = IN_PROGRESS
        self._following.follow(target, handed_over=self._answered)

    def _answered(self, accepted: bool) -> None:
        """The replica was asked to be master."""
        if self.state != IN_PROGRESS:
            return
        if not accepted:
            self.abort("Failover target rejected psync request")
            return
        self.state = NONE
        self._engine[Pause].end(FAILING_OVER)

    # Inside

    def _find(self, address: Address) -> Replica | None:
        return next((one for one in self._replicas.attached.values() if one.address == address), None)
