"""A few lines of RESP for preparing servers: encode commands, send a batch, read as many replies.

Not for timing throughput (redis-benchmark does that). Replies may be statuses, errors, integers and bulks.
"""

import socket
from collections.abc import Iterable
from typing import Any

from hiredis import Reader

TIMEOUT_S = 120.0


class ReplyError(Exception):
    """A server answered with an error."""


def connect(port: int) -> socket.socket:
    """A connection to the loopback port. Raises OSError when nothing listens there."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    if sock.getsockname() == sock.getpeername():  # TCP may join a socket to itself, on a port nobody listens on
        sock.close()
        raise ConnectionRefusedError(f"nothing listens on port {port}")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def encode(*args: str | bytes) -> bytes:
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        data = arg.encode() if isinstance(arg, str) else arg
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def ask(sock: socket.socket, *args: str | bytes) -> bytes:
    """Send one command and return its reply up to the first line's end (`+OK`, `:3`, `-ERR ...`)."""
    sock.sendall(encode(*args))
    buffer = b""
    while b"\r\n" not in buffer:
        data = sock.recv(65536)
        if not data:
            raise ConnectionResetError("connection closed")
        buffer += data
    return buffer.partition(b"\r\n")[0]


def send_lines(sock: socket.socket, commands: Iterable[bytes], batch: int = 1000) -> int:
    """Send encoded commands that each answer one line (no bulks), `batch` in flight; return how many.

    Raises ReplyError when a reply is an error.
    """
    total = 0
    pending: list[bytes] = []
    for command in commands:
        pending.append(command)
        if len(pending) == batch:
            total += _flush(sock, pending)
            pending = []
    return total + _flush(sock, pending)


def _flush(sock: socket.socket, commands: list[bytes]) -> int:
    if not commands:
        return 0
    sock.sendall(b"".join(commands))
    lines, tail = 0, b""
    while lines < len(commands):
        data = sock.recv(1 << 20)
        if not data:
            raise ConnectionResetError("connection closed")
        if data.startswith(b"-") or b"\n-" in tail + data:
            raise ReplyError((tail + data).decode(errors="replace").splitlines()[-1])
        lines += data.count(b"\n")
        tail = data[-1:]
    return len(commands)


def replies(sock: socket.socket, commands: list[bytes]) -> list[Any]:
    """Send encoded commands and return their replies, whatever they are. Raises ReplyError for an error."""
    sock.sendall(b"".join(commands))
    reader, found = Reader(), []
    while len(found) < len(commands):
        value = reader.gets(False)
        if value is False:
            data = sock.recv(1 << 20)
            if not data:
                raise ConnectionResetError("connection closed")
            reader.feed(data)
        elif isinstance(value, Exception):
            raise ReplyError(str(value))
        else:
            found.append(value)
    return found
