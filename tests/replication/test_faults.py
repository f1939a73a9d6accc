"""Whatever the link does, and whatever a master or a replica says: it recovers, or refuses with a line in the log.

By default every seventh byte has its cut; `PYREDIS_EXAMPLES=1 pytest tests/replication/test_faults.py -n 2` cuts at
each. A command is never applied twice or half: at each place in the stream the dataset is compared.
"""

import pytest

from tests.machines import TIMES
from tests.replication.wires import TO_MASTER, TO_REPLICA, Watched, Wire

STEP = 1 if TIMES else 7
LEAST = {TO_REPLICA: 600, TO_MASTER: 180}
"""Bytes that pass, at least, until all is done."""
FORMS = {"sized": "no", "marked": "yes"}
LOADS = ("disabled", "on-empty-db", "swapdb")
DATA = ("SET s string", "INCR n", "RPUSH l a b", "SADD set x y", "HSET h f v", "ZADD z 1 m", "XADD x 1-1 f v")
STREAM = (
    "INCR n",
    "MULTI",
    "INCR n",
    "RPUSH l c",
    "SELECT 1",
    "INCR other",
    "EXEC",
    "SELECT 0",
    "APPEND s more",
    "WAIT 1 1",
    "INCR n",
)


def written(watched, replica):
    """What a master says to a replica in a session of its own: a dataset, then a stream of every kind."""
    watched.simulation.run_until(lambda: watched.in_step(replica), 3000)
    watched.run(*STREAM)
    watched.simulation.run_for(20)


def watched_on(folder, form, load, **more):
    watched = Watched(folder, repl_diskless_sync=FORMS[form], repl_diskless_load=load, **more)
    watched.run(*DATA)
    return watched


@pytest.fixture(params=[(form, load) for form in FORMS for load in LOADS], ids="-".join)
def watched(request, tmp_path):
    return watched_on(tmp_path, *request.param)


@pytest.mark.slow
@pytest.mark.parametrize("direction", [TO_REPLICA, TO_MASTER])
def test_cut_at_every_byte(watched, direction):
    cut, was_cut = 1, True
    while was_cut:
        watched.start_over(*DATA)
        wire = Wire(watched.simulation, cut_at=(direction, cut))
        replica = watched.replica("wire")
        written(watched, replica)
        watched.settle(replica)
        assert not replica.kept.failures + watched.master.kept.failures
        watched.end(replica)
        cut, was_cut = cut + STEP, wire.was_cut
    assert cut > LEAST[direction]


def test_a_byte_at_a_time(watched):
    Wire(watched.simulation, pieces=1)
    replica = watched.replica("wire")
    written(watched, replica)
    watched.settle(replica)
    assert not replica.kept.warnings


def test_late_and_slow(watched):
    """A connection that was given up comes back to life beside the one that replaced it."""
    watched.simulation.delay("m", "r1", 700, jitter=600)
    replica = watched.replica()
    written(watched, replica)
    for _ in range(5):
        watched.simulation.cut("m", "r1")
        watched.run(*STREAM)
        watched.simulation.run_for(7000)
        watched.check(replica)
        watched.simulation.heal("m", "r1")
        watched.run(*STREAM)
        watched.settle(replica)
    assert "MASTER timeout: no data nor PING received..." in replica.kept.warnings
