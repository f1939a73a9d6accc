"""Throughput, latency and CPU of every server side by side: `python -m benchmarks [--quick]`.

Order of the runs: for each round, for each pipeline depth, for each test, every server in turn (starting
with another one each round), so that whatever else the machine does hits all of them alike. README.md says
how to read the output.
"""

import argparse
import contextlib
import time
from dataclasses import asdict, dataclass

from benchmarks import load, plot, report
from benchmarks.load import LoadError, Sample, Settings
from benchmarks.ratios import Key, Samples
from benchmarks.servers import Server, end_children_on_sigterm, other_tree, server_names, start_all
from benchmarks.wire import ReplyError

QUICK_SECONDS = 0.2


@dataclass(frozen=True)
class Plan:
    tests: list[str]
    pipelines: list[int]
    rounds: int
    settings: Settings


def at_least_three(text: str) -> int:
    rounds = int(text)
    if rounds < 3:
        raise argparse.ArgumentTypeError("a median needs 3 rounds")
    return rounds


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS} s a measurement: sooner done, noisier")
    parser.add_argument("--servers", type=server_names, default="redis,bare,fakeredis,pyredis")
    parser.add_argument("--tree", type=other_tree, metavar="PATH", help="measure pyredis from another checkout as well")
    parser.add_argument("--tests", type=load.test_names, default=",".join(load.DEFAULT_TESTS), help="names, or all")
    parser.add_argument("--pipelines", default="1,16,100", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--keyspace", type=int, default=100_000, help="redis-benchmark's -r: how many keys")
    parser.add_argument("--rounds", type=at_least_three, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a measurement should take")
    parser.add_argument("--name", default=time.strftime("%Y-%m-%dT%H-%M-%S"), help="results/NAME.json and .png")
    return parser.parse_args()


def calibrate_all(servers: list[Server], plan: Plan) -> tuple[dict[Key, int], dict[str, str]]:
    """Requests for each line of the table, and an error for each line that its server does not answer."""
    sizes: dict[Key, int] = {}
    errors: dict[str, str] = {}
    for server in servers:
        try:
            load.fill(server, plan.settings.keyspace)
        except (ReplyError, OSError) as error:
            errors[f"{server.name} keys put in beforehand"] = str(error)
        for pipeline in plan.pipelines:
            for test in plan.tests:
                if not load.runs_at(test, pipeline, server.name):
                    continue
                try:
                    sizes[Key(pipeline, test, server.name)] = load.calibrate(server, test, pipeline, plan.settings)
                except (LoadError, OSError) as error:
                    errors[f"{server.name} {test} pipeline {pipeline}"] = str(error)
    return sizes, errors


def measure_all(servers: list[Server], plan: Plan, sizes: dict[Key, int], errors: dict[str, str]) -> Samples:
    """Every round; a line that fails once is left out of the result and stands in `errors`."""
    order = [Key(pipeline, test, s.name) for pipeline in plan.pipelines for test in plan.tests for s in servers]
    samples: Samples = {key: [] for key in order if key in sizes}
    for turn in range(plan.rounds):
        started = time.monotonic()
        first = turn % len(servers)
        for pipeline in plan.pipelines:
            for test in plan.tests:
                for server in servers[first:] + servers[:first]:
                    measure_line(server, Key(pipeline, test, server.name), sizes, samples, plan.settings, errors)
        print(f"round {turn + 1} of {plan.rounds}: {time.monotonic() - started:.0f} s", flush=True)
    return samples


def measure_line(
    server: Server,
    key: Key,
    sizes: dict[Key, int],
    samples: Samples,
    settings: Settings,
    errors: dict[str, str],
) -> None:
    if key not in samples:
        return
    try:
        sample: Sample = load.measure(server, key.test, sizes[key], key.pipeline, settings)
    except (LoadError, OSError) as error:
        errors[f"{key.server} {key.test} pipeline {key.pipeline}"] = str(error)
        del samples[key]
    else:
        samples[key].append(sample)


def write_results(name: str, samples: Samples, plan: Plan, errors: dict[str, str]) -> None:
    path = report.save(name, report.result(samples, asdict(plan), errors))
    print(f"\n{report.shown(path)}")
    try:
        plot.draw(samples, path.with_suffix(".png"))
    except ModuleNotFoundError as error:
        print(f"no plot: {error.name} is not installed (the extra `benchmark` brings it)")
    else:
        print(report.shown(path.with_suffix(".png")))


def main() -> None:
    options = parse_arguments()
    seconds = QUICK_SECONDS if options.quick else options.seconds
    settings = Settings(options.clients, options.keyspace, seconds)
    plan = Plan(options.tests, options.pipelines, options.rounds, settings)
    end_children_on_sigterm()
    with contextlib.ExitStack() as stack:
        servers, missing = start_all([*options.servers, *(["tree"] if options.tree else [])], stack)
        if not servers:
            raise SystemExit("no server to measure")
        print(
            f"redis-benchmark: {settings.clients} clients, key space {settings.keyspace} (-r), 3-byte values,"
            f" ~{settings.seconds} s a measurement, medians of {plan.rounds} interleaved rounds",
            flush=True,
        )
        sizes, errors = calibrate_all(servers, plan)
        samples = measure_all(servers, plan, sizes, errors)
    print(f"\n{report.table(samples)}\n\n{report.summary_lines(samples)}")
    for line, error in errors.items():
        print(f"missing: {line}: {error}")
    write_results(options.name, samples, plan, missing | errors)


if __name__ == "__main__":
    main()
