"""The latency monitor: spikes of named events above `latency-monitor-threshold` ms, 160 samples each."""

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

HISTORY = 160


class LatencyEvent:
    """One event's samples as [unix time in s, latency in ms], and its all-time maximum."""

    __slots__ = ("maximum", "samples")

    def __init__(self) -> None:
        self.samples: deque[list[int]] = deque(maxlen=HISTORY)
        self.maximum = 0

    def add(self, at: int, latency: int) -> None:
        """Take a sample; samples of one second are kept as their maximum."""
        self.maximum = max(self.maximum, latency)
        if self.samples and self.samples[-1][0] == at:
            self.samples[-1][1] = max(self.samples[-1][1], latency)
        else:
            self.samples.append([at, latency])


class LatencyMonitor:
    """Off while the threshold is 0."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.threshold = 0
        self.events: dict[str, LatencyEvent] = {}
        engine.config.on_change("latency-monitor-threshold", self._set_threshold)
        self._set_threshold(engine.config["latency-monitor-threshold"])

    def _set_threshold(self, threshold: int) -> None:
        self.threshold = threshold
        self._engine.note_slow_threshold("latency", threshold * 1_000_000 if threshold else None)

    def note(self, event: str, latency: int) -> None:
        """An event took `latency` ms."""
        if self.threshold and latency >= self.threshold:
            now = self._engine.clock.now_ms() // 1000
            self.events.setdefault(event, LatencyEvent()).add(now, latency)

    def reset(self, names: list[str]) -> int:
        """Forget these events, or all; returns how many there were."""
        gone = [name for name in self.events if not names or name in names]
        for name in gone:
            del self.events[name]
        return len(gone)
