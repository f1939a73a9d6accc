"""Scripts that run too long: the server goes on answering while they run.

A script runs in a greenlet. Lua asks `tick` every so many instructions, and before what takes long without any; past
`busy-reply-threshold` ms it switches back to the server, which runs the script on in short slices between other work.
Meanwhile the gate BUSY lets only commands through that may run beside it, the clock of the keyspace stands still, and
cron does nothing.

How many instructions: few at first, twice as many as long as they are quick, fewer in proportion when they are slow, so
that a loop over slow functions is seen as soon as one over additions. The most cost 2 % of the time. Fewer are allowed
where Lua holds much memory, for then a single instruction may be slow, and least of all while a script overruns.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit, getcurrent, greenlet

from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.dispatch import failed
from pyredis.protocol.replies import NO_REPLY
from pyredis.scripting.faults import killed

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.scripting.calls import Calls, Run

SLICE_MS = 5
"""How long an overrunning script runs before others get a turn."""

RUNNING = "script"
"""A client's `waiting` while the script it called overruns."""

FIRST_INTERVAL = 200
"""Instructions before a script's first tick."""

_LEAST_INTERVAL, _LEAST_WITH_MUCH, _MOST_INTERVAL, _MOST_OVERRUNNING = 8, 64, 8192, 256
_QUICK_NS, _SLOW_NS = 100_000, 500_000
_MUCH_MEMORY = 2 << 20
_NEVER_NS = 1 << 63

_PAUSED = object()


class Overrun:
    """At most one script is suspended at a time."""

    def __init__(self, engine: "Engine", calls: "Calls") -> None:
        self._engine, self._calls = engine, calls
        self._worker: Any = None  # kept from script to script: making a greenlet costs ten times a switch
        self._inside = False
        self._caller: Client | None = None
        self.deadline_ns: int | None = None  # of code that runs outside of a script: a library that loads
        self._ticked = 0
        engine.on_stop.append(self._end)

    def _end(self) -> None:
        """The server ends: the stack of a greenlet that waits for work would keep all of it in memory."""
        if self._worker is not None:
            self._worker.throw(GreenletExit)

    def run(self, client: "Client", step: Callable[..., Any], *words: Any) -> Any:
        """`step(*words)`, or NO_REPLY when that goes on in the background: then its client is answered later."""
        if self._inside:
            return step(*words)  # part of a transaction that can be suspended as a whole
        if self._worker is None:
            self._worker = greenlet(_work)
            self._worker.switch()
        self._inside = True
        done = self._worker.switch(step, words)
        if done is not _PAUSED:
            return self._outcome(done)
        self._caller = client
        client.waiting = RUNNING
        engine, run = self._engine, self._calls.run
        if run is not None:
            kind = "FUNCTION KILL" if run.function else "SCRIPT KILL"
            engine.busy = b"Redis is busy running a script. You can only call %b or SHUTDOWN NOSAVE." % kind.encode()
            self._engine.log.warning("Slow script detected: %s. You can try %s.", run.name.decode("latin-1"), kind)
        engine.gates |= gates.BUSY
        self._later()
        return NO_REPLY

    def tick(self, interval: int, memory: int) -> int:
        """Asked by Lua after `interval` instructions, or 0 out of turn: how many more may pass, or 0 to end the script.

        `memory`: bytes that Lua holds. Returns later when the script is put aside.
        """
        now = self._engine.clock.ticks_ns()
        elapsed, self._ticked = now - self._ticked, now
        run = self._calls.run
        if run is None:
            return 0 if self.deadline_ns is not None and now >= self.deadline_ns else interval or 1
        if run.killed:
            return 0
        if not run.due_ns:
            self._first_tick(run, now)
        if now >= run.due_ns:
            self._put_aside(run)
            if run.killed:
                return 0
            return min(interval, _MOST_OVERRUNNING) or 1
        if elapsed < _QUICK_NS:
            most = _MOST_INTERVAL if self._caller is None else _MOST_OVERRUNNING
            if memory > _MUCH_MEMORY:
                most = max(most * _MUCH_MEMORY // memory, _LEAST_WITH_MUCH)
            return min(2 * interval, most) or 1
        if elapsed > _SLOW_NS:
            return max(interval * _SLOW_NS // elapsed, _LEAST_INTERVAL)
        return interval or 1

    def breathe(self) -> None:
        """In the middle of what takes long: the script may be put aside meanwhile. Raises Killed."""
        if not self.tick(0, 0):
            raise killed()

    def _first_tick(self, run: "Run", now: int) -> None:
        began = run.began_ns or now
        run.started = self._engine.clock.now_ms() - (now - began) // 1_000_000
        threshold = self._engine.config["busy-reply-threshold"]
        run.due_ns = began + threshold * 1_000_000 if threshold else _NEVER_NS

    def _put_aside(self, run: "Run") -> None:
        current = getcurrent()
        if current is not self._worker or current.parent is None:
            return
        current.parent.switch(_PAUSED)
        self._ticked = self._engine.clock.ticks_ns()
        run.due_ns = self._ticked + SLICE_MS * 1_000_000

    def _later(self) -> None:
        self._engine.host.soon(self._go_on)

    def _outcome(self, done: tuple[Any, BaseException | None]) -> Any:
        self._inside = False
        value, failure = done
        if failure is not None:
            raise failure
        return value

    def _go_on(self) -> None:
        client, engine = self._caller, self._engine
        if client is None:
            return
        done = self._worker.switch()
        if done is _PAUSED:
            self._later()
            return
        try:
            value = self._outcome(done)
        except Exception as failure:
            value = failed(engine, client, client.last_entry, failure)
        self._caller = None
        engine.gates &= ~gates.BUSY
        engine.tick()
        has_left = client.waiting is not RUNNING
        if not has_left:
            client.waiting = None
            client.answer(value)
        if engine.gates & detours.WAITED_FOR:
            engine[Blocking].serve()
        if not has_left:
            client.sink.resume()
        engine.freed()


def _work() -> None:
    """The greenlet: runs what it is handed, answers (value, error)."""
    done: Any = None
    while True:
        step, words = getcurrent().parent.switch(done)
        try:
            done = step(*words), None
        except Exception as failure:
            done = None, failure
        step = words = None
