"""Watching the server work: MONITOR, the slow log and the latency monitor."""

from typing import Any

from pyredis.datatypes.numeric import INT64_MAX
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import integer_between
from pyredis.engine.command_table.command import ADMIN, LOADING, NOSCRIPT, STALE, command, container
from pyredis.engine.command_table.entry import Entry
from pyredis.engine.command_table.help import help_reply
from pyredis.engine.messaging.monitors import Monitors
from pyredis.engine.observability.latency import LatencyMonitor
from pyredis.engine.observability.latency_report import doctor, graph
from pyredis.engine.observability.slowlog import SlowEntry, SlowLog
from pyredis.errors import CommandError, as_printed
from pyredis.protocol.replies import NO_REPLY, OK, NoReply, Status, Verbatim

_ANYTIME = ADMIN | NOSCRIPT | LOADING | STALE
_FROM_ALL = ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"]


@command("MONITOR", flags=_ANYTIME, group="server", since="1.0.0", complexity="")
def monitor(ctx: Client) -> Status | NoReply:
    """MONITOR

    Shows every command as it is executed, until RESET or the end of the connection.
    """
    if not ctx.may_wait:
        raise CommandError(b"MONITOR isn't allowed for DENY BLOCKING client")
    if ctx.monitoring:
        return NO_REPLY
    ctx.engine[Monitors].add(ctx)
    return OK


# The slow log

container("SLOWLOG", summary="Commands about the slow log.", group="server", since="2.2.12")


@command(
    "SLOWLOG GET",
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="2.2.12",
    complexity="O(N) in the number of entries answered",
    tips=["request_policy:all_nodes", "nondeterministic_output"],
)
def slowlog_get(ctx: Client, *words: bytes) -> list[list[Any]]:
    """SLOWLOG GET [count]

    Answers the latest entries of the slow log; -1 for all.
    """
    if len(words) > 1:
        raise CommandError(
            b"unknown subcommand or wrong number of arguments for '%b'. Try SLOWLOG HELP." % as_printed(ctx.argv[1])
        )
    text = b"count should be greater than or equal to -1"
    count = integer_between(words[0], -1, INT64_MAX, text) if words else 10
    entries = list(ctx.engine[SlowLog].entries)
    return [_slow_entry(entry) for entry in (entries if count < 0 else entries[:count])]


def _slow_entry(entry: SlowEntry) -> list[Any]:
    return [entry.id, entry.at, entry.duration, entry.argv, entry.address, entry.name]


