"""Eviction: how often a full cache has what is asked for: `python -m benchmarks.eviction`.

Each server is used as a cache beside a slower store: GET, and SET after a miss. `maxmemory` is set so that every
server holds about the same number of keys (its bytes differ, its choices are compared), by the policy under test. Two
traces, the same for all: `zipf` asks for keys by Zipf's law; `scans` does that too, and at times walks once over keys
in order, which a good policy should not let push out what is asked for often. `ideal` is what a cache that knew the
frequencies would have: the most frequent keys, always.
"""

import argparse
import bisect
import itertools
import random
import socket
from collections import Counter
from collections.abc import Iterator

from benchmarks import report, wire
from benchmarks.servers import Server, ServerMissingError, end_children_on_sigterm, running, server_names

VALUE = b"v" * 100
BATCH = 20
"""Requests in flight: a batch of GETs, then one of SETs for those missed."""

_CALIBRATIONS = 6


def trace(kind: str, keys: int, requests: int, skew: float) -> list[int]:
    """The numbers of the keys asked for, one after the other; the same for every server."""
    chance = random.Random(7)
    weights = list(itertools.accumulate(1 / rank**skew for rank in range(1, keys + 1)))
    names = list(range(keys))
    chance.shuffle(names)

    def zipf() -> int:
        return names[bisect.bisect_left(weights, chance.random() * weights[-1])]

    asked: list[int] = []
    while len(asked) < requests:
        asked += [zipf() for _ in range(keys // 5)]
        if kind == "scans":
            start = chance.randrange(keys)
            asked += [(start + step) % keys for step in range(keys // 10)]
    return asked[:requests]


def replay(sock: socket.socket, asked: list[int]) -> int:
    """Ask for all; what is missing is stored. How many were there."""
    hits = 0
    for batch in itertools.batched(asked, BATCH) if hasattr(itertools, "batched") else _batched(asked):
        names = [b"key:%08d" % number for number in batch]
        found = wire.replies(sock, [wire.encode("GET", name) for name in names])
        missed = [name for name, value in zip(names, found, strict=True) if value is None]
        hits += len(names) - len(missed)
        wire.send_lines(sock, [wire.encode("SET", name, VALUE) for name in missed])
    return hits


def _batched(asked: list[int]) -> Iterator[list[int]]:
    return (asked[at : at + BATCH] for at in range(0, len(asked), BATCH))


def number(sock: socket.socket, *words: str) -> int:
    """An integer reply."""
    return int(wire.ask(sock, *words)[1:])


def used_memory(sock: socket.socket) -> int:
    """Bytes, as INFO tells."""
    (text,) = wire.replies(sock, [wire.encode("INFO", "memory")])
    return int(text.partition(b"used_memory:")[2].split()[0])


def calibrate(sock: socket.socket, held: int, warm: list[int]) -> None:
    """Warm the cache up, and set `maxmemory` so that about `held` keys are in it."""
    limit = 1 << 30
    wire.ask(sock, "CONFIG", "SET", "maxmemory", str(limit))
    empty = used_memory(sock)
    wire.send_lines(sock, [wire.encode("SET", b"key:%08d" % one, VALUE) for one in range(held)])
    each = (used_memory(sock) - empty) / held
    limit = empty + int(each * held)
    part = len(warm) // _CALIBRATIONS
    for at in range(_CALIBRATIONS):
        wire.ask(sock, "CONFIG", "SET", "maxmemory", str(limit))
        replay(sock, warm[at * part : (at + 1) * part])
        limit += int((held - number(sock, "DBSIZE")) * each)
    wire.ask(sock, "CONFIG", "SET", "maxmemory", str(limit))


def measure(server: Server, policy: str, held: int, asked: list[int]) -> dict[str, float]:
    """The share of hits in the second half of the trace, in percent, and how many keys were held."""
    with server.connect() as sock:
        wire.ask(sock, "CONFIG", "SET", "maxmemory-policy", policy)
        half = len(asked) // 2
        calibrate(sock, held, asked[:half])
        hits = replay(sock, asked[half:])
        return {"hits": 100 * hits / (len(asked) - half), "held": number(sock, "DBSIZE")}


def ideal(asked: list[int], held: int) -> float:
    """The share of requests, in percent, for the keys asked for most often."""
    return 100 * sum(count for _, count in Counter(asked).most_common(held)) / len(asked)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eviction", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,redis8,pyredis")
    parser.add_argument("--keys", type=int, default=50_000)
    parser.add_argument("--held", type=int, default=5_000)
    parser.add_argument("--requests", type=int, default=300_000)
    parser.add_argument("--skew", type=float, default=1.0)
    parser.add_argument("--policies", default="allkeys-lru,allkeys-lfu")
    options = parser.parse_args()
    end_children_on_sigterm()
    results: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{'trace':<8}{'policy':<14}{'server':<10}{'hits %':>8}{'keys':>8}")
    for kind in ("zipf", "scans"):
        asked = trace(kind, options.keys, options.requests, options.skew)
        print(f"{kind:<8}{'ideal':<24}{ideal(asked[len(asked) // 2 :], options.held):>8.2f}{options.held:>8}")
        for policy in options.policies.split(","):
            for name in options.servers:
                try:
                    with running(name) as server:
                        figures = measure(server, policy, options.held, asked)
                except (ServerMissingError, OSError, wire.ReplyError) as error:
                    print(f"{name}: missing ({error})")
                    continue
                results.setdefault(f"{kind} {policy}", {})[name] = figures
                print(f"{kind:<8}{policy:<14}{name:<10}{figures['hits']:>8.2f}{figures['held']:>8.0f}", flush=True)
    content = {"machine": report.machine(), "settings": vars(options), "results": results}
    print(report.shown(report.save("eviction", content)))


if __name__ == "__main__":
    main()
