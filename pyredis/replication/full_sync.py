"""The dataset for replicas that cannot go on where they were: one snapshot for as many as wait for it.

It is taken from the point of the stream where it begins, and the stream goes on from there: a replica's place in the
backlog is set when it is told that offset. Over the disk the snapshot is an ordinary BGSAVE whose file is then sent.
Without one (`repl-diskless-sync`) it goes to the replicas as it is made, as fast as the slowest takes it, to those that
can tell its end by a mark; since nobody can join it later, it waits `repl-diskless-sync-delay` for more to come. What
is not the server's own file goes that way whatever is configured: a part of the dataset, and Valkey's form of RDB where
fields of hashes expire.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pyredis.engine.client import CLOSED
from pyredis.engine.execution import gates
from pyredis.engine.execution.propagation import REPLICAS, Propagation
from pyredis.persistence.background import Background, Job, Outcome
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.disk import Disk
from pyredis.persistence.saving import KIND, Saving
from pyredis.rdb.file_writer import version_for
from pyredis.rdb.point_in_time import AnyKeyspace
from pyredis.rdb.type_codes import PORTABLE_VERSION, VALKEY_VERSION
from pyredis.replication.bulk_payload import marked_header, new_mark, sized_header
from pyredis.replication.replica import EVERYTHING, FUNCTIONS, Replica, State
from pyredis.replication.replicas import Replicas

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

_SECOND = 1000
EOF = b"eof"
"""The capability to take a payload that a mark ends."""


class FullSyncs:
    """A component."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._log = engine.log
        self._background = engine[Background]
        self._saving = engine[Saving]
        self._dataset = engine[Dataset]
        self._disk = engine[Disk]
        self._replicas = engine[Replicas]
        self._propagation = engine[Propagation]
        self._mark = b""  # of the snapshot that is being sent as it is made
        self._version = PORTABLE_VERSION  # of the snapshot that is being made
        self._for_replicas = False  # whether the BGSAVE that runs was begun for them
        engine[Replicas].on_drop.append(self._dropped)
        engine[Saving].on_done.append(self._saved)
        engine.cron_steps.append(self.begin_due)

    # Asking

    def request(self, replica: Replica) -> None:
        """A replica is to have everything; it hears when its snapshot begins."""
        self._engine.stats.full_syncs += 1
        self._replicas.attach(replica, State.WAIT_BGSAVE_START)
        if self._saving.writes_file and not self._join_running(replica):
            self._log.info("Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC")
        elif self._background.has_output:
            self._log.info("Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC")
        elif self._background.active:
            self._log.info("No BGSAVE in progress, but another BG operation is active. BGSAVE for replication delayed")
        elif self._goes_diskless((replica,)) and not self._is_time((replica,)):
            self._log.info("Delay next BGSAVE for diskless SYNC")
        self._engine.host.soon(self.begin_due)

    def _join_running(self, replica: Replica) -> bool:
        """Share the file that is being written with a replica that can do no more than this one."""
        for other in self._replicas.attached.values():
            if (
                other.state is State.WAIT_BGSAVE_END
                and replica.wants == other.wants == EVERYTHING
                and (self._version == PORTABLE_VERSION or not replica.reads_valkeys_rdb)
                and other.capabilities <= replica.capabilities
            ):
                self._place(replica, other.sent - 1)
                self._log.info("Waiting for end of BGSAVE for SYNC")
                return True
        return False

    def _goes_diskless(self, replicas: Sequence[Replica]) -> bool:
        wished = self._config["repl-diskless-sync"] or any(self._form(one) != self._own_form for one in replicas)
        return wished and all(EOF in one.capabilities for one in replicas)

    @property
    def _own_form(self) -> tuple[str, int]:
        """What a file holds, and its RDB version."""
        return EVERYTHING, version_for(self._engine.keyspace)

    def _form(self, replica: Replica) -> tuple[str, int]:
        """What a snapshot for a replica holds, and its RDB version."""
        version = version_for(self._engine.keyspace)
        if version != PORTABLE_VERSION and replica.reads_valkeys_rdb and EOF in replica.capabilities:
            version = VALKEY_VERSION
        return replica.wants, version

    # Beginning

    def begin_due(self) -> None:
        """Begin a snapshot for those that wait, if it is time; never of half a script's effects."""
        if self._engine.gates & gates.BUSY:
            self._engine.when_free(self.begin_due)
            return
        waiting = [one for one in self._replicas.attached.values() if one.state is State.WAIT_BGSAVE_START]
        if not waiting or self._background.active:
            return
        group = [one for one in waiting if self._form(one) == self._form(waiting[0])]
        if not self._goes_diskless(group):
            self._begin_on_disk(group)
        elif self._is_time(group):
            self._begin_diskless(group)

    def _is_time(self, group: Sequence[Replica]) -> bool:
        if not self._config["repl-diskless-sync"]:
            return True
        delay, most = self._config["repl-diskless-sync-delay"], self._config["repl-diskless-sync-max-replicas"]
        waited = self._engine.clock.now_ms() - min(one.attached_at for one in group)
        return bool(waited >= delay * _SECOND or 0 < most <= len(group))

    def _begin_on_disk(self, group: list[Replica]) -> None:
        self._log.info("Starting BGSAVE for SYNC with target: disk")
        offset, (_, self._version) = self._propagation.offset, self._own_form
        if not self._saving.start():
            self._give_up(group, "BGSAVE for replication failed")
            return
        self._for_replicas = True
        for replica in group:
            self._place(replica, offset)

    def _begin_diskless(self, group: list[Replica]) -> None:
        self._log.info("Starting BGSAVE for SYNC with target: replicas sockets")
        offset, (wants, version) = self._propagation.offset, self._form(group[0])
        self._version = version
        self._mark = new_mark(self._engine.random)

        def chunks(space: AnyKeyspace) -> Iterator[bytes]:
            keys, libraries = wants == EVERYTHING, wants in (EVERYTHING, FUNCTIONS)
            return self._dataset.rdb_chunks(space, keys=keys, libraries=libraries, newest=version)

        job = Job(
            KIND, self._saving.temporary, chunks, self._streamed, output=self, killed=self._failed, newest=version
        )
        try:
            self._background.start(job)
        except OSError as error:
            self._log.warning("Can't fork for replication: %s", error.strerror)
            self._give_up(group, "BGSAVE for replication failed")
            return
        self._log.info("Background RDB transfer started by pid %d to parent process pipe", self._background.pid)
        for replica in group:
            replica.streamed = True
            self._place(replica, offset)
            replica.send(marked_header(self._mark))

    def _place(self, replica: Replica, offset: int) -> None:
        """Its snapshot is that of `offset`: tell it, and from there it reads the stream, which names its database."""
        replica.state = State.WAIT_BGSAVE_END
        replica.sent = offset + 1
        if replica.speaks_psync:
            replica.send(b"+FULLRESYNC %b %d\r\n" % (self._propagation.id.encode(), offset))
        self._propagation.select_anew(REPLICAS)

    def _give_up(self, group: list[Replica], why: str) -> None:
        for replica in group:
            replica.send(b"-ERR " + why.encode() + b"\r\n")
            replica.client.close()

    # Over the disk

    def _saved(self, ok: bool) -> None:
        """A BGSAVE is done: send its file to those that wait for it."""
        self._for_replicas = False
        for replica in list(self._replicas.attached.values()):
            if replica.state is State.WAIT_BGSAVE_END and not replica.streamed:
                self._send_file(replica, ok)
        self._engine.host.soon(self.begin_due)

    def _send_file(self, replica: Replica, ok: bool) -> None:
        if not ok:
            self._log.warning("SYNC failed. BGSAVE child returned an error")
            self._replicas.drop(replica)
            return
        try:
            size = self._disk.size(self._saving.path)
            chunks = self._disk.read(self._saving.path)
            first = next(chunks, b"")
        except OSError as error:
            self._log.warning("SYNC failed. Can't open/stat DB after BGSAVE: %s", error.strerror)
            self._replicas.drop(replica)
            return
        replica.state = State.SEND_BULK
        replica.payload = self._file_chunks(replica, sized_header(size) + first, chunks)
        self._replicas.feed(replica)

    def _file_chunks(self, replica: Replica, first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
        yield first
        try:
            yield from chunks
        except OSError as error:
            self._log.warning("Read error sending DB to replica: %s", error.strerror)
            self._replicas.drop(replica)
            return
        self._has_all(replica)

    def _has_all(self, replica: Replica) -> None:
        """It has been sent its snapshot."""
        if replica.rdb_only:
            replica.state = State.RDB_TRANSMITTED
            text = "RDB transfer completed, rdb only replica (%s) should be disconnected asap"
            self._log.info(text, replica.name)
            replica.client.close()
        else:
            self._put_online(replica)

    def _put_online(self, replica: Replica) -> None:
        self._log.info("Synchronization with replica %s succeeded", replica.name)
        replica.state = State.ONLINE
        replica.ack_time = self._engine.clock.now_ms()
        self._replicas.count_good()

    # Without a disk: as an `Output` of the snapshot

    @property
    def _receivers(self) -> list[Replica]:
        return [
            one
            for one in self._replicas.attached.values()
            if one.streamed and one.state is State.WAIT_BGSAVE_END and one.client.waiting is not CLOSED
        ]

    def wants(self) -> bool:
        """Whether all of them have taken most of what they were sent."""
        return not any(one.client.sink.is_congested for one in self._receivers)

    def take(self, data: bytes) -> None:
        """Send it to all; each had taken what it was sent before."""
        now = self._engine.clock.now_ms()
        for replica in self._receivers:
            replica.ack_time = now
            replica.send(data)

    def _streamed(self, outcome: Outcome) -> None:
        """The snapshot is sent, or failed. Who has it is fed when it says that it has loaded it."""
        receivers = self._receivers
        if outcome.code or outcome.signal:
            self._log.warning("Background transfer error")
            self._failed()
        else:
            self._log.info("Diskless rdb transfer, done reading from pipe, %d replicas still up.", len(receivers))
            self._log.info("Background RDB transfer terminated with success")
        for replica in self._receivers:
            replica.send(self._mark)
            replica.streamed = False
            if not replica.rdb_only and replica.speaks_psync:
                replica.awaits_ack = True
                text = (
                    "Streamed RDB transfer with replica %s succeeded (socket). Waiting for REPLCONF ACK from replica "
                    "to enable streaming"
                )
                self._log.info(text, replica.name)
                self._put_online(replica)
            else:
                self._has_all(replica)
        self._engine.host.soon(self.begin_due)

    def _failed(self) -> None:
        for replica in self._receivers:
            self._replicas.drop(replica)

    def _dropped(self, replica: Replica) -> None:
        """Nobody is left who waits for it: the snapshot is of no use."""
        if self._background.has_output and not self._receivers:
            self._log.info("Diskless rdb transfer, last replica dropped, killing fork child.")
            self._background.kill()
            self._engine.host.soon(self.begin_due)
        elif self._saving.writes_file and self._for_replicas and not self._config["save"] and not self._is_awaited:
            self._background.kill()

    @property
    def _is_awaited(self) -> bool:
        return any(one.state is State.WAIT_BGSAVE_END for one in self._replicas.attached.values())
