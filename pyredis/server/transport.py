"""One connection on asyncio: a transport on one side, a `Peer` on the other.

A link is the transport's own methods under the names of `Link`: nothing stands between a read and the peer, nor
between the peer and a write.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from pyredis.engine.host import Peer
from pyredis.server.listener import keep_alive


class SocketLink(asyncio.Protocol):
    """A `Link` over TCP, TLS or a Unix socket. `abort` and `close` may be called before there is a connection."""

    __slots__ = (
        "_is_abandoned",
        "_peer",
        "_transport",
        "abort",
        "address",
        "close",
        "data_received",
        "fd",
        "local_address",
        "pause_reading",
        "pending",
        "resume_reading",
        "write",
    )

    def __init__(self, peer: Peer) -> None:
        self._peer: Peer | None = peer
        self._is_abandoned = False
        self.data_received: Callable[[bytes], None] = peer.received  # type: ignore[assignment]
        self.address = self.local_address = ""
        self.fd = -1
        self.close: Callable[[], object]
        self.abort: Callable[[], object]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From asyncio; a peer that was quicker to hang up is let go, and so is one that is no longer wanted."""
        if self._peer is None or self._is_abandoned:
            transport.abort()  # type: ignore[attr-defined]
            return
        self._transport = made = cast(asyncio.Transport, transport)
        self.write, self.pending = made.write, made.get_write_buffer_size
        self.close, self.abort = made.close, made.abort
        self.pause_reading, self.resume_reading = made.pause_reading, made.resume_reading
        sock = transport.get_extra_info("socket")
        try:
            self.fd = sock.fileno()
            self.address, self.local_address = _addresses(sock)
            self._peer.connected(self)
        except OSError:
            made.abort()

    def abandon(self) -> None:
        """A connection that is still to be made is of no use any more: the peer hears that it is lost, nothing else."""
        self._is_abandoned = True

    def connection_lost(self, error: Exception | None) -> None:
        """From asyncio; peer and link part, for what refers to itself would stay until a collection."""
        peer, self._peer = self._peer, None
        self.data_received = _nowhere
        if peer is not None:
            peer.lost(error)

    def pause_writing(self) -> None:
        """From asyncio."""
        if self._peer is not None:
            self._peer.congested()

    def resume_writing(self) -> None:
        """From asyncio."""
        if self._peer is not None:
            self._peer.writable()

    def eof_received(self) -> bool:
        """Half-closed peers get what is queued, then the connection closes."""
        return False

    def congest_at(self, size: int) -> None:
        """From so many pending bytes on the peer is told that it is congested."""
        self._transport.set_write_buffer_limits(size)

    def keep_alive(self, seconds: int) -> None:
        """`tcp-keepalive`. Raises OSError when the other side is gone."""
        sock = self._transport.get_extra_info("socket")
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            keep_alive(sock, seconds)


def _nowhere(data: bytes) -> None:
    """Who would have received it is gone."""


def _addresses(sock: socket.socket) -> tuple[str, str]:
    """The other side's and our own address as CLIENT LIST shows them."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        path = f"{sock.getsockname() or sock.getpeername()}:0"
        return path, path
    return format_address(sock.getpeername()), format_address(sock.getsockname())


def format_address(name: tuple[str | int, ...]) -> str:
    """`host:port`, an IPv6 host in brackets."""
    host, port = name[0], name[1]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
