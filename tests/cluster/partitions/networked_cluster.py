"""A cluster of six nodes, each with an address and a network of its own, and a spectator beside every one of them."""

import contextlib
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hiredis

from tests.cluster.clusters import REDIS_CLI, View, keys_by_slot, text
from tests.cluster.partitions.cuts import BUS, PORT, Cuts
from tests.oracle import encode, wait_for
from tests.replication.partitions.network_namespaces import Network, process
from tests.replication.topologies import Kind

NODES = 6
SLOTS = (0, 6000, 12000)
"""A slot of each shard."""


class NetworkedCluster:
    """Nodes 1 to 6 of one kind or of several, the first three masters at first."""

    def __init__(self, network: Network, kinds: list[Kind], folder: Path, timeout_ms: int) -> None:
        self.network, self.kinds, self.timeout_ms = network, kinds, timeout_ms
        self.cuts = Cuts(network)
        self.ids: dict[int, str] = {}
        self._folder = folder
        self._connections: dict[int, Any] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator["NetworkedCluster"]:
        """Created and well within the block, gone after it."""
        with contextlib.ExitStack() as left:
            for node in self.network.nodes:
                left.enter_context(self._started(node))
            left.callback(self._hang_up)
            for node in self.network.nodes:
                wait_for(lambda node=node: self.ask(node, "PING") is not None)  # type: ignore[misc]
                self.ids[node] = text(self.ask(node, "CLUSTER", "MYID"))
            addresses = [f"{self.network.address(node)}:{PORT}" for node in self.network.nodes]
            argv = [REDIS_CLI, "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"]
            made = subprocess.run([*self.network.inside(1), *argv], capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stdout
            self.await_converged(60)
            yield self

    @contextlib.contextmanager
    def _started(self, node: int) -> Iterator[None]:
        kind, folder = self.kinds[node - 1], self._folder / str(node)
        folder.mkdir()
        settings = {
            "port": PORT,
            "cluster-port": BUS,
            "bind": f"{self.network.address(node)} 127.0.0.1",
            "protected-mode": "no",
            "dir": folder,
            "cluster-enabled": "yes",
            "cluster-node-timeout": self.timeout_ms,
            "repl-diskless-sync-delay": 0,
            "save": '""',
        }
        path = folder / "node.conf"
        path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        argv = [*self.network.inside(node), *map(str, kind.command), str(path)]
        with (folder / "log").open("wb") as log, process(argv, stdout=log, stderr=log):
            yield

    def ask(self, node: int, *words: object) -> Any:
        """A node's reply, asked from beside it."""
        if node not in self._connections:
            self._connections[node] = self.network.connect(node, PORT, 5)
        return exchange(self._connections[node], *words)

    def _hang_up(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def view(self, node: int) -> View:
        return View.of(text(self.ask(node, "CLUSTER", "NODES")))

    def is_ok(self, node: int) -> bool:
        return "cluster_state:ok" in text(self.ask(node, "CLUSTER", "INFO"))

    def node_of(self, name: str) -> int:
        """The number of the node with an id."""
        return next(node for node, each in self.ids.items() if each == name)

    def node_at(self, address: str) -> int:
        """The number of the node at an address as MOVED names it."""
        return int(address.partition(":")[0].rpartition(".")[2])

    def owner(self, slot: int, told_by: int) -> int:
        """Who has a slot."""
        line = self.view(told_by).owner(slot)
        return 0 if line is None else self.node_of(line.id)

    def shards(self) -> list[tuple[int, int]]:
        """Each master and its replica, by the first node's account."""
        view = self.view(1)
        replicas = {line.master: line.id for line in view.values()}
        owners = [owner.id for slot in SLOTS if (owner := view.owner(slot))]
        return [(self.node_of(owner), self.node_of(replicas[owner])) for owner in owners]

    def is_converged(self) -> bool:
        """All say ok, agree about everything, see each other, and replicas have their masters' data."""
        views = [self.view(node) for node in self.network.nodes]
        return (
            all(map(self.is_ok, self.network.nodes))
            and all(view.layout() == views[0].layout() for view in views)
            and all(line.is_well for view in views for line in view.values())
            and all(map(self._is_synchronised, self.network.nodes))
        )

    def _is_synchronised(self, node: int) -> bool:
        told = text(self.ask(node, "INFO", "replication"))
        return "role:master" in told or "master_link_status:up" in told

    def await_converged(self, timeout_s: float) -> float:
        """Seconds until it is. Raises AssertionError with what all say."""
        began = time.monotonic()
        try:
            wait_for(self.is_converged, timeout_s)
        except TimeoutError:
            told = "\n".join(text(self.ask(node, "CLUSTER", "NODES")) for node in self.network.nodes)
            raise AssertionError(f"not converged within {timeout_s} s:\n{told}") from None
        return time.monotonic() - began

    def lists(self, keys: list[str]) -> dict[str, list[int]]:
        """What the lists hold, masters and replicas alike."""
        owners = {self.owner(slot, 1): slot for slot in SLOTS}
        assert len(owners) == len(SLOTS)
        return {key: [int(value) for value in self._on_owner(key)] for key in keys}

    def _on_owner(self, key: str) -> list[bytes]:
        replies = [self.ask(node, "LRANGE", key, 0, -1) for node in self.network.nodes]
        return next(reply for reply in replies if not isinstance(reply, hiredis.ReplyError))


def exchange(sock: Any, *words: object) -> Any:
    """One reply, an error as it is. Raises OSError, also while the node is loading."""
    reader = hiredis.Reader()
    sock.sendall(encode(words))
    while (reply := reader.gets()) is False:
        data = sock.recv(1 << 16)
        if not data:
            raise ConnectionError("closed by the server")
        reader.feed(data)
    if str(reply).startswith("LOADING "):
        raise BlockingIOError(str(reply))
    return reply


def list_names(prefix: str) -> list[str]:
    """Lists of all shards, four of each."""
    return [f"{prefix}:{{{keys_by_slot()[slot + at]}}}" for at in range(0, 1000, 250) for slot in SLOTS]


class Spectator(threading.Thread):
    """Asks every node, from beside it, what it says of itself: `claims[slot, epoch]` are the nodes that had both.

    `went_back` are nodes whose epoch became less.
    """

    def __init__(self, cluster: NetworkedCluster) -> None:
        super().__init__(daemon=True)
        self.claims: dict[tuple[int, int], set[int]] = defaultdict(set)
        self.went_back: list[tuple[int, int, int]] = []
        self._cluster = cluster
        self._epochs: dict[int, int] = {}
        self._stopped = threading.Event()

    def run(self) -> None:
        network = self._cluster.network
        with contextlib.ExitStack() as left:
            connections = {node: left.enter_context(network.connect(node, PORT, 5)) for node in network.nodes}
            while not self._stopped.wait(0.1):
                for node, connection in connections.items():
                    with contextlib.suppress(BlockingIOError):
                        self._look(node, connection)

    def _look(self, node: int, connection: Any) -> None:
        told = text(exchange(connection, "CLUSTER", "NODES"))
        current = dict(line.split(":") for line in text(exchange(connection, "CLUSTER", "INFO")).split())
        epoch = int(current["cluster_current_epoch"])
        if epoch < self._epochs.get(node, 0):
            self.went_back.append((node, self._epochs[node], epoch))
        self._epochs[node] = epoch
        myself = View.of(told).myself()
        for slot in SLOTS:
            if myself.is_master and slot in myself.slots:
                self.claims[slot, myself.epoch].add(node)

    def __enter__(self) -> "Spectator":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()

    def doubled(self) -> dict[tuple[int, int], set[int]]:
        """Slots that several nodes had in one epoch."""
        return {at: nodes for at, nodes in self.claims.items() if len(nodes) > 1}
