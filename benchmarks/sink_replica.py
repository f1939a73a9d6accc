"""The cheapest replica there can be: takes a full sync and the stream, throws both away, acknowledges every second.

What a master loses with it attached is the master's own doing, not the processor time of a replica beside it.

Run: `python -m benchmarks.sink_replica PORT` (until it is ended)
"""

import select
import socket
import sys
import time

from benchmarks import wire

READ = 1 << 20
MARK = 40  # the length of what ends a payload of unknown length


def heads(sock: socket.socket) -> tuple[int, bytes, bytes]:
    """The offset of the snapshot, the payload's head and what came after it; newlines keep the link alive before."""
    data = b""
    while True:
        data += sock.recv(READ)
        full, ended, rest = data.lstrip(b"\n").partition(b"\r\n")
        head, is_complete, payload = rest.lstrip(b"\n").partition(b"\r\n")
        if ended and not full.startswith(b"+FULLRESYNC"):
            raise ConnectionError(full.decode())
        if is_complete:
            return int(full.split()[2]), head, payload


def skip_snapshot(sock: socket.socket) -> int:
    """Read the snapshot to its end; the offset reached, with what of the stream came along."""
    offset, head, data = heads(sock)
    if not head.startswith(b"$EOF:"):
        left = int(head[1:]) - len(data)
        while left > 0:
            left -= len(sock.recv(READ))
        return offset - left
    mark = head[len(b"$EOF:") :]
    while mark not in data:
        data = data[-MARK:] + sock.recv(READ)
    return offset + len(data.partition(mark)[2])


def follow(sock: socket.socket, offset: int) -> None:
    """Read the stream for ever, acknowledging what has come."""
    due = 0.0
    while True:
        if select.select([sock], [], [], 0.2)[0]:
            if not (data := sock.recv(READ)):
                return
            offset += len(data)
        if time.monotonic() > due:
            sock.sendall(wire.encode("REPLCONF", "ACK", str(offset)))
            due = time.monotonic() + 0.5


def main() -> None:
    with wire.connect(int(sys.argv[1])) as sock:
        wire.ask(sock, "REPLCONF", "listening-port", str(sock.getsockname()[1]))
        wire.ask(sock, "REPLCONF", "capa", "eof", "capa", "psync2")
        sock.sendall(wire.encode("PSYNC", "?", "-1"))
        follow(sock, skip_snapshot(sock))


if __name__ == "__main__":
    main()
