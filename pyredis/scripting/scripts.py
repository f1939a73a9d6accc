"""Scripts that EVAL and SCRIPT LOAD bring, cached by the SHA-1 of their text, and how one is run.

Those that came by EVAL are forgotten when more than 500 others were used since (Redis 7.4); those of SCRIPT LOAD stay
until SCRIPT FLUSH. Lua itself is loaded when the first script runs.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from copy import copy
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from pyredis.engine.command_table.arguments import integer
from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.propagation import Propagation
from pyredis.engine.memory.eviction import Eviction
from pyredis.engine.memory.used_memory import Memory
from pyredis.engine.messaging.monitors import Monitors
from pyredis.errors import CommandError, master_down, out_of_memory
from pyredis.protocol.replies import ErrorReply
from pyredis.scripting.calls import Calls, Run
from pyredis.scripting.faults import ScriptFault
from pyredis.scripting.shebang import script_flags

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.scripting.debugger import Debugger
    from pyredis.scripting.interpreter import Interpreter
    from pyredis.scripting.overrun import Overrun

EVAL_CACHED_MAX = 500
SCRIPT_SIZE = 600
"""About the bytes of a cached script besides its text."""

# A brief script is made of nothing but these. Comments and long strings are not among them, so what looks like a string
# is one.
_BRIEF_MAX = 1000
_STRING = re.compile(rb"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"""", re.DOTALL)
_BRIEF = re.compile(
    rb"\s|[(){},;=~<>+*/%^#]|-(?!-)|\.\.(?!\.)|\b\d+(?:\.\d+)?(?![\w.])|\b(?:KEYS|ARGV)\[\d+\]"
    rb"|\bredis\.(?:call|pcall|error_reply|status_reply)\b"
)
_NAME = re.compile(rb"[A-Za-z_]\w*")
_LOCALS = re.compile(rb"\blocal\s+(\w+(?:\s*,\s*\w+)*)")
_BRIEF_WORDS = frozenset(
    b"return local if then else elseif end and or not nil true false pcall KEYS ARGV tonumber".split()
)
_LASTING_WORDS = frozenset(b"for while repeat until do function in break".split())
Step = Callable[[Any, int, Sequence[bytes]], Any]
"""Runs a compiled script with so many keys, and arguments, that follow in one sequence."""

SMALL = {b"%d" % count: count for count in range(16)}
"""The numbers of keys that most scripts have: found quicker than parsed."""


class Script:
    """A cached script; `flags` is None without a shebang, `function` is Lua's once compiled.

    `brief`: it cannot run for long.
    """

    __slots__ = ("body", "brief", "code", "evicts", "flags", "function", "sha")

    def __init__(self, sha: bytes, body: bytes) -> None:
        self.sha = sha
        self.body = body
        self.flags, self.code = script_flags(body)
        self.function: Any = None
        self.brief = is_brief(self.code)
        self.evicts = True


def is_brief(code: bytes) -> bool:
    """Whether a script cannot run for long, whatever its arguments: straight lines that call commands."""
    if len(code) > _BRIEF_MAX:
        return False
    code = _STRING.sub(b" ", code)
    rest = _BRIEF.sub(b" ", code)
    own = {name for names in _LOCALS.findall(code) for name in _NAME.findall(names)} - _LASTING_WORDS
    return not _NAME.sub(b"", rest).strip() and own.union(_BRIEF_WORDS).issuperset(_NAME.findall(rest))


