"""How nodes come to know each other, and where they are.

CLUSTER MEET makes a node without a name, in handshake: this node connects to it and sends MEET. Who gets that from a
stranger does the same in turn. The first answer over the link that was made says who it is. A handshake that does not
end in time is given up.
"""

import ipaddress

from pyredis.cluster.node import HANDSHAKE, MASTER, MEET, NO_ADDRESS, REPLICA, Link, Node
from pyredis.cluster.packet import Header, Kind, Packet
from pyredis.cluster.view import View
from pyredis.cluster.world import World

_LEAST_MS = 1000
_PORT_MAX = 65535


class Meetings:
    """Handshakes and addresses."""

    def __init__(self, view: View, world: World) -> None:
        self._view = view
        self._world = world

    def meet(self, ip: str, port: int, bus_port: int) -> bool:
        """CLUSTER MEET: begin a handshake, unless one is under way; False if the address can be nobody's."""
        try:
            ip = str(ipaddress.ip_address(ip))
        except ValueError:
            return False
        if not (0 < port <= _PORT_MAX and 0 < bus_port <= _PORT_MAX):
            return False
        self._begin(ip, port, 0, bus_port, HANDSHAKE | MEET)
        return True

    def _begin(self, ip: str, port: int, tls_port: int, bus_port: int, flags: int) -> None:
        for node in self._view.nodes.values():
            if node.is_in_handshake and (node.ip, node.port, node.bus_port) == (ip, port, bus_port):
                return
        node = self._view.new_node(flags, self._world.now)
        node.ip, node.port, node.tls_port, node.bus_port = ip, port, tls_port, bus_port
        self._view.add(node)

    def greeted(self, packet: Packet, link: Link) -> None:
        """A stranger sent MEET."""
        header = packet.header
        ip = header.ip or link.peer_ip
        if ip and header.bus_port:
            self._begin(ip, header.port, header.tls_port, header.bus_port, HANDSHAKE)
            self._view.changed()

    def learn_own_address(self, kind: Kind, link: Link) -> None:
        """Whoever meets this node reached it at its address."""
        myself = self._view.myself
        is_told = kind is Kind.MEET or not myself.ip
        if is_told and link.local_ip not in ("", myself.ip) and not self._world.announced_ip:
            myself.ip = link.local_ip
            self._world.log.info("IP address for this node updated to %s", myself.ip)
            self._view.changed()

    def introduced(self, packet: Packet, link: Link, sender: Node | None) -> bool:
        """Over a link that this node made somebody says who he is; False if the link is of no more use."""
        node, header = link.node, packet.header
        assert node is not None
        if not node.is_in_handshake:
            return True
        if sender is not None:  # known already: only where he is may be new
            self.note_address(sender, link, header)
            self._view.remove(node)
            return False
        self._view.rename(node, header.sender)
        node.flags = node.flags & ~(HANDSHAKE | MEET) | header.flags & (MASTER | REPLICA)
        self._world.log.debug("Handshake with node %s completed.", node.id.decode())
        self._view.changed()
        return True

    def is_somebody_else(self, node: Node, link: Link) -> None:
        """Where a node was, another one answers: nobody knows where it is now."""
        node.flags |= NO_ADDRESS
        node.ip, node.port, node.tls_port, node.bus_port = "", 0, 0, 0
        link.close()
        self._view.changed()

    def note_address(self, node: Node, link: Link, header: Header) -> bool:
        """A known node may say that it is elsewhere; whether that is new."""
        where = header.ip or link.peer_ip, header.port, header.tls_port, header.bus_port
        if link is node.link or not where[0] or where == (node.ip, node.port, node.tls_port, node.bus_port):
            return False
        node.ip, node.port, node.tls_port, node.bus_port = where
        if node.link is not None:
            node.link.close()
        node.flags &= ~NO_ADDRESS
        text = "Address updated for node %s (%s), now %s:%d"
        self._world.log.info(text, node.id.decode(), node.human_name, node.ip, node.port)
        if self._view.myself.master is node:
            self._world.follow(node)
        self._view.changed()
        return True

    def is_overdue(self, node: Node) -> bool:
        """Whether its handshake took too long."""
        limit = max(self._world.settings.node_timeout, _LEAST_MS)
        return node.is_in_handshake and self._world.now - node.created > limit
