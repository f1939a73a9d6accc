"""INFO's fields of what no component owns, with the names of Redis 8.2: a function a section.

What only the C server could fill has the value of one that was built without jemalloc and has no threads.
`server_name` and `pyredis_version` tell who really answers.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import pyredis
from pyredis.datatypes.dismantling import waiting
from pyredis.engine.client import CLOSED, TURN
from pyredis.engine.execution.roles import NORMAL
from pyredis.engine.memory.used_memory import STARTUP, Memory
from pyredis.engine.observability.info import Fields
from pyredis.engine.roster import Clients

if TYPE_CHECKING:
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine
    from pyredis.keyspace.database import Database

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MODULE_LIST: list[dict[bytes, object]] = [{b"name": b"vectorset", b"ver": 1, b"path": b"", b"args": []}]
"""What MODULE LIST and HELLO tell: what Redis has as modules and is built in here."""

TTL_SAMPLES = 100
"""How many expiries the average TTL is taken from."""
_UNSAFE = str.maketrans("#:\n\r", "____")
_UNITS = ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K"))

SectionOf = Callable[["Engine"], Fields]


class ServerInfo:
    """The component that gives `engine.info` its sections, and remembers what memory use has been (bytes)."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._peak_seen_s = engine.started_ms // 1000
        for title, section in SECTIONS.items():
            by_default = title not in ("Commandstats", "Latencystats")
            engine.info.add(title, self._bound(section), by_default=by_default)
        engine.info.add("Stats", engine.stats.fields)

    def _bound(self, section: SectionOf) -> Callable[[], Fields]:
        if section is memory:
            return self._memory
        return lambda: section(self._engine)

    def _memory(self) -> Fields:
        engine = self._engine
        used = engine[Memory].used()
        if used > engine.stats.peak_memory:
            engine.stats.peak_memory = used
            self._peak_seen_s = engine.clock.now_ms() // 1000
        fields = memory(engine)
        fields["used_memory_peak_time"] = self._peak_seen_s
        return fields


