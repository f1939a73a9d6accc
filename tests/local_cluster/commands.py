"""`pyredis-cluster` as its user has it: in a folder of its own, on ports that are free, and ended afterwards."""

import contextlib
import signal
import subprocess
import sys

from pyredis.cluster.node import BUS_PORT_OFFSET
from pyredis.local_cluster.layout import find, pid_of
from pyredis.local_cluster.resp_client import is_free
from tests.oracle import free_port, wait_for

LAUNCHER = [sys.executable, "-m", "pyredis.local_cluster.launcher"]


def free_ports(count):
    """The first of so many ports in a row, with those of their buses."""
    while True:
        first = free_port() % 12_000 + 10_500  # below those that the system gives to who connects, with their buses
        if all(is_free(port) and is_free(port + BUS_PORT_OFFSET) for port in range(first, first + count)):
            return first


class Commands:
    """`run` is a command that ends; `up` goes on, and what it says is in `text`. Leaving the block ends all."""

    def __init__(self, folder):
        self.folder = folder / "cluster"
        self.log = folder / "up.log"
        self.process = None

    @property
    def text(self):
        return self.log.read_text()

    def run(self, *words):
        command = [*LAUNCHER, *words, "--dir", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    def up(self, *words):
        with self.log.open("w") as log:
            command = [*LAUNCHER, "up", *words, "--dir", str(self.folder)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.says("The cluster is ready")

    def says(self, text, timeout=60):
        def said():
            assert self.process.poll() is None or text in self.text, self.text
            return text in self.text

        wait_for(said, timeout)

    def ctrl_c(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
        layout = find(self.folder)
        for port in layout.ports if layout else ():
            if not is_free(port):
                self.run("kill", str(port))

    def processes(self):
        """Of the nodes, as far as they run."""
        layout = find(self.folder)
        return [port for port in layout.ports if pid_of(layout, port) is not None and not is_free(port)]
