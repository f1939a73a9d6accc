"""What this node says on the bus. Every packet shows what it believes of itself, a ping what it knows of others."""

from collections.abc import Iterable, Iterator

from pyredis.cluster.node import Link, Node
from pyredis.cluster.packet import (
    EXTENSIONS,
    FORCE_ACK,
    PAUSED,
    Extensions,
    Gossip,
    Header,
    Kind,
    encode_bare,
    encode_fail,
    encode_ping,
    encode_publish,
    encode_update,
)
from pyredis.cluster.view import View, is_reachable
from pyredis.cluster.world import World

_GOSSIP_LEAST = 3
_GOSSIP_SHARE = 10
_DRAWS = 3


class Sender:
    """`is_pausing`: writes are held back, so the offset that is told is final."""

    def __init__(self, view: View, world: World) -> None:
        self._view = view
        self._world = world
        self.is_pausing = False

    # Packets

    def ping(self, link: Link, kind: Kind = Kind.PING) -> None:
        """PING, MEET, or PONG: all that this node believes, and gossip."""
        node = link.node
        if kind is not Kind.PONG and node is not None and not link.is_inbound:
            node.ping_sent = self._world.now
        gossip = [self._gossip_of(other) for other in self._talked_of(node)]
        takes_extensions = node is not None and node.takes_extensions
        said = self._extensions() if takes_extensions else Extensions()
        self._send(link, kind, encode_ping(kind, self._header(EXTENSIONS), gossip, said))

    def pong_all(self) -> None:
        """Tell everybody what is new here."""
        self._pong(self._view.others())

    def pong_siblings(self) -> None:
        """Tell the other replicas of this node's master."""
        myself = self._view.myself
        self._pong(node for node in self._view.others() if node.master in (myself, myself.master) and node.master)

    def _pong(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if node.link is not None and not node.is_in_handshake:
                self.ping(node.link, Kind.PONG)

    def fail(self, node: Node) -> None:
        """Tell everybody that a node has failed."""
        self._broadcast(Kind.FAIL, encode_fail(self._header(), node.id))

    def update(self, receiver: Node, owner: Node) -> None:
        """Tell who claims slots with an old epoch whose they are."""
        if receiver.link is not None:
            packet = encode_update(self._header(), owner.id, owner.config_epoch, owner.slots)
            self._send(receiver.link, Kind.UPDATE, packet)

    def ask_for_votes(self, *, force: bool) -> None:
        """Ask everybody; masters vote. `force`: though the master works."""
        header = self._header(FORCE_ACK if force else 0)
        self._broadcast(Kind.AUTH_REQUEST, encode_bare(Kind.AUTH_REQUEST, header))

    def bare(self, kind: Kind, receiver: Node) -> None:
        """A vote, or a replica's wish to take over."""
        if receiver.link is not None:
            self._send(receiver.link, kind, encode_bare(kind, self._header()))

    def publish(self, channel: bytes, message: bytes, *, sharded: bool) -> None:
        """A message to all nodes, or to those of this shard."""
        kind = Kind.PUBLISHSHARD if sharded else Kind.PUBLISH
        receivers = self._view.shard_of(self._view.myself) if sharded else self._view.nodes.values()
        self._broadcast(kind, encode_publish(kind, self._header(), channel, message), receivers)

    def _broadcast(self, kind: Kind, packet: bytes, receivers: Iterable[Node] | None = None) -> None:
        for node in list(receivers if receivers is not None else self._view.nodes.values()):
            if node.link is not None and not node.is_in_handshake:
                self._send(node.link, kind, packet)

    def _send(self, link: Link, kind: Kind, packet: bytes) -> None:
        self._world.count_sent(kind)
        link.send(packet)

    # Their contents

    def _header(self, mflags: int = 0) -> Header:
        view, myself = self._view, self._view.myself
        leader = myself.leader or myself
        return Header(
            sender=myself.id,
            current_epoch=view.current_epoch,
            config_epoch=leader.config_epoch,
            offset=self._world.offset,
            slots=leader.slots,
            master=myself.master.id if myself.master is not None else b"",
            ip=self._world.announced_ip,
            port=myself.port,
            tls_port=myself.tls_port,
            bus_port=myself.bus_port,
            flags=myself.flags,
            is_down=not view.is_ok,
            mflags=mflags | (PAUSED if self.is_pausing else 0),
        )

    def _extensions(self) -> Extensions:
        view, now = self._view, self._world.now
        forgotten = ((id, (until - now) // 1000) for id, until in view.forgotten.items() if until > now)
        return Extensions(view.myself.hostname, view.myself.human_name, view.myself.shard_id, tuple(forgotten))

    def _talked_of(self, receiver: Node | None) -> Iterator[Node]:
        """A tenth of all nodes by chance, at least three, and all that seem to fail."""
        nodes = list(self._view.nodes.values())
        wanted = min(max(_GOSSIP_LEAST, len(nodes) // _GOSSIP_SHARE), len(nodes) - 2)
        drawn: set[Node] = set()
        for _ in range(_DRAWS * wanted):
            node = nodes[int(self._world.random.random() * len(nodes))]
            if node not in drawn and node is not receiver and self._is_worth_telling(node):
                drawn.add(node)
                yield node
                if len(drawn) == wanted:
                    break
        yield from (node for node in nodes if node.is_timed_out and is_reachable(node))

    def _is_worth_telling(self, node: Node) -> bool:
        if node is self._view.myself or node.is_timed_out or not is_reachable(node):
            return False
        return node.link is not None or bool(node.slots)

    def _gossip_of(self, node: Node) -> Gossip:
        sent, received = node.ping_sent // 1000, node.pong_received // 1000
        return Gossip(node.id, sent, received, node.ip, node.port, node.bus_port, node.flags, node.tls_port)
