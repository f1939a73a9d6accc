"""The nodes as processes: started so that they outlive who started them, ended by SHUTDOWN, or hard.

A node is known by its port. Who started it knows its process; others have its number from the node's folder, and
believe that only while somebody listens there. Ctrl-C in a terminal goes to all processes of the command, so nodes are
started outside of its group: they are ended in order, replicas first, else these would be made masters meanwhile.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from pyredis.clock import Clock
from pyredis.cluster.node import BUS_PORT_OFFSET
from pyredis.local_cluster.layout import Layout, pid_of
from pyredis.local_cluster.node_links import NodeLinks
from pyredis.local_cluster.node_reports import fields_of
from pyredis.local_cluster.patience import Patience
from pyredis.local_cluster.resp_client import HOST, Refused, RespClient, is_free, is_listening
from pyredis.local_cluster.trouble import Trouble

_HIGHEST = 65_535 - BUS_PORT_OFFSET
_START_S = 60
_END_S = 20
_ANSWER_S = 2
_LOG_LINES = 5


def command_line(layout: Layout, port: int) -> list[str]:
    """What starts a node."""
    options = {
        "port": port,
        "bind": HOST,
        "dir": layout.node_folder(port),
        "cluster-enabled": "yes",
        "cluster-config-file": layout.nodes_file(port).name,
        "cluster-node-timeout": layout.node_timeout,
        "appendonly": "yes",
        "repl-diskless-sync-delay": 0,  # nobody else is to come
    }
    server = layout.server or [sys.executable, "-m", "pyredis.cli"]
    return [*server, *(str(word) for name, value in options.items() for word in (f"--{name}", value))]


def demand_free(port: int) -> None:
    """Raises Trouble if no node could listen at a port."""
    if not 0 < port <= _HIGHEST:
        raise Trouble(
            f"A node cannot have port {port}: it also needs the port {BUS_PORT_OFFSET} above, so {_HIGHEST} is the "
            "highest. Choose others with --port."
        )
    for one in (port, port + BUS_PORT_OFFSET):
        if not is_free(one):
            raise Trouble(
                f"Port {one} is taken by another program (node {port} needs it). End that, or choose other ports for a "
                "new cluster: pyredis-cluster up --port 7100 --dir another-folder"
            )


class NodeProcesses:
    """Those of a cluster. It waits for those that it started itself."""

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout = layout
        self._patience = Patience(clock, _START_S)
        self._ending = Patience(clock, _END_S)
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._pids: dict[int, int] = {}

    def start(self, ports: Iterable[int]) -> None:
        """Start nodes, and wait until they answer. Raises Trouble, and then none of them runs."""
        ports = list(ports)
        for port in ports:
            demand_free(port)
        try:
            for port in ports:
                self._spawn(port)
            for port in ports:
                self._patience.wait(partial(self._answers, port), partial(self._silent, port))
        except BaseException:
            for port in ports:
                self.kill(port)
            raise

    def _spawn(self, port: int) -> None:
        layout = self._layout
        layout.node_folder(port).mkdir(parents=True, exist_ok=True)
        command = command_line(layout, port)
        with layout.log_file(port).open("ab") as log:
            try:
                child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_apart())
            except OSError as error:
                raise Trouble(f"Node {port} cannot be started by `{command[0]}`: {error.strerror}.") from None
        self._children[port] = child
        layout.pid_file(port).write_text(f"{child.pid}\n", encoding="ascii")

    def _answers(self, port: int) -> bool:
        if self._children[port].poll() is not None:
            raise Trouble(f"Node {port} ended at once. {self._last_words(port)}")
        return is_answering(port)

    def _silent(self, port: int) -> str:
        return f"Node {port} does not answer. {self._last_words(port)}"

    def _last_words(self, port: int) -> str:
        path = self._layout.log_file(port)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        return "\n    ".join((f"{path} ends with:", *lines))

    def stop(self, waves: Iterable[Sequence[int]]) -> list[str]:
        """End nodes, one wave after the other; what did not go well, in words."""
        said: list[str] = []
        for ports in waves:
            if ports:
                said += self._end_all(ports)
        return said

    def _end_all(self, ports: Sequence[int]) -> list[str]:
        with ThreadPoolExecutor(len(ports)) as pool:
            try:
                return [why for why in pool.map(self._end, ports) if why]
            except KeyboardInterrupt:
                for port in ports:  # else the pool would wait for them
                    self.kill(port)
                raise

    def _end(self, port: int) -> str:
        why = _shut_down(port)
        if not why:
            try:
                self._ending.wait(lambda: self._is_gone(port), lambda: "it did not end in time")
                return ""
            except Trouble as trouble:
                why = str(trouble)
        self.kill(port)
        return f"Node {port} was ended hard: {why}."

    def is_there(self, port: int) -> bool:
        """Whether a node's process runs; somebody else's at its port is not it."""
        if self._own(port) is not None:
            return True
        pid = self._pid(port)
        return pid is not None and is_listening(port) and _process_at(port) in (pid, None)

    def _pid(self, port: int) -> int | None:
        """The process that was started last, as far as is known, or was while there was a folder."""
        pid = pid_of(self._layout, port)
        if pid is not None:
            self._pids[port] = pid
        return self._pids.get(port)

    def _own(self, port: int) -> "subprocess.Popen[bytes] | None":
        """The process, if it was started here and did not end."""
        child = self._children.get(port)
        return child if child is not None and child.poll() is None else None

    def kill(self, port: int) -> bool:
        """End a process at once, as if the machine were gone; False if there is none."""
        if (child := self._own(port)) is not None:
            child.kill()
        elif self.is_there(port) and (pid := self._pid(port)) is not None:
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows any signal ends a process hard
        else:
            return False
        self._ending.wait(lambda: self._is_gone(port), lambda: f"Node {port} cannot be ended.")
        return True

    def _is_gone(self, port: int) -> bool:
        return not is_listening(port) and self._own(port) is None

    def reap(self) -> None:
        """Take note of children that have ended."""
        for child in self._children.values():
            child.poll()


def is_answering(port: int) -> bool:
    """Whether a server says PONG."""
    try:
        with NodeLinks(_ANSWER_S) as nodes:
            return bool(nodes.ask(port, "PING") == b"PONG")
    except (OSError, Refused):
        return False


def _process_at(port: int) -> int | None:
    """Who answers there; 0 for somebody who does not say, None for nobody: it is halted, or very busy."""
    try:
        with NodeLinks(_ANSWER_S) as nodes:
            return int(fields_of(nodes.ask(port, "INFO", "server")).get("process_id", 0))
    except TimeoutError:
        return None
    except (OSError, Refused, ValueError):
        return 0


def _shut_down(port: int) -> str:
    """Ask for it: what is said against it, or ''."""
    try:
        client = RespClient(port, _END_S)
    except OSError:
        return ""
    try:
        client.ask("SHUTDOWN")
    except TimeoutError:
        return "it does not answer"
    except Refused as refused:
        return f"it says '{refused}'"
    except OSError:
        pass  # that is the answer
    finally:
        client.close()
    return ""


def _apart() -> dict[str, Any]:
    """How a process is started that goes on without this one."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
