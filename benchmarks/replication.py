"""Replication beside redis-server's: `python -m benchmarks.replication [--quick] [--parts throughput,wait,...]`.

Parts; all but the first compare every pair master→replica of the servers named, and all do so in one run:

- throughput: what a master keeps of its SETs a second with 1 and 3 replicas (replica_cost.py).
- catchup: how fast a replica applies the SETs that its master kept in its backlog while the link was cut; the floor is
  hiredis over a dict, in process.
- steady: how far a replica falls behind while its master takes 50,000 SETs a second for a minute.
- fullsync: from REPLICAOF to an equal million of small keys, and the longest PING on both meanwhile.
- resync: from the replica's coming back after a cut of 1 s, with writes meanwhile, to equal offsets by partial resync.
- wait: WAIT 1 after a SET, the replica idle.
"""

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from statistics import median

from benchmarks import replica_cost, report, wire
from benchmarks.bare_replication import applied_a_second
from benchmarks.memory import load_keys, set_commands
from benchmarks.persistence import longest_ping_ms
from benchmarks.replicas import Figures, Pair, await_that, following, pair
from benchmarks.servers import Server, ServerMissingError, end_children_on_sigterm, server_names

REFERENCE = "redis"


@dataclass(frozen=True)
class Scale:
    """How much is measured: `seconds` a throughput run, `steady_s` of paced writes, the rest counts."""

    rounds: int = 3
    seconds: float = 1.0
    backlog: int = 500_000
    steady_s: float = 60.0
    rate: int = 50_000
    keys: int = 1_000_000
    resyncs: int = 5
    waits: int = 2000


QUICK = Scale(rounds=3, seconds=0.3, backlog=100_000, steady_s=10.0, keys=100_000, resyncs=3, waits=300)


def catchup(names: tuple[str, str], scale: Scale) -> Figures:
    """Commands a second that the replica applies of a backlog, counted from its connection."""
    with following(names, is_cuttable=True) as both:
        began = time.perf_counter()
        with resynced(both, 0) as back:
            with both.master.server.connect() as sock:
                wire.send_lines(sock, set_commands(scale.backlog))
            produced = time.perf_counter() - began
        cpu = both.replica.server.cpu_ns()
        took = back()
        cpu = both.replica.server.cpu_ns() - cpu
        both.check_equal()
    return {
        "applied/s": scale.backlog / took,
        "s": took,
        "replica CPU µs": cpu / 1000 / scale.backlog,
        "produced/s": scale.backlog / produced,
    }


@contextmanager
def resynced(both: Pair, seconds: float) -> Iterator[Callable[[], float]]:
    """Cut for the block, at least so long; what is given restores the link and tells when all was in step again.

    Raises RuntimeError when that took a full resync.
    """
    relay = both.relay
    assert relay is not None
    syncs = both.master.info("stats")["sync_full"]
    relay.cut()
    until = time.monotonic() + seconds

    def back() -> float:
        relay.restore()
        came = relay.await_connection(60)
        await_that(both.is_in_step, 0.001)
        took = time.perf_counter() - came
        if both.master.info("stats")["sync_full"] != syncs:
            raise RuntimeError("the master answered with a full resync")
        return took

    yield back
    time.sleep(max(0.0, until - time.monotonic()))


def resync(names: tuple[str, str], scale: Scale) -> Figures:
    """Milliseconds from the connection after a cut to equal offsets."""
    took = []
    with following(names, is_cuttable=True) as both:
        for _ in range(scale.resyncs):
            with resynced(both, 1.0) as back, both.master.server.connect() as sock:
                wire.send_lines(sock, set_commands(5000))
            took.append(back() * 1000)
        both.check_equal()
    return {"p50 ms": median(took), "max ms": max(took)}


def steady(names: tuple[str, str], scale: Scale) -> Figures:
    """The lag in bytes, sampled, while the master takes writes at a steady rate; and what both pay for it."""
    with following(names) as both:
        done, lags = threading.Event(), []
        writer = Writer(both.master.server, scale, done)
        servers = both.master.server, both.replica.server
        before = [server.cpu_ns() for server in servers]
        writer.start()
        while not done.wait(0.05):
            lags.append(both.lag())
        writer.join()
        ended = time.perf_counter()
        cpu = [(server.cpu_ns() - used) / 1e9 / writer.took_s for server, used in zip(servers, before, strict=True)]
        await_that(both.is_in_step)
        drained = time.perf_counter() - ended
        both.check_equal()
    half = len(lags) // 2
    return {
        "writes/s": writer.sent / writer.took_s,
        "lag max KB": max(lags) / 1000,
        "1st half": max(lags[:half]) / 1000,
        "2nd half": max(lags[half:]) / 1000,
        "drain ms": drained * 1000,
        "master CPU": cpu[0],
        "replica CPU": cpu[1],
    }


