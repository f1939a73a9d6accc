"""How cost grows with a collection, 1,000 to 1,000,000 elements: `python -m benchmarks.growth`.

Each command is sent in pipelines over one connection to a collection of that size; the figure is the CPU time the
server used a command. What grows little stays near 1 in the last column. Beside it stand the times of whole-set
operations on inputs of 100,000 elements, and the longest PING while SCAN walks a million keys.
"""

import argparse
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hiredis

from benchmarks import report, wire
from benchmarks.memory import load_keys
from benchmarks.servers import Server, ServerMissingError, end_children_on_sigterm, running, server_names

BATCH = 500
ALGEBRA_SIZE = 100_000
Words = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """A command measured on `key`; `words(n, i)` is its i-th form at n elements."""

    key: str
    words: Callable[[int, int], Words]


def member(number: int) -> str:
    return f"m{number:08d}"


def anywhere(n: int, i: int) -> int:
    """A place in n that jumps about with i."""
    return i * 7919 % n


FILLS: dict[str, Callable[[int], Words]] = {
    "z": lambda i: ("ZADD", "z", i * 7919 % 1_000_003, member(i)),
    "x": lambda i: ("XADD", "x", f"{i + 1}-0", "field", "value"),
    "l": lambda i: ("RPUSH", "l", member(i)),
    "s": lambda i: ("SADD", "s", member(i)),
    "h": lambda i: ("HSET", "h", member(i), "value"),
}
CASES: dict[str, Case] = {
    "ZADD": Case("z", lambda n, i: ("ZADD", "z", anywhere(n, i) + 0.5, f"new{i}")),
    "ZRANK": Case("z", lambda n, i: ("ZRANK", "z", member(anywhere(n, i)))),
    "ZRANGE": Case("z", lambda n, i: ("ZRANGE", "z", anywhere(n, i), anywhere(n, i) + 9)),
    "XADD": Case("x", lambda n, i: ("XADD", "x", "*", "field", "value")),
    "XRANGE": Case("x", lambda n, i: ("XRANGE", "x", f"{anywhere(n, i)}", "+", "COUNT", 10)),
    "LINDEX 5": Case("l", lambda n, i: ("LINDEX", "l", 5)),
    "LINDEX -5": Case("l", lambda n, i: ("LINDEX", "l", -5)),
    "SPOP": Case("s", lambda n, i: ("SPOP", "s")),
    "SRANDMEMBER": Case("s", lambda n, i: ("SRANDMEMBER", "s")),
    "SSCAN": Case("s", lambda n, i: ("SSCAN", "s", anywhere(1 << 20, i), "COUNT", 10)),
    "HSCAN": Case("h", lambda n, i: ("HSCAN", "h", anywhere(1 << 20, i), "COUNT", 10)),
}
ALGEBRA: dict[str, Words] = {
    "SINTER": ("SINTER", "s1", "s2"),
    "SUNION": ("SUNION", "s1", "s2"),
    "ZUNIONSTORE": ("ZUNIONSTORE", "d", 2, "z1", "z2"),
}


def encoded(words: Words) -> bytes:
    return hiredis.pack_command(words)


def exchange(server: Server, commands: list[bytes]) -> None:
    """Send them in batches and take as many replies. Raises RuntimeError for an error among them."""
    reader = hiredis.Reader()
    with server.connect() as sock:
        for at in range(0, len(commands), BATCH):
            part = commands[at : at + BATCH]
            sock.sendall(b"".join(part))
            left = len(part)
            while left:
                answer = reader.gets()
                if answer is False:
                    reader.feed(sock.recv(1 << 20))
                elif isinstance(answer, hiredis.ReplyError):
                    raise RuntimeError(f"{server.name}: {answer}")
                else:
                    left -= 1


def fill(server: Server, key: str, size: int) -> None:
    exchange(server, [encoded(("DEL", key))])
    exchange(server, [encoded(FILLS[key](i)) for i in range(size)])


def cpu_us(server: Server, case: Case, size: int, count: int) -> float:
    """Server CPU a command, in µs: the least of five runs, as the others were disturbed."""
    best = float("inf")
    for turn in range(5):
        commands = [encoded(case.words(size, turn * count + i)) for i in range(count)]
        before = server.cpu_ns()
        exchange(server, commands)
        best = min(best, (server.cpu_ns() - before) / count / 1000)
    return best


