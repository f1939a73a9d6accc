"""Many servers on one virtual clock, in one process: no socket, no loop, no thread, and nothing left to chance.

    simulation = Simulation(seed=7)
    a, b = simulation.server("a"), simulation.server("b")
    caller = Caller(simulation.host("client"), ("a", 6379))
    caller.send("SET", "k", "v")
    assert simulation.run_until(lambda: caller.said == b"+OK\\r\\n", 1000)

Everything that happens is an event in one heap, in the order of its time, then of its asking; what is random comes from
the seed. So the same seed gives the same events, to the byte (`trace`). While an event runs, no time passes: what takes
long on a real machine takes nothing here, and a script without an end has none.

A connection is like TCP. What is sent arrives later, in order. A path that is cut holds what would arrive until it is
healed, since a sender would repeat it; that goes for connecting and closing, too. So nobody learns that a path is cut
but by waiting; who is to give up sets a timer. Who closes hears at once that his side is gone, the other when
that arrives. Only what is told to (`reorder`, `tamper`) goes beyond TCP, for protocols that are to bear it.

Times are ms, those of the clock since 1970.
"""

import errno
import os
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from itertools import takewhile
from random import Random
from typing import NamedTuple

from hiredis import pack_command

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config
from pyredis.engine.host import Host, Link, Peer, Step, Tcp, Timer, Timers, Unix
from pyredis.persistence.background import Background
from pyredis.persistence.disk import Disk, Syncing
from pyredis.server.server import Server

PORT = 6379


class Mark(Enum):
    """What a connection carries beside bytes."""

    DIAL = "dial"
    ACCEPT = "accept"
    REFUSE = "refuse"
    CLOSE = "close"
    RESET = "reset"


class Event(NamedTuple):
    """A line of the trace: what arrived when, and on which way."""

    at: int
    source: str
    target: str
    what: bytes | Mark


class Path:
    """The way from one host to another. `tamper` gives what arrives in place of what was sent; nothing: it is lost."""

    def __init__(self) -> None:
        self.delay = 1
        self.jitter = 0
        self.is_cut = False
        self.reorders = False
        self.tamper: Callable[[bytes], bytes] | None = None
        self.held: list[SimulatedLink] = []  # whose next arrival was held up, as often as it was


