"""What MIGRATE says to its target and hears from it, without I/O: one request for all keys, then a line for each.

AUTH and SELECT go first, if they are needed; their replies are lines too. A key has arrived when its RESTORE is
answered in the affirmative and neither AUTH nor SELECT was refused, for then it may be in another database. The first
refusal is what MIGRATE answers; the lines behind it are read all the same, so that the connection can be used again.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pyredis.protocol.encoder import encode_command

LINE_MAX = 1024
"""No reply to what is sent here is longer, CR LF included."""


class Garbled(Exception):
    """The target does not talk as Redis does."""


class Parcel(NamedTuple):
    """A key to send; `ttl` is ms, 0 for ever."""

    key: bytes
    ttl: int
    payload: bytes


class KeyTransfer:
    """One request and its replies. `request` is to be sent, `arrived` are the keys that the target has.

    `refusal` is its first error without the minus, `heard` whether a RESTORE was answered.
    """

    def __init__(
        self,
        parcels: Sequence[Parcel],
        *,
        credentials: Sequence[bytes] = (),
        database: int | None = None,
        replace: bool = False,
        asking: bool = False,
    ) -> None:
        """AUTH with `credentials`, SELECT `database`, unless there are none; `asking`: the target imports the slot."""
        words: list[Sequence[bytes]] = []
        if credentials:
            words.append((b"AUTH", *credentials))
        if database is not None:
            words.append((b"SELECT", b"%d" % database))
        self._prefaces = len(words)
        name, options = b"RESTORE-ASKING" if asking else b"RESTORE", (b"REPLACE",) if replace else ()
        words += ((name, key, b"%d" % ttl, payload, *options) for key, ttl, payload in parcels)
        self.request = b"".join(map(encode_command, words))
        self.arrived: list[bytes] = []
        self.refusal = b""
        self._keys = [parcel.key for parcel in parcels]
        self._is_in_place = True  # the target has taken AUTH and SELECT
        self._lines = 0
        self._rest = b""

    @property
    def heard(self) -> bool:
        """Whether the target has answered a RESTORE."""
        return self._lines > self._prefaces

    @property
    def is_done(self) -> bool:
        """Whether everything is answered."""
        return self._lines == self._prefaces + len(self._keys)

    def feed(self, data: bytes) -> None:
        """Bytes came. Raises Garbled for what is no reply to the request; what came before counts."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hear(line.removesuffix(b"\r"))
        if len(self._rest) >= LINE_MAX or (self._rest and self.is_done):
            raise Garbled

    def _hear(self, line: bytes) -> None:
        if self.is_done or len(line) >= LINE_MAX or line[:1] not in (b"+", b"-"):
            raise Garbled
        at = self._lines - self._prefaces
        self._lines += 1
        if line.startswith(b"-"):
            self.refusal = self.refusal or line[1:] or b"?"
            if at < 0:
                self._is_in_place = False
        elif at >= 0 and self._is_in_place:
            self.arrived.append(self._keys[at])
