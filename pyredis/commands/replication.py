"""Master and replica: who follows whom, what replicas have, and the talk between the two (REPLCONF, PSYNC, SYNC)."""

from typing import Any

from pyredis.config.words import split_words
from pyredis.datatypes.numeric import INT64_MAX, parse_int
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments, integer, integer_between, timeout_ms
from pyredis.engine.command_table.command import (
    ADMIN,
    ALLOW_BUSY,
    BLOCKING,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    command,
)
from pyredis.engine.execution.blocking import Blocked
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.execution.roles import MASTER, REPLICA
from pyredis.engine.observability.client_info import client_line
from pyredis.errors import CommandError, not_an_integer, syntax_error
from pyredis.persistence.append_log import AppendLog
from pyredis.protocol.replies import NO_REPLY, OK, ErrorReply, NoReply, Status
from pyredis.replication.failover import NONE, Failover
from pyredis.replication.following import Following
from pyredis.replication.full_sync import EOF, FullSyncs
from pyredis.replication.master_link import Phase
from pyredis.replication.partial_sync import PartialSyncs
from pyredis.replication.replica import EVERYTHING, FUNCTIONS, NOTHING, Replica
from pyredis.replication.replicas import Replicas
from pyredis.replication.replication_info import ReplicationInfo

_TIPS = ["request_policy:all_shards", "response_policy:agg_min"]
_NO_WAIT = (
    b"WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to "
    b"be writable (which is not the default) writes to replicas are just local and are not propagated."
)
_NO_WAITAOF = (
    b"WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are "
    b"not propagated."
)
_NO_LOG = b"WAITAOF cannot be used when numlocal is set but appendonly is disabled."


@command(
    "WAIT",
    flags=BLOCKING,
    group="generic",
    since="3.0.0",
    complexity="O(1)",
    tips=_TIPS,
    categories="connection -keyspace",
)
def wait(ctx: Client, numreplicas: bytes, timeout: bytes) -> int | Blocked:
    """WAIT numreplicas timeout

    Waits until so many replicas have what this connection wrote; answers how many have. The timeout is in ms.
    """
    if ctx.engine[Following].master is not None:
        raise CommandError(_NO_WAIT)
    wanted = integer(numreplicas)
    milliseconds = timeout_ms(timeout, ctx.db.space.now, in_seconds=False)
    replicas, offset = ctx.engine[Replicas], ctx.engine[Propagation].end_of_writes(ctx)

    def so_far() -> int:
        return replicas.having(offset)

    def enough() -> int | None:
        count = so_far()
        return count if count >= wanted else None

    if so_far() >= wanted or not ctx.may_wait:
        return so_far()
    replicas.ask_for_acks()
    return Blocked((), (), milliseconds, on_timeout=so_far, denied=so_far(), until=enough)


@command(
    "WAITAOF",
    flags=BLOCKING,
    group="generic",
    since="7.2.0",
    complexity="O(1)",
    tips=_TIPS,
    categories="connection -keyspace",
)
def waitaof(ctx: Client, numlocal: bytes, numreplicas: bytes, timeout: bytes) -> list[int] | ErrorReply | Blocked:
    """WAITAOF numlocal numreplicas timeout

    Waits until so many logs, here and on replicas, have on disk what this connection wrote. The timeout is in ms.
    """
    local = integer_between(numlocal, 0, 1)
    wanted = integer_between(numreplicas, 0, INT64_MAX, b"value is out of range, must be positive")
    milliseconds = timeout_ms(timeout, ctx.db.space.now, in_seconds=False)
    if ctx.engine[Following].master is not None:
        raise CommandError(_NO_WAITAOF)
    config = ctx.engine.config
    if local and not config["appendonly"]:
        raise CommandError(_NO_LOG)
    log, replicas = ctx.engine[AppendLog], ctx.engine[Replicas]
    offset = ctx.engine[Propagation].end_of_writes(ctx)

    def so_far() -> list[int]:
        return [int(log.holds(offset)), replicas.having_on_disk(offset)]

    def enough() -> list[int] | ErrorReply | None:
        if local and not config["appendonly"]:
            return ErrorReply(b"ERR " + _NO_LOG)
        answer = so_far()
        return answer if answer[0] >= local and answer[1] >= wanted else None

    found = enough()
    if found is not None or not ctx.may_wait:
        return found or so_far()
    replicas.ask_for_acks()
    return Blocked((), (), milliseconds, on_timeout=so_far, denied=so_far(), until=enough)


