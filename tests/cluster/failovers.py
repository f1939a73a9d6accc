"""Failovers of one cluster, one after the other: how long each took, and who gave whom a vote.

Votes are counted where real nodes count them: `cluster_stats_messages_auth-ack_sent` of CLUSTER INFO.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.cluster.clusters import Cluster, Node, keys_by_slot
from tests.replication.topologies import Kind

WAYS: dict[str, tuple[Callable[[Node], None], Callable[[Node], None]]] = {
    "kill -9": (Node.kill, Node.start),
    "SIGSTOP": (Node.stop, Node.go_on),
}
"""How a master goes, and how it comes back."""

Votes = Counter[tuple[Kind, Kind]]
"""How often a voter of one kind gave its vote to a replica of another."""


@dataclass(frozen=True)
class Failover:
    """`seconds`: from the master's end until all living nodes said ok and knew its slots' new master."""

    seconds: float
    votes: Votes


def failovers(cluster: Cluster, way: str, count: int) -> Iterator[Failover]:
    """`count` failovers, the shards in turn; between two the cluster is well again. A replicated write survives."""
    slots = [min(master.view().myself().slots) for master in cluster.masters()]
    for turn in range(count):
        slot = slots[turn % len(slots)]
        yield _failover(cluster, way, slot, str(turn))


def _failover(cluster: Cluster, way: str, slot: int, value: str) -> Failover:
    leave, come_back = WAYS[way]
    master, key = cluster.owner(slot), keys_by_slot()[slot]
    master.values(("SET", key, value), ("WAIT", 1, 0))
    others = [node for node in cluster.nodes if node is not master]
    before = {node: _votes_given(node) for node in others}
    began = time.monotonic()
    leave(master)
    cluster.await_failover(slot, master)
    seconds = time.monotonic() - began
    winner = cluster.owner(slot)
    votes: Votes = Counter()
    for node in others:
        votes[node.kind, winner.kind] += _votes_given(node) - before[node]
    assert winner.ask("GET", key) == value.encode()
    come_back(master)
    cluster.await_well()
    return Failover(seconds, votes)


def _votes_given(node: Node) -> int:
    return int(node.info().get("cluster_stats_messages_auth-ack_sent", 0))


def summary(done: list[Failover]) -> str:
    """The times and votes on one line."""
    seconds = sorted(each.seconds for each in done)
    votes = sum((each.votes for each in done), Votes())
    told = ", ".join(f"{voter} to {winner} {count}" for (voter, winner), count in sorted(votes.items(), key=str))
    return f"median {statistics.median(seconds):.2f} s, {p95_told(seconds)} of {len(seconds)}; votes: {told}"


def p95_told(seconds: list[float]) -> str:
    return f"p95 {seconds[int(0.95 * (len(seconds) - 1) + 0.5)]:.2f} s, longest {seconds[-1]:.2f} s"
