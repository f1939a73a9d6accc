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
