"""The server around an engine: it listens, welcomes and parts with clients, and runs the engine's cron.

One event loop, one thread. Everything that waits is here; everything that decides is in the engine.
"""

import asyncio
import contextlib
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from pyredis.config.store import ConfigError
from pyredis.datatypes.dismantling import Dismantler
from pyredis.engine.acl.accounts import Acl
from pyredis.engine.client import GONE, Client
from pyredis.engine.engine import Engine
from pyredis.engine.execution import gates
from pyredis.engine.memory.client_memory import ClientMemory
from pyredis.engine.observability.loop_metrics import LoopMetrics
from pyredis.persistence.dataset_loading import Loading, LoadingFailed
from pyredis.server.connection import Connection
from pyredis.server.limits import drop_idle
from pyredis.server.listener import keep_alive, tcp_sockets, unix_socket
from pyredis.server.process import require_room

log = logging.getLogger("pyredis")

PROTECTED = (
    b"-DENIED Redis is running in protected mode: it has no password and only accepts connections from the "
    b"loopback interface. To connect from elsewhere set a password with `requirepass`, or turn `protected-mode` off, "
    b"by CONFIG SET from the loopback interface or in the configuration file.\r\n"
)
TOO_MANY = b"-ERR max number of clients reached\r\n"


class Server:
    """`port` is the TCP port listened on, 0 for none; sizes in bytes.

    `any_port` listens on a port the system finds free instead of the configured one.
    """

    def __init__(self, engine: Engine, *, any_port: bool = False) -> None:
        self.engine = engine
        self._any_port = any_port
        self.port = 0
        self.unix_path: str = engine.config["unixsocket"] or ""
        self.stopping = asyncio.Event()
        self.exit_code = 0
        self._memory = engine[ClientMemory]
        self._unflushed: list[Client] = []
        self._waiting: list[Connection] = []  # for their next turn
        self.ends = False  # nobody is served any more
        self._when_idle: Callable[[], None] | None = None  # what is to be done when a script is done
        self._metrics = engine[LoopMetrics]
        self._sockets: list[socket.socket] = []  # of TCP, bound; listened on as soon as the loop comes to it
        self._listeners: list[asyncio.Server] = []  # of TCP
        self._unix_listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        config = engine.config
        for name in ("proto-max-bulk-len", "client-query-buffer-limit", "client-output-buffer-limit"):
            config.on_change(name, self._limits_changed)
        self._limits_changed()
        config.on_change("port", lambda _: self._rebind("Unable to listen on this port. Check server logs."))
        config.on_change("bind", lambda _: self._rebind("Failed to bind to specified addresses."))
        config.on_change("maxclients", require_room)
        engine.on_shutdown = self.shut_down
        engine.call_at = self._call_at
        engine.call_soon = self._call_soon

    # Starting and stopping

    async def start(self) -> None:
        """Listen where the configuration says. Raises OSError when that is not possible."""
        config = self.engine.config
        self._loop = asyncio.get_running_loop()
        if config["port"] or self._any_port:
            self._sockets = self._bind(config["bind"], 0 if self._any_port else config["port"])
            await self._listen(self._sockets)
        if self._any_port:
            config.replace("port", self.port)
        if self.unix_path:
            backlog = config["tcp-backlog"]
            sock = unix_socket(self.unix_path, config["unixsocketperm"], backlog)
            self._unix_listener = await self._loop.create_unix_server(
                lambda: Connection(self), sock=sock, backlog=backlog
            )
        self._dismantler = Dismantler(self._loop.call_soon, self.engine.clock.ticks_ns)
        self._cron()

    def load(self) -> "asyncio.Future[None]":
        """Begin to load the dataset; clients are told so. Raises LoadingFailed when that is not possible."""
        loaded: asyncio.Future[None] = self._loop.create_future()
        loading = self.engine[Loading]

        def done(failure: LoadingFailed | None) -> None:
            if loaded.cancelled():
                return
            if failure is None:
                loaded.set_result(None)
            else:
                loaded.set_exception(failure)

        loading.begin(loading.at_start(), done)
        return loaded

    async def run(self) -> int:
        """Serve until told to stop; the exit code."""
        await self.stopping.wait()
        await self.stop()
        return self.exit_code

    async def stop(self) -> None:
        """Close listeners and clients; the Unix socket's file goes too."""
        self._timer.cancel()
        for step in self.engine.on_stop:
            step()
        self._dismantler.end()
        self._close_listeners()
        if self._unix_listener is not None:
            self._unix_listener.close()
        for client in list(self.engine.clients.values()):
            client.close()
        await asyncio.sleep(0)
        if self.unix_path:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.unix_path)  # noqa: PTH108

    def shut_down(self, *, save: bool | None = None, now: bool = False, force: bool = False) -> bool:
        """Leave the loop; False when the data could not be saved, unless `force`.

        `save`: whether to save; None where there are save points. `now` does not wait for replicas. What is saved is
        all that anybody is told was done: from here on nobody is served.
        """
        if not self.ends:
            if not all(check(save, force) for check in self.engine.exit_checks):
                return False
            self.ends = True
            for client in list(self.engine.clients.values()):
                client.close()
            self._loop.call_soon(self.stopping.set)
        return True

    def end_when_idle(self, shut_down: Callable[[], None]) -> None:
        """Call `shut_down`, but not before a script that overruns is done."""
        self._when_idle = shut_down
        self._end_if_asked()

    @property
    def asked_to_end(self) -> bool:
        """Whether it is to end, now or when a script is done."""
        return self.ends or self._when_idle is not None

    def _end_if_asked(self) -> None:
        if self._when_idle is not None and not self.engine.gates & gates.BUSY:
            shut_down, self._when_idle = self._when_idle, None
            shut_down()

    # Clients

    def refusal(self, sock: socket.socket) -> bytes | None:
        """Why this peer may not come in, as its only reply."""
        engine = self.engine
        if self.ends:
            return b""
        if len(engine.clients) >= engine.config["maxclients"]:
            engine.stats.rejected_connections += 1
            return TOO_MANY
        if engine.config["protected-mode"] and engine[Acl].default.nopass and not _is_local(sock):
            engine.stats.rejected_connections += 1
            return PROTECTED
        return None

    def welcome(self, connection: Connection, sock: socket.socket) -> Client:
        """A new client for a connection."""
        engine = self.engine
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            keep_alive(sock, engine.config["tcp-keepalive"])
        engine.tick()
        client = engine.connect(connection)
        engine[Acl].start_over(client)
        return client

    def farewell(self, client: Client) -> None:
        """Its connection is gone."""
        client.sink = GONE
        self.engine.disconnect(client)

    def flush_soon(self, client: Client) -> None:
        """Write a client's replies when the loop has run everything that was ready to be read.

        As Redis does before it sleeps: a write wakes the peer, and waking costs more than the reply. All peers woken in
        one go cost a third less CPU time a command at pipeline 16 than each after its own read.
        """
        self._unflushed.append(client)
        if len(self._unflushed) == 1:
            self._loop.call_soon(self._flush)

    def next_turn(self, connection: Connection) -> None:
        """Let a client go on when everything that was ready to be read was run and answered."""
        self._waiting.append(connection)
        if len(self._waiting) == 1:
            self._loop.call_soon(self._begin_turns)

    def _begin_turns(self) -> None:
        if self._unflushed:
            self._flush()
        connections, self._waiting = self._waiting, []
        for connection in connections:
            connection.begin_turn()

    def _flush(self) -> None:
        started = self.engine.clock.ticks_ns()
        clients, self._unflushed = self._unflushed, []
        for client in clients:
            client.flush()
        if self._memory.follows:
            self._memory.served(clients)
        self._metrics.passed(self.engine.clock.ticks_ns() - started)

    # Inside

    def _limits_changed(self, _: Any = None) -> None:
        config = self.engine.config
        self.bulk_max: int = config["proto-max-bulk-len"]
        self.query_buffer_max: int = config["client-query-buffer-limit"]
        limits = config["client-output-buffer-limit"]
        self.output_limits = dict(zip(("normal", "replica", "pubsub"), limits, strict=True))
        bounds = [size for hard, soft, _ in limits for size in (hard, soft) if size]
        self.smallest_output_limit = min(bounds, default=sys.maxsize) - 1
        for client in self.engine.clients.values():
            if isinstance(client.sink, Connection):
                client.sink.adopt_limits()

    def _bind(self, hosts: tuple[str, ...], port: int) -> list[socket.socket]:
        sockets = tcp_sockets(hosts, port, self.engine.config["tcp-backlog"])
        self.port = sockets[0].getsockname()[1] if sockets else 0
        return sockets

    async def _listen(self, sockets: list[socket.socket]) -> None:
        for sock in sockets:
            if sockets is not self._sockets:
                break  # bound anew before the loop came to it
            backlog = self.engine.config["tcp-backlog"]  # asyncio listens again, with a default of its own
            listener = await self._loop.create_server(lambda: Connection(self), sock=sock, backlog=backlog)
            if sockets is self._sockets:
                self._listeners.append(listener)
            else:
                listener.close()

    def _rebind(self, failure: str) -> None:
        """CONFIG SET port or bind. On another port the new sockets must bind before the old ones close.

        Raises ConfigError(`failure`); putting the old values back binds the old sockets again.
        """
        config = self.engine.config
        if config["port"] == self.port:
            self._close_listeners()
        try:
            sockets = self._bind(config["bind"] if config["port"] else (), config["port"])
        except OSError as error:
            log.warning("Failed listening on port %s (tcp): %s", config["port"], error)
            raise ConfigError(failure) from None
        self._close_listeners()
        self._sockets = sockets
        task = self._loop.create_task(self._listen(sockets))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close_listeners(self) -> None:
        """No more clients over TCP."""
        for listener in self._listeners:
            listener.close()
        for sock in self._sockets:
            sock.close()
        self._listeners, self._sockets = [], []

    def _call_at(self, when: int, step: Callable[[], None]) -> None:
        """The engine's timer: ticks, then runs `step`, no earlier than `when` (ms since 1970)."""

        def run() -> None:
            self.engine.tick()
            step()

        self._loop.call_later(max(when - self.engine.clock.now_ms(), 0) / 1000 + 0.0005, run)

    def _call_soon(self, step: Callable[[], None]) -> None:
        """Run `step` when what could be read now is run."""
        self._loop.call_soon(step)

    def _cron(self) -> None:
        self._timer = self._loop.call_later(1 / self.engine.hz, self._cron)
        started = self.engine.clock.ticks_ns()
        try:
            self.engine.cron()
            drop_idle(self)
            self._check_outputs()
        except Exception:
            log.exception("Error in cron")
        self._end_if_asked()
        self._metrics.cron_passed(self.engine.clock.ticks_ns() - started)

    def _check_outputs(self) -> None:
        """A soft limit may be overstayed while nothing more is written."""
        for client in list(self.engine.clients.values()):
            sink = client.sink
            if isinstance(sink, Connection) and sink.soft_limit_since is not None:
                sink.check_output()


def _is_local(sock: socket.socket) -> bool:
    """Whether the peer is on this machine's loopback or a Unix socket."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return True
    address = ipaddress.ip_address(sock.getpeername()[0].split("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
