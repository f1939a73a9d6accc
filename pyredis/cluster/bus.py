"""The bus: connections between nodes, and packets cut out of what comes over them.

Each node connects to each other one. Over a connection that it made a node sends, and gets answers; what others want of
it comes over those that they made. Nothing leaves before what it says is saved: `flush`.
"""

from typing import TYPE_CHECKING

from pyredis.cluster.node import Node
from pyredis.cluster.packet import LEAD_BYTES, InvalidPacket, Kind, kind_of, packet_length
from pyredis.engine.host import Link, Listener, Tcp

if TYPE_CHECKING:
    from pyredis.cluster.member import Member
    from pyredis.engine.engine import Engine

_STRANGERS_MOST = 1 << 20
"""Bytes of a packet that somebody may send who did not say who he is."""


class Bus:
    """`received`, `sent`: how many packets of each kind. `overflowed`: links cut because too much waited to be sent."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._outgoing: list[tuple[BusLink, bytes]] = []
        self._links: set[BusLink] = set()
        self._listener: Listener | None = None
        self.received: dict[int, int] = {}
        self.sent: dict[int, int] = {}
        self.overflowed = 0
        self.member: Member  # set once, when that is there

    def listen(self, port: int) -> int:
        """Let other nodes connect; at which port. Raises OSError."""
        config = self._engine.config
        self._listener = self._engine.host.listen(
            Tcp(config["bind"], port), lambda: BusLink(self, None, self._engine.host.now), config["tcp-backlog"]
        )
        return self._listener.port

    def dial(self, node: Node) -> "BusLink | None":
        """Begin to connect to a node; None where that is not possible."""
        link = BusLink(self, node, self._engine.host.now)
        try:
            source = self._engine.config["bind-source-addr"]
            link.carrier = self._engine.host.dial((node.ip, node.bus_port), link, source or None)
        except OSError as error:
            self._engine.log.debug("Unable to connect to Cluster Node [%s]:%d -> %s", node.ip, node.bus_port, error)
            return None
        self.made(link)
        return link

    def send(self, link: "BusLink", packet: bytes) -> None:
        """Send it with the next flush."""
        self._outgoing.append((link, packet))

    def count_sent(self, kind: int) -> None:
        """A packet of this kind will be sent."""
        self.sent[kind] = self.sent.get(kind, 0) + 1

    def flush(self) -> None:
        """What is to be sent may leave."""
        outgoing, self._outgoing = self._outgoing, []
        for link, packet in outgoing:
            link.write(packet)

    def cut_congested(self) -> None:
        """Part with who takes too little of what is sent (`cluster-link-sendbuf-limit`)."""
        limit = self._engine.config["cluster-link-sendbuf-limit"]
        for link in list(self._links) if limit else ():
            if link.pending > limit:
                direction, id = "from" if link.is_inbound else "to", link.node.id.decode() if link.node else ""
                text = "Freeing cluster link(%s node %s, used memory: %d) due to exceeding send buffer memory limit."
                self._engine.log.warning(text, direction, id, link.pending)
                self.overflowed += 1
                link.close()

    @property
    def count(self) -> int:
        """How many links there are."""
        return len(self._links)

    @property
    def size(self) -> int:
        """Bytes that wait in links."""
        return sum(link.size for link in self._links) + sum(len(packet) for _, packet in self._outgoing)

    def made(self, link: "BusLink") -> None:
        """A link begins: somebody connected, or this node does."""
        link.is_open = True
        self._links.add(link)

    def garbled(self, link: "BusLink", why: InvalidPacket) -> None:
        """What came is no packet, so nothing that follows can be one."""
        address = link.carrier.address if link.carrier is not None else ""
        self._engine.log.warning("%s on the Cluster bus from %s", why, address)
        link.close()

    def packet(self, data: bytes, link: "BusLink") -> None:
        """One came."""
        kind = kind_of(data)
        if kind in Kind._value2member_map_:
            self.received[kind] = self.received.get(kind, 0) + 1
        self.member.received(data, link)

    def lost(self, link: "BusLink") -> None:
        """A link is gone."""
        if link.is_open:
            link.is_open = False
            self._links.discard(link)
            self.member.lost(link)

    def close(self) -> None:
        """The server ends."""
        if self._listener is not None:
            self._listener.close()
        for link in list(self._links):
            link.close()


class BusLink:
    """One connection: the host's `Peer`, the member's `Link`. `carrier`: what has the bytes, once it is asked for.

    `is_open`: it is there, or is being made.
    """

    carrier: Link | None = None
    is_open = False

    def __init__(self, bus: Bus, node: Node | None, now: int) -> None:
        self._bus = bus
        self.node = node
        self.is_inbound = node is None
        self.created = now
        self._is_connected = False
        self._came = bytearray()
        self._unsent: list[bytes] = []  # until it is connected

    @property
    def peer_ip(self) -> str:
        """The other side's."""
        return _ip(self.carrier.address) if self.carrier is not None and self._is_connected else ""

    @property
    def local_ip(self) -> str:
        """This side's."""
        return _ip(self.carrier.local_address) if self.carrier is not None and self._is_connected else ""

    @property
    def pending(self) -> int:
        """Bytes that the other side has not taken."""
        waiting = sum(map(len, self._unsent))
        return waiting + (self.carrier.pending() if self.carrier is not None and self._is_connected else 0)

    @property
    def size(self) -> int:
        """Bytes that wait, in either direction."""
        return self.pending + len(self._came)

    def send(self, packet: bytes) -> None:
        """Send when all that the packet says is saved."""
        self._bus.send(self, packet)

    def write(self, packet: bytes) -> None:
        """Send now."""
        if self._is_connected and self.carrier is not None:
            self.carrier.write(packet)
        elif self.is_open:
            self._unsent.append(packet)

    def close(self) -> None:
        """Cut it."""
        if self.carrier is not None:
            self.carrier.abort()
        self.lost(None)

    # A Peer

    def connected(self, link: Link) -> None:
        """It is there."""
        self.carrier = link
        self._is_connected = True
        if self.is_inbound:
            self._bus.made(self)
        else:
            unsent, self._unsent = self._unsent, []
            self._bus.member.connected(self)
            for packet in unsent:
                self.send(packet)

    def received(self, data: bytes) -> None:
        """Bytes: whole packets, and the beginning of one."""
        came = self._came
        came += data
        while len(came) >= LEAD_BYTES and self.is_open:
            try:
                length = packet_length(bytes(came[:LEAD_BYTES]))
            except InvalidPacket as why:
                self._bus.garbled(self, why)
                return
            if length > len(came):
                if self.node is None and length > _STRANGERS_MOST:
                    self.close()
                return
            packet = bytes(came[:length])
            del came[:length]
            self._bus.packet(packet, self)

    def congested(self) -> None:
        """Looked at on each tick."""

    def writable(self) -> None:
        """Nothing waits here."""

    def lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._is_connected = False
        self._unsent = []
        self._bus.lost(self)


def _ip(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")
