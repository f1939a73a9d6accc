"""What a plain write pays for what hangs on it: `python -m benchmarks.hooks`.

An engine in this process, no socket and no parsing: ns of CPU time a SET that replaces a value, 16 commands a read.
*routed*: the cluster's router is asked whose key it is, and says "mine"; *clustered*: the keys stand by slot, too, so
this is all that cluster mode costs. *read*: one reader has the propagation
stream, as the append-only log or the replicas' backlog do. The cases take turns; each keeps the least of its rounds,
and what a hook costs is the difference to *plain*.
"""

import argparse
import gc
import time
from collections import deque
from collections.abc import Callable

from benchmarks import report
from pyredis.assembly import build_engine
from pyredis.cluster.routing import Routing
from pyredis.cluster.view import ALL_SLOTS, View
from pyredis.config.store import Config
from pyredis.engine.client import Client
from pyredis.engine.engine import Engine
from pyredis.engine.execution import run as execution
from pyredis.engine.execution.propagation import LOG, Propagation
from pyredis.engine.roster import Clients

PIPELINE = 16
KEYS = 1000
GOALS_NS = {"routed": 150, "clustered": 250, "read": 300}
"""By how much a case may be dearer than *plain*."""


def route(engine: Engine) -> None:
    view = View(engine.random, engine.keyspace.now)
    view.is_ok = True
    view.give(view.myself, ALL_SLOTS)
    engine.router = Routing(engine, view)
    engine.rewire()


def read(engine: Engine) -> None:
    engine[Propagation].listen(deque[bytes](maxlen=KEYS).append, LOG)


CASES: dict[str, Callable[[Engine], None]] = {
    "plain": lambda engine: None,
    "routed": route,
    "clustered": route,
    "read": read,
}


def prepared(case: str) -> Client:
    """A client of an engine of its own that runs as the case says, every key there."""
    config = Config()
    if case == "clustered":
        config.load_lines("cluster-enabled yes")
    engine = build_engine(config)
    CASES[case](engine)
    client = engine[Clients].connect()
    once(client, KEYS // PIPELINE + 1)
    return client


def once(client: Client, reads: int) -> float:
    """ns of CPU time a command over so many reads. Raises AssertionError for a reply other than OK."""
    sets = [[b"SET", b"key:%012d" % number, b"xxx"] for number in range(KEYS + PIPELINE)]
    batches = [sets[at % KEYS : at % KEYS + PIPELINE] for at in range(0, reads * PIPELINE, PIPELINE)]
    engine, out = client.engine, client.out
    engine.tick()
    begun = time.thread_time_ns()
    for batch in batches:
        execution.run(engine, client, batch)
        if len(out) > 1000:
            out.clear()
    took = time.thread_time_ns() - begun
    assert set(out) <= {b"+OK\r\n"}, out
    out.clear()
    return took / (reads * PIPELINE)


def measure(rounds: int, reads: int) -> dict[str, float]:
    """The least of each case's rounds, ns a command."""
    clients = {case: prepared(case) for case in CASES}
    least = dict.fromkeys(CASES, float("inf"))
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            for case in [*CASES][turn % len(CASES) :] + [*CASES][: turn % len(CASES)]:
                least[case] = min(least[case], once(clients[case], reads))
    finally:
        gc.enable()
    return least


def lines(figures: dict[str, float]) -> list[str]:
    """A line a case: ns a command, and beside it what the hook adds and its goal."""
    shown = [f"{'SET':<10}{'ns':>8}{'more':>8}{'goal':>8}", f"{'plain':<10}{figures['plain']:>8.0f}"]
    for case, goal in GOALS_NS.items():
        more = figures[case] - figures["plain"]
        verdict = "met" if more <= goal else "missed"
        shown.append(f"{case:<10}{figures[case]:>8.0f}{more:>8.0f}{'<= ' + str(goal):>8}  {verdict}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hooks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 30")
    options = parser.parse_args()
    rounds = 5 if options.quick else 30
    figures = measure(rounds, 2000)
    print("\n".join(lines(figures)))
    content = {"machine": report.machine(), "settings": {"rounds": rounds}, "goals": GOALS_NS, "results": figures}
    print(report.shown(report.save("hooks", content)))


if __name__ == "__main__":
    main()
