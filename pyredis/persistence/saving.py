"""Saving the dataset as an RDB file: SAVE, BGSAVE, save points, and the last snapshot before the server ends.

What changed since the last one is told by the keyspace's running count. A background save that fails is tried again
after five seconds; meanwhile, with save points and `stop-writes-on-bgsave-error`, writes are refused. With
`backup-dir` every snapshot stays there too, under a name of its own, until `backup-keep` newer ones are there.
Times are ms unless said.
"""

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pyredis.engine.execution import gates
from pyredis.persistence.background import Background, Job, Outcome
from pyredis.persistence.backups import keep_backup
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.disk import Disk, write_new

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields

KIND = "rdb"
SAVED = "DB saved on disk"
RETRY_MS = 5_000
_SECOND = 1000
_REFUSAL = (
    b"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    b"may modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    b"snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    b"error."
)


class Saving:
    """A component. `last` is when the dataset was last saved, ms since 1970: at the start of the server if never.

    `count` is how often clients and save points asked for it.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._log = engine.log
        self._disk = engine[Disk]
        self._background = engine[Background]
        self._dataset = engine[Dataset]
        self.last = engine.started_ms
        self.count = 0
        self.scheduled = False
        self._saved = 0  # the keyspace's count of changes when it was last saved
        self._saving = 0  # and when the snapshot began that is being written
        self._last_ok = True
        self._last_try = 0
        self._last_seconds = -1
        self.on_done: list[Callable[[bool], None]] = []  # hear whether a save in the background went well
        for name in ("save", "stop-writes-on-bgsave-error"):
            engine.config.on_change(name, self._tell_errors)
        engine.cron_steps.append(self._cron)
        engine[Dataset].on_replaced.append(self.forget_changes)
        engine.exit_checks.append(self.before_exit)
        engine.info.add("Persistence", self._fields)
        engine.on_reset.append(self._reset)

    @property
    def active(self) -> bool:
        """Whether a snapshot is written in the background, to a file or for replicas."""
        return self._background.active == KIND

    @property
    def writes_file(self) -> bool:
        """Whether one is written to the file."""
        return self.active and not self._background.has_output

    @property
    def changes(self) -> int:
        """Changes since the last snapshot."""
        return self._engine.keyspace.dirty - self._saved

    @property
    def path(self) -> Path:
        """Where snapshots go."""
        return Path(self._config["dir"], self._config["dbfilename"])

    # Saving

    def save(self, *, as_backup: bool = True) -> bool:
        """Write the file now; False, and the log says why, when that fails. Backups are kept of what is worth one."""
        changes = self._engine.keyspace.dirty
        try:
            self._put_in_place(self._written_here())
        except OSError as error:
            self._log.warning("Error saving DB on disk: %s", error.strerror)
            return False
        self._log.info(SAVED)
        self._succeeded(changes, as_backup=as_backup)
        return True

    def start(self) -> bool:
        """Begin to write it in the background; False, and the log says why, when that is not possible."""
        self._saving = self._engine.keyspace.dirty
        self._last_try = self._engine.keyspace.now
        self.scheduled = False
        self.count += 1
        try:
            killed = partial(self._tell, False)
            self._background.start(
                Job(KIND, self.temporary, self._dataset.rdb_chunks, self._done, SAVED, killed=killed)
            )
        except OSError as error:
            self._failed()
            self._log.warning("Can't save in background: fork: %s", error.strerror)
            return False
        self._log.info("Background saving started by pid %d", self._background.pid)
        return True

    def forget_changes(self) -> None:
        """The dataset is as on disk: it was just loaded."""
        self._saved = self._engine.keyspace.dirty

    def flushed(self) -> None:
        """FLUSHALL: a snapshot of what was is of no use; with save points the empty dataset is saved at once."""
        if self.active:
            self._background.kill()
        if self._config["save"]:
            self.save(as_backup=False)

    def before_exit(self, save: bool | None, force: bool) -> bool:
        """The server is about to end: whether it may. None: save if there are save points."""
        if self.active:
            self._log.warning("There is a child saving an .rdb. Killing it!")
            self._background.kill()
        if self._engine.gates & gates.LOADING or not (save or (save is None and self._config["save"])):
            return True
        self._log.info("Saving the final RDB snapshot before exiting.")
        if self.save():
            return True
        if force:
            self._log.warning("Error trying to save the DB. Exit anyway.")
            return True
        self._log.warning("Error trying to save the DB, can't exit.")
        return False

    # Inside

    def _written_here(self) -> Path:
        file = self.temporary(os.getpid())
        write_new(
            self._disk, file, self._dataset.rdb_chunks(), incrementally=self._config["rdb-save-incremental-fsync"]
        )
        return file

    def _put_in_place(self, file: Path) -> None:
        self._disk.rename(file, self.path)
        self._disk.sync_folder(self.path.parent)

    def temporary(self, pid: int) -> Path:
        """Where a process of this number writes first."""
        return self.path.with_name(f"temp-{pid}.rdb")

    def _done(self, outcome: Outcome) -> None:
        self._last_seconds = (self._engine.clock.now_ms() - self._background.started) // _SECOND
        ended_well = False
        if outcome.signal:
            self._log.warning("Background saving terminated by signal %d", outcome.signal)
            if outcome.signal != signal.SIGUSR1:  # else it was ended on purpose
                self._failed()
        elif outcome.code or not self._adopted(outcome.file):
            self._log.warning("Background saving error")
            self._failed()
        else:
            self._log.info("Background saving terminated with success")
            self._succeeded(self._saving)
            ended_well = True
        self._tell(ended_well)

    def _tell(self, ended_well: bool) -> None:
        for hear in self.on_done:
            hear(ended_well)

    def _adopted(self, file: Path) -> bool:
        try:
            self._put_in_place(file)
        except OSError as error:
            self._log.warning("Error moving temp DB file %s on the final destination: %s", file.name, error.strerror)
            return False
        return True

    def _succeeded(self, changes: int, *, as_backup: bool = True) -> None:
        self._saved = changes
        self.last = self._engine.clock.now_ms()
        self._last_ok = True
        self._tell_errors()
        if as_backup and self._config["backup-dir"]:
            keep_backup(self._config, self._disk, self.path, self.last, self._engine.log)

    def _failed(self) -> None:
        self._last_ok = False
        self._tell_errors()

    def _tell_errors(self, _: object = None) -> None:
        refuses = not self._last_ok and self._config["save"] and self._config["stop-writes-on-bgsave-error"]
        self._engine.note_disk_error(KIND, _REFUSAL if refuses else None)

    def _cron(self) -> None:
        if self._background.active:
            return
        now = self._engine.keyspace.now
        if not self._last_ok and now - self._last_try <= RETRY_MS:
            return
        if self.scheduled:
            self.start()
            return
        for seconds, changes in self._config["save"]:
            if self.changes >= changes and now - self.last > seconds * _SECOND:
                self._log.info("%d changes in %d seconds. Saving...", changes, seconds)
                self.start()
                return

    def _reset(self) -> None:
        self.count = 0

    def _fields(self) -> "Fields":
        active, now = self.active, self._engine.clock.now_ms()
        return {
            "rdb_changes_since_last_save": self.changes,
            "rdb_bgsave_in_progress": int(active),
            "rdb_last_save_time": self.last // _SECOND,
            "rdb_last_bgsave_status": "ok" if self._last_ok else "err",
            "rdb_last_bgsave_time_sec": self._last_seconds,
            "rdb_current_bgsave_time_sec": (now - self._background.started) // _SECOND if active else -1,
            "rdb_saves": self.count,
        }
