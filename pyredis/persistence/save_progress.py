"""How far a save in the background is, and the memory that a forked child and the server no longer share.

The child is another process, so its numbers stand in a page that both have. It alone writes them, each is one word, and
whoever reads one may see it a little late, nothing else. Where the server itself saves, it writes them, and shares all.
"""

import mmap
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.engine.observability.info import Fields

_PAGE = 4096
_KEYS, _UNSHARED, _PEAK, _MEASURED_AT, _SUM, _COUNT = range(6)
_MEASURE_EVERY_NS = 1_000_000_000  # it takes the kernel some ms in a large process
_SECOND_NS = 1_000_000_000
_PRIVATE = re.compile(rb"^Private_Dirty: +(\d+) kB", re.MULTILINE)

_AT_REST = dict.fromkeys(("current_cow_peak", "current_cow_size", "current_cow_size_age"), 0) | {
    "current_fork_perc": "0.00",
    "current_save_keys_processed": 0,
    "current_save_keys_total": 0,
}


class SaveProgress:
    """A component. `last` holds, by the kind of save, the bytes that were not shared when the last one ended."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._numbers: memoryview | None = None  # made for the first save
        self._total = 0
        self._active = False
        self._parent = 0  # who began it
        self.last = {"rdb": 0, "aof": 0}
        engine.info.add("Persistence", self._fields)

    # Who saves

    def begin(self) -> None:
        """A save of all keys there are now begins. Raises OSError where there is no memory for a page."""
        if self._numbers is None:
            self._numbers = memoryview(mmap.mmap(-1, _PAGE)).cast("q")
        for at in range(_COUNT + 1):
            self._numbers[at] = 0
        self._total = sum(len(db) for db in self._engine.keyspace.databases)
        self._active = True
        self._parent = os.getpid()

    def end(self, kind: str) -> None:
        """It is over."""
        if self._numbers is not None:
            self.last[kind] = self._numbers[_UNSHARED]
        self._active = False

    def written(self, keys: int) -> None:
        """So many more keys are written."""
        if self._active and self._numbers is not None:
            self._numbers[_KEYS] += keys

    def measure(self, *, final: bool = False) -> bool:
        """In the child: see, once a second, what is its own by now, and whether the server still lives. Did it now?"""
        numbers, now = self._numbers, self._engine.clock.ticks_ns()
        if numbers is None or not (final or now - numbers[_MEASURED_AT] >= _MEASURE_EVERY_NS):
            return False
        if os.getppid() != self._parent and not final:
            os._exit(1)  # nobody waits for it
        numbers[_UNSHARED] = _private_memory()
        numbers[_PEAK] = max(numbers[_PEAK], numbers[_UNSHARED])
        numbers[_MEASURED_AT] = now
        numbers[_SUM] += numbers[_UNSHARED]
        numbers[_COUNT] += 1
        return True

    @property
    def in_words(self) -> str:
        """What was measured, as the child logs it."""
        numbers = self._numbers
        if numbers is None:
            return "nothing measured"
        mean = numbers[_SUM] // max(numbers[_COUNT], 1)
        return f"current {numbers[_UNSHARED] >> 20} MB, peak {numbers[_PEAK] >> 20} MB, average {mean >> 20} MB"

    # Who asks

    def _fields(self) -> "Fields":
        fields: Fields = {f"{kind}_last_cow_size": size for kind, size in self.last.items()}
        numbers = self._numbers
        if not self._active or numbers is None:
            return fields | _AT_REST
        measured, keys = numbers[_MEASURED_AT], numbers[_KEYS]
        return fields | {
            "current_cow_peak": numbers[_PEAK],
            "current_cow_size": numbers[_UNSHARED],
            "current_cow_size_age": (self._engine.clock.ticks_ns() - measured) // _SECOND_NS if measured else 0,
            "current_fork_perc": f"{100 * keys / max(self._total, 1):.2f}",
            "current_save_keys_processed": keys,
            "current_save_keys_total": self._total,
        }


def _private_memory() -> int:
    """Bytes that this process shares with no other; 0 where the system does not tell."""
    try:
        found = _PRIVATE.search(Path("/proc/self/smaps_rollup").read_bytes())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0
