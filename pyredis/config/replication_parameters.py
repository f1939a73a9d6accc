"""Rows of the parameter table. Master and replica.

Times are in the unit Redis documents, sizes in bytes.
"""

from pyredis.config.parameter import (
    DEBUG,
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    INT_MAX,
    LONG_MAX,
    MULTI_ARG,
    SENSITIVE,
    Bool,
    Enum,
    Integer,
    Memory,
    Parameter,
    Str,
)
from pyredis.config.special import ReplicaOf

ROWS: tuple[Parameter, ...] = (
    Str("masterauth", "", SENSITIVE, null=True),
    Str("masteruser", "", SENSITIVE, null=True),
    Integer("min-replicas-max-lag", 0, INT_MAX, 10, alias="min-slaves-max-lag"),
    Integer("min-replicas-to-write", 0, INT_MAX, 0, alias="min-slaves-to-write"),
    Memory("repl-backlog-size", 1, LONG_MAX, 1024 * 1024, clamp=(16384, LONG_MAX)),
    Integer("repl-backlog-ttl", 0, LONG_MAX, 60 * 60),
    Bool("repl-disable-tcp-nodelay", False),
    Enum("repl-diskless-load", ("disabled", "on-empty-db", "swapdb"), "disabled", DEBUG | DENY_LOADING),
    Bool("repl-diskless-sync", True, DEBUG),
    Integer("repl-diskless-sync-delay", 0, INT_MAX, 5),
    Integer("repl-diskless-sync-max-replicas", 0, INT_MAX, 0),
    Integer("repl-ping-replica-period", 1, INT_MAX, 10, alias="repl-ping-slave-period"),
    Bool("repl-rdb-channel", True, HIDDEN),
    Integer("repl-timeout", 1, INT_MAX, 60),
    Str("replica-announce-ip", alias="slave-announce-ip", null=True),
    Integer("replica-announce-port", 0, 65535, 0, alias="slave-announce-port"),
    Bool("replica-announced", True),
    Memory("replica-full-sync-buffer-limit", 0, LONG_MAX, 0),
    Bool("replica-ignore-disk-write-errors", False),
    Bool("replica-ignore-maxmemory", True, alias="slave-ignore-maxmemory"),
    Bool("replica-lazy-flush", False, alias="slave-lazy-flush"),
    Integer("replica-priority", 0, INT_MAX, 100, alias="slave-priority"),
    Bool("replica-read-only", True, DEBUG, alias="slave-read-only"),
    Bool("replica-serve-stale-data", True, alias="slave-serve-stale-data"),
    ReplicaOf("replicaof", None, IMMUTABLE | MULTI_ARG, alias="slaveof"),
)