@command(
    "ROLE",
    flags=NOSCRIPT | LOADING | STALE | FAST,
    group="server",
    since="2.8.12",
    complexity="O(1)",
    categories="admin dangerous",
)
def role(ctx: Client) -> list[Any]:
    """ROLE

    Answers the part this server has in replication, and who replicates from it.
    """
    return ctx.engine[ReplicationInfo].role()


@command(
    "REPLICAOF",
    flags=ADMIN | NO_ASYNC_LOADING | NOSCRIPT | STALE,
    group="server",
    since="5.0.0",
    complexity="O(1)",
)
def replicaof(ctx: Client, host: bytes, port: bytes) -> Status:
    """REPLICAOF <host port | NO ONE>

    Makes this server a replica of another, or a master.
    """
    return _follow(ctx, host, port)


@command(
    "SLAVEOF",
    flags=ADMIN | NO_ASYNC_LOADING | NOSCRIPT | STALE,
    group="server",
    since="1.0.0",
    complexity="O(1)",
    deprecated=("5.0.0", "`REPLICAOF`"),
)
def slaveof(ctx: Client, host: bytes, port: bytes) -> Status:
    """SLAVEOF <host port | NO ONE>

    Is REPLICAOF by its old name.
    """
    return _follow(ctx, host, port)


def _follow(ctx: Client, host: bytes, port: bytes) -> Status:
    engine = ctx.engine
    following = engine[Following]
    if engine.config["cluster-enabled"]:
        raise CommandError(b"REPLICAOF not allowed in cluster mode.")
    if engine[Failover].state != NONE:
        raise CommandError(b"REPLICAOF not allowed while failing over.")
    who = f"'{client_line(ctx, running=True).decode('utf-8', 'backslashreplace').strip()}'"
    if (host.upper(), port.upper()) == (b"NO", b"ONE"):
        if following.master is not None:
            following.promote()
            engine.log.info("MASTER MODE enabled (user request from %s)", who)
        return OK
    if ctx.role is REPLICA:
        raise CommandError(b"Command is not valid when client is a replica.")
    address = host.decode("utf-8", "surrogateescape"), integer_between(port, 0, 65535, b"Invalid master port")
    if following.master == address:
        engine.log.info("REPLICAOF would result into synchronization with the master we are already connected with.")
        return Status(b"OK Already connected to specified master")
    following.follow(address)
    engine.log.info("REPLICAOF %s:%d enabled (user request from %s)", *address, who)
    return OK


# What replicas say


@command(
    "SYNC",
    flags=ADMIN | NO_ASYNC_LOADING | NO_MULTI | NOSCRIPT,
    group="server",
    since="1.0.0",
    complexity="",
)
def sync(ctx: Client) -> NoReply:
    """SYNC

    Is how a replica of old asks for everything.
    """
    replica = _admitted(ctx)
    if replica is not None:
        ctx.engine[FullSyncs].request(replica)
    return NO_REPLY


@command(
    "PSYNC",
    flags=ADMIN | NO_ASYNC_LOADING | NO_MULTI | NOSCRIPT,
    group="server",
    since="2.8.0",
    complexity="",
)
def psync(ctx: Client, replicationid: bytes, offset: bytes, *options: bytes) -> NoReply:
    """PSYNC replicationid offset

    Is how a replica asks for what it lacks.
    """
    if options and options[0].upper() == b"FAILOVER":
        _take_over(ctx, replicationid)
    replica = _admitted(ctx)
    if replica is None:
        return NO_REPLY
    start = parse_int(offset)
    if start is None:
        text = "Replica %s asks for synchronization but with a wrong offset"
        ctx.engine.log.warning(text, replica.name)
        raise not_an_integer()
    replica.speaks_psync = True
    if not ctx.engine[PartialSyncs].accept(replica, replicationid, start):
        ctx.engine[FullSyncs].request(replica)
    return NO_REPLY


def _take_over(ctx: Client, id: bytes) -> None:
    """A master in FAILOVER offers its part. Raises CommandError."""
    engine, following = ctx.engine, ctx.engine[Following]
    engine.log.info("Failover request received for replid %s.", id.decode("latin-1"))
    if following.master is None:
        raise CommandError(b"PSYNC FAILOVER can't be sent to a master.")
    if id != engine[Propagation].id.encode():
        raise CommandError(b"PSYNC FAILOVER replid must match my replid.")
    following.promote()
    engine.log.info("MASTER MODE enabled (failover request from '%s')", ctx.sink.address)


