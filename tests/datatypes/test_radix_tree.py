"""The nodes of a radix tree: against a tree built byte by byte."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pyredis.datatypes.radix_tree import radix_tree_nodes

number = st.integers(0, 3) | st.integers(0, 2**64 - 1) | st.integers(0, 600)
key = st.builds(lambda ms, sequence: ms << 64 | sequence, number, number)


def trie(keys):
    root = {}
    for one in keys:
        node = root
        for byte in one.to_bytes(16, "big"):
            node = node.setdefault(byte, {})
    return root


def count(node):
    """Runs of bytes without a branch are one node, the end of a key is one, a branch is one."""
    nodes, run = 0, False
    while len(node) == 1:
        run = True
        (node,) = node.values()
    return nodes + run + 1 + sum(map(count, node.values()))


@given(st.sets(key, min_size=1, max_size=40))
def test_any_keys(keys):
    assert radix_tree_nodes(sorted(keys)) == count(trie(keys))


@mark.parametrize(("keys", "nodes"), [([], 1), ([5 << 64], 2), ([1, 2], 4), ([1, 1 << 120], 5)])
def test_some_keys(keys, nodes):
    assert radix_tree_nodes(keys) == nodes
