"""Clusters of servers of several makes on this machine, created by `redis-cli` as anybody's is, and asked about it.

A node's bus port is its client port + 10000: redis-cli before 7.2 gives no other to CLUSTER MEET. Both lie below the
range from which the system takes ports for connections, so that a node can be started again where it was.
"""

import contextlib
import functools
import itertools
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyredis.cluster.node import BUS_PORT_OFFSET
from pyredis.datatypes.key_slot import key_slot
from tests.oracle import wait_for
from tests.replication.topologies import (
    OURS,
    REDIS_7_0,
    REDIS_8_2,
    VALKEY,
    Client,
    Kind,
    Server,
    Topology,
    eventually,
    value,
)

SLOTS = 16384
LOWEST, HIGHEST = 11_000, 22_000
TIMEOUT_MS = 2000
MAKES = {kind.name: kind for kind in (OURS, REDIS_7_0, REDIS_8_2, VALKEY)}
PATIENCE_S = 60
REDIS_CLI = "redis-cli"


@functools.cache
def keys_by_slot() -> dict[int, str]:
    """A short key of every slot."""
    keys: dict[int, str] = {}
    for number in itertools.count():
        keys.setdefault(key_slot(str(number).encode()), str(number))
        if len(keys) == SLOTS:
            return keys
    raise AssertionError


def free_pair() -> int:
    """A client port such that it and its bus port are free."""
    while True:
        port = random.randrange(LOWEST, HIGHEST)
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + BUS_PORT_OFFSET))
            return port


class Node(Server):
    """A cluster's node: a server with a bus port, that may be stopped, killed and started again."""

    def __init__(self, kind: Kind, folder: Path, timeout_ms: int, *arguments: str) -> None:
        super().__init__(kind, folder)
        self._always = [argument for argument in self.arguments if argument not in ("--port", str(self.port))]
        self._own = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(timeout_ms), *arguments]
        self.id = ""
        self.move()

    def move(self) -> None:
        """It has other ports from its next start on."""
        self.port = free_pair()
        self.bus = self.port + BUS_PORT_OFFSET
        ports = ["--port", str(self.port), "--cluster-port", str(self.bus)]
        self.arguments = [*self._always, *ports, *self._own]

    def edit_nodes_conf(self, replaced: dict[str, str]) -> None:
        """While it does not run: its peers' addresses."""
        path = self.folder / "nodes.conf"
        path.write_text(re.sub(r":\d+@\d+", lambda found: replaced[found[0]], path.read_text()))

    def start(self) -> None:
        super().start()
        self.id = text(value(self.port, "CLUSTER", "MYID"))

    def stop(self) -> None:
        """As SIGSTOP does: its sockets stay and nobody answers."""
        self.signal(signal.SIGSTOP)
        wait_for(lambda: not _runs(self))

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def ask(self, *words: Any) -> Any:
        """One reply; raises what is an error."""
        return value(self.port, *words)

    def values(self, *commands: Iterable[Any]) -> list[Any]:
        """The replies to one pipeline."""
        with contextlib.closing(Client(self.port)) as client:
            return client.values(commands)

    def info(self) -> dict[str, str]:
        """CLUSTER INFO."""
        return dict(line.split(":", 1) for line in text(self.ask("CLUSTER", "INFO")).split())

    def view(self) -> "View":
        return View.of(text(self.ask("CLUSTER", "NODES")))

    def __repr__(self) -> str:
        return f"{self.kind}:{self.port}"


