"""LATENCY GRAPH and DOCTOR: what the latency monitor has seen, drawn and in plain words."""

from pyredis.engine.observability.latency import LatencyEvent, LatencyMonitor

COLUMNS = 80
ROWS = 4
_STEPS = "_o#"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def graph(name: str, event: LatencyEvent, now: int) -> str:
    """An ASCII graph of an event's samples with their ages below; `now` in s since 1970."""
    samples = list(event.samples)
    values = [latency for _, latency in samples]
    labels = [_age(now - at) for at, _ in samples]
    low, high = min(values), max(values)
    head = f"{name} - high {high} ms, low {low} ms (all time high {event.maximum} ms)\n{'-' * COLUMNS}\n"
    spread = high - low or 1
    heights = [min((value - low) * len(_STEPS) * ROWS // spread, len(_STEPS) * ROWS - 1) for value in values]
    starts = range(0, len(values), COLUMNS)
    return head + "\n".join(_part(heights[at : at + COLUMNS], labels[at : at + COLUMNS]) for at in starts)


def _age(seconds: int) -> str:
    for unit, letter in _UNITS:
        if seconds >= unit:
            return f"{seconds // unit}{letter}"
    return "0s"


def _part(heights: list[int], labels: list[str]) -> str:
    """One screen's width: bars, an empty line, the labels from top to bottom."""
    lines = ["".join(_bar(height, row) for height in heights) for row in reversed(range(ROWS))]
    lines.append(" " * len(heights))
    for row in range(max(map(len, labels))):
        lines.append("".join(label[row : row + 1] or " " for label in labels))
    return "".join(line + "\n" for line in lines)


def _bar(height: int, row: int) -> str:
    """What a bar of this height shows in a row, the lowest being 0."""
    above = height - row * len(_STEPS)
    if above < 0:
        return " "
    return _STEPS[above] if above < len(_STEPS) else "|"


_ADVICE = {
    "command": "Look into the slow log (SLOWLOG GET) for what takes long, and split large values.",
    "fast-command": "Commands that cannot be slow were: the machine is busy. Give it less other work.",
    "expire-cycle": "Many keys expire at once: spread their times, raise `hz`, keep values small.",
    "eviction-cycle": "Much is evicted at once: raise `maxmemory`, or grow in smaller steps.",
    "fork": "Forking is slow: more free memory and no virtual machine make it faster.",
}
_DISK_ADVICE = "The disk is slow or shared: use a local one, and nothing stricter than `appendfsync everysec`."


def doctor(monitor: LatencyMonitor, now: int) -> str:
    """A report on every event, with advice; `now` in s since 1970."""
    if not monitor.events:
        if not monitor.threshold:
            return "Latency is not monitored: CONFIG SET latency-monitor-threshold <milliseconds> starts it.\n"
        return "No latency spike was seen so far.\n"
    lines = ["Latency spikes were seen:", ""]
    for number, (name, event) in enumerate(monitor.events.items(), 1):
        lines.append(f"{number}. {name}: {_summary(event, now)}")
    advice = {_ADVICE.get(name, _DISK_ADVICE if name.startswith(("aof", "rdb")) else "") for name in monitor.events}
    lines += ["", *(f"- {text}" for text in sorted(advice) if text)]
    return "\n".join(lines) + "\n"


def _summary(event: LatencyEvent, now: int) -> str:
    values = [latency for _, latency in event.samples]
    average = sum(values) // len(values)
    deviation = sum(abs(average - value) for value in values) // len(values)
    period = max(now - event.samples[0][0], 1) / len(values)
    return (
        f"{len(values)} latency spikes (average {average}ms, mean deviation {deviation}ms,"
        f" period {period:.2f} sec). Worst all time event {event.maximum}ms."
    )
