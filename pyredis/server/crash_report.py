"""What the log says of a crash: the frame and the sections of Redis's bug report, with Python's stacks.

A crash is a signal (`fatal_signals`) or what DEBUG PANIC, ASSERT and OOM ask for. SIGALRM, which nobody dies of, has
the stacks only; so has the watchdog, for a loop that does not come back for `watchdog-period` ms.
"""

import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pyredis import REDIS_VERSION
from pyredis.config.words import quote_word
from pyredis.engine.observability.client_info import shown
from pyredis.engine.roster import Clients
from pyredis.server import fatal_signals
from pyredis.server.fatal_signals import Fault
from pyredis.server.logs import LineHandler

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine

_START = "\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n"
_END = """
=== REDIS BUG REPORT END. Make sure to include from START to END. ===

       Please report the crash to the project, with this log.

  Suspect RAM error? Use pyredis-server --test-memory to verify it.

  Some other issues could be detected by pyredis-server --check-system
"""
_CONFIGURATION = """
replica-read-only slave-read-only repl-diskless-sync repl-diskless-load io-threads sanitize-dump-payload
list-compress-depth client-query-buffer-limit proto-max-bulk-len lazyfree-lazy-eviction lazyfree-lazy-expire
lazyfree-lazy-server-del lazyfree-lazy-user-del lazyfree-lazy-user-flush activedefrag
"""
_ARGUMENTS_MAX, _ARGUMENT_MAX = 32, 128
_TICKS = 2  # of cron that must fit into a watchdog's period


class CrashReports:
    """Of the process that `engine` runs in."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._log = engine.log
        self._lines = next((one for one in engine.log.handlers if isinstance(one, LineHandler)), None)
        self._started = False
        engine.crash = self.panic
        engine.config.on_change("crash-log-enabled", lambda _: self._hear_signals())
        if self._lines is not None:
            self._lines.on_open = self._hear_signals
        self._hear_signals()

    def _hear_signals(self) -> None:
        """On top of `faulthandler`, which the log has switched on or off."""
        if self._engine.config["crash-log-enabled"] and fatal_signals.can_hear():
            fatal_signals.hear(self._died, self._file)

    @property
    def _file(self) -> int:
        return self._lines.fileno() if self._lines is not None else 2

    # What is written

    def _write(self, text: str) -> None:
        with suppress(OSError):
            if self._lines is not None:
                self._lines.open()
            os.write(self._file, text.encode("utf-8", "backslashreplace"))

    def _begin(self) -> None:
        if self._started:
            return
        self._started = True
        if self._lines is not None:
            self._lines.on_open = lambda: None  # the handlers are `faulthandler`'s now
        self._write(_START)

    def stacks(self) -> None:
        """Where every thread is."""
        self._write("\n------ STACK TRACE ------\n")
        with suppress(OSError, RuntimeError):
            faulthandler.dump_traceback(self._file, all_threads=True)
        self._write("\n------ STACK TRACE DONE ------\n")

    def tell_stacks(self, why: str) -> None:
        """Where every thread is, and the server goes on."""
        mark = f"{os.getpid()}:signal-handler ({self._engine.clock.now_ms() // 1000})"
        self._write(f"{mark} \n{why}\n")
        self.stacks()
        self._write(f"{mark} --------\n")

    def _died(self, fault: Fault) -> None:
        """A signal ends the process."""
        self._begin()
        self._log.warning("Redis %s crashed by signal: %d, si_code: %d", REDIS_VERSION, fault.signal, fault.code)
        if signal.Signals(fault.signal).name in ("SIGSEGV", "SIGBUS"):
            self._log.warning("Accessing address: 0x%x", fault.address)
        if fault.sender is not None:
            self._log.warning("Killed by PID: %d, UID: %d", *fault.sender)
        self.stacks()
        self._sections()
        self._write(_END)

    def panic(self, kind: str, lines: list[str]) -> None:
        """DEBUG's crashes: say this, and end as C's `abort` does, or, by `use-exit-on-panic`, with code 1."""
        if kind == "segfault":
            signal.raise_signal(signal.SIGSEGV)
        with_stacks = self._engine.config["crash-log-enabled"]
        self._begin()
        for line in lines:
            self._log.warning("%s", line)
        if with_stacks:
            self.stacks()
        if with_stacks and kind == "panic":
            self._sections()
        self._write(_END)
        if self._engine.config["use-exit-on-panic"]:
            logging.shutdown()
            os._exit(1)
        fatal_signals.die_of(signal.SIGABRT)

    def _sections(self) -> None:
        for title, lines in self._parts():
            self._write(f"\n------ {title} ------\n")
            with suppress(Exception):  # who crashes may be in any state
                self._write(lines())

    def _parts(self) -> Iterator[tuple[str, Callable[[], str]]]:
        engine = self._engine
        yield "INFO OUTPUT", lambda: engine.info.render(["everything"]).decode("utf-8", "backslashreplace")
        yield "CLIENT LIST OUTPUT", lambda: "".join(f"{shown(one)}\n" for one in engine[Clients].listed.values())
        client = engine.running
        if client is not None:
            yield "CURRENT CLIENT INFO", lambda: self._client(client)
            yield "EXECUTING CLIENT INFO", lambda: self._client(client)
        yield "MODULES INFO OUTPUT", lambda: ""
        yield "CONFIG DEBUG OUTPUT", self._configuration

    def _client(self, client: "Client") -> str:
        """Its line and what it asked; `hide-user-data-from-log` leaves the name of the command only."""
        hides = self._engine.config["hide-user-data-from-log"]
        words = [
            '"*redacted*"' if hides and at else quote_word(word[:_ARGUMENT_MAX]).decode()
            for at, word in enumerate(client.argv[:_ARGUMENTS_MAX])
        ]
        return "\n".join([shown(client), *(f"argv[{at}]: '{word}'" for at, word in enumerate(words)), ""])

    def _configuration(self) -> str:
        values = self._engine.config.get_matching(name.encode() for name in _CONFIGURATION.split())
        return "".join(f"{name} {value}\n" for name, value in values.items())


class Watchdog:
    """Stacks on SIGALRM, whoever sends it: somebody, or a timer that cron has not wound up in time."""

    def __init__(self, engine: "Engine", reports: CrashReports) -> None:
        self._engine = engine
        self._reports = reports
        if sys.platform == "win32" or not hasattr(signal, "SIGALRM"):
            return
        signal.signal(signal.SIGALRM, self._heard)
        engine.config.on_change("watchdog-period", self._set)
        engine.cron_steps.append(self._wind_up)
        if engine.config["watchdog-period"]:
            self._set(engine.config["watchdog-period"])

    def _set(self, period: int) -> None:
        """At least two runs of cron long; 0 is none."""
        least = _TICKS * 1000 // self._engine.config["hz"]
        if 0 < period < least:
            self._engine.config.replace("watchdog-period", least)
        self._wind_up(off=not period)

    def _wind_up(self, *, off: bool = False) -> None:
        period = self._engine.config["watchdog-period"]
        if period or off:
            signal.setitimer(signal.ITIMER_REAL, period / 1000)

    def _heard(self, number: int, frame: Any) -> None:
        ran_out = self._engine.config["watchdog-period"] and not signal.getitimer(signal.ITIMER_REAL)[0]
        why = "--- WATCHDOG TIMER EXPIRED ---" if ran_out else "Received SIGALRM"
        self._reports.tell_stacks(why)