def server(engine: "Engine") -> Fields:
    """Who and what it is, and since when."""
    config, now_us = engine.config, engine.clock.now_us()
    uptime = max(now_us // 1_000_000 - engine.started_ms // 1000, 0)
    system = platform.uname()
    return {
        "redis_version": pyredis.REDIS_VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": "0" * 16,
        "redis_mode": "cluster" if config["cluster-enabled"] else "standalone",
        "server_name": "pyredis",
        "pyredis_version": pyredis.__version__,
        "os": f"{system.system} {system.release} {system.machine}",
        "arch_bits": 64 if sys.maxsize > 1 << 32 else 32,
        "monotonic_clock": "POSIX clock_gettime",
        "multiplexing_api": "epoll" if sys.platform == "linux" else "asyncio",
        "atomicvar_api": "gil",
        "gcc_version": _compiler(),
        "python_version": platform.python_version(),
        "process_id": os.getpid(),
        "process_supervised": "systemd" if "NOTIFY_SOCKET" in os.environ else "no",
        "run_id": engine.run_id,
        "tcp_port": config["port"],
        "server_time_usec": now_us,
        "uptime_in_seconds": uptime,
        "uptime_in_days": uptime // 86400,
        "hz": engine.hz,
        "configured_hz": config["hz"],
        "lru_clock": now_us // 1_000_000 & 0xFFFFFF,
        "executable": sys.executable,
        "config_file": config.file or "",
        "io_threads_active": 0,
        "availability_zone": config["availability-zone"] or None,
        **_listeners(engine),
    }


def _compiler() -> str:
    """The version of GCC that made the interpreter; as Redis says it where another one did, 0.0.0."""
    name, _, version = platform.python_compiler().partition(" ")
    return version.split()[0] if name == "GCC" else "0.0.0"


def _listeners(engine: "Engine") -> Fields:
    """`listener0:name=tcp,bind=…,port=…`, and the Unix socket."""
    config = engine.config
    shown = []
    if config["port"]:
        binds = "".join(f",bind={host}" for host in config["bind"])
        shown.append(f"name=tcp{binds},port={config['port']}")
    if config["unixsocket"]:
        shown.append(f"name=unix,bind={config['unixsocket']}")
    return {f"listener{at}": text for at, text in enumerate(shown)}


def clients(engine: "Engine") -> Fields:
    """How many there are and what waits in their buffers."""
    everyone = list(engine[Clients].listed.values())
    return {
        "connected_clients": sum(one.role is NORMAL for one in everyone),
        "maxclients": engine.config["maxclients"],
        "client_recent_max_input_buffer": max((one.sink.input_pending() for one in everyone), default=0),
        "client_recent_max_output_buffer": max((one.sink.output_pending() for one in everyone), default=0),
        "blocked_clients": sum(one.waiting not in (None, TURN, CLOSED) for one in everyone),
    }


def memory(engine: "Engine") -> Fields:
    """What is used and what the process holds. `ServerInfo` fills in what needs a memory of its own, 0 here."""
    used, overhead, resident = engine[Memory].used(), engine[Memory].overhead(), resident_memory()
    parts: dict[str, int] = {name: part() for name, part in engine[Memory].parts.items()}
    peak = max(engine.stats.peak_memory, used)
    dataset = max(used - overhead, 0)
    machines = parts.get("vm_eval", 0) + parts.get("vm_functions", 0)
    scripts = parts.get("scripts_eval", 0) + parts.get("functions", 0)
    total, limit = _system_memory(), engine.config["maxmemory"]
    return {
        "used_memory": used,
        "used_memory_human": human(used),
        "used_memory_rss": resident,
        "used_memory_rss_human": human(resident),
        "used_memory_peak": peak,
        "used_memory_peak_human": human(peak),
        "used_memory_peak_time": 0,
        "used_memory_peak_perc": f"{100 * used / max(peak, 1):.2f}%",
        "used_memory_overhead": overhead,
        "used_memory_startup": STARTUP,
        "used_memory_dataset": dataset,
        "used_memory_dataset_perc": f"{100 * dataset / max(used - STARTUP, 1):.2f}%",
        "total_system_memory": total,
        "total_system_memory_human": human(total),
        "used_memory_lua": parts.get("vm_eval", 0),
        "used_memory_vm_eval": parts.get("vm_eval", 0),
        "used_memory_lua_human": human(parts.get("vm_eval", 0)),
        "used_memory_scripts_eval": parts.get("scripts_eval", 0),
        "used_memory_vm_functions": parts.get("vm_functions", 0),
        "used_memory_vm_total": machines,
        "used_memory_vm_total_human": human(machines),
        "used_memory_functions": parts.get("functions", 0),
        "used_memory_scripts": scripts,
        "used_memory_scripts_human": human(scripts),
        "maxmemory": limit,
        "maxmemory_human": human(limit),
        "maxmemory_policy": engine.config["maxmemory-policy"],
        **_allocator(used, resident),
        "mem_fragmentation_ratio": f"{resident / used:.2f}",
        "mem_fragmentation_bytes": resident - used,
        "mem_allocator": "python",
        "lazyfree_pending_objects": waiting(),
        "lazyfreed_objects": engine.stats.lazyfreed_objects,
    }


def _allocator(used: int, resident: int) -> Fields:
    """What Redis says when its allocator tells nothing: all that is held is active."""
    return {
        "allocator_allocated": used,
        "allocator_active": resident,
        "allocator_resident": resident,
        "allocator_muzzy": 0,
        "allocator_frag_ratio": f"{resident / used:.2f}",
        "allocator_frag_bytes": resident - used,
        "allocator_rss_ratio": "1.00",
        "allocator_rss_bytes": 0,
        "rss_overhead_ratio": "1.00",
        "rss_overhead_bytes": 0,
    }


def modules(engine: "Engine") -> Fields:
    """What `MODULE_LIST` has."""
    options = "options=[handle-io-errors|handle-repl-async-load]"
    return {"module": f"name=vectorset,ver=1,api=1,filters=0,usedby=[],using=[],{options}"}


def threads(engine: "Engine") -> Fields:
    """There is one."""
    counted = engine.stats
    return {"io_thread_0": f"clients={len(engine[Clients].listed)},reads={counted.reads},writes={counted.writes}"}


def stats(engine: "Engine") -> Fields:
    """What the keyspace has counted."""
    space = engine.keyspace
    return {
        "expired_subkeys": space.expired_fields,
        "expired_keys": space.expired_count,
        "keyspace_hits": space.hits,
        "keyspace_misses": space.misses,
    }


def cpu(engine: "Engine") -> Fields:
    """Seconds of processor time."""
    times = os.times()
    own, children = (times.system, times.user), (times.children_system, times.children_user)
    thread = own
    if resource is not None:
        own, children = _usage(resource.RUSAGE_SELF), _usage(resource.RUSAGE_CHILDREN)
        thread = _usage(getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF))
    return {
        f"used_cpu_{what}{whose}": f"{seconds:.6f}"
        for whose, pair in (("", own), ("_children", children), ("_main_thread", thread))
        for what, seconds in zip(("sys", "user"), pair, strict=True)
    }


