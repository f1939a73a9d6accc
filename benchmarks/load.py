"""redis-benchmark as the load: its list of tests, command line and CSV, and how many requests a run takes.

Mixes of commands are tests too; those `mixed` sends itself.

A run should last about `seconds`, whatever the server's speed, so a short probe of the same test on the
same server chooses the number of requests. What a test takes away (LPOP, SPOP, ...) is put in before,
untimed, so that no server is measured on an empty list only because it is fast.
"""

import csv
import math
import subprocess
from argparse import ArgumentTypeError
from dataclasses import asdict, dataclass, replace

from benchmarks import mixed, wire
from benchmarks.servers import Server, end_with_parent

# What `redis-benchmark` 7.0 runs when it is given no list, in its order; LRANGE's sizes are tests each.
ALL_TESTS = [
    *("ping_inline", "ping_mbulk", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop"),
    *("sadd", "hset", "spop", "zadd", "zpopmin"),
    *("lrange_100", "lrange_300", "lrange_500", "lrange_600", "mset"),
]
DEFAULT_TESTS = ["ping_mbulk", "set", "get", "incr", "mset", *mixed.MIXES]
FEEDER = {"lpop": "lpush", "rpop": "rpush", "spop": "sadd", "zpopmin": "zadd"}
DISTINCT = 1_000_000_000  # a key space so large that members put in for SPOP and ZPOPMIN hardly repeat
CONTAINERS = {"l": "mylist", "r": "mylist", "s": "myset", "z": "myzset", "h": "myhash"}

PROBE_REQUESTS = 1000
PROBE_ENOUGH_S = 0.1
PROBES = 3
"""Of each size; the fastest counts. One that was held up would choose so few requests that connecting costs most."""
MIN_REQUESTS = 500
MAX_REQUESTS = 3_000_000
RUN_DEADLINE_S = 60.0


class LoadError(Exception):
    """redis-benchmark gave no result: the server answers the command with an error, or not at all."""


@dataclass(frozen=True)
class Sample:
    """One run of one test: requests a second, latencies in ms, CPU of the server in µs a request."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float = math.nan

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Settings:
    clients: int = 50
    keyspace: int = 100_000
    seconds: float = 1.0


def test_names(text: str) -> list[str]:
    """The value of --tests: names and commas, or `all`. Raises ArgumentTypeError for one not known."""
    known = [*ALL_TESTS, *mixed.MIXES]
    if text == "all":
        return known
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        raise ArgumentTypeError(f"unknown test {', '.join(unknown)}; known: all, {', '.join(known)}")
    return names


def runs_at(test: str, pipeline: int, server: str) -> bool:
    """Whether a server runs a test at this depth: mixes at one only, and without fakeredis, which sends no bulks."""
    return test not in mixed.MIXES or (pipeline == mixed.DEPTH and server != "fakeredis")


def parse_csv(text: str) -> list[tuple[str, Sample]]:
    """The rows of `redis-benchmark --csv` (7.0: test, rps, avg, min, p50, p95, p99, max), no warnings."""
    rows = csv.DictReader(line for line in text.splitlines() if line.startswith('"'))
    return [
        (row["test"], Sample(float(row["rps"]), float(row["p50_latency_ms"]), float(row["p99_latency_ms"])))
        for row in rows
    ]


def requests_for(rps: float, seconds: float, pipeline: int) -> int:
    """How many requests last `seconds` at `rps`, bounded, as a whole number of pipelines."""
    wanted = min(max(rps * seconds, MIN_REQUESTS), MAX_REQUESTS)
    return math.ceil(wanted / pipeline) * pipeline


def next_probe(requests: int, rps: float, pipeline: int) -> int | None:
    """The size of the next probe, or None when `requests` at `rps` took long enough to tell the speed."""
    if requests / rps >= PROBE_ENOUGH_S:
        return None
    return math.ceil(min(requests * 10, rps * PROBE_ENOUGH_S * 1.5) / pipeline) * pipeline


def _argv(port: int, test: str, requests: int, pipeline: int, settings: Settings) -> list[str]:
    argv = f"redis-benchmark -p {port} -c {settings.clients} -n {requests} -P {pipeline}".split()
    argv += ["-r", str(settings.keyspace), "--csv"]
    if test.startswith("lrange_"):  # by -t it would time an LPUSH of as many requests first
        return [*argv, "LRANGE", "mylist", "0", str(int(test.removeprefix("lrange_")) - 1)]
    return [*argv, "-t", test]


def run(port: int, test: str, requests: int, pipeline: int, settings: Settings) -> Sample:
    """One run of redis-benchmark, or of a mix, without CPU. Raises LoadError."""
    if test in mixed.MIXES:
        return _run_mix(port, test, requests, pipeline, settings)
    argv = _argv(port, test, requests, pipeline, settings)
    try:
        # It retries for ever where a server is gone, hence the deadline.
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=RUN_DEADLINE_S,
            check=False,
            preexec_fn=end_with_parent,
        )
    except subprocess.TimeoutExpired:
        raise LoadError(f"no result within {RUN_DEADLINE_S:.0f} s") from None
    rows = parse_csv(done.stdout)
    if done.returncode or not rows or rows[-1][1].rps <= 0:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
        raise LoadError(lines[-1] if lines else f"redis-benchmark: exit code {done.returncode}, no result")
    return rows[-1][1]


def _run_mix(port: int, test: str, requests: int, pipeline: int, settings: Settings) -> Sample:
    batches = mixed.batches(test, pipeline, settings.keyspace)
    try:
        seconds, latencies = mixed.drive(port, batches, requests // pipeline, settings.clients)
    except (wire.ReplyError, OSError) as error:
        raise LoadError(str(error)) from error
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    return Sample(requests / seconds, p50, p99)


def fill(server: Server, keyspace: int, batch: int = 100) -> None:
    """Store every key the tests may touch, so that GET always hits and SET always replaces.

    Raises ReplyError or OSError.
    """
    with server.connect() as sock:
        for prefix, value in (("key:", "xxx"), ("counter:", "0")):
            keys = [f"{prefix}{number:012d}" for number in range(keyspace)]
            chunks = (keys[start : start + batch] for start in range(0, keyspace, batch))
            wire.send_lines(
                sock,
                (wire.encode("MSET", *(part for key in chunk for part in (key, value))) for chunk in chunks),
                20,
            )


def prepare(server: Server, test: str, requests: int, settings: Settings) -> None:
    """Bring the container a test works on into a known state: empty, or holding enough.

    Raises LoadError, and OSError when the server does not answer.
    """
    if (code := server.process.poll()) is not None:
        raise LoadError(f"{server.name} has ended with exit code {code}")
    if test in ("set_get", "mset", "set", "get", "incr") or test.startswith("ping"):
        return
    with server.connect() as sock:
        wire.ask(sock, "DEL", *(mixed.CONTAINERS if test in mixed.MIXES else [CONTAINERS[test[0]]]))
    if test in FEEDER:
        run(server.port, FEEDER[test], requests, 100, replace(settings, keyspace=DISTINCT))
    elif test.startswith("lrange_"):
        run(server.port, "lpush", 1000, 10, settings)


def calibrate(server: Server, test: str, pipeline: int, settings: Settings) -> int:
    """The number of requests that keeps the server busy for about `settings.seconds`. Raises as `prepare`."""
    size: int | None = math.ceil(PROBE_REQUESTS / pipeline) * pipeline
    while size is not None:
        rps = 0.0
        for _ in range(PROBES):
            prepare(server, test, size, settings)
            rps = max(rps, run(server.port, test, size, pipeline, settings).rps)
        size = next_probe(size, rps, pipeline)
    return requests_for(rps, settings.seconds, pipeline)


def measure(server: Server, test: str, requests: int, pipeline: int, settings: Settings) -> Sample:
    """One timed run with the server's CPU time. Raises as `prepare`."""
    prepare(server, test, requests, settings)
    before = server.cpu_ns()
    sample = run(server.port, test, requests, pipeline, settings)
    cpu_us = (server.cpu_ns() - before) / requests / 1000
    return Sample(sample.rps, sample.p50_ms, sample.p99_ms, cpu_us)
