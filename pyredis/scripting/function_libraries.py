"""Libraries of functions: FUNCTION LOAD runs a library's code once, which registers the functions that FCALL calls.

Libraries are data: loading and deleting one propagates. They have an interpreter of their own, apart from scripts.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pyredis.config.words import split_words
from pyredis.engine.execution import detours
from pyredis.engine.memory.used_memory import Memory
from pyredis.engine.messaging.monitors import Monitors
from pyredis.errors import CommandError
from pyredis.scripting.calls import Run
from pyredis.scripting.faults import ScriptFault, fault
from pyredis.scripting.scripts import SCRIPT_SIZE, Scripts, demand_memory, demand_no_cluster, permitted
from pyredis.scripting.shebang import FLAGS

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.scripting.interpreter import Interpreter

LOAD_TIMEOUT_MS = 500
_NAME = re.compile(rb"[A-Za-z0-9_]+")
_BAD_NAME = b"%b names can only contain letters, numbers, or underscores(_) and must be at least one character long"
_ONLY_TABLE = (
    b"calling redis.register_function with a single argument is only applicable to Lua table "
    b"(representing named arguments)."
)


class Function:
    """A registered function; `callback` is Lua's."""

    __slots__ = ("callback", "description", "flags", "library", "name")

    def __init__(
        self, name: bytes, callback: Any, library: "Library", description: bytes | None, flags: frozenset[str]
    ) -> None:
        self.name = name
        self.callback = callback
        self.library = library
        self.description = description
        self.flags = flags


class Library:
    """A library: its whole text, and its functions by name; their names are equal in any case."""

    __slots__ = ("code", "functions", "name")

    def __init__(self, name: bytes, code: bytes) -> None:
        self.name = name
        self.code = code
        self.functions: dict[bytes, Function] = {}

    def add(self, name: bytes, callback: Any, description: bytes | None, flags: frozenset[str]) -> None:
        """Register a function. Raises ScriptFault for a name that is none or is taken."""
        if not _NAME.fullmatch(name):
            raise fault(_BAD_NAME % b"Library")
        if name.lower() in self.functions:
            raise fault(b"Function already exists in the library")
        self.functions[name.lower()] = Function(name, callback, self, description, flags)


class Functions:
    """All libraries by name, and all their functions by name."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.libraries: dict[bytes, Library] = {}
        self.functions: dict[bytes, Function] = {}
        self._loading: Library | None = None
        self._interpreter: Interpreter | None = None
        parts = engine[Memory].parts
        parts["vm_functions"] = lambda: self._interpreter.memory if self._interpreter is not None else 0
        parts["functions"] = lambda: sum(SCRIPT_SIZE + len(library.code) for library in self.libraries.values())
        engine.info.add("Memory", lambda: {"number_of_functions": len(self.functions)})
        engine.info.add("Memory", lambda: {"number_of_libraries": len(self.libraries)})

    @property
    def interpreter(self) -> "Interpreter":
        """Lua; loaded by the first use."""
        if self._interpreter is None:
            from pyredis.scripting.interpreter import Interpreter  # a server that runs no script never loads Lua

            scripts = self._engine[Scripts]
            self._interpreter = Interpreter(
                self._engine, scripts.calls, scripts.overrun.tick, chunk=b"user_function", register=self._register
            )
        return self._interpreter

    def load(self, code: bytes, *, replace: bool) -> bytes:
        """Load a library from its text: its name. Raises CommandError; then nothing has changed."""
        name, engine, body = library_header(code)
        if not _NAME.fullmatch(name):
            raise CommandError(_BAD_NAME % b"Library")
        if engine.lower() != b"lua":
            raise CommandError(b"Engine '%b' not found" % engine)
        old = self.libraries.get(name)
        if old is not None and not replace:
            raise CommandError(b"Library '%b' already exists" % name)
        library = self._made(name, code, body)
        if not library.functions:
            raise CommandError(b"No functions registered")
        for key, function in library.functions.items():
            other = self.functions.get(key)
            if other is not None and other.library is not old:
                raise CommandError(b"Function %b already exists" % function.name)
        if old is not None:
            self._unlink(old)
        self.libraries[name] = library
        self.functions.update(library.functions)
        return name

    def restore(self, codes: Iterable[bytes], *, replace: bool, flush: bool) -> None:
        """FUNCTION RESTORE: load libraries, all or none, beside those there are, over them, or instead of them.

        Raises CommandError, and what `codes` raises on the way.
        """
        before = self.libraries, self.functions
        self.libraries, self.functions = {}, {}
        try:
            for code in codes:
                self.load(code, replace=False)
            if not flush:
                restored = list(self.libraries.values())
                self.libraries, self.functions = before[0].copy(), before[1].copy()
                self._join(restored, replace)
        except Exception:
            self.libraries, self.functions = before
            raise

    def _join(self, libraries: list[Library], replace: bool) -> None:
        for library in libraries:
            if (old := self.libraries.get(library.name)) is not None:
                if not replace:
                    raise CommandError(b"Library %b already exists" % library.name)
                self._unlink(old)
        for library in libraries:
            for key, function in library.functions.items():
                if key in self.functions:
                    raise CommandError(b"Function %b already exists" % function.name)
        for library in libraries:
            self.libraries[library.name] = library
            self.functions.update(library.functions)

    def delete(self, name: bytes) -> None:
        """FUNCTION DELETE. Raises CommandError for an unknown library."""
        library = self.libraries.get(name)
        if library is None:
            raise CommandError(b"Library not found")
        self._unlink(library)

    def flush(self) -> None:
        """Delete every library, and Lua's state with them."""
        self.libraries.clear()
        self.functions.clear()
        self._interpreter = None

    def call(self, client: "Client", name: bytes, count: bytes, words: tuple[bytes, ...], *, readonly: bool) -> Any:
        """FCALL and FCALL_RO."""
        engine = self._engine
        if engine.gates & detours.MONITORED:
            engine[Monitors].feed(client, client.argv)
        function = self.functions.get(name.lower())
        if function is None:
            raise CommandError(b"Function not found")
        if not re.fullmatch(rb"-?[0-9]{1,18}", count):
            raise CommandError(b"Bad number of keys provided")
        keys = int(count)
        if keys > len(words):
            raise CommandError(b"Number of keys can't be greater than number of args")
        if keys < 0:
            raise CommandError(b"Number of keys can't be negative")
        demand_no_cluster(client, function.flags)
        readonly = permitted(function.flags, readonly)
        demand_memory(client, function.flags)
        run = Run(client, function.name, readonly, True)
        run.allows_oom = "allow-oom" in function.flags
        run.crosses_slots = "allow-cross-slot-keys" in function.flags
        return engine[Scripts].run(run, self.interpreter.call_function, function.callback, keys, words)

    def _made(self, name: bytes, code: bytes, body: bytes) -> Library:
        library = self._loading = Library(name, code)
        try:
            made = self.interpreter.compile(body)
        except ScriptFault as failure:
            self._loading = None
            raise CommandError(b"Error compiling function: " + failure.line)
        overrun = self._engine[Scripts].overrun
        overrun.deadline_ns = self._engine.clock.ticks_ns() + LOAD_TIMEOUT_MS * 1_000_000
        try:
            self.interpreter.load_library(made)
        except ScriptFault as failure:
            raise CommandError(b"Error registering functions: " + failure.line)
        finally:
            self._loading = overrun.deadline_ns = None
        return library

    def _unlink(self, library: Library) -> None:
        del self.libraries[library.name]
        for name in library.functions:
            del self.functions[name]

    # redis.register_function

    def _register(self, *words: Any) -> None:
        if not 1 <= len(words) <= 2:
            raise fault(b"wrong number of arguments to redis.register_function")
        library = self._loading
        if library is None:
            raise fault(b"redis.register_function can only be called on FUNCTION LOAD command")
        if len(words) == 1:
            if not hasattr(words[0], "items"):
                raise fault(_ONLY_TABLE)
            library.add(*_named(dict(words[0].items())))
            return
        name, callback = words
        name = b"%.14g" % name if isinstance(name, int | float) and not isinstance(name, bool) else name
        if not isinstance(name, bytes):
            raise fault(b"first argument to redis.register_function must be a string")
        if not callable(callback) or hasattr(callback, "items"):
            raise fault(b"second argument to redis.register_function must be a function")
        library.add(name, callback, None, frozenset())


