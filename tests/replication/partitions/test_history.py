import pytest
from hiredis import ReplyError

from tests.replication.partitions.history import Operation, Outcome, check, outcome_of

OK, FAILED, INDETERMINATE = Outcome
REFUSED = ReplyError("NOREPLICAS Not enough good replicas to write.")


def history(*outcomes):
    """Operations with these outcomes that add 0, 1, … and end at second 1, 2, …"""
    return [Operation(value, value, value + 1, outcome) for value, outcome in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("replies", "asked", "outcome"),
    [
        ([1], None, OK),
        ([REFUSED], None, FAILED),
        ([], None, INDETERMINATE),
        ([], 1, INDETERMINATE),
        ([1, 1], 1, OK),
        ([1, 2], 1, OK),
        ([7, 0], 1, INDETERMINATE),
        ([7, 1], 2, INDETERMINATE),
        ([7], 2, INDETERMINATE),
        ([7, ReplyError("UNBLOCKED force unblock")], 1, INDETERMINATE),
        ([REFUSED, 2], 1, FAILED),
    ],
)
def test_what_a_client_may_believe(replies, asked, outcome):
    assert outcome_of(replies, asked) is outcome


def test_all_acknowledged_and_there_is_no_loss():
    verdict = check(history(OK, OK, OK), [2, 0, 1])
    assert (verdict.acknowledged, verdict.lost) == (3, set())


def test_acknowledged_and_not_there_is_lost():
    assert check(history(OK, OK, INDETERMINATE), [1]).lost == {0}


def test_indeterminate_may_live_or_die():
    verdict = check(history(INDETERMINATE, INDETERMINATE), [1])
    assert (verdict.lost, verdict.resurrected, verdict.indeterminate, verdict.survived) == (set(), set(), 2, 1)


def test_refused_and_there_is_resurrected():
    verdict = check(history(FAILED, FAILED), [1])
    assert (verdict.resurrected, verdict.refused) == ({1}, 2)


def test_twice_there_is_repeated_and_unknown_is_invented():
    verdict = check(history(OK), [0, 0, 9])
    assert (verdict.repeated, verdict.invented) == ({0}, {9})
