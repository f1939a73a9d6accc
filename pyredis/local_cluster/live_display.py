"""The cluster in the terminal: a table that stays at the bottom, above it what happened; elsewhere events alone.

Nothing is drawn again unless it changed.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterable
from typing import TextIO

from pyredis.clock import Clock
from pyredis.local_cluster.cluster_status import ClusterStatus
from pyredis.local_cluster.status_table import table

_UP_AND_CLEAR = "\x1b[%dF\x1b[J"


class LiveDisplay:
    """`out`: where to. A terminal is drawn on; anything else is given lines."""

    def __init__(self, out: TextIO, clock: Clock) -> None:
        self._out = out
        self._clock = clock
        self._draws = out.isatty()
        if self._draws and sys.platform == "win32":
            os.system("")  # has the console understand what moves the cursor
        self._drawn: list[str] = []

    def say(self, text: str) -> None:
        """A line; what was drawn stays above it."""
        self._drawn = []
        self._out.write(f"{text}\n")
        self._out.flush()

    def show(self, status: ClusterStatus, happened: Iterable[str]) -> None:
        """How it stands, and what happened since the last time."""
        told = [f"{self._now()} {line}" for line in happened]
        if not self._draws:
            for line in told:
                self.say(line)
            return
        width = shutil.get_terminal_size().columns - 1
        lines = [line[:width] for line in ("", *table(status))]
        if told or lines != self._drawn:
            clear = _UP_AND_CLEAR % len(self._drawn) if self._drawn else ""
            self._out.write(clear + "".join(f"{line}\n" for line in (*told, *lines)))
            self._out.flush()
            self._drawn = lines

    def _now(self) -> str:
        return time.strftime("%H:%M:%S", time.localtime(self._clock.now_ms() / 1000))