def _admitted(ctx: Client) -> Replica | None:
    """Whoever asks to be synchronized, unless it is already. Raises CommandError when that is not possible now."""
    engine = ctx.engine
    if ctx.role is REPLICA:
        return None
    if engine[Failover].state != NONE:
        raise CommandError(b"Can't SYNC while failing over", b"NOMASTERLINK")
    following = engine[Following]
    if following.master is not None and following.phase is not Phase.CONNECTED:
        raise CommandError(b"Can't SYNC while not connected with my master", b"NOMASTERLINK")
    if ctx.out or ctx.sink.output_pending():
        raise CommandError(b"SYNC and PSYNC are invalid with pending output")
    replica = engine[Replicas].introduced(ctx)
    if replica.wants != EVERYTHING and EOF not in replica.capabilities:
        raise CommandError(b"Filtered replica requires EOF capability")
    engine.log.info("Replica %s asks for synchronization", replica.name)
    return replica


@command(
    "REPLCONF",
    flags=ADMIN | ALLOW_BUSY | LOADING | NOSCRIPT | STALE,
    group="server",
    since="3.0.0",
    complexity="O(1)",
)
def replconf(ctx: Client, *options: bytes) -> Status | NoReply:
    """REPLCONF

    Is how a replica introduces itself, and how both tell each other how far they are.
    """
    if len(options) % 2:
        raise syntax_error()
    for name, value in zip(options[::2], options[1::2], strict=True):
        word = name.lower()
        if word == b"ack":
            _acknowledged(ctx, options)
            return NO_REPLY
        if word == b"getack":
            return NO_REPLY  # of the master's stream, which answers it itself
        if word not in _SAID:
            raise CommandError(b"Unrecognized REPLCONF option: %b" % name)
        _SAID[word](ctx.engine[Replicas].introduced(ctx), value)
    return NO_REPLY if ctx.role is MASTER else OK


def _acknowledged(ctx: Client, options: tuple[bytes, ...]) -> None:
    said = {options[at].lower(): parse_int(options[at + 1]) for at in range(0, len(options), 2)}
    offset = said[b"ack"]
    if offset is not None:
        ctx.engine[Replicas].acknowledge(ctx, offset, said.get(b"fack") or 0)


def _port(replica: Replica, value: bytes) -> None:
    replica.port = integer(value)


def _ip(replica: Replica, value: bytes) -> None:
    if len(value) >= _IP_MAX:
        raise CommandError(b"REPLCONF ip-address provided by replica instance is too long: %d bytes" % len(value))
    replica.ip = value.decode("utf-8", "surrogateescape")


def _capability(replica: Replica, value: bytes) -> None:
    replica.capabilities |= {value.lower()}


def _version(replica: Replica, value: bytes) -> None:
    parts = value.split(b".")
    if len(parts) != 3 or not all(part.isdigit() and int(part) <= _PART_MAX for part in parts):
        raise CommandError(b"Unrecognized version format: %b" % value)
    replica.version = (int(parts[0]), int(parts[1]), int(parts[2]))


def _rdb_only(replica: Replica, value: bytes) -> None:
    replica.rdb_only = integer_between(value, 0, 1) == 1


def _filter(replica: Replica, value: bytes) -> None:
    words = split_words(value)
    if words is None:
        raise CommandError(b"Missing rdb-filter-only values")
    for word in words:
        if word.lower() != b"functions":
            raise CommandError(b"Unsupported rdb-filter-only option: %b" % word)
    replica.wants = FUNCTIONS if words else NOTHING


_SAID = {
    b"listening-port": _port,
    b"ip-address": _ip,
    b"capa": _capability,
    b"version": _version,
    b"rdb-only": _rdb_only,
    b"rdb-filter-only": _filter,
}
_IP_MAX, _PART_MAX = 256, 255


# Failover


@command("FAILOVER", flags=ADMIN | NOSCRIPT | STALE, group="server", since="6.2.0", complexity="O(1)")
def failover(ctx: Client, *words: bytes) -> Status:
    """FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]

    Hands the master's part to a replica.
    """
    if ctx.engine.config["cluster-enabled"]:
        raise CommandError(b"FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.")
    failover = ctx.engine[Failover]
    if len(words) == 1 and words[0].upper() == b"ABORT":
        if failover.state == NONE:
            raise CommandError(b"No failover in progress.")
        failover.abort("Failover manually aborted")
        return OK
    options, target, timeout, force = Arguments(words), None, None, False
    while options:
        option = options.word().upper()
        if option == b"TIMEOUT" and timeout is None:
            timeout = options.integer()
            if timeout <= 0:
                raise CommandError(b"FAILOVER timeout must be greater than 0")
        elif option == b"TO" and target is None:
            target = options.word().decode("utf-8", "surrogateescape"), options.integer()
        elif option == b"FORCE" and not force:
            force = True
        else:
            raise syntax_error()
    failover.begin(target, force=force, timeout=timeout)
    return OK