class Writer(threading.Thread):
    """SETs at a steady rate, 100 batches a second, encoded beforehand; sets `done` at the end."""

    def __init__(self, server: Server, scale: Scale, done: threading.Event) -> None:
        super().__init__()
        self.sent, self.took_s = 0, 0.0
        self._server, self._scale, self._done = server, scale, done
        self._size = scale.rate // 100
        commands = list(set_commands(100 * self._size))
        self._batches = [b"".join(commands[at : at + self._size]) for at in range(0, len(commands), self._size)]

    def run(self) -> None:
        with self._server.connect() as sock:
            began = time.perf_counter()
            for turn in range(int(self._scale.steady_s * 100)):
                time.sleep(max(0.0, began + turn / 100 - time.perf_counter()))
                sock.sendall(self._batches[turn % len(self._batches)])
                left = len(b"+OK\r\n") * self._size
                while left:
                    left -= len(sock.recv(left))
                self.sent += self._size
            self.took_s = time.perf_counter() - began
        self._done.set()


def fullsync(names: tuple[str, str], scale: Scale) -> Figures:
    """Seconds of a full sync, and the longest PING of both sides meanwhile; and of the master when nothing goes on."""
    with pair(names) as both:
        load_keys(both.master.server, scale.keys)
        with pinged(both.master.server) as idle:
            time.sleep(1)
        with pinged(both.master.server) as masters, pinged(both.replica.server) as replicas:
            began = time.perf_counter()
            both.follow()
            await_that(both.is_in_step, 0.02)
            took = time.perf_counter() - began
        both.check_equal()
    return {"s": took, "master ms": masters[0], "(idle ms)": idle[0], "replica ms": replicas[0]}


@contextmanager
def pinged(server: Server) -> Iterator[list[float]]:
    """After the block the list holds the longest round trip in ms, one PING a millisecond."""
    done, longest = threading.Event(), list[float]()
    thread = threading.Thread(target=lambda: longest.append(longest_ping_ms(server, done)))
    thread.start()
    yield longest
    done.set()
    thread.join()


def wait(names: tuple[str, str], scale: Scale) -> Figures:
    """Round trips of WAIT 1 after a SET, in µs, and of the SET itself."""
    writes, waits = [], []
    with following(names) as both, both.master.server.connect() as sock:
        for number in range(scale.waits):
            began = time.perf_counter()
            wire.ask(sock, "SET", "key", str(number))
            written = time.perf_counter()
            if (reply := wire.ask(sock, "WAIT", "1", "5000")) != b":1":
                raise RuntimeError(f"WAIT answers {reply!r}")
            waits.append((time.perf_counter() - written) * 1e6)
            writes.append((written - began) * 1e6)
    return {
        "WAIT p50 µs": median(waits),
        "WAIT p99 µs": sorted(waits)[len(waits) * 99 // 100],
        "SET µs": median(writes),
    }


PAIRED = {"catchup": catchup, "steady": steady, "fullsync": fullsync, "resync": resync, "wait": wait}
REPEATED = ("catchup", "resync", "wait")
PARTS = ["throughput", *PAIRED]


def compared(part: str, names: list[str], scale: Scale) -> dict[str, Figures]:
    """One part's lines, printed: medians of the rounds, in each of which every pair has its turn."""
    if part == "throughput":
        lines = replica_cost.throughput(names, scale.rounds, scale.seconds)
    else:
        turns: dict[str, list[Figures]] = {"→".join(names_of_pair): [] for names_of_pair in product(names, names)}
        for _ in range(scale.rounds if part in REPEATED else 1):
            for label, done in turns.items():
                done.extend(tried(part, label, scale))
        lines = {label: medians(done) for label, done in turns.items() if done}
    if part == "catchup":
        lines["floor"] = {"applied/s": applied_a_second(set_commands(scale.backlog))}
    reference = f"{REFERENCE}→{REFERENCE}"
    for label, figures in lines.items():
        print(line(label, figures, None if label == reference else lines.get(reference)), flush=True)
    return lines


def tried(part: str, label: str, scale: Scale) -> list[Figures]:
    """One run of one pair; where it fails that is told and there are no figures."""
    master, replica = label.split("→")
    try:
        return [PAIRED[part]((master, replica), scale)]
    except (ServerMissingError, RuntimeError, OSError, wire.ReplyError, KeyError) as error:
        print(f"{label:<20} missing: {error!r}", flush=True)
        return []


def medians(runs: list[Figures]) -> Figures:
    """Each figure's median."""
    return {name: median(run[name] for run in runs) for name in runs[0]}


def line(label: str, figures: Figures, reference: Figures | None) -> str:
    """One line: each figure, and beside it the ratio to the reference's."""
    text = f"{label:<20}"
    for name, value in figures.items():
        shown = f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"
        times = f" ({value / reference[name]:.2f}x)" if reference and reference[name] > 0 else ""
        text += f"  {name} {shown}{times}"
    return text


def part_names(text: str) -> list[str]:
    """The value of --parts. Raises ArgumentTypeError for one not known."""
    parts = text.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"unknown part {', '.join(unknown)}; known: {', '.join(PARTS)}")
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replication", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default=f"{REFERENCE},pyredis")
    parser.add_argument("--parts", type=part_names, default=",".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="less of everything: sooner done, noisier")
    options = parser.parse_args()
    end_children_on_sigterm()
    scale = QUICK if options.quick else Scale()
    results = {}
    for part in options.parts:
        print(f"{part}:", flush=True)
        results[part] = compared(part, options.servers, scale)
    content = {"machine": report.machine(), "settings": vars(options) | vars(scale), "results": results}
    print(report.shown(report.save("replication", content)))


if __name__ == "__main__":
    main()
