"""What the event loop does: its passes, and how long they take, for INFO's `eventloop_*` fields.

A pass of the loop ends with writing the replies of all clients whose commands it ran; cron is a pass of its own. The
time of a pass is that of its commands, which each command knows already, and that of the writing.
"""

from typing import TYPE_CHECKING

from pyredis.engine.observability.info import Fields
from pyredis.engine.observability.stats import Rate

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine


class LoopMetrics:
    """Counts since the start or CONFIG RESETSTAT. Times are nanoseconds."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        engine.on_reset.append(self.reset)
        engine.cron_steps.append(self.sample)
        engine.info.add("Stats", self._fields)
        engine.info.add("Debug", self._debug_fields, by_all=False)
        self.reset()

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self._cycles_a_second = Rate()
        self._durations = Rate()
        self.cycles = 0
        self.longest = 0
        self.most_commands = 0
        self.cron_ns = 0
        self._writing_ns = 0
        self._commands_before = self._engine.stats.commands
        self._sampled_cycles = self._sampled_ns = 0

    def passed(self, writing_ns: int) -> None:
        """A pass ended; writing its replies took this long."""
        self.cycles += 1
        self._writing_ns += writing_ns
        commands, before = self._engine.stats.commands, self._commands_before
        self._commands_before = commands
        if commands - before > self.most_commands:
            self.most_commands = commands - before
        if writing_ns > self.longest:
            self.longest = writing_ns

    def cron_passed(self, nanoseconds: int) -> None:
        """Cron took this long."""
        self.cycles += 1
        self.cron_ns += nanoseconds
        self.longest = max(self.longest, nanoseconds)

    @property
    def command_ns(self) -> int:
        """The time of all commands."""
        return self._engine.stats.command_ns

    @property
    def total_ns(self) -> int:
        """The time of all passes."""
        return self.command_ns + self._writing_ns + self.cron_ns

    def sample(self) -> None:
        """Feed the rates; ten times a second."""
        cycles, total = self.cycles, self.total_ns
        self._cycles_a_second.sample(self._engine.keyspace.now, cycles)
        if cycles > self._sampled_cycles:
            self._durations.put((total - self._sampled_ns) / 1000 / (cycles - self._sampled_cycles))
        self._sampled_cycles, self._sampled_ns = cycles, total

    def _fields(self) -> Fields:
        return {
            "eventloop_cycles": self.cycles,
            "eventloop_duration_sum": self.total_ns // 1000,
            "eventloop_duration_cmd_sum": self.command_ns // 1000,
            "instantaneous_eventloop_cycles_per_sec": round(self._cycles_a_second.value),
            "instantaneous_eventloop_duration_usec": round(self._durations.value),
        }

    def _debug_fields(self) -> Fields:
        return {
            "eventloop_duration_aof_sum": 0,
            "eventloop_duration_cron_sum": self.cron_ns // 1000,
            "eventloop_duration_max": self.longest // 1000,
            "eventloop_cmd_per_cycle_max": self.most_commands,
        }
