"""FUNCTION and FCALL: libraries of Lua functions, kept like data."""

from typing import Any

from pyredis.engine.client import Client
from pyredis.engine.command_table.command import (
    ALLOW_BUSY,
    DENYOOM,
    LOADING,
    MAY_REPLICATE,
    MOVABLEKEYS,
    NO_MANDATORY_KEYS,
    NOSCRIPT,
    READONLY,
    SKIP_MONITOR,
    STALE,
    WRITE,
    CountedKeys,
    command,
    container,
)
from pyredis.engine.command_table.help import help_reply, subcommand_error
from pyredis.errors import CommandError, as_printed
from pyredis.patterns import compile_pattern
from pyredis.persistence.dataset import Dataset
from pyredis.protocol.replies import OK, Status, Unordered
from pyredis.rdb.payload import NoLibrary, WrongPayload, dump_libraries, restore_libraries
from pyredis.scripting.function_libraries import Functions, Library
from pyredis.scripting.scripts import Scripts
from pyredis.scripting.shebang import FLAGS

_RUNS = NOSCRIPT | STALE | SKIP_MONITOR | MOVABLEKEYS | NO_MANDATORY_KEYS
_COMPLEXITY = "Depends on the function that is executed."
_WORST_RW = "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE"
_WORST_RO = "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS"
_ON_ALL = ["request_policy:all_shards", "response_policy:all_succeeded"]


@command(
    "FCALL",
    flags=_RUNS | MAY_REPLICATE,
    group="scripting",
    since="7.0.0",
    complexity=_COMPLEXITY,
    keys=[CountedKeys(2, "RW access update", notes=_WORST_RW)],
)
def fcall(ctx: Client, function: bytes, numkeys: bytes, *words: bytes) -> Any:
    """FCALL function numkeys [key [key ...]] [arg [arg ...]]

    Calls a function of a library and answers what it returns.
    """
    return ctx.engine[Functions].call(ctx, function, numkeys, words, readonly=False)


@command(
    "FCALL_RO",
    flags=READONLY | _RUNS,
    group="scripting",
    since="7.0.0",
    complexity=_COMPLEXITY,
    keys=[CountedKeys(2, "RO access", notes=_WORST_RO)],
)
def fcall_ro(ctx: Client, function: bytes, numkeys: bytes, *words: bytes) -> Any:
    """FCALL_RO function numkeys [key [key ...]] [arg [arg ...]]

    Calls a function that does not write.
    """
    return ctx.engine[Functions].call(ctx, function, numkeys, words, readonly=True)


container("FUNCTION", summary="Manages libraries of functions.", group="scripting", since="7.0.0")


@command(
    "FUNCTION LOAD",
    flags=WRITE | DENYOOM | NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(1), compiling aside",
    tips=_ON_ALL,
)
def function_load(ctx: Client, function_code: bytes, *words: bytes) -> bytes:
    """FUNCTION LOAD [REPLACE] function-code

    Loads a library and answers its name.
    """
    *options, code = (function_code, *words)
    for option in options:
        if option.upper() != b"REPLACE":
            raise CommandError(b"Unknown option given: " + option)
    name = ctx.engine[Functions].load(code, replace=bool(options))
    ctx.db.dirty += 1
    return name


@command("FUNCTION DELETE", flags=WRITE | NOSCRIPT, group="scripting", since="7.0.0", complexity="O(1)", tips=_ON_ALL)
def function_delete(ctx: Client, library_name: bytes) -> Status:
    """FUNCTION DELETE library-name

    Deletes a library and its functions.
    """
    ctx.engine[Functions].delete(library_name)
    ctx.db.dirty += 1
    return OK


@command(
    "FUNCTION FLUSH",
    flags=WRITE | NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(N) in the number of functions",
    tips=_ON_ALL,
)
def function_flush(ctx: Client, *mode: bytes) -> Status:
    """FUNCTION FLUSH [ASYNC|SYNC]

    Deletes all libraries.
    """
    if len(mode) > 1:
        raise subcommand_error(ctx.argv)
    if mode and mode[0].upper() not in (b"ASYNC", b"SYNC"):
        raise CommandError(b"FUNCTION FLUSH only supports SYNC|ASYNC option")
    functions = ctx.engine[Functions]
    if mode[0].upper() == b"ASYNC" if mode else ctx.engine.config["lazyfree-lazy-user-flush"]:
        ctx.engine.stats.freed(len(functions.functions) + 1)  # and the engine
    functions.flush()
    ctx.db.dirty += 1
    return OK


@command(
    "FUNCTION DUMP",
    flags=NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(N) in the number of functions",
)
def function_dump(ctx: Client) -> bytes:
    """FUNCTION DUMP

    Answers all libraries as a payload that FUNCTION RESTORE takes.
    """
    return dump_libraries(library.code for library in ctx.engine[Functions].libraries.values())


