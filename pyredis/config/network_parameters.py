"""Rows of the parameter table. Listening, clients, TLS.

Times are in the unit Redis documents, sizes in bytes.
"""

from pyredis.config.parameter import (
    DEBUG,
    HIDDEN,
    IMMUTABLE,
    INT_MAX,
    LONG_MAX,
    MULTI_ARG,
    SENSITIVE,
    UINT_MAX,
    VOLATILE,
    Bool,
    Enum,
    Integer,
    Memory,
    Octal,
    Parameter,
    Size,
    Str,
    Unsigned,
)
from pyredis.config.special import Bind, BufferLimits

ROWS: tuple[Parameter, ...] = (
    Bind("bind", ("*", "-::*"), MULTI_ARG),
    Str("bind-source-addr", null=True),
    BufferLimits(
        "client-output-buffer-limit", ((0, 0, 0), (2**28, 2**26, 60), (2**25, 2**23, 60)), MULTI_ARG
    ),
    Size("client-query-buffer-limit", 1024 * 1024, LONG_MAX, 1024 * 1024 * 1024, DEBUG),
    Integer("io-threads", 1, 128, 1, DEBUG | IMMUTABLE),
    Unsigned("max-new-connections-per-cycle", 1, 1000, 10),
    Unsigned("max-new-tls-connections-per-cycle", 1, 1000, 1),
    Unsigned("maxclients", 1, UINT_MAX, 10000),
    Integer("port", 0, 65535, 6379),
    Integer("prefetch-batch-max-size", 0, 128, 16, HIDDEN),
    Bool("protected-mode", True),
    Memory("proto-max-bulk-len", 1024 * 1024, LONG_MAX, 512 * 1024 * 1024, DEBUG),
    Unsigned("socket-mark-id", 0, UINT_MAX, 0, IMMUTABLE),
    Integer("tcp-backlog", 0, INT_MAX, 511, IMMUTABLE),
    Integer("tcp-keepalive", 0, INT_MAX, 300),
    Integer("timeout", 0, INT_MAX, 0),
    Enum("tls-auth-clients", ("no", "yes", "optional"), "yes"),
    Str("tls-ca-cert-dir", "", VOLATILE, null=True),
    Str("tls-ca-cert-file", "", VOLATILE, null=True),
    Str("tls-cert-file", "", VOLATILE, null=True),
    Str("tls-ciphers", null=True),
    Str("tls-ciphersuites", null=True),
    Str("tls-client-cert-file", "", VOLATILE, null=True),
    Str("tls-client-key-file", "", VOLATILE, null=True),
    Str("tls-client-key-file-pass", "", SENSITIVE, null=True),
    Bool("tls-cluster", False),
    Str("tls-dh-params-file", "", VOLATILE, null=True),
    Str("tls-key-file", "", VOLATILE, null=True),
    Str("tls-key-file-pass", "", SENSITIVE, null=True),
    Integer("tls-port", 0, 65535, 0),
    Bool("tls-prefer-server-ciphers", False),
    Str("tls-protocols", null=True),
    Bool("tls-replication", False),
    Integer("tls-session-cache-size", 0, INT_MAX, 20 * 1024),
    Integer("tls-session-cache-timeout", 0, INT_MAX, 300),
    Bool("tls-session-caching", True),
    Str("unixsocket", "", IMMUTABLE, null=True),
    Octal("unixsocketperm", 0, 0o777, 0, IMMUTABLE),
)
