"""redis.call and redis.pcall: commands that a script runs, through the engine like any client's.

They run as one client of the engine's that no connection stands behind. It may not wait, and it may not run commands
marked `noscript`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pyredis.datatypes.key_slot import key_slot
from pyredis.datatypes.numeric import format_double
from pyredis.engine.acl.acl_log import LUA, AclLog
from pyredis.engine.client import Client
from pyredis.engine.command_table.command import DENYOOM, MAY_REPLICATE, NOSCRIPT, STALE, WRITE
from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.blocking import unless_blocked
from pyredis.engine.execution.dispatch import call, failed, timed
from pyredis.engine.execution.propagation import EVERYBODY, Propagation
from pyredis.engine.execution.roles import SCRIPT
from pyredis.engine.memory.eviction import Eviction
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError, Redirection, out_of_memory, read_only_replica, too_few_replicas
from pyredis.protocol.replies import ErrorReply
from pyredis.scripting.conversion import number_text
from pyredis.scripting.faults import ScriptFault, fault

if TYPE_CHECKING:
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine

SLOW_NS = 1_000_000
"""A command that took longer lets Lua's hook be asked at once."""

_NOTHING = (None,)

SAMPLED_OF = 8
"""Of so many calls of a command that cannot take long one is timed."""


_CROSSES = b"Script attempted to access keys that do not hash to the same slot"
_NOT_HERE = {
    b"CLUSTERDOWN Hash slot not served": b"Script attempted to access a slot not served",
    b"CLUSTERDOWN The cluster is down": b"Script attempted to execute a command while the cluster is down",
    b"CLUSTERDOWN The cluster is down and only accepts read commands": (
        b"Script attempted to execute a write command while the cluster is down and readonly"
    ),
    b"CROSSSLOT Keys in request don't hash to the same slot": (
        b"Command '%b' in script attempted to access keys that don't hash to the same slot"
    ),
    b"TRYAGAIN Multiple keys request during rehashing of slot": (
        b"Unable to execute command '%b' in script because undeclared keys were accessed during rehashing of the slot"
    ),
}
"""What a script is told instead of what a client is; `%b` is the command's name."""
_ELSEWHERE = b"Script attempted to access a non local key in a cluster node"


class Run:
    """One run of a script: who called it, what it may do, and what it did. `slot`: of its keys so far, in a cluster.

    `began_ns`: in the clock's ticks, where it may be put aside; `due_ns`: when it is to be, 0 before Lua's first tick,
    which also sets `started`, ms since 1970.
    """

    allows_oom = dirty = killed = False
    crosses_slots = True
    slot: int | None = None
    began_ns = due_ns = started = 0

    def __init__(self, caller: Client, name: bytes, readonly: bool, function: bool) -> None:
        self.caller = caller
        self.name = name
        self.readonly = readonly
        self.function = function


