"""Making a cluster of empty nodes, by the commands that redis-cli would send."""

from collections.abc import Iterable, Sequence, Set
from functools import partial

from pyredis.local_cluster.node_links import Nodes
from pyredis.local_cluster.node_reports import fields_of, parse_nodes, report_of
from pyredis.local_cluster.patience import Patience
from pyredis.local_cluster.resp_client import HOST
from pyredis.local_cluster.slot_plan import shares

Shard = Sequence[int]
"""Ports: a master's, then its replicas'."""


def shards_of(ports: Sequence[int], count: int) -> list[Shard]:
    """The first `count` of them are masters, and replicas are dealt out to these in turn."""
    return [ports[at::count] for at in range(count)]


def create(nodes: Nodes, shards: Sequence[Shard], patience: Patience) -> None:
    """Make nodes that know of nobody a cluster. Raises OSError, Refused, or Trouble when it takes too long."""
    ports = sorted(port for shard in shards for port in shard)
    for epoch, port in enumerate(ports, 1):  # else they would have to settle whose is higher
        nodes.ask(port, "CLUSTER", "SET-CONFIG-EPOCH", epoch)
    for shard, (first, last) in zip(shards, shares(len(shards)), strict=True):
        nodes.ask(shard[0], "CLUSTER", "ADDSLOTSRANGE", first, last)
    for port in ports[1:]:
        meet(nodes, port, ports[0])
    wait_until_met(nodes, ports, patience)
    for master, *replicas in shards:
        for replica in replicas:
            replicate(nodes, replica, master)
    wait_until_whole(nodes, ports, patience)
    wait_until_followed(nodes, ports, {port for shard in shards for port in shard[1:]}, patience)


def meet(nodes: Nodes, port: int, known: int) -> None:
    """Let the node `known` bring another one into its cluster."""
    nodes.ask(known, "CLUSTER", "MEET", HOST, port)


def replicate(nodes: Nodes, port: int, master: int) -> None:
    """Make an empty node a replica."""
    id = nodes.ask(master, "CLUSTER", "MYID")
    nodes.ask(port, "CLUSTER", "REPLICATE", id)


def wait_until_met(nodes: Nodes, ports: Iterable[int], patience: Patience) -> None:
    """Until every node knows every node."""
    for port in ports:
        patience.wait(partial(_knows, nodes, port, ports), partial(_stranger, port))


def _knows(nodes: Nodes, port: int, ports: Iterable[int]) -> bool:
    entries = parse_nodes(nodes.ask(port, "CLUSTER", "NODES").decode())
    return {entry.port for entry in entries if entry.is_met} >= set(ports)


def _stranger(port: int) -> str:
    return f"Node {port} did not get to know the others in time. If the machine was very busy, try again."


def wait_until_followed(nodes: Nodes, ports: Iterable[int], replicas: Set[int], patience: Patience) -> None:
    """Until every node knows that some are replicas."""
    for port in ports:
        patience.wait(partial(_has_replicas, nodes, port, replicas), partial(not_whole, port))


def _has_replicas(nodes: Nodes, port: int, replicas: Set[int]) -> bool:
    return {entry.port for entry in report_of(nodes, port).entries if not entry.is_master} >= replicas


def wait_until_whole(nodes: Nodes, ports: Iterable[int], patience: Patience) -> None:
    """Until every node says that the cluster's state is ok, and every replica has its master's data."""
    for port in ports:
        patience.wait(partial(is_whole, nodes, port), partial(not_whole, port))


def is_whole(nodes: Nodes, port: int) -> bool:
    """Whether the cluster is ok in a node's eyes, and it is in step with its master if it has one."""
    report = report_of(nodes, port)
    if not report.is_ok or report.myself.is_master:
        return report.is_ok
    return fields_of(nodes.ask(port, "INFO", "replication")).get("master_link_status") == "up"


def not_whole(port: int) -> str:
    """What to say when it takes too long."""
    return f"Node {port} does not find the cluster whole. `pyredis-cluster status` shows it; its node.log may say why."
