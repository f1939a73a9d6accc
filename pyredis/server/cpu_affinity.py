"""`server-cpulist` and its kin: which processors the server, its threads and its children may run on.

A list is made of numbers and ranges, `0,2,4-7` or `0-10:2` with a step. One that is none is passed over, as in Redis,
and so are all where the system has no such choice.
"""

import contextlib
import os
import re

from pyredis.engine.engine import Engine
from pyredis.persistence.background import Background
from pyredis.persistence.disk import Disk

_RANGE = r"(\d+)(?:-(\d+)(?::(\d+))?)?"
_MOST = 1024


def parse_cpulist(text: str) -> set[int]:
    """The processors that are listed; none when something in it cannot be understood."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(_RANGE, part.strip())
        if match is None:
            return set()
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        found.update(range(min(first, _MOST), min(last, _MOST) + 1, max(step, 1)))
    return found


def pin(text: str | None) -> None:
    """Let this thread, and what it starts, run on these processors only."""
    processors = parse_cpulist(text) if text else set()
    if processors and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # none of them is there
            os.sched_setaffinity(0, processors)


def pin_process(engine: Engine) -> None:
    """Where the configuration says, now and in what begins later."""
    config = engine.config
    lists = {"rdb": config["bgsave-cpulist"], "aof": config["aof-rewrite-cpulist"]}
    engine[Background].on_child.append(lambda kind: pin(lists[kind]))
    if config["bio-cpulist"]:
        engine[Disk].on_thread = lambda: pin(config["bio-cpulist"])
    pin(config["server-cpulist"])
