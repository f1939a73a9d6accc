"""Rewriting the append-only log: BGREWRITEAOF, and by itself when the log has grown.

First a new increment takes the writes, then a snapshot is written of what was before; when that is done it becomes
the base and everything older goes (see `log_files` for what makes each step safe). A rewrite that fails leaves one
more increment behind. So as not to fill the disk with those, after three failures in a row the next automatic one
waits a minute, then two, up to an hour.

A log that was switched on while the server runs has no base to add to: what comes before its first rewrite is done
stands in a file that nobody knows, and if the rewrite fails another is begun at once.
"""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pyredis.config.store import ConfigError
from pyredis.log_levels import VERBOSE
from pyredis.persistence.append_log import OFF, ON, WAITING, AppendLog
from pyredis.persistence.background import Background, Job, Outcome
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.disk import write_durably
from pyredis.persistence.log_files import LogFiles
from pyredis.rdb.point_in_time import AnyKeyspace

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields

KIND = "aof"
_WRITTEN = "Successfully created the temporary AOF base file %s"
_FAILURES_MAX = 3
_MINUTE = 60_000
_DELAY_MAX = 60  # minutes
_SECOND = 1000


class Rewriting:
    """A component; times are ms. `scheduled`: a rewrite begins as soon as it can."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._log = engine[AppendLog]
        self._files = engine[LogFiles]
        self._background = engine[Background]
        self._dataset = engine[Dataset]
        self.scheduled = False
        self.count = 0
        self.failures = 0  # in a row
        self._last_ok = True
        self._last_seconds = -1
        self._delay = 0  # minutes
        self._not_before = 0
        self._extension = ""
        engine.config.on_change("appendonly", self._switch)
        engine.config.on_change("aof-disable-auto-gc", lambda _: self._files.delete_history())
        engine.cron_steps.append(self._cron)
        engine.exit_checks.append(self._before_exit)
        engine.info.add("Persistence", self._fields)

    @property
    def active(self) -> bool:
        """Whether a rewrite is going on."""
        return self._background.active == KIND

    # Switching the log on and off

    def open_at_start(self) -> None:
        """The dataset is loaded: go on with its log, or begin one with a first base. Raises OSError."""
        if self._files.manifest.is_empty:
            manifest, path = self._files.base_at_start(self._new_extension())
            write_durably(self._files.disk, path, self._chunks())
            self._engine.log.info("Creating AOF base file %s on server start", path.name)
            self._files.adopt(manifest)
        self._log.open_at_start()
        self._log.count_on_loaded(*self._loaded_sizes())

    def _loaded_sizes(self) -> tuple[int, int]:
        """The sizes of all files and of the base."""
        manifest = self._files.manifest
        base = self._files.size(manifest.base.name) if manifest.base else 0
        return base + sum(self._files.size(file.name) for file in manifest.increments), base

    def _switch(self, on: bool) -> None:
        """CONFIG SET appendonly."""
        if not on and self._log.state != OFF:
            self._log.close()
            self.scheduled = False
            if self.active:
                self._engine.log.info("Killing running AOF rewrite child: %d", self._background.pid)
                self._background.kill()
        elif on and self._log.state == OFF:
            self._turn_on()

    def suspend(self) -> None:
        """Another dataset is about to come: the log ends here, as it is."""
        if self._log.state != OFF:
            self._log.close()
            if self.active:
                self._background.kill()

    def resume(self) -> None:
        """Another dataset has come, or does not: go on with a log of what there is."""
        if self._config["appendonly"] and self._log.state == OFF:
            try:
                self._turn_on()
            except ConfigError:
                self._engine.log.warning("Failed to enable the AOF after a full resynchronization")
                self.scheduled = True

    def _turn_on(self) -> None:
        self._log.begin_waiting()
        client = self._engine.running
        if self._background.active and not self.active:
            self.scheduled = True
            self._engine.log.info(
                "AOF was enabled but there is already another background operation. An AOF background was "
                "scheduled to start when possible."
            )
        elif client is not None and not client.may_wait:
            self.scheduled = True
            self._engine.log.info(
                "AOF was enabled during a transaction. An AOF background was scheduled to start when possible."
            )
        else:
            if self.active:
                self._engine.log.info(
                    "AOF was enabled but there is already an AOF rewriting in background. Stopping background "
                    "AOF and starting a rewrite now."
                )
                self._background.kill()
            if not self.start():
                self._log.close()
                self._engine.log.warning(
                    "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. "
                    "Check the above logs for more info about the error."
                )
                raise ConfigError("Unable to turn on AOF. Check server logs.")

    def _before_exit(self, save: bool | None, force: bool) -> bool:
        """The server is about to end: whether it may, for a log without its first base holds nothing."""
        log = self._engine.log
        if self._log.state == OFF:
            return True
        if self.active:
            if self._log.state == WAITING:
                log.warning("Writing initial AOF%s", ". Exit anyway." if force else ", can't exit.")
                if not force:
                    return False
            log.warning("There is a child rewriting the AOF. Killing it!")
            self._background.kill()
        log.info("Calling fsync() on the AOF file.")
        return True

    # Rewriting

    def start(self) -> bool:
        """Begin a rewrite; False, and the log says why, when that is not possible."""
        try:
            self._files.make_folder()
            if self._log.state != OFF:
                self._log.flush(force=True)
                waiting = self._log.state == WAITING
                begin = self._files.begin_temporary_increment if waiting else self._files.begin_increment
                self._log.switch(begin())
        except OSError:
            self._last_ok = False
            return False
        self.count += 1
        self._extension = self._new_extension()
        try:
            whole = not self._config["aof-use-rdb-preamble"]
            self._background.start(Job(KIND, self._temporary, self._chunks, self._done, _WRITTEN, whole=whole))
        except OSError as error:
            self._last_ok = False
            self._engine.log.warning("Can't rewrite append only file in background: fork: %s", error.strerror)
            return False
        self._engine.log.info("Background append only file rewriting started by pid %d", self._background.pid)
        self.scheduled = False
        return True

    def _temporary(self, pid: int) -> Path:
        return Path(self._config["dir"], f"temp-rewriteaof-bg-{pid}.aof")

    def _new_extension(self) -> str:
        return "rdb" if self._config["aof-use-rdb-preamble"] else "aof"

    def _chunks(self, space: AnyKeyspace | None = None) -> Iterator[bytes]:
        if self._config["aof-use-rdb-preamble"]:
            return self._dataset.rdb_chunks(space, aof_base=True)
        return self._dataset.command_chunks()

    def _done(self, outcome: Outcome) -> None:
        began = self._engine.clock.ticks_ns()
        self._judge(outcome)
        self._last_seconds = (self._engine.clock.now_ms() - self._background.started) // _SECOND
        if self._log.state == WAITING:
            self._log.discard()
            self._files.drop_temporary_increment()
            self.scheduled = True
        took = (self._engine.clock.ticks_ns() - began) // 1000
        self._engine.log.log(VERBOSE, "Background AOF rewrite signal handler took %dus", took)

    def _judge(self, outcome: Outcome) -> None:
        if outcome.signal:
            self._engine.log.warning("Background AOF rewrite terminated by signal %d", outcome.signal)
            if outcome.signal != signal.SIGUSR1:  # else it was ended on purpose
                self._failed()
        elif outcome.code:
            self._engine.log.warning("Background AOF rewrite terminated with error")
            self._failed()
        else:
            self._engine.log.info("Background AOF rewrite terminated with success")
            self._adopt(outcome.file)

    def _adopt(self, file: Path) -> None:
        """The snapshot is there: it takes the place of what it replaces."""
        state = self._log.state
        try:
            if state == WAITING:
                self._log.flush(force=True)
            self._files.adopt_base(file, self._extension, increment=state != OFF, temporary=state == WAITING)
            base = self._files.manifest.base
            size = self._files.size(base.name) if base else 0
        except OSError:
            self._failed()
            return
        self._log.count_on(size)
        self._files.delete_history()
        self._last_ok = True
        self.failures = 0
        self._engine.log.info("Background AOF rewrite finished successfully")

    def _failed(self) -> None:
        self._last_ok = False
        self.failures += 1

    # By itself

    def _cron(self) -> None:
        if self._background.active:
            return
        if self.scheduled and not self._is_limited():
            self.start()
            return
        growth = self._growth()
        if growth is not None and not self._is_limited():
            self._engine.log.info("Starting automatic rewriting of AOF on %d%% growth", growth)
            self.start()

    def _growth(self) -> int | None:
        """By how many percent the log has grown, if that is a reason to rewrite it."""
        wanted, least = self._config["auto-aof-rewrite-percentage"], self._config["auto-aof-rewrite-min-size"]
        if self._log.state != ON or not wanted or self._log.current_size <= least:
            return None
        growth = self._log.current_size * 100 // (self._log.base_size or 1) - 100
        return growth if growth >= wanted else None

    def _is_limited(self) -> bool:
        """Whether it failed too often to try again now."""
        if self.failures < _FAILURES_MAX:
            self._delay = self._not_before = 0
            return False
        now = self._engine.keyspace.now
        if self._not_before:
            if now < self._not_before:
                return True
            self._not_before = 0
            return False
        self._delay = min(self._delay * 2 or 1, _DELAY_MAX)
        self._not_before = now + self._delay * _MINUTE
        text = "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in %d minutes"
        self._engine.log.warning(text, self._delay)
        return True

    def _fields(self) -> "Fields":
        active = self.active
        now = self._engine.clock.now_ms()
        fields: Fields = {
            "aof_rewrite_in_progress": int(active),
            "aof_rewrite_scheduled": int(self.scheduled),
            "aof_last_rewrite_time_sec": self._last_seconds,
            "aof_current_rewrite_time_sec": (now - self._background.started) // _SECOND if active else -1,
            "aof_last_bgrewrite_status": "ok" if self._last_ok else "err",
            "aof_rewrites": self.count,
            "aof_rewrites_consecutive_failures": self.failures,
        }
        if self._log.is_wanted:
            fields["aof_pending_rewrite"] = int(self.scheduled)
        return fields
