"""Three real Sentinels over a master and two replicas of one kind, each behind a proxy by whose address it is known.

A `Spectator` asks all Sentinels for the master's address and configuration epoch, some fifty times a second.
"""

import contextlib
import itertools
import shutil
import subprocess
import threading
import time
from pathlib import Path

from tests.oracle import free_port
from tests.replication.proxies import Proxy
from tests.replication.topologies import Client, Kind, Server, Topology, eventually, info, replicate, value

NAME = "mymaster"
BINARY = shutil.which("redis-sentinel")
FAILOVER_TIMEOUT_MS = 3000


class Sentinel:
    """One real `redis-sentinel`, running until `close`."""

    def __init__(self, folder: Path, master: int, down_after_ms: int) -> None:
        self.port, self._log = free_port(), folder / "log"
        configuration = folder / "sentinel.conf"
        configuration.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\nlogfile {self._log}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {master} 2\n"
            f"sentinel down-after-milliseconds {NAME} {down_after_ms}\n"
            f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}\n"
        )
        assert BINARY is not None
        self._process = subprocess.Popen([BINARY, str(configuration)])

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def events(self) -> list[str]:
        """What it logged about the master and its servers: the words from the event's name on."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return [line.partition(" # ")[2] or line.partition(" * ")[2] for line in lines if NAME in line]

    def switches(self) -> list[str]:
        """The `+switch-master` lines so far."""
        return [event for event in self.events() if event.startswith("+switch-master")]

    def sees_all_well(self) -> bool:
        """It knows two other Sentinels, and two replicas that replicate."""
        with contextlib.closing(Client(self.port)) as client:
            master = _fields(client.value("SENTINEL", "MASTER", NAME))
            replicas = [_fields(one) for one in client.value("SENTINEL", "REPLICAS", NAME)]
        counted = (master["flags"], master["num-slaves"], master["num-other-sentinels"])
        states = [(one["flags"], one["master-link-status"], one["master-port"]) for one in replicas]
        return counted == ("master", "2", "2") and states == [("slave", "ok", master["port"])] * 2


def _fields(flat: list[bytes]) -> dict[str, str]:
    parts = iter(part.decode() for part in flat)
    return dict(zip(parts, parts, strict=True))


class Group:
    """The servers, their proxies, and the Sentinels; `topology` ends them all."""

    def __init__(self, topology: Topology, kind: Kind, down_after_ms: int) -> None:
        self.kind = kind
        self.servers: dict[int, Server] = {}  # by the port of the proxy, as the Sentinels know them
        self.ways: dict[int, Proxy] = {}
        for _ in range(3):
            self._add(topology)
        first, *others = self.servers
        for port in others:
            replicate(self.servers[port], first)
            eventually(lambda at=port: info(self.servers[at].port)["master_link_status"] == "up", self.told)
        self.sentinels = [topology.closing(Sentinel(topology.folder(), first, down_after_ms)) for _ in range(3)]
        self.await_rest()
        self.spectator: Spectator = topology.closing(Spectator(self.sentinels))

    def _add(self, topology: Topology) -> None:
        announced = free_port()
        server = topology.server(
            self.kind, "--replica-announce-ip", "127.0.0.1", "--replica-announce-port", str(announced)
        )
        self.servers[announced] = server
        self.ways[announced] = topology.closing(Proxy(server.port, announced))

    def master(self) -> int:
        """The port at which the first Sentinel says the master is."""
        return int(value(self.sentinels[0].port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1])

    def split_votes(self) -> int:
        """How many elections so far had no winner."""
        events = (event for sentinel in self.sentinels for event in sentinel.events())
        return sum(event.startswith("-failover-abort-not-elected") for event in events)

    def await_rest(self) -> None:
        """Wait until all Sentinels see a master, its replicas and each other well, a restarted server included."""
        eventually(lambda: all(sentinel.sees_all_well() for sentinel in self.sentinels), self.told, 60)

    def told(self) -> list[list[str]]:
        return [sentinel.events()[-12:] for sentinel in self.sentinels]


class Spectator:
    """`seen`: for each Sentinel, when it first showed which (configuration epoch, port of the master)."""

    def __init__(self, sentinels: list[Sentinel]) -> None:
        self.seen: list[dict[tuple[int, int], float]] = [{} for _ in sentinels]
        self._clients = [Client(sentinel.port) for sentinel in sentinels]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            for client, seen in zip(self._clients, self.seen, strict=True):
                master = _fields(client.value("SENTINEL", "MASTER", NAME))
                seen.setdefault((int(master["config-epoch"]), int(master["port"])), time.monotonic())

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for client in self._clients:
            client.close()

    def switched_at(self, former: int, after: float) -> float | None:
        """When the first Sentinel showed another master than `former`, of what was new `after` that time."""
        times = [
            when for seen in self.seen for (_, port), when in list(seen.items()) if when > after and port != former
        ]
        return min(times, default=None)

    def switches(self) -> list[list[tuple[int, int]]]:
        """For each Sentinel, its changes of mind: the configuration epoch and the new master's port.

        The epoch is shown as soon as a replica was promoted, the address when the failover ends.
        """
        return [[new for (_, before), new in itertools.pairwise(list(seen)) if new[1] != before] for seen in self.seen]
