"""How many nodes Redis's radix tree would have, which XINFO STREAM and MEMORY USAGE tell.

Keys are of one length. A tree has a node for each key's end, one for each place where keys part, and one for each
run of bytes between such places, whatever its length (Redis's `rax.c`).
"""

from collections.abc import Sequence
from itertools import pairwise

_BYTES = 16


def radix_tree_nodes(keys: Sequence[int]) -> int:
    """The nodes of the tree of these ascending 128 bit numbers; an empty one has its root."""
    if not keys:
        return 1
    nodes = 0
    depths = [-1]  # of the places where keys part, from the root to the present key
    for key, following in pairwise(keys):
        depth = (128 - (key ^ following).bit_length()) // 8
        nodes += 1  # the end of `key`
        below = _BYTES
        while depths[-1] > depth:
            nodes += _run(depths[-1], below)
            below = depths.pop()
            nodes += 1
        nodes += _run(depth, below)
        if depths[-1] < depth:
            depths.append(depth)
    nodes += 1
    below = _BYTES
    for depth in reversed(depths):
        nodes += _run(depth, below) + (depth >= 0)
        below = depth
    return nodes


def _run(above: int, below: int) -> int:
    """Whether there are bytes between two places; the one above takes a byte itself."""
    return int(below > above + 1)
