"""Who may go on where he was: the decision as a table."""

import pytest

from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.roster import Clients
from pyredis.replication.partial_sync import PartialSyncs
from pyredis.replication.replica import Replica, State
from pyredis.replication.replicas import Replicas
from tests.observed import Observed
from tests.replication.wires import Kept, Taking

ID, SECOND, FOREIGN = "a" * 40, "b" * 40, "c" * 40
FIRST, END, SECOND_TO = 101, 201, 151

NO_BACKLOG = "for lack of backlog"
MISMATCH = "Replication ID mismatch"
TABLE = [  # id, offset, what the log says where it is refused
    (ID, FIRST, ""),
    (ID, FIRST - 1, NO_BACKLOG),
    (ID, SECOND_TO + 1, ""),
    (ID, END, ""),
    (ID, END + 1, "greater than the master replication offset"),
    (ID, 0, NO_BACKLOG),
    (ID, -1, NO_BACKLOG),
    (ID, -(2**63), NO_BACKLOG),
    (ID, 2**63 - 1, "greater than the master replication offset"),
    (SECOND, FIRST, ""),
    (SECOND, SECOND_TO, ""),
    (SECOND, SECOND_TO + 1, f"Requested offset for second ID was {SECOND_TO + 1}, but I can reply up to {SECOND_TO}"),
    (SECOND, FIRST - 1, NO_BACKLOG),
    (FOREIGN, FIRST, MISMATCH),
    ("?", -1, "Full resync requested by replica"),
    ("?", FIRST, "Full resync requested by replica"),
    ("0" * 40, -1, MISMATCH),
    ("", FIRST, MISMATCH),
    (ID.upper(), FIRST, MISMATCH),
]


@pytest.fixture
def engine():
    engine = Observed().engine
    propagation = engine[Propagation]
    propagation.id, propagation.offset = ID, FIRST - 1
    engine[Replicas].start_backlog()
    propagation.pass_on(b"x" * (END - FIRST))
    propagation.second_id, propagation.second_offset = SECOND, SECOND_TO
    return engine


@pytest.mark.parametrize(("id", "offset", "refusal"), TABLE)
def test_who_may_go_on(engine, id, offset, refusal):
    kept, sink = Kept(engine.log), Taking()
    replica = Replica(engine[Clients].connect(sink))
    replica.capabilities = frozenset([b"psync2"])
    accepted = engine[PartialSyncs].accept(replica, id.encode(), offset)
    assert accepted is not bool(refusal)
    assert refusal in "\n".join(kept.lines)
    stats = engine.stats
    assert (stats.partial_syncs, stats.partial_syncs_refused) == (int(accepted), int(not accepted and id != "?"))
    if accepted:
        assert sink.taken == b"+CONTINUE " + ID.encode() + b"\r\n" + b"x" * (END - offset)
        assert replica.state is State.ONLINE
    else:
        assert not sink.taken
        assert replica.state is None


def test_an_old_replica_is_not_told_the_id(engine):
    sink = Taking()
    replica = Replica(engine[Clients].connect(sink))
    assert engine[PartialSyncs].accept(replica, ID.encode(), END)
    assert sink.taken == b"+CONTINUE\r\n"


def test_without_a_backlog_nobody_can(engine):
    engine[Replicas].end_backlog()
    replica = Replica(engine[Clients].connect(Taking()))
    assert not engine[PartialSyncs].accept(replica, ID.encode(), END)
