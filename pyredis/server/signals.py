"""SIGTERM and SIGINT shut down in order, when cron comes to it; a second SIGINT ends the process at once.

So a script that runs is done by then, and SHUTDOWN ABORT comes in time behind DEBUG PAUSE-CRON. The second is heard by
Python itself, between two of its instructions, for the loop hears nothing while it saves the last snapshot.
"""

import contextlib
import os
import signal
from functools import partial

from pyredis.persistence.saving import Saving
from pyredis.replication.farewell import Farewell
from pyredis.server.asyncio_host import AsyncioHost
from pyredis.server.logs import FROM_SIGNAL
from pyredis.server.process import exit_at_once
from pyredis.server.server import Server


def handle_signals(host: AsyncioHost, server: Server) -> None:
    """Let signals end the server; SIGHUP is ignored."""
    is_free = host.on_signal(signal.SIGTERM, lambda: stop("SIGTERM", "shutdown-on-sigterm"))
    host.on_signal(signal.SIGINT, lambda: stop("SIGINT", "shutdown-on-sigint"))
    stop = partial(_stop, server, is_free)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _stop(server: Server, is_free: bool, name: str, parameter: str) -> None:
    log = server.engine.log
    if name == "SIGINT":
        _insist(server)
    if is_free:
        signal.signal(signal.SIGINT, lambda *_: _insist(server))
    log.warning("Received %s scheduling shutdown...", name, extra=FROM_SIGNAL)
    asked = server.engine.config[parameter]
    save = True if "save" in asked else False if "nosave" in asked else None

    def shut_down() -> None:
        if server.shut_down(save=save, now="now" in asked, force="force" in asked) is False:
            text = "%s received but errors trying to shut down the server, check the logs for more information"
            log.warning(text, name)

    server.engine[Farewell].schedule(shut_down)


def _insist(server: Server) -> None:
    """End the process now, if it was asked to before; the snapshot that it writes goes."""
    if server.asked_to_end:
        server.engine.log.warning("You insist... exiting now.", extra=FROM_SIGNAL)
        with contextlib.suppress(OSError):
            server.engine[Saving].temporary(os.getpid()).unlink()
        exit_at_once()
