"""Asking many nodes, each over one connection that is kept, and made anew when it is lost."""

from collections.abc import Sequence
from typing import Any, Protocol

from pyredis.local_cluster.resp_client import RespClient, Word

Words = Sequence[Word]


class Nodes(Protocol):
    """Who can be asked, by ports. Raises OSError when a node does not answer, and Refused when it says no."""

    def ask(self, port: int, *words: Word) -> Any:
        """One command's reply."""

    def ask_all(self, port: int, commands: Sequence[Words]) -> list[Any]:
        """The replies of commands that are sent together."""


class NodeLinks:
    """Nodes of this machine. `timeout`: how long one may be silent, in seconds. Leaving the block hangs up."""

    def __init__(self, timeout: float = 60) -> None:
        self._timeout = timeout
        self._clients: dict[int, RespClient] = {}

    def ask(self, port: int, *words: Word) -> Any:
        """One command's reply."""
        return self.ask_all(port, [words])[0]

    def ask_all(self, port: int, commands: Sequence[Words]) -> list[Any]:
        """The replies of commands that are sent together."""
        client = self._clients.get(port)
        if client is None:
            client = self._clients[port] = RespClient(port, self._timeout)
        try:
            return client.ask_all(commands)
        except OSError:
            self._clients.pop(port).close()
            raise

    def __enter__(self) -> "NodeLinks":
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
