"""From arguments to replies: the path of a command.

`run` executes what one read brought. Each command is found in the table, its arity tested, its handler called, its
value encoded. That is all on the plain path, which a command takes when neither the client's nor the engine's word of
gates is set. Everything else goes through `dispatch`, one command at a time: find → arity → gates → call → propagate
→ reply.

Timing: reading the clock costs as much as a look-up, so a stretch of constant-time commands in a pipeline is
measured as one. None of them alone is slow; where even that must be known (a low slow log threshold), the gate TIMED
times each.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from pyredis.engine.client import Client
from pyredis.engine.command_table.command import ADMIN, SKIP_MONITOR, SKIP_SLOWLOG
from pyredis.engine.command_table.entry import Entry
from pyredis.engine.engine import Engine
from pyredis.engine.execution import cross_protocol, gates
from pyredis.engine.execution.admission import standing
from pyredis.engine.execution.blocking import Blocked, Blocking
from pyredis.engine.execution.multi import Watches, aborted, up_to_exec
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.memory.eviction import Eviction
from pyredis.engine.messaging.invalidation import Tracking
from pyredis.engine.messaging.monitors import Monitors
from pyredis.engine.observability.latency import LatencyMonitor
from pyredis.engine.observability.slowlog import SlowLog
from pyredis.errors import CommandError, wrong_arity
from pyredis.protocol.encoder import BULK_HEADERS, INTEGERS
from pyredis.protocol.parser import Argv
from pyredis.protocol.replies import NO_REPLY, ErrorReply, Several, Status

_HEARD = gates.PROPAGATING
_SHUT = ~_HEARD
"""The engine's gates that plain commands do not go through: all but that somebody hears of writes."""


def run(engine: Engine, client: Client, batch: Iterable[Argv]) -> None:
    """Execute commands in order; replies are queued on the client. If one makes the client wait, the rest is kept."""
    find = engine.entries.get
    ticks = engine.clock.ticks_ns
    out = client.out
    entry: Entry
    word: bytes | None = None  # the name that goes on the present run of one command, `entry`
    count = 0
    first: Argv = []  # what began what is timed now: this run and the ones `before` it
    before: list[tuple[Entry, int]] = []
    started = ticks()
    open_way = not (client.gates or engine.gates & _SHUT)  # no plain command changes either
    heard = engine.gates & _HEARD
    commands = iter(batch)
    for argv in commands:
        if argv[0] != word:
            if word is None and client.waiting is not None:  # the last was a script that goes on in the background
                client.keep(chain((argv,), commands))
                break
            found = find(argv[0])
            if found is None or not open_way or not found.plain or (heard and found.alone):
                if count:
                    finished(engine, client, entry, first, count, ticks() - started, before)  # noqa: F821
                word, count, before = None, 0, []
                if found is engine.multi and open_way:
                    transact(engine, client, argv, commands)
                else:
                    dispatch(engine, client, argv)
                open_way = not (client.gates or engine.gates & _SHUT)
                heard = engine.gates & _HEARD
                started = ticks()
                continue
            if not count:
                first = argv
            elif entry.constant and found.constant:  # noqa: F821
                before.append((entry, count))  # noqa: F821
            else:
                now = ticks()
                finished(engine, client, entry, first, count, now - started, before)  # noqa: F821
                started, first, before = now, argv, []
            count = 0
            entry = found
            if entry.script:
                client.argv = argv  # what FUNCTION STATS shows of one that overruns
            word = argv[0] if entry.repeats else None
            handler, least, most = entry.handler, entry.minimum, entry.maximum
            if heard and entry.may_propagate:
                handler = engine[Propagation].heard(argv[0], handler)
        count += 1
        size = len(argv)
        try:
            if not least <= size <= most:
                raise wrong_arity(entry.command.name)
            if size == 3:
                value = handler(client, argv[1], argv[2])
            elif size == 2:
                value = handler(client, argv[1])
            elif size == 4:
                value = handler(client, argv[1], argv[2], argv[3])
            elif size == 1:
                value = handler(client)
            else:
                value = handler(client, *argv[1:])
        except Exception as failure:
            count -= not (executed := least <= size <= most)
            value = failed(engine, client, entry, failure, executed=executed)
        kind = value.__class__
        if kind is Status:
            out.append(value.wire)
        elif kind is bytes and len(value) < 1024:
            out += (BULK_HEADERS[len(value)], value, b"\r\n")
        elif kind is int and 0 <= value < 1024:
            out.append(INTEGERS[value])
        elif client.output_max:
            if not client.reply(value):
                break
        else:
            out.append(client.encoders[kind](value))
    if count:
        finished(engine, client, entry, first, count, ticks() - started, before)


