"""Saving, loading and the append-only log against redis-server: `python -m benchmarks.persistence`.

A million small strings and 100,000 small hashes and sorted sets are saved in the background, beside pipelined SETs and
a PING every millisecond; then another process loads the file. The log: pipelined SETs without it, and with it synced
every second or always; what counts is the share of its own speed that a server keeps.
"""

import argparse
import tempfile
import threading
import time
from contextlib import ExitStack
from statistics import median

from benchmarks import report, wire
from benchmarks.memory import load_keys
from benchmarks.servers import Server, end_children_on_sigterm, running, server_names

CLIENTS, PIPELINE = 20, 16


def fill(server: Server, keys: int) -> None:
    """The strings, and a tenth as many collections, half of each kind."""
    load_keys(server, keys)
    with server.connect() as sock:
        for kind, command in (("hash", "HSET"), ("zset", "ZADD")):
            words = [str(at) for at in range(10)]
            commands = (wire.encode(command, f"{kind}:{at}", *words) for at in range(keys // 20))
            wire.send_lines(sock, commands)


def set_rate(server: Server, seconds: float, key_count: int = 100_000) -> float:
    """SETs a second over several pipelined connections."""
    commands = [wire.encode("SET", f"key:{at:012d}", "xxxxxxxx") for at in range(0, key_count, 7)]
    counts = [0] * CLIENTS
    end = time.perf_counter() + seconds

    def work(which: int) -> None:
        with server.connect() as sock:
            at = which * 997
            while time.perf_counter() < end:
                batch = [commands[(at + step) % len(commands)] for step in range(PIPELINE)]
                at += PIPELINE
                sock.sendall(b"".join(batch))
                left = 5 * PIPELINE
                while left:
                    left -= len(sock.recv(left))
                counts[which] += PIPELINE

    threads = [threading.Thread(target=work, args=(which,)) for which in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def in_progress(server: Server) -> bool:
    with server.connect() as sock:
        sock.sendall(wire.encode("INFO", "persistence"))
        return b"rdb_bgsave_in_progress:1" in sock.recv(1 << 16)


def longest_ping_ms(server: Server, done: threading.Event) -> float:
    """The longest of the round trips, one a millisecond, until `done`."""
    longest = 0.0
    with server.connect() as sock:
        while not done.is_set():
            sent = time.perf_counter()
            wire.ask(sock, "PING")
            longest = max(longest, time.perf_counter() - sent)
            time.sleep(0.001)
    return longest * 1000


def save(server: Server) -> tuple[float, float]:
    """Seconds of a BGSAVE, nothing else going on, and the longest PING beside it in ms."""
    done, stalls = threading.Event(), []
    watcher = threading.Thread(target=lambda: stalls.append(longest_ping_ms(server, done)))
    watcher.start()
    time.sleep(0.2)
    began = time.perf_counter()
    with server.connect() as sock:
        wire.ask(sock, "BGSAVE")
    while in_progress(server):
        time.sleep(0.02)
    took = time.perf_counter() - began
    done.set()
    watcher.join()
    return took, stalls[0]


def rate_while_saving(server: Server) -> float:
    """The share of the SETs a second that is left while a snapshot is written."""
    before = set_rate(server, 2.0)
    with server.connect() as sock:
        wire.ask(sock, "BGSAVE")
    return set_rate(server, 1.0) / before


def measure_snapshots(name: str, keys: int) -> dict[str, float]:
    """One server's figures."""
    with tempfile.TemporaryDirectory(prefix="pyredis-bench-") as folder:
        with running(name, "--dir", folder) as server:
            fill(server, keys)
            saves = [save(server) for _ in range(3)]
            left = rate_while_saving(server)
            while in_progress(server):
                time.sleep(0.05)
        began = time.perf_counter()
        with running(name, "--dir", folder, poll_s=0.005):
            loaded = time.perf_counter() - began
    began = time.perf_counter()
    with running(name, poll_s=0.005):
        empty = time.perf_counter() - began
    return {
        "bgsave_s": median(took for took, _ in saves),
        "longest_ping_ms": max(stall for _, stall in saves),
        "rate_while_saving": left,
        "load_s": loaded - empty,
    }


def measure_log(name: str, rounds: int) -> dict[str, float]:
    """The share of its own speed a server keeps with the log."""
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for policy in ("off", "everysec", "always"):
            with ExitStack() as stack:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pyredis-bench-"))
                options = (
                    ["--appendonly", "no"] if policy == "off" else ["--appendonly", "yes", "--appendfsync", policy]
                )
                server = stack.enter_context(running(name, "--dir", folder, *options))
                rates.setdefault(policy, []).append(set_rate(server, 2.0))
    base = median(rates["off"])
    return {policy: median(rates[policy]) / base for policy in ("everysec", "always")}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.persistence", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    end_children_on_sigterm()
    results: dict[str, dict[str, float]] = {}
    for name in options.servers:
        results[name] = {**measure_snapshots(name, options.keys), **measure_log(name, options.rounds)}
        print(f"{name:<10}" + "".join(f"{key} {value:.3f}  " for key, value in results[name].items()), flush=True)
    if len(results) > 1:
        first, *others = results.values()
        for name, other in zip(list(results)[1:], others, strict=True):
            print(
                f"{name} / {options.servers[0]}: " + "  ".join(f"{key} {other[key] / first[key]:.2f}" for key in first)
            )
    content = {"machine": report.machine(), "settings": vars(options), "results": results}
    print(report.shown(report.save("persistence", content)))


if __name__ == "__main__":
    main()