@dataclass(frozen=True)
class Line:
    """One line of CLUSTER NODES. `migrating` and `importing`: by slot, the other node's id."""

    id: str
    address: str
    flags: frozenset[str]
    master: str
    epoch: int
    link: str
    slots: frozenset[int]
    migrating: dict[int, str] = field(default_factory=dict)
    importing: dict[int, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(re.match(r".*:(\d+)@", self.address)[1])  # type: ignore[index]

    @property
    def is_master(self) -> bool:
        return "master" in self.flags

    @property
    def agrees(self) -> bool:
        """All say ok, and have one view of roles, masters and slots."""
        layouts = [node.view().layout() for node in self.living()]
        return self.is_ok() and all(layout == layouts[0] for layout in layouts)

    def is_well(self) -> bool:
        return not self.flags & {"fail", "fail?", "handshake", "noaddr"} and self.link == "connected"


class View(dict[str, Line]):
    """What a node knows of all nodes: their lines by id."""

    @classmethod
    def of(cls, told: str) -> "View":
        """Read CLUSTER NODES, or a nodes.conf."""
        return cls((line.id, line) for line in map(parse_line, told.splitlines()) if line)

    def myself(self) -> Line:
        return next(line for line in self.values() if "myself" in line.flags)

    def owner(self, slot: int) -> Line | None:
        """The master that has a slot, and None if nobody does."""
        return next((line for line in self.values() if slot in line.slots), None)

    def layout(self) -> dict[str, tuple[bool, str, frozenset[int]]]:
        """What all nodes must agree on: role, master, slots."""
        return {line.id: (line.is_master, line.master, line.slots) for line in self.values()}


def parse_line(told: str) -> Line | None:
    """A line of CLUSTER NODES; None for nodes.conf's line of variables and what is empty."""
    if not told.strip() or told.startswith("vars "):
        return None
    name, address, flags, master, _, _, epoch, link, *ranges = told.split()
    slots, ways = set[int](), {"migrating": dict[int, str](), "importing": dict[int, str]()}
    for each in ranges:
        if moving := re.match(r"\[(\d+)-([<>])-(\w+)\]", each):
            ways["migrating" if moving[2] == ">" else "importing"][int(moving[1])] = moving[3]
        else:
            first, _, last = each.partition("-")
            slots.update(range(int(first), int(last or first) + 1))
    return Line(name, address, frozenset(flags.split(",")), master, int(epoch), link, frozenset(slots), **ways)


def text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)