@command(
    "SLOWLOG LEN",
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="2.2.12",
    complexity="O(1)",
    tips=["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
)
def slowlog_len(ctx: Client) -> int:
    """SLOWLOG LEN

    Answers how many entries the slow log has.
    """
    return len(ctx.engine[SlowLog].entries)


@command(
    "SLOWLOG RESET",
    flags=ADMIN | LOADING | STALE,
    group="server",
    since="2.2.12",
    complexity="O(N) in the number of entries",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
)
def slowlog_reset(ctx: Client) -> Status:
    """SLOWLOG RESET

    Empties the slow log.
    """
    ctx.engine[SlowLog].entries.clear()
    return OK


@command("SLOWLOG HELP", flags=LOADING | STALE, group="server", since="6.2.0", complexity="O(1)")
def slowlog_help(ctx: Client) -> list[Status]:
    """SLOWLOG HELP

    Lists the subcommands.
    """
    return help_reply("SLOWLOG", _SLOWLOG_HELP)


_SLOWLOG_HELP = """
GET [<count>]
    The latest <count> slow commands (default: 10, -1 for all), each as id, time, duration in
    microseconds, words, and address and name of the client.
LEN
    How many there are.
RESET
    Forget them.
"""


# The latency monitor

container("LATENCY", summary="Commands about latency.", group="server", since="2.8.13")


@command("LATENCY LATEST", flags=_ANYTIME, group="server", since="2.8.13", complexity="O(1)", tips=_FROM_ALL)
def latency_latest(ctx: Client) -> list[list[Any]]:
    """LATENCY LATEST

    Answers each event with its latest spike and its worst.
    """
    events = ctx.engine[LatencyMonitor].events
    return [[name.encode(), *event.samples[-1], event.maximum] for name, event in events.items()]


@command("LATENCY HISTORY", flags=_ANYTIME, group="server", since="2.8.13", complexity="O(1)", tips=_FROM_ALL)
def latency_history(ctx: Client, event: bytes) -> list[list[int]]:
    """LATENCY HISTORY event

    Answers the spikes of an event as time and milliseconds.
    """
    known = ctx.engine[LatencyMonitor].events.get(event.decode("latin-1"))
    return [list(sample) for sample in known.samples] if known else []


@command(
    "LATENCY RESET",
    flags=_ANYTIME,
    group="server",
    since="2.8.13",
    complexity="O(1)",
    tips=["request_policy:all_nodes", "response_policy:agg_sum"],
)
def latency_reset(ctx: Client, *events: bytes) -> int:
    """LATENCY RESET [event [event ...]]

    Forgets the spikes of some events, or of all.
    """
    return ctx.engine[LatencyMonitor].reset([event.decode("latin-1") for event in events])


@command("LATENCY GRAPH", flags=_ANYTIME, group="server", since="2.8.13", complexity="O(1)", tips=_FROM_ALL)
def latency_graph(ctx: Client, event: bytes) -> Verbatim:
    """LATENCY GRAPH event

    Draws the spikes of an event.
    """
    name = event.decode("latin-1")
    known = ctx.engine[LatencyMonitor].events.get(name)
    if known is None:
        raise CommandError(b"No samples available for event '%b'" % as_printed(event))
    return Verbatim(graph(name, known, ctx.engine.clock.now_ms() // 1000).encode("latin-1"))


@command("LATENCY DOCTOR", flags=_ANYTIME, group="server", since="2.8.13", complexity="O(1)", tips=_FROM_ALL)
def latency_doctor(ctx: Client) -> Verbatim:
    """LATENCY DOCTOR

    Reports on the spikes in plain words.
    """
    return Verbatim(doctor(ctx.engine[LatencyMonitor], ctx.engine.clock.now_ms() // 1000).encode())


@command(
    "LATENCY HISTOGRAM",
    flags=_ANYTIME,
    group="server",
    since="7.0.0",
    complexity="O(N) in the number of commands answered",
    tips=_FROM_ALL,
)
def latency_histogram(ctx: Client, *names: bytes) -> dict[bytes, Any]:
    """LATENCY HISTOGRAM [command [command ...]]

    Answers how many calls of each command took up to how many microseconds.
    """
    entries = [entry for name in names for entry in _family(ctx, name)] if names else ctx.engine.rows()
    return {entry.command.name.encode(): _distribution(entry) for entry in entries if entry.calls}


def _family(ctx: Client, name: bytes) -> list[Entry]:
    """The entry called so (`client|list` among them) and its subcommands; none if unknown."""
    head, _, sub = name.lower().partition(b"|")
    entry = ctx.engine.row(head)
    if entry is not None and sub:
        entry = entry.subentries.get(sub)
    return [entry, *entry.subentries.values()] if entry else []


def _distribution(entry: Entry) -> dict[bytes, Any]:
    """Cumulative counts by the upper ends of the buckets that hold calls, in µs."""
    reached = 0
    counts: dict[int, int] = {}
    for index, count in enumerate(entry.histogram):
        if count:
            reached += count
            counts[_upper_end(index)] = reached
    return {b"calls": entry.calls, b"histogram_usec": counts}


def _upper_end(index: int) -> int:
    """A bucket's end in µs: 1.024 µs doubled, to the two digits that Redis's histogram is exact to."""
    nanoseconds = 1024 << min(index, 20)
    return (nanoseconds + nanoseconds // 128 - 1) // 1000


@command("LATENCY HELP", flags=LOADING | STALE, group="server", since="2.8.13", complexity="O(1)")
def latency_help(ctx: Client) -> list[Status]:
    """LATENCY HELP

    Lists the subcommands.
    """
    return help_reply("LATENCY", _LATENCY_HELP)


_LATENCY_HELP = """
DOCTOR
    A report on latency in plain words.
GRAPH <event>
    The spikes of an event, drawn.
HISTOGRAM [COMMAND ...]
    How long these commands, or all, took.
HISTORY <event>
    The spikes of an event.
LATEST
    The latest spike of every event.
RESET [<event> ...]
    Forget the spikes of these events, or of all.
"""
