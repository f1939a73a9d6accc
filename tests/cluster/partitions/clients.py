"""A client on a node's own network that appends numbers and reads lists, one after another, and writes down all of it.

It follows redirections, which refuse by their nature. What was sent and not answered is not tried again, its number is
spent: whether it was done is not known.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import hiredis

from pyredis.datatypes.key_slot import key_slot
from tests.cluster.partitions.appends import Append, Read
from tests.oracle import encode
from tests.replication.partitions.history import Outcome

PAUSE_S = 0.005
ANSWER_WITHIN_S = 0.5
READ_EACH = 5
REDIRECTIONS = 5


class Lost(Exception):
    """No answer: `sent` tells whether the node may have got the question."""

    def __init__(self, *, sent: bool) -> None:
        self.sent = sent


class Appender(threading.Thread):
    """Appends to `keys` in turn. `connect(node)` gives a socket; `node_at(address)` says whose an address is."""

    def __init__(
        self,
        keys: Sequence[str],
        numbers: Iterator[int],
        nodes: Sequence[int],
        connect: Callable[[int], Any],
        node_at: Callable[[str], int],
    ) -> None:
        super().__init__(daemon=True)
        self.appends: list[Append] = []
        self.reads: list[Read] = []
        self._keys, self._numbers, self._nodes = keys, numbers, nodes
        self._connect, self._node_at = connect, node_at
        self._owners: dict[int, int] = {}
        self._sockets: dict[int, Any] = {}
        self._turn = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(PAUSE_S):
            self._turn += 1
            key = self._keys[self._turn % len(self._keys)]
            self._append(key)
            if self._turn % READ_EACH == 0:
                self._read(key)
        for node in list(self._sockets):
            self._hang_up(node)

    def __enter__(self) -> "Appender":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """It ends after what is under way."""
        self._stopped.set()
        self.join()

    def _append(self, key: str) -> None:
        began, value = time.monotonic(), next(self._numbers)
        try:
            node, reply = self._ask(key, "RPUSH", key, value)
            outcome = Outcome.FAILED if isinstance(reply, hiredis.ReplyError) else Outcome.OK
        except Lost as lost:
            node, outcome = 0, Outcome.INDETERMINATE if lost.sent else Outcome.FAILED
        self.appends.append(Append(key, value, began, time.monotonic(), outcome, node))

    def _read(self, key: str) -> None:
        with contextlib.suppress(Lost):
            node, reply = self._ask(key, "LRANGE", key, 0, -1)
            if not isinstance(reply, hiredis.ReplyError):
                self.reads.append(Read(key, tuple(map(int, reply)), node))

    def _ask(self, key: str, *words: object) -> tuple[int, Any]:
        """Who answered, and what. Raises Lost."""
        slot = key_slot(key.encode())
        node = self._owners.get(slot) or self._nodes[self._turn % len(self._nodes)]
        for _ in range(REDIRECTIONS):
            try:
                reply = self._exchange(node, words)
            except Lost:
                self._owners.pop(slot, None)
                raise
            if not isinstance(reply, hiredis.ReplyError) or not str(reply).startswith("MOVED "):
                break
            node = self._owners[slot] = self._node_at(str(reply).split()[2])
        return node, reply

    def _exchange(self, node: int, words: tuple[object, ...]) -> Any:
        sent = False
        try:
            if node not in self._sockets:
                self._sockets[node] = self._connect(node)
            sock, reader = self._sockets[node], hiredis.Reader()
            sent = True
            sock.sendall(encode(words))
            while (reply := reader.gets()) is False:
                data = sock.recv(1 << 16)
                if not data:
                    raise ConnectionError
                reader.feed(data)
        except OSError:
            self._hang_up(node)
            raise Lost(sent=sent) from None
        return reply

    def _hang_up(self, node: int) -> None:
        if node in self._sockets:
            self._sockets.pop(node).close()
