"""The engine: commands, clients and databases put together, without a socket and without a wait.

It knows no service. Components (slow log, monitors, pause, …) hang on it, found by their class: `assembly` adds them,
and each brings its own INFO section and cron step. What a service has to do with a command, it hooks in (`record`,
`route`, `on_shutdown`, …). `execution` runs commands, for services too.
"""

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, Protocol, TypeVar

from pyredis.config.store import Config
from pyredis.datatypes.collection_limits import CollectionLimits
from pyredis.engine.command_table.command import TABLE, WRITE, Command, Handler
from pyredis.engine.command_table.entry import Entry
from pyredis.engine.command_table.renaming import put, rename_commands
from pyredis.engine.execution import gates
from pyredis.engine.execution.transaction import Transaction
from pyredis.engine.host import Host, Step
from pyredis.engine.observability.info import Info
from pyredis.engine.observability.stats import Stats
from pyredis.errors import CommandError, as_printed
from pyredis.keyspace.database import Keyspace
from pyredis.protocol.parser import Argv

T = TypeVar("T")

BUSY = gates.BUSY  # asked at each read


class Router(Protocol):
    """Tells whose keys are whose."""

    def route(self, client: Any, entry: Entry, argv: Argv) -> None:
        """A client's command, queued or not. Raises the error that leads to the node that has its keys."""

    def lead(self, entry: Entry) -> Handler:
        """A row's effect behind that question, for the plain path."""

    def slot_of(self, client: Any, entry: Entry, argv: Argv) -> int | None:
        """The slot of what a client's script calls, if that has keys. Raises as `route` does."""


class Meter(Protocol):
    """Hears what each command took that clients send, while the detour MEASURED stands."""

    def begin(self) -> Any:
        """One is about to run."""

    def applied(self, entry: Entry, argv: Argv) -> None:
        """One of a master's stream has run."""

    def called(self, slot: int | None) -> None:
        """A script has called a command with keys of this slot; None if it may go to several."""

    def end(self, begun: Any, client: Any, argv: Argv, value: Any, bytes_out: int) -> None:
        """It ran, or was refused, or waits: its value, and how long its reply is."""


_HZ_MAX, _CLIENTS_A_RUN = 500, 200


