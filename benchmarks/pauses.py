"""Pauses: the longest PING round trip while a full server is written to: `python -m benchmarks.pauses`.

The server holds a million keys, another process writes at a moderate rate (churn.py), and one client sends
a PING every millisecond. The scheduler's own delays are in every figure, so read pyredis beside
redis-server: what is longer there is the server's (a garbage collection, a resize, a long cron step). The
servers run one after another.
"""

import argparse
import contextlib
import gc
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator

from benchmarks import report, wire
from benchmarks.memory import load_keys
from benchmarks.servers import (
    Server,
    ServerMissingError,
    end_children_on_sigterm,
    running,
    server_names,
    spawn,
)

PING_EVERY_S = 0.001


@contextlib.contextmanager
def churning(server: Server, rate: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A writer process beside the block."""
    argv = [sys.executable, "-m", "benchmarks.churn", str(server.port), str(rate)]
    with spawn(argv, None, subprocess.DEVNULL) as process:
        yield process


def round_trips_ms(server: Server, seconds: float) -> "array[float]":
    """PING round trips in ms, one every millisecond, without a collection of our own in between."""
    trips: array[float] = array("d")
    ping, clock = wire.encode("PING"), time.perf_counter
    gc.disable()
    with server.connect() as sock:
        end = clock() + seconds
        while (sent := clock()) < end:
            sock.sendall(ping)
            if sock.recv(64) != b"+PONG\r\n":
                raise RuntimeError(f"{server.name}: no PONG")
            trips.append((clock() - sent) * 1000)
            time.sleep(PING_EVERY_S)
    gc.enable()
    return trips


def percentiles(trips: "array[float]") -> dict[str, float]:
    """p50, p99 (nearest rank) and the maximum, in the unit given."""
    ordered = sorted(trips)
    last = len(ordered) - 1
    return {"p50_ms": ordered[last // 2], "p99_ms": ordered[last * 99 // 100], "max_ms": ordered[last]}


def measure(name: str, keys: int, seconds: float, rate: int) -> dict[str, float]:
    """One server's figures. Raises ServerMissingError, and RuntimeError when the writer ended early."""
    with running(name) as server:
        load_keys(server, keys)
        with churning(server, rate) as writer:
            trips = round_trips_ms(server, seconds)
            if writer.poll() is not None:
                raise RuntimeError(f"{name}: the writer ended with exit code {writer.returncode}")
        return percentiles(trips)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pauses", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=4000, help="commands a second of the writer")
    options = parser.parse_args()
    end_children_on_sigterm()
    print(f"{options.keys} keys, {options.rate} commands/s beside, PING round trips for {options.seconds} s")
    print(f"{'server':<10}{'p50 ms':>10}{'p99 ms':>10}{'max ms':>10}")
    results: dict[str, dict[str, float]] = {}
    for name in options.servers:
        try:
            results[name] = measure(name, options.keys, options.seconds, options.rate)
        except (ServerMissingError, RuntimeError, OSError, wire.ReplyError) as error:
            print(f"{name}: missing ({error})")
            continue
        print(f"{name:<10}" + "".join(f"{value:>10.3f}" for value in results[name].values()), flush=True)
    content = {"machine": report.machine(), "settings": vars(options), "results": results}
    print(report.shown(report.save("pauses", content)))


if __name__ == "__main__":
    main()
