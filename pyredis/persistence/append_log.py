"""The append-only log: every write goes into a file, from which the dataset is built again.

What commands propagate is gathered and written in one go when all that could be read was run, before a reply to any
of it leaves. With `appendfsync always` it is synced there and then, once for all of them; with `everysec` a thread
syncs once a second, and while that takes long, writing waits for it up to two seconds; with `no` the system decides.

What cannot be written is kept and tried again, and clients' writes are refused meanwhile (MISCONF): nothing is lost
but what a crash takes. With `always` a reply may not leave without its write, so the process ends instead.

The log is OFF, ON, or WAITING: switched on while the server runs, it counts only when a rewrite has made its base.
Times are ms, sizes bytes.
"""

import errno
import os
from typing import TYPE_CHECKING

from pyredis.engine.execution import detours
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.propagation import LOG, Propagation
from pyredis.engine.observability.latency import LatencyMonitor
from pyredis.persistence.aof_format import annotation
from pyredis.persistence.background import Background
from pyredis.persistence.disk import Syncing, write_all
from pyredis.persistence.log_files import LogFiles

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields

OFF, WAITING, ON = "off", "waiting", "on"
_SECOND = 1000
_POSTPONED_MAX = 2 * _SECOND
_ERROR_LOG_EVERY = 30 * _SECOND