def transact(engine: Engine, client: Client, multi: Argv, commands: Iterator[Argv]) -> None:
    """MULTI. If plain commands and their EXEC came with it, as clients send them, they run back to back right away."""
    queue, whole = up_to_exec(engine, commands)
    if not whole or engine[Watches].count(client) or client.output_max:
        dispatch(engine, client, multi)
        run(engine, client, queue)
        return
    queue.pop()
    client.out.append(b"+OK\r\n" + b"+QUEUED\r\n" * len(queue) + b"*%d\r\n" % len(queue))
    if engine.gates & gates.PROPAGATING:
        with engine[Propagation].together():
            run(engine, client, queue)
    else:
        run(engine, client, queue)
    for entry in (engine.multi, engine.exec):
        entry.count(1, 0)
        client.last_entry = entry
    engine.stats.commands += 2
    client.commands += 2


def dispatch(engine: Engine, client: Client, argv: Argv) -> None:
    """Execute one command through all its gates and queue the reply."""
    client.argv, client.redacted, client.rewritten = argv, (), None
    if engine.gates & gates.OVER_LIMIT:
        engine[Eviction].make_room()  # before the mark: the client is told first what was evicted
    mark, mode = len(client.out), client.reply_mode
    engine.running = client
    value = execute(engine, client, argv)
    pushes = client.out[mark:] if client.gates & (gates.SUBSCRIBED | gates.TRACKING) else []
    if pushes:
        del client.out[mark:]  # its own messages come behind the reply
    if value.__class__ is Several:  # confirmations are pushes too, and no CLIENT REPLY holds these back
        pushes.insert(0, client.encoders[Several](value))
    elif value is not NO_REPLY:
        client.reply(value)
    if client.gates & gates.REPLY_MODE and client.waiting is None:
        client.mute(mark, mode)
    client.out += pushes
    if engine.gates & gates.TRACKED:
        engine[Tracking].done(client, client.last_entry)
    engine.running = None
    if client.gates & gates.CLOSING:
        client.close()
    if engine.gates & gates.WAITED_FOR:
        engine[Blocking].serve()


def execute(engine: Engine, client: Client, argv: Argv) -> Any:
    """Find, admit and call one command: its value, an error among them, or NO_REPLY while it waits."""
    entry: Entry | None = None
    try:
        entry = engine.find(argv)
        if not entry.minimum <= len(argv) <= entry.maximum:
            raise wrong_arity(entry.command.name)
        client.last_entry = entry
        held = admit(engine, client, entry, argv)
    except CommandError as failure:
        if entry is None and argv[0].lower() in cross_protocol.NAMES:
            engine[cross_protocol.CrossProtocol].abort(client)
            return NO_REPLY
        if entry is not None and entry.command.name == "exec":
            failure = aborted(client, failure)
        return failed(engine, client, entry, failure, executed=False)
    if held is not None:
        return held
    value = call(engine, client, entry, argv)
    if value.__class__ is Blocked:
        engine[Blocking].park(client, entry, argv, value)
        return NO_REPLY
    return value


