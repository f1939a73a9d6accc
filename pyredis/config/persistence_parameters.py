"""Rows of the parameter table. RDB, AOF, shutdown.

Times are in the unit Redis documents, sizes in bytes.
"""

from pyredis.config.checks import aof_directory, aof_name, dump_name
from pyredis.config.parameter import (
    DEBUG,
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    INT_MAX,
    INT_MIN,
    LONG_MAX,
    MULTI_ARG,
    OURS,
    PROTECTED,
    Bool,
    Enum,
    Flags,
    Integer,
    Memory,
    Parameter,
    Str,
)
from pyredis.config.special import Directory, Save

SHUTDOWN = ("default", "save", "nosave", "now", "force")

ROWS: tuple[Parameter, ...] = (
    Bool("aof-disable-auto-gc", False, HIDDEN),
    Bool("aof-load-truncated", True),
    Str("aof-rewrite-cpulist", "", IMMUTABLE, alias="aof_rewrite_cpulist", null=True),
    Bool("aof-rewrite-incremental-fsync", True),
    Bool("aof-timestamp-enabled", False),
    Bool("aof-use-rdb-preamble", True),
    Str("appenddirname", "appendonlydir", IMMUTABLE, check=aof_directory),
    Str("appendfilename", "appendonly.aof", IMMUTABLE, check=aof_name),
    Enum("appendfsync", ("everysec", "always", "no"), "everysec"),
    Bool("appendonly", False, DENY_LOADING),
    Memory("auto-aof-rewrite-min-size", 0, LONG_MAX, 64 * 1024 * 1024),
    Integer("auto-aof-rewrite-percentage", 0, INT_MAX, 100),
    Str("backup-dir", "", HIDDEN | OURS),
    Integer("backup-keep", 1, INT_MAX, 7, HIDDEN | OURS),
    Str("dbfilename", "dump.rdb", PROTECTED, check=dump_name),
    Directory("dir", "", PROTECTED | DENY_LOADING),
    Integer("key-load-delay", INT_MIN, INT_MAX, 0, HIDDEN),
    Integer("loading-process-events-interval-bytes", 1024, INT_MAX, 512 * 1024, HIDDEN),
    Bool("no-appendfsync-on-rewrite", False),
    Bool("rdb-del-sync-files", False),
    Integer("rdb-key-save-delay", INT_MIN, INT_MAX, 0, HIDDEN),
    Bool("rdb-save-incremental-fsync", True),
    Bool("rdbchecksum", True, IMMUTABLE),
    Bool("rdbcompression", True),
    Enum("sanitize-dump-payload", ("no", "yes", "clients"), "no", DEBUG),
    Save("save", ((3600, 1), (300, 100), (60, 10000)), MULTI_ARG),
    Flags("shutdown-on-sigint", SHUTDOWN, (), MULTI_ARG),
    Flags("shutdown-on-sigterm", SHUTDOWN, (), MULTI_ARG),
    Str("restore", "", IMMUTABLE | HIDDEN | OURS),
    Integer("shutdown-timeout", 0, INT_MAX, 10),
    Bool("stop-writes-on-bgsave-error", True),
)
