"""What all tests share: our server, the real ones, and `both`, which asks both and compares.

Answers of the real server are recorded under `tests/recorded/`, so that the comparisons also run where no oracle is
installed: with one they are made live, and `--record` writes them anew.
"""

import pytest
from hypothesis import settings

from pyredis.testing import RedisServer
from tests.oracle import Both, Recording, oracle_8_2

# How long an example takes says nothing where several workers share two cores.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


def pytest_addoption(parser):
    parser.addoption("--record", action="store_true", help="write the real server's answers to tests/recorded/")


@pytest.fixture(scope="session")
def server():
    """Our server, shared by a worker's tests."""
    with RedisServer({"enable-debug-command": "yes"}) as running:
        yield running


@pytest.fixture(scope="session")
def oracle():
    """Redis 8.2.3, or None where it is not installed."""
    with oracle_8_2() as running:
        yield running


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def both(request, server, oracle):
    """`both("SET", "k", "v")` sends a command to ours and to the real server and compares the raw replies."""
    with Recording(request, live=oracle is not None) as recording:
        comparison = Both(server, oracle, recording, request.param)
        yield comparison
        comparison.close()
