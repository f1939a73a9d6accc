"""A cluster from its making to its end: what the commands of `launcher` do."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pyredis.clock import Clock
from pyredis.cluster.node import BUS_PORT_OFFSET
from pyredis.local_cluster.cluster_events import at_first, events
from pyredis.local_cluster.cluster_status import ClusterStatus, status_of
from pyredis.local_cluster.creation import (
    create,
    is_whole,
    meet,
    not_whole,
    replicate,
    shards_of,
    wait_until_followed,
    wait_until_met,
    wait_until_whole,
)
from pyredis.local_cluster.layout import Layout, find, load
from pyredis.local_cluster.live_display import LiveDisplay
from pyredis.local_cluster.node_links import NodeLinks
from pyredis.local_cluster.node_processes import NodeProcesses
from pyredis.local_cluster.patience import Patience
from pyredis.local_cluster.resharding import rebalance
from pyredis.local_cluster.resp_client import Refused, is_free
from pyredis.local_cluster.slot_plan import Move
from pyredis.local_cluster.trouble import Trouble

LOOK_S = 0.5
_ANSWER_S = 1
_PATIENT_S = 5  # where nobody watches
Say = Callable[[str], object]


class Lifecycle:
    """Of the cluster in a folder. `say` is told what is going on."""

    def __init__(self, layout: Layout, clock: Clock, say: Say) -> None:
        self._layout = layout
        self._clock = clock
        self._say = say
        self._processes = NodeProcesses(layout, clock)
        self._patience = Patience(clock)

    # Beginning

    def make(self, shards: int) -> None:
        """Start empty nodes and make them a cluster. Raises Trouble, and then none of them runs."""
        layout = self._layout
        self._say(f"Starting {len(layout.ports)} nodes, {_shown(layout.ports)}, in {layout.folder}")
        layout.save()
        try:
            self._processes.start(layout.ports)
            self._say("Giving out slots and replicas")
            with NodeLinks() as nodes:
                create(nodes, shards_of(layout.ports, shards), self._patience)
        except BaseException:
            self._kill_all()
            raise
        layout.is_made = True
        layout.save()

    def discard(self) -> None:
        """What there is was never whole: nothing is to be left of it."""
        self._kill_all()
        self._layout.clear()

    def _kill_all(self) -> None:
        for port in self._layout.ports:
            self._processes.kill(port)

    def restart(self, node_timeout: int | None = None) -> None:
        """Start those nodes that do not run, with another timeout than before if one is given."""
        if node_timeout is not None:
            self._layout.node_timeout = node_timeout
            self._layout.save()
        missing = [port for port in self._layout.ports if not self._processes.is_there(port)]
        if missing:
            self._say(f"Starting {len(missing)} nodes, {_shown(missing)}, in {self._layout.folder}")
            # Masters first: a replica that is ready sooner than its master would take over.
            replicas = [port for port in missing if was_replica(self._layout, port)]
            self._processes.start([port for port in missing if port not in replicas])
            self._processes.start(replicas)
        else:
            self._say(f"The nodes run already: {_shown(self._layout.ports)}")
        try:
            with NodeLinks() as nodes:
                wait_until_whole(nodes, self._layout.ports, self._patience)
        except (Trouble, Refused) as trouble:
            self._say(f"It is not whole: {trouble}")

    # While it lasts

    def watch(self, display: LiveDisplay) -> None:
        """Show what happens, until no node runs."""
        before: ClusterStatus | None = None
        with NodeLinks(_ANSWER_S) as nodes:
            while True:
                self._follow_layout()
                self._processes.reap()
                status = status_of(nodes, self._layout.ports)
                if not status.answers and not self._running():
                    return
                display.show(status, events(before, status) if before is not None else at_first(status))
                before = status
                self._clock.sleep(LOOK_S)

    def _follow_layout(self) -> None:
        """Somebody may have added nodes, or removed the folder."""
        with contextlib.suppress(Trouble):
            layout = find(self._layout.folder)
            if layout is not None:
                self._layout.ports = layout.ports

    def start(self, port: int) -> None:
        """Start a node that was killed."""
        if self._processes.is_there(port):
            raise Trouble(f"Node {port} runs already.")
        self._processes.start([port])

    def kill(self, port: int) -> None:
        """End a node hard."""
        if not self._processes.kill(port):
            raise Trouble(f"Node {port} does not run.")

    # Growing

    def add(self, *, replica_of: int | None, empty: bool) -> None:
        """Start another node: a replica, or a master, with a share of the slots unless it is to be `empty`."""
        known = self._a_node()
        port = self._free_port()
        old = list(self._layout.ports)
        self._layout.ports.append(port)
        try:
            self._processes.start([port])
            with NodeLinks() as nodes:
                meet(nodes, port, known)
                wait_until_met(nodes, self._running(), self._patience)
                if replica_of is not None:
                    replicate(nodes, port, replica_of)
        except BaseException:
            self._processes.kill(port)
            self._layout.ports = old
            self._layout.forget(port)
            raise
        self._layout.save()
        with NodeLinks() as nodes:
            self._patience.wait(partial(is_whole, nodes, port), partial(not_whole, port))
            if replica_of is not None:
                wait_until_followed(nodes, self._running(), {port}, self._patience)
            elif not empty:
                self._share(nodes)
        self._say(f"Node {port} has joined.")

    def rebalance(self) -> None:
        """Let all masters have as many slots, and finish what was interrupted."""
        self._a_node()
        with NodeLinks() as nodes:
            self._share(nodes)
        self._say("All masters have as many slots.")

    def _share(self, nodes: NodeLinks) -> None:
        done: dict[tuple[int, int], int] = {}

        def moved(count: int, move: Move) -> None:
            way = move.source, move.target
            done[way] = done.get(way, 0) + count
            if done[way] == len(move.slots):
                self._say(f"Moved {done[way]} slots from {move.source} to {move.target}")

        rebalance(nodes, self._running(), moved)

    def _a_node(self) -> int:
        """One that answers. Raises Trouble."""
        with NodeLinks(_ANSWER_S) as nodes:
            for port, node in status_of(nodes, self._running()).nodes.items():
                if node.answers:
                    return port
        raise Trouble("The cluster does not run. `pyredis-cluster up` starts it.")

    def _running(self) -> list[int]:
        return [port for port in self._layout.ports if self._processes.is_there(port)]

    def _free_port(self) -> int:
        port = max(self._layout.ports) + 1
        while not (is_free(port) and is_free(port + BUS_PORT_OFFSET)):
            port += 1
        return port

    # Ending

    def stop(self) -> None:
        """End all nodes; replicas first. A KeyboardInterrupt ends them hard."""
        self._follow_layout()
        running = self._running()
        with NodeLinks(_ANSWER_S) as nodes:
            status = status_of(nodes, running)
        replicas = [port for port in running if status.nodes[port].master is not None]
        try:
            for line in self._processes.stop((replicas, [port for port in running if port not in replicas])):
                self._say(line)
        except KeyboardInterrupt:
            self._kill_all()


def was_replica(layout: Layout, port: int) -> bool:
    """What a node was when it ended, as far as it knows."""
    try:
        lines = layout.nodes_file(port).read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any("myself,slave" in line.split() for line in lines)


def status(folder: Path) -> ClusterStatus:
    """How the cluster in a folder stands. Raises Trouble if there is none."""
    layout = load(folder)
    processes = NodeProcesses(layout, Clock())
    running = [port for port in layout.ports if processes.is_there(port)]
    with NodeLinks(_PATIENT_S) as nodes:
        return status_of(nodes, layout.ports, running)


def _shown(ports: list[int]) -> str:
    if len(ports) > 1 and ports == list(range(ports[0], ports[-1] + 1)):
        return f"ports {ports[0]} to {ports[-1]}"
    return f"port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports))}"
