"""The gated path of one command: find → arity → gates → call → reply.

Here goes what changes more than keys, and everything while a gate or a detour stands. `timed` and `failed` serve the
plain path too.
"""

from collections.abc import Sequence
from typing import Any

from pyredis.engine.client import Client
from pyredis.engine.command_table.command import ADMIN, ALWAYS_TOUCHES, FAST, SKIP_MONITOR, SKIP_SLOWLOG, Handler
from pyredis.engine.command_table.entry import Entry
from pyredis.engine.engine import Engine
from pyredis.engine.execution import cross_protocol, detours, gates
from pyredis.engine.execution.admission import admit
from pyredis.engine.execution.blocking import Blocked, Blocking, Wait
from pyredis.engine.execution.multi import aborted
from pyredis.engine.execution.pause import PAUSED
from pyredis.engine.memory.eviction import Eviction
from pyredis.engine.messaging.invalidation import Tracking
from pyredis.engine.messaging.monitors import Monitors
from pyredis.engine.observability.latency import LatencyMonitor
from pyredis.engine.observability.slowlog import SlowLog
from pyredis.errors import CommandError, Redirection, wrong_arity
from pyredis.protocol.parser import Argv
from pyredis.protocol.replies import NO_REPLY, ErrorReply, Several


def dispatch(engine: Engine, client: Client, argv: Argv) -> None:
    """Execute one command through all its gates and queue the reply."""
    client.begin(argv)
    if engine.gates & gates.OVER_LIMIT:
        engine[Eviction].make_room()  # before the mark: the client is told first what was evicted
    if engine.gates & detours.TRACKED:
        engine[Tracking].shrink()
    mark, asking = len(client.out), client.gates & detours.ASKING
    engine.running = client
    meter = engine.meter
    begun = None if meter is None else meter.begin()
    value = execute(engine, client, argv)
    pushes = client.out[mark:]
    if pushes:
        del client.out[mark:]  # its own messages come behind the reply
        if client.gates & detours.CLOSING:
            pushes = []
    if value.__class__ is Several:  # confirmations are pushes too, and no CLIENT REPLY holds these back
        pushes.insert(0, client.encoders[Several](value))
    elif not client.role.is_answered:
        _unwanted(engine, client, value)
    elif value is not NO_REPLY:
        client.reply(value)
    if client.gates & detours.REPLY_MODE and client.waiting is None:
        client.end_muted(mark)
    client.out += pushes
    if meter is not None:
        meter.end(begun, client, argv, value, sum(map(len, client.out[mark:])))
    if asking and client.transaction is None and argv[0].lower() != b"asking" and not _runs_again(client):
        client.gates &= ~detours.ASKING
    if engine.gates & detours.TRACKED:
        engine[Tracking].done(client, client.last_entry)
    engine.running = None
    if client.gates & detours.CLOSING:
        client.close()
    if engine.gates & detours.WAITED_FOR:
        engine[Blocking].serve()


def _runs_again(client: Client) -> bool:
    """Whether its command was put off: what led it leads it then, too."""
    return client.waiting is PAUSED or client.waiting.__class__ is Wait


def _unwanted(engine: Engine, client: Client, value: Any) -> None:
    """The value of a command that was not to have one: what it says would stand amid a stream."""
    if value is NO_REPLY:
        return
    name = client.last_entry.command.name if client.last_entry is not None else "<unknown>"
    text = client.encoders[value.__class__](value)[:128].decode("utf-8", "backslashreplace").strip()
    if value.__class__ is ErrorReply:
        engine.log.warning(
            "== CRITICAL == This master is sending an error to its replica: '%s' after processing the command '%s'",
            *(text[1:], name),
        )
    engine.log.warning("Replica generated a reply to command '%s', disconnecting it: %s", name, text)
    client.close(at_once=True)


def execute(engine: Engine, client: Client, argv: Argv) -> Any:
    """Find, admit and call one command: its value, an error among them, or NO_REPLY while it waits."""
    if client.gates & detours.DEBUGGED:
        return engine.debugged(client, argv)
    try:
        entry = engine.find(argv)
    except CommandError as failure:
        if argv[0].lower() in cross_protocol.NAMES:
            engine[cross_protocol.CrossProtocol].abort(client)
            return NO_REPLY
        return rejected(engine, client, None, failure)
    held = _held(engine, client, entry, argv)
    if held is not None:
        return held
    value = call(engine, client, entry, argv)
    if value.__class__ is Blocked:
        engine[Blocking].park(client, entry, argv, value)
        return NO_REPLY
    return value