def admit(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Ask the gates: what answers instead of the command, or None. Raises the error of the one that refuses."""
    for gate in standing(client.gates | engine.gates):
        held = gate(engine, client, entry, argv)
        if held is not None:
            return held
    return None


def call(engine: Engine, client: Client, entry: Entry, argv: Argv, *, again: bool = False) -> Any:
    """Run an admitted command and account for it; an error it raises is returned as a value.

    One that will wait is accounted for only when it has done something, but monitors see it now, and not `again`.
    """
    if (client.gates | engine.gates) & gates.WATCHES_CALLS:
        return _watched(engine, client, entry, argv, again=again)
    return timed(engine, client, entry, argv)


def timed(engine: Engine, client: Client, entry: Entry, argv: Sequence[bytes]) -> Any:
    """Run a command and account for it; an error it raises is returned as a value."""
    started = engine.clock.ticks_ns()
    try:
        value = entry.handler(client, *argv[entry.words :])
    except Exception as failure:
        value = failed(engine, client, entry, failure, executed=True)
    if value.__class__ is not Blocked or client.transaction is not None:
        finished(engine, client, entry, argv, 1, engine.clock.ticks_ns() - started)
    return value


def _watched(engine: Engine, client: Client, entry: Entry, argv: Argv, *, again: bool) -> Any:
    """A call of which monitors, replicas or the client's own cache want to know, or that leaves access times alone."""
    propagating = engine.gates & gates.PROPAGATING
    place = engine.keyspace if entry.alone else client.db
    dirty = place.dirty if propagating else 0
    if client.no_touch:
        engine.keyspace.touching = entry.command.name == "touch"
    value = timed(engine, client, entry, argv)
    engine.keyspace.touching = True
    if engine.gates & gates.MONITORED and not again and not entry.command.flags & (ADMIN | SKIP_MONITOR):
        engine[Monitors].feed(client, argv)  # only now: the command may have redacted its words
    if client.gates & gates.TRACKING:
        engine[Tracking].remember(client, entry, argv)
    if propagating and place.dirty != dirty:
        engine[Propagation].feed(client, argv)
    return value


def retry(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Run a command again that waited for a key: its value, Blocked, or NO_REPLY when it is held back."""
    client.argv, client.redacted, client.rewritten = argv, (), None
    try:
        held = admit(engine, client, entry, argv)
    except CommandError as failure:
        return failed(engine, client, entry, failure, executed=False)
    return call(engine, client, entry, argv, again=True) if held is None else held


def finished(
    engine: Engine,
    client: Client,
    entry: Entry,
    argv: Sequence[bytes],
    count: int,
    nanoseconds: int,
    before: Sequence[tuple[Entry, int]] = (),
) -> None:
    """Account for `count` calls of a command, and for those `before` that were timed with it; `argv` came first."""
    total = count
    for _, times in before:
        total += times
    each = nanoseconds // total
    for earlier, times in before:
        earlier.count(times, each)
    entry.count(count, each)
    engine.stats.commands += total
    client.commands += total
    client.last_entry = entry
    if nanoseconds >= engine.slow_ns:
        flags = entry.command.flags
        if not flags & SKIP_SLOWLOG:
            engine[SlowLog].note(client, argv, nanoseconds // 1000)
        engine[LatencyMonitor].note("fast-command" if entry.repeats else "command", nanoseconds // 1_000_000)


def failed(engine: Engine, client: Client, entry: Entry | None, failure: Exception, *, executed: bool) -> ErrorReply:
    """The error reply, counted as failed if the command ran and as rejected if it never did."""
    if not isinstance(failure, CommandError):
        engine.log.error("Unexpected error in %s", entry and entry.command.name, exc_info=failure)
        failure = CommandError(b"internal error: %b" % type(failure).__name__.encode())
    if entry is not None:
        if executed:
            entry.failed += 1
        else:
            entry.rejected += 1
    if not failure.counted:
        engine.stats.count_error(failure.line)
    if client.transaction is not None and not executed:
        client.transaction.spoil()
    return ErrorReply(failure.line)