class SimulatedLink:
    """One end of a connection; `other` is the other end."""

    other: "SimulatedLink"

    def __init__(self, host: "SimulatedHost", peer: Peer | None, local: str, remote: str) -> None:
        self.local_address, self.address, self.fd = local, remote, -1
        self._host = host
        self._simulation = host.simulation
        self._peer = peer
        self._outbox: deque[bytes | Mark] = deque()  # what has not arrived
        self._inbox: deque[bytes | Mark] = deque()  # what has, and was not read
        self._is_paused = self._is_congested = self._is_closed = False
        self._pending = 0
        self._high = 1 << 62

    # A Link

    def write(self, data: bytes) -> None:
        """Send."""
        if self._is_closed or not data:
            return
        self._pending += len(data)
        self._send(bytes(data))
        if self._pending > self._high and not self._is_congested and self._peer is not None:
            self._is_congested = True
            self._peer.congested()

    def close(self) -> None:
        """Close when everything is sent."""
        self._end(Mark.CLOSE)

    def abort(self) -> None:
        """Close now; what the other side did not read yet is lost."""
        self._end(Mark.RESET)

    def pause_reading(self) -> None:
        """Keep what comes."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Go on, soon."""
        if self._is_paused:
            self._is_paused = False
            self._host.soon(self._read)

    def pending(self) -> int:
        """Bytes on their way, and those the other side did not read."""
        return self._pending

    def congest_at(self, size: int) -> None:
        """From so many pending bytes on the peer is told that it is congested."""
        self._high = size

    def keep_alive(self, seconds: int) -> None:
        """Nobody goes in silence here."""

    # The way out

    def dial(self) -> None:
        """Ask the other side to accept."""
        self._send(Mark.DIAL)

    def set_out(self) -> None:
        """Let what is first in the outbox arrive after the path's delay."""
        path = self._path
        delay = path.delay + (self._simulation.random.randint(0, path.jitter) if path.jitter else 0)
        self._host.at(self._host.now + delay, self._arrive)

    def _send(self, what: bytes | Mark) -> None:
        self._outbox.append(what)
        self.set_out()

    def _end(self, how: Mark) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._send(how)
            self._host.soon(partial(self._lose, None))

    @property
    def _path(self) -> Path:
        return self._simulation.path(self._host.name, self.other._host.name)

    def _arrive(self) -> None:
        path, simulation = self._path, self._simulation
        if path.is_cut:
            path.held.append(self)
            return
        place = 0
        if path.reorders:  # bytes alone overtake one another
            ahead = sum(1 for _ in takewhile(lambda one: isinstance(one, bytes), self._outbox))
            place = simulation.random.randrange(ahead) if ahead else 0
        what = self._outbox[place]
        del self._outbox[place]
        if isinstance(what, bytes) and path.tamper is not None:
            sent, what = what, path.tamper(what)
            self._taken(len(sent) - len(what))
        if simulation.trace is not None:
            simulation.trace.append(Event(self._host.now, self._host.name, self.other._host.name, what))
        if what:
            self.other._take(what)

    def _taken(self, size: int) -> None:
        """The other side has read so many bytes."""
        self._pending -= size
        if self._is_congested and self._pending <= self._high // 4 and self._peer is not None:
            self._is_congested = False
            self._peer.writable()

    # The way in

    def _take(self, what: bytes | Mark) -> None:
        self._inbox.append(what)
        if what is Mark.RESET:
            self._lose(ConnectionResetError())
        elif not self._is_paused or self._is_closed:
            self._read()

    def _read(self) -> None:
        while self._inbox and (self._is_closed or not self._is_paused):
            what = self._inbox.popleft()
            if isinstance(what, bytes):
                self.other._taken(len(what))
            if not self._is_closed:
                self._hear(what)

    def _hear(self, what: bytes | Mark) -> None:
        if what is Mark.DIAL:
            self._accept()
        elif what is Mark.REFUSE:
            self._lose(ConnectionRefusedError())
        elif what is Mark.CLOSE:
            self._lose(None)
        elif self._peer is not None:
            if isinstance(what, bytes):
                self._peer.received(what)
            else:
                self._greet(self._peer)

    def _accept(self) -> None:
        accept = self._simulation.listening.get(self.local_address)
        if accept is None:
            self._send(Mark.REFUSE)
            return
        self._peer = accept()
        self._send(Mark.ACCEPT)
        self._greet(self._peer)

    def _greet(self, peer: Peer) -> None:
        try:
            peer.connected(self)
        except OSError:
            self.abort()

    def _lose(self, error: Exception | None) -> None:
        """The connection is gone, on this side."""
        self._is_closed = True
        peer, self._peer = self._peer, None
        self._read()
        if peer is not None:
            peer.lost(error)


class SimulatedListener:
    """Somebody may connect."""

    def __init__(self, simulation: "Simulation", places: list[str], port: int) -> None:
        self._simulation, self._places = simulation, places
        self.port = port

    def close(self) -> None:
        """Nobody may any more."""
        for place in self._places:
            self._simulation.listening.pop(place, None)
        self._places = []


class SimulatedHost(Host):
    """A machine of a simulation; its name is its address. What hosts choose at random does not depend on others."""

    def __init__(self, simulation: "Simulation", name: str, seed: int) -> None:
        super().__init__(simulation.clock, Random(f"{seed} {name}"))
        self.timers = simulation.timers
        self.simulation = simulation
        self.name = name
        self._next_port = 40_000

    def soon(self, step: Step) -> Timer:
        """Run `step` behind all that is due now."""
        return self.at(self.now, step)

    def later(self, ms: float, step: Step) -> Timer:
        """Run `step` after so many ms."""
        return self.at(self.now + max(round(ms), 1), step)

    def run_due(self) -> None:
        """Nothing: the simulation runs all hosts in one order."""

    def listen(self, where: Tcp | Unix, accept: Callable[[], Peer], backlog: int) -> SimulatedListener:
        """Let others connect, whatever addresses are given. Raises OSError where somebody listens already."""
        if isinstance(where, Tcp) and not where.hosts:
            return SimulatedListener(self.simulation, [], 0)
        port = 0 if isinstance(where, Unix) else where.port or self._free_port()
        place = f"{self.name}:{where.path if isinstance(where, Unix) else port}"
        if place in self.simulation.listening:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self.simulation.listening[place] = accept
        return SimulatedListener(self.simulation, [place], port)

    def dial(self, address: tuple[str, int], peer: Peer, source: str | None = None) -> Link:
        """Connect to another host's port; the link may be written to when the peer hears that it is connected."""
        name, port = address
        here, there = f"{self.name}:{self._free_port()}", f"{name}:{port}"
        mine = SimulatedLink(self, peer, here, there)
        mine.other = SimulatedLink(self.simulation.host(name), None, there, here)
        mine.other.other = mine
        mine.dial()
        return mine

    def _free_port(self) -> int:
        self._next_port += 1
        return self._next_port


