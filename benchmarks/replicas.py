"""Masters with replicas attached, for `benchmarks.replication`: how they are started, asked and waited for."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import wire
from benchmarks.relay import Relay
from benchmarks.servers import Server, running, spawn

OPTIONS = [
    *("--repl-diskless-sync-delay", "0"),
    *("--repl-backlog-size", "256mb"),
    *("--client-output-buffer-limit", "replica 0 0 0"),
]
Figures = dict[str, float]
DEADLINE_S = 60.0


def await_that(condition: Callable[[], bool], poll_s: float = 0.005) -> None:
    """Poll until it holds. Raises TimeoutError after a minute."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition.__qualname__} did not come true")
        time.sleep(poll_s)


class Watched:
    """A server and a connection to ask it by."""

    def __init__(self, server: Server, stack: contextlib.ExitStack) -> None:
        self.server = server
        self._sock = stack.enter_context(server.connect())

    def info(self, section: str = "replication") -> dict[str, str]:
        """The fields of a section of INFO."""
        (text,) = wire.replies(self._sock, [wire.encode("INFO", section)])
        return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)

    def ask(self, *words: str) -> bytes:
        """The first line of the reply. Raises ReplyError for an error."""
        reply = wire.ask(self._sock, *words)
        if reply.startswith(b"-"):
            raise wire.ReplyError(f"{self.server.name}: {reply.decode()}")
        return reply


@dataclass
class Pair:
    """A master and one replica of it; `relay`: the link between them, where it can be cut."""

    master: Watched
    replica: Watched
    relay: Relay | None = None

    def follow(self) -> None:
        """Tell the replica whom to follow."""
        port = self.relay.port if self.relay else self.master.server.port
        self.replica.ask("REPLICAOF", "127.0.0.1", str(port))

    def lag(self) -> int:
        """By how many bytes the replica is behind, if anything a little more: it is asked first."""
        replica = self.replica.info()
        if replica.get("master_link_status") != "up":
            raise ConnectionError(f"{self.replica.server.name}: the link to its master is down")
        return int(self.master.info()["master_repl_offset"]) - int(replica["slave_repl_offset"])

    def is_in_step(self) -> bool:
        """Whether the link is up and the offsets are equal."""
        try:
            return self.lag() <= 0
        except ConnectionError:
            return False

    def check_equal(self) -> None:
        """Raises RuntimeError when the two do not hold as many keys."""
        sizes = self.master.ask("DBSIZE"), self.replica.ask("DBSIZE")
        if sizes[0] != sizes[1]:
            raise RuntimeError(f"DBSIZE of master and replica: {sizes[0]!r}, {sizes[1]!r}")


@contextlib.contextmanager
def pair(names: tuple[str, str], *, is_cuttable: bool = False) -> Iterator[Pair]:
    """A master and a server that does not follow it yet, both empty."""
    with contextlib.ExitStack() as stack:
        master, replica = (Watched(stack.enter_context(running(name, *OPTIONS)), stack) for name in names)
        relay = Relay(master.server.port) if is_cuttable else None
        if relay:
            stack.callback(relay.cut)
        yield Pair(master, replica, relay)


@contextlib.contextmanager
def following(names: tuple[str, str], *, is_cuttable: bool = False) -> Iterator[Pair]:
    """A master and a replica in step with it."""
    with pair(names, is_cuttable=is_cuttable) as found:
        found.follow()
        await_that(found.is_in_step)
        yield found


def attach(master: Server, kind: str, count: int, stack: contextlib.ExitStack) -> None:
    """Give a master that many replicas of a kind, `sink` or a server's name, and wait until it counts them."""
    for _ in range(count):
        if kind == "sink":
            argv = [sys.executable, "-m", "benchmarks.sink_replica", str(master.port)]
            stack.enter_context(spawn(argv, None, -3))
        else:
            stack.enter_context(running(kind, *OPTIONS, "--replicaof", f"127.0.0.1 {master.port}"))
    watched = Watched(master, stack)
    await_that(lambda: watched.info()["connected_slaves"] == str(count) and has_acknowledged(watched))


def has_acknowledged(master: Watched) -> bool:
    """Whether every replica of a master is online and has acknowledged all of its stream."""
    fields = master.info()
    replicas = [fields[f"slave{number}"] for number in range(int(fields["connected_slaves"]))]
    end = f",offset={fields['master_repl_offset']},"
    return all("state=online" in replica and end in replica for replica in replicas)
