from tests.cluster.partitions.appends import Append, Read, check
from tests.replication.partitions.history import Outcome

OK, FAILED, INDETERMINATE = Outcome


def appends(*outcomes):
    """Appends of 0, 1, … to `a` with these outcomes."""
    return [Append("a", value, value, value + 1, outcome, 1) for value, outcome in enumerate(outcomes)]


def reads(*values):
    return [Read("a", tuple(each), 1) for each in values]


def test_all_is_well():
    verdict = check(appends(OK, FAILED, INDETERMINATE, OK), reads((), (0,), (0, 2), (0, 2, 3)), {"a": [0, 2, 3]})
    assert (verdict.acknowledged, verdict.refused, verdict.indeterminate) == (2, 1, 1)
    assert not (verdict.lost or verdict.resurrected or verdict.repeated or verdict.torn)


def test_what_is_lost_resurrected_and_repeated():
    verdict = check(appends(OK, FAILED, OK), [], {"a": [1, 2, 2]})
    assert [done.value for done in verdict.lost] == [0]
    assert verdict.resurrected == {1}
    assert verdict.repeated == {2}


def test_a_read_of_what_is_lost_is_no_tear():
    verdict = check(appends(OK, OK, OK), reads((0, 1), (0, 2)), {"a": [0, 2]})
    assert not verdict.torn


def test_reordered_and_skipping_reads_are_torn():
    verdict = check(appends(OK, OK, OK), reads((1, 0), (1, 2), (0, 1, 2)), {"a": [0, 1, 2]})
    assert [read.values for read in verdict.torn] == [(1, 0), (1, 2)]