class PromptDisk(Disk):
    """The machine's disk, without a thread: how long that took would be left to chance."""

    def sync_later(self, file: int, *, close: bool = False) -> Syncing:
        """Now."""
        syncing = Syncing()
        self._sync_there(syncing, file, close)
        return syncing


class Simulation:
    """`trace`: all that arrived, if `tracing`."""

    def __init__(self, seed: int, *, tracing: bool = False) -> None:
        self.clock = ManualClock()
        self.timers = Timers()
        self.random = Random(seed)
        self.trace: list[Event] | None = [] if tracing else None
        self.listening: dict[str, Callable[[], Peer]] = {}
        self._seed = seed
        self._hosts: dict[str, SimulatedHost] = {}
        self._paths: dict[tuple[str, str], Path] = {}

    def host(self, name: str) -> SimulatedHost:
        """The host of this name."""
        if name not in self._hosts:
            self._hosts[name] = SimulatedHost(self, name, self._seed)
        return self._hosts[name]

    def server(self, name: str, config: Mapping[str, str] | None = None) -> Server:
        """A server that runs on the host of this name; it reads and writes files only where it is configured to."""
        given = {"save": "", "protected-mode": "no", "port": str(PORT), **(config or {})}
        parameters = Config()
        parameters.load_lines("\n".join(f"{key} {value or chr(34) * 2}" for key, value in given.items()), None)
        engine = build_engine(parameters, host=self.host(name), disk=PromptDisk())
        engine[Background].forks_allowed = False  # one process has all servers
        server = Server(engine)
        server.start()
        return server

    # Paths

    def path(self, source: str, target: str) -> Path:
        """The way from one host to another."""
        return self._paths.setdefault((source, target), Path())

    def delay(self, one: str, other: str, ms: int, jitter: int = 0) -> None:
        """What is sent takes `ms`, and up to `jitter` more."""
        for path in self._between(one, other):
            path.delay, path.jitter = ms, jitter

    def cut(self, one: str, other: str, *, one_way: bool = False) -> None:
        """Nothing arrives any more, or with `one_way` nothing from `one` at `other`."""
        for path in self._between(one, other)[: 1 if one_way else 2]:
            path.is_cut = True

    def heal(self, one: str, other: str) -> None:
        """What was held arrives, and all that is sent."""
        for path in self._between(one, other):
            path.is_cut = False
            held, path.held = path.held, []
            for link in held:
                link.set_out()

    def reorder(self, one: str, other: str, on: bool = True) -> None:
        """What was written at one time may overtake what was written at another."""
        for path in self._between(one, other):
            path.reorders = on

    def tamper(self, source: str, target: str, hook: Callable[[bytes], bytes] | None) -> None:
        """What arrives from `source` is what `hook` makes of it; b"" is a loss."""
        self.path(source, target).tamper = hook

    def _between(self, one: str, other: str) -> tuple[Path, Path]:
        return self.path(one, other), self.path(other, one)

    # Time

    def run_for(self, ms: int) -> None:
        """Let time pass."""
        self.run_until(lambda: False, ms)

    def run_until(self, condition: Callable[[], bool], ms: int) -> bool:
        """Let time pass until a condition holds, `ms` at most; whether it holds."""
        end = self.clock.now_ms() + ms
        while not (holds := condition()) and (due := self.timers.next_due) is not None and due <= end:
            self._move_to(due)
            self.timers.run_next()
        if not holds:
            self._move_to(end)
        return holds

    def _move_to(self, when: int) -> None:
        if when > self.clock.now_ms():
            self.clock.set(when)


class Caller:
    """A `Peer` that sends commands and keeps what it is told: `said`, until the connection is `gone`."""

    def __init__(self, host: Host, address: tuple[str, int]) -> None:
        self.said = b""
        self.gone = False
        self._unsent: list[bytes] | None = []  # until there is a connection
        self.link = host.dial(address, self)

    def send(self, *words: str | bytes | int) -> None:
        """Send a command; nobody waits for its reply."""
        data: bytes = pack_command(words)  # type: ignore[arg-type]  # the stub means any number of words
        if self._unsent is None:
            self.link.write(data)
        else:
            self._unsent.append(data)

    def connected(self, link: Link) -> None:
        """As a Peer."""
        unsent, self._unsent = self._unsent, None
        link.write(b"".join(unsent or ()))

    def received(self, data: bytes) -> None:
        """As a Peer."""
        self.said += data

    def congested(self) -> None:
        """As a Peer."""

    def writable(self) -> None:
        """As a Peer."""

    def lost(self, error: Exception | None) -> None:
        """As a Peer."""
        self.gone = True
