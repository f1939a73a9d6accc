"""Waiting for what others do: asked again and again until it is so, or until it has taken too long."""

from collections.abc import Callable

from pyredis.clock import Clock
from pyredis.local_cluster.trouble import Trouble

_PAUSE_S = 0.05


class Patience:
    """`wait` lasts `seconds` at most."""

    def __init__(self, clock: Clock, seconds: float = 60) -> None:
        self._clock = clock
        self._ns = int(seconds * 1e9)

    def wait(self, holds: Callable[[], bool], otherwise: Callable[[], str]) -> None:
        """Until `holds()`; an OSError of it counts as not yet. Raises Trouble with what `otherwise()` says."""
        ends = self._clock.ticks_ns() + self._ns
        while not _holds(holds):
            if self._clock.ticks_ns() > ends:
                raise Trouble(otherwise())
            self._clock.sleep(_PAUSE_S)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except OSError:
        return False
