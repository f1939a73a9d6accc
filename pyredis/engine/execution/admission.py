"""May it run? The gates between a command and its execution, in Redis's order.

Each is a function that raises the error, or returns what answers instead of the command (QUEUED, NO_REPLY), or None
to let it pass. They are asked only on the dispatched path; the plain path is open while no gate stands (see `gates`).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pyredis.engine.acl.accounts import Acl
from pyredis.engine.acl.acl_log import AclLog, context_of
from pyredis.engine.client import Client
from pyredis.engine.command_table.command import (
    ALLOW_BUSY,
    ALLOW_SUBSCRIBED,
    DENYOOM,
    LOADING,
    MAY_REPLICATE,
    NO_ASYNC_LOADING,
    NO_AUTH,
    NO_MULTI,
    NOT_QUEUED,
    READONLY,
    STALE,
    TELLS_DISK_ERRORS,
    WRITE,
)
from pyredis.engine.command_table.entry import Entry
from pyredis.engine.engine import Engine
from pyredis.engine.execution import gates
from pyredis.engine.execution.pause import Pause
from pyredis.engine.memory.eviction import Eviction
from pyredis.errors import CommandError, master_down, out_of_memory, read_only_replica, too_few_replicas
from pyredis.protocol.parser import Argv
from pyredis.protocol.replies import QUEUED

Gate = Callable[[Engine, Client, Entry, Argv], Any]


def authenticated(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """A client that has to authenticate may only do that."""
    if not entry.command.flags & NO_AUTH and engine[Acl].default.asks_password:  # else that was changed meanwhile
        raise CommandError(b"Authentication required.", b"NOAUTH")


def not_subscribed(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """In RESP2, where messages and replies look alike, who listens to channels may do little else."""
    if client.resp == 2 and not entry.command.flags & ALLOW_SUBSCRIBED:
        allowed = b"(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET"
        name = entry.command.name.encode()
        raise CommandError(b"Can't execute '%b': only %b are allowed in this context" % (name, allowed))


def loaded(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """While the dataset is loaded, only what does not need it runs."""
    if not engine.shared_flags(client.transaction, entry, argv) & LOADING:
        raise CommandError(b"Redis is loading the dataset in memory", b"LOADING")


def in_memory(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """What may take memory is refused while too much is used and nothing can be evicted."""
    if engine[Eviction].refuses and engine.flags(client.transaction, entry, argv) & DENYOOM:
        raise out_of_memory()


def durable(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Writes are refused while they cannot be made durable; PING tells so too."""
    if engine.flags(client.transaction, entry, argv) & (WRITE | TELLS_DISK_ERRORS):
        code, _, text = next(iter(engine.disk_errors.values())).partition(b" ")
        raise CommandError(text, code)


def replicated(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Writes are refused while too few replicas would get them."""
    if engine.flags(client.transaction, entry, argv) & WRITE:
        raise too_few_replicas()


def writable(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """A replica's clients do not write; scripts ask for each command."""
    if engine.flags(client.transaction, entry, argv) & WRITE:
        raise read_only_replica()


def fresh(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """A replica that lost its master may have been told not to serve old data."""
    if not engine.shared_flags(client.transaction, entry, argv) & STALE:
        raise master_down()


def not_replaced(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """While another dataset is loaded beside this one, what would interfere does not run."""
    if engine.flags(client.transaction, entry, argv) & NO_ASYNC_LOADING:
        raise CommandError(b"Redis is loading the dataset in memory", b"LOADING")


def not_busy(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """While a script overruns, only what may run beside it does."""
    if not entry.command.flags & ALLOW_BUSY:
        raise CommandError(engine.busy, b"BUSY")


def not_forbidden_in_transaction(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Some commands make no sense inside MULTI."""
    if entry.command.flags & NO_MULTI:
        raise CommandError(b"Command not allowed inside a transaction")


def permitted(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """A user may do what its permissions allow."""
    refusal = client.user.refusal(entry.command, argv)
    if refusal is not None:
        engine[AclLog].refused(client, entry.command, argv, refusal, context_of(client))
        raise CommandError(client.user.refusal_text(refusal, entry.command, argv, tells_all=False), b"NOPERM")


def at_home(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Keys that another node has are asked for there."""
    if engine.router is not None and (entry.command.keys or entry is engine.exec):
        engine.router.route(client, entry, argv)


def not_by_monitor(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """A client that monitors, or is a replica, may not touch keys."""
    if entry.command.flags & (READONLY | WRITE | MAY_REPLICATE):
        raise CommandError(b"Replica can't interact with the keyspace")


def not_paused(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """CLIENT PAUSE holds commands back."""
    return engine[Pause].hold(client, entry, argv)


def outside_transaction(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Inside MULTI, commands are queued."""
    if client.transaction is not None and not entry.command.flags & NOT_QUEUED:
        client.transaction.add(entry, argv)
        return QUEUED
    return None


GATES: tuple[tuple[int, Gate], ...] = (
    (gates.UNAUTHENTICATED, authenticated),
    (gates.IN_TRANSACTION, not_forbidden_in_transaction),
    (gates.RESTRICTED, permitted),
    (gates.ROUTED, at_home),
    (gates.OVER_LIMIT, in_memory),
    (gates.DISK_ERROR, durable),
    (gates.FEW_REPLICAS, replicated),
    (gates.READ_ONLY, writable),
    (gates.SUBSCRIBED, not_subscribed),
    (gates.MASTER_GONE, fresh),
    (gates.LOADING, loaded),
    (gates.ASYNC_LOADING, not_replaced),
    (gates.BUSY, not_busy),
    (gates.MONITORING, not_by_monitor),
    (gates.PAUSED, not_paused),
    (gates.IN_TRANSACTION, outside_transaction),
)
"""In the order they are asked, each while its bit stands."""


@lru_cache(256)
def standing(word: int) -> tuple[Gate, ...]:
    """The gates to ask where these bits stand."""
    return tuple(gate for bit, gate in GATES if word & bit)


def admit(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Ask the gates: what answers instead of the command, or None. Raises the error of the one that refuses."""
    for gate in standing(client.gates | (engine.gates | engine.aside) & client.role.gates):
        held = gate(engine, client, entry, argv)
        if held is not None:
            return held
    return None
