import pytest

from benchmarks import cluster_mode


@pytest.mark.slow
def test_every_case_is_measured(monkeypatch):
    monkeypatch.setattr(cluster_mode, "KEYS", 500)
    for command in ("SET", "GET"):
        figures = cluster_mode.measure(command, 2, 10)
        assert list(figures) == ["plain", "slotted", "routed"]
        assert all(0 < figure < 1e6 for figure in figures.values())


def test_cases_are_what_they_are_called(monkeypatch):
    monkeypatch.setattr(cluster_mode, "KEYS", 50)
    plain, slotted, routed = (cluster_mode.prepared(case).client.engine for case in cluster_mode.CASES)
    for engine, by_slot, asks in ((plain, False, False), (slotted, True, False), (routed, True, True)):
        assert hasattr(engine.keyspace.databases[0], "count_in_slot") == by_slot
        assert (engine.router is not None) == asks
