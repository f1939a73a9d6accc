"""A link that can be cut: passes bytes between whoever connects and one loopback port.

Cut, it closes what it carries and refuses connections, as a server that was stopped would; restored, it tells when the
first one came back. One thread a direction, large reads: it costs little beside the servers it joins.
"""

import contextlib
import socket
import threading
import time

from benchmarks import wire

READ = 1 << 18


class Relay:
    """Listens on `port` of the loopback and joins each connection to `target`, until closed."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.accepted_at = 0.0
        self._target = target
        self._sockets: list[socket.socket] = []
        self._accepted = threading.Event()
        self.restore()

    def restore(self) -> None:
        """Take connections (again, on the same port)."""
        self._accepted.clear()
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._sockets = [listener]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Close all connections and refuse new ones."""
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it, which close() does not
            sock.close()

    def await_connection(self, timeout: float) -> float:
        """When (perf_counter) the first connection since the last `restore` came. Raises TimeoutError."""
        if not self._accepted.wait(timeout):
            raise TimeoutError("nobody came back to the link")
        return self.accepted_at

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                if not self._accepted.is_set():
                    self.accepted_at = time.perf_counter()
                    self._accepted.set()
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                far = wire.connect(self._target)
                far.settimeout(None)
                self._sockets += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(READ):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