class Calls:
    """Runs a script's commands; `run` is the script that runs now."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.client = engine[Clients].internal(SCRIPT)
        self.run: Run | None = None
        self._propagation = engine[Propagation]
        self.breathe: Callable[[], None] = _go_on  # called after a command that took long: see `Overrun.breathe`
        self.denies = True  # DEBUG SET-DISABLE-DENY-SCRIPTS: commands marked `noscript` are refused

    def begin(self, run: Run) -> None:
        """Commands are now the script's: in its caller's database, RESP2."""
        self.run = run
        client, caller = self.client, run.caller
        caller.rewritten = ()  # what the script does propagates, never the script
        client.db, client.user, client.no_touch = caller.db, caller.user, caller.no_touch
        client.resp, client.wrote = 2, 0
        # What the script reads, its caller may keep.
        client.id, client.tracking = caller.id, caller.tracking
        client.gates = (
            caller.gates & (detours.TRACKING | detours.NO_TOUCH | gates.RESTRICTED) | self._engine.aside & gates.ROUTED
        )

    def propagate_to(self, who: int) -> None:
        """redis.set_repl: who hears of what the script changes from now on."""
        self._propagation.to = who

    def end(self) -> None:
        """No script runs."""
        self.run = None
        self._propagation.to = EVERYBODY

    @property
    def caller_resp(self) -> int:
        """The protocol version of the client that will get the script's reply."""
        return 2 if self.run is None else self.run.caller.resp

    def count_errors(self, lines: list[bytes], known: int) -> None:
        """Errors inside of what a script answers: each `known` one, counted when it came up, fails the call anew."""
        run, engine = self.run, self._engine
        for line in lines:
            engine.stats.count_error(line)
        if run is not None:
            engine.find(run.caller.argv).failed += known + bool(lines)

    def execute(self, argv: Sequence[Any]) -> Any:
        """The value of a command, errors among them as ErrorReply. Raises ScriptFault when it may not run.

        The short way is for a plain command of strings where nothing stands in between.
        """
        for word in argv or _NOTHING:
            if word.__class__ is not bytes:
                argv = self.words(argv)
                break
        engine, client, run = self._engine, self.client, self.run
        entry = engine.entries.get(argv[0])
        if entry is None or not entry.plain or entry.script or run is None or run.readonly:
            return self._execute(argv)
        if client.gates or engine.gates or not entry.minimum <= len(argv) <= entry.maximum:
            return self._execute(argv)
        if entry.command.flags & WRITE:
            run.dirty = True
        client.argv = [*argv]
        if entry.calls % SAMPLED_OF and entry.quick_sizes >> len(argv) & 1:
            return self._quick(entry, argv)
        value = timed(engine, client, entry, argv, entry.effect)
        if engine.stats.last_ns > SLOW_NS:
            self.breathe()
        return value

    def _quick(self, entry: "Entry", argv: Sequence[Any]) -> Any:
        """A command that cannot take long, and need not be timed."""
        engine, client = self._engine, self.client
        try:
            value = entry.effect(client, *argv[1:])
        except Exception as failure:
            value = failed(engine, client, entry, failure)
        entry.calls += 1
        engine.stats.commands += 1
        client.last_entry = entry
        return value

    def _execute(self, words: Sequence[bytes]) -> Any:
        engine, client = self._engine, self.client
        argv = list(words)
        entry = self._admitted(argv)
        client.begin(argv)
        value = unless_blocked(call(engine, client, entry, argv))
        if engine.stats.last_ns > SLOW_NS:
            self.breathe()
        return value

    def words(self, argv: Sequence[Any]) -> list[bytes]:
        """Lua's arguments as a command. Raises ScriptFault for what is neither a string nor a number."""
        if not argv:
            raise fault(b"Please specify at least one argument for this redis lib call")
        words = [*argv]
        for at, word in enumerate(argv):
            kind = word.__class__
            if kind is not bytes:
                if kind is int and -(1 << 62) <= word <= 1 << 62:
                    words[at] = b"%d" % word
                elif kind is int or kind is float:
                    words[at] = number_word(word)
                else:
                    raise fault(b"Lua redis lib command arguments must be strings or integers")
        return words

    def _admitted(self, words: list[bytes]) -> "Entry":
        run = self.run
        found = self._engine.entries.get(words[0])
        if found is None or found.subentries:
            try:
                found = self._engine.find(words)
            except CommandError:
                raise self._refused(None, b"Unknown Redis command called from script")
        entry = found
        if not entry.takes(len(words)):
            raise self._refused(entry, b"Wrong number of args calling Redis command from script")
        flags = entry.command.flags
        if run is None or (flags & NOSCRIPT and self.denies):
            raise self._refused(entry, b"This Redis command is not allowed from script")
        if self.client.gates & gates.RESTRICTED:
            self._permitted(entry, words)
        if run.readonly and flags & (WRITE | MAY_REPLICATE):
            raise self._refused(entry, b"Write commands are not allowed from read-only scripts.")
        standing = (self._engine.gates | self._engine.aside) & run.caller.role.gates
        if flags & DENYOOM and standing & gates.OVER_LIMIT:
            self._demand_memory(run, entry)
        if standing & gates.MASTER_GONE and not flags & STALE:
            raise self._refused(entry, b"Can not execute the command on a stale replica")
        if flags & WRITE:
            if standing & gates.READ_ONLY:
                raise self._refused(entry, read_only_replica().line)
            if standing & gates.DISK_ERROR and not run.dirty:
                raise self._refused(entry, next(iter(self._engine.disk_errors.values())))
            if standing & gates.FEW_REPLICAS and not run.dirty:
                raise self._refused(entry, too_few_replicas().line)
            run.dirty = True
        if self.client.gates & gates.ROUTED and not run.caller.role.is_obeyed:
            self._at_home(run, entry, words)
        return entry

    def _at_home(self, run: Run, entry: "Entry", words: list[bytes]) -> None:
        """In a cluster a script's keys are this node's, and of one slot unless it says that they may not be."""
        engine = self._engine
        assert engine.router is not None
        if run.slot is None:
            declared = engine.find(run.caller.argv).command.places_in(run.caller.argv)
            run.slot = key_slot(declared[0]) if declared else None
        try:
            slot = engine.router.slot_of(run.caller, entry, words)
        except Redirection as redirection:
            text = _NOT_HERE.get(redirection.line, _ELSEWHERE)
            raise self._refused(entry, text.replace(b"%b", entry.command.name.encode())) from None
        if slot is not None and not run.crosses_slots and run.slot not in (slot, None):
            raise self._refused(entry, _CROSSES)
        run.slot = run.slot if slot is None else slot
        if engine.meter is not None and slot is not None:
            engine.meter.called(None if run.crosses_slots else slot)

    def _permitted(self, entry: "Entry", words: list[bytes]) -> None:
        """A script may do what its caller may. Raises ScriptFault."""
        user, command = self.client.user, entry.command
        refusal = user.refusal(command, words)
        if refusal is not None:
            self._engine[AclLog].refused(self.client, command, words, refusal, LUA)
            reason = user.refusal_text(refusal, command, words, tells_all=False)
            raise self._refused(entry, b"ACL failure in script: " + reason)

    def _demand_memory(self, run: Run, entry: "Entry") -> None:
        """A first write is refused if there was no memory when the script began; later ones cannot be."""
        if not (run.dirty or run.allows_oom) and self._engine[Eviction].refuses:
            raise self._refused(entry, out_of_memory().line)

    def _refused(self, entry: "Entry | None", text: bytes) -> ScriptFault:
        has_code = text.startswith((b"OOM ", b"MISCONF ", b"NOREPLICAS ", b"READONLY "))
        refusal = ScriptFault(text, counted=True) if has_code else fault(text, counted=True)
        self._engine.stats.count_error(refusal.line)
        if entry is not None:
            entry.rejected += 1
        return refusal


def _go_on() -> None:
    """Before there is a Lua."""


def number_word(number: float) -> bytes:
    """A Lua number as a command's argument: without an exponent while it is a whole number that has its place."""
    if number != number:
        return number_text(number)
    return format_double(float(number))


def raised(value: Any) -> Any:
    """A command's value for redis.call: raises ScriptFault for an error."""
    if value.__class__ is ErrorReply:
        raise ScriptFault(value.line, counted=True)
    return value
