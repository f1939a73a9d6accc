"""Rows of the parameter table. Cluster.

Times are in the unit Redis documents, sizes in bytes.
"""

from pyredis.config.checks import hostname, node_name
from pyredis.config.parameter import (
    HIDDEN,
    IMMUTABLE,
    INT_MAX,
    LONG_MAX,
    OURS,
    ULONG_MAX,
    Bool,
    Enum,
    Integer,
    Parameter,
    Size,
    Str,
)

ROWS: tuple[Parameter, ...] = (
    Str("availability-zone", flags=HIDDEN | OURS),  # of Valkey 8.1
    Bool("cluster-allow-pubsubshard-when-down", True),
    Bool("cluster-allow-reads-when-down", False),
    Bool("cluster-allow-replica-migration", True),
    Integer("cluster-announce-bus-port", 0, 65535, 0),
    Str("cluster-announce-hostname", null=True, check=hostname),
    Str("cluster-announce-human-nodename", null=True, check=node_name),
    Str("cluster-announce-ip", null=True),
    Integer("cluster-announce-port", 0, 65535, 0),
    Integer("cluster-announce-tls-port", 0, 65535, 0),
    Integer("cluster-compatibility-sample-ratio", 0, 100, 0),
    Str("cluster-config-file", "nodes.conf", IMMUTABLE),
    Bool("cluster-enabled", False, IMMUTABLE),
    Size("cluster-link-sendbuf-limit", 0, ULONG_MAX, 0),
    Integer("cluster-migration-barrier", 0, INT_MAX, 1),
    Integer("cluster-node-timeout", 0, LONG_MAX, 15000),
    Integer("cluster-ping-interval", 0, LONG_MAX, 0, HIDDEN),
    Integer("cluster-port", 0, 65535, 0, IMMUTABLE),
    Enum("cluster-preferred-endpoint-type", ("ip", "hostname", "unknown-endpoint"), "ip"),
    Bool("cluster-replica-no-failover", False, alias="cluster-slave-no-failover"),
    Integer("cluster-replica-validity-factor", 0, INT_MAX, 10, alias="cluster-slave-validity-factor"),
    Bool("cluster-require-full-coverage", True),
    Bool("cluster-slot-stats-enabled", False),
)