def _usage(who: int) -> tuple[float, float]:
    usage = resource.getrusage(who)
    return usage.ru_stime, usage.ru_utime


def command_stats(engine: "Engine") -> Fields:
    """Calls and time of each command that was ever called or refused."""
    return {
        f"cmdstat_{_safe(entry)}": (
            f"calls={entry.calls},usec={entry.nanoseconds // 1000},"
            f"usec_per_call={entry.nanoseconds / 1000 / max(entry.calls, 1):.2f},"
            f"rejected_calls={entry.rejected},failed_calls={entry.failed}"
        )
        for entry in engine.rows()
        if entry.calls or entry.rejected or entry.failed
    }


def error_stats(engine: "Engine") -> Fields:
    """How often each error code was answered, in alphabetical order."""
    return {
        f"errorstat_{code.translate(_UNSAFE)}": f"count={count}" for code, count in sorted(engine.stats.errors.items())
    }


def latency_stats(engine: "Engine") -> Fields:
    """Percentiles of each command's duration, µs, if `latency-tracking` is on."""
    config = engine.config
    if not config["latency-tracking"]:
        return {}
    wanted = config["latency-tracking-info-percentiles"]
    return {
        f"latency_percentiles_usec_{_safe(entry)}": ",".join(
            f"p{percent:g}={_percentile(entry.histogram, percent):.3f}" for percent in wanted
        )
        for entry in engine.rows()
        if entry.calls
    }


def _percentile(histogram: list[int], percent: float) -> float:
    """The upper bound, µs, of the bucket that holds it."""
    left = percent / 100 * sum(histogram)
    bucket = 0
    for bucket, count in enumerate(histogram):  # noqa: B007
        left -= count
        if left <= 0 and count:
            break
    return 1.024 * (1 << bucket) - 0.001


def _safe(entry: "Entry") -> str:
    """A command's name without what would break INFO's lines."""
    return entry.command.name.translate(_UNSAFE)


def keyspace(engine: "Engine") -> Fields:
    """Each database that is not empty; `avg_ttl` in ms, from a sample."""
    return {
        f"db{db.index}": (
            f"keys={len(db)},expires={len(db.expires)},avg_ttl={average_ttl(db)},subexpiry={len(db.fields_due or ())}"
        )
        for db in engine.keyspace.databases
        if len(db)
    }


def average_ttl(db: "Database") -> int:
    """The mean time to live, ms, of up to 100 keys that expire; 0 if none does."""
    left = [max(when - db.space.now, 0) for when in islice(_expiries(db), TTL_SAMPLES)]
    return sum(left) // len(left) if left else 0


def _expiries(db: "Database") -> Iterator[int]:
    return (when for _, when in db.expires.items())


def human(size: int) -> str:
    """Bytes as INFO shows them to people: `701.92K`, `192B`."""
    for unit, letter in _UNITS:
        if size >= unit:
            return f"{size / unit:.2f}{letter}"
    return f"{size}B"


def resident_memory() -> int:
    """Bytes of memory the process holds; its peak where the present is not told, 0 where neither is."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        if resource is None:
            return 0
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _system_memory() -> int:
    """Bytes of memory the machine has; 0 where it does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


SECTIONS: dict[str, SectionOf] = {
    "Server": server,
    "Clients": clients,
    "Memory": memory,
    "Threads": threads,
    "Stats": stats,
    "CPU": cpu,
    "Modules": modules,
    "Commandstats": command_stats,
    "Errorstats": error_stats,
    "Latencystats": latency_stats,
    "Keyspace": keyspace,
}
