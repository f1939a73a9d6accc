"""`pyredis-server`: the command line of `redis-server`."""

import asyncio
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyredis import REDIS_VERSION, __version__
from pyredis.config import absent
from pyredis.config.commandline import Action, Options, parse
from pyredis.config.store import Config, ConfigError, fatal

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine
    from pyredis.persistence.dataset_loading import LoadingFailed
    from pyredis.server.asyncio_host import AsyncioHost
    from pyredis.server.server import Server

USAGE = """\
Usage: pyredis-server [/path/to/redis.conf] [options] [-]
       pyredis-server - (read config from stdin)
       pyredis-server -v or --version
       pyredis-server -h or --help

Examples:
       pyredis-server (run with the default configuration)
       pyredis-server --port 7777
       pyredis-server /etc/myredis.conf --loglevel verbose
       pyredis-server --restore /backups/dump-20260101T000000.000Z.rdb (begin with a backup's data)
       echo 'maxmemory 128mb' | pyredis-server -
"""


def main(argv: list[str] | None = None) -> int:
    """Run the server; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    if options.action is Action.VERSION:
        print(f"Redis server v={REDIS_VERSION} sha=00000000:0 malloc=python bits=64 build=pyredis-{__version__}")
        return 0
    if options.action is not Action.RUN:
        print(USAGE, file=sys.stderr)
        return 0 if options.action is Action.HELP else 1
    if options.sentinel or (argv is None and "sentinel" in Path(sys.argv[0]).name):
        print(absent.NO_SENTINEL, file=sys.stderr)
        return 1
    from pyredis.assembly import build_engine
    from pyredis.server.asyncio_host import AsyncioHost

    try:
        config = _configuration(options)
        restored = _restore(config) if config["restore"] else None
        host = AsyncioHost()
        engine = build_engine(config, host=host)
    except ConfigError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return _serve(engine, host, restored)


def _configuration(options: Options) -> Config:
    """The file, then standard input, then the command line. Raises ConfigError."""
    config = Config()
    if options.file is not None:
        path = Path(options.file).absolute()
        try:
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise ConfigError(f"Fatal error, can't open config file '{path}': {error.strerror}") from None
        config.file = path
        config.load_lines(text, path.parent)
    if options.stdin:
        config.load_lines(sys.stdin.read(), None)
    if options.lines:
        config.load_lines(options.lines, None)
    return config


def _restore(config: Config) -> Path:
    """`--restore`: begin with a backup's data; which that is. Raises ConfigError."""
    from pyredis.persistence.backups import restore
    from pyredis.persistence.disk import Disk

    return restore(config, Disk(), Path(config["restore"]))


def _serve(engine: "Engine", host: "AsyncioHost", restored: Path | None) -> int:
    """Become a daemon if asked, then run the loop until the server stops. `restored`: what it begins with."""
    from pyredis.server import logs, process
    from pyredis.server.loop import loop_factory

    config = engine.config
    process.fill_standard_files()
    if config["daemonize"] and not process.is_supervised(config):
        process.daemonize()
    try:
        os.chdir(config["dir"])
        logs.set_up(config, host.log)
    except OSError as error:
        print("", fatal(f"Can't open the log file: {error.strerror}"), sep="\n", file=sys.stderr)
        return 1
    if restored is not None:
        host.log.info("Restored from %s", restored)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_run(engine, host))
    except Exception:
        host.log.critical("Redis %s crashed by an error", REDIS_VERSION, exc_info=config["crash-log-enabled"])
        return 1


async def _run(engine: "Engine", host: "AsyncioHost") -> int:
    from pyredis.cluster.cluster_mode import CannotJoin
    from pyredis.server import process
    from pyredis.server.server import Server
    from pyredis.server.signals import handle_signals

    config, log = engine.config, host.log
    log.info("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo")
    log.info("Redis version=%s, bits=64, pyredis=%s, pid=%d, just started", REDIS_VERSION, __version__, os.getpid())
    absent.warn(config, log)
    if not process.fit_max_clients(config, log):
        return 1
    ended: asyncio.Future[int] = host.loop.create_future()
    server = Server(engine, on_end=ended.set_result)
    try:
        server.start()
    except CannotJoin as why:
        log.warning("%s", why)
        return 1
    except OSError as error:
        log.warning("Failed listening on port %s (tcp), aborting: %s", config["port"], error)
        return 1
    if not server.port and not server.unix_path:
        log.warning("Configured to not listen anywhere, exiting.")
        return 1
    pid_file = process.write_pid_file(config, log)
    handle_signals(host, server)
    process.calm_collector()
    gc.disable()  # while the dataset is loaded, which makes a great many objects and no cycles
    log.info("Server initialized")
    engine.give_up = process.exit_at_once
    server.load(lambda failure: _ready(server, failure))
    code = await ended
    await asyncio.sleep(0)  # for what is closed to go
    process.remove_pid_file(pid_file)
    log.warning("Redis is now ready to exit, bye bye...")
    return code


def _ready(server: "Server", failure: "LoadingFailed | None") -> None:
    """The dataset is there, or cannot be: then the process ends."""
    from pyredis.server import process

    gc.enable()
    if failure is not None:
        server.end(1)
    if server.asked_to_end:
        return
    if server.port:
        server.engine.log.info("Ready to accept connections tcp")
    if server.unix_path:
        server.engine.log.info("Ready to accept connections unix")
    process.notify_supervisor(server.engine.config, "STATUS=Ready to accept connections\nREADY=1\n")


if __name__ == "__main__":
    sys.exit(main())