class Cluster:
    """Nodes that `topology` ends. The first ones are masters when `create` is called, replicas follow in turn."""

    def __init__(
        self, topology: Topology, kinds: Iterable[Kind], *arguments: str, timeout_ms: int = TIMEOUT_MS
    ) -> None:
        self.topology, self.timeout_ms, self._arguments = topology, timeout_ms, arguments
        self.nodes = [self.add(kind) for kind in kinds]

    def add(self, kind: Kind) -> Node:
        """A running node that is in no cluster yet."""
        kind.require()
        node = Node(kind, self.topology.folder(), self.timeout_ms, *self._arguments)
        self.topology.servers.append(node)
        node.start()
        return node

    def create(self, replicas: int = 1) -> float:
        """Have redis-cli make a cluster of all nodes: the seconds from its start until all say that it is ok."""
        began = time.monotonic()
        self.cli("create", *map(_address, self.nodes), "--cluster-replicas", str(replicas))
        self.await_ok()
        taken = time.monotonic() - began
        self.await_well()
        return taken

    def cli(self, command: str, *arguments: str, check: bool = True, stdin: str = "yes\n") -> str:
        """Run `redis-cli --cluster COMMAND`: all that it said. Raises AssertionError when it fails and `check`."""
        argv = [REDIS_CLI, "--cluster", command, *map(str, arguments), "--cluster-yes"]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=300, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 0 or not check, f"{argv}: {done.returncode}\n{said}"
        return said

    def reshard(self, source: Node, target: Node, slots: int) -> None:
        """Move `slots` of one master to another, once all agree: redis-cli refuses before that."""
        self.await_agreement()
        ends = ("--cluster-from", source.id, "--cluster-to", target.id)
        self.cli("reshard", self.address, *ends, "--cluster-slots", str(slots))

    def fix(self) -> None:
        """Have redis-cli mend what it finds. It may complain of a disagreement that gossip ends: then once more."""
        eventually(lambda: "[OK] All 16384 slots covered" in self.cli("fix", self.address, check=False), self.told)
        self.await_well()

    def join(self, kind: Kind, *arguments: str) -> Node:
        """A new node, added by redis-cli; `arguments` as --cluster add-node takes them."""
        node = self.add(kind)
        self.cli("add-node", _address(node), self.address, *arguments)
        self.nodes.append(node)
        self.await_well()
        return node

    @property
    def address(self) -> str:
        """Of the first living node, for redis-cli."""
        return _address(self.living()[0])

    def living(self) -> list[Node]:
        """The nodes whose process runs and was not stopped."""
        return [node for node in self.nodes if _runs(node)]

    def ports(self) -> list[int]:
        return [node.port for node in self.living()]

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.id == name)

    def masters(self) -> list[Node]:
        """The living nodes that have slots by their own account."""
        return [node for node in self.living() if node.view().myself().is_master and node.view().myself().slots]

    def replicas_of(self, master: Node) -> list[Node]:
        """By their own account."""
        return [node for node in self.living() if node.view().myself().master == master.id]

    def owner(self, slot: int) -> Node:
        """Who has a slot, as a living node that is told so by itself."""
        return next(node for node in self.living() if slot in node.view().myself().slots)

    def is_ok(self) -> bool:
        """Every living node says that the cluster's state is ok."""
        return all(node.info()["cluster_state"] == "ok" for node in self.living())

    def agrees(self) -> bool:
        """All say ok, and have one view of roles, masters and slots."""
        layouts = [node.view().layout() for node in self.living()]
        return self.is_ok() and all(layout == layouts[0] for layout in layouts)

    def is_well(self) -> bool:
        """All say ok, agree about everything, see each other well, and every replica has its master's data."""
        return (
            self.agrees()
            and all(line.is_well for node in self.living() for line in node.view().values())
            and all(map(_is_synchronised, self.living()))
        )

    def has_moved(self, slot: int, former: Node) -> bool:
        """Every living node says ok, and that another than `former` has the slot."""
        owners = [node.view().owner(slot) for node in self.living()]
        return self.is_ok() and all(owner is not None and owner.id != former.id for owner in owners)

    def await_ok(self) -> None:
        eventually(self.is_ok, self.told, PATIENCE_S)

    def await_agreement(self) -> None:
        eventually(self.agrees, self.told, PATIENCE_S)

    def await_well(self) -> None:
        eventually(self.is_well, self.told, PATIENCE_S)

    def await_rest(self) -> None:
        """Wait until nobody's view has changed for a node-timeout, within which all have heard of all."""

        def rests() -> bool:
            began, before = time.monotonic(), [node.view().layout() for node in self.living()]
            while time.monotonic() < began + self.timeout_ms / 1000:
                if before != [node.view().layout() for node in self.living()]:
                    return False
            return True

        eventually(rests, self.told, PATIENCE_S)

    def await_failover(self, slot: int, former: Node) -> None:
        """Wait until `has_moved`."""
        eventually(lambda: self.has_moved(slot, former), self.told, PATIENCE_S)

    def told(self) -> str:
        """What all say, for errors."""
        return "\n".join(f"{node}: {node.info()['cluster_state']}\n{_nodes(node)}" for node in self.living())

    def restart_all(self) -> None:
        """Kill all at once and start them again."""
        for node in self.nodes:
            node.kill()
        self._start_all()

    def _start_all(self) -> None:
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(Node.start, self.nodes))

    def restart_all_elsewhere(self, *, told: bool) -> None:
        """As `restart_all`, on other ports; `told`: by nodes.conf, as operators do, else one introduces the others."""
        before = [f":{node.port}@{node.bus}" for node in self.nodes]
        for node in self.nodes:
            node.kill()
            node.move()
        after = [f":{node.port}@{node.bus}" for node in self.nodes]
        for node in self.nodes:
            if told:
                node.edit_nodes_conf(dict(zip(before, after, strict=True)))
        self._start_all()
        for node in self.nodes[1:] if not told else ():
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port)


def _address(node: Node) -> str:
    return f"127.0.0.1:{node.port}"


def _nodes(node: Node) -> str:
    return text(node.ask("CLUSTER", "NODES"))


def _runs(node: Node) -> bool:
    """Not by asking it: a stopped process would not answer."""
    if node.process is None or node.process.poll() is not None:
        return False
    state = Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(") ")[2]
    return state[0] not in "TZ"


def _is_synchronised(node: Node) -> bool:
    told = text(node.ask("INFO", "replication"))
    return "role:master" in told or "master_link_status:up" in told
