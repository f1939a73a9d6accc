"""The server around an engine: it listens, loads, runs the engine's cron, and ends. Everything it waits for is the
host's to bring, so the same server runs on sockets and in a simulation.
"""

import logging
from collections.abc import Callable
from functools import partial

from pyredis.cluster.cluster_mode import ClusterMode
from pyredis.config.store import ConfigError
from pyredis.datatypes.dismantling import Dismantler
from pyredis.engine.command_table.command import TABLE
from pyredis.engine.engine import Engine
from pyredis.engine.host import Cancellable, Listener, Tcp, Unix
from pyredis.engine.observability.loop_metrics import LoopMetrics
from pyredis.engine.session import Session
from pyredis.engine.sessions import Sessions
from pyredis.persistence.dataset_loading import Done, Loading, LoadingFailed
from pyredis.replication.farewell import Farewell
from pyredis.server.process import require_room


def tell_of_listening(log: logging.Logger, port: int, failure: OSError) -> None:
    """Why a start failed: it cannot listen on `port`, or on its Unix socket."""
    _tell_of_socket(log, failure)
    if _is_tcp(failure):
        log.warning("Failed listening on port %d (tcp), aborting.", port)


def _tell_of_socket(log: logging.Logger, failure: OSError) -> None:
    if _is_tcp(failure):
        text = "Warning: Could not create server TCP listening socket %s: bind: %s"
        log.warning(text, failure.filename, failure.strerror)
    else:
        log.warning("Failed opening Unix socket: bind: %s", failure.strerror)


def _is_tcp(failure: OSError) -> bool:
    return ":" in str(failure.filename)


class Server:
    """`port` is the TCP port listened on, 0 for none.

    `any_port` listens on a port the system finds free instead of the configured one. `on_end` is called once, with the
    exit code, when nobody is served any more.
    """

    def __init__(
        self, engine: Engine, *, any_port: bool = False, on_end: Callable[[int], None] = lambda code: None
    ) -> None:
        self.engine = engine
        self.unix_path: str = engine.config["unixsocket"] or ""
        self._host = engine.host
        self._sessions = engine[Sessions]
        self._metrics = engine[LoopMetrics]
        self._any_port = any_port
        self._on_end = on_end
        self._listener: Listener | None = None
        self._unix_listener: Listener | None = None
        self._dismantler: Dismantler | None = None
        self._timer: Cancellable | None = None
        config = engine.config
        config.on_change("port", lambda _: self._rebind("Unable to listen on this port. Check server logs."))
        config.on_change("bind", lambda _: self._rebind("Failed to bind to specified addresses."))
        config.on_change("maxclients", partial(require_room, log=engine.log))
        engine.on_shutdown = self.shut_down

    @property
    def port(self) -> int:
        """The TCP port listened on, 0 for none."""
        return self._listener.port if self._listener is not None else 0

    @property
    def asked_to_end(self) -> bool:
        """Whether it has ended, or soon will."""
        return self._sessions.closed or self.engine[Farewell].is_near

    # Starting and stopping

    def start(self) -> None:
        """Listen where the configuration says. Raises OSError where that cannot be, CannotJoin as a cluster's node."""
        config = self.engine.config
        if config["port"] or self._any_port:
            self._listener = self._listen(Tcp(config["bind"], 0 if self._any_port else config["port"]))
        if self._any_port:
            config.replace("port", self.port)
        if self.unix_path:
            self._unix_listener = self._listen(Unix(self.unix_path, config["unixsocketperm"]))
        self.engine[ClusterMode].start(any_port=self._any_port)
        self._dismantler = Dismantler(self._host.soon, self.engine.clock.ticks_ns)
        self._cron()

    def load(self, done: Done) -> None:
        """Begin to load the dataset; clients are told so, and `done` hears how it went."""
        loading = self.engine[Loading]

        def loaded(failure: LoadingFailed | None) -> None:
            if failure is None:
                self.engine[ClusterMode].check_data()
            done(failure)
            self._import_rest()

        loading.begin(loading.at_start(), loaded)

    def _import_rest(self) -> None:
        """Import a command family at a time, between reads, until all are there: then nobody waits for one."""
        if not (TABLE.is_complete or self.asked_to_end):
            TABLE.import_next()
            self._host.soon(self._import_rest)

    def shut_down(self, *, save: bool | None = None, now: bool = False, force: bool = False) -> bool | None:
        """End; False when the data could not be saved, unless `force`; None: later, when replicas have everything.

        `save`: whether to save; None where there are save points. `now` does not wait for replicas. What is saved is
        all that anybody is told was done: from here on nobody is served.
        """
        farewell = self.engine[Farewell]
        if farewell.waits:
            return None  # for what was asked first, whatever is asked now
        self.engine.log.info("User requested shutdown...")
        end = partial(self._end_saved, save, force)
        if not now and farewell.begin(end):
            return None
        farewell.tell()
        return end()

    def _end_saved(self, save: bool | None, force: bool) -> bool:
        if self._sessions.closed:
            return True
        if not all(check(save, force) for check in self.engine.exit_checks):
            text = "Errors trying to shut down the server. Check the logs for more information."
            self.engine.log.warning(text)
            return False
        self.end(0)
        return True

    def end(self, code: int) -> None:
        """Serve nobody any more: who sees his connection end can make no other. Soon the server stops."""
        self._close_listeners()
        self._sessions.close()
        self._host.soon(partial(self._stop, code))

    def _stop(self, code: int) -> None:
        """Close what is open."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        for step in self.engine.on_stop:
            step()
        if self._dismantler is not None:
            self._dismantler.end()
        self._on_end(code)

    # Inside

    def _listen(self, where: Tcp | Unix) -> Listener:
        return self._host.listen(where, partial(Session, self._sessions), self.engine.config["tcp-backlog"])

    def _rebind(self, failure: str) -> None:
        """CONFIG SET port or bind. On another port the new sockets must bind before the old ones close.

        Raises ConfigError(`failure`); putting the old values back binds the old sockets again.
        """
        config = self.engine.config
        if config["port"] == self.port:
            self._close_listener()
        try:
            listener = self._listen(Tcp(config["bind"], config["port"])) if config["port"] else None
        except OSError as error:
            _tell_of_socket(self.engine.log, error)
            raise ConfigError(failure) from None
        self._close_listener()
        self._listener = listener

    def _close_listeners(self) -> None:
        """No more clients; a Unix socket's file goes too."""
        for listener in (self._listener, self._unix_listener):
            if listener is not None:
                listener.close()

    def _close_listener(self) -> None:
        """No more clients over TCP."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _cron(self) -> None:
        self._timer = self._host.later(1000 / self.engine.hz, self._cron)
        started = self.engine.clock.ticks_ns()
        try:
            self.engine.cron()
        except Exception:
            self.engine.log.exception("Error in cron")
        self._metrics.cron_passed(self.engine.clock.ticks_ns() - started)
