"""Time, injected. Nothing else in the package asks the machine what time it is.

Wall time dates expiry and INFO; ticks measure how long something took. A `ManualClock` stands still until moved, and
moves both alike.
"""

import time
from collections.abc import Callable
from time import time_ns


class Clock:
    """The machine's clock."""

    stands_still = False
    """Whether time passes only when somebody moves it."""

    def now_us(self) -> int:
        """Wall time in microseconds since 1970."""
        return time.time_ns() // 1000

    def now_ms(self) -> int:
        """Wall time in milliseconds since 1970."""
        return time_ns() // 1_000_000

    ticks_ns = staticmethod(time.perf_counter_ns)
    """Monotonic nanoseconds, for durations: the builtin itself, since every command asks twice."""

    def sleep(self, seconds: float) -> None:
        """Stop everything for some seconds (DEBUG SLEEP)."""
        time.sleep(seconds)


class ManualClock(Clock):
    """A clock that tests move: `advance(ms)` and `set(ms)`; listeners run after each move, on the mover's thread."""

    stands_still = True

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._us = start_ms * 1000
        self.listeners: list[Callable[[], None]] = []

    def now_us(self) -> int:
        """Wall time in microseconds, as last set."""
        return self._us

    def now_ms(self) -> int:
        """Wall time in milliseconds, as last set."""
        return self._us // 1000

    def ticks_ns(self) -> int:
        """The same time in nanoseconds."""
        return self._us * 1000

    def sleep(self, seconds: float) -> None:
        """Move forward at once; listeners are not told, as a stopped server would not be."""
        self._us += int(seconds * 1_000_000)

    def advance(self, ms: float) -> None:
        """Move forward by `ms` milliseconds; ValueError for a step back."""
        if ms < 0:
            raise ValueError("a clock is not turned back; use set()")
        self._us += int(ms * 1000)
        self._moved()

    def set(self, ms: int) -> None:
        """Set wall time to `ms` since 1970."""
        self._us = ms * 1000
        self._moved()

    def _moved(self) -> None:
        for listener in self.listeners:
            listener()


class EverySecond:
    """For steps that run more often: whether a second has passed since it last had. A clock turned back begins anew."""

    def __init__(self) -> None:
        self._last = 0

    def has_passed(self, now: int) -> bool:
        """At `now`, ms since 1970."""
        if 0 <= now - self._last < 1000:
            return False
        self._last = now
        return True
