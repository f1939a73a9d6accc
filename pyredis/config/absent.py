"""What a configuration may ask for and this server does not have: it is told so, never ignored.

Three kinds, as data. REFUSED: believing them could lose data or lock people out (a "replica" that takes writes, a
port that was thought to be encrypted), so the server does not start, and CONFIG SET fails. IDLE: they change nothing
here, which does no harm; values other than the default are named in one line of the log. FULFILLED: values of
idle ones that say what happens here anyway.

Every parameter is read by somebody or has its row here; a test holds that. Whoever builds a feature takes
its rows away.
"""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from pyredis.config.parameter import ConfigError
from pyredis.config.store import Config, fatal

_NO_TLS = "there is no TLS yet"
NO_SENTINEL = "Sentinel mode is not available in this server yet"
"""What `--sentinel` is told."""

REFUSED: dict[str, str] = {
    "tls-port": f"{_NO_TLS}, and clients would find nobody or speak in clear",
    "tls-replication": f"{_NO_TLS}, and data would travel in clear",
    "tls-cluster": f"{_NO_TLS}, and data would travel in clear",
}
"""Why no other value than the default is taken."""

REFUSED_DIRECTIVES: dict[str, str] = {
    "loadmodule": "extensions of the C server cannot be loaded, and their commands and data would be missing",
    ".": "Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting",
}
"""Lines of a file that are no parameters; the dot stands for every name with one, a module's parameter."""

TLS_FAILED = "Unable to update TLS configuration. Check server logs."

IDLE: dict[str, str] = {
    "commands run in one thread": "io-threads prefetch-batch-max-size vset-force-single-threaded-execution",
    "huge pages are left as the system gives them": "disable-thp",
    "the interpreter's allocator is not jemalloc": """active-defrag-cycle-max active-defrag-cycle-min
        active-defrag-ignore-bytes active-defrag-max-scan-fields active-defrag-threshold-lower
        active-defrag-threshold-upper activedefrag jemalloc-bg-thread""",
    "the hash table grows bucket by bucket": "activerehashing",
    "lists are kept uncompressed": "list-compress-depth",
    "all that wait are accepted": "max-new-connections-per-cycle",
    "sockets are not marked": "socket-mark-id",
    "a full sync has one connection": "repl-rdb-channel replica-full-sync-buffer-limit",
    "sockets send at once": "repl-disable-tcp-nodelay",
    "an emptied database is always freed in slices": "replica-lazy-flush",
    "a snapshot for replicas is an ordinary one, and stays": "rdb-del-sync-files",
    "a log is synced as a whole": "aof-rewrite-incremental-fsync",
    "there is no such logo": "always-show-logo",
    "there are no such warnings": "ignore-warnings",
    "a crash is told without a test of memory": "crash-memcheck-enabled",
    "payloads are always checked in full": "sanitize-dump-payload",
    "strings compare by bytes": "locale-collate",
    "scripts have no `redis.` API that was taken away": "lua-enable-deprecated-api",
    _NO_TLS: """max-new-tls-connections-per-cycle tls-auth-clients tls-ca-cert-dir tls-ca-cert-file tls-cert-file
        tls-ciphers tls-ciphersuites tls-client-cert-file tls-client-key-file tls-client-key-file-pass
        tls-dh-params-file tls-key-file tls-key-file-pass tls-prefer-server-ciphers tls-protocols
        tls-session-cache-size tls-session-cache-timeout tls-session-caching cluster-announce-tls-port""",
    "nobody is told what would not work in a cluster": "cluster-compatibility-sample-ratio",
}
"""The names that change nothing, by the reason."""

FULFILLED: dict[str, tuple[Any, ...]] = {
    "crash-memcheck-enabled": (False,),
    "disable-thp": (False,),
    "jemalloc-bg-thread": (False,),
    "sanitize-dump-payload": ("yes", "clients"),
    "repl-rdb-channel": (False,),
}
"""Values that nobody needs to be told about."""

WHY: dict[str, str] = {name: reason for reason, names in IDLE.items() for name in names.split()}
"""The reason by the idle parameter's name."""


def refuse(config: Config, log: logging.Logger) -> None:
    """Raises ConfigError when `config` asks for what could lose data; from now on CONFIG SET may not either."""
    for name, why in REFUSED.items():
        if not _is_default(config, name):
            raise fatal(f"'{name}' cannot be set: {why}")
        config.on_change(name, partial(_refuse_change, config, log, name))
    for name, lines in config.directives.items():
        reason = REFUSED_DIRECTIVES.get("." if "." in name else name)
        if reason and lines:
            raise fatal(reason, lines[0].number, lines[0].line)


def _refuse_change(config: Config, log: logging.Logger, name: str, value: Any) -> None:
    if not _is_default(config, name):
        log.warning("'%s' cannot be set: %s", name, REFUSED[name])
        raise ConfigError(TLS_FAILED)


def _is_default(config: Config, name: str) -> bool:
    row = config.parameter(name)
    return row is None or config[name] == row.initial()


def warn(config: Config, log: logging.Logger) -> None:
    """Name in the log what is set and changes nothing: now in one line, later when CONFIG SET does it, once each."""
    told = set(_idle(config))
    if told:
        log.warning("Without effect in this server: %s", ", ".join(f"{name} ({WHY[name]})" for name in sorted(told)))
    for name in WHY:
        config.on_change(name, partial(_warn_of_change, config, log, name, told))


def _idle(config: Config) -> Iterator[str]:
    """The names of idle parameters whose values would mean something elsewhere."""
    for name in WHY:
        if not _is_default(config, name) and config[name] not in FULFILLED.get(name, ()):
            yield name


def _warn_of_change(config: Config, log: logging.Logger, name: str, told: set[str], value: Any) -> None:
    if name not in told and name in _idle(config):
        told.add(name)
        log.warning("Without effect in this server: %s (%s)", name, WHY[name])
