"""Whom this server follows: a master, or nobody, and then it is one itself.

What it has is told by the id of a stream and an offset in it (`Propagation`). As long as the dataset is that, it asks
any master to go on from there: after a lost connection, when it is made a replica of another, when it was a master
before, and after a restart, for a snapshot keeps both. So nothing is "cached": only a dataset that was dropped and not
replaced has no such place (`_resumes`).

A server that is promoted goes on with the same history under a new id, up to here by the old one, so the other replicas
of its master can go on with it. A connection that is lost is made again at once, then once a second.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pyredis.clock import EverySecond
from pyredis.datatypes.numeric import parse_int
from pyredis.engine.execution import gates
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.engine.execution.good_replicas import GoodReplicas
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.sessions import Sessions
from pyredis.persistence.dataset import Aux, Dataset, Dropped
from pyredis.persistence.dataset_loading import Loading
from pyredis.persistence.rewriting import Rewriting
from pyredis.protocol.replies import ErrorReply
from pyredis.replication.handshake import Continue, FullSync, History, Introduction, NotNow, Outcome, is_id
from pyredis.replication.link_times import LinkTimes
from pyredis.replication.master_link import MasterLink, Phase
from pyredis.replication.own_keys import OwnKeys
from pyredis.replication.replicas import Replicas
from pyredis.replication.transfer import Transfer, new_transfer

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

_CHANGED = b"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"


class Following:
    """A component. `master`: host and port, or None. `link`: the connection there, or None while there is none.

    `times` tells since when that works, or does not.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._log = engine.log
        self._propagation = engine[Propagation]
        self._replicas = engine[Replicas]
        self._rewriting = engine[Rewriting]
        self.master: tuple[str, int] | None = None
        self.link: MasterLink | None = None
        self.times = LinkTimes(engine.clock)
        self._handed_over: Callable[[bool], None] | None = None  # while it offers the master's part to its new master
        self._resumes = False
        self.on_role: list[Callable[[], object]] = []  # hear that this server is a master or a replica now
        self._database = 0  # of the stream, where it goes on
        self._awaited: FullSync | None = None  # what the dataset that comes is
        self._every_second = EverySecond()
        engine[Dataset].place, engine[Dataset].take_place = self._place, self._take_place
        engine.cron_steps.append(self._cron)
        engine.on_stop.append(self._part)
        for name in ("replica-read-only", "replica-serve-stale-data"):
            engine.config.on_change(name, lambda _: self.update_gates())
        if engine.config["replicaof"]:
            self._set_master(engine.config["replicaof"])

    @property
    def phase(self) -> Phase:
        """How far the connection to the master is."""
        if self.master is None:
            return Phase.NONE
        return self.link.phase if self.link is not None else Phase.CONNECT

    @property
    def is_whole(self) -> bool:
        """Whether the dataset is that of the stream's id and offset."""
        return self.master is None or self._resumes

    @property
    def offset(self) -> int:
        """How much of the stream this server has; 0 for a replica without a dataset, or whose dataset is to come."""
        return self._propagation.offset if self.is_whole and self._awaited is None else 0

    # REPLICAOF

    def follow(self, master: tuple[str, int], *, handed_over: Callable[[bool], None] | None = None) -> None:
        """Become a replica of this master, or of another one than before.

        With `handed_over` that is none yet: it is asked to become one, and `handed_over` hears whether it does.
        """
        if self.master is None:
            self._resumes = True  # what is here is this server's own history
            self._log.info(
                "Before turning into a replica, using my own master parameters to synthesize a cached master: I may be "
                "able to synchronize with the new master with just a partial transfer."
            )
            self._database = self._propagation.database
        self._part()
        self._release_blocked()
        self._handed_over = handed_over
        self.times.another_master()
        self._set_master(master)
        self.connect()

    def begin_as_replica(self, master: tuple[str, int]) -> None:
        """Be a replica from the start on, before anything is loaded."""
        self._set_master(master)

    def promote(self) -> None:
        """Become a master."""
        if self.master is None:
            return
        self._part()
        self.times.start_over()
        self._handed_over = None
        self._log.info("Discarding previously cached master state.")
        if self._resumes:
            self._propagation.go_on_as(self._propagation.new_id())
            self._log.info(
                "Setting secondary replication ID to %s, valid up to offset: %d. New replication ID is %s",
                *(self._propagation.second_id, self._propagation.second_offset, self._propagation.id),
            )
        else:  # what is here is nobody's history
            self._propagation.renew_id()
            self._propagation.forget_second_id()
        self._replicas.drop_all()
        self._set_master(None)

    def _set_master(self, master: tuple[str, int] | None) -> None:
        """All that follows from whether this server is a replica."""
        self.master = master
        self._config.replace("replicaof", master)
        is_replica = master is not None
        self._replicas.followed = is_replica
        self._propagation.follow(is_replica)
        self._engine[ExpiryView].update(replica=is_replica)
        self.update_gates()
        for hear in self.on_role:
            hear()

    def _part(self) -> None:
        """Let go of the present master; where its stream is, is kept."""
        link, self.link = self.link, None
        if link is not None:
            self._keep_database(link)
            if link.phase is Phase.CONNECTED:
                self.times.down()
            link.close()
            self._give_up_transfer(link)

    def _give_up_transfer(self, link: MasterLink) -> None:
        """The dataset that was to come does not: go on with what there is, if it is whole."""
        if self._awaited is not None:
            self._awaited = None
            if link.dropped_data:
                self._resumes = False
                self._replicas.drop_all()
            self._rewriting.resume()

    def _release_blocked(self) -> None:
        """Who waits for keys that only a master's clients can take waits in vain."""
        self._engine[Blocking].release_all(ErrorReply(_CHANGED))

    def update_gates(self) -> None:
        """What clients may do follows from whether there is a master, and a connection to it."""
        engine, is_replica = self._engine, self.master is not None
        engine.refuse_writes(is_replica and self._config["replica-read-only"])
        engine.gates &= ~gates.MASTER_GONE
        if is_replica and self.phase is not Phase.CONNECTED and not self._config["replica-serve-stale-data"]:
            engine.gates |= gates.MASTER_GONE
        engine[GoodReplicas].applies = not is_replica
        engine[GoodReplicas].update_gate()
        engine[OwnKeys].update(replica=is_replica, writable=not self._config["replica-read-only"])

    # The connection

    def connect(self, *, reconnecting: bool = False) -> None:
        """Begin to connect, unless the dataset is being loaded, or the server ends."""
        if self.master is None or self.link is not None:
            return
        if self._engine[Loading].active or self._engine[Sessions].closed:
            return
        self.times.tried()
        if not reconnecting:
            self._log.info("Connecting to MASTER %s:%d", *self.master)
        try:
            self.link = MasterLink(self._engine, self, self.master)
        except OSError as error:
            self._log.warning("Unable to connect to MASTER: %s", error.strerror or error)
            return
        self._log.info("MASTER <-> REPLICA sync started")

    def _cron(self) -> None:
        now = self._engine.keyspace.now
        if self.master is None or not self._every_second.has_passed(now):
            return
        if self.link is None:
            self.connect()
        else:
            self.link.tell()
            self.link.check_time(now)

    # For the connection: its Owner

    def introduction(self) -> Introduction:
        """What this server says of itself."""
        config = self._config
        port = config["replica-announce-port"] or config["port"]
        ip = (config["replica-announce-ip"] or "").encode()
        user, password = ((config[name] or "").encode() for name in ("masteruser", "masterauth"))
        return Introduction(port, ip, user, password)

    def history(self) -> History:
        """What it has."""
        if not self._resumes:
            self._log.info("Partial resynchronization not possible (no cached master)")
            return History()
        id, offset = self._propagation.id, self._propagation.offset
        self._log.info("Trying a partial resynchronization (request %s:%d).", id, offset + 1)
        return History(id, offset, self._handed_over is not None)

    def answered(self, outcome: Outcome) -> Transfer | None:
        """The master's answer to PSYNC."""
        handed_over, self._handed_over = self._handed_over, None
        if handed_over is not None:
            handed_over(not isinstance(outcome, NotNow))
            if self.master is None:
                return None
        if isinstance(outcome, Continue):
            self._continue(outcome.id)
        elif isinstance(outcome, FullSync):
            self._log.info("Full resync from master: %s:%d", outcome.id, outcome.offset)
            if self._resumes:
                self._log.info("Discarding previously cached master state.")
            self._awaited = outcome
            self._rewriting.suspend()
            return new_transfer(self._engine, same_history=outcome.id == self._propagation.id)
        return None

    def _continue(self, id: str) -> None:
        propagation = self._propagation
        self._log.info("Successful partial resynchronization with master.")
        if id != propagation.id:
            propagation.go_on_as(id)
            self._log.info("Master replication ID changed to %s", id)
            self._replicas.drop_all()
        if self._replicas.backlog is None:
            self._replicas.start_backlog()
        self.times.up()
        self.update_gates()
        self._log.info("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.")

    def loaded(self) -> None:
        """The dataset that came is there."""
        propagation, awaited = self._propagation, self._awaited
        assert awaited is not None
        self._awaited = None
        self._replicas.drop_all()
        self._resumes = bool(awaited.id)
        if awaited.id:
            propagation.id, propagation.offset = awaited.id, awaited.offset
        propagation.forget_second_id()
        self._take_database(self._engine[Loading].aux)
        self._replicas.start_backlog()
        self.times.up()
        self.update_gates()
        self._rewriting.resume()

    def database(self) -> int:
        """In which one the stream goes on."""
        return self._database if 0 <= self._database < len(self._engine.keyspace.databases) else 0

    def lost(self, phase: Phase) -> None:
        """The connection is gone: make it again."""
        link, self.link = self.link, None
        assert link is not None
        self._give_up_transfer(link)
        if phase is Phase.CONNECTED:
            self._log.info("Caching the disconnected master state.")
            self._keep_database(link)
            self.times.down()
            self.update_gates()
        if self.master is not None and phase in (Phase.CONNECTED, Phase.TRANSFER):
            why = " after failure" if phase is Phase.TRANSFER else ""
            self._log.info("Reconnecting to MASTER %s:%d%s", *self.master, why)
            self._engine.host.soon(partial(self.connect, reconnecting=True))

    def _keep_database(self, link: MasterLink) -> None:
        if link.client is not None:
            self._database = link.client.db.index

    # A snapshot keeps the place in the stream

    def _place(self) -> Aux:
        """What a snapshot says of the stream, if it can be gone on with."""
        propagation = self._propagation
        if self.master is not None:
            database = self.link.client.db.index if self.link and self.link.client else self._database
            if not self._resumes:
                return []
        elif self._replicas.backlog is None:
            return []
        else:
            database = propagation.database
        return [
            (b"repl-stream-db", b"%d" % database),
            (b"repl-id", propagation.id.encode()),
            (b"repl-offset", b"%d" % propagation.offset),
        ]

    def _take_place(self, aux: dict[bytes, bytes], dropped: Dropped) -> None:
        """The server has loaded its own snapshot: a replica goes on from there, a master's replicas can."""
        id, offset = aux.get(b"repl-id", b""), parse_int(aux.get(b"repl-offset", b""))
        if not is_id(id) or offset is None or offset < 0:
            return
        propagation = self._propagation
        propagation.offset = offset
        if self.master is not None:
            propagation.id = id.decode()
            self._take_database(aux)
            self._resumes = True
        else:
            propagation.second_id, propagation.second_offset = id.decode(), offset + 1
            self._replicas.start_backlog()
            self._pass_on_dropped(dropped)

    def _pass_on_dropped(self, dropped: Dropped) -> None:
        """What was past its time when it was loaded the replicas of before still have."""
        self._propagation.mute(False)
        for index, key in dropped:
            self._propagation.send_deletion("lazyfree-lazy-expire", self._engine.keyspace.databases[index], key)
        self._propagation.mute(True)

    def _take_database(self, aux: dict[bytes, bytes]) -> None:
        self._database = parse_int(aux.get(b"repl-stream-db", b"")) or 0
