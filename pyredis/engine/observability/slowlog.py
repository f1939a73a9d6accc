"""The slow log: the latest commands that took longer than `slowlog-log-slower-than` µs, newest first."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyredis.engine.execution import detours

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine

MAX_ARGUMENTS = 32
MAX_ARGUMENT_BYTES = 128
EXACT_BELOW_US = 1000


@dataclass(frozen=True, slots=True)
class SlowEntry:
    """One slow command; `at` in seconds since 1970, `duration` in µs."""

    id: int
    at: int
    duration: int
    argv: list[bytes]
    address: bytes
    name: bytes


class SlowLog:
    """Bounded by `slowlog-max-len`; ids never repeat."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._next_id = 0
        self.threshold = -1
        self.entries: deque[SlowEntry] = deque()
        config = engine.config
        config.on_change("slowlog-log-slower-than", self._set_threshold)
        config.on_change("slowlog-max-len", lambda most: self._trim())
        self._set_threshold(config["slowlog-log-slower-than"])

    def _set_threshold(self, threshold: int) -> None:
        """Negative: off. Below what a batch can tell, commands are timed one by one."""
        self.threshold = threshold
        if 0 <= threshold < EXACT_BELOW_US:
            self._engine.gates |= detours.TIMED
        else:
            self._engine.gates &= ~detours.TIMED
        self._engine.note_slow_threshold("slowlog", threshold * 1000 if threshold >= 0 else None)

    def note(self, client: "Client", argv: Sequence[bytes], duration: int) -> None:
        """Log a command that took `duration` µs, if that is slow."""
        engine = self._engine
        if not 0 <= self.threshold <= duration or not engine.config["slowlog-max-len"]:
            return
        shown = argv
        if client.redacted:
            shown = [b"(redacted)" if at in client.redacted else word for at, word in enumerate(argv)]
        self.entries.appendleft(
            SlowEntry(
                self._next_id,
                engine.clock.now_ms() // 1000,
                duration,
                _shortened(shown),
                client.sink.address.encode(),
                client.name,
            )
        )
        self._next_id += 1
        self._trim()

    def _trim(self) -> None:
        while len(self.entries) > self._engine.config["slowlog-max-len"]:
            self.entries.pop()


def _shortened(argv: Sequence[bytes]) -> list[bytes]:
    """At most 32 arguments of at most 128 bytes each, saying what was left out, in Redis's words."""
    shown = argv
    if len(argv) > MAX_ARGUMENTS:
        left = len(argv) - MAX_ARGUMENTS + 1
        shown = [*argv[: MAX_ARGUMENTS - 1], b"... (%d more arguments)" % left]
    return [
        word
        if len(word) <= MAX_ARGUMENT_BYTES
        else b"%b... (%d more bytes)" % (word[:MAX_ARGUMENT_BYTES], len(word) - MAX_ARGUMENT_BYTES)
        for word in shown
    ]
