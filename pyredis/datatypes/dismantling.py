"""Freeing what is large in slices: to free a million elements in one go would stop the server for a tenth of a second.

A structure that may grow large hands its parts to `dismantle` when the last reference to it is gone (`__del__`), so
nobody has to look at what he deletes or overwrites. On a thread that runs servers a `Dismantler` takes a few parts
apart at a time, between reads; elsewhere, and for few parts, all is freed at once as Python does. What is freed does
not tell whose it was, so the servers of a thread help each other: any of them takes it, and one that ends hands on.
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

Parts = list[Any] | deque[Any] | dict[Any, Any]


class _Thread(threading.local):
    """The dismantlers of a thread that did not end."""

    def __init__(self) -> None:
        self.dismantlers: list[Dismantler] = []


class Dismantler:
    """What waits to be freed. `soon(step)` has a host call `step` on this thread when it has served its clients."""

    def __init__(self, soon: Callable[[Callable[[], None]], object], ticks_ns: Callable[[], int]) -> None:
        self._soon = soon
        self._ticks = ticks_ns
        self._waiting: list[Parts] = []
        self._is_called = False
        _local.dismantlers.append(self)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, parts: Parts) -> None:
        """Free these parts, by and by."""
        self._waiting.append(parts)
        if not self._is_called:
            self._is_called = True
            self._soon(self._step)

    def end(self) -> None:
        """The server ends: what is left is another's, or freed at once where there is none."""
        if self in _local.dismantlers:
            _local.dismantlers.remove(self)
        left, self._waiting = self._waiting, []
        if _local.dismantlers:
            for parts in left:
                _local.dismantlers[-1].add(parts)

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


_local = _Thread()


def dismantle(parts: Parts, local: _Thread = _local) -> None:
    """Free parts that nothing refers to any more. (`local` is bound here: modules go before objects at exit.)"""
    if len(parts) >= LEAST and local.dismantlers:
        local.dismantlers[-1].add(parts)


def waiting() -> int:
    """How many structures wait to be freed on this thread."""
    return sum(map(len, _local.dismantlers))