def _named(given: dict[Any, Any]) -> tuple[bytes, Any, bytes | None, frozenset[str]]:
    """The arguments of a function registered by a table of names. Raises ScriptFault."""
    name = callback = description = None
    flags: frozenset[str] = frozenset()
    for key, value in given.items():
        if isinstance(key, int | float) and not isinstance(key, bool):
            key = b"%.14g" % key
        if not isinstance(key, bytes):
            raise fault(b"named argument key given to redis.register_function is not a string")
        match key.lower():
            case b"function_name":
                name = _string(value, b"function_name argument given to redis.register_function must be a string")
            case b"description":
                description = _string(value, b"description argument given to redis.register_function must be a string")
            case b"callback":
                if not callable(value) or hasattr(value, "items"):
                    raise fault(b"callback argument given to redis.register_function must be a function")
                callback = value
            case b"flags":
                if not hasattr(value, "values"):
                    raise fault(
                        b"flags argument to redis.register_function must be a table representing function flags"
                    )
                flags = frozenset(_flag(flag) for flag in value.values())
            case _:
                raise fault(b"unknown argument given to redis.register_function")
    if name is None:
        raise fault(b"redis.register_function must get a function name argument")
    if callback is None:
        raise fault(b"redis.register_function must get a callback argument")
    return name, callback, description, flags


def _string(value: Any, complaint: bytes) -> bytes:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return b"%.14g" % value
    if not isinstance(value, bytes):
        raise fault(complaint)
    return value


def _flag(value: Any) -> str:
    name = value.decode("latin-1") if isinstance(value, bytes) else ""
    if name not in FLAGS:
        raise fault(b"unknown flag given")
    return name


def library_header(code: bytes) -> tuple[bytes, bytes, bytes]:
    """A library's name, its engine's, and its code with the first line kept empty. Raises CommandError."""
    if not code.startswith(b"#!"):
        raise CommandError(b"Missing library metadata")
    line, end, rest = code.partition(b"\n")
    words = split_words(line) if end and b"\0" not in line else None
    if not words:
        raise CommandError(b"Invalid library metadata")
    name = None
    for word in words[1:]:
        if not word.lower().startswith(b"name="):
            raise CommandError(b"Invalid metadata value given: " + word)
        if name is not None:
            raise CommandError(b"Invalid metadata value, name argument was given multiple times")
        name = word[5:]
    if name is None:
        raise CommandError(b"Library name was not given")
    return name, words[0][2:], b"\n" + rest
