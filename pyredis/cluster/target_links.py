"""Connections that MIGRATE keeps for the next time: one to a target, 64 in all, each for ten seconds after its use.

A link has at most one user, who hears what happens to it. Without one it is idle, and whatever happens then ends it:
nothing was asked. Most that the target has closed are gone before anybody wants them; who meets one that was not, tries
another.
"""

from typing import TYPE_CHECKING, Protocol

from pyredis.engine.host import Link

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

Address = tuple[str, int]

LINKS_MAX = 64
IDLE_MS = 10_000
_HIGHEST_PORT = 65535


class User(Protocol):
    """Who talks over a link."""

    def connected(self) -> None:
        """It may be written to."""

    def received(self, data: bytes) -> None:
        """Bytes came."""

    def lost(self, error: Exception | None) -> None:
        """It is gone, or could not be made."""


class TargetLink:
    """A `Peer`. `is_connected`: it may be written to. `database`: what the target has selected, if that is known.

    `last_use` is ms since 1970.
    """

    def __init__(self, links: "TargetLinks", address: Address) -> None:
        self._links = links
        self._link: Link | None = None
        self.address = address
        self.user: User | None = None
        self.is_connected = False
        self.database: int | None = None
        self.last_use = 0

    def dial(self, engine: "Engine") -> None:
        """Connect. Raises OSError where there is no network."""
        self._link = engine.host.dial(self.address, self)

    def write(self, data: bytes) -> None:
        """Send."""
        assert self._link is not None
        self._link.write(data)

    def pending(self) -> int:
        """Bytes written that were not taken yet."""
        return 0 if self._link is None else self._link.pending()

    def close(self) -> None:
        """It is of no use any more; its user is not told."""
        self.user = None
        self._links.forget(self)
        if self._link is not None:
            self._link.abort()

    # From the link

    def connected(self, link: Link) -> None:
        """It is there."""
        self._link, self.is_connected = link, True
        if self.user is None:
            link.abort()
        else:
            self.user.connected()

    def received(self, data: bytes) -> None:
        """What comes unasked cannot be answered by what is asked next."""
        if self.user is None:
            self.close()
        else:
            self.user.received(data)

    def congested(self) -> None:
        """The target is slow: who waits for it has a timer."""

    def writable(self) -> None:
        """It goes on."""

    def lost(self, error: Exception | None) -> None:
        """It is gone."""
        user, self.user = self.user, None
        self._links.forget(self)
        if user is not None:
            user.lost(error)


class TargetLinks:
    """A component."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._links: dict[Address, TargetLink] = {}
        engine.cron_steps.append(self._close_idle)
        engine.on_stop.append(self.close)
        engine.info.add("Stats", lambda: {"migrate_cached_sockets": len(self._links)})

    def take(self, address: Address, user: User) -> TargetLink | None:
        """The link that is kept, if there is one; it is `user`'s from now on, and can be written to."""
        link = self._links.get(address)
        if link is not None:
            link.user = user
        return link

    def dial(self, address: Address, user: User) -> TargetLink:
        """A new link, in place of any that is kept; `user` hears when it is connected. Raises OSError."""
        if not 0 <= address[1] <= _HIGHEST_PORT:
            raise OSError(f"no port {address[1]}")
        if address in self._links:
            self._links[address].close()
        elif len(self._links) >= LINKS_MAX:
            self._engine.random.choice(list(self._links.values())).close()
        link = TargetLink(self, address)
        link.user = user
        link.dial(self._engine)
        self._links[address] = link
        return link

    def give_back(self, link: TargetLink, database: int | None) -> None:
        """Its user needs it no more, and left the target in `database`, if that is known."""
        link.user, link.database, link.last_use = None, database, self._engine.clock.now_ms()

    def forget(self, link: TargetLink) -> None:
        """It is closed."""
        if self._links.get(link.address) is link:
            del self._links[link.address]

    def close(self) -> None:
        """Close all that are idle."""
        for link in list(self._links.values()):
            if link.user is None:
                link.close()

    def _close_idle(self) -> None:
        """Cron."""
        if self._links:
            now = self._engine.clock.now_ms()
            for link in list(self._links.values()):
                if link.user is None and now - link.last_use > IDLE_MS:
                    link.close()
