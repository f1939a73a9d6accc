"""The world outside an engine: time, chance, a log, waiting, and links to others.

Nothing waits in any other way, so an engine runs wherever somebody implements `Host`: on an event loop with sockets
(`server/asyncio_host.py`), in a simulation of many servers under one clock (`testing/simulation.py`), or, as the plain
`Host` here, without any loop: then who holds the engine lets time pass, by `run_due`, as `Engine.cron` does.

A connection has two sides. A `Link` is what carries bytes; a `Peer` is who talks over it: a client's session, and
whatever else speaks a protocol. A link calls its peer from within one of its own methods only to say `congested`.

Times are ms since 1970 unless said, sizes bytes.
"""

import ipaddress
import logging
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from random import Random
from typing import NamedTuple, Protocol

from pyredis.clock import Clock
from pyredis.log_levels import ServerLog

Step = Callable[[], None]

_CANCELLED_KEPT = 64


class Cancellable(Protocol):
    """What was asked for and did not happen yet."""

    def cancel(self) -> None:
        """Let it not happen; nothing, if it did."""


class Timer:
    """A step that runs at `when`, unless it is cancelled."""

    __slots__ = ("_step", "_timers", "when")

    def __init__(self, timers: "Timers", when: int, step: Step) -> None:
        self.when = when
        self._step: Step | None = step
        self._timers = timers

    @property
    def is_pending(self) -> bool:
        """Whether the step is still to come."""
        return self._step is not None

    def cancel(self) -> None:
        """Let it not run."""
        if self._step is not None:
            self._step = None
            self._timers.cancelled()

    def run(self) -> bool:
        """Run the step; False if it was cancelled."""
        step, self._step = self._step, None
        if step is None:
            return False
        step()
        return True


class Timers:
    """Steps in the order of their times, those of one time in the order in which they were asked for."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer]] = []
        self._asked = 0
        self._cancelled = 0  # of those in the heap, about

    def __len__(self) -> int:
        """How many places are taken, those of some cancelled steps among them."""
        return len(self._heap)

    def at(self, when: int, step: Step) -> Timer:
        """Run `step` at `when`."""
        timer = Timer(self, when, step)
        self._asked += 1
        heappush(self._heap, (when, self._asked, timer))
        return timer

    def soon(self, step: Step) -> Timer:
        """Run `step` at the next occasion, before all that has a time."""
        return self.at(0, step)

    @property
    def next_due(self) -> int | None:
        """When the next step runs, if there is one."""
        while self._heap and not self._heap[0][2].is_pending:
            heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0][0] if self._heap else None

    def run_next(self) -> None:
        """Run the step whose turn is next, whatever the time."""
        while self._heap and not heappop(self._heap)[2].run():
            self._cancelled -= 1

    def run_due(self, now: int) -> None:
        """Run what is due at `now`, and was asked for before: what a step asks for waits for the next call.

        An error of a step is raised here; the others remain due.
        """
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heappop(self._heap))
        due.reverse()
        try:
            while due:
                if not due.pop()[2].run():
                    self._cancelled -= 1
        finally:
            for entry in due:
                heappush(self._heap, entry)

    def cancelled(self) -> None:
        """A step was cancelled; when half of them are, their places are given up."""
        self._cancelled += 1
        if self._cancelled > _CANCELLED_KEPT and 2 * self._cancelled > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].is_pending]
            heapify(self._heap)
            self._cancelled = 0


class Link(Protocol):
    """What a peer talks to: one side of a connection. Nothing blocks, and nothing is raised."""

    address: str
    """The other side's, `host:port`; of a Unix socket `path:0`."""
    local_address: str
    fd: int
    """-1 where there is no descriptor."""

    def write(self, data: bytes, /) -> object:
        """Send."""

    def close(self) -> object:
        """Close when everything is sent; the peer hears that it is lost."""

    def abort(self) -> object:
        """Close now."""

    def pause_reading(self) -> object:
        """Let the other side wait."""

    def resume_reading(self) -> object:
        """Go on."""

    def pending(self) -> int:
        """Bytes written that were not taken yet."""

    def congest_at(self, size: int) -> None:
        """From so many pending bytes on the peer is told that it is congested."""

    def keep_alive(self, seconds: int) -> None:
        """Find out if the other side is gone when it was silent for so long; 0: do not."""


class Peer(Protocol):
    """Who talks over a link, and is told what happens to it."""

    def connected(self, link: Link, /) -> None:
        """The link is there. OSError: it is of no use, and aborted."""

    def received(self, data: bytes, /) -> None:
        """Bytes came."""

    def congested(self) -> None:
        """The other side does not keep up."""

    def writable(self) -> None:
        """It has taken most of what was pending."""

    def lost(self, error: Exception | None, /) -> None:
        """The link is gone, or could not be made; the last a peer hears. `error` is None after an orderly end."""


class Tcp(NamedTuple):
    """Where to listen: `hosts` as the parameter `bind` has them, `port` 0 for any that is free."""

    hosts: tuple[str, ...]
    port: int


class Unix(NamedTuple):
    """Where to listen: a path, and the permissions of what will be there; 0: as the umask has it."""

    path: str
    permissions: int


class Listener(Protocol):
    """Somebody may connect. `port` is 0 where there is none."""

    port: int

    def close(self) -> None:
        """Nobody may any more; what was accepted stays."""


class Host:
    """The plain host: no network, and time passes when `run_due` is called. `log` is the log of this server alone."""

    def __init__(self, clock: Clock | None = None, random: Random | None = None) -> None:
        self.clock = clock or Clock()
        self.random = random or Random()
        self.log: logging.Logger = ServerLog()
        self.timers = Timers()

    @property
    def now(self) -> int:
        """The clock's time."""
        return self.clock.now_ms()

    def at(self, when: int, step: Step) -> Timer:
        """Run `step` when the clock says `when`, or soon after."""
        return self.timers.at(when, step)

    def soon(self, step: Step) -> Cancellable:
        """Run `step` when what happens now is over."""
        return self.timers.soon(step)

    def later(self, ms: float, step: Step) -> Cancellable:
        """Run `step` after so many ms of the machine's time, though the clock may stand still: for what polls.

        Here, where time is not known to pass, that is soon.
        """
        return self.soon(step)

    def run_due(self) -> None:
        """Run what is due, where that does not happen by itself."""
        self.timers.run_due(self.now)

    def listen(self, where: Tcp | Unix, accept: Callable[[], Peer], backlog: int) -> Listener:
        """Let others connect: `accept` makes a peer for each. Raises OSError where that is not possible."""
        raise OSError(f"cannot listen at {where} without a network")

    def dial(self, address: tuple[str, int], peer: Peer, source: str | None = None) -> Link:
        """Connect to a host and port; the link may be written to when the peer hears that it is connected.

        From the address `source`, if that is possible (`bind-source-addr`).
        """
        raise OSError(f"cannot connect to {address} without a network")


def is_local(address: str) -> bool:
    """Whether a link's address is of a Unix socket or of this machine's loopback."""
    host, _, port = address.rpartition(":")
    if port == "0":
        return True
    try:
        parsed = ipaddress.ip_address(host.strip("[]").split("%")[0])
    except ValueError:
        return False
    return bool((getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback)
