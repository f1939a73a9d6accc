"""A TCP way between two servers that can be cut, go silent, be slow, or carry one byte at a time."""

import contextlib
import socket
import threading
import time

from tests.oracle import free_port

PIECE = 1 << 16


class Proxy:
    """Listens on `port` (a free one by default) and passes on to `target`, another loopback port. `close` ends it.

    `piece`: how many bytes go at most at once; `delay_s`: how long each piece is held. Both may be set at any time.
    """

    def __init__(self, target: int, port: int | None = None) -> None:
        self.target = target
        self.piece, self.delay_s = PIECE, 0.0
        self.passed = 0  # bytes, both ways
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._open = threading.Event()
        self.port = port or free_port()  # named, so that the listener keeps it while it refuses
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listens = False
        self.heal()

    def cut(self) -> None:
        """Close all connections and refuse new ones."""
        with self._lock:
            self._listens = False
            for one in {self._listener, *self._sockets}:
                _shut(one)
        self._open.set()

    def blackhole(self) -> None:
        """Connections stay, new ones are taken by the kernel, and nothing passes."""
        self._open.clear()

    def heal(self) -> None:
        """Pass everything again, what a blackhole held back included."""
        self._open.set()
        if not self._listens:
            self._listens = True
            self._listener.listen()
            threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Cut for good, and give the port back."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._open.wait()
                self._join(near)

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            self._sockets |= {near, far}
            if not self._listens:  # cut meanwhile
                _shut(near)
                _shut(far)
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = [threading.Thread(target=self._pump, args=way, daemon=True) for way in ((near, far), (far, near))]
        threading.Thread(target=self._follow, args=(near, far, ways), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(self.piece):
                self._open.wait()
                if self.delay_s:
                    time.sleep(self.delay_s)
                target.sendall(data)
                self.passed += len(data)
        _shut(target)
        _shut(source)

    def _follow(self, near: socket.socket, far: socket.socket, ways: list[threading.Thread]) -> None:
        for way in ways:
            way.start()
        for way in ways:
            way.join()
        with self._lock:
            self._sockets -= {near, far}
        near.close()
        far.close()


def _shut(one: socket.socket) -> None:
    """End both directions, so that threads that wait on it wake. A listener refuses, but keeps its port."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
