"""Scripts that run too long: the server goes on answering while they run.

A script runs in a greenlet. Lua calls the hook every so many instructions; past `busy-reply-threshold` ms the hook
switches back to the server, which runs the script on in short slices between other work. Meanwhile the gate BUSY lets
only commands through that may run beside it, the clock of the keyspace stands still, and cron does nothing.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

from pyredis.engine import gates
from pyredis.engine.blocking import Blocking
from pyredis.engine.execution import failed
from pyredis.protocol.replies import NO_REPLY
from pyredis.scripting.faults import Killed

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.scripting.calls import Calls

log = logging.getLogger("pyredis")

SLICE_MS = 20
"""How long an overrunning script runs before others get a turn."""

RUNNING = "script"
"""A client's `waiting` while the script it called overruns."""

_PAUSED = object()


class Overrun:
    """At most one script is suspended at a time."""

    def __init__(self, engine: "Engine", calls: "Calls") -> None:
        self._engine, self._calls = engine, calls
        self._worker: Any = None  # kept from script to script: making a greenlet costs ten times a switch
        self._inside = False
        self._caller: Client | None = None
        self.deadline: int | None = None  # ms since 1970, of code that runs outside of a script: a library that loads

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
            log.warning("Slow script detected: %s. You can try %s.", run.name.decode("latin-1"), kind)
        engine.gates |= gates.BUSY
        self._later()
        return NO_REPLY

    def hook(self) -> None:
        """Called by Lua now and then. Raises Killed when the script is to end."""
        run = self._calls.run
        if run is None:
            if self.deadline is not None and self._engine.clock.now_ms() >= self.deadline:
                raise Killed(b"ERR FUNCTION LOAD timeout")
            return
        if run.killed:
            raise _killed()
        threshold = self._engine.config["busy-reply-threshold"]
        now = self._engine.clock.now_ms()
        if not run.started:
            run.started = now
        suspended = self._caller is not None
        if not threshold or now - (run.resumed if suspended else run.started) < (SLICE_MS if suspended else threshold):
            return
        current = getcurrent()
        if current is not self._worker or current.parent is None:
            return
        current.parent.switch(_PAUSED)
        run.resumed = self._engine.clock.now_ms()
        if run.killed:
            raise _killed()

    def _later(self) -> None:
        self._engine.call_at(self._engine.clock.now_ms(), self._go_on)

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
            value = failed(engine, client, client.last_entry, failure, executed=True)
        self._caller = None
        engine.gates &= ~gates.BUSY
        engine.tick()
        has_left = client.waiting is not RUNNING
        if not has_left:
            client.waiting = None
            mark, mode = len(client.out), client.reply_mode
            client.reply(value)
            if client.gates & gates.REPLY_MODE:
                client.mute(mark, mode)
        if engine.gates & gates.WAITED_FOR:
            engine[Blocking].serve()
        if not has_left:
            client.sink.resume()


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


def _killed() -> Killed:
    return Killed(b"ERR Script killed by user with SCRIPT KILL...")
