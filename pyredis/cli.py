"""`pyredis-server`: the command line of `redis-server`."""

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyredis import REDIS_VERSION, __version__
from pyredis.config.commandline import Action, Options, parse

if TYPE_CHECKING:
    from pyredis.config.store import Config, ConfigError
    from pyredis.engine.engine import Engine
    from pyredis.persistence.dataset_loading import LoadingFailed
    from pyredis.server.asyncio_host import AsyncioHost
    from pyredis.server.server import Server

USAGE = """\
Usage: pyredis-server [/path/to/redis.conf] [options] [-]
       pyredis-server - (read config from stdin)
       pyredis-server -v or --version
       pyredis-server -h or --help
       pyredis-server --test-memory <megabytes>
       pyredis-server --check-system

Examples:
       pyredis-server (run the server with default conf)
       echo 'maxmemory 128mb' | pyredis-server -
       pyredis-server /etc/redis/6379.conf
       pyredis-server --port 7777
       pyredis-server --port 7777 --replicaof 127.0.0.1 8888
       pyredis-server /etc/myredis.conf --loglevel verbose -
       pyredis-server /etc/myredis.conf --loglevel verbose
       pyredis-server --restore /backups/dump-20260101T000000.000Z.rdb (begin with a backup's data)
"""
_MEGABYTES_MISSING = """\
Please specify the amount of memory to test in megabytes.
Example: pyredis-server --test-memory 4096
"""
_NO_FILE = (
    "Warning: no config file specified, using the default config. "
    "In order to specify a config file use pyredis-server /path/to/redis.conf"
)
_BACKLOG = (
    "WARNING: The TCP backlog setting of %d cannot be enforced because /proc/sys/net/core/somaxconn is set to the "
    "lower value of %d."
)
_LITTLE_MEMORY = (
    "WARNING: You specified a maxmemory value that is less than 1MB (current value is %d bytes). "
    "Are you sure this is what you really want?"
)


def main(argv: list[str] | None = None) -> int:
    """Run the server; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    if options.action is not Action.RUN:
        return _inform(options)
    if options.sentinel or (argv is None and "sentinel" in Path(sys.argv[0]).name):
        from pyredis.config import absent

        print(absent.NO_SENTINEL, file=sys.stderr)
        return 1
    gc.disable()  # until it is ready: importing, building and loading make a great many objects and no cycles
    try:
        return _start(options)
    finally:
        gc.enable()


def _inform(options: Options) -> int:
    """What is asked for and is no server."""
    if options.action is Action.VERSION:
        print(f"Redis server v={REDIS_VERSION} sha=00000000:0 malloc=python bits=64 build=pyredis-{__version__}")
        return 0
    if options.action is Action.CHECK_SYSTEM:
        from pyredis.server.system_checks import check_system

        return 0 if check_system() else 1
    if options.action is Action.TEST_MEMORY and options.megabytes is not None:
        from pyredis.server.memory_test import check_memory

        return 0 if check_memory(options.megabytes) else 1
    print(USAGE if options.action is Action.HELP else _MEGABYTES_MISSING, file=sys.stderr)
    return 1


def _start(options: Options) -> int:
    """A server as it is configured; what is wrong with that goes to standard error, or to the log, as in Redis."""
    from pyredis.config.store import ConfigError, FatalError
    from pyredis.server import logs, process
    from pyredis.server.asyncio_host import AsyncioHost

    host = AsyncioHost()
    logs.begin(host.log)
    try:
        config = _configuration(options, host)
        process.demand_abilities(config)
        restored = _restore(config) if config["restore"] else None
        engine = _engine(config, host)
        _open_log(config, host)
    except FatalError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except ConfigError as error:
        host.log.warning("%s", error, extra=logs.STARTING)
        return 1
    _introduce(config, host, bare=not sys.argv[1:])
    if isinstance(engine, ConfigError):
        _tell_mode(config, host)
        for line in str(engine).split("\n"):
            host.log.warning("%s", line)
        return 1
    if restored is not None:
        host.log.info("Restored from %s", restored)
    return _serve(engine, host)


def _configuration(options: Options, host: "AsyncioHost") -> "Config":
    """The file, standard input and the command line, one behind the other. Raises ConfigError."""
    from pyredis.config.store import Config, ConfigError
    from pyredis.server import logs

    config = Config()
    text = ""
    if options.file is not None:
        config.file = path = Path(options.file).absolute()
        try:
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise ConfigError(f"Fatal error, can't open config file '{path}': {error.strerror}") from None
    if options.stdin:
        host.log.info("Reading config from stdin", extra=logs.STARTING)
        text += sys.stdin.read()
    config.load_lines(f"{text}\n{options.lines}" if options.lines else text)
    return config


def _restore(config: "Config") -> Path:
    """`--restore`: begin with a backup's data; which that is. Raises ConfigError."""
    from pyredis.persistence.backups import restore
    from pyredis.persistence.disk import Disk

    return restore(config, Disk(), Path(config["restore"]))


