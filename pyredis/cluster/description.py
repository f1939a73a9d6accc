"""What CLUSTER INFO, NODES, SLOTS, SHARDS and LINKS answer."""

from typing import TYPE_CHECKING, Any

from pyredis.cluster.node import Node, slot_ranges
from pyredis.cluster.nodes_conf import describe
from pyredis.cluster.packet import Kind
from pyredis.cluster.routing import endpoint
from pyredis.cluster.view import View

if TYPE_CHECKING:
    from pyredis.cluster.bus import Bus, BusLink


def nodes_text(view: View) -> bytes:
    """CLUSTER NODES."""
    return b"".join(describe(view, node) + b"\n" for node in view.nodes.values())


def info_text(view: View, bus: "Bus") -> bytes:
    """CLUSTER INFO."""
    fields = {
        "cluster_state": "ok" if view.is_ok else "fail",
        **_slot_counts(view),
        "cluster_known_nodes": len(view.nodes),
        "cluster_size": view.size,
        "cluster_current_epoch": view.current_epoch,
        "cluster_my_epoch": view.my_epoch,
        **_message_counts("sent", bus.sent),
        **_message_counts("received", bus.received),
        "total_cluster_links_buffer_limit_exceeded": bus.overflowed,
    }
    return "".join(f"{name}:{value}\r\n" for name, value in fields.items()).encode()


def _slot_counts(view: View) -> dict[str, int]:
    masters = [node for node in view.nodes.values() if node.slots]
    failed = sum(node.slot_count for node in masters if node.has_failed)
    timed_out = sum(node.slot_count for node in masters if node.is_timed_out and not node.has_failed)
    assigned = sum(node.slot_count for node in masters)
    return {
        "cluster_slots_assigned": assigned,
        "cluster_slots_ok": assigned - failed - timed_out,
        "cluster_slots_pfail": timed_out,
        "cluster_slots_fail": failed,
    }


def _message_counts(direction: str, counts: dict[int, int]) -> dict[str, int]:
    by_kind = {f"cluster_stats_messages_{Kind(kind).label}_{direction}": counts[kind] for kind in sorted(counts)}
    return {**by_kind, f"cluster_stats_messages_{direction}": sum(counts.values())}


# CLUSTER SLOTS


def slots(view: View, preferred: str, offset: int) -> list[Any]:
    """Ranges of slots, each with the master that has it and those replicas that have data; `offset` is this node's."""
    found: list[Any] = []
    for node in view.nodes.values():
        if node.slots and node.is_master:
            replicas = sorted(node.replicas, key=lambda replica: replica.id)  # all nodes answer the same
            nodes = [
                node,
                *(one for one in replicas if not one.has_failed and (offset if one.is_myself else one.offset)),
            ]
            found += [
                [first, last, *(_place(one, preferred) for one in nodes)] for first, last in slot_ranges(node.slots)
            ]
    return sorted(found, key=lambda entry: entry[0])


def _place(node: Node, preferred: str) -> list[Any]:
    """Where a node is: the endpoint that clients are to use first, and what else could serve as one."""
    more: dict[bytes, bytes] = {}
    if preferred != "ip" and node.ip:
        more[b"ip"] = node.ip.encode()
    if preferred != "hostname" and node.hostname:
        more[b"hostname"] = node.hostname.encode()
    shown = None if preferred == "unknown-endpoint" else endpoint(preferred, node).encode()
    return [shown, node.port, node.id, more]


# CLUSTER SHARDS


def shards(view: View, preferred: str, offset: int) -> list[dict[bytes, Any]]:
    """Each shard: its slots, and its nodes; `offset` is this node's."""
    return [
        {
            b"slots": [bound for node in nodes if node.is_master for pair in slot_ranges(node.slots) for bound in pair],
            b"nodes": [_member(node, preferred, offset if node.is_myself else node.offset) for node in nodes],
        }
        for nodes in view.shards()
    ]


def _member(node: Node, preferred: str, offset: int) -> dict[bytes, Any]:
    health = b"fail" if node.has_failed else b"loading" if node.is_replica and not offset else b"online"
    shown: dict[bytes, Any] = {b"id": node.id}
    if node.port:
        shown[b"port"] = node.port
    if node.tls_port:
        shown[b"tls-port"] = node.tls_port
    shown |= {b"ip": node.ip.encode(), b"endpoint": endpoint(preferred, node).encode()}
    if node.hostname:
        shown[b"hostname"] = node.hostname.encode()
    role = b"replica" if node.is_replica else b"master"
    return {**shown, b"role": role, b"replication-offset": offset, b"health": health}


# CLUSTER LINKS


def links(view: View) -> list[dict[bytes, Any]]:
    """Both links of each node."""
    return [_link(link) for node in view.nodes.values() for link in (node.link, node.inbound) if link is not None]


def _link(link: Any) -> dict[bytes, Any]:
    one: BusLink = link
    assert one.node is not None
    return {
        b"direction": b"from" if one.is_inbound else b"to",
        b"node": one.node.id,
        b"create-time": one.created,
        b"events": b"rw" if one.pending else b"r",
        b"send-buffer-allocated": one.pending,
        b"send-buffer-used": one.pending,
    }
