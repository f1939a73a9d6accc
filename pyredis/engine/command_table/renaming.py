"""`rename-command` of redis.conf: commands that clients find under another name, or not at all.

The directives take effect in the order of the file, each on the names as the ones before it left them. A row keeps
its own name: COMMAND, the statistics and what is propagated know nothing of the other one.
"""

from collections.abc import Iterable

from pyredis.config.store import Directive, fatal
from pyredis.engine.command_table.entry import Entry

Entries = dict[bytes, Entry]


def put(entries: Entries, name: bytes, entry: Entry) -> None:
    """File a row under its lower and upper case names, which `Engine.find` tries."""
    entries[name.lower()] = entry
    entries[name.upper()] = entry


def rename_commands(entries: Entries, directives: Iterable[Directive]) -> None:
    """Apply directives of [name, new name]; an empty new name removes. Raises ConfigError as redis-server dies."""
    for directive in directives:
        old, new = (word.encode("utf-8", "surrogateescape") for word in directive)
        entry = entries.pop(old.lower(), None)
        if entry is None:
            raise fatal("No such command in rename-command", directive.number, directive.line)
        del entries[old.upper()]
        if new.lower() in entries:
            raise fatal("Target command name already exists", directive.number, directive.line)
        if new:
            put(entries, new, entry)
