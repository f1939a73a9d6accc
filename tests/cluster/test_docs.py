"""docs/cluster.md: every block is run, line by line, and answers what stands there.

A line `$ …` is a command, `> …` goes on with it, the others are what it prints; `…` is anything. Ports are exchanged
for free ones. What is true only a moment later is asked again until it is. `pyredis-cluster up` is a terminal's, so it
goes on while the others run.
"""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.documents import steps
from tests.local_cluster.commands import free_ports

TEXT = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text()
TENS = sorted(set(re.findall(r"\b7[0-3]0(?=[0-9]\b)", TEXT)))
"""Ports but for their last digits: those of a ten lie side by side."""
CHANGES = re.compile(
    r"^(mkdir|for .*; do\n|python|pyredis-cluster (kill|start|add|re|down)"
    r"|redis-cli --cluster (create|re|import)"  # a node that is refused now may be taken a moment later
    r"|redis-cli (-c )?-p \d+ (mset|incr|cluster failover|shutdown))"
)
WAIT_S = 60


class Shell:
    """Runs commands of the text: free ports, redis-cli as at a terminal."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = {ten: free_ports(10) for ten in TENS}
        self.terminal = None
        tools = folder / "bin"
        tools.mkdir()
        scripts = {
            "redis-cli": f"""
                case "$*" in *myid) raw=;; *) raw=--no-raw;; esac  # within others it is no terminal's
                exec {shutil.which("redis-cli")} $raw "$@" """,
            "redis-server": f'exec {shutil.which("redis-server")} --repl-diskless-sync-delay 0 "$@"',
            "pyredis-server": f'exec {sys.executable} -m pyredis.cli --repl-diskless-sync-delay 0 "$@"',
            "pyredis-cluster": f'exec {sys.executable} -m pyredis.local_cluster.launcher "$@"',
            "python": f'exec {sys.executable} "$@"',
        }
        for name, line in scripts.items():
            (tools / name).write_text(f"#!/bin/sh\n{line}\n")
            (tools / name).chmod(0o755)
        self.environment = {"PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}

    def run(self, command):
        """What a command prints, in lines."""
        command = re.sub(r"\b(7[0-3]0)([0-9])\b", lambda found: str(self.ports[found[1]] + int(found[2])), command)
        if command == "pyredis-cluster up":
            return self.up(f"{command} --port {self.ports['700']}")
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        return self.lines(done.stdout + done.stderr)

    def up(self, command):
        log = self.folder / "up.log"
        if self.terminal is None:
            with log.open("w") as out:
                self.terminal = subprocess.Popen(
                    ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment, stdout=out, stderr=out
                )
        return self.lines(log.read_text())

    def lines(self, printed):
        for ten, first in self.ports.items():
            for digit in range(10):
                printed = re.sub(rf"\b{first + digit}\b", f"{ten}{digit}", printed)
        return printed.replace("\r", "").strip("\n").split("\n") if printed.strip() else []

    def end(self):
        if self.terminal is not None:
            self.terminal.terminate()
            self.terminal.wait(60)
        for ten in TENS:
            for digit in range(10):
                self.run(f"redis-cli -p {ten}{digit} shutdown nosave now force")


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.end()


def agrees(printed, expected):
    """Line by line; how far apart words stand depends on the ports."""
    pairs = zip(map(str.split, printed), map(str.split, expected), strict=False)
    return len(printed) == len(expected) and all(
        re.fullmatch(re.escape(" ".join(wanted)).replace("…", ".*"), " ".join(words)) for words, wanted in pairs
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(not shutil.which("redis-server"), reason="Debian's redis-server is not installed")
def test_every_block_does_what_it_says(shell):
    for command, expected in steps(TEXT):
        deadline = time.monotonic() + WAIT_S
        while not agrees(printed := shell.run(command), expected):
            again = not CHANGES.match(command)
            assert again and time.monotonic() < deadline, (command, printed, expected)
            time.sleep(0.1)


def test_there_are_blocks():
    assert len(steps(TEXT)) >= 40
