import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("config_oracle", Path(__file__).parent / "oracle.py")
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Redis 8.2.3 without a configuration file."""
    server = oracle.RealServer(tmp_path_factory.mktemp("real"), "--enable-protected-configs", "yes")
    yield server
    server.close()


@pytest.fixture
def start_real(tmp_path):
    """`start_real(*arguments)` starts a server of one's own."""
    servers = []

    def start(*arguments):
        servers.append(oracle.RealServer(tmp_path, *arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def redis_binary():
    """The path of redis-server 8.2.3."""
    return oracle.binary()
