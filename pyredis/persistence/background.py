"""Work that takes long on a dataset that stands still: a snapshot written beside the server.

Where a process may be copied, a copy does it: a forked child sees everything as it was, and the server goes on.
The child ends by its exit code; the server looks for it in cron. At most one is at work. Where there is no fork (on
Windows, or on a thread of a larger program), the file is written there and then, and only its end is told later.
"""

import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from pyredis.persistence.disk import Disk, write_new

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.info import Fields

log = logging.getLogger("pyredis")


class Outcome(NamedTuple):
    """How it ended: an exit code (0: well), or the number of the signal that ended it. `file` was being written."""

    code: int
    signal: int
    file: Path


class Job(NamedTuple):
    """`kind` is `rdb` or `aof`. `file` says where to write, given the process number of who writes."""

    kind: str
    file: Callable[[int], Path]
    chunks: Callable[[], Iterator[bytes]]
    done: Callable[[Outcome], None]


class Background:
    """A component. `pid` is the child's, 0 while there is none; `started` is ms since 1970."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._disk = engine[Disk]
        self._job: Job | None = None
        self._outcome: Outcome | None = None  # of one that is over already
        self.pid = 0
        self.started = 0
        self.forks = 0
        self.fork_us = 0
        self.forks_allowed = hasattr(os, "fork")
        self._title = ""
        engine.cron_steps.append(self.poll)
        engine.on_stop.append(self.kill)
        engine.info.add("Stats", self._fields)

    @property
    def active(self) -> str:
        """The kind of what is at work, or nothing."""
        return self._job.kind if self._job else ""

    def start(self, job: Job) -> None:
        """Begin; nothing else may be at work. Raises OSError when no child can be made."""
        assert self._job is None
        self.started = self._engine.clock.now_ms()
        if not self.forks_allowed or threading.current_thread() is not threading.main_thread():
            self._job = job
            self._outcome = self._run_here(job)
            return
        began = self._engine.clock.ticks_ns()
        self.pid = self._fork(job)
        self.fork_us = (self._engine.clock.ticks_ns() - began) // 1000
        self.forks += 1
        self._job = job

    def kill(self) -> None:
        """End what is at work; nobody is told. What it wrote is removed."""
        job, pid = self._job, self.pid
        if job is None:
            return
        if pid:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGUSR1)
                os.waitpid(pid, 0)
        self._job, self._outcome, self.pid = None, None, 0
        self._remove(job.file(pid or os.getpid()))

    def poll(self) -> None:
        """See whether it is over; then who started it is told."""
        job = self._job
        if job is None:
            return
        outcome = self._outcome if self._outcome is not None else self._ended(job)
        if outcome is None:
            return
        self._job, self._outcome, self.pid = None, None, 0
        job.done(outcome)
        self._remove(outcome.file)

    # Inside

    def _run_here(self, job: Job) -> Outcome:
        file = job.file(os.getpid())
        try:
            write_new(self._disk, file, job.chunks())
        except OSError as error:
            log.warning("Write error writing %s on disk: %s", file.name, error.strerror)
            return Outcome(1, 0, file)
        return Outcome(0, 0, file)

    def _fork(self, job: Job) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a thread that syncs a file holds no lock of ours
            pid = os.fork()
        if not pid:
            self._be_child(job)
        return pid

    def _be_child(self, job: Job) -> NoReturn:
        """Write and exit; nothing of the parent's may be touched or run."""
        code = 1
        try:
            gc.disable()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
                signal.signal(number, signal.SIG_DFL)
            _close_inherited()
            code = self._run_here(job).code
        finally:
            os._exit(code)

    def _ended(self, job: Job) -> Outcome | None:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return Outcome(1, 0, job.file(self.pid))  # somebody else has taken its end
        if not pid:
            return None
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1
        return Outcome(code, number, job.file(pid))

    def _remove(self, file: Path) -> None:
        with contextlib.suppress(OSError):
            self._disk.remove(file)

    def _fields(self) -> "Fields":
        return {"latest_fork_usec": self.fork_us, "total_forks": self.forks}


def _close_inherited() -> None:
    """Close every descriptor but the log's: else ports and connections would stay open as long as the child lives."""
    kept = {0, 1, 2}
    for handler in log.handlers:
        stream = getattr(handler, "stream", None)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            kept.add(stream.fileno())  # type: ignore[union-attr]
    try:
        present = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    except OSError:
        present = list(range(3, 4096))
    for descriptor in present:
        if descriptor not in kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)
