"""The Lua 5.1 interpreter: made when the first script comes, made anew after SCRIPT FLUSH or out of memory.

`sandbox.lua` builds what scripts see. Python's side is here: compiling, running, and the functions of `redis`.
Strings cross the border as bytes. No Python object but functions behind C closures is reachable from a script.

Memory: a script that would make Lua hold more than MEMORY_MAX bytes fails with `not enough memory`. What Python hands
to Lua is not protected that way, so there is room kept for it: see `_make_room`.
"""

import logging
from collections.abc import Callable, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lupa.lua51 import LuaError, LuaMemoryError, LuaRuntime

from pyredis.engine.execution.propagation import EVERYBODY
from pyredis.errors import CommandError
from pyredis.log_levels import VERBOSE
from pyredis.protocol.replies import ErrorReply
from pyredis.scripting.calls import Calls, raised
from pyredis.scripting.conversion import ToLua, number_text, to_integer
from pyredis.scripting.faults import Killed, ScriptFault, fault, killed
from pyredis.scripting.libraries import bit, msgpack, struct
from pyredis.scripting.libraries.lua_arguments import parse_number
from pyredis.scripting.overrun import FIRST_INTERVAL
from pyredis.scripting.rand48 import Rand48
from pyredis.scripting.results import DEEP, FAILED, MARKS, Mark, Result, error_line, one_line
from pyredis.scripting.tail_calls import kept, may_hide_lines

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

MEMORY_MAX = 1 << 30
COLLECT_FROM = 256 << 20
"""Bytes Lua may hold when a script begins before its garbage is collected."""

ROOM = 64 << 20
"""Bytes left free for what commands answer a script."""

_COLLECT_EVERY, _COLLECT_STEP = 100, 50
"""Every so many scripts Lua collects some garbage, lest it let twice as much come together as is in use."""

_PIECE = 1 << 20
_UNPACKED_MAX = 200
_LOG_LINE_MAX = 1024
_LATE = 4 * FIRST_INTERVAL
_LARGE_VALUE, _MANY = 64 << 10, 1000
_LOG_LEVELS = (logging.DEBUG, VERBOSE, logging.INFO, logging.WARNING)
_VERSION = b"8.2.3"
_SOURCES = ("cjson", "cmsgpack")
PARTS = ("watch", "patterns", "strings", "tables", "replies")