class AppendLog:
    """A component. `current_size` is that of base and increments, `base_size` what it was after the last rewrite.

    `synced_offset`: up to where the stream is safe from a power cut.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._files = engine[LogFiles]
        self._disk = self._files.disk
        self._background = engine[Background]
        self._propagation = engine[Propagation]
        self._latency = engine[LatencyMonitor]
        self.state = OFF
        self.current_size = self.base_size = 0
        self.delayed_syncs = 0
        self.pause_us = 0  # DEBUG AOF-FLUSH-SLEEP
        self._second = 0  # that was marked last
        self._file: int | None = None
        self._buffer: list[bytes] = []
        self._flush_asked = False
        self._size = 0  # of the file
        self._synced_size = 0
        self.synced_offset = 0  # in the stream
        self._syncing: Syncing | None = None
        self._closing: list[Syncing] = []  # files that are no longer written, and not yet synced
        self._syncing_to = 0, 0  # what `_synced_size` and `_synced_offset` will be
        self._last_sync = 0
        self._postponed_since: int | None = None
        self._write_error: int | None = None
        self._sync_error: int | None = None
        self._complained = -_ERROR_LOG_EVERY
        self._retried = 0
        engine.cron_steps.append(self._cron)
        engine.on_stop.append(self.close)
        engine.info.add("Persistence", self._fields)
        engine.info.add("Memory", lambda: {"mem_aof_buffer": self._waiting_size})

    # On and off

    def open_at_start(self) -> None:
        """Go on with the log that was just loaded. Raises OSError."""
        self._file, self._size = self._files.open_at_start()
        self._synced_size = self._size
        self._begin(ON)

    def begin_waiting(self) -> None:
        """Switched on while the server runs: what comes is kept once a rewrite has begun."""
        self._begin(WAITING)
        if self._write_error or self._sync_error:
            self._engine.log.warning("AOF reopen, just ignore the last error.")
            self._write_error = self._sync_error = None
            self._tell_errors()

    def _begin(self, state: str) -> None:
        self.state = state
        self._last_sync = self._now
        self.synced_offset = self._propagation.offset
        self._propagation.listen(self._feed, LOG)
        self._engine.before_replies.append(self.flush)

    def switch(self, file: int) -> None:
        """A rewrite begins: write to another increment from now on. The one before is synced, and closed."""
        self._finish_sync()
        before, self._file = self._file, file
        if before is not None:
            self._closing.append(self._disk.sync_later(before, close=True))
        if self._syncing is not None:
            self._closing.append(self._syncing)
            self._syncing = None
        self._size = self._synced_size = 0
        self._last_sync = self._now
        self._propagation.select_anew()

    def count_on_loaded(self, size: int, base: int) -> None:
        """The files that were loaded have `size` bytes, their base `base`."""
        self.current_size, self.base_size = size, base

    def count_on(self, size: int) -> None:
        """A rewrite is done, and its base has `size` bytes: the log counts."""
        if self.state == OFF:
            return
        self.state = ON
        self.current_size = self.base_size = size + self._size

    def sync_now(self) -> None:
        """Return when everything is written and synced. Raises OSError."""
        self.flush(force=True)
        if self._file is not None:
            self._disk.sync(self._file)
            self._note_synced(self._size, self._propagation.offset)

    def discard(self) -> None:
        """The rewrite that this log waits for has failed: what came meanwhile is of no use."""
        self._buffer.clear()
        if self._file is not None:
            self._disk.close(self._file)
            self._file = None

    def close(self) -> None:
        """Write and sync what there is, and stop. Where that is not possible it is logged."""
        if self.state == OFF:
            return
        try:
            if self._file is not None:
                self.sync_now()
                self._disk.close(self._file)
        except OSError as error:
            self._engine.log.warning("Fail to fsync the AOF file: %s", error.strerror)
        self._file = self._postponed_since = None
        self.state = OFF
        self._size = self._synced_size = 0
        self._buffer.clear()
        self._propagation.unlisten(self._feed)
        self._engine.before_replies.remove(self.flush)
        self._engine.note_disk_error("log", None)  # nobody asks for what it cannot do
        self._engine[Blocking].look_again()  # who waits for it waits in vain

    # Feeding

    def _feed(self, data: bytes) -> None:
        if not self._buffer:
            if self._file is None:
                return  # waiting for a rewrite to begin, which will see this
            self._flush_soon()
        second = self._now // _SECOND
        if self._second < second and self._config["aof-timestamp-enabled"]:
            self._second = second
            self._buffer.append(annotation(self._now))
        self._buffer.append(data)

    def _flush_soon(self) -> None:
        if not self._flush_asked:
            self._flush_asked = True
            self._engine.host.soon(self._flush_as_asked)

    def _flush_as_asked(self) -> None:
        self._flush_asked = False
        self.flush()

    # Writing

    def flush(self, force: bool = False) -> None:
        """Write what has gathered, and sync as configured; with `force` even while a sync is going on."""
        self._propagation.send_gathered()
        if not self._buffer:
            if self._size != self._synced_size or self._syncing is not None:
                self._sync_if_due()
            elif self.synced_offset != self._propagation.offset:
                self._note_synced(self._size, self._propagation.offset)
            return
        if self._file is None or (not force and self._postpones()):
            return
        data = b"".join(self._buffer)
        if self.pause_us:
            self._engine.clock.sleep(self.pause_us / 1_000_000)
        started = self._engine.clock.ticks_ns()
        written = self._write(data)
        self._note_latency("aof-write", started)
        self._postponed_since = None
        if written < len(data):
            self._buffer[:] = [data[written:]]
            if self._config["appendfsync"] == "always":
                self._engine.log.warning(
                    "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..."
                )
                self._engine.give_up()
        else:
            self._buffer.clear()
            self._recovered()
        self._sync_if_due()

    def _postpones(self) -> bool:
        """Whether to wait for the sync that is going on, since writing now would wait for it anyway."""
        if self._config["appendfsync"] != "everysec" or not self._is_syncing:
            return False
        if self._postponed_since is None:
            self._postponed_since = self._now
            return True
        if self._now - self._postponed_since < _POSTPONED_MAX:
            return True
        self.delayed_syncs += 1
        self._engine.log.info(
            "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for "
            "fsync to complete, this may slow down Redis."
        )
        return False

    def _write(self, data: bytes) -> int:
        """Write, and take back a part of it: how much of `data` is in the file for good."""
        assert self._file is not None
        try:
            written = write_all(self._disk, self._file, data)
        except OSError as error:
            self._failed(error.errno or errno.EIO, "Error writing to the AOF file: %s", error.strerror)
            return 0
        if written < len(data):
            text = "Short write while writing to the AOF file: (nwritten=%d, expected=%d)"
            self._failed(errno.ENOSPC, text, written, len(data))
            try:
                self._disk.truncate(self._file, self._size)
                written = 0
            except OSError as error:
                self._engine.log.warning(
                    "Could not remove short write from the append-only file.  Redis may refuse to load the AOF the "
                    "next time it starts.  ftruncate: %s",
                    error.strerror,
                )
        self._size += written
        self.current_size += written
        return written

    def _failed(self, number: int, text: str, *details: object) -> None:
        self._write_error = number
        if self._now - self._complained > _ERROR_LOG_EVERY:
            self._complained = self._now
            self._engine.log.warning(text, *details)
        self._tell_errors()

    def _recovered(self) -> None:
        if self._write_error is not None:
            self._engine.log.info("AOF write error looks solved, Redis can write again.")
            self._write_error = None
            self._tell_errors()

    def _tell_errors(self) -> None:
        number = self._write_error or self._sync_error
        line = None
        if number is not None:
            line = f"MISCONF Errors writing to the AOF file: {os.strerror(number)}".encode()
        self._engine.note_disk_error("log", line)

    # Syncing

    @property
    def _is_syncing(self) -> bool:
        return self._syncing is not None and not self._syncing.done

    @property
    def _now(self) -> int:
        return self._engine.keyspace.now

    def _sync_if_due(self) -> None:
        if self._syncing is not None:
            self._finish_sync()
        policy = self._config["appendfsync"]
        if self._file is None or self._size == self._synced_size:
            return
        if self._config["no-appendfsync-on-rewrite"] and self._background.active:
            return
        if policy == "always":
            self._sync_at_once(self._file)
        elif policy == "everysec" and self._now - self._last_sync >= _SECOND:
            # In order: a power cut may make only the last file short.
            if self._syncing is None and all(one.done for one in self._closing):
                self._syncing_to = self._size, self._propagation.offset
                self._syncing = self._disk.sync_later(self._file)
            self._last_sync = self._now

    def _sync_at_once(self, file: int) -> None:
        started = self._engine.clock.ticks_ns()
        try:
            self._disk.sync(file)
        except OSError as error:
            text = "Can't persist AOF for fsync error when the AOF fsync policy is 'always': %s. Exiting..."
            self._engine.log.warning(text, error.strerror)
            self._engine.give_up()
        self._note_latency("aof-fsync-always", started)
        self._last_sync = self._now
        self._note_synced(self._size, self._propagation.offset)

    def _finish_sync(self) -> None:
        """See how the sync in the background went, if it is done."""
        syncing = self._syncing
        if syncing is None or not syncing.done:
            return
        self._syncing = None
        if self._went_well(syncing):
            self._note_synced(*self._syncing_to)

    def _went_well(self, syncing: Syncing) -> bool:
        before, self._sync_error = self._sync_error, None
        if syncing.error is not None:
            self._sync_error = syncing.error.errno or errno.EIO
        if before != self._sync_error:
            self._tell_errors()
        return syncing.error is None

    def _note_synced(self, size: int, count: int) -> None:
        self._synced_size = size
        if self._closing:  # what was written before the present file is safe only when those are
            self._closing = [one for one in self._closing if not one.done or not self._went_well(one)]
            if self._closing:
                return
        self.synced_offset = count
        if self._engine.gates & detours.WAITED_FOR:
            self._engine[Blocking].look_again()

    def _note_latency(self, event: str, started: int) -> None:
        if self._latency.threshold:
            self._latency.note(event, (self._engine.clock.ticks_ns() - started) // 1_000_000)

    def holds(self, offset: int) -> bool:
        """Whether the stream is synced up to `offset`."""
        return self.state == ON and self.synced_offset >= offset

    # Inside

    def _cron(self) -> None:
        if self.state == OFF:
            return
        if self._write_error is not None:
            if self._now - self._retried < _SECOND:
                return
            self._retried = self._now
        self.flush()

    @property
    def _waiting_size(self) -> int:
        return sum(map(len, self._buffer))

    @property
    def is_wanted(self) -> bool:
        """Whether there is a log, or will be once the dataset is loaded."""
        return self.state != OFF or bool(self._engine.config["appendonly"])

    def _fields(self) -> "Fields":
        fields: Fields = {
            "aof_enabled": int(self.state != OFF),
            "aof_last_write_status": "ok" if self._write_error is None and self._sync_error is None else "err",
        }
        if self.is_wanted:
            fields |= {
                "aof_current_size": self.current_size,
                "aof_base_size": self.base_size,
                "aof_buffer_length": self._waiting_size,
                "aof_pending_bio_fsync": int(self._is_syncing),
                "aof_delayed_fsync": self.delayed_syncs,
            }
        return fields
