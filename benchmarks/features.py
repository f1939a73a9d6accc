"""Transactions, scripts and messages against redis-server, 16 deep: `python -m benchmarks.features`.

Each workload is a request of one or more commands whose replies have a known size, so that the generator need not
parse: 50 clients send 16 requests at a time and wait for as many bytes. PUBLISH goes to 100 subscribers, which the
generator drains as well. "EVAL arguments" hands commands 50,000 words in ten calls, "EVAL elements" gets 50,000
elements in ten replies and answers a tenth of them; one client sends these. Servers take turns; figures are requests a
second and CPU time of the server a request (µs), the median of the rounds, and the ratio to redis-server in the same
run.
"""

import argparse
import selectors
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from benchmarks import report, wire
from benchmarks.servers import Server, end_children_on_sigterm, running, server_names

PIPELINE = 16
CLIENTS = 50
PUBLISHERS = 4
SUBSCRIBERS = 100


@dataclass
class Workload:
    """A request in bytes, and the bytes of all its replies."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    replies: bytes
    clients: int = CLIENTS

    @property
    def request(self) -> bytes:
        return b"".join(wire.encode(*command) for command in self.commands)


LINE = "return redis.call('GET', KEYS[1])"
WORDS = 5000
MANY = f"""local words = {{}} for at = 1, {WORDS} do words[at] = 'word' end
for _ = 1, 10 do redis.call('DEL', KEYS[1]) redis.call('LPUSH', KEYS[1], unpack(words)) end
return redis.call('LLEN', KEYS[1])"""
BACK = f"""if redis.call('EXISTS', KEYS[1]) == 0 then
for _ = 1, {WORDS} do redis.call('RPUSH', KEYS[1], 'word') end end
for _ = 1, 9 do redis.call('LRANGE', KEYS[1], 0, -1) end
return redis.call('LRANGE', KEYS[1], 0, -1)"""
WORKLOADS = (
    Workload("EVAL", (("EVAL", LINE, "1", "key:1"),), b"$3\r\nxxx\r\n"),
    Workload("EVAL return", (("EVAL", "return 1", "0"),), b":1\r\n"),
    Workload(
        "MULTI/EXEC",
        (("MULTI",), ("SET", "key:1", "xxx"), ("GET", "key:1"), ("SET", "key:2", "yyy"), ("GET", "key:2"), ("EXEC",)),
        b"+OK\r\n" + b"+QUEUED\r\n" * 4 + b"*4\r\n+OK\r\n$3\r\nxxx\r\n+OK\r\n$3\r\nyyy\r\n",
    ),
    Workload("EVAL arguments", (("EVAL", MANY, "1", "list"),), b":%d\r\n" % WORDS, 1),
    Workload("EVAL elements", (("EVAL", BACK, "1", "elements"),), b"*%d\r\n" % WORDS + b"$4\r\nword\r\n" * WORDS, 1),
    Workload("PUBLISH", (("PUBLISH", "channel", "xxx"),), b":%d\r\n" % SUBSCRIBERS, PUBLISHERS),
)
MESSAGE = b"*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$3\r\nxxx\r\n"


class Peer:
    """A connection and how many bytes it still expects; who sends nothing only listens."""

    def __init__(self, sock: socket.socket, batch: bytes, expected: int) -> None:
        self.sock, self.batch, self.expected = sock, batch, expected
        self.left = 0

    def send(self) -> None:
        self.left = self.expected
        self.sock.sendall(self.batch)

    def take(self) -> bool:
        """Read what is there; whether a batch was completed. Raises RuntimeError when the server hung up."""
        data = self.sock.recv(1 << 18)
        if not data:
            raise RuntimeError("the server closed a connection")
        if not self.batch:
            return False
        self.left -= len(data)
        if self.left < 0:
            raise RuntimeError(f"unexpected reply: {data[-80:]!r}")
        return not self.left


def prepared(server: Server, stack: ExitStack, workload: Workload) -> list[Peer]:
    """Connections that are ready to go, listeners first."""
    peers = []
    for _ in range(SUBSCRIBERS if workload.name == "PUBLISH" else 0):
        sock = stack.enter_context(server.connect())
        sock.sendall(wire.encode("SUBSCRIBE", "channel"))
        sock.recv(1024)
        peers.append(Peer(sock, b"", 0))
    for _ in range(workload.clients):
        sock = stack.enter_context(server.connect())
        peers.append(Peer(sock, workload.request * PIPELINE, len(workload.replies) * PIPELINE))
    peers[-1].sock.sendall(wire.encode("SET", "key:1", "xxx"))
    peers[-1].sock.recv(1024)
    return peers


def drive(server: Server, workload: Workload, seconds: float) -> tuple[float, float]:
    """Requests a second and CPU µs of the server a request."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for peer in prepared(server, stack, workload):
            selector.register(peer.sock, selectors.EVENT_READ, peer)
            if peer.batch:
                peer.send()
        batches, begun, used = 0, time.perf_counter(), server.cpu_ns()
        while time.perf_counter() - begun < seconds:
            for key, _ in selector.select(1.0):
                if key.data.take():
                    batches += 1
                    key.data.send()
        requests = batches * PIPELINE
        return requests / (time.perf_counter() - begun), (server.cpu_ns() - used) / 1000 / requests


def measure(names: list[str], workload: Workload, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """The medians of each server."""
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with ExitStack() as stack:
        servers = [stack.enter_context(running(name)) for name in names]
        for _ in range(rounds):
            for server in servers:
                figures[server.name].append(drive(server, workload, seconds))
    return {
        name: {"requests_s": median(rate for rate, _ in taken), "cpu_us": median(cpu for _, cpu in taken)}
        for name, taken in figures.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=server_names, default="redis,pyredis")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="", help="workloads whose name starts with this")
    options = parser.parse_args()
    end_children_on_sigterm()
    print(f"{'workload':<16}{'server':<10}{'requests/s':>12}{'CPU us':>10}{'ratio':>8}")
    results = {}
    for workload in WORKLOADS:
        if not workload.name.startswith(options.only):
            continue
        figures = results[workload.name] = measure(options.servers, workload, options.rounds, options.seconds)
        base = figures[options.servers[0]]["requests_s"]
        for name, figure in figures.items():
            rate, cpu = figure["requests_s"], figure["cpu_us"]
            print(f"{workload.name:<16}{name:<10}{rate:>12,.0f}{cpu:>10.2f}{rate / base:>8.2f}", flush=True)
    content = {"machine": report.machine(), "settings": vars(options), "results": results}
    print(report.shown(report.save("features", content)))


if __name__ == "__main__":
    main()
