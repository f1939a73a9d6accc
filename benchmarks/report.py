"""What a run prints and keeps: the table, the summary lines, the JSON file, the facts of the machine."""

import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.ratios import METRICS, Key, Samples, Summary, medians, ratio_to, references, summarize

RESULTS = Path(__file__).resolve().parent / "results"
HEADINGS = {"rps": "req/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "cpu_us": "CPU µs"}
FORMATS = {"rps": "{:,.0f}", "p50_ms": "{:.3f}", "p99_ms": "{:.3f}", "cpu_us": "{:.2f}"}
PACKAGES = ("uvloop", "hiredis", "fakeredis")


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x" if value >= 0.1 else f"{value:.4f}x"


def _line(samples: Samples, key: Key, others: list[str]) -> str:
    figures = medians(samples[key])
    cells = [f"{key.pipeline:>4} {key.test:<12} {key.server:<10}"]
    for metric in METRICS:
        cells.append(f"{FORMATS[metric].format(figures[metric]):>11}")
        for other in others:
            times = "" if key.server == other else _times(ratio_to(samples, key, other, metric))
            cells.append(f"{times:>8}")
    return "".join(cells)


def table(samples: Samples) -> str:
    """All lines, grouped by pipeline and test; beside each figure its ratios to the `references`."""
    others = references(samples)
    head = f"{'pipe':>4} {'test':<12} {'server':<10}"
    head += "".join(f"{HEADINGS[metric]:>11}" + "".join(f"{'/' + name:>8}" for name in others) for metric in METRICS)
    lines = [head.rstrip()]
    previous = None
    for key in sorted(samples, key=lambda key: key.pipeline):  # stable: tests and servers keep their order
        if previous and (previous.pipeline, previous.test) != (key.pipeline, key.test):
            lines.append("")
        lines.append(_line(samples, key, others).rstrip())
        previous = key
    return "\n".join(lines)


def summary_line(summary: Summary) -> str:
    """One line, as `pyredis pipeline 16: throughput 0.80x of redis-server (lowest 0.61x incr), ...`."""
    head = f"{summary.server:<10} pipeline {summary.pipeline:>3}{' mixed' if summary.mixed else ''}"
    if summary.throughput is None or summary.lowest is None:
        return f"{head}: nothing to compare"
    lowest, test = summary.lowest
    text = f"{head}: throughput {_times(summary.throughput)} of redis-server (lowest {_times(lowest)} {test}), "
    text += f"CPU a command {_times(summary.cpu)}, {summary.tests} tests"
    for name, (throughput, cpu) in summary.to_others.items():
        text += f", throughput {_times(throughput)} and CPU {_times(cpu)} of {name}"
    return text + (f", throughput {_times(summary.to_fakeredis)} of fakeredis" if summary.to_fakeredis else "")


def summary_lines(samples: Samples) -> str:
    """Geometric means over the tests, a line for each server and pipeline."""
    return "\n".join(summary_line(summary) for summary in summarize(samples))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    redis = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=False).stdout
    return {
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "redis-server": redis.strip(),
        **{package: _version(package) for package in PACKAGES},
    }


def result(samples: Samples, settings: dict[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """Everything of a run, the single samples included, as JSON holds it."""
    lines = [
        {
            "pipeline": key.pipeline,
            "test": key.test,
            "server": key.server,
            "median": medians(runs),
            **{
                f"ratio_to_{other}": {metric: ratio_to(samples, key, other, metric) for metric in METRICS}
                for other in references(samples)
            },
            "rounds": [run.as_dict() for run in runs],
        }
        for key, runs in samples.items()
    ]
    summaries = [vars(summary) for summary in summarize(samples)]
    return {
        "machine": machine(),
        "settings": settings,
        "errors": errors,
        "summary": summaries,
        "lines": lines,
    }


def save(name: str, content: dict[str, Any]) -> Path:
    """Write `results/<name>.json`; return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def shown(path: Path) -> str:
    """A path as the user would type it."""
    return os.path.relpath(path)
