"""Clients that add distinct integers to a list, one after another, and write down what they were told."""

import socket
import threading
import time
from collections.abc import Iterator

import hiredis

from tests.oracle import encode
from tests.replication.partitions.history import Operation, Outcome, outcome_of

PAUSE_S = 0.001
WAIT_MS = 200
DEADLINE_S = 2.0


class Client(threading.Thread):
    """Adds `values` to `key` until stopped or cut off; `asked`: how many replicas WAIT asks for, or None for no WAIT.

    One write is under way at a time, with a short pause after it: more would tell no more and take the servers'
    processors. A refused write is not tried again, its integer is spent.
    """

    def __init__(self, sock: socket.socket, key: str, values: Iterator[int], asked: int | None) -> None:
        super().__init__(daemon=True)
        self.history: list[Operation] = []
        self._sock, self._key, self._values, self._asked = sock, key, values, asked
        self._stopped = threading.Event()

    def run(self) -> None:
        with self._sock:
            while not self._stopped.is_set():
                began, value = time.monotonic(), next(self._values)
                replies, is_connected = self._add(value)
                outcome = outcome_of(replies, self._asked)
                self.history.append(Operation(value, began, time.monotonic(), outcome))
                if not is_connected:
                    return
                self._stopped.wait(PAUSE_S if outcome is not Outcome.FAILED else 10 * PAUSE_S)

    def stop(self) -> None:
        """End after what is under way."""
        self._stopped.set()

    def _add(self, value: int) -> tuple[list[object], bool]:
        """The replies that came, and whether the connection still lives."""
        commands = [("RPUSH", self._key, value)]
        if self._asked is not None:
            commands.append(("WAIT", self._asked, WAIT_MS))
        reader, replies = hiredis.Reader(), []
        try:
            self._sock.sendall(b"".join(map(encode, commands)))
            while len(replies) < len(commands):
                if (reply := reader.gets()) is not False:
                    replies.append(reply)
                elif data := self._sock.recv(1 << 16):
                    reader.feed(data)
                else:
                    return replies, False
        except OSError:
            return replies, False
        return replies, True
