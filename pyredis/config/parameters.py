"""Every parameter of Redis 8.2.3 (with its hidden ones), by area. Defaults are those compiled into Redis.

`io-threads-do-reads`, a parameter of 7.0, is accepted in a file and means nothing, as in 8.2 (see
`store.OBSOLETE`).
"""

from pyredis.config import (
    cluster_parameters,
    memory_parameters,
    network_parameters,
    persistence_parameters,
    replication_parameters,
    server_parameters,
)
from pyredis.config.parameter import Parameter

ALL: tuple[Parameter, ...] = (
    *network_parameters.ROWS,
    *server_parameters.ROWS,
    *memory_parameters.ROWS,
    *persistence_parameters.ROWS,
    *replication_parameters.ROWS,
    *cluster_parameters.ROWS,
)

_ALLOCATOR = "the interpreter's allocator is not jemalloc"
_THREADS = "commands run in one thread"
_PROCESS = "belongs to a process of its own in C"

MEANINGLESS: tuple[tuple[str, str], ...] = (
    ("active-defrag-cycle-max", _ALLOCATOR),
    ("active-defrag-cycle-min", _ALLOCATOR),
    ("active-defrag-ignore-bytes", _ALLOCATOR),
    ("active-defrag-max-scan-fields", _ALLOCATOR),
    ("active-defrag-threshold-lower", _ALLOCATOR),
    ("active-defrag-threshold-upper", _ALLOCATOR),
    ("activedefrag", _ALLOCATOR),
    ("activerehashing", "dict rehashes itself"),
    ("aof-rewrite-cpulist", _PROCESS),
    ("bgsave-cpulist", _PROCESS),
    ("bio-cpulist", _THREADS),
    ("crash-log-enabled", _PROCESS),
    ("crash-memcheck-enabled", _PROCESS),
    ("disable-thp", _PROCESS),
    ("ignore-warnings", "there are no such warnings"),
    ("io-threads", _THREADS),
    ("jemalloc-bg-thread", _ALLOCATOR),
    ("locale-collate", "strings compare by bytes"),
    ("oom-score-adj", _PROCESS),
    ("oom-score-adj-values", _PROCESS),
    ("prefetch-batch-max-size", _THREADS),
    ("proc-title-template", _PROCESS),
    ("server-cpulist", _PROCESS),
    ("set-proc-title", _PROCESS),
    ("use-exit-on-panic", _PROCESS),
    ("vset-force-single-threaded-execution", _THREADS),
    ("watchdog-period", _PROCESS),
)
"""Accepted, kept and shown, without effect: (name, why)."""
