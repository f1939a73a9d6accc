"""Freeing what is large in slices: to free a million elements in one go would stop the server for a tenth of a second.

A structure that may grow large hands its parts to `dismantle` when the last reference to it is gone (`__del__`), so
nobody has to look at what he deletes or overwrites. On a thread that runs an event loop a `Dismantler` takes a few
parts apart at a time, between reads; elsewhere, and for few parts, all is freed at once as Python does.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

LEAST = 16
"""So many parts are worth a slice: of a table, some 4,000 keys."""

_SLICE_NS = 1_000_000
_BETWEEN_LOOKS_AT_THE_CLOCK = 16
_PLAIN = frozenset((bytes, bytearray, int, float, bool))
_local = threading.local()

Parts = list[Any] | deque[Any] | dict[Any, Any]


class Dismantler:
    """What waits to be freed on this thread. `soon(step)` has a loop call `step` when it has served its clients."""

    def __init__(self, soon: Callable[[Callable[[], None]], object], ticks_ns: Callable[[], int]) -> None:
        self._soon = soon
        self._ticks = ticks_ns
        self._waiting: list[Parts] = []
        self._is_called = False
        _local.dismantler = self

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, parts: Parts) -> None:
        """Free these parts, by and by."""
        self._waiting.append(parts)
        if not self._is_called:
            self._is_called = True
            self._soon(self._step)

    def end(self) -> None:
        """The loop ends: what is left is freed at once, and so is all that follows."""
        if getattr(_local, "dismantler", None) is self:
            del _local.dismantler
        self._waiting.clear()

    def _step(self) -> None:
        """A slice."""
        deadline = self._ticks() + _SLICE_NS
        while self._waiting and self._ticks() < deadline:
            parts = self._waiting.pop()
            self._free_some(parts)
            if parts:
                self._waiting.append(parts)
        self._is_called = bool(self._waiting)
        if self._is_called:
            self._soon(self._step)

    def _free_some(self, parts: Parts) -> None:
        """Free a few parts; of those that are large themselves, the parts wait too."""
        take = parts.popitem if isinstance(parts, dict) else parts.pop
        for _ in range(min(_BETWEEN_LOOKS_AT_THE_CLOCK, len(parts))):
            part = take()
            if part.__class__ is dict and _holds_collections(part):
                self._waiting.append(part)


def _holds_collections(part: dict[Any, Any]) -> bool:
    """Whether a table's bucket holds more than strings and numbers; its first value tells."""
    return next(iter(part.values()), b"").__class__ not in _PLAIN


def dismantle(parts: Parts, local: threading.local = _local) -> None:
    """Free parts that nothing refers to any more. (`local` is bound here: modules go before objects at exit.)"""
    dismantler = getattr(local, "dismantler", None)
    if dismantler is not None and len(parts) >= LEAST:
        dismantler.add(parts)


def waiting() -> int:
    """How many structures wait to be freed on this thread."""
    return len(getattr(_local, "dismantler", ()))
