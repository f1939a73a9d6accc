"""A master's stream, applied: its commands take effect here, and then it is passed on as it came.

Commands of the stream are believed: no gate is asked, and an error is only logged, for the master has executed them.
A replica that nobody else may write to can be told to panic instead, for then its data differs from the master's.
They take effect in whole transactions, and so does the count of bytes that is acknowledged. Keys past their time are
seen, for the master deletes them in its own time.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyredis.engine.command_table.command import ADMIN, SKIP_MONITOR
from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.dispatch import failed, timed
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.messaging.invalidation import Tracking
from pyredis.engine.messaging.monitors import Monitors
from pyredis.errors import CommandError, wrong_arity
from pyredis.persistence.append_log import ON, AppendLog
from pyredis.protocol.encoder import encode_command
from pyredis.protocol.parser import Argv
from pyredis.protocol.replies import ErrorReply
from pyredis.replication.stream_parser import StreamParser, Transactions, Whole

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine

_PANIC = ("panic", "panic-on-replicas")
_ASKS = [b"REPLCONF", b"GETACK"]


class AppliedStream:
    """`send` takes what is for the master."""

    def __init__(self, engine: "Engine", client: "Client", send: Callable[[bytes], object]) -> None:
        self._engine = engine
        self._client = client
        self._send = send
        self._propagation = engine[Propagation]
        self._view = engine[ExpiryView]
        self._parser = StreamParser()
        self._transactions = Transactions()
        self._name = "<unknown>"  # of the last command that was known

    @property
    def received(self) -> int:
        """The offset up to which the stream has come."""
        return self._propagation.offset + self._parser.held + self._transactions.held

    def feed(self, data: bytes) -> None:
        """Apply what is whole now. Raises ProtocolError."""
        engine = self._engine
        client = self._client
        client.bytes_in += len(data)
        for whole in self._parser.feed(data):
            batches, passed = self._transactions.feed(whole)
            if engine.gates & gates.DISK_ERROR and whole.commands:
                self._demand_disk()
            engine.tick()
            client.last_active = engine.keyspace.now
            self._view.update(of_master=True)
            for batch in batches:
                if batch.is_transaction:
                    with self._propagation.transaction():
                        self._run_all(batch.commands)
                else:
                    self._run_all(batch.commands)
            self._view.update(of_master=False)
            if passed:
                self._propagation.pass_on(passed)
            client.wrote = self._propagation.offset
            if b"GETACK" in whole.data:
                self._answer_questions(whole)
        if engine.gates & detours.WAITED_FOR:
            engine[Blocking].serve()

    def _demand_disk(self) -> None:
        """A replica that cannot keep what it says it has must not go on, unless told to."""
        if not self._engine.config["replica-ignore-disk-write-errors"]:
            self._engine.log.critical("Replica was unable to write command to disk.")
            self._engine.give_up()

    def _run_all(self, commands: list[Argv]) -> None:
        """Run commands; those that cannot take long are timed together, and one stands for them."""
        engine, client = self._engine, self._client
        find, ticks = engine.entries.get, engine.clock.ticks_ns
        started, count, last = ticks(), 0, None
        is_watched = engine.gates & (detours.MONITORED | detours.TRACKED | detours.MEASURED)
        for argv in commands:
            entry = find(argv[0])
            if entry is None or is_watched or not entry.sizes >> len(argv) & 1:
                self._run(argv)
                continue
            client.argv = argv
            try:
                value = entry.effect(client, *argv[1:])
            except Exception as failure:
                value = failed(engine, client, entry, failure)
            entry.calls += 1
            count, last = count + 1, entry
            if value.__class__ is ErrorReply:
                self._name = entry.command.name
                self._complain(value.line)
        if last is not None:
            self._count(last, count, ticks() - started)

    def _count(self, last: "Entry", count: int, nanoseconds: int) -> None:
        last.sample(nanoseconds // count)
        self._name = last.command.name
        stats = self._engine.stats
        stats.commands += count
        stats.command_ns += nanoseconds
        self._client.commands += count
        self._client.last_entry = last

    def _run(self, argv: Argv) -> None:
        engine, client = self._engine, self._client
        client.begin(argv)
        try:
            entry = engine.find(argv)
            if not entry.takes(len(argv)):
                raise wrong_arity(entry.command.name)
        except CommandError as failure:
            engine.stats.count_error(failure.line)
            self._complain(failure.line)
            return
        self._name = entry.command.name
        value = timed(engine, client, entry, argv, entry.effect)
        if engine.meter is not None:
            engine.meter.applied(entry, argv)
        if engine.gates & (detours.MONITORED | detours.TRACKED):
            self._tell(entry, argv)
        if value.__class__ is ErrorReply:
            self._complain(value.line)

    def _tell(self, entry: "Entry", argv: Argv) -> None:
        """Those who watch what is done here."""
        engine, client = self._engine, self._client
        if engine.gates & detours.MONITORED and not entry.command.flags & (ADMIN | SKIP_MONITOR):
            engine[Monitors].feed(client, argv)
        if engine.gates & detours.TRACKED:
            engine[Tracking].done(client, entry)

    def _complain(self, line: bytes) -> None:
        engine = self._engine
        text = line.decode("utf-8", "backslashreplace")
        engine.log.warning(
            "== CRITICAL == This replica is sending an error to its master: '%s' after processing the command '%s'",
            *(text, self._name),
        )
        engine.stats.unexpected_errors += 1
        if engine.config["replica-read-only"] and engine.config["propagation-error-behavior"] in _PANIC:
            text = "This replica panicked sending an error to its master after processing the command '%s'"
            engine.log.critical(text, self._name)
            engine.give_up()

    # How far we are

    def acknowledge(self, behind: int = 0) -> None:
        """Tell the master what took effect, but for the last bytes `behind`, and what is on disk here."""
        offset, log = self._propagation.offset - behind, self._engine[AppendLog]
        words = [b"REPLCONF", b"ACK", b"%d" % offset]
        if log.state == ON:
            words += [b"FACK", b"%d" % min(log.synced_offset, offset)]
        data = encode_command(words)
        self._client.bytes_out += len(data)
        self._engine.stats.bytes_out += len(data)
        self._send(data)

    def _answer_questions(self, whole: Whole) -> None:
        """REPLCONF GETACK: the answer tells what stood before the question."""
        for at, argv in enumerate(whole.commands):
            if len(argv) == 3 and [word.upper() for word in argv[:2]] == _ASKS:
                self.acknowledge(sum(len(encode_command(later)) for later in whole.commands[at:]))
