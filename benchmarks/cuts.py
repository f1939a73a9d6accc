"""Streams cut anywhere: what a command costs the server by how it arrives: `python -m benchmarks.cuts`.

Reads seldom end where a command ends. The same SETs are sent so that each write ends with a command, by `redis-cli
--pipe`, by redis-py's pipelines, and in pieces as a network delivers them; a command of many arguments in one write,
in two, and in pieces. The figure is the server's CPU time for each SET or argument, the least of some rounds, in
which the servers take turns.
"""

import argparse
import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import hiredis
import redis

from benchmarks import report, wire
from benchmarks.ratios import REFERENCE
from benchmarks.servers import Server, end_children_on_sigterm, server_names, start_all

SETS = 100_000
ARGUMENTS = 1000
PUSHES = 50
PIECE = 1448
"""Bytes of a TCP segment on Ethernet."""

BETWEEN_S = 0.0003  # pieces, so that each is a read of its own
Send = Callable[[Server], int]


def sets() -> list[bytes]:
    return [hiredis.pack_command(("SET", f"key:{number}", f"value:{number}")) for number in range(SETS)]


def aligned(server: Server) -> int:
    with server.connect() as sock:
        return wire.send_lines(sock, sets(), 500)


def by_redis_cli(server: Server) -> int:
    command = ["redis-cli", "-p", str(server.port), "--pipe"]
    subprocess.run(command, input=b"".join(sets()), stdout=subprocess.DEVNULL, check=True)
    return SETS


def by_redis_py(server: Server) -> int:
    with redis.Redis(port=server.port) as client:
        for first in range(0, SETS, 1000):
            pipeline = client.pipeline(transaction=False)
            for number in range(first, first + 1000):
                pipeline.set(f"key:{number}", f"value:{number}")
            pipeline.execute()
    return SETS


def in_pieces(server: Server) -> int:
    """A quarter of the SETs."""
    stream = b"".join(sets()[: SETS // 4])
    with server.connect() as sock:
        _send(sock, stream, PIECE)
        _lines(sock, SETS // 4)
    return SETS // 4


def pushes(size: int | None, parts: int = 1) -> Send:
    """RPUSH of many arguments, each followed by a DEL, in writes of `size` bytes or in so many `parts`."""
    words = [b"member:%08d" % number for number in range(ARGUMENTS)]
    stream = hiredis.pack_command(("RPUSH", "l", *words)) + hiredis.pack_command(("DEL", "l"))

    def send(server: Server) -> int:
        with server.connect() as sock:
            for _ in range(PUSHES):
                _send(sock, stream, size or len(stream) // parts + parts)
                _lines(sock, 2)
        return PUSHES * ARGUMENTS

    return send


def _send(sock: Any, stream: bytes, size: int) -> None:
    for at in range(0, len(stream), size):
        sock.sendall(stream[at : at + size])
        if size < len(stream):
            time.sleep(BETWEEN_S)


def _lines(sock: Any, count: int) -> None:
    """Read so many one-line replies. Raises ConnectionResetError when there are fewer."""
    while count > 0:
        data = sock.recv(1 << 16)
        if not data:
            raise ConnectionResetError("connection closed")
        count -= data.count(b"\n")


CASES: dict[str, Send] = {
    "SET, aligned": aligned,
    "SET, redis-cli --pipe": by_redis_cli,
    "SET, redis-py pipeline": by_redis_py,
    f"SET, {PIECE} bytes a write": in_pieces,
    "RPUSH of 1,000, one write": pushes(None),
    "RPUSH of 1,000, two writes": pushes(None, 2),
    f"RPUSH of 1,000, {PIECE} bytes a write": pushes(PIECE),
}
"""By their names: each sends to a server and answers how many SETs or arguments that were."""


def measure(server: Server, send: Send) -> float:
    """ns of the server's CPU time for each SET or argument."""
    before = server.cpu_ns()
    count = send(server)
    return (server.cpu_ns() - before) / count


def rows(servers: list[Server], rounds: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Each case with the least of some rounds on each server, which take turns."""
    for name, send in CASES.items():
        found = {server.name: float("inf") for server in servers}
        for _ in range(rounds):
            for server in servers:
                found[server.name] = min(found[server.name], measure(server, send))
        yield name, found


def line(name: str, found: dict[str, float]) -> str:
    """A row: each server's figure, and the last one's as a multiple of redis-server's."""
    *_, last = found.values()
    ratio = f"{last / found[REFERENCE]:>9.2f}x" if REFERENCE in found else ""
    return f"{name:<36}" + "".join(f"{value:>12.0f}" for value in found.values()) + ratio


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuts", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    end_children_on_sigterm()
    results: dict[str, dict[str, float]] = {}
    with contextlib.ExitStack() as stack:
        servers, _ = start_all(options.servers, stack)
        print(f"{'ns of CPU':<36}" + "".join(f"{server.name:>12}" for server in servers))
        for name, found in rows(servers, options.rounds):
            results[name] = found
            print(line(name, found), flush=True)
    content = {"machine": report.machine(), "settings": vars(options), "results": results}
    print(report.shown(report.save("cuts", content)))


if __name__ == "__main__":
    main()