class Engine:
    """One server's state. `gates` is the server-wide word of `execution.gates`.

    Raises ConfigError when `config` renames commands in a way that is not possible.
    """

    def __init__(self, config: Config, host: Host, commands: Mapping[str, Command] = TABLE) -> None:
        self.config = config
        self.host = host
        self.log = host.log
        self.clock = clock = host.clock
        self._now_ms = clock.now_ms
        self.random = random = host.random
        clustered = config["cluster-enabled"]
        self.keyspace = Keyspace(1 if clustered else config["databases"], random, slotted=clustered)
        self.keyspace.now = clock.now_ms()
        self.started_ms = self.keyspace.now
        self.run_id = f"{random.getrandbits(160):040x}"
        self.limits = CollectionLimits(config)
        self.stats = Stats(host.log)
        self.info = Info()
        self.gates = 0
        self.slow_ns: float = inf  # from what duration somebody wants to hear of a command
        self._slow_thresholds: dict[str, float] = {}
        self.connected = 0  # clients: `Clients` counts them
        self.running: Any = None  # the client whose command runs, unless it is a plain one
        self.entries: dict[bytes, Entry] = {}  # what was asked for until now, under lower and upper case names
        self._commands = commands
        self._has_all = False
        self.record: Callable[[Entry], Handler] | None = None  # what follows from a change, while somebody reads it
        self.router: Router | None = None  # tells whose keys are whose
        self.aside = 0  # gates in no word: who they are for is led to them (`rewire`, `refuse_writes`)
        self.multi, self.exec = self._row("multi"), self._row("exec")
        if renames := config.directives.get("rename-command"):
            self._enter_all()
            rename_commands(self.entries, renames)
        self.on_shutdown: Callable[..., bool | None] | None = None  # SHUTDOWN calls it: set by what runs the process
        self.exit_checks: list[Callable[[bool | None, bool], bool]] = []  # may the server end? (save, force)
        self.cron_steps: list[Callable[[], None]] = []
        self.before_replies: list[Callable[[], None]] = []  # run before a reply leaves: the log is written first
        self.on_reset: list[Callable[[], None]] = []  # CONFIG RESETSTAT
        self.on_stop: list[Callable[[], None]] = []  # the server ends in order
        self.give_up: Callable[[], None] = _exit  # what was promised can no longer be kept: the process must end
        self.crash: Callable[[str, list[str]], None] | None = None  # DEBUG's crashes: set by what runs the process
        self.disk_errors: dict[str, bytes] = {}  # why writes are refused, by who cannot make them durable
        self.meter: Meter | None = None
        self.debugged: Callable[[Any, Argv], Any] = lambda client, argv: None  # takes what a client in a debugger sends
        self.script_flags: Callable[[Entry, Argv], int] = lambda entry, argv: entry.command.flags
        self.cron_paused = False  # DEBUG PAUSE-CRON
        self._cron_missed = False  # while a script overran
        self.busy = b""  # what the gate BUSY answers
        self._when_free: list[Step] = []
        self.components: dict[type, Any] = {}

    def add(self, component: Any) -> None:
        """Hang a component on the engine: found again by its class, `engine[SlowLog]`."""
        self.components[type(component)] = component

    def __getitem__(self, kind: type[T]) -> T:
        return self.components[kind]  # type: ignore[no-any-return]

    @property
    def hz(self) -> int:
        """How often a second cron runs; with `dynamic-hz` so often that there are at most 200 clients to one run."""
        hz: int = self.config["hz"]
        while self.config["dynamic-hz"] and hz < _HZ_MAX and self.connected // hz > _CLIENTS_A_RUN:
            hz = min(2 * hz, _HZ_MAX)
        return hz

    def note_slow_threshold(self, who: str, nanoseconds: int | None) -> None:
        """`who` wants to hear of commands that take at least this long; None: of none."""
        self._slow_thresholds[who] = inf if nanoseconds is None else nanoseconds
        self.slow_ns = min(self._slow_thresholds.values())

    def note_disk_error(self, who: str, line: bytes | None) -> None:
        """`who` cannot make writes durable, and `line` is what they are answered; None: it can again."""
        if line is None:
            self.disk_errors.pop(who, None)
        else:
            self.disk_errors[who] = line
        if self.disk_errors:
            self.gates |= gates.DISK_ERROR
        else:
            self.gates &= ~gates.DISK_ERROR

    def tick(self) -> None:
        """Read the clock: once a batch, so that everything in it sees one time."""
        if not self.gates & BUSY:  # a script sees one time from its beginning to its end
            self.keyspace.now = self._now_ms()

    def find(self, argv: Argv) -> Entry:
        """The row for a command or subcommand. Raises Redis's error for an unknown one."""
        entry = self.entries.get(argv[0]) or self.row(argv[0].lower())
        if entry is None:
            raise CommandError(_unknown_command(argv))
        if entry.subentries and len(argv) > 1:
            sub = entry.subentries.get(argv[1].lower())
            if sub is None:
                name = argv[0][:128].decode("latin-1").upper().encode("latin-1")
                raise CommandError(b"unknown subcommand '%b'. Try %b HELP." % (as_printed(argv[1], 128), name))
            return sub
        return entry

    def row(self, name: bytes) -> Entry | None:
        """The row of a command, by its name in lower case, subcommands apart; None if there is none."""
        entry = self.entries.get(name)
        if entry is None and not self._has_all:
            command = self._commands.get(name.decode("latin-1"))
            if command is not None and not command.container:
                entry = self._enter(command)
        return entry

    def _row(self, name: str) -> Entry:
        """A command's row; one that nobody finds where there is no such command."""
        return self.row(name.encode()) or Entry(TABLE[name])

    def _enter(self, command: Command) -> Entry:
        """Make a row: it is led as all others are."""
        entry = Entry(command)
        put(self.entries, command.name.encode(), entry)
        for one in (entry, *entry.subentries.values()):
            self._lead(one)
        return entry

    def _enter_all(self) -> None:
        for command in self._commands.values():
            if not command.container and command.name.lower().encode() not in self.entries:
                self._enter(command)
        self._has_all = True

    def flags(self, transaction: Transaction | None, entry: Entry, argv: Argv) -> int:
        """A command's flags: of a script those it declares, of EXEC those of every queued command."""
        if entry.script:
            return self.script_flags(entry, argv)
        flags = entry.command.flags
        if entry is self.exec and transaction is not None:
            for queued in transaction.queue:
                flags |= self.flags(None, queued.entry, queued.argv)
        return flags

    def shared_flags(self, transaction: Transaction | None, entry: Entry, argv: Argv) -> int:
        """The same, but of EXEC the flags that every queued command has."""
        flags = self.flags(None, entry, argv)
        if entry is self.exec and transaction is not None:
            for queued in transaction.queue:
                flags &= self.flags(None, queued.entry, queued.argv)
        return flags

    def every_row(self) -> Iterable[Entry]:
        """Every row once, subcommands behind their container."""
        if not self._has_all:
            self._enter_all()
        return self.rows()

    def rows(self) -> Iterable[Entry]:
        """The same of those commands that were asked for until now."""
        for entry in dict.fromkeys(self.entries.values()):
            yield entry
            yield from entry.subentries.values()

    def rewire(self) -> None:
        """After `record` or `router` was set: lead every row through them."""
        self.aside = self.aside & ~gates.ROUTED | (gates.ROUTED if self.router is not None else 0)
        for entry in self.rows():
            self._lead(entry)

    def _lead(self, entry: Entry) -> None:
        entry.effect = entry.handler if self.record is None else self.record(entry)
        entry.call = entry.effect
        if self.router is not None and entry.command.keys:
            entry.call = self.router.lead(entry)
        if self.aside & gates.READ_ONLY and _may_write(entry):
            entry.leave_plain_path(True)

    def refuse_writes(self, on: bool) -> None:
        """Clients may not write (a replica): what may do so leaves the plain path; reads go on as before."""
        if on == bool(self.aside & gates.READ_ONLY):
            return
        self.aside ^= gates.READ_ONLY
        for entry in self.rows():
            if _may_write(entry):
                entry.leave_plain_path(on)

    def cron(self) -> None:
        """Periodic work: `hz` times a second, or as soon as the script that overruns is done."""
        self.host.run_due()
        self.tick()
        if self.cron_paused:
            return
        if self.gates & gates.BUSY:
            self._make_up_for_cron()
            return
        for step in self.cron_steps:
            step()

    def _make_up_for_cron(self) -> None:
        """Else scripts that overrun one after the other would leave it no moment."""
        if self._cron_missed:
            return
        self._cron_missed = True

        def cron() -> None:
            self._cron_missed = False
            self.cron()

        def soon() -> None:
            self.host.soon(cron)

        self.when_free(soon)

    def when_free(self, step: Step) -> None:
        """Tick and run `step`: now, or when the script that overruns is done, for until then nothing changes."""
        if self.gates & gates.BUSY:
            self._when_free.append(step)
        else:
            self.tick()
            step()

    def freed(self) -> None:
        """The script that overran is done."""
        steps, self._when_free = self._when_free, []
        for step in steps:
            self.when_free(step)


def _exit() -> None:
    raise SystemExit(1)


def _may_write(entry: Entry) -> bool:
    return entry.script or bool(entry.command.flags & WRITE)


def _unknown_command(argv: Argv) -> bytes:
    """Redis's text, with the beginning of the arguments up to 128 bytes."""
    beginning = b""
    for word in argv[1:]:
        if len(beginning) >= 128:
            break
        beginning += b"'%b' " % as_printed(word, 128 - len(beginning))
    return b"unknown command '%b', with args beginning with: %b" % (as_printed(argv[0], 128), beginning)
