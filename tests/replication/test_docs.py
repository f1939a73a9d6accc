"""docs/replication.md: every block is run, line by line, and answers what stands there.

A line `$ …` is a command, `> …` goes on with it, the others are what it prints; `…` is anything. Ports are exchanged
for free ones. What is true only a moment later is asked again until it is.
"""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.documents import steps
from tests.oracle import free_port

TEXT = (Path(__file__).parents[2] / "docs" / "replication.md").read_text()
PORTS = sorted(set(re.findall(r"\b(?:6379|638\d|2637\d|2638\d)\b", TEXT)))
CHANGES = re.compile(
    r"^(pyredis-server|redis-server|for |kill|printf|redis-cli -p \d+ (set|incr|failover|replicaof|client))"
)
WAIT_S = 60


@pytest.fixture
def shell(tmp_path):
    """Runs commands of the text: free ports, redis-cli as at a terminal, every server in a folder of its own."""
    ports = {port: str(free_port()) for port in PORTS}
    tools = tmp_path / "bin"
    tools.mkdir()
    scripts = {
        "redis-cli": f'exec {shutil.which("redis-cli")} --no-raw "$@"',
        "pyredis-server": f'mkdir -p "s$2"; exec {sys.executable} -m pyredis.cli --dir "s$2" --save "" '
        '--repl-diskless-sync-delay 0 "$@"',
        "redis-server": f'mkdir -p "s$2"; exec {shutil.which("redis-server")} --dir "$PWD/s$2" --save "" '
        '--repl-diskless-sync-delay 0 "$@"',
    }
    for name, line in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)
    path = f"{tools}:/usr/local/bin:/usr/bin:/bin"

    def run(command):
        for port, free in ports.items():
            command = re.sub(rf"\b{port}\b", free, command)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={"PATH": path, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        printed = done.stdout + done.stderr
        for port, free in ports.items():
            printed = re.sub(rf"\b{free}\b", port, printed)
        return printed.replace("\r", "").strip("\n").split("\n") if printed.strip() else []

    yield run
    for port in PORTS:
        run(f"redis-cli -p {port} shutdown nosave now force")


def agrees(printed, expected):
    return len(printed) == len(expected) and all(
        re.fullmatch(re.escape(wanted).replace("…", ".*"), line) for line, wanted in zip(printed, expected, strict=True)
    )


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(
    not shutil.which("redis-sentinel"), reason="Debian's redis-server and redis-sentinel are not installed"
)
def test_every_block_does_what_it_says(shell):
    for command, expected in steps(TEXT):
        deadline = time.monotonic() + WAIT_S
        while not agrees(printed := shell(command), expected):
            again = not CHANGES.match(command) or "READONLY" in expected or "Could not connect" in "".join(printed)
            assert again and time.monotonic() < deadline, (command, printed, expected)
            time.sleep(0.1)


def test_there_are_blocks():
    assert len(steps(TEXT)) >= 20
