"""What the server counts about itself, and the rates computed from it."""

import logging
from collections import Counter

from pyredis.engine.observability.info import Fields

LAZY_FROM = 64
"""Objects from which on Redis frees them in the background."""

ERROR_CODES_MAX = 128
"""Different error codes that are counted; scripts can make up any number."""

_CODE_MAX = 30


def error_code(line: bytes) -> bytes:
    """What an error counts as: its first word, if a blank follows it soon, else ERR."""
    code, blank, _ = line[: _CODE_MAX + 1].partition(b" ")
    return code if blank else b"ERR"


class Rate:
    """Events a second over the last 16 samples, as Redis's instantaneous metrics."""

    __slots__ = ("_at_ms", "_count", "_next", "_samples")

    def __init__(self) -> None:
        self._samples = [0.0] * 16
        self._next = 0
        self._at_ms = 0
        self._count = 0

    def sample(self, now_ms: int, count: int) -> None:
        """Take the running total `count` at `now_ms`."""
        elapsed = now_ms - self._at_ms
        if self._at_ms and elapsed > 0:
            self.put((count - self._count) * 1000 / elapsed)
        self._at_ms, self._count = now_ms, count

    def put(self, sample: float) -> None:
        """Take a sample."""
        self._samples[self._next] = sample
        self._next = (self._next + 1) % len(self._samples)

    @property
    def value(self) -> float:
        """The mean of the samples."""
        return sum(self._samples) / len(self._samples)


class Stats:
    """Counters since start or CONFIG RESETSTAT; sizes in bytes."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self.reset()

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self.operations = Rate()
        self.input_rate = Rate()
        self.output_rate = Rate()
        self.replication_input_rate = Rate()
        self.replication_output_rate = Rate()
        self.commands = 0
        self.command_ns = 0
        self.last_ns = 0  # of them, by the last that was timed alone
        self.turns = 0  # pipelines that were timed as one
        self.connections = 0
        self.rejected_connections = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.reads = 0
        self.writes = 0
        self.errors: Counter[str] = Counter()
        self.error_replies = 0
        self.unexpected_errors = 0  # to commands of a stream that is believed
        self.replication_bytes_in = self.replication_bytes_out = 0
        self.tells_errors_apart = True
        self.expired_stale_percent = 0.0
        self.expire_cycle_ms = 0
        self.expired_time_cap_reached = 0
        self.query_buffer_disconnections = 0
        self.output_buffer_disconnections = 0
        self.dropped_idle = 0
        self.evicted_keys = 0
        self.lazyfreed_objects = 0
        self.evicted_clients = 0
        self.evicted_scripts = 0
        self.eviction_exceeded_ns = 0
        self.peak_memory = 0
        self.full_syncs = self.partial_syncs = self.partial_syncs_refused = 0  # that replicas asked for

    def fields(self) -> Fields:
        """Those of INFO stats."""
        return {
            "total_connections_received": self.connections,
            "total_commands_processed": self.commands,
            "instantaneous_ops_per_sec": round(self.operations.value),
            "total_net_input_bytes": self.bytes_in,
            "total_net_output_bytes": self.bytes_out,
            "total_net_repl_input_bytes": self.replication_bytes_in,
            "total_net_repl_output_bytes": self.replication_bytes_out,
            "instantaneous_input_kbps": f"{self.input_rate.value / 1024:.2f}",
            "instantaneous_output_kbps": f"{self.output_rate.value / 1024:.2f}",
            "instantaneous_input_repl_kbps": f"{self.replication_input_rate.value / 1024:.2f}",
            "instantaneous_output_repl_kbps": f"{self.replication_output_rate.value / 1024:.2f}",
            "rejected_connections": self.rejected_connections,
            "sync_full": self.full_syncs,
            "sync_partial_ok": self.partial_syncs,
            "sync_partial_err": self.partial_syncs_refused,
            "expired_stale_perc": f"{self.expired_stale_percent:.2f}",
            "expired_time_cap_reached_count": self.expired_time_cap_reached,
            "expire_cycle_cpu_milliseconds": self.expire_cycle_ms,
            "evicted_keys": self.evicted_keys,
            "evicted_clients": self.evicted_clients,
            "evicted_scripts": self.evicted_scripts,
            "total_error_replies": self.error_replies,
            "unexpected_error_replies": self.unexpected_errors,
            "total_reads_processed": self.reads,
            "total_writes_processed": self.writes,
            "client_query_buffer_limit_disconnections": self.query_buffer_disconnections,
            "client_output_buffer_limit_disconnections": self.output_buffer_disconnections,
        }

    def freed(self, objects: int) -> None:
        """So many objects were dropped at once: as Redis counts them, which leaves many to a thread of its own."""
        if objects > LAZY_FROM:
            self.lazyfreed_objects += objects

    def sample(self, now_ms: int) -> None:
        """Feed the rates; ten times a second."""
        self.operations.sample(now_ms, self.commands)
        self.input_rate.sample(now_ms, self.bytes_in)
        self.output_rate.sample(now_ms, self.bytes_out)
        self.replication_input_rate.sample(now_ms, self.replication_bytes_in)
        self.replication_output_rate.sample(now_ms, self.replication_bytes_out)

    def count_error(self, line: bytes) -> None:
        """Count an error reply under its code; too many different ones end that until a reset."""
        self.error_replies += 1
        if not self.tells_errors_apart:
            return
        code = error_code(line).decode("utf-8", "surrogateescape")
        if code not in self.errors and len(self.errors) >= ERROR_CODES_MAX:
            self._stop_telling_errors_apart()
        else:
            self.errors[code] += 1

    def _stop_telling_errors_apart(self) -> None:
        self._log.warning("Errorstats stopped adding new errors: there are too many. CONFIG RESETSTAT starts over.")
        self._log.warning("Current errors code list: %s", ", ".join(self.errors))
        self.freed(len(self.errors))
        self.errors = Counter({"ERRORSTATS_DISABLED": 1})
        self.tells_errors_apart = False