def _engine(config: "Config", host: "AsyncioHost") -> "Engine | ConfigError":
    """The engine, or what the log has to say of why there is none. Raises FatalError."""
    from pyredis.assembly import build_engine
    from pyredis.config.store import ConfigError, FatalError

    try:
        return build_engine(config, host=host)
    except FatalError:
        raise
    except ConfigError as error:
        return error


def _open_log(config: "Config", host: "AsyncioHost") -> None:
    """Become a daemon if asked, and log where the configuration says. Raises FatalError."""
    from pyredis.config.store import fatal
    from pyredis.server import logs, process

    process.fill_standard_files()
    if config["daemonize"] and not process.is_supervised(config):
        process.daemonize()
    try:
        os.chdir(config["dir"])
        logs.set_up(config, host.log)
    except OSError as error:
        raise fatal(f"Can't open the log file: {error.strerror}") from None


def _introduce(config: "Config", host: "AsyncioHost", *, bare: bool) -> None:
    """The first lines of the log, which tools look for; `bare`: of a server that was told nothing."""
    from pyredis.server import logs
    from pyredis.server.system_checks import memory_warnings

    log, early = host.log, logs.STARTING
    for text in [*config.warnings, *(f"WARNING {found}" for found in memory_warnings())]:
        log.warning("%s", text, extra=early)
    log.info("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo", extra=early)
    about = "Redis version=%s, bits=64, commit=pyredis-%s, modified=0, pid=%d, just started"
    log.info(about, REDIS_VERSION, __version__, os.getpid(), extra=early)
    if bare:
        log.warning(_NO_FILE, extra=early)
    else:
        log.info("Configuration loaded", extra=early)
    if config["supervised"] == "upstart" and "UPSTART_JOB" not in os.environ:
        log.warning("upstart supervision requested, but UPSTART_JOB not found!", extra=early)


def _tell_mode(config: "Config", host: "AsyncioHost") -> None:
    from pyredis.server.system_checks import backlog_limit

    host.log.info("monotonic clock: POSIX clock_gettime")
    mode = "cluster" if config["cluster-enabled"] else "standalone"
    host.log.info("Running mode=%s, port=%d.", mode, config["port"])
    most = backlog_limit()
    if most is not None and most < config["tcp-backlog"]:
        host.log.warning(_BACKLOG, config["tcp-backlog"], most)


def _serve(engine: "Engine", host: "AsyncioHost") -> int:
    """Run the loop until the server stops."""
    import asyncio

    from pyredis.server.loop import loop_factory

    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_run(engine, host))
    except Exception:
        host.log.critical("Redis %s crashed by an error", REDIS_VERSION, exc_info=engine.config["crash-log-enabled"])
        return 1


async def _run(engine: "Engine", host: "AsyncioHost") -> int:
    import asyncio

    from pyredis.cluster.cluster_mode import CannotJoin
    from pyredis.config import absent
    from pyredis.server import process
    from pyredis.server.cpu_affinity import pin_process
    from pyredis.server.crash_report import CrashReports, Watchdog
    from pyredis.server.oom_score import OomScore
    from pyredis.server.process_title import set_title
    from pyredis.server.server import Server, tell_of_listening
    from pyredis.server.signals import handle_signals

    config, log = engine.config, host.log
    if not process.fit_max_clients(config, log):
        return 1
    _tell_mode(config, host)
    absent.warn(config, log)
    Watchdog(engine, CrashReports(engine))
    OomScore(engine)
    pin_process(engine)
    set_title(engine)
    ended: asyncio.Future[int] = host.loop.create_future()
    server = Server(engine, on_end=ended.set_result)
    try:
        server.start()
    except CannotJoin as why:
        log.warning("%s", why)
        return 1
    except OSError as error:
        tell_of_listening(log, config["port"], error)
        return 1
    if not server.port and not server.unix_path:
        log.warning("Configured to not listen anywhere, exiting.")
        server.end(1)
        return await ended
    pid_file = process.write_pid_file(config, log)
    handle_signals(host, server)
    log.info("Server initialized")
    engine.give_up = process.exit_at_once
    server.load(lambda failure: _ready(server, failure))
    code = await ended
    await asyncio.sleep(0)  # for what is closed to go
    process.remove_pid_file(pid_file, log)
    if not code:
        log.warning("Redis is now ready to exit, bye bye...")
    return code


def _ready(server: "Server", failure: "LoadingFailed | None") -> None:
    """The dataset is there, or cannot be: then the process ends."""
    from pyredis.server import process

    process.calm_collector()
    gc.enable()
    if failure is not None:
        server.end(1)
    if server.asked_to_end:
        return
    if server.port:
        server.engine.log.info("Ready to accept connections tcp")
    if server.unix_path:
        server.engine.log.info("Ready to accept connections unix")
    if 0 < server.engine.config["maxmemory"] < 1 << 20:
        server.engine.log.warning(_LITTLE_MEMORY, server.engine.config["maxmemory"])
    process.notify_supervisor(server.engine.config, "STATUS=Ready to accept connections\nREADY=1\n")


if __name__ == "__main__":
    sys.exit(main())
