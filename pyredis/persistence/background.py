"""Work that takes long on a dataset that stands still: a snapshot written beside the server.

Where a process may be copied, a copy does it: a forked child sees everything as it was, and the server goes on.
The child ends by its exit code; the server looks for it in cron. Where there is no fork (on Windows, or on a thread of
a larger program), the server itself writes what its dataset was, in slices between which it serves its clients, a third
of the time at most. At most one is at work.
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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from pyredis.log_levels import VERBOSE
from pyredis.persistence.child_pipe import ChildPipe, write_gathered
from pyredis.persistence.disk import Disk, write_new
from pyredis.persistence.save_progress import SaveProgress
from pyredis.persistence.slices import FileTarget, Output, OutputTarget, Slices
from pyredis.rdb.point_in_time import AnyKeyspace
from pyredis.rdb.type_codes import PORTABLE_VERSION

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.host import Cancellable
    from pyredis.engine.observability.info import Fields

REST_MS = 4
"""How long the server does other things between two slices that it writes itself."""

_PIPE_REST_MS = 1
_SHOWN = {"rdb": "RDB", "aof": "AOF rewrite"}


class Outcome(NamedTuple):
    """How it ended: an exit code (0: well), or the number of the signal that ended it. `file` was being written."""

    code: int
    signal: int
    file: Path


class Job(NamedTuple):
    """`kind` is `rdb` or `aof`. `file` says where to write, given the process number of who writes.

    `chunks` gives what to write of a keyspace, or of how it was. `whole`: only of a keyspace, so that it stands still.
    With an `output` there is no file: it takes what is written. Who started it hears by `done` how it ended, or that it
    was `killed`. `written` is what the log says of a file that is. `newest` is the RDB version that is asked for.
    """

    kind: str
    file: Callable[[int], Path]
    chunks: Callable[[AnyKeyspace], Iterator[bytes]]
    done: Callable[[Outcome], None]
    written: str = ""
    whole: bool = False
    output: Output | None = None
    killed: Callable[[], None] = lambda: None
    newest: int = PORTABLE_VERSION


class Background:
    """A component. `pid` is the child's, 0 while there is none; `started` is ms since 1970."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._disk = engine[Disk]
        self._progress = engine[SaveProgress]
        self._job: Job | None = None
        self._outcome: Outcome | None = None  # of one that is over already
        self._slices: Slices | None = None  # of one that the server does itself
        self._pipe: ChildPipe | None = None  # from a child whose work goes to an output
        self._next_step: Cancellable
        self.pid = 0
        self.started = 0
        self.forks = 0
        self.fork_us = 0
        self.on_child: list[Callable[[str], object]] = []  # run in a child, with its kind, before its work
        self.forks_allowed = hasattr(os, "fork")
        engine.cron_steps.append(self.poll)
        engine.on_stop.append(self.kill)
        engine.on_reset.append(self._reset)
        engine.info.add("Stats", self._fields)

    @property
    def active(self) -> str:
        """The kind of what is at work, or nothing."""
        return self._job.kind if self._job else ""

    @property
    def has_output(self) -> bool:
        """Whether what is at work writes no file."""
        return self._job is not None and self._job.output is not None

    def start(self, job: Job) -> None:
        """Begin; nothing else may be at work. Raises OSError when no child can be made."""
        assert self._job is None
        self.started = self._engine.clock.now_ms()
        self._progress.begin()
        try:
            self._begin(job)
        except OSError:
            self._progress.end(job.kind)
            raise
        self._job = job

    def _begin(self, job: Job) -> None:
        if not self.forks_allowed or threading.current_thread() is not threading.main_thread():
            if job.whole:
                self._outcome = self._run_here(job)
            else:
                self._slices = Slices(self._engine, self._target(job), job.chunks, job.newest)
                self._next_step = self._engine.host.soon(partial(self._write_on, job, self._slices))
            return
        if job.output is not None:
            self._pipe = ChildPipe()
            self._next_step = self._engine.host.later(_PIPE_REST_MS, partial(self._pass_on, self._pipe, job.output))
        began = self._engine.clock.ticks_ns()
        self.pid = self._fork(job)
        if self._pipe is not None:
            self._pipe.let_child_write()
        self.fork_us = (self._engine.clock.ticks_ns() - began) // 1000
        self.forks += 1

    def kill(self) -> None:
        """End what is at work. What it wrote is removed."""
        job, pid = self._job, self.pid
        if job is None:
            return
        if pid and self._outcome is None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGUSR1)
                os.waitpid(pid, 0)
        if self._slices is not None:
            self._slices.close()
        self._end(job)
        self._remove(job, job.file(pid or os.getpid()))
        job.killed()

    def poll(self) -> None:
        """See whether it is over; then who started it is told. What the server writes itself goes on now."""
        job = self._job
        if job is None:
            return
        if self._slices is not None and self._outcome is None:
            self._write_on(job, self._slices)
        if self._outcome is None and self.pid:
            self._outcome = self._ended(job)
        outcome = self._outcome
        if outcome is None:
            return
        if self._pipe is not None and not self._pipe.at_end and not (outcome.code or outcome.signal):
            return  # it has written all, and somebody is still to take it
        self._end(job)
        job.done(outcome)
        self._remove(job, outcome.file)

    # Inside

    def _end(self, job: Job) -> None:
        """It is at work no longer."""
        if self._slices is not None or self._pipe is not None:
            self._next_step.cancel()
        if self._pipe is not None:
            self._pipe.close()
        self._job, self._outcome, self._slices, self._pipe, self.pid = None, None, None, None, 0
        self._progress.end(job.kind)

    def _target(self, job: Job) -> FileTarget | OutputTarget:
        return FileTarget(self._disk, job.file(os.getpid())) if job.output is None else OutputTarget(job.output)

    def _pass_on(self, pipe: ChildPipe, output: Output) -> None:
        """What the child wrote, and then what it writes meanwhile."""
        found = pipe.drain(output)
        if pipe.at_end:
            self._engine.when_free(self.poll)
        if self._pipe is pipe:
            self._next_step = self._engine.host.later(
                0 if found else _PIPE_REST_MS, partial(self._pass_on, pipe, output)
            )

    def _write_on(self, job: Job, slices: Slices) -> None:
        """The next slice, and then the one after it."""
        self._next_step.cancel()
        self._write_slice(job, slices)
        if self._outcome is None:
            self._next_step = self._engine.host.later(REST_MS, partial(self._write_on, job, slices))

    def _write_slice(self, job: Job, slices: Slices) -> None:
        file = job.file(os.getpid())
        try:
            if slices.go_on():
                self._tell_written(job, file)
                self._outcome = Outcome(0, 0, file)
        except OSError as error:
            slices.close()
            self._engine.log.warning("Write error writing %s on disk: %s", file.name, error.strerror)
            self._outcome = Outcome(1, 0, file)

    def _run_here(self, job: Job) -> Outcome:
        file = job.file(os.getpid())
        try:
            write_new(self._disk, file, job.chunks(self._engine.keyspace))
        except OSError as error:
            self._engine.log.warning("Write error writing %s on disk: %s", file.name, error.strerror)
            return Outcome(1, 0, file)
        self._tell_written(job, file)
        return Outcome(0, 0, file)

    def _tell_written(self, job: Job, file: Path) -> None:
        if job.written:
            self._engine.log.info(job.written, *([file.name] if "%s" in job.written else ()))

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
            for step in self.on_child:
                step(job.kind)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
                signal.signal(number, signal.SIG_DFL)
            pipe = self._pipe
            _close_inherited(self._engine.log, None if pipe is None else pipe.writing)
            if pipe is not None:
                write_gathered(pipe.writing, self._measured(job)(self._engine.keyspace))
                code = 0
            else:
                code = self._run_here(job._replace(chunks=self._measured(job))).code
            self._progress.measure(final=True)
            if not code:
                self._tell_measured(job, logging.INFO)
        finally:
            os._exit(code)

    def _measured(self, job: Job) -> Callable[[AnyKeyspace], Iterator[bytes]]:
        """What there is to write, and on the way the child sees what it costs."""

        def chunks(space: AnyKeyspace) -> Iterator[bytes]:
            for chunk in job.chunks(space):
                yield chunk
                if self._progress.measure():
                    self._tell_measured(job, VERBOSE)

        return chunks

    def _tell_measured(self, job: Job, level: int) -> None:
        self._engine.log.log(level, "Fork CoW for %s: %s", _SHOWN[job.kind], self._progress.in_words)

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

    def _remove(self, job: Job, file: Path) -> None:
        if job.output is None:
            with contextlib.suppress(OSError):
                self._disk.remove(file)

    def _reset(self) -> None:
        self.forks = self.fork_us = 0

    def _fields(self) -> "Fields":
        return {"latest_fork_usec": self.fork_us, "total_forks": self.forks}


def _close_inherited(log: logging.Logger, pipe: int | None) -> None:
    """Close all but the log and the way back: else ports and connections would stay open as long as the child lives.

    A handler that does not tell its descriptor is not used any more: another file might have its number soon.
    """
    kept = {0, 1, 2, pipe}
    for handler in log.handlers[:]:
        try:
            told: Any = getattr(handler, "stream", handler)
            kept.add(told.fileno())
        except (OSError, ValueError, AttributeError):
            log.removeHandler(handler)
    try:
        present = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    except OSError:
        present = list(range(3, 4096))
    for descriptor in present:
        if descriptor not in kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)
