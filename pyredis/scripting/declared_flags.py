"""What a script or function says it will do, as flags of the command that runs it (Redis 7).

A script without a shebang has the flags of EVAL itself, and so has one that is unknown.
"""

from typing import TYPE_CHECKING

from pyredis.engine.command_table.command import DENYOOM, MAY_REPLICATE, STALE, WRITE
from pyredis.errors import CommandError
from pyredis.scripting.function_libraries import Functions
from pyredis.scripting.scripts import Scripts
from pyredis.scripting.shebang import script_flags

if TYPE_CHECKING:
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine
    from pyredis.protocol.parser import Argv


def command_flags(engine: "Engine", entry: "Entry", argv: "Argv") -> int:
    """The flags of EVAL, EVALSHA, FCALL or their read-only kin with these words."""
    flags, declared = entry.command.flags, _declared(engine, entry.command.name, argv[1])
    if declared is None:
        return flags
    flags &= ~(STALE | DENYOOM | WRITE | MAY_REPLICATE)
    if "no-writes" not in declared:
        flags |= WRITE if "allow-oom" in declared else WRITE | DENYOOM
    return flags | STALE if "allow-stale" in declared else flags


def _declared(engine: "Engine", name: str, word: bytes) -> frozenset[str] | None:
    if name.startswith("fcall"):
        function = engine[Functions].functions.get(word.lower())
        return None if function is None else function.flags
    try:
        if name.startswith("evalsha"):
            return engine[Scripts].find(word).flags
        return script_flags(word)[0]
    except CommandError:
        return None
