"""What a plain command pays for cluster mode: `python -m benchmarks.cluster_mode`.

Sessions in this process, without sockets: ns of CPU time a command, parsing and replies included, 16 commands a read.
*slotted*: keys stand together by their slots. *routed*: a router asks besides whether the slot is served here, as in
cluster mode. The cases take turns, each keeps the least of its rounds; the share is *plain*'s time by the case's.
"""

import argparse
import gc
import time
from collections.abc import Callable
from random import Random

from hiredis import pack_command

from benchmarks import hooks, report
from pyredis.assembly import build_engine
from pyredis.engine.engine import Engine
from pyredis.engine.session import Session
from pyredis.engine.sessions import Sessions
from pyredis.keyspace import events
from pyredis.keyspace.database import Keyspace

PIPELINE, KEYS = 16, 100_000
GOAL = 0.85
"""The least share in the goals of cluster mode."""


class NullLink:
    """A link to nobody."""

    address = local_address = "127.0.0.1:1"
    fd = -1

    def write(self, data: bytes) -> None:
        assert not data.startswith(b"-"), data

    def ignore(self, *_: object) -> int:
        return 0

    close = abort = pause_reading = resume_reading = pending = congest_at = keep_alive = ignore


def slotted(engine: Engine) -> None:
    space = engine.keyspace
    space.databases[:] = Keyspace(1, engine.random, slotted=True).databases
    space.databases[0].space = space


def routed(engine: Engine) -> None:
    slotted(engine)
    hooks.route(engine)


CASES: dict[str, Callable[[Engine], None]] = {"plain": lambda engine: None, "slotted": slotted, "routed": routed}


def prepared(case: str) -> Session:
    """A session of an engine that runs as the case says, with all keys there."""
    engine = build_engine(seed=1)
    CASES[case](engine)
    session = Session(engine[Sessions])
    session.connected(NullLink())  # type: ignore[arg-type]
    words = [word for number in range(KEYS) for word in (b"key:%012d" % number, b"xxx")]
    session.client.db.set_pairs(words, events.SET)
    return session


def reads_of(command: str, count: int) -> list[bytes]:
    """So many reads of 16 commands."""
    random, value = Random(1), (b"xxx",) if command == "SET" else ()
    words = [pack_command((command, b"key:%012d" % random.randrange(KEYS), *value)) for _ in range(count * PIPELINE)]
    return [b"".join(words[at : at + PIPELINE]) for at in range(0, len(words), PIPELINE)]


def once(session: Session, reads: list[bytes]) -> float:
    """ns of CPU time a command."""
    client, host = session.client, session.client.engine.host
    begun = time.thread_time_ns()
    for read in reads:
        session.received(read)
        client.flush()
        host.timers.run_due(1 << 60)
    return (time.thread_time_ns() - begun) / (len(reads) * PIPELINE)


def measure(command: str, rounds: int, count: int) -> dict[str, float]:
    """The least of each case's rounds."""
    sessions, reads = {case: prepared(case) for case in CASES}, reads_of(command, count)
    least = dict.fromkeys(CASES, float("inf"))
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            for case in [*CASES][turn % len(CASES) :] + [*CASES][: turn % len(CASES)]:
                least[case] = min(least[case], once(sessions[case], reads))
    finally:
        gc.enable()
    return least


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster_mode", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 25")
    options = parser.parse_args()
    results = {command: measure(command, 5 if options.quick else 25, 1000) for command in ("SET", "GET")}
    print(f"{'':<6}{'':<10}{'ns':>7}{'share':>8}{'goal':>8}")
    for command, figures in results.items():
        for case, took in figures.items():
            print(f"{command:<6}{case:<10}{took:>7.0f}{figures['plain'] / took:>8.2f}{'>= ' + str(GOAL):>9}")
    content = {"machine": report.machine(), "goal": GOAL, "results": results}
    print(report.shown(report.save("cluster_mode", content)))


if __name__ == "__main__":
    main()
