"""A master, two replicas and the real Sentinels that watch them, each on a node of a small network.

Nodes 1 to 3 hold data, node 1 is the first master. Every node has a Sentinel; further nodes have nothing else. The
Sentinels are Redis 7.0.15's, in a hurry: what they do every 10 s, 2 s or 1 s by default they do several times a second
(SENTINEL DEBUG), so that a failover and the return of the old master take seconds.
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import hiredis

from tests.oracle import binary_7_0, binary_8_2, encode, wait_for
from tests.replication.partitions.network_namespaces import Network, process

OURS = [sys.executable, "-m", "pyredis.cli"]
KINDS = {
    "ours": [OURS, OURS, OURS],
    "mixed": [OURS, [binary_7_0()], OURS],
    "7.0.15": [[binary_7_0()]] * 3,
    "8.2.3": [[binary_8_2()]] * 3,
}
"""What the data nodes run; None in a command: not installed."""
DATA_NODES = (1, 2, 3)
PORT, SENTINEL_PORT = 6379, 26379
DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS = 1000, 2500
HURRY = {
    "info-period": 500,
    "ping-period": 250,
    "ask-period": 250,
    "publish-period": 250,
    "min-link-reconnect-period": 1000,
}
SERVER = """\
port {port}
bind {address} 127.0.0.1
protected-mode no
dir {folder}
logfile {folder}/log
save ""
repl-diskless-sync-delay 0
repl-ping-replica-period 1
"""
SENTINEL = """\
port {port}
bind {address} 127.0.0.1
protected-mode no
dir {folder}
logfile {folder}/log
sentinel monitor group {master} {master_port} {quorum}
sentinel down-after-milliseconds group {down_after}
sentinel failover-timeout group {failover_timeout}
"""


class SentinelGroup:
    """Data nodes of one kind and `sentinels` Sentinels on as many nodes; `settings`: more lines of redis.conf."""

    def __init__(self, network: Network, kind: str, folder: Path, sentinels: int, settings: Iterable[str]) -> None:
        self.network = network
        self.sentinels = range(1, sentinels + 1)
        self._kind, self._folder, self._settings = kind, folder, list(settings)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """All of it started, replicas in step and all Sentinels acquainted; gone after the block."""
        with contextlib.ExitStack() as started:
            for node in DATA_NODES:
                started.enter_context(self._server(node))
            for node in self.sentinels:
                started.enter_context(self._sentinel(node))
            self.await_settled()
            yield

    def ask(self, node: int, *words: object, port: int = PORT, timeout: float = 5) -> Any:
        """One command to a node from that node itself. Raises OSError, and hiredis.ReplyError for an error."""
        reader = hiredis.Reader(encoding="utf-8")
        with contextlib.closing(self.network.connect(node, port, timeout)) as sock:
            sock.sendall(encode(words))
            while (reply := reader.gets()) is False:
                data = sock.recv(1 << 20)
                if not data:
                    raise ConnectionError(f"closed by node {node}")
                reader.feed(data)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def ask_sentinel(self, node: int, *words: object) -> Any:
        """One SENTINEL subcommand to a node's Sentinel; raises as `ask`."""
        return self.ask(node, "SENTINEL", *words, port=SENTINEL_PORT)

    def role(self, node: int) -> str:
        """What a node says it is: master or slave."""
        return str(self.ask(node, "ROLE")[0])

    def elected(self, sentinel: int) -> int:
        """The node that a Sentinel holds for the master."""
        address, _ = self.ask_sentinel(sentinel, "GET-MASTER-ADDR-BY-NAME", "group")
        return next(node for node in DATA_NODES if self.network.address(node) == address)

    def master(self) -> int | None:
        """The node that all Sentinels hold for the master and that is the only one to say so itself; else None."""
        elected = {self.elected(node) for node in self.sentinels}
        masters = {node for node in DATA_NODES if self.role(node) == "master"}
        return elected.pop() if elected == masters and len(masters) == 1 else None

    def await_settled(self, timeout: float = 60) -> int:
        """Wait until one master has two replicas in step, and every Sentinel sees all and nobody down; the master."""
        wait_for(self._is_settled, timeout)
        master = self.master()
        assert master is not None
        return master

    def log(self, what: str) -> str:
        """The log of one process, such as `server-1` or `sentinel-3`."""
        return (self._folder / what / "log").read_text(errors="replace")

    def _is_settled(self) -> bool:
        master = self.master()
        if master is None:
            return False
        _, offset, replicas = self.ask(master, "ROLE")
        address = self.network.address(master)
        in_step = [self.ask(node, "ROLE") for node in DATA_NODES if node != master]
        return (
            len(replicas) == 2
            and all((role[1], role[3]) == (address, "connected") and role[4] >= offset for role in in_step)
            and all(self._is_content(node) for node in self.sentinels)
        )

    def _is_content(self, sentinel: int) -> bool:
        """Whether a Sentinel knows all, sees nobody down and has no failover under way."""
        master = _fields(self.ask_sentinel(sentinel, "MASTER", "group"))
        replicas = list(map(_fields, self.ask_sentinel(sentinel, "REPLICAS", "group")))
        others = list(map(_fields, self.ask_sentinel(sentinel, "SENTINELS", "group")))
        return (
            (len(replicas), len(others)) == (2, len(self.sentinels) - 1)
            and master["flags"] == "master"
            and all(replica["flags"] == "slave" and replica["master-host"] == master["ip"] for replica in replicas)
            and all(other["flags"] == "sentinel" for other in others)
        )

    @contextlib.contextmanager
    def _server(self, node: int) -> Iterator[None]:
        lines = [SERVER.format(port=PORT, address=self.network.address(node), folder=self._home(f"server-{node}"))]
        lines += [f"{line}\n" for line in self._settings]
        if node != DATA_NODES[0]:
            lines.append(f"replicaof {self.network.address(DATA_NODES[0])} {PORT}\n")
        with self._process(f"server-{node}", node, KINDS[self._kind][node - 1], "".join(lines)):
            wait_for(lambda: self.ask(node, "PING") == "PONG")
            yield

    @contextlib.contextmanager
    def _sentinel(self, node: int) -> Iterator[None]:
        text = SENTINEL.format(
            port=SENTINEL_PORT,
            address=self.network.address(node),
            folder=self._home(f"sentinel-{node}"),
            master=self.network.address(DATA_NODES[0]),
            master_port=PORT,
            quorum=len(self.sentinels) // 2 + 1,
            down_after=DOWN_AFTER_MS,
            failover_timeout=FAILOVER_TIMEOUT_MS,
        )
        with self._process(f"sentinel-{node}", node, ["redis-sentinel"], text):
            wait_for(lambda: self.ask_sentinel(node, "DEBUG", *(word for pair in HURRY.items() for word in pair)))
            yield

    def _home(self, what: str) -> Path:
        return self._folder / what

    @contextlib.contextmanager
    def _process(self, what: str, node: int, command: list[str], configuration: str) -> Iterator[None]:
        """A server on a node with a configuration file of its own, which it may rewrite."""
        home = self._home(what)
        home.mkdir()
        (home / "conf").write_text(configuration)
        with (
            (home / "output").open("wb") as output,
            process([*self.network.inside(node), *command, str(home / "conf")], stdout=output, stderr=output),
        ):
            yield


def _fields(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
