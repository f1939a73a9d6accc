"""A long list as a chain of short runs: what is near either end is reached at once, the middle a run at a time.

Runs begin, fill, split and merge exactly where Redis's quicklist nodes do (`quicklist.c`, 8.2), since a list goes back
to a single listpack when all but one node are gone. So a push opens a new run when the one at the end has no room, a
deletion never merges, and an insertion into a full run splits it and merges what then fits together. An element larger
than a run may be stands in a run of its own, which takes no other (a "plain" node).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from pyredis.datatypes.dismantling import Parts, dismantle
from pyredis.datatypes.listpack import EMPTY_SIZE, LARGE, MARGIN, Limits, Listpack, entry_size


class Quicklist:
    """Elements in `nodes`, none of which is empty; `limits` are those of its making, as in Redis."""

    __slots__ = ("length", "limits", "nodes")

    def __init__(self, limits: Limits, nodes: Iterable[Listpack] = ()) -> None:
        self.limits = limits
        self.nodes = deque(node for node in nodes if node)
        self.length = sum(map(len, self.nodes))

    def __del__(self, dismantle: Callable[[Parts], None] = dismantle) -> None:
        dismantle(self.nodes)

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self.nodes)

    def __reversed__(self) -> Iterator[bytes]:
        return chain.from_iterable(map(reversed, reversed(self.nodes)))

    def copy(self) -> "Quicklist":
        """An independent copy."""
        return Quicklist(self.limits, [node.copy() for node in self.nodes])

    # At the ends

    def push_left(self, element: bytes) -> None:
        """Add at the head."""
        nodes = self.nodes
        limits = self.limits
        if nodes and (node := nodes[0]).size + len(element) + MARGIN <= limits.size and len(node) < limits.entries:
            node.insert(0, element)
            node.size += entry_size(element)
        else:
            nodes.appendleft(self._node(element))
        self.length += 1

    def push_right(self, element: bytes) -> None:
        """Add at the tail."""
        nodes = self.nodes
        limits = self.limits
        if nodes and (node := nodes[-1]).size + len(element) + MARGIN <= limits.size and len(node) < limits.entries:
            node.append(element)
            node.size += entry_size(element)
        else:
            nodes.append(self._node(element))
        self.length += 1

    def extend_left(self, elements: Sequence[bytes]) -> None:
        """Add at the head, one after the other; many at half the price of `push_left`."""
        nodes, at = self.nodes, 0
        while at < len(elements):
            count = self._taken(nodes[0], elements, at) if nodes else 0
            if count:
                nodes[0][:0] = reversed(elements[at : at + count])
            else:
                nodes.appendleft(self._node(elements[at]))
            at += count or 1
        self.length += at

    def extend_right(self, elements: Sequence[bytes]) -> None:
        """Add at the tail."""
        nodes, at = self.nodes, 0
        while at < len(elements):
            count = self._taken(nodes[-1], elements, at) if nodes else 0
            if count:
                nodes[-1] += elements[at : at + count]
            else:
                nodes.append(self._node(elements[at]))
            at += count or 1
        self.length += at

    def _taken(self, node: Listpack, elements: Sequence[bytes], start: int) -> int:
        """How many of the elements from `start` on have room in a node, whose size they are added to."""
        size, most, at = node.size, self.limits.size - MARGIN, start
        stop = min(len(elements), start + self.limits.entries - len(node))
        while at < stop and size + (length := len(element := elements[at])) <= most:
            size += length + 2 if length < 64 and element > b":" else entry_size(element)
            at += 1
        node.size = size
        return at - start

    def pop_left(self) -> bytes:
        """Take the first element."""
        node = self.nodes[0]
        element = node.pop(0)
        node.size -= entry_size(element)
        if not node:
            self.nodes.popleft()
        self.length -= 1
        return element

    def pop_right(self) -> bytes:
        """Take the last element."""
        node = self.nodes[-1]
        element = node.pop()
        node.size -= entry_size(element)
        if not node:
            self.nodes.pop()
        self.length -= 1
        return element

    def trim(self, left: int, right: int) -> None:
        """Delete so many elements at the head and at the tail; together there are no more than all."""
        self.length -= left + right
        while left:
            node = self.nodes[0]
            count = min(left, len(node))
            left -= count
            if count == len(node):
                self.nodes.popleft()
            else:
                node.drop(0, count)
        while right:
            node = self.nodes[-1]
            count = min(right, len(node))
            right -= count
            if count == len(node):
                self.nodes.pop()
            else:
                node.drop(len(node) - count, len(node))

    # In the middle

    def __getitem__(self, index: int) -> bytes:
        """The element at `index`, which is not negative. IndexError beyond the end."""
        at, offset = self._find(index)
        return self.nodes[at][offset]

    def slice(self, start: int, stop: int) -> list[bytes]:
        """The elements from `start` up to `stop`; 0 <= start < stop <= length."""
        if start == 0 and stop == self.length:
            return list(self)
        at, offset = self._find(start)
        node = self.nodes[at]
        found = node[offset : offset + stop - start]
        following = iter(self.nodes) if len(found) < stop - start else iter(())
        for node in islice(following, at + 1, None):
            found += node[: stop - start - len(found)]
            if len(found) == stop - start:
                break
        return found

    def replace(self, index: int, element: bytes) -> None:
        """Let another element stand at `index`. IndexError beyond the end."""
        at, offset = self._find(index)
        node = self.nodes[at]
        if node.size == LARGE:
            self._replace_large(at, element)
        elif len(element) <= self.limits.size:
            node.replace(offset, element)
        else:
            self._replace_by_large(at, offset, element)

    def insert(self, index: int, element: bytes, *, after: bool) -> None:
        """Insert before or after the element at `index`, which there is."""
        at, offset = self._find(index)
        self._insert(at, offset, element, after)
        self.length += 1

    def discard(self, element: bytes, most: int, *, from_right: bool) -> int:
        """Delete up to `most` elements that are equal, the first or the last ones; how many went."""
        left = most
        for node in reversed(self.nodes) if from_right else self.nodes:
            if element in node:
                left -= node.discard(element, left, from_right=from_right)
                if not left:
                    break
        if left < most:
            self.nodes = deque(filter(None, self.nodes))
            self.length -= most - left
        return most - left

    # Nodes

    def _find(self, index: int) -> tuple[int, int]:
        """The position of a node, and in it, of the element at `index`, from the nearer end."""
        if not 0 <= index < self.length:
            raise IndexError(index)
        if index * 2 < self.length:
            at = 0
            for size in map(len, self.nodes):
                if index < size:
                    break
                index -= size
                at += 1
            return at, index
        at = len(self.nodes) - 1
        index = self.length - index
        for size in map(len, reversed(self.nodes)):
            if index <= size:
                return at, size - index
            index -= size
            at -= 1
        raise IndexError(index)

    def _node(self, element: bytes) -> Listpack:
        """A new node with one element."""
        node = Listpack((element,))
        if len(element) > self.limits.size:
            node.size = LARGE
        return node

    def _has_room(self, at: int, element: bytes) -> bool:
        """Whether there is a node at a position, with room."""
        return 0 <= at < len(self.nodes) and self.nodes[at].has_room(len(element), self.limits)

    def _insert(self, at: int, offset: int, element: bytes, after: bool) -> None:
        node = self.nodes[at]
        at_edge = offset == (len(node) - 1 if after else 0)
        beside = at + 1 if after else at - 1
        if self._has_room(at, element):
            node.put(offset + after, element)
        elif at_edge and self._has_room(beside, element):
            neighbour = self.nodes[beside]
            neighbour.put(0 if after else len(neighbour), element)
        elif at_edge:
            self.nodes.insert(at + after, self._node(element))
        elif len(element) > self.limits.size:
            self._split(at, offset + after)
            self.nodes.insert(at + 1, self._node(element))
        else:
            self._split(at, offset + after)
            half = self.nodes[at + after]
            half.put(0 if after else len(half), element)
            self._merge_around(at if after else at + 1)

    def _split(self, at: int, offset: int) -> None:
        """Make two nodes of one; the second begins at `offset`."""
        node = self.nodes[at]
        rest = Listpack(node[offset:])
        node.drop(offset, len(node))
        self.nodes.insert(at + 1, rest)

    def _replace_large(self, at: int, element: bytes) -> None:
        """Another element for the one that has a node of its own."""
        if len(element) <= self.limits.size:
            self._insert(at, 0, element, after=True)
            del self.nodes[at]
        else:
            self.nodes[at] = self._node(element)

    def _replace_by_large(self, at: int, offset: int, element: bytes) -> None:
        """A large element takes the place of one among others: their node ends before it."""
        node = self.nodes[at]
        if offset < len(node) - 1:
            self._split(at, offset + 1)
        self.nodes.insert(at + 1, self._node(element))
        node.pop_right()
        if node:
            self._merge_around(at + 1)
        else:
            del self.nodes[at]

    def _merge_around(self, at: int) -> None:
        """Merge what fits together beside and with a node: the two before it, the two behind it, then it with both."""
        if at >= 2 and self._merge(at - 2):
            at -= 1
        self._merge(at + 1)
        if at >= 1 and self._merge(at - 1):
            at -= 1
        self._merge(at)

    def _merge(self, at: int) -> bool:
        """Merge a node with the next if both fit into one."""
        if at + 1 >= len(self.nodes):
            return False
        node, following = self.nodes[at], self.nodes[at + 1]
        size = node.size + following.size - EMPTY_SIZE
        if self.limits.forbid(size, len(node) + len(following)):
            return False
        node.extend(following)
        node.size = size
        del self.nodes[at + 1]
        return True