def grow(server: Server, sizes: list[int], count: int) -> dict[str, dict[int, float]]:
    """µs a command for each case and size."""
    found: dict[str, dict[int, float]] = {name: {} for name in CASES}
    for size in sizes:
        for key in FILLS:
            fill(server, key, size)
            for name, case in CASES.items():
                if case.key == key:
                    found[name][size] = cpu_us(server, case, size, min(count, size // 10))
    return found


def algebra_ms(server: Server) -> dict[str, float]:
    """The least of five times of each operation, ms of server CPU."""
    chance = random.Random(1)
    for number in (1, 2):
        exchange(
            server, [encoded(("SADD", f"s{number}", member(i))) for i in range(ALGEBRA_SIZE) if chance.random() < 0.9]
        )
        exchange(server, [encoded(("ZADD", f"z{number}", chance.random(), member(i))) for i in range(ALGEBRA_SIZE)])
    found = {}
    for name, words in ALGEBRA.items():
        times = []
        for _ in range(5):
            before = server.cpu_ns()
            exchange(server, [encoded(words)])
            times.append((server.cpu_ns() - before) / 1_000_000)
        found[name] = min(times)
    return found


def scan_stall_ms(server: Server, keys: int) -> float:
    """The longest PING, ms, while another client walks all keys by SCAN COUNT 10."""
    exchange(server, [encoded(("FLUSHALL",))])
    load_keys(server, keys)
    done = threading.Event()
    thread = threading.Thread(target=_walk, args=(server, done))
    thread.start()
    longest = 0.0
    with server.connect() as sock:
        while not done.is_set():
            started = time.perf_counter()
            wire.ask(sock, "PING")
            longest = max(longest, (time.perf_counter() - started) * 1000)
            time.sleep(0.001)
    thread.join()
    return longest


def _walk(server: Server, done: threading.Event) -> None:
    reader, cursor = hiredis.Reader(), b"0"
    try:
        with server.connect() as sock:
            while True:
                sock.sendall(encoded(("SCAN", cursor, "COUNT", 1000)))
                while (answer := reader.gets()) is False:
                    reader.feed(sock.recv(1 << 16))
                cursor = answer[0]
                if cursor == b"0":
                    return
    finally:
        done.set()


def draw(growth: dict[str, dict[str, dict[int, float]]], path: Path) -> None:
    """A PNG: one line a command and server, µs over elements. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(growth), figsize=(7 * len(growth), 5), squeeze=False, sharey=True)
    for column, (server, cases) in enumerate(growth.items()):
        for name, costs in cases.items():
            axes[0][column].plot(list(costs), list(costs.values()), marker="o", label=name)
        axes[0][column].set(xscale="log", yscale="log", title=server, xlabel="elements", ylabel="CPU µs a command")
    axes[0][-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def lines(growth: dict[str, dict[str, dict[int, float]]]) -> Iterator[str]:
    """The table: µs at each size, and how often the largest costs the smallest."""
    for server, cases in growth.items():
        for name, costs in cases.items():
            figures = "".join(f"{value:>12.2f}" for value in costs.values())
            smallest, largest = costs[min(costs)], costs[max(costs)]
            yield f"{server:<10}{name:<14}{figures}{largest / smallest:>9.2f}x"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument(
        "--sizes", default="1000,30000,1000000", type=lambda text: [int(part) for part in text.split(",")]
    )
    parser.add_argument("--commands", type=int, default=20_000, help="of each kind, at most a tenth of the elements")
    options = parser.parse_args()
    end_children_on_sigterm()
    growth, algebra, stall = {}, {}, {}
    for name in options.servers:
        try:
            with running(name) as server:
                growth[name] = grow(server, options.sizes, options.commands)
                algebra[name] = algebra_ms(server)
                stall[name] = scan_stall_ms(server, max(options.sizes))
        except (ServerMissingError, RuntimeError, OSError) as error:
            print(f"{name}: missing ({error})")
    print("CPU µs a command at " + ", ".join(map(str, options.sizes)) + " elements")
    for line in lines(growth):
        print(line)
    for name, times in algebra.items():
        print(f"{name:<10}" + ", ".join(f"{words} {ms:.1f} ms" for words, ms in times.items()), end="")
        print(f"; longest PING during SCAN of {max(options.sizes)} keys {stall[name]:.1f} ms")
    content = {"machine": report.machine(), "growth": growth, "algebra_ms": algebra, "scan_stall_ms": stall}
    path = report.save("growth", content)
    print(report.shown(path))
    try:
        draw(growth, path.with_suffix(".png"))
        print(report.shown(path.with_suffix(".png")))
    except ModuleNotFoundError as error:
        print(f"no plot: {error}")


if __name__ == "__main__":
    main()