class Interpreter:
    """One Lua state. `tick(interval, memory)` is asked now and then whether a script may go on: see `Overrun.tick`.

    `parts` are the files that the sandbox is made of.
    """

    parts: tuple[str, ...] = PARTS

    def __init__(
        self,
        engine: "Engine",
        calls: Calls,
        tick: Callable[[int, int], int],
        *,
        chunk: bytes,
        register: Callable[..., None] | None = None,
    ) -> None:
        self._engine, self._calls, self._ticks = engine, calls, tick
        self._random = Rand48()
        self._runs = 0
        self._late = False  # the interval between ticks is too long for a script to begin with, or the last was killed
        self._chunk = b"@" + chunk
        self._register = register
        self.lua = LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_no_attributes,
            max_memory=MEMORY_MAX,
        )
        host = self.lua.table_from({b"chunk": chunk, b"first_interval": FIRST_INTERVAL, b"memory_max": MEMORY_MAX})
        for word, mark in MARKS.items():
            host[word.encode()] = mark
        for name, function in self._host().items():
            host[name] = function
        host[b"redis"] = self.lua.table_from(self._api())
        host[b"libraries"] = self.lua.table_from(
            {b"bit": self._library(bit.FUNCTIONS), b"struct": self._library(struct.functions(calls.breathe))}
        )
        sources, parts = (
            self.lua.table_from({name.encode(): _source(name) for name in names}) for names in (_SOURCES, self.parts)
        )
        made = self.lua.eval(b"function(code, ...) return assert(loadstring(code, '=pyredis'))(...) end")(
            _source("sandbox"), host, sources, parts
        )
        self._run, self._run_tables, self.run_function = (
            made[b"run"],
            made[b"run_tables"],
            made[b"run_function"],
        )
        self._begun = made[b"begin"]
        self._beware = made[b"beware"]  # Lua's hook comes soon
        self._where = made[b"where"]
        self._compile, self._collect = made[b"compile"], made[b"collect"]
        self.made = made  # kept: it holds what Python calls
        self._to_lua = ToLua(made[b"array"], made[b"field"], self.lua.table_from)
        self._tables = self._to_lua.tables

    # Scripts

    def compile(self, code: bytes) -> Any:
        """A script's function. Raises ScriptFault with Lua's complaint as its line."""
        self.tidy()  # what others left that were compiled, but not run
        made = self._compile(code, self._chunk)
        if made.__class__ is tuple:
            raise ScriptFault(made[1])  # without a function
        return made

    def run(self, function: Any, count: int, words: Sequence[bytes]) -> Any:
        """Run a compiled script with so many keys, and arguments: its value. Raises ScriptFault."""
        if words and sum(map(len, words)) > _LARGE_VALUE:
            self._make_room(words)
        if self._late:
            self._begin()
        try:
            if len(words) <= _UNPACKED_MAX:
                made = self._run(function, count, *words)
            else:
                made = self._run_tables(function, *self._split(count, words))
        except LuaError as failure:
            raise self._broken(failure)
        return self.value(made)

    def call_function(self, function: Any, count: int, words: Sequence[bytes]) -> Any:
        """Run a library's function with so many keys, and arguments: its value. Raises ScriptFault."""
        if sum(map(len, words)) > _LARGE_VALUE:
            self._make_room(words)
        if self._late:
            self._begin()
        try:
            made = self.run_function(function, *self._split(count, words))
        except LuaError as failure:
            raise self._broken(failure)
        return self.value(made)

    def load_library(self, function: Any) -> None:
        """Run a library's code. Raises ScriptFault with Lua's complaint as its line."""
        self._begin()
        try:
            failure = self.made[b"load_library"](function)
        except LuaError as broken:
            raise self._broken(broken)
        if failure is not None:
            raise ScriptFault(failure if isinstance(failure, bytes) else b"ERR unknown error")

    def value(self, made: Any) -> Any:
        """What the sandbox answered, as a reply. Raises ScriptFault for a script that failed."""
        kind: Any = made.__class__
        if kind is bytes or kind is int or made is None:
            return made
        result = Result(self._calls.client.resp, self._breathe)
        if kind is tuple:
            if made[0] is FAILED:
                raise self._failure(*made[1:])
            if made[0] is DEEP:
                value: Any = result.encoded(iter(made[1].values()), self._calls.caller_resp)
            else:
                value = result.value(iter(made))
        elif kind is bool or kind is float or kind is Mark:
            return result.scalar(made)
        else:
            value = result.value(iter(made.values()))
        if (result.errors or result.known) and value.__class__ is not ErrorReply:
            self._calls.count_errors(result.errors, result.known)
        return value

    def _broken(self, failure: LuaError) -> ScriptFault:
        """An error of our own code in Lua: of want of memory, or of a kill that came as the script had ended."""
        run = self._calls.run
        if run is not None and run.killed:
            return self._failure(killed().line, self._chunk, 1)
        return self._failure(str(failure).encode("utf-8", "surrogateescape"))

    def _failure(self, text: Any = None, source: Any = None, line: Any = None, counted: Any = None) -> ScriptFault:
        name = self._calls.run.name if self._calls.run is not None else b""
        if source is None and counted:
            return ScriptFault(error_line(text), counted=True)
        if source is None and line is None:
            text = text if isinstance(text, bytes) else b"execution failure"
            return ScriptFault(b"ERR Error running script %b, %b" % (name, text[:100]))
        if isinstance(text, int | float) and not isinstance(text, bool):
            text = number_text(text)
        if not isinstance(text, bytes):
            text = b"ERR unknown error"
        where = b" script: %b, on %b:%b." % (name, source, b"%d" % line)
        return ScriptFault(one_line(text.partition(b"\0")[0]) + where, counted=bool(counted))

    def _breathe(self) -> None:
        """Within a large result: the script may be put aside, or killed."""
        if not self._ticks(0, 0):
            raise self._failure(killed().line, self._chunk, 1)

    @property
    def memory(self) -> int:
        """Bytes Lua holds."""
        return int(self.lua.get_memory_used() or 0)

    def tidy(self) -> bool:
        """After each script: collect garbage. Whether Lua then still holds so much that it should be made anew."""
        self._runs += 1
        if self.lua.get_memory_used() > COLLECT_FROM:
            self._collect()
            return self.memory > MEMORY_MAX // 2
        if not self._runs % _COLLECT_EVERY:
            self._collect(b"step", _COLLECT_STEP)
        return False

    def _split(self, count: int, words: Sequence[bytes]) -> tuple[Any, Any]:
        return self.lua.table_from(list(words[:count])), self.lua.table_from(list(words[count:]))

    def _make_room(self, words: Sequence[bytes]) -> None:
        """Small words need none: see `tidy`, which follows each script."""
        size = sum(map(len, words))
        self._beware()
        if self.lua.get_memory_used() + size <= COLLECT_FROM:
            return
        self._collect()
        if self.memory + size > MEMORY_MAX - ROOM:
            raise fault(b"not enough memory for the script's arguments")

    # What Lua calls

    def _host(self) -> dict[bytes, Callable[..., Any]]:
        return {
            b"apply": _apply,
            b"describe": self._describe,
            b"tick": self._tick,
            b"find": _find,
            b"kept": kept,
            b"may_hide_lines": may_hide_lines,
            b"reply_grows": self._reply_grows,
            b"pack_number": msgpack.pack_number,
            b"unpack_number": msgpack.unpack_number,
            b"random": self._placed(self._random.random),
            b"randomseed": self._placed(self._random.seed),
        }

    def _describe(self, error: Any) -> Any:
        """An error of ours as (line, whether it is counted), a kill as (False, None); None for anything else."""
        if isinstance(error, Killed):
            self._late = True
            return False, None
        if isinstance(error, ScriptFault):
            return error.line, error.counted or None
        if isinstance(error, LuaMemoryError):  # what Python answered has no room in Lua, or on its stack
            return b"ERR not enough memory", None
        if isinstance(error, Exception):
            self._engine.log.error("Unexpected error in a script's command", exc_info=error)
            return b"ERR internal error: " + type(error).__name__.encode(), None
        return None

    def _reply_grows(self, size: int) -> bool:
        """Whether a result may have `size` bytes and more; if not, who called the script is dropped."""
        caller = self._calls.run.caller if self._calls.run is not None else None
        if caller is None or not caller.output_max or size <= caller.output_max:
            return True
        caller.sink.overflow()
        return False

    def _library(self, functions: dict[bytes, Callable[..., Any]]) -> Any:
        return self.lua.table_from({name: self._placed(function) for name, function in functions.items()})

    def _placed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A library's function whose errors say where the script called it, as those of Lua's own do."""

        def placed(*words: Any) -> Any:
            try:
                return function(*words)
            except Killed:
                raise
            except ScriptFault as failure:
                raise fault(self._where() + failure.line.removeprefix(b"ERR ")) from None

        return placed

    def _tick(self, interval: int) -> Any:
        following = self._ticks(interval, self.lua.get_memory_used())
        if not following or following > _LATE:
            self._late = True
        return following or False

    def _begin(self) -> None:
        """A script begins: with a short interval, and as one that is not killed."""
        self._late = False
        self._begun()

    def _api(self) -> dict[bytes, Any]:
        """`redis`: scripts have debugging functions that libraries lack, and libraries can register functions."""
        if self._register is not None:
            return {**self._shared_api(), b"register_function": self._register}
        return {
            **self._shared_api(),
            b"replicate_commands": lambda *_: True,
            b"breakpoint": lambda *_: False,
            b"debug": _nothing,
        }

    def _shared_api(self) -> dict[bytes, Any]:
        return {
            b"call": self._call,
            b"pcall": self._pcall,
            b"sha1hex": self._sha1hex,
            b"error_reply": self._error_reply,
            b"status_reply": self._status_reply,
            b"log": self._log,
            b"setresp": self._setresp,
            b"set_repl": self._set_repl,
            b"acl_check_cmd": self._acl_check_cmd,
            b"LOG_DEBUG": 0,
            b"LOG_VERBOSE": 1,
            b"LOG_NOTICE": 2,
            b"LOG_WARNING": 3,
            b"REPL_NONE": 0,
            b"REPL_AOF": 1,
            b"REPL_SLAVE": 2,
            b"REPL_REPLICA": 2,
            b"REPL_ALL": EVERYBODY,
            b"REDIS_VERSION": _VERSION,
            b"REDIS_VERSION_NUM": 0x080203,
        }

    def _call(self, *argv: Any) -> Any:
        value = self._calls.execute(argv)
        kind = value.__class__
        if kind is int:
            return value
        if kind is bytes and len(value) < _LARGE_VALUE and self.lua.get_memory_used() < MEMORY_MAX - ROOM:
            return value
        return self._handed(raised(value))

    def _pcall(self, *argv: Any) -> Any:
        try:
            value = self._calls.execute(argv)
        except Killed:
            raise
        except ScriptFault as failure:
            table = self._to_lua._field(b"err", failure.line)
            if failure.counted:
                table[b"ignore_error_stats_update"] = True
            return table
        made = self._handed(value)
        if value.__class__ is ErrorReply:
            made[b"ignore_error_stats_update"] = True
        return made

    def _handed(self, value: Any) -> Any:
        """A command's value in Lua. Raises ScriptFault where Lua has no room for it."""
        kind = value.__class__
        if kind is int:
            return value
        size = len(value) if hasattr(value, "__len__") else 0
        if size > _LARGE_VALUE or (kind is not bytes and size > _MANY):
            self._calls.breathe()
            self._beware()
        if self.lua.get_memory_used() + (size if kind is bytes else 64 * size) > MEMORY_MAX - ROOM:
            raise fault(b"not enough memory")
        return self._tables[self._calls.client.resp][kind](value)

    def _sha1hex(self, *words: Any) -> bytes:
        if len(words) != 1:
            raise fault(b"wrong number of arguments")
        text = _text(words[0]) if isinstance(words[0], bytes | int | float) else b""
        digest = sha1(text[:_PIECE])
        for at in range(_PIECE, len(text), _PIECE):
            self._calls.breathe()
            digest.update(text[at : at + _PIECE])
        return digest.hexdigest().encode()

    def _error_reply(self, *words: Any) -> Any:
        if len(words) != 1 or not isinstance(words[0], bytes):
            return self._to_lua._field(b"err", b"ERR wrong number or type of arguments")
        code, blank, text = words[0].removeprefix(b"-").partition(b"\0")[0].partition(b" ")
        line = code + b" " + text.rstrip(b"\r\n") if blank else b"ERR " + code.rstrip(b"\r\n")
        return self._to_lua._field(b"err", line)

    def _status_reply(self, *words: Any) -> Any:
        if len(words) != 1 or not isinstance(words[0], bytes):
            return self._to_lua._field(b"err", b"ERR wrong number or type of arguments")
        return self._to_lua._field(b"ok", words[0])

    def _log(self, *words: Any) -> None:
        if len(words) < 2:
            raise fault(b"redis.log() requires two arguments or more.")
        level = _number(words[0])
        if level is None:
            raise fault(b"First argument must be a number (log level).")
        if not 0 <= to_integer(level) <= 3:
            raise fault(b"Invalid log level.")
        shown = [_text(word)[:_LOG_LINE_MAX] for word in words[1:] if isinstance(word, bytes | int | float)]
        line = b" ".join(shown)[:_LOG_LINE_MAX]
        self._engine.log.log(_LOG_LEVELS[to_integer(level)], "%s", line.decode("utf-8", "backslashreplace"))

    def _setresp(self, *words: Any) -> None:
        if len(words) != 1:
            raise fault(b"redis.setresp() requires one argument.")
        version = _number(words[0])
        if version is None or to_integer(version) not in (2, 3):
            raise fault(b"RESP version must be 2 or 3.")
        self._calls.client.resp = to_integer(version)

    def _set_repl(self, *words: Any) -> None:
        if len(words) != 1:
            raise fault(b"redis.set_repl() requires one argument.")
        chosen = to_integer(_number(words[0]) or 0)
        if chosen & ~EVERYBODY:
            raise fault(b"Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
        if self._calls.run is not None:
            self._calls.propagate_to(chosen)

    def _acl_check_cmd(self, *argv: Any) -> bool:
        words = self._calls.words(argv)
        try:
            entry = self._engine.find(words)
        except CommandError:
            raise fault(b"Invalid command passed to redis.acl_check_cmd()")
        return self._calls.client.user.refusal(entry.command, words) is None


def _nothing(*_: Any) -> None:
    """In its place the sandbox puts a function that answers nothing at all, which Python's cannot."""


def _apply(function: Callable[..., Any], count: int, words: Any) -> Any:
    """Call a function with so many arguments, which are in a table of Lua's; where it has none, nil was given."""
    argv = [*words.values()]
    if len(argv) != count:
        given = dict(words.items())
        argv = [given.get(at) for at in range(1, count + 1)]
    return function(*argv)


def _find(text: bytes, part: bytes, start: int) -> int | None:
    """string.find(text, part, start, true), in time that is linear."""
    return text.find(part, start - 1) + 1 or None


def _text(value: Any) -> bytes:
    """A string or number as Lua's tostring has it."""
    return value if isinstance(value, bytes) else number_text(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bytes):
        return parse_number(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _source(name: str) -> bytes:
    return files("pyredis.scripting").joinpath(f"{name}.lua").read_bytes()


def _no_attributes(*_: Any) -> Any:
    raise AttributeError("scripts see no attributes")