class Scripts:
    """The cache, and the interpreter that is made when first needed."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.calls = Calls(engine)
        self._by_sha: OrderedDict[bytes, Script] = OrderedDict()
        self._by_body: dict[bytes, Script] = {}
        self.evicting = 0  # scripts that came by EVAL
        self._interpreter: Interpreter | None = None
        parts = engine[Memory].parts
        parts["vm_eval"] = lambda: self._interpreter.memory if self._interpreter is not None else 0
        parts["scripts_eval"] = lambda: sum(SCRIPT_SIZE + len(body) for body in self._by_body)
        engine.info.add("Memory", lambda: {"number_of_cached_scripts": len(self)})
        self._overrun: Overrun | None = None
        self._debugger: Debugger | None = None
        self.copy: Callable[[], Engine] = _no_copy  # an engine of its own with the same dataset: `assembly` makes it

    def __len__(self) -> int:
        return len(self._by_sha)

    @property
    def interpreter(self) -> "Interpreter":
        """Lua; loaded by the first use."""
        if self._interpreter is None:
            from pyredis.scripting.interpreter import Interpreter  # a server that runs no script never loads Lua

            self._interpreter = Interpreter(self._engine, self.calls, self.overrun.tick, chunk=b"user_script")
        return self._interpreter

    @property
    def overrun(self) -> "Overrun":
        """What lets the server answer while a script runs too long."""
        if self._overrun is None:
            from pyredis.scripting.overrun import Overrun

            self._overrun = overrun = Overrun(self._engine, self.calls)
            self.calls.breathe = overrun.breathe
        return self._overrun

    @property
    def debugger(self) -> "Debugger":
        """Who debugs; made when the first client wants to."""
        if self._debugger is None:
            from pyredis.scripting.debugger import Debugger

            self._debugger = Debugger(self._engine, self.copy, _evaluate_once)
        return self._debugger

    def debugs(self, client: "Client") -> bool:
        """Whether the client's scripts run under the debugger."""
        return self._debugger is not None and client in self._debugger.forked

    def for_once(self, calls: Calls, interpreter: "Interpreter", overrun: Any) -> "Scripts":
        """Scripts for one run of the debugger: with a cache, an interpreter and a way to run of their own."""
        scripts = copy(self)
        scripts.calls, scripts._interpreter, scripts._overrun = calls, interpreter, overrun
        scripts._by_sha, scripts._by_body, scripts.evicting = OrderedDict(), {}, 0
        return scripts

    # The cache

    def load(self, body: bytes, *, by_eval: bool = False) -> Script:
        """A script by its text, compiled and cached. Raises CommandError with what is wrong in it."""
        script = self._by_body.get(body)
        if script is None:
            script = Script(sha1(body).hexdigest().encode(), body)
            self._compiled(script)
            self._by_body[body] = self._by_sha[script.sha] = script
            self.evicting += 1
            self._evict()
        if not by_eval and script.evicts:
            script.evicts = False
            self.evicting -= 1
        return script

    def evaluated(self, body: bytes) -> Script:
        """EVAL's script by its text."""
        return self._by_body.get(body) or self.load(body, by_eval=True)

    def find(self, sha: bytes) -> Script:
        """A cached script by its digest in any case. Raises NOSCRIPT."""
        script = self._by_sha.get(sha) or self._by_sha.get(sha.lower())
        if script is None:
            raise CommandError(b"No matching script. Please use EVAL.", b"NOSCRIPT")
        return script

    def known(self, sha: bytes) -> bool:
        """Whether a script with this digest is cached."""
        return sha.lower() in self._by_sha

    def flush(self) -> None:
        """Forget all scripts and Lua's state."""
        self._by_sha.clear()
        self._by_body.clear()
        self.evicting = 0
        self._interpreter = None

    def _compiled(self, script: Script) -> Any:
        if script.function is None:
            try:
                script.function = self.interpreter.compile(script.code)
            except ScriptFault as failure:
                raise CommandError(b"Error compiling script (new function): " + failure.line)
        return script.function

    def _evict(self) -> None:
        while self.evicting > EVAL_CACHED_MAX:
            oldest = next(script for script in self._by_sha.values() if script.evicts)
            del self._by_sha[oldest.sha], self._by_body[oldest.body]
            self.evicting -= 1
            self._engine.stats.evicted_scripts += 1

    # Running

    def evaluate(
        self,
        client: "Client",
        find: Callable[[bytes], Script],
        text: bytes,
        numkeys: bytes,
        words: Sequence[bytes],
        readonly: bool,
    ) -> Any:
        """EVAL and its kin: `words` are keys, so many as `numkeys` says, and arguments."""
        engine = self._engine
        if self._debugger is not None and client in self._debugger.forked:
            return self._debugger.begin(client)
        if engine.gates & detours.MONITORED:
            engine[Monitors].feed(client, client.argv)
        count = key_count(numkeys, words)
        script = find(text)
        if script.evicts:
            self._by_sha.move_to_end(script.sha)
        run = Run(client, script.sha, readonly, False)
        if script.flags is not None:
            demand_no_cluster(client, script.flags)
            run.readonly = permitted(script.flags, readonly)
            demand_memory(client, script.flags)
            run.allows_oom = "allow-oom" in script.flags
            run.crosses_slots = "allow-cross-slot-keys" in script.flags
        elif engine.gates & gates.MASTER_GONE and client.role.gates & gates.MASTER_GONE:
            raise master_down()
        function = script.function or self._compiled(script)
        step = (self._interpreter or self.interpreter).run
        if script.brief:  # it cannot go on in the background, and is spared the switches between greenlets
            return self._inside(run, step, function, count, words)
        return self.run(run, step, function, count, words)

    def run(self, run: Run, step: Step, function: Any, count: int, words: Sequence[bytes]) -> Any:
        """Run a script by `step`, which takes the rest: its value, or NO_REPLY when it goes on in the background."""
        run.began_ns = self._engine.clock.ticks_ns()
        return self.overrun.run(run.caller, self._inside, run, step, function, count, words)

    def suspendable(self, client: "Client", step: Callable[[], Any]) -> Any:
        """Run something that may contain scripts, and so may be suspended."""
        return self.overrun.run(client, step)

    def _inside(self, run: Run, step: Step, function: Any, count: int, words: Sequence[bytes]) -> Any:
        calls = self.calls
        calls.begin(run)
        try:
            if self._engine.record is None:
                value = step(function, count, words)
            else:
                with self._engine[Propagation].transaction():
                    value = step(function, count, words)
        finally:
            calls.end()
            lua = self._interpreter
            if lua is not None and lua.tidy():
                self._renew()
        if value.__class__ is ErrorReply:
            raise ScriptFault(value.line)
        return value

    def _renew(self) -> None:
        """A script that filled Lua's memory leaves an interpreter that cannot go on: another takes its place."""
        self._interpreter = None
        for script in self._by_sha.values():
            script.function = None

    def kill(self, *, function: bool) -> None:
        """SCRIPT KILL and FUNCTION KILL. Raises NOTBUSY, UNKILLABLE or BUSY."""
        run = self.calls.run
        if run is None:
            raise CommandError(b"No scripts in execution right now.", b"NOTBUSY")
        if run.dirty:
            raise CommandError(
                b"Sorry the script already executed write commands against the dataset. You can either wait the script "
                b"termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
                b"UNKILLABLE",
            )
        if run.function is not function:
            raise CommandError(self._engine.busy, b"BUSY")
        run.killed = True


