"""Mixed pipelines, which redis-benchmark 7.0 cannot send (it has one command a run): made and sent here.

A mix is commands in turn; the stream of them is cut into pipelines wherever that falls. Words in braces are drawn anew
for each command: keys that exist for SET, GET and INCR, one of 100 hashes, lists and sorted sets for the others.
As each reply's lines are known, the generator counts line ends and need not parse; a `-` is an error or a key that
is missing. It takes about as much CPU as redis-benchmark.
"""

import random
import select
import time
from contextlib import ExitStack
from functools import lru_cache

from benchmarks import wire

POOL = 100
CONTAINERS = [f"{kind}:{number}" for kind in ("hash", "list", "zset") for number in range(POOL)]
_SET_GET = ("SET key:{key} xxx", "GET key:{key}")
MIXES = {
    "set_get": _SET_GET,
    "mixed_six": (
        *_SET_GET,
        "INCR counter:{key}",
        "HSET hash:{pool} element:{key} xxx",
        "LPUSH list:{pool} xxx",
        "ZADD zset:{pool} {key} element:{key}",
    ),
}
"""Each by its name, as --tests takes it."""

DEPTH = 16
"""The one depth at which `python -m benchmarks` runs the mixes."""

_BATCHES = 3072
_SILENCE_S = 20.0
Batch = tuple[bytes, int]  # what is sent, and how many lines answer it


@lru_cache
def batches(mix: str, pipeline: int, keyspace: int) -> list[Batch]:
    """The pipelines that clients send one after the other: the same ones for every server."""
    chance, templates, made, at = random.Random(1), MIXES[mix], [], 0
    for _ in range(_BATCHES):
        turns = [templates[(at + step) % len(templates)] for step in range(pipeline)]
        at += pipeline
        texts = [turn.format(key=f"{chance.randrange(keyspace):012d}", pool=chance.randrange(POOL)) for turn in turns]
        lines = pipeline + sum(turn.startswith("GET") for turn in turns)
        made.append((b"".join(wire.encode(*text.split()) for text in texts), lines))
    return made


def drive(port: int, to_send: list[Batch], count: int, clients: int) -> tuple[float, list[float]]:
    """Send `count` pipelines from so many clients, each waiting for its replies: seconds, and ms of each pipeline.

    Raises ReplyError for an error reply, and OSError.
    """
    taken: list[float] = []
    with ExitStack() as stack:
        poll = stack.enter_context(select.epoll())
        socks = [stack.enter_context(wire.connect(port)) for _ in range(min(clients, count))]
        waiting, sent, begun = {}, 0, time.perf_counter()
        for sock in socks:
            poll.register(sock, select.EPOLLIN)
            waiting[sock.fileno()] = [sock, to_send[sent % len(to_send)][1], time.perf_counter()]
            sock.sendall(to_send[sent % len(to_send)][0])
            sent += 1
        while len(taken) < count:
            ready = poll.poll(_SILENCE_S)
            if not ready:
                raise TimeoutError(f"no reply within {_SILENCE_S:.0f} s")
            for number, _ in ready:
                peer = waiting[number]
                data = peer[0].recv(1 << 16)
                if not data:
                    raise ConnectionResetError("connection closed")
                if b"-" in data:
                    raise wire.ReplyError(data.partition(b"-")[2].splitlines()[0].decode(errors="replace"))
                peer[1] -= data.count(b"\n")
                if peer[1]:
                    continue
                now = time.perf_counter()
                taken.append((now - peer[2]) * 1000)
                if sent < count:
                    request, peer[1] = to_send[sent % len(to_send)]
                    peer[2] = now
                    peer[0].sendall(request)
                    sent += 1
        return time.perf_counter() - begun, taken
