"""What replicas cost a master: its SETs a second, pipeline 16, and its CPU a SET with none, one and three.

Replicas are real ones (`redis`) or throw the stream away (`sink`). On few cores they take the master's processor time,
so `kept` falls on a real server, too, as low as 0.25 on two cores; `kept by CPU` is what the master itself pays. The
floor is `bare_master`: the bare loop that encodes each write once more and passes on each turn's; only sinks follow it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from statistics import median

from benchmarks import load
from benchmarks.replicas import OPTIONS, Figures, Watched, attach, await_that, has_acknowledged
from benchmarks.servers import Server, running

FLOOR = "bare_master"
REPLICAS = [("", 0), ("redis", 1), ("redis", 3), ("sink", 1), ("sink", 3)]
PIPELINE = 16


def throughput(names: list[str], rounds: int, seconds: float) -> dict[str, Figures]:
    """A line for each server and its replicas: medians, and ratios to the same server alone in the same round."""
    settings = load.Settings(seconds=seconds)
    runs: dict[tuple[str, str], list[load.Sample]] = {}
    with ExitStack() as stack:
        masters = dict(attended(names, settings, stack))
        requests = {
            name: load.calibrate(master, "set", PIPELINE, settings) for (name, _), (master, _) in masters.items()
        }
        for _ in range(rounds):
            for case, (master, watched) in masters.items():
                runs.setdefault(case, []).append(load.measure(master, "set", requests[case[0]], PIPELINE, settings))
                await_that(lambda watched=watched: has_acknowledged(watched))  # type: ignore[misc]
    return {" ".join(case): kept(samples, runs[case[0], "alone"]) for case, samples in runs.items()}


def attended(
    names: list[str], settings: load.Settings, stack: ExitStack
) -> Iterator[tuple[tuple[str, str], tuple[Server, Watched]]]:
    """Masters with their replicas in step, by name and replicas."""
    for name, (kind, count) in product([*names, FLOOR], REPLICAS):
        if name == FLOOR and kind == "redis":
            continue
        master = stack.enter_context(running(name, *OPTIONS))
        load.fill(master, settings.keyspace)
        attach(master, kind, count, stack)
        yield (name, f"{count} {kind}" if count else "alone"), (master, Watched(master, stack))


def kept(runs: list[load.Sample], alone: list[load.Sample]) -> Figures:
    """SETs a second and CPU of a SET, and what is kept of the master alone: of its rate, and judged by its CPU."""
    return {
        "req/s": median(run.rps for run in runs),
        "CPU µs": median(run.cpu_us for run in runs),
        "kept": median(run.rps / base.rps for run, base in zip(runs, alone, strict=True)),
        "kept by CPU": median(base.cpu_us / run.cpu_us for run, base in zip(runs, alone, strict=True)),
    }