@command(
    "FUNCTION RESTORE",
    flags=WRITE | DENYOOM | NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(N) in the number of functions",
    tips=_ON_ALL,
)
def function_restore(ctx: Client, serialized_value: bytes, *policy: bytes) -> Status:
    """FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]

    Loads the libraries that a payload of FUNCTION DUMP holds, all of them or none.
    """
    if len(policy) > 1:
        raise subcommand_error(ctx.argv)
    word = policy[0].upper() if policy else b"APPEND"
    if word not in (b"APPEND", b"REPLACE", b"FLUSH"):
        raise CommandError(b"Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    try:
        codes = restore_libraries(serialized_value, verifying=ctx.engine[Dataset].verifying)
        ctx.engine[Functions].restore(codes, replace=word == b"REPLACE", flush=word == b"FLUSH")
    except WrongPayload:
        raise CommandError(b"DUMP payload version or checksum are wrong")
    except NoLibrary as fault:
        raise CommandError(fault.text)
    ctx.db.dirty += 1
    return OK


@command(
    "FUNCTION LIST",
    flags=NOSCRIPT,
    group="scripting",
    since="7.0.0",
    complexity="O(N) in the number of functions",
    tips=["nondeterministic_output_order"],
)
def function_list(ctx: Client, *words: bytes) -> list[Any]:
    """FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]

    Describes the libraries.
    """
    matches, with_code, rest = None, False, list(words)
    while rest:
        word = rest.pop(0)
        if word.upper() == b"WITHCODE" and not with_code:
            with_code = True
        elif word.upper() == b"LIBRARYNAME" and matches is None:
            if not rest:
                raise CommandError(b"library name argument was not given")
            matches = compile_pattern(rest.pop(0))
        else:
            raise CommandError(b"Unknown argument " + as_printed(word))
    libraries = ctx.engine[Functions].libraries.values()
    return [_described(one, with_code) for one in libraries if matches is None or matches(one.name)]


def _described(library: Library, with_code: bool) -> dict[bytes, Any]:
    functions = [
        {
            b"name": function.name,
            b"description": function.description,
            b"flags": Unordered(Status(flag.encode()) for flag in FLAGS if flag in function.flags),
        }
        for function in library.functions.values()
    ]
    described: dict[bytes, Any] = {b"library_name": library.name, b"engine": b"LUA", b"functions": functions}
    if with_code:
        described[b"library_code"] = library.code
    return described


@command(
    "FUNCTION STATS",
    flags=NOSCRIPT | ALLOW_BUSY,
    group="scripting",
    since="7.0.0",
    complexity="O(1)",
    tips=["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
)
def function_stats(ctx: Client) -> dict[bytes, Any]:
    """FUNCTION STATS

    Tells which function runs now, and how many there are.
    """
    engine = ctx.engine
    run = engine[Scripts].calls.run
    running: dict[bytes, Any] | None = None
    if run is not None:
        if not run.function:
            raise CommandError(engine.busy, b"BUSY")
        duration = engine.clock.now_ms() - run.started
        running = {b"name": run.name, b"command": list(run.caller.argv), b"duration_ms": duration}
    functions = engine[Functions]
    counts = {b"libraries_count": len(functions.libraries), b"functions_count": len(functions.functions)}
    return {b"running_script": running, b"engines": {b"LUA": counts}}


@command(
    "FUNCTION KILL",
    flags=NOSCRIPT | ALLOW_BUSY,
    group="scripting",
    since="7.0.0",
    complexity="O(1)",
    tips=["request_policy:all_shards", "response_policy:one_succeeded"],
)
def function_kill(ctx: Client) -> Status:
    """FUNCTION KILL

    Ends the function that runs, if it has not written yet.
    """
    ctx.engine[Scripts].kill(function=True)
    return OK


@command("FUNCTION HELP", flags=LOADING | STALE, group="scripting", since="7.0.0", complexity="O(1)")
def function_help(ctx: Client) -> list[Status]:
    """FUNCTION HELP

    Lists the subcommands.
    """
    return help_reply("FUNCTION", _HELP)


_HELP = """
LOAD [REPLACE] <FUNCTION CODE>
    Load a library.
DELETE <LIBRARY NAME>
    Delete a library.
LIST [LIBRARYNAME PATTERN] [WITHCODE]
    Describe the libraries, with their code if asked for.
STATS
    Tell which function runs now, and how many there are.
KILL
    End the function that runs now.
FLUSH [ASYNC|SYNC]
    Delete all libraries.
DUMP
    All libraries as a payload for RESTORE.
RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]
    Load the libraries of a payload: instead of those there are, beside them (default), or over them.
"""
