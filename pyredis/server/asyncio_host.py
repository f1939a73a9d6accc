"""The host that is an event loop of asyncio, with the machine's sockets.

Timers stand in one heap, ordered by the clock of the engine; the loop is asked for one call only, for the next of them.
Where that clock stands still, they run when who moves it says so (`run_due`).
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine
from functools import cached_property
from random import Random
from typing import Any

from pyredis.clock import Clock
from pyredis.engine.host import Cancellable, Host, Link, Peer, Step, Tcp, Timer, Unix
from pyredis.server.listener import remove_path, tcp_sockets, unix_socket
from pyredis.server.transport import SocketLink

_DAY_MS = 86_400_000
_ROUNDING_S = 0.0005
"""A timer may come late, but not early."""


class AsyncioHost(Host):
    """To be used on the thread of one loop, the one that runs when it is first needed."""

    def __init__(self, clock: Clock | None = None, random: Random | None = None) -> None:
        super().__init__(clock, random)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop."""
        return asyncio.get_running_loop()

    def at(self, when: int, step: Step) -> Timer:
        """Run `step` when the clock says `when`, or soon after."""
        timer = self.timers.at(when, step)
        if self._alarm is None or when < self._alarm_at:
            self._set_alarm()
        return timer

    def soon(self, step: Step) -> Cancellable:
        """Run `step` in the loop's next pass, when everything that could be read was run."""
        return self.loop.call_soon(step)

    def later(self, ms: float, step: Step) -> Cancellable:
        """Run `step` after so many ms, though the clock may stand still."""
        return self.loop.call_later(ms / 1000, step)

    def run_due(self) -> None:
        """Run what is due: for who moves the clock."""
        try:
            super().run_due()
        finally:
            self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due = self.timers.next_due
        if due is None:
            return
        ms = max(due - self.now, 0)
        if ms and self.clock.stands_still:
            return
        self._alarm_at = due
        self._alarm = self.loop.call_later(min(ms, _DAY_MS) / 1000 + _ROUNDING_S, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        try:
            self.run_due()
        except Exception:
            self.log.exception("Error in a timer")

    # The network

    def listen(self, where: Tcp | Unix, accept: Callable[[], Peer], backlog: int) -> "AsyncioListener":
        """Let others connect, from now on. Raises OSError where that is not possible."""
        return AsyncioListener(self, where, accept, backlog)

    def dial(self, address: tuple[str, int], peer: Peer, source: str | None = None) -> Link:
        """Connect to a host and port; the link may be written to when the peer hears that it is connected."""
        link = SocketLink(peer)

        def done(task: asyncio.Task[Any]) -> None:
            if task.cancelled():
                link.connection_lost(None)
            elif (failure := task.exception()) is not None:
                link.connection_lost(failure if isinstance(failure, Exception) else None)

        def give_up() -> None:
            link.abandon()
            task.cancel()

        task = self.start(self._connect(link, address, source))
        link.close = link.abort = give_up
        task.add_done_callback(done)
        return link

    async def _connect(self, link: SocketLink, address: tuple[str, int], source: str | None) -> None:
        """From `source` or, where that fails, from any address, like Redis."""
        if source:
            with contextlib.suppress(OSError):
                await self.loop.create_connection(lambda: link, *address, local_addr=(source, 0))
                return
        await self.loop.create_connection(lambda: link, *address)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin what only asyncio can do; nothing waits for it."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def on_signal(self, number: int, step: Step) -> bool:
        """Run `step` when the process gets a signal; whether Python's own handler for it is still free."""
        try:
            self.loop.add_signal_handler(number, step)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: self.loop.call_soon_threadsafe(step))
            return False
        return True


class AsyncioListener:
    """Sockets that are bound at once, and served as soon as the loop comes to it; meanwhile those who connect wait."""

    def __init__(self, host: AsyncioHost, where: Tcp | Unix, accept: Callable[[], Peer], backlog: int) -> None:
        self._path = ""
        self._log = host.log
        self._accept = accept
        self._backlog = backlog
        if isinstance(where, Unix):
            self._sockets = [unix_socket(where.path, where.permissions, backlog)]
            self._path = where.path
        else:
            self._sockets = tcp_sockets(where.hosts, where.port, backlog)
        self.port: int = self._sockets[0].getsockname()[1] if self._sockets and not self._path else 0
        self._servers: list[asyncio.Server] = []
        self._closed = False
        host.start(self._serve(host.loop, self._sockets))

    async def _serve(self, loop: asyncio.AbstractEventLoop, sockets: list[socket.socket]) -> None:
        make = loop.create_unix_server if self._path else loop.create_server
        for sock in sockets:
            if self._closed:
                break
            # The backlog again: asyncio listens anew, with a default of its own.
            server = await make(lambda: SocketLink(self._accept()), sock=sock, backlog=self._backlog)
            if self._closed:
                server.close()
            else:
                self._servers.append(server)

    def close(self) -> None:
        """Nobody may connect any more."""
        self._closed = True
        for server in self._servers:
            server.close()
        for sock in self._sockets:
            sock.close()
        if self._path:
            self._log.info("Removing the unix socket file.")
            remove_path(self._path)
