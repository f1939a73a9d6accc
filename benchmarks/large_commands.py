"""Large commands: what an argument costs when one client sends 500,000: `python -m benchmarks.large_commands`.

A command with half a million keys, or one that answers half a million elements, holds the server up for everybody.
Each is sent whole and its reply is taken whole; the figures are the time that took and the server's CPU time, divided
by the keys or elements. The servers run each case right after one another. `--in-process` times the engine alone, the
command already parsed: how much of the cost is the handler's and the encoder's.
"""

import argparse
import contextlib
import gc
import random
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import hiredis

from benchmarks import report, wire
from benchmarks.ratios import REFERENCE
from benchmarks.servers import Server, end_children_on_sigterm, server_names, start_all

CHUNK = 1000
"""Elements added by one command while a case is prepared."""

SCRIPT = "local n = 0 for i = 1, #ARGV do n = n + #ARGV[i] end return {n, #KEYS}"
SCRIPT_MOST = 5000
_END = b"+PONG\r\n"
Words = list[Any]
Fill = Callable[[int, int], Words]


def keys(first: int, last: int) -> list[bytes]:
    return [b"key:%08d" % number for number in range(first, last)]


def members(first: int, last: int) -> list[bytes]:
    return [b"member:%08d" % number for number in range(first, last)]


def paired(left: list[bytes], right: list[bytes]) -> Words:
    return [word for pair in zip(left, right, strict=True) for word in pair]


def scores(first: int, last: int) -> list[bytes]:
    """In no order, some of them equal."""
    return [b"%d" % (number * 7919 % 999_983) for number in range(first, last)]


def fractions(first: int, last: int) -> list[bytes]:
    return [b"%.4f" % (number * 7919 % 999_983 / 7) for number in range(first, last)]


def places(first: int, last: int) -> Words:
    chance = random.Random(first)
    drawn = [(b"%.6f" % chance.uniform(-180, 180), b"%.6f" % chance.uniform(-85, 85)) for _ in range(first, last)]
    return [word for place, name in zip(drawn, members(first, last), strict=True) for word in (*place, name)]


FILLS: dict[str, Fill] = {
    "strings": lambda first, last: ["MSET", *paired(keys(first, last), members(first, last))],
    "hash": lambda first, last: ["HSET", "h", *paired(members(first, last), keys(first, last))],
    "zset": lambda first, last: ["ZADD", "z", *paired(scores(first, last), members(first, last))],
    "set": lambda first, last: ["SADD", "s", *members(first, last)],
    "half": lambda first, last: ["SADD", "half", *members(first * 2, last * 2)],
    "list": lambda first, last: ["RPUSH", "l", *members(first, last)],
    "copies": lambda first, last: ["RPUSH", "l", *["same" if number % 2 else "other" for number in range(first, last)]],
}
"""How elements from one number to another come into a structure."""


@dataclass(frozen=True)
class Case:
    """A command of n keys or elements, and the structures that are there before."""

    words: Callable[[int], Words]
    before: tuple[str, ...] = ()
    most: int = 1 << 30


