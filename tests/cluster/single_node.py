"""A cluster of one node that has all slots: ours, and the real server."""

import contextlib
import tempfile

from pyredis.testing import RedisServer
from tests.oracle import RawClient, ask, binary_8_2, encode, free_port, real_server, wait_for


@contextlib.contextmanager
def ours(**config):
    """The port of one of ours; parameters with underscores."""
    with tempfile.TemporaryDirectory() as folder:
        given = {name.replace("_", "-"): value for name, value in config.items()}
        with RedisServer({"cluster-enabled": "yes", "dir": folder, "enable-debug-command": "yes", **given}) as server:
            take_all(server.port)
            yield server.port


@contextlib.contextmanager
def real(**config):
    """The port of Redis 8.2.3, or None where that is not installed."""
    if binary_8_2() is None:
        yield None
        return
    words = [word for name, value in config.items() for word in (f"--{name.replace('_', '-')}", value)]
    words += ["--enable-debug-command", "yes", "--cluster-port", str(free_port())]
    with real_server(binary_8_2(), "--cluster-enabled", "yes", *words) as port:
        take_all(port)
        yield port


def take_all(port):
    ask(port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    wait_for(lambda: b"cluster_state:ok" in ask(port, "CLUSTER", "INFO"))


class Pair:
    """Asks both, and compares."""

    def __init__(self, *ports):
        self.clients = [RawClient(port) for port in ports]
        for client in self.clients:
            client.ask("FLUSHALL")

    def __call__(self, *words):
        ours, real = (client.ask(*words) for client in self.clients)
        assert ours == real, (words, ours, real)
        return ours

    def send(self, data):
        for client in self.clients:
            client.send(data)

    def close(self):
        for client in self.clients:
            client.close()


__all__ = ["Pair", "encode", "ours", "real"]
