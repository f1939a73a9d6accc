"""Settings of the machine that are bad for a server: `--check-system` prints them, and a start logs those of memory.

A check answers what is wrong and how to mend it, "" when nothing is, None where the machine does not tell.
"""

import os
from collections.abc import Callable
from pathlib import Path

from pyredis.clock import Clock

Check = Callable[[], str | None]

_CLOCKS = "/sys/devices/system/clocksource/clocksource0/"
_MEASURED_S = 0.05
_SYSTEM_SHARE = 0.1
"""From this share of the time on, reading the clock asks the kernel each time."""


def clock_is_slow() -> str | None:
    """Whether reading the clock is a call of the system."""
    name = _read(_CLOCKS + "current_clocksource")
    if name is None:
        return None
    clock = Clock()
    before, until = os.times(), clock.ticks_ns() + _MEASURED_S * 1_000_000_000
    while clock.ticks_ns() < until:
        pass
    after = os.times()
    system, user = after.system - before.system, after.user - before.user
    if system < _SYSTEM_SHARE * (system + user) or system + user < _MEASURED_S / 2:
        return ""
    return (
        f"Slow system clocksource detected: {name}. Available are: {_read(_CLOCKS + 'available_clocksource')}. "
        f"To use another one run 'echo tsc > {_CLOCKS}current_clocksource' as root, "
        "and set the kernel's parameter 'clocksource=' to keep it."
    )


def clock_is_xen() -> str | None:
    """Whether the clock is Xen's, which is slow."""
    name = _read(_CLOCKS + "current_clocksource")
    if name is None or name != "xen":
        return name and ""
    return (
        "Your system is configured to use the 'xen' clocksource, which is slow. "
        f"Run 'echo tsc > {_CLOCKS}current_clocksource' as root, "
        "and set the kernel's parameter 'clocksource=tsc' to keep it."
    )


def no_overcommit() -> str | None:
    """Whether a snapshot's child could be refused memory that it will not need."""
    mode = _read("/proc/sys/vm/overcommit_memory")
    if mode is None or mode == "1":
        return mode and ""
    return (
        "Memory overcommit must be enabled! Without it, a background save or replication may fail under low memory "
        "condition. To fix this issue add 'vm.overcommit_memory = 1' to /etc/sysctl.conf and then reboot or run the "
        "command 'sysctl vm.overcommit_memory=1' for this to take effect."
    )


def huge_pages() -> str | None:
    """Whether the system gives pages of 2 MB, each of which is copied whole while a child runs."""
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    mode = _read(path)
    if mode is None or "[always]" not in mode:
        return mode and ""
    return (
        "You have Transparent Huge Pages (THP) support enabled in your kernel. This will create latency and memory "
        f"usage issues. To fix this issue run the command 'echo madvise > {path}' as root, and add it to your "
        "/etc/rc.local in order to retain the setting after a reboot. The server must be restarted after that."
    )


CHECKS: dict[str, Check] = {
    "slow-clocksource": clock_is_slow,
    "xen-clocksource": clock_is_xen,
    "overcommit": no_overcommit,
    "THP": huge_pages,
}


def check_system() -> bool:
    """`--check-system`: print each check's outcome; whether nothing is wrong."""
    wrong = False
    for name, check in CHECKS.items():
        found = check()
        print(f"[{name}]...{'skipped' if found is None else 'WARNING:' if found else 'OK'}")
        if found:
            wrong = True
            print(found)
    return not wrong


def memory_warnings() -> list[str]:
    """What a start logs."""
    return [found for check in (no_overcommit, huge_pages) if (found := check())]


def backlog_limit() -> int | None:
    """How many connections may wait to be accepted at most; None where the system does not tell."""
    text = _read("/proc/sys/net/core/somaxconn")
    return None if text is None else int(text)


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return None
