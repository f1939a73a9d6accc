"""A client over a socket that waits for its replies: for tools, which have nothing else to do."""

import socket
import sys
from collections.abc import Sequence
from typing import Any

import hiredis

from pyredis.protocol.encoder import encode_command

HOST = "127.0.0.1"
Word = bytes | str | int


class Refused(Exception):
    """A reply that is an error; the text is the server's."""


class RespClient:
    """A connection to a server of this machine. `timeout`: how long it may be silent, in seconds.

    Whatever is asked raises OSError when the connection is of no use any more.
    """

    def __init__(self, port: int, timeout: float) -> None:
        """Raises OSError if nobody takes the connection."""
        self._socket = socket.create_connection((HOST, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader(protocolError=ConnectionError)

    def ask(self, *words: Word) -> Any:
        """One command's reply: bytes, int, list or None. Raises Refused."""
        return self.ask_all([words])[0]

    def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """The replies of commands that are sent together. Raises Refused for the first that is an error."""
        self._socket.sendall(b"".join(encode_command([_word(word) for word in words]) for words in commands))
        replies = [self._reply() for _ in commands]
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                raise Refused(str(reply))
        return replies

    def _reply(self) -> Any:
        while (reply := self._reader.gets()) is False:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._reader.feed(data)
        return reply

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def _word(word: Word) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


def is_listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((HOST, port), 1).close()
    except TimeoutError:
        return True
    except OSError:
        return False
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    if is_listening(port):
        return False
    with socket.socket() as probe:
        if sys.platform != "win32":  # there it would take the port from who has it
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
