"""A server's own row of a command: what its function is, how often it ran and how long that took."""

from pyredis.engine.command_table.command import (
    ADMIN,
    BLOCKING,
    EVERY_DATABASE,
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

QUICK_WORDS = 4
"""What commands take at most that are called without a tuple of their words."""


def _no_handler(*_: object) -> object:
    raise TypeError("a container is never called")


class Entry:
    """Calls are counted, their durations (ns) are sampled: every call is a sample unless it was in a pipeline.

    `handler` is the command's function, `effect` that and what must follow from a change, `call` both behind the
    question whose keys these are. They are one function while nobody wants more: see `Engine.rewire`. `sizes` has bit n
    set if the command cannot take long with n words; `quick_sizes` is that while it is on the plain path.
    """

    __slots__ = (
        "_is_plain",
        "_sampled",
        "_samples",
        "call",
        "calls",
        "changes",
        "command",
        "effect",
        "every_database",
        "failed",
        "handler",
        "maximum",
        "minimum",
        "plain",
        "quick_sizes",
        "rejected",
        "script",
        "sizes",
        "subentries",
        "untouching",
        "words",
    )

    def __init__(self, command: Command) -> None:
        self.command = command
        self.handler: Handler = command.handler or _no_handler
        self.effect = self.call = self.handler
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
        self.every_database = self.script or bool(flags & EVERY_DATABASE)
        self.changes = self.every_database or bool(flags & (WRITE | MAY_REPLICATE | ADMIN))
        self.sizes = self.quick_sizes = self._quick_sizes() if self.plain else 0
        self._is_plain = self.plain
        self.subentries = {name: Entry(sub) for name, sub in command.subcommands.items()}
        self.reset()

    def leave_plain_path(self, on: bool) -> None:
        """Something is to be asked before this command runs, or no longer."""
        self.plain, self.quick_sizes = (False, 0) if on else (self._is_plain, self.sizes)

    def _quick_sizes(self) -> int:
        """Bit n is set if the command cannot take long with n words: a pipeline of such is timed as one."""
        if not (self.command.flags & FAST or self.command.complexity.startswith("O(1)")):
            return 0
        return sum(1 << size for size in range(1, QUICK_WORDS + 1) if self.takes(size))

    def takes(self, size: int) -> bool:
        """Whether the command may have so many words, its name among them."""
        return self.minimum <= size <= self.maximum

    def sample(self, nanoseconds: int) -> None:
        """One of the calls took so long."""
        self._sampled += nanoseconds
        self._samples[(nanoseconds >> 10).bit_length()] += 1

    @property
    def nanoseconds(self) -> int:
        """How long all calls took, as far as the samples tell."""
        count = sum(self._samples)
        return self._sampled * self.calls // count if count else 0

    @property
    def histogram(self) -> list[int]:
        """How many calls were how long: `HISTOGRAM_BUCKETS` counts, whose sum is `calls`."""
        count, seen, told, found = sum(self._samples), 0, 0, []
        for samples in self._samples:
            seen += samples
            upto = seen * self.calls // count if count else self.calls
            found.append(upto - told)
            told = upto
        return found

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self.calls = 0
        self.untouching = 0  # of these, by clients that leave access times alone
        self.rejected = 0
        self.failed = 0
        self._sampled = 0
        self._samples = [0] * HISTOGRAM_BUCKETS
        for entry in self.subentries.values():
            entry.reset()
