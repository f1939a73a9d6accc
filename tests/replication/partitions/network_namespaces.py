"""A small network of its own for each node, and partitions of it: Linux network namespaces on a bridge.

A namespace lives as long as the process that holds it, and that process ends with this one, whatever ends it: nothing
has a name in the file system, and nothing of the machine's own network is touched (the bridge is in a namespace, too).
A partition gives every side a bridge: what stands on one side hears nothing of the other, and no error tells it so,
like a cable that was pulled somewhere in between.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
TOOLS = ("ip", "nsenter", "unshare")


def missing() -> str | None:
    """Why there can be no network here, or None."""
    if absent := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"{', '.join(absent)} is not installed"
    if os.geteuid() != 0:
        return "network namespaces need root"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"no network namespaces here: {tried.stderr.strip()}"


def end_with_parent() -> None:
    """Run in a child before its exec: the kernel kills it when this process ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Network:
    """Nodes 1 to `count`, node n at address 10.99.0.n, all on one bridge until they are cut."""

    def __init__(self, count: int, running: contextlib.ExitStack) -> None:
        self.nodes = range(1, count + 1)
        self._switch = running.enter_context(_held_namespace())
        self._holders = {node: running.enter_context(_held_namespace()) for node in self.nodes}
        self._switched(f"link add side{side} type bridge" for side in self.nodes)
        self._switched(f"link set side{side} up" for side in self.nodes)
        for node, holder in self._holders.items():
            self._switched(
                [
                    f"link add port{node} type veth peer name eth0 netns {holder}",
                    f"link set port{node} master side1 up",
                ]
            )
            own = f"link set lo up\naddr add {self.address(node)}/24 dev eth0\nlink set eth0 up\n"
            subprocess.run([*self.inside(node), "ip", "-batch", "-"], input=own.encode(), check=True)

    def address(self, node: int) -> str:
        """Its IPv4 address, which only the nodes can reach."""
        return f"10.99.0.{node}"

    def inside(self, node: int) -> list[str]:
        """What to put before a command line that shall run on a node."""
        return ["nsenter", f"--net=/proc/{self._holders[node]}/ns/net"]

    def cut(self, *sides: Collection[int]) -> None:
        """From now on nodes reach those of their own side only; each node is on one."""
        self._switched(
            f"link set port{node} master side{number}" for number, side in enumerate(sides, 1) for node in side
        )

    def heal(self) -> None:
        """All reach all again."""
        self.cut(self.nodes)

    def connect(self, node: int, port: int, timeout: float, target: int | None = None) -> socket.socket:
        """A connection from a node to its own port, or to another's. Raises OSError."""
        sock = self._socket_on(node)
        try:
            sock.settimeout(timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect((self.address(target or node), port))
        except OSError:
            sock.close()
            raise
        return sock

    def _socket_on(self, node: int) -> socket.socket:
        """A socket belongs to the namespace its thread was in when it was made: a thread goes there and ends."""
        made: list[socket.socket] = []

        def make() -> None:
            with Path(f"/proc/{self._holders[node]}/ns/net").open("rb") as namespace:
                if LIBC.setns(namespace.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket())

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if not made:
            raise OSError(f"cannot enter the namespace of node {node}")
        return made[0]

    def _switched(self, commands: Iterable[str]) -> None:
        """Run `ip` commands where the bridges are, as one batch."""
        argv = ["nsenter", f"--net=/proc/{self._switch}/ns/net", "ip", "-batch", "-"]
        subprocess.run(argv, input="\n".join(commands).encode() + b"\n", check=True)


@contextlib.contextmanager
def network(count: int) -> Iterator[Network]:
    """A network of `count` nodes that is gone after the block."""
    with contextlib.ExitStack() as running:
        yield Network(count, running)


@contextlib.contextmanager
def process(argv: Sequence[str], **options: object) -> Iterator["subprocess.Popen[bytes]"]:
    """A child that is gone after the block, at the latest with this process; `options` are Popen's."""
    child = subprocess.Popen(argv, preexec_fn=end_with_parent, **options)  # type: ignore[call-overload]
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


@contextlib.contextmanager
def _held_namespace() -> Iterator[int]:
    """A new network namespace: the process that holds it, which has done so when it speaks."""
    argv = ["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"]
    with process(argv, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield holder.pid
