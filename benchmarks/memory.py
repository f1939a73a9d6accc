"""Memory: what a key, a small collection and an idle connection cost: `python -m benchmarks.memory`.

All are growth of resident memory (VmRSS), after minus before, divided by the number. Each is measured on a
server started for it. What the kernel keeps for a socket is in neither figure. The servers run one after
another.
"""

import argparse
import contextlib
import socket
import time
from collections.abc import Iterator

from benchmarks import report, wire
from benchmarks.servers import (
    Server,
    ServerMissingError,
    end_children_on_sigterm,
    raise_open_files,
    running,
    server_names,
)

VALUE = b"v" * 8
ELEMENTS = 10  # of a small collection
COLLECTIONS = {
    "hash": ("HSET", [part for i in range(ELEMENTS) for part in (f"f{i}", f"v{i}")]),
    "list": ("RPUSH", [f"e{i}" for i in range(ELEMENTS)]),
    "set": ("SADD", [f"m{i}" for i in range(ELEMENTS)]),
    "zset": ("ZADD", [part for i in range(ELEMENTS) for part in (str(i), f"m{i}")]),
}
SETTLE_S = 1.0
SPARE_FILES = 100  # what a process has open besides its connections


def set_commands(keys: int) -> Iterator[bytes]:
    """SETs of `keys` keys of 16 bytes, each with a value of 8."""
    for number in range(keys):
        yield b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$8\r\n%b\r\n" % (number, VALUE)


def load_keys(server: Server, keys: int) -> None:
    """Store them all, pipelined. Raises RuntimeError when the server does not hold them then."""
    with server.connect() as sock:
        wire.send_lines(sock, set_commands(keys))
        if (size := wire.ask(sock, "DBSIZE")) != b":%d" % keys:
            raise RuntimeError(f"{server.name}: DBSIZE answers {size!r}, not {keys}")


def bytes_per_collection(server: Server, kind: str, number: int) -> float:
    """What a collection of ten small elements takes, its key and all."""
    command, words = COLLECTIONS[kind]
    before = server.rss_bytes()
    with server.connect() as sock:
        wire.send_lines(sock, (wire.encode(command, f"{kind}:{i:08d}", *words) for i in range(number)))
        if (size := wire.ask(sock, "DBSIZE")) != b":%d" % number:
            raise RuntimeError(f"{server.name}: DBSIZE answers {size!r}, not {number}")
    return (server.rss_bytes() - before) / number


def bytes_per_key(server: Server, keys: int) -> float:
    before = server.rss_bytes()
    load_keys(server, keys)
    return (server.rss_bytes() - before) / keys


def open_connections(server: Server, number: int, stack: contextlib.ExitStack) -> list[socket.socket]:
    """Open them and hear a PONG on each, so that the server has accepted and set up every one."""
    connections = [stack.enter_context(server.connect()) for _ in range(number)]
    for sock in connections:
        if (reply := wire.ask(sock, "PING")) != b"+PONG":
            raise RuntimeError(f"{server.name}: a connection answers {reply!r}")
    return connections


def kib_per_connection(server: Server, number: int) -> float:
    before = server.rss_bytes()
    with contextlib.ExitStack() as stack:
        open_connections(server, number, stack)
        time.sleep(SETTLE_S)  # a server may give back what the PINGs needed
        return (server.rss_bytes() - before) / number / 1024


def measure(name: str, keys: int, collections: int, connections: int) -> dict[str, float]:
    """All figures of one server. Raises ServerMissingError."""
    figures = {}
    with running(name) as server:
        figures["bytes_per_key"] = bytes_per_key(server, keys)
    for kind in COLLECTIONS:
        with running(name) as server:
            figures[f"bytes_per_{kind}"] = bytes_per_collection(server, kind, collections)
    with running(name) as server:
        figures["kib_per_connection"] = kib_per_connection(server, connections)
    return figures


def line(name: str, figures: dict[str, float], reference: dict[str, float] | None) -> str:
    text = f"{name:<10}"
    for metric, value in figures.items():
        times = f"{value / reference[metric]:.2f}x" if reference and reference[metric] > 0 else ""
        text += f"{value:>14.1f} {times:>8}"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--collections", type=int, default=100_000, help="of each type")
    parser.add_argument("--connections", type=int, default=10_000)
    options = parser.parse_args()
    end_children_on_sigterm()
    connections = min(options.connections, raise_open_files() - SPARE_FILES)
    print(f"{options.keys} keys of 16 bytes with 8-byte values, {connections} idle connections: RSS growth each")
    if connections < options.connections:
        print(f"(fewer than the {options.connections} wanted: the hard limit of open files)")
    print(
        f"{'server':<10}{'B/key':>14} {'':>8}" + "".join(f"{f'B/{kind}':>14} {'':>8}" for kind in COLLECTIONS), end=""
    )
    print(f"{'KiB/connection':>14}")
    results: dict[str, dict[str, float]] = {}
    for name in options.servers:
        try:
            results[name] = measure(name, options.keys, options.collections, connections)
        except (ServerMissingError, RuntimeError, OSError, wire.ReplyError) as error:
            print(f"{name}: missing ({error})")
            continue
        print(line(name, results[name], results.get("redis") if name != "redis" else None), flush=True)
    content = {"machine": report.machine(), "settings": vars(options), "results": results}
    print(report.shown(report.save("memory", content)))


if __name__ == "__main__":
    main()
