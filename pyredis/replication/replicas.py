"""The replicas of this server, and feeding them: all read one backlog, each from its own position.

What was written in one turn of the loop is sent in one piece. Who does not take it is not sent more until it has; what
it lacks stays in the backlog, whatever its size, until the output limit of replicas says that it lags too far. A
replica with replicas of its own passes on what it gets from its master in the same way.

Once a second those that are silent for too long are dropped, PING tells all that this master lives, and those that
wait for a snapshot get an empty line.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pyredis.clock import EverySecond
from pyredis.engine.execution import gates
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.good_replicas import GoodReplicas
from pyredis.engine.execution.pause import FAILING_OVER, Pause
from pyredis.engine.execution.propagation import REPLICAS, Propagation
from pyredis.engine.execution.roles import REPLICA
from pyredis.engine.roster import Clients
from pyredis.engine.sessions import Sessions
from pyredis.protocol.encoder import encode_command
from pyredis.replication.backlog import Backlog
from pyredis.replication.replica import Replica, State

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine

_SECOND = 1000
_PING = encode_command((b"PING",))
GETACK = encode_command((b"REPLCONF", b"GETACK", b"*"))


class Replicas:
    """A component. `attached` are those that asked to be synchronized, in that order."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._log = engine.log
        self._propagation = engine[Propagation]
        self._sessions = engine[Sessions]
        self._limits = self._sessions.limits
        self.backlog: Backlog | None = None
        self.attached: dict[Client, Replica] = {}
        self._introduced: dict[Client, Replica] = {}
        self._turn: list[bytes] = []  # what was written in this turn of the loop
        self._acks_asked = False  # in this turn
        self.followed = False  # set while this server has a master: then what it feeds is the master's
        self._every_second = EverySecond()
        self._seconds = 0  # since the start
        self._alone_since = engine.started_ms
        self.on_ack: list[Callable[[], None]] = []
        self.on_drop: list[Callable[[Replica], None]] = []
        engine[Clients].on_forget.append(self._forget)
        engine.cron_steps.append(self._cron)
        for name in ("min-replicas-to-write", "min-replicas-max-lag"):
            engine.config.on_change(name, lambda _: self.count_good())
        engine.config.on_change("repl-backlog-size", lambda _: self._trim())

    # Coming and going

    def introduced(self, client: "Client") -> Replica:
        """What is known of a client that says, or will say, that it is a replica."""
        if client not in self._introduced:
            self._introduced[client] = Replica(client)
        return self._introduced[client]

    def attach(self, replica: Replica, state: State) -> None:
        """It asked to be synchronized."""
        client = replica.client
        if self.backlog is None:
            if not self.followed:
                self._begin_history()
            self.start_backlog()
        replica.state = state
        replica.attached_at = replica.ack_time = self._engine.clock.now_ms()
        client.role = REPLICA
        client.gates |= gates.MONITORING
        client.sink.adopt_limits()
        client.sink.drained = partial(self.feed, replica)
        self.attached[client] = replica

    def _begin_history(self) -> None:
        propagation = self._propagation
        propagation.renew_id()
        propagation.forget_second_id()
        text = "Replication backlog created, my new replication IDs are '%s' and '%s'"
        self._log.info(text, propagation.id, propagation.second_id)

    def start_backlog(self) -> None:
        """Keep the stream from here on; what was kept is gone."""
        self.end_backlog()
        self.backlog = Backlog(self._propagation.offset)
        self._propagation.listen(self._take, REPLICAS)

    def end_backlog(self) -> None:
        """Keep nothing."""
        self.flush()
        self.backlog = None
        self._propagation.unlisten(self._take)

    def drop(self, replica: Replica) -> None:
        """Part with one."""
        replica.client.close(at_once=True)
        self._engine[Clients].disconnect(replica.client)

    def drop_all(self) -> None:
        """Let all ask again: it is another stream now, or called otherwise."""
        self.flush()
        for replica in list(self.attached.values()):
            self.drop(replica)

    def _forget(self, client: "Client") -> None:
        self._introduced.pop(client, None)
        replica = self.attached.pop(client, None)
        if replica is None:
            return
        client.sink.drained = None
        if replica.state is State.ONLINE:
            self._log.info("Connection with replica %s lost.", replica.name)
        replica.state = replica.payload = None
        self._alone_since = self._engine.clock.now_ms()
        self._trim()
        self.count_good()
        for hear in self.on_drop:
            hear(replica)

    # Feeding

    def _take(self, data: bytes) -> None:
        if not self._turn:
            self._sessions.write_last(self.flush)
        self._turn.append(data)

    def flush(self) -> None:
        """Send what was written since the last time."""
        self._acks_asked = False
        backlog = self.backlog
        if not self._turn or backlog is None:
            return
        data = b"".join(self._turn)
        self._turn.clear()
        start = backlog.end
        backlog.append(data, self._config["repl-backlog-size"])
        for replica in list(self.attached.values()):
            sink = replica.client.sink
            if replica.sent == start and replica.is_online and not sink.is_congested:
                replica.sent = backlog.end
                replica.send(data)
            else:
                self.feed(replica)
        self._trim()

    def feed(self, replica: Replica) -> None:
        """Send a replica what it lacks, as far as it takes it."""
        sink = replica.client.sink
        while not sink.is_congested and (data := self._next(replica)):
            replica.send(data)
        self._check_lag(replica)

    def _next(self, replica: Replica) -> bytes:
        """The next bytes that a replica lacks: of its snapshot, then of the stream."""
        if replica.payload is not None:
            data = next(replica.payload, b"")
            if data:
                return data
            replica.payload = None
        if self.backlog is None or not replica.is_online or replica.sent >= self.backlog.end:
            return b""
        data = self.backlog.read(replica.sent)
        replica.sent += len(data)
        return data

    def _check_lag(self, replica: Replica) -> None:
        """Drop who lags further behind than its output limit allows."""
        if self.backlog is None or not replica.sent or replica.client not in self.attached:
            return
        waiting = self.backlog.end - replica.sent + replica.client.sink.output_pending()
        if self._limits.exceeds(replica.client, waiting):
            replica.client.sink.overflow()
            self._engine[Clients].disconnect(replica.client)

    def _trim(self) -> None:
        if self.backlog is not None and len(self.backlog) > self._config["repl-backlog-size"]:
            needed = min((one.sent for one in self.attached.values() if one.sent), default=self.backlog.end)
            self.backlog.trim(self._config["repl-backlog-size"], needed)

    @property
    def buffered(self) -> int:
        """Bytes of the stream that are kept."""
        return self.backlog.allocated if self.backlog is not None else 0

    # What they acknowledge

    def acknowledge(self, client: "Client", offset: int, fsynced: int = 0) -> None:
        """REPLCONF ACK: so many bytes of the stream took effect there, and so many are on its disk."""
        replica = self.attached.get(client)
        if replica is None:
            return
        replica.acknowledged = max(offset, replica.acknowledged)
        replica.fsynced = max(fsynced, replica.fsynced)
        replica.ack_time = self._engine.clock.now_ms()
        if replica.awaits_ack and replica.state is State.ONLINE:
            replica.awaits_ack = False
            self.feed(replica)
        self.count_good()
        for hear in self.on_ack:
            hear()
        self._engine[Blocking].look_again()

    def ask_for_acks(self) -> None:
        """Have all say how far they are, now; once a turn is enough."""
        if self.attached and not self._acks_asked and not self.followed:
            self._propagation.pass_on(GETACK)
            self.flush()
            self._acks_asked = True

    def having(self, offset: int) -> int:
        """How many acknowledged the stream up to `offset`."""
        return sum(one.is_online and one.acknowledged >= offset for one in self.attached.values())

    def having_on_disk(self, offset: int) -> int:
        """How many have it on disk."""
        return sum(one.is_online and one.fsynced >= offset for one in self.attached.values())

    def count_good(self) -> None:
        """How many acknowledge in time, for `min-replicas-to-write`."""
        good, now = self._engine[GoodReplicas], self._engine.clock.now_ms()
        most = self._config["min-replicas-max-lag"] * _SECOND
        online = (one for one in self.attached.values() if one.state is State.ONLINE)
        good.count = sum(now - one.ack_time < most + _SECOND for one in online)  # whole seconds of lag
        good.update_gate()

    # Once a second

    def _cron(self) -> None:
        now = self._engine.keyspace.now
        if self.attached and self._config["min-replicas-to-write"]:
            self.count_good()  # once a second would let a master that was cut off acknowledge for a second more
        if not self._every_second.has_passed(now):
            return
        self._seconds += 1
        if self.attached:
            self._tell_that_all_is_well()
            self._drop_silent(now)
        elif self.backlog is not None and not self.followed:
            self._end_unused_history(now)
        self.count_good()

    def _tell_that_all_is_well(self) -> None:
        is_time = self._seconds % self._config["repl-ping-replica-period"] == 0
        if is_time and not self.followed and not self._engine[Pause].is_for(FAILING_OVER):
            self._propagation.pass_on(_PING)
        for replica in self.attached.values():
            if replica.waits:
                replica.send(b"\n")

    def _drop_silent(self, now: int) -> None:
        """Drop who does not acknowledge, and who keeps a snapshot from going on that is sent as it is made."""
        most = self._config["repl-timeout"] * _SECOND
        for replica in list(self.attached.values()):
            if now - replica.ack_time <= most:
                continue
            if replica.state is State.ONLINE and replica.speaks_psync:
                if now - replica.client.last_active <= most:
                    continue  # it lives, and loads
                self._log.warning("Disconnecting timedout replica (streaming sync): %s", replica.name)
            elif replica.streamed and replica.client.sink.is_congested:
                self._log.warning("Disconnecting timedout replica (full sync): %s", replica.name)
            else:
                continue
            self.drop(replica)

    def _end_unused_history(self, now: int) -> None:
        """Nobody has gone on from here for so long: who comes back later shall not believe it is the same history."""
        seconds = self._config["repl-backlog-ttl"]
        if seconds and now - self._alone_since > seconds * _SECOND:
            self._propagation.renew_id()
            self._propagation.forget_second_id()
            self.end_backlog()
            self._log.info("Replication backlog freed after %d seconds without connected replicas.", seconds)
