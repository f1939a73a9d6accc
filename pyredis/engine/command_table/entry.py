"""A server's own row of a command: what its function is, and how often and how long it ran."""

from pyredis.engine.command_table.command import (
    ADMIN,
    BLOCKING,
    FAST,
    MAY_REPLICATE,
    MOVABLEKEYS,
    NOSCRIPT,
    PUBSUB,
    READONLY,
    WRITE,
    Command,
    Handler,
)

HISTOGRAM_BUCKETS = 54
"""Bucket i holds calls of up to 1.024 µs << i, as LATENCY HISTOGRAM answers them: enough for any 63 bit nanoseconds."""


def _no_handler(*_: object) -> object:
    raise TypeError("a container is never called")


class Entry:
    """Times are nanoseconds. Subclasses of none: rows live as long as their server."""

    __slots__ = (
        "alone",
        "calls",
        "command",
        "constant",
        "failed",
        "handler",
        "histogram",
        "maximum",
        "may_propagate",
        "minimum",
        "nanoseconds",
        "plain",
        "rejected",
        "repeats",
        "script",
        "subentries",
        "words",
    )

    def __init__(self, command: Command) -> None:
        self.command = command
        self.handler: Handler = command.handler or _no_handler
        self.minimum = command.minimum
        self.maximum = command.maximum
        self.words = 1 + command.name.count("|")
        flags = command.flags
        # The plain path is for commands that touch keys or answer at once, and change no client's or server's state.
        # Scripts go it too, though one that overruns makes its client wait.
        self.script = bool(command.group == "scripting" and flags & MOVABLEKEYS)
        self.plain = self.script or (
            bool(flags & (READONLY | WRITE | FAST))
            and not (flags & (ADMIN | BLOCKING | PUBSUB | NOSCRIPT) or command.subcommands or command.container)
        )
        # One by one where writes propagate: it may change other databases than its client's, or call what does.
        self.alone = self.script or command.name in ("copy", "move", "swapdb", "flushall")
        self.may_propagate = bool(flags & (WRITE | MAY_REPLICATE))
        # A run of constant-time commands in a pipeline is timed as one: none of them alone can be slow.
        self.repeats = bool(flags & FAST) or command.complexity == "O(1)"
        # A stretch of different ones is, if none takes longer with more arguments or elements.
        self.constant = self.plain and command.complexity.startswith("O(1)")
        self.subentries = {name: Entry(sub) for name, sub in command.subcommands.items()}
        self.reset()

    def count(self, calls: int, nanoseconds: int) -> None:
        """`calls` calls took `nanoseconds` each."""
        self.calls += calls
        self.nanoseconds += calls * nanoseconds
        self.histogram[(nanoseconds >> 10).bit_length()] += calls

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self.calls = 0
        self.nanoseconds = 0
        self.rejected = 0
        self.failed = 0
        self.histogram = [0] * HISTOGRAM_BUCKETS
        for entry in self.subentries.values():
            entry.reset()