def _evaluate_once(
    client: "Client", argv: Sequence[bytes], calls: Calls, interpreter: "Interpreter", overrun: Any
) -> Any:
    """EVAL or EVAL_RO in a session of the debugger."""
    scripts = client.engine[Scripts].for_once(calls, interpreter, overrun)
    return scripts.evaluate(client, scripts.evaluated, argv[1], argv[2], argv[3:], argv[0].lower() == b"eval_ro")


def _no_copy() -> "Engine":
    raise CommandError(b"There is no copy of the dataset to debug with, use SCRIPT DEBUG SYNC")


def key_count(numkeys: bytes, words: Sequence[bytes]) -> int:
    """How many of the words are keys. Raises Redis's errors."""
    count = SMALL.get(numkeys)
    if count is None:
        count = integer(numkeys)
    if count > len(words):
        raise CommandError(b"Number of keys can't be greater than number of args")
    if count < 0:
        raise CommandError(b"Number of keys can't be negative")
    return count


def permitted(flags: frozenset[str], readonly: bool) -> bool:
    """Whether a script with these flags may only read. Raises where a writing one was called by a reading command."""
    if "no-writes" in flags:
        return True
    if readonly:
        raise CommandError(b"Can not execute a script with write flag using *_ro command.")
    return False


def demand_no_cluster(client: "Client", flags: frozenset[str]) -> None:
    """A script may say that it does not run in a cluster."""
    if client.engine.router is not None and "no-cluster" in flags:
        raise CommandError(b"Can not run script on cluster, 'no-cluster' flag is set.")


def demand_memory(client: "Client", flags: frozenset[str]) -> None:
    """A script that may write and declares its flags needs memory to start, unless `allow-oom` is among them."""
    if client.engine[Eviction].refuses and not flags & {"no-writes", "allow-oom"}:
        if client.transaction is None:
            raise out_of_memory()
        text = b"allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
        raise CommandError(text, b"OOM")