CASES: dict[str, Case] = {
    "MGET": Case(lambda n: ["MGET", *keys(0, n)], ("strings",)),
    "MGET missing": Case(lambda n: ["MGET", *keys(0, n)]),
    "MSET": Case(lambda n: FILLS["strings"](0, n)),
    "MSET again": Case(lambda n: FILLS["strings"](0, n), ("strings",)),
    "DEL": Case(lambda n: ["DEL", *keys(0, n)], ("strings",)),
    "DEL missing": Case(lambda n: ["DEL", *keys(0, n)]),
    "UNLINK": Case(lambda n: ["UNLINK", *keys(0, n)], ("strings",)),
    "EXISTS": Case(lambda n: ["EXISTS", *keys(0, n)], ("strings",)),
    "TOUCH": Case(lambda n: ["TOUCH", *keys(0, n)], ("strings",)),
    "HSET": Case(lambda n: FILLS["hash"](0, n)),
    "HSET again": Case(lambda n: FILLS["hash"](0, n), ("hash",)),
    "HMGET": Case(lambda n: ["HMGET", "h", *members(0, n)], ("hash",)),
    "HDEL": Case(lambda n: ["HDEL", "h", *members(0, n)], ("hash",)),
    "HGETALL": Case(lambda n: ["HGETALL", "h"], ("hash",)),
    "ZADD": Case(lambda n: FILLS["zset"](0, n)),
    "ZADD again": Case(lambda n: FILLS["zset"](0, n), ("zset",)),
    "ZADD moved": Case(lambda n: ["ZADD", "z", *paired(fractions(0, n), members(0, n))], ("zset",)),
    "ZADD NX": Case(lambda n: ["ZADD", "z", "NX", *paired(scores(0, n), members(0, n))]),
    "ZREM": Case(lambda n: ["ZREM", "z", *members(0, n)], ("zset",)),
    "ZMSCORE": Case(lambda n: ["ZMSCORE", "z", *members(0, n)], ("zset",)),
    "ZRANGE": Case(lambda n: ["ZRANGE", "z", 0, -1], ("zset",)),
    "ZRANGE WITHSCORES": Case(lambda n: ["ZRANGE", "z", 0, -1, "WITHSCORES"], ("zset",)),
    "ZPOPMIN": Case(lambda n: ["ZPOPMIN", "z", n - 1], ("zset",)),
    "GEOADD": Case(lambda n: ["GEOADD", "g", *places(0, n)]),
    "SADD": Case(lambda n: FILLS["set"](0, n)),
    "SADD again": Case(lambda n: FILLS["set"](0, n), ("set",)),
    "SADD integers": Case(lambda n: ["SADD", "s", *range(n)]),
    "SREM": Case(lambda n: ["SREM", "s", *members(0, n)], ("set",)),
    "SMISMEMBER": Case(lambda n: ["SMISMEMBER", "s", *members(0, n)], ("set",)),
    "SMEMBERS": Case(lambda n: ["SMEMBERS", "s"], ("set",)),
    "SINTER": Case(lambda n: ["SINTER", "s", "half"], ("set", "half")),
    "SUNION": Case(lambda n: ["SUNION", "s", "half"], ("set", "half")),
    "SDIFF": Case(lambda n: ["SDIFF", "s", "half"], ("set", "half")),
    "SPOP": Case(lambda n: ["SPOP", "s", n // 2], ("set",)),
    "RPUSH": Case(lambda n: FILLS["list"](0, n)),
    "LPUSH": Case(lambda n: ["LPUSH", *FILLS["list"](0, n)[1:]]),
    "LRANGE": Case(lambda n: ["LRANGE", "l", 0, -1], ("list",)),
    "LPOP": Case(lambda n: ["LPOP", "l", n - 1], ("list",)),
    "LREM": Case(lambda n: ["LREM", "l", 0, "same"], ("copies",)),
    "PFADD": Case(lambda n: ["PFADD", "p", *members(0, n)]),
    "XADD": Case(lambda n: ["XADD", "x", "*", *paired(members(0, n), keys(0, n))]),
    "EVAL": Case(lambda n: ["EVAL", SCRIPT, 0, *members(0, n)], most=SCRIPT_MOST),
}


def case_names(text: str) -> list[str]:
    """The value of --cases. Raises ArgumentTypeError for one not known."""
    names = text.split(",")
    if unknown := [name for name in names if name not in CASES]:
        raise argparse.ArgumentTypeError(f"unknown case {', '.join(unknown)}; known: {', '.join(CASES)}")
    return names


def preparation(case: Case, count: int) -> Iterator[Words]:
    """The commands that make what is there before."""
    yield ["FLUSHALL"]
    for name in case.before:
        for first in range(0, count, CHUNK):
            yield FILLS[name](first, min(first + CHUNK, count))


# From outside


def exchange(sock: socket.socket, command: bytes) -> float:
    """Send a command and take its reply; how long that took, ns. Raises ReplyError for an error.

    A PING goes behind it: where its answer ends, so does the reply, which need not be parsed then.
    """
    data = memoryview(command + b"*1\r\n$4\r\nPING\r\n")
    head = tail = b""
    started = time.perf_counter_ns()
    sock.sendall(data)
    while not tail.endswith(_END):
        part = sock.recv(1 << 20)
        if not part:
            raise ConnectionResetError("connection closed")
        head = head or part[:200]
        tail = (tail + part[-len(_END) :])[-len(_END) :]
    elapsed = time.perf_counter_ns() - started
    if head.startswith(b"-"):
        raise wire.ReplyError(head.decode(errors="replace"))
    return elapsed


def measure(server: Server, case: Case, count: int) -> dict[str, float]:
    """ns of time and of server CPU for each of `count` keys or elements. Raises as `exchange`, and OSError."""
    command = hiredis.pack_command(tuple(case.words(count)))
    with server.connect() as sock:
        wire.send_lines(sock, (hiredis.pack_command(tuple(words)) for words in preparation(case, count)), 20)
        before = server.cpu_ns()
        elapsed = exchange(sock, command)
        return {"time_ns": elapsed / count, "cpu_ns": (server.cpu_ns() - before) / count}


# In this process


def measure_engine(case: Case, count: int) -> float:
    """ns of CPU for each of `count` keys or elements in an engine without a socket, parsing left out."""
    from pyredis.assembly import build_engine
    from pyredis.engine.execution import run as execution
    from pyredis.engine.roster import Clients

    engine = build_engine()
    client = engine[Clients].connect()
    engine.tick()

    def run(words: Words) -> float:
        argv = [word if word.__class__ is bytes else str(word).encode() for word in words]
        started = time.thread_time_ns()
        execution.run(engine, client, [argv])
        elapsed = time.thread_time_ns() - started
        if client.out[0].startswith(b"-"):
            raise wire.ReplyError(client.out[0].decode(errors="replace"))
        client.out.clear()
        return elapsed

    for words in preparation(case, count):
        run(words)
    return run(case.words(count)) / count


def calm_collector() -> None:
    """As `pyredis.server.process` sets it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


# All of it


def compare(servers: list[Server], names: list[str], count: int, rounds: int) -> dict[str, Any]:
    """The least of some rounds of each case on each server; prints the table as it goes."""
    results: dict[str, Any] = {}
    heads = "".join(f"{server.name + ' ' + what:>14}" for server in servers for what in ("ns", "CPU"))
    print(f"{'ns an argument':<20}{heads}{'time':>8}{'CPU':>8}")
    for name in names:
        number = min(count, CASES[name].most)
        figures: dict[str, dict[str, float]] = {}
        for turn in range(rounds * len(servers)):
            server = servers[turn % len(servers)]
            found = measure(server, CASES[name], number)
            best = figures.setdefault(server.name, found)
            figures[server.name] = {key: min(value, best[key]) for key, value in found.items()}
        results[name] = figures
        print(line(name, figures), flush=True)
    return results


def line(name: str, figures: dict[str, dict[str, float]]) -> str:
    """A row: time and CPU of each server, and the last one's as multiples of redis-server's."""
    cells = "".join(f"{value:>14.0f}" for found in figures.values() for value in found.values())
    last = list(figures.values())[-1]
    reference = figures.get(REFERENCE)
    ratios = "" if reference in (None, last) else "".join(f"{last[key] / reference[key]:>7.2f}x" for key in last)
    return f"{name:<20}{cells}{ratios}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_commands", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument("--count", type=int, default=500_000, help="keys or elements of a command")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cases", type=case_names, default=list(CASES), help="some of them, with commas between")
    parser.add_argument("--in-process", action="store_true", help="the engine alone, after parsing")
    options = parser.parse_args()
    end_children_on_sigterm()
    if options.in_process:
        calm_collector()
        print(f"{'ns an argument':<20}{'CPU':>8}")
        for name in options.cases:
            number = min(options.count, CASES[name].most)
            best = min(measure_engine(CASES[name], number) for _ in range(options.rounds))
            print(f"{name:<20}{best:>8.0f}", flush=True)
        return
    with contextlib.ExitStack() as stack:
        servers, _ = start_all(options.servers, stack)
        results = compare(servers, options.cases, options.count, options.rounds)
    content = {"machine": report.machine(), "settings": vars(options), "results": results}
    print(report.shown(report.save("large_commands", content)))


if __name__ == "__main__":
    main()
