"""How a replica introduces itself: a generator without I/O that yields what to send, and is sent the replies.

PING, then AUTH and what the replica is and can, in one go; then PSYNC with what it has. A master that is busy sends
empty lines before it answers. What it says decides: it goes on from there (`Continue`), sends everything (`FullSync`),
or is to be asked again later (`NotNow`). Refusals to REPLCONF are of no consequence: an older master knows less.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple

from pyredis.datatypes.numeric import parse_int
from pyredis.protocol.encoder import encode_command

_AUTH, _REPLCONF = b"AUTH", b"REPLCONF"
_VALKEY = b"9.0.0"
"""A Valkey master writes fields that expire only for who reads its own RDB, and no other master knows the word."""

_TOLERATED = (b"+", b"-NOAUTH", b"-NOPERM", b"-ERR operation not permitted")
_LATER = (b"-NOMASTERLINK", b"-LOADING")


class HandshakeFailed(Exception):
    """The master does not take this replica; the text is for the log."""


class FullSync(NamedTuple):
    """All is sent: the dataset as it is at `offset` of the stream `id`; '' and -1 from a master that tells neither.

    `request` is still to be sent to get it.
    """

    id: str
    offset: int
    request: bytes = b""


class Continue(NamedTuple):
    """The stream goes on, and is now called `id`."""

    id: str


class NotNow(NamedTuple):
    """Ask again later; `line` says why."""

    line: bytes


Outcome = FullSync | Continue | NotNow


class Introduction(NamedTuple):
    """What a replica says of itself, if it is not empty. `ip` and `port`: where it is to be found."""

    port: int
    ip: bytes = b""
    user: bytes = b""
    password: bytes = b""

    def commands(self) -> list[Sequence[bytes]]:
        """In Redis's order."""
        commands: list[Sequence[bytes]] = []
        if self.password:
            commands.append((_AUTH, self.user, self.password) if self.user else (_AUTH, self.password))
        commands.append((_REPLCONF, b"listening-port", b"%d" % self.port))
        if self.ip:
            commands.append((_REPLCONF, b"ip-address", self.ip))
        commands.append((_REPLCONF, b"capa", b"eof", b"capa", b"psync2"))
        commands.append((_REPLCONF, b"version", _VALKEY))
        return commands


class History(NamedTuple):
    """What this server has: `offset` bytes of the stream `id`; '?' is none. `failover`: it offers the master's part."""

    id: str = "?"
    offset: int = -2
    failover: bool = False

    def request(self) -> bytes:
        """PSYNC."""
        words = [b"PSYNC", self.id.encode(), b"%d" % (self.offset + 1)]
        return encode_command((*words, b"FAILOVER") if self.failover else words)


def is_id(word: bytes) -> bool:
    """Whether a stream may be called so. Redis's ids are hexadecimal, and it takes any 40 bytes."""
    return len(word) == 40 and word.isalnum()


def handshake(who: Introduction, history: History) -> Generator[bytes, bytes, Outcome]:
    """Yields bytes to send, or none to wait for another line; takes each line that comes. Raises HandshakeFailed."""
    reply = yield encode_command((b"PING",))
    if not reply.startswith(_TOLERATED):
        raise HandshakeFailed(f"Error reply to PING from master: '{_shown(reply)}'")
    commands = who.commands()
    sent = b"".join(map(encode_command, commands))
    for words in commands:
        reply = yield sent
        sent = b""
        if words[0] is _AUTH and not reply.startswith(b"+"):
            raise HandshakeFailed(f"Unable to AUTH to MASTER: {_shown(reply)}")
    reply = yield history.request()
    while not reply:
        reply = yield b""
    return _decide(reply, history)


def _decide(reply: bytes, history: History) -> Outcome:
    kind, *words = reply.split(b" ")
    if kind == b"+FULLRESYNC":
        offset = parse_int(words[1]) if len(words) == 2 and is_id(words[0]) else None
        if offset is not None and offset >= 0:
            return FullSync(words[0].decode(), offset)
        raise HandshakeFailed(f"Master replied with wrong +FULLRESYNC syntax: {_shown(reply)}")
    if kind == b"+CONTINUE" and history.id != "?":
        return Continue(words[0].decode() if words and is_id(words[0]) else history.id)
    if reply.startswith(_LATER):
        return NotNow(reply)
    if history.failover:
        return NotNow(reply)
    if not reply.startswith(b"-ERR"):
        raise HandshakeFailed(f"Unexpected reply to PSYNC from master: {_shown(reply)}")
    return FullSync("", -1, encode_command((b"SYNC",)))


def _shown(line: bytes) -> str:
    return line[:256].decode("utf-8", "backslashreplace")
