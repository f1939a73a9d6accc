"""From samples to figures: medians over rounds, ratios to a reference server, geometric means over tests.

A ratio is taken within a round, where both servers ran right after each other, and the median of those
ratios is kept: what the machine does from one round to the next then hits both sides of it alike. It may
therefore differ a little from the quotient of the two medians. A figure that could not be measured is
absent, never zero.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import geometric_mean, median

from benchmarks.load import Sample
from benchmarks.mixed import MIXES

METRICS = ("rps", "p50_ms", "p99_ms", "cpu_us")
REFERENCE = "redis"
REFERENCES = (REFERENCE, "bare", "tree")


@dataclass(frozen=True)
class Key:
    """One line of the table."""

    pipeline: int
    test: str
    server: str


Samples = dict[Key, list[Sample]]  # a list holds one sample a round


def medians(samples: list[Sample]) -> dict[str, float]:
    """The median of each metric over the rounds."""
    return {metric: median(getattr(sample, metric) for sample in samples) for metric in METRICS}


def ratio(samples: list[Sample], reference: list[Sample], metric: str) -> float | None:
    """The median over rounds of a metric's ratio to `reference`; None where nothing can be compared."""
    pairs = [(getattr(a, metric), getattr(b, metric)) for a, b in zip(samples, reference, strict=False)]
    ratios = [a / b for a, b in pairs if b > 0 and not math.isnan(a)]
    return median(ratios) if ratios else None


def ratio_to(samples: Samples, key: Key, reference: str, metric: str) -> float | None:
    """The same for one line of the table, against the line of server `reference`."""
    other = samples.get(Key(key.pipeline, key.test, reference))
    return ratio(samples[key], other, metric) if other else None


def references(samples: Samples) -> list[str]:
    """The servers that ran and that others are compared with."""
    return [name for name in REFERENCES if any(key.server == name for key in samples)]


def mean(ratios: Iterable[float | None]) -> float | None:
    """The geometric mean of the ratios that are there; None when none is."""
    present = [value for value in ratios if value]
    return geometric_mean(present) if present else None


@dataclass(frozen=True)
class Summary:
    """One server at one pipeline depth: geometric means over the tests that both servers ran; mixes stand apart."""

    pipeline: int
    server: str
    mixed: bool
    tests: int
    throughput: float | None  # to redis-server
    lowest: tuple[float, str] | None  # the smallest of those ratios, and its test
    cpu: float | None  # CPU a command, to redis-server
    to_others: dict[str, tuple[float | None, float | None]]  # the same two, to further references
    to_fakeredis: float | None  # throughput, to fakeredis


def summarize(samples: Samples) -> list[Summary]:
    """One Summary a pipeline and server, in the order of the samples; none for the reference."""
    groups: dict[tuple[int, str, bool], list[Key]] = {}
    for key in samples:
        if key.server != REFERENCE:
            groups.setdefault((key.pipeline, key.server, key.test in MIXES), []).append(key)
    return [_summary(samples, keys) for keys in groups.values()]


def _summary(samples: Samples, keys: list[Key]) -> Summary:
    pipeline, server = keys[0].pipeline, keys[0].server
    others = [name for name in references(samples) if name not in (REFERENCE, server)]
    throughput = [(value, key.test) for key in keys if (value := ratio_to(samples, key, REFERENCE, "rps"))]
    return Summary(
        pipeline,
        server,
        keys[0].test in MIXES,
        len(throughput),
        mean(value for value, _ in throughput),
        min(throughput, default=None),
        _mean_to(samples, keys, REFERENCE, "cpu_us"),
        {name: (_mean_to(samples, keys, name, "rps"), _mean_to(samples, keys, name, "cpu_us")) for name in others},
        _mean_to(samples, keys, "fakeredis", "rps") if server != "fakeredis" else None,
    )


def _mean_to(samples: Samples, keys: list[Key], reference: str, metric: str) -> float | None:
    return mean(ratio_to(samples, key, reference, metric) for key in keys)