def retry(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Run a command again that waited for a key: its value, Blocked, or NO_REPLY when it is held back."""
    client.begin(argv)
    held = _held(engine, client, entry, argv)
    return call(engine, client, entry, argv, again=True) if held is None else held


def _held(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """What answers instead of a command that may not run, or not now; None if it may."""
    try:
        if not entry.takes(len(argv)):
            raise wrong_arity(entry.command.name)
        client.last_entry = entry
        return admit(engine, client, entry, argv)
    except CommandError as failure:
        if entry is engine.exec:
            failure = aborted(client, failure)
        return rejected(engine, client, entry, failure)


def apply(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Run a command of a stream that is believed, a log's or a master's: no gate is asked, nothing is accounted for.

    Raises whatever the command raises.
    """
    client.begin(argv)
    return entry.effect(client, *argv[entry.words :])


def call(engine: Engine, client: Client, entry: Entry, argv: Argv, *, again: bool = False) -> Any:
    """Run an admitted command and account for it; an error it raises is returned as a value.

    One that will wait is accounted for only when it has done something, but monitors see it now, and not `again`.
    """
    if not (client.gates | engine.gates) & detours.OBSERVED_CALLS:
        return timed(engine, client, entry, argv, entry.effect)
    if client.no_touch:
        engine.keyspace.touching = bool(entry.command.flags & ALWAYS_TOUCHES)
        entry.untouching += not engine.keyspace.touching
    value = timed(engine, client, entry, argv, entry.effect)
    engine.keyspace.touching = True
    if engine.gates & detours.MONITORED and not again and not entry.command.flags & (ADMIN | SKIP_MONITOR):
        engine[Monitors].feed(client, argv)  # only now: the command may have redacted its words
    if client.gates & detours.TRACKING:
        engine[Tracking].remember(client, entry, argv)
    return value


def timed(engine: Engine, client: Client, entry: Entry, argv: Sequence[bytes], function: Handler) -> Any:
    """Run a command by `function`, and account for it, unless it waits: its value, or the error it raised."""
    started = engine.clock.ticks_ns()
    try:
        value = function(client, *argv[entry.words :])
    except Exception as failure:
        value = failed(engine, client, entry, failure)
    nanoseconds = engine.clock.ticks_ns() - started
    if value.__class__ is Blocked and client.may_wait:
        return value
    entry.calls += 1
    entry.sample(nanoseconds)
    stats = engine.stats
    stats.commands += 1
    stats.command_ns += nanoseconds
    stats.last_ns = nanoseconds
    client.commands += 1
    client.last_entry = entry
    if nanoseconds >= engine.slow_ns:
        note_slow(engine, client, entry, argv, nanoseconds)
    return value


def note_slow(engine: Engine, client: Client, entry: Entry, argv: Sequence[bytes], nanoseconds: int) -> None:
    """Tell those who want to hear of commands that take so long."""
    flags = entry.command.flags
    if not flags & SKIP_SLOWLOG:
        engine[SlowLog].note(client, argv, nanoseconds // 1000)
    engine[LatencyMonitor].note("fast-command" if flags & FAST else "command", nanoseconds // 1_000_000)


def failed(engine: Engine, client: Client, entry: Entry | None, failure: Exception) -> ErrorReply:
    """The reply to a command that ran, and raised; one that was led elsewhere did not run, but is counted already."""
    if isinstance(failure, Redirection) and entry is not None:
        entry.rejected += 1
        entry.calls -= 1
    elif entry is not None:
        entry.failed += 1
    return _error(engine, entry, failure)


def rejected(engine: Engine, client: Client, entry: Entry | None, failure: CommandError) -> ErrorReply:
    """The reply to a command that did not get to run: a transaction that it was to be part of is spoiled."""
    if entry is not None:
        entry.rejected += 1
    if client.transaction is not None:
        client.transaction.spoil()
    return _error(engine, entry, failure)


def _error(engine: Engine, entry: Entry | None, failure: Exception) -> ErrorReply:
    if not isinstance(failure, CommandError):
        engine.log.error("Unexpected error in %s", entry and entry.command.name, exc_info=failure)
        failure = CommandError(b"internal error: %b" % type(failure).__name__.encode())
    if not failure.counted:
        engine.stats.count_error(failure.line)
    return ErrorReply(failure.line)
