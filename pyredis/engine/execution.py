"""From arguments to replies: the path of a command.

`run` executes what one read brought. Each command is found in the table, its arity tested, its handler called, its
value encoded. That is all on the plain path, which a command takes when neither the client's nor the engine's word of
gates is set. Everything else goes through `dispatch`, one command at a time: find → arity → gates → call → propagate
→ reply.

Timing: reading the clock costs as much as a look-up, so a run of equal constant-time commands in a pipeline is
measured as one. None of them alone is slow; where even that must be known (a low slow log threshold), the gate TIMED
times each.
"""

import logging
from collections.abc import Iterable
from typing import Any

from pyredis.engine import gates
from pyredis.engine.admission import GATES
from pyredis.engine.blocking import Blocked, Blocking
from pyredis.engine.client import Client
from pyredis.engine.command import ADMIN, SKIP_MONITOR, SKIP_SLOWLOG
from pyredis.engine.engine import Engine
from pyredis.engine.entry import Entry
from pyredis.engine.latency import LatencyMonitor
from pyredis.engine.monitors import Monitors
from pyredis.engine.propagation import Propagation
from pyredis.engine.slowlog import SlowLog
from pyredis.engine.transactions import aborted
from pyredis.errors import CommandError, wrong_arity
from pyredis.protocol.encoder import BULK_HEADERS
from pyredis.protocol.parser import Argv
from pyredis.protocol.replies import NO_REPLY, OK, ErrorReply

log = logging.getLogger("pyredis")


def run(engine: Engine, client: Client, batch: Iterable[Argv]) -> None:
    """Execute commands in order; replies are queued on the client. If one makes the client wait, the rest is kept."""
    find = engine.entries.get
    ticks = engine.clock.ticks_ns
    emit = client.out.append
    previous: Entry | None = None
    first: Argv = []
    count = 0
    repeats = False
    started = ticks()
    open_way = not (client.gates or engine.gates)  # no plain command changes either
    commands = iter(batch)
    for argv in commands:
        entry = find(argv[0])
        if entry is None or entry is not previous or not repeats:
            if previous is not None:
                now = ticks()
                finished(engine, client, previous, first, count, now - started)
                started = now
            if entry is None or not open_way or not entry.plain:
                previous = None
                dispatch(engine, client, argv)
                if client.waiting is not None:
                    client.pending.extend(commands)
                open_way = not (client.gates or engine.gates)
                started = ticks()
                continue
            previous, first, count = entry, argv, 0
            handler, least, most, repeats = entry.handler, entry.minimum, entry.maximum, entry.repeats
        count += 1
        size = len(argv)
        try:
            if not least <= size <= most:
                raise wrong_arity(entry.command.name)
            if size == 3:
                value = handler(client, argv[1], argv[2])
            elif size == 2:
                value = handler(client, argv[1])
            else:
                value = handler(client, *argv[1:])
        except Exception as failure:
            executed = least <= size <= most
            count -= not executed
            value = failed(engine, client, entry, failure, executed=executed)
        if value is OK:
            emit(b"+OK\r\n")
        elif value.__class__ is bytes and len(value) < 1024:
            emit(BULK_HEADERS[len(value)] + value + b"\r\n")
        else:
            emit(client.encoders[value.__class__](value))
    if previous is not None:
        finished(engine, client, previous, first, count, ticks() - started)


def dispatch(engine: Engine, client: Client, argv: Argv) -> None:
    """Execute one command through all its gates and queue the reply."""
    client.argv, client.redacted, client.rewritten = argv, (), None
    mark, mode = len(client.out), client.reply_mode
    value = execute(engine, client, argv)
    if value is not NO_REPLY:
        client.reply(value)
    if client.gates & gates.REPLY_MODE:
        client.mute(mark, mode)
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
        for gate in GATES:
            held = gate(engine, client, entry, argv)
            if held is not None:
                return held
    except CommandError as failure:
        if entry is not None and entry.command.name == "exec":
            failure = aborted(client, failure)
        return failed(engine, client, entry, failure, executed=False)
    value = call(engine, client, entry, argv)
    if value.__class__ is Blocked:
        engine[Blocking].park(client, entry, argv, value)
        return NO_REPLY
    return value


def call(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Run an admitted command and account for it; an error it raises is returned as a value."""
    propagating = engine.gates & gates.PROPAGATING
    dirty = engine.keyspace.dirty if propagating else 0
    if client.no_touch:
        engine.keyspace.touching = entry.command.name == "touch"
    started = engine.clock.ticks_ns()
    try:
        value = entry.handler(client, *argv[entry.words :])
    except Exception as failure:
        value = failed(engine, client, entry, failure, executed=True)
    engine.keyspace.touching = True
    if value.__class__ is Blocked:
        return value  # it did nothing yet: whoever runs it again accounts for it
    finished(engine, client, entry, argv, 1, engine.clock.ticks_ns() - started)
    if engine.gates & gates.MONITORED and not entry.command.flags & (ADMIN | SKIP_MONITOR):
        engine[Monitors].feed(client, argv)  # only now: the command may have redacted its words
    if propagating and engine.keyspace.dirty != dirty:
        engine[Propagation].feed(client, argv)
    return value


def retry(engine: Engine, client: Client, entry: Entry, argv: Argv) -> Any:
    """Run a command again that waited for a key: its value, or Blocked."""
    client.argv, client.redacted, client.rewritten = argv, (), None
    return call(engine, client, entry, argv)


def resume(engine: Engine, client: Client) -> None:
    """Run what a client sent while it waited."""
    commands = list(client.pending)
    client.pending.clear()
    engine.tick()
    run(engine, client, commands)
    client.flush()


def finished(engine: Engine, client: Client, entry: Entry, argv: Argv, count: int, nanoseconds: int) -> None:
    """Account for `count` calls of a command that together took `nanoseconds`; `argv` is the first of them."""
    if not count:
        return
    entry.calls += count
    entry.nanoseconds += nanoseconds
    entry.histogram[(nanoseconds // count >> 10).bit_length()] += count
    engine.stats.commands += count
    client.commands += count
    client.last_entry = entry
    if nanoseconds >= engine.slow_ns:
        flags = entry.command.flags
        if not flags & SKIP_SLOWLOG:
            engine[SlowLog].note(client, argv, nanoseconds // 1000)
        engine[LatencyMonitor].note("fast-command" if entry.repeats else "command", nanoseconds // 1_000_000)


def failed(engine: Engine, client: Client, entry: Entry | None, failure: Exception, *, executed: bool) -> ErrorReply:
    """The error reply, counted as failed if the command ran and as rejected if it never did."""
    if not isinstance(failure, CommandError):
        log.error("Unexpected error in %s", entry and entry.command.name, exc_info=failure)
        failure = CommandError(b"internal error: %b" % type(failure).__name__.encode())
    if entry is not None:
        if executed:
            entry.failed += 1
        else:
            entry.rejected += 1
    engine.stats.count_error(failure.line)
    if client.transaction is not None and not executed:
        client.transaction.spoil()
    return ErrorReply(failure.line)
