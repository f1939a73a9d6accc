"""Who is to have which slots: numbers only.

Slots are given out in runs as even as can be. Rebalancing moves as few as possible: who has more than his share gives
the last of his slots to who has less, and where all are within 2 % of their shares nobody does.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from pyredis.datatypes.key_slot import SLOTS

SKEW = 0.02

Range = tuple[int, int]
"""The first slot and the last."""


class Move(NamedTuple):
    """So many slots go from one node to another."""

    source: int
    target: int
    slots: list[int]


def shares(count: int) -> list[Range]:
    """Every slot, in `count` runs of sizes that differ by one at most."""
    starts = [SLOTS * number // count for number in range(count + 1)]
    return [(first, after - 1) for first, after in pairwise(starts)]


def slots_of(ranges: Iterable[Range]) -> list[int]:
    """Each slot of some ranges."""
    return [slot for first, last in ranges for slot in range(first, last + 1)]


def ranges_of(slots: Iterable[int]) -> Iterator[Range]:
    """Slots as ranges, in order."""
    first = last = -1
    for slot in sorted(slots):
        if slot == last + 1 and first >= 0:
            last = slot
            continue
        if first >= 0:
            yield first, last
        first = last = slot
    if first >= 0:
        yield first, last


def targets(sizes: Mapping[int, int]) -> dict[int, int]:
    """How many slots each is to have: even shares of all there are, and who has most keeps what is left over."""
    share, left = divmod(sum(sizes.values()), len(sizes))
    most_first = sorted(sizes, key=lambda node: (-sizes[node], node))
    return {node: share + (at < left) for at, node in enumerate(most_first)}


def is_balanced(sizes: Collection[int]) -> bool:
    """Whether nobody is further from an even share than SKEW."""
    share = sum(sizes) / len(sizes)
    return all(abs(size - share) <= max(share * SKEW, 1) for size in sizes)


def moves(owned: Mapping[int, Collection[int]]) -> list[Move]:
    """What makes it even: `owned` are slots by node, none for an empty one."""
    sizes = {node: len(slots) for node, slots in owned.items()}
    if is_balanced(sizes.values()):
        return []
    wanted = targets(sizes)
    spare = {node: sorted(slots)[wanted[node] :] for node, slots in owned.items() if sizes[node] > wanted[node]}
    found = []
    for target in sorted(owned):
        lacking = wanted[target] - sizes[target]
        for source in sorted(spare, key=lambda node: -len(spare[node])):
            given, spare[source] = spare[source][: max(lacking, 0)], spare[source][max(lacking, 0) :]
            lacking -= len(given)
            if given:
                found.append(Move(source, target, given))
    return found
