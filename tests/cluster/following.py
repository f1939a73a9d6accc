"""A client that finds a key's node as a cluster's clients do, and one that writes without end and notes what it met.

It follows MOVED, ASK and TRYAGAIN, waits while the cluster is down, and asks another node where one is gone. What it
met on the way is counted by the first word of the error, so that a test can say what is allowed.
"""

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import hiredis

from pyredis.datatypes.key_slot import key_slot
from tests.replication.topologies import Client

PAUSE_S = 0.01
ANSWER_WITHIN_S = 3.0
GONE = "connection"
"""What is counted in `met` when a node refuses, hangs up or does not answer in time."""
REDIRECTIONS = {"MOVED", "ASK", "TRYAGAIN"}


class Follower:
    """Asks a cluster, beginning with any of `seeds` (ports): `met` counts what came before the answers."""

    def __init__(self, seeds: Callable[[], Iterable[int]]) -> None:
        self.met: Counter[str] = Counter()
        self._seeds = seeds
        self._owners: dict[int, int] = {}  # the port of a slot's node
        self._connections: dict[int, Client] = {}
        self._round = itertools.count()

    def call(self, *words: Any, key: Any = None, until: float | None = None) -> Any:
        """The answer to a command of the key that is its second word, or `key`.

        Errors that no waiting helps are returned. Raises TimeoutError when monotonic time `until` comes first.
        """
        slot = key_slot(str(words[1] if key is None else key).encode())
        ask_at = None
        while True:
            port = ask_at or self._owners.get(slot) or self._any()
            reply = self._try(port, words, ask_at is not None)
            ask_at = None
            if not isinstance(reply, hiredis.ReplyError):
                if reply is not GONE:
                    self._owners.setdefault(slot, port)
                    return reply
                self.met[GONE] += 1
                self._forget(port)
            else:
                kind, *rest = str(reply).split()
                self.met[kind] += 1
                if kind == "MOVED":
                    self._owners[slot] = _port(rest[1])
                elif kind == "ASK":
                    ask_at = _port(rest[1])
                elif kind not in ("TRYAGAIN", "CLUSTERDOWN", "LOADING"):
                    return reply
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"{words[:2]}: no answer; met {dict(self.met)}")
            if not isinstance(reply, hiredis.ReplyError) or kind not in ("MOVED", "ASK"):
                time.sleep(PAUSE_S)

    def close(self) -> None:
        for port in list(self._connections):
            self._forget(port)

    def _any(self) -> int:
        seeds = list(self._seeds())
        return seeds[next(self._round) % len(seeds)]

    def _try(self, port: int, words: tuple[Any, ...], asking: bool) -> Any:
        """One node's reply, or GONE."""
        try:
            if port not in self._connections:
                self._connections[port] = client = Client(port)
                client.socket.settimeout(ANSWER_WITHIN_S)
            return self._connections[port].values([("ASKING",), words] if asking else [words])[-1]
        except (OSError, hiredis.ProtocolError):
            return GONE

    def _forget(self, port: int) -> None:
        if (connection := self._connections.pop(port, None)) is not None:
            connection.close()
        self._owners = {slot: owner for slot, owner in self._owners.items() if owner != port}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


class Writer(threading.Thread):
    """Writes `rate` times a second within a block, one after another: `acknowledged` holds each key's last value.

    Every tenth is an MSET of two keys of one slot, which a reshard may answer by TRYAGAIN. A write that was not
    acknowledged is written again, so what is read in the end must be what was acknowledged last.
    """

    def __init__(self, seeds: Callable[[], Iterable[int]], keys: int = 2000, rate: int = 1000) -> None:
        super().__init__(daemon=True)
        self.acknowledged: dict[str, str] = {}
        self.refused: Counter[str] = Counter()
        self.count = 0
        self._follower = Follower(seeds)
        self._keys, self._rate = keys, rate
        self._stopped = threading.Event()

    @property
    def met(self) -> Counter[str]:
        """The errors on the way, by their first words."""
        return self._follower.met

    def run(self) -> None:
        began = time.monotonic()
        with contextlib.closing(self._follower):
            while not self._stopped.wait(max(0.0, began + self.count / self._rate - time.monotonic())):
                self._write(self.count)
                self.count += 1

    def _write(self, number: int) -> None:
        name, text = f"key:{number * 7919 % self._keys}", str(number)
        pairs = {f"{{{name}}}:a": text, f"{{{name}}}:b": text} if number % 10 == 0 else {name: text}
        words = ("MSET", *itertools.chain(*pairs.items())) if len(pairs) > 1 else ("SET", name, text)
        reply = self._follower.call(*words)
        if isinstance(reply, hiredis.ReplyError):
            self.refused[str(reply)] += 1
        else:
            self.acknowledged |= pairs

    def __enter__(self) -> "Writer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """It ends after what is under way."""
        self._stopped.set()
        self.join()

    def lost(self) -> dict[str, tuple[str, Any]]:
        """Keys that do not hold what was acknowledged last, and what they hold."""
        with contextlib.closing(Follower(self._follower._seeds)) as reader:
            found = {key: reader.call("GET", key, until=time.monotonic() + 30) for key in self.acknowledged}
        wanted = self.acknowledged.items()
        return {key: (value, found[key]) for key, value in wanted if found[key] != value.encode()}
