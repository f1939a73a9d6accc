"""Rows of the parameter table. Memory limits, eviction, expiry effort, encodings, lazy freeing.

Times are in the unit Redis documents, sizes in bytes.
"""

from pyredis.config.parameter import (
    DEBUG,
    INT_MAX,
    INT_MIN,
    LONG_MAX,
    ULONG_MAX,
    Bool,
    Enum,
    Integer,
    MemoryOrPercent,
    Parameter,
    Size,
    Unsigned,
)

POLICIES = (
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
)

ROWS: tuple[Parameter, ...] = (
    Integer("active-defrag-cycle-max", 1, 99, 25),
    Integer("active-defrag-cycle-min", 1, 99, 1),
    Size("active-defrag-ignore-bytes", 1, LONG_MAX, 100 << 20),
    Integer("active-defrag-max-scan-fields", 1, LONG_MAX, 1000),
    Integer("active-defrag-threshold-lower", 0, 1000, 10),
    Integer("active-defrag-threshold-upper", 0, 1000, 100),
    Integer("active-expire-effort", 1, 10, 1),
    Bool("activedefrag", False, DEBUG),
    Bool("activerehashing", True),
    Unsigned("hash-max-listpack-entries", 0, LONG_MAX, 512, alias="hash-max-ziplist-entries"),
    Size("hash-max-listpack-value", 0, LONG_MAX, 64, alias="hash-max-ziplist-value"),
    Size("hll-sparse-max-bytes", 0, LONG_MAX, 3000),
    Bool("jemalloc-bg-thread", True),
    Bool("lazyfree-lazy-eviction", False, DEBUG),
    Bool("lazyfree-lazy-expire", False, DEBUG),
    Bool("lazyfree-lazy-server-del", False, DEBUG),
    Bool("lazyfree-lazy-user-del", False, DEBUG),
    Bool("lazyfree-lazy-user-flush", False, DEBUG),
    Integer("lfu-decay-time", 0, INT_MAX, 1),
    Integer("lfu-log-factor", 0, INT_MAX, 10),
    Integer("list-compress-depth", 0, INT_MAX, 0, DEBUG),
    Integer("list-max-listpack-size", INT_MIN, INT_MAX, -2, alias="list-max-ziplist-size"),
    Size("maxmemory", 0, ULONG_MAX, 0),
    MemoryOrPercent("maxmemory-clients", -100, LONG_MAX, 0),
    Integer("maxmemory-eviction-tenacity", 0, 100, 10),
    Enum("maxmemory-policy", POLICIES, "noeviction"),
    Integer("maxmemory-samples", 1, 64, 5),
    Unsigned("set-max-intset-entries", 0, LONG_MAX, 512),
    Unsigned("set-max-listpack-entries", 0, LONG_MAX, 128),
    Unsigned("set-max-listpack-value", 0, LONG_MAX, 64),
    Size("stream-node-max-bytes", 0, LONG_MAX, 4096),
    Integer("stream-node-max-entries", 0, LONG_MAX, 100),
    Unsigned("tracking-table-max-keys", 0, LONG_MAX, 1000000),
    Unsigned("zset-max-listpack-entries", 0, LONG_MAX, 128, alias="zset-max-ziplist-entries"),
    Size("zset-max-listpack-value", 0, LONG_MAX, 64, alias="zset-max-ziplist-value"),
)
