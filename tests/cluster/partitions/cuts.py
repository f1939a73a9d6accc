"""Cuts between nodes that have a network namespace each: of everything, of a direction, or of the cluster's bus alone.

What is cut leaves its node for a neighbour that nobody is: nothing refuses it, nothing answers, like a cable that was
pulled somewhere in between. A rule for a way stands on the node that sends.
"""

import subprocess
from collections.abc import Collection, Iterable

from tests.replication.partitions.network_namespaces import Network

PORT = 7000
BUS = PORT + 10_000
NOWHERE = "10.99.0.250"
TABLE = PREFERENCE = 100
READY = f"neigh replace {NOWHERE} lladdr 02:00:00:00:00:ff dev eth0 nud permanent"
LOST = f"route replace table {TABLE} 10.99.0.0/24 via {NOWHERE} dev eth0 onlink"


class Cuts:
    """What is cut in a network just now."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._rules = dict.fromkeys(network.nodes, 0)
        for node in network.nodes:
            self._run(node, [READY, LOST])

    def between(self, *sides: Collection[int]) -> None:
        """Nobody of one side hears anybody of another."""
        for side in sides:
            for source in side:
                for target in (node for other in sides if other is not side for node in other):
                    self.way(source, target)

    def way(self, source: int, target: int) -> None:
        """What `source` sends does not come to `target`."""
        self._add(source, [f"to {self._network.address(target)}"])

    def bus_between(self, one: Collection[int], other: Collection[int]) -> None:
        """The nodes' own messages are lost both ways; clients and replicas are served."""
        for source, target in [*((a, b) for a in one for b in other), *((b, a) for a in one for b in other)]:
            to = f"to {self._network.address(target)} ipproto tcp"
            self._add(source, [f"{to} dport {BUS}", f"{to} sport {BUS}"])

    def heal(self) -> None:
        """Everything comes through again."""
        for node, count in self._rules.items():
            self._run(node, [f"rule del pref {PREFERENCE}"] * count)
            self._rules[node] = 0

    def _add(self, node: int, matches: Collection[str]) -> None:
        self._run(node, [f"rule add pref {PREFERENCE} {match} lookup {TABLE}" for match in matches])
        self._rules[node] += len(matches)

    def _run(self, node: int, commands: Iterable[str]) -> None:
        argv = [*self._network.inside(node), "ip", "-batch", "-"]
        subprocess.run(argv, input="".join(f"{command}\n" for command in commands).encode(), check=True)
