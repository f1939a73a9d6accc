"""The plain path: from the commands of one read to their replies.

Find the command, test its arity, call its function, encode the value: that is all while no gate and no detour stands
in the client's or the engine's word, and the command touches only keys. Anything else goes through `dispatch`.

Reading the clock costs as much as a look-up. So commands that are quick whatever they find are timed together, a read
at a time, and one of them, by turns another, takes the mean as its sample; others, and those of many words, are timed
each. Where that is not enough (a low slow log threshold), the detour TIMED leads every command through `dispatch`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pyredis.engine.client import Client
from pyredis.engine.command_table.entry import Entry
from pyredis.engine.engine import Engine
from pyredis.engine.execution.dispatch import dispatch, failed, note_slow, timed
from pyredis.engine.execution.multi import Watches, up_to_exec
from pyredis.engine.execution.propagation import Propagation
from pyredis.protocol.encoder import BULK_HEADERS, INTEGERS
from pyredis.protocol.parser import Argv
from pyredis.protocol.replies import NO_REPLY, Status


def run(engine: Engine, client: Client, batch: Sequence[Argv]) -> None:
    """Execute commands in order; replies are queued on the client. If one makes the client wait, the rest is kept."""
    find, ticks, out = engine.entries.get, engine.clock.ticks_ns, client.out
    name: bytes | None = None  # what `sizes` and `call` are of; a name may be empty
    started, quick = ticks(), 0  # so many quick commands since then
    entry: Any = None
    for argv in (commands := iter(batch)):
        if argv[0] != name:
            entry = find(name := argv[0])
            sizes = 0 if entry is None or client.gates or engine.gates else entry.quick_sizes
            call = entry and entry.call
        if not sizes >> (size := len(argv)) & 1:
            if quick:
                _count(engine, client, batch, entry, quick, ticks() - started)
            if not _leave(engine, client, entry, argv, commands):
                return
            name, started, quick = None, ticks(), 0
            continue
        quick += 1
        entry.calls += 1
        client.argv = argv
        try:
            if size == 3:
                value = call(client, argv[1], argv[2])
            elif size == 2:
                value = call(client, argv[1])
            elif size == 4:
                value = call(client, argv[1], argv[2], argv[3])
            else:
                value = call(client)
        except Exception as failure:
            value = failed(engine, client, entry, failure)
        if (kind := value.__class__) is Status:
            out.append(value.wire)
        elif kind is bytes and len(value) < 1024:
            out += (BULK_HEADERS[len(value)], value, b"\r\n")
        elif kind is int and 0 <= value < 1024:
            out.append(INTEGERS[value])
        elif not client.output_max:
            out.append(client.encoders[kind](value))
        elif not client.reply(value):
            return
    if quick:
        _count(engine, client, batch, entry, quick, ticks() - started)


def run_one(engine: Engine, client: Client, argv: Argv) -> None:
    """`run` for the only command of a read, as most reads are: nothing is made ready for others."""
    entry = engine.entries.get(argv[0])
    size = len(argv)
    if entry is None or client.gates or engine.gates or not entry.quick_sizes >> size & 1:
        _leave(engine, client, entry, argv, iter(()))
        return
    ticks = engine.clock.ticks_ns
    started = ticks()
    entry.calls += 1
    client.argv = argv
    try:
        if size == 3:
            value = entry.call(client, argv[1], argv[2])
        elif size == 2:
            value = entry.call(client, argv[1])
        elif size == 4:
            value = entry.call(client, argv[1], argv[2], argv[3])
        else:
            value = entry.call(client)
    except Exception as failure:
        value = failed(engine, client, entry, failure)
    nanoseconds = ticks() - started
    entry.sample(nanoseconds)
    stats = engine.stats
    stats.commands += 1
    stats.command_ns += nanoseconds
    client.commands += 1
    client.last_entry = entry
    if nanoseconds >= engine.slow_ns:
        client.redacted = ()
        note_slow(engine, client, entry, argv, nanoseconds)
    if value.__class__ is Status:
        client.out.append(value.wire)
    elif client.output_max:
        client.reply(value)
    else:
        client.out.append(client.encoders[value.__class__](value))


def _count(
    engine: Engine, client: Client, batch: Sequence[Argv], last: Entry | None, quick: int, nanoseconds: int
) -> None:
    """So many quick commands of a read took so long together: by turns one of them takes the mean as its sample."""
    stats = engine.stats
    argv = batch[stats.turns % len(batch)]
    entry = engine.entries.get(argv[0])
    if entry is None or not entry.quick_sizes:
        argv, entry = _quick_one(engine, batch)
    entry.sample(nanoseconds // quick)
    stats.turns += 1
    stats.commands += quick
    stats.command_ns += nanoseconds
    client.commands += quick
    client.last_entry = last
    if nanoseconds >= engine.slow_ns:
        client.redacted = ()
        note_slow(engine, client, entry, argv, nanoseconds)


def _quick_one(engine: Engine, batch: Sequence[Argv]) -> tuple[Argv, Entry]:
    """The first quick command of a read that has one."""
    for argv in batch:
        entry = engine.entries.get(argv[0])
        if entry is not None and entry.quick_sizes:
            return argv, entry
    raise LookupError("no quick command was counted")


def _leave(engine: Engine, client: Client, entry: Entry | None, argv: Argv, commands: Iterator[Argv]) -> bool:
    """A command off the plain path: one that is timed alone, a transaction that came as a whole, or any other.

    False if its client waits now; then the commands behind it are kept.
    """
    if entry is None or client.gates or engine.gates:
        dispatch(engine, client, argv)
    elif entry.plain and entry.minimum <= len(argv) <= entry.maximum:
        client.argv = argv
        value = timed(engine, client, entry, argv, entry.call)
        if client.output_max:
            client.reply(value)
        elif value is not NO_REPLY:  # else a script goes on in the background
            client.out.append(client.encoders[value.__class__](value))
    elif entry is engine.multi and not (engine.router or client.output_max):
        _transact(engine, client, argv, commands)
    else:
        dispatch(engine, client, argv)
    if client.waiting is None:
        return True
    client.keep(commands)
    return False


def _transact(engine: Engine, client: Client, multi: Argv, commands: Iterator[Argv]) -> None:
    """MULTI. If plain commands and their EXEC came with it, as clients send them, they run back to back right away."""
    queue, whole = up_to_exec(engine, commands)
    if not whole or engine[Watches].count(client):
        dispatch(engine, client, multi)
        run(engine, client, queue)
        return
    queue.pop()
    client.out.append(b"+OK\r\n" + b"+QUEUED\r\n" * len(queue) + b"*%d\r\n" % len(queue))
    if engine.record is not None:
        with engine[Propagation].transaction():
            run(engine, client, queue)
    else:
        run(engine, client, queue)
    engine.multi.calls += 1
    engine.exec.calls += 1
    client.last_entry = engine.exec
    engine.stats.commands += 2
    client.commands += 2
