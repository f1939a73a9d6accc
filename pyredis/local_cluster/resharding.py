"""Moving slots with their keys from one master to another, while clients go on, by the commands that redis-cli sends.

A slot is first declared open on both sides; then its keys are moved until none is left; then all masters are told whose
it is, the new owner first. What was interrupted is begun again: whoever has a key of an open slot sends it over.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pyredis.local_cluster.node_links import Nodes, Words
from pyredis.local_cluster.node_reports import Report, report_of
from pyredis.local_cluster.resp_client import HOST
from pyredis.local_cluster.slot_plan import Move, moves, slots_of

_TOGETHER = 64
"""Slots that are open at a time."""

_KEYS = 100
"""Keys of a slot that are moved by one command."""

_TIMEOUT_MS = 30_000


class Masters(NamedTuple):
    """Ids by ports of all of them, in order."""

    ids: dict[int, str]

    def port(self, id: str) -> int | None:
        """Of a master with an id, if it is one."""
        return next((port for port, one in self.ids.items() if one == id), None)


def rebalance(nodes: Nodes, ports: Iterable[int], moved: Callable[[int, Move], object]) -> None:
    """Let all masters have as many slots. `moved` hears of so many slots of a move. Raises OSError or Refused."""
    reports = {port: report_of(nodes, port) for port in ports}
    masters = {port: report for port, report in reports.items() if report.myself.is_master}
    ids = Masters({port: report.myself.id for port, report in masters.items()})
    finish(nodes, masters, ids, moved)
    owned = {port: slots_of(report_of(nodes, port).myself.slots) for port in ids.ids}
    for move in moves(owned):
        move_slots(nodes, move, ids, moved)


def finish(nodes: Nodes, masters: dict[int, Report], ids: Masters, moved: Callable[[int, Move], object]) -> None:
    """What somebody began: slots that are open go where they were to go, or are closed where they have gone already."""
    ways: dict[tuple[int, int], set[int]] = {}
    for port, report in masters.items():
        for slot, leaves, id in report.myself.open_slots:
            other = ids.port(id)
            source, target = (port, other) if leaves else (other, port)
            if source is None or target is None or slot not in slots_of(masters[source].myself.slots):
                nodes.ask(port, "CLUSTER", "SETSLOT", slot, "STABLE")
            else:
                ways.setdefault((source, target), set()).add(slot)
    for (source, target), slots in sorted(ways.items()):
        move_slots(nodes, Move(source, target, sorted(slots)), ids, moved)


def move_slots(nodes: Nodes, move: Move, masters: Masters, moved: Callable[[int, Move], object]) -> None:
    """Carry out a move."""
    for at in range(0, len(move.slots), _TOGETHER):
        slots = move.slots[at : at + _TOGETHER]
        source_id, target_id = masters.ids[move.source], masters.ids[move.target]
        nodes.ask_all(move.target, [("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id) for slot in slots])
        nodes.ask_all(move.source, [("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id) for slot in slots])
        _move_keys(nodes, move, slots)
        others = [port for port in masters.ids if port not in (move.source, move.target)]
        for port in (move.target, move.source, *others):
            nodes.ask_all(port, [("CLUSTER", "SETSLOT", slot, "NODE", target_id) for slot in slots])
        moved(len(slots), move)


def _move_keys(nodes: Nodes, move: Move, slots: Sequence[int]) -> None:
    left = list(slots)
    while left:
        found = nodes.ask_all(move.source, [("CLUSTER", "GETKEYSINSLOT", slot, _KEYS) for slot in left])
        nodes.ask_all(move.source, [_migrate(move.target, keys) for keys in found if keys])
        left = [slot for slot, keys in zip(left, found, strict=True) if keys]


def _migrate(target: int, keys: Sequence[bytes]) -> Words:
    """REPLACE, because a copy may be left of an attempt that was interrupted, and the source's is the newer."""
    return ("MIGRATE", HOST, target, "", 0, _TIMEOUT_MS, "REPLACE", "KEYS", *keys)
