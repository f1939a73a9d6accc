import pytest

from benchmarks import hooks
from pyredis.engine.execution.propagation import Propagation


@pytest.mark.slow
def test_every_case_is_measured_and_told_with_its_goal():
    figures = hooks.measure(2, 20)
    assert list(figures) == ["plain", "routed", "clustered", "read"]
    assert all(0 < figure < 1e6 for figure in figures.values())
    assert len(hooks.lines(figures)) == 5


def test_cases_have_their_hooks_on():
    plain, routed, clustered, read = (hooks.prepared(case).engine for case in hooks.CASES)
    assert (plain.router, plain[Propagation].active) == (None, False)
    assert routed.router is not None and clustered.router is not None
    assert read[Propagation].offset > 1000 * len(b"SET key:000000000000 xxx")


def test_goals_are_met_or_missed():
    figures = {"plain": 700.0, "routed": 850.0, "clustered": 950.0, "read": 1001.0}
    _, _, routed, clustered, read = hooks.lines(figures)
    assert clustered.split() == ["clustered", "950", "250", "<=", "250", "met"]
    assert routed.split() == ["routed", "850", "150", "<=", "150", "met"]
    assert read.split() == ["read", "1001", "301", "<=", "300", "missed"]
