"""How often cron runs."""

from pytest import mark

from tests.observed import Observed


@mark.parametrize(("clients", "hz"), [(1, 10), (2009, 10), (2010, 20), (4100, 40), (90_000, 500), (150_000, 500)])
def test_many_clients_make_it_run_more_often(clients, hz):
    """With the configured 10 there would be more than 200 clients to a run (Redis's dynamic-hz)."""
    observed = Observed()
    observed.engine.connected = clients
    assert observed.engine.hz == hz


def test_if_it_may():
    observed = Observed()
    observed.engine.connected = 10_000
    observed.line("CONFIG SET dynamic-hz no")
    assert observed.engine.hz == 10
    observed.line("CONFIG SET hz 100")
    assert observed.engine.hz == 100
