"""A list: one listpack while it is small, a quicklist once it grows past the limits, as OBJECT ENCODING tells.

Growing is judged before elements are added, by their bare lengths; going back when the elements that are left make
one node of at most half the limits (Redis 8.2, `t_list.c`). Positions count from 0 at the head. The empty list exists
only for a moment: a key whose list is empty is gone.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from pyredis.datatypes.allocation import allocated
from pyredis.datatypes.listpack import LARGE, Limits, Listpack
from pyredis.datatypes.quicklist import Quicklist


class List:
    """A sequence of byte strings that is quick at both ends. `form` holds the elements."""

    __slots__ = ("form",)

    def __init__(self) -> None:
        self.form: Listpack | Quicklist = Listpack()

    def __len__(self) -> int:
        return len(self.form)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.form)

    def __reversed__(self) -> Iterator[bytes]:
        return reversed(self.form)

    @classmethod
    def of(cls, elements: Iterable[bytes], limits: Limits) -> "List":
        """A list made at once of elements (SORT … STORE)."""
        self = cls()
        self.form = Quicklist(limits)
        for element in elements:
            self.form.push_right(element)
        self._choose_form(max(limits.size, limits.low_size), limits.entries)
        return self

    @classmethod
    def of_nodes(cls, nodes: Iterable[Listpack], limits: Limits) -> "List":
        """A list made of the nodes it was saved as; none is empty."""
        self = cls()
        self.form = Quicklist(limits, nodes)
        self._choose_form(max(limits.size, limits.low_size), limits.entries)
        return self

    @property
    def encoding(self) -> bytes:
        """What OBJECT ENCODING answers."""
        return b"listpack" if self.form.__class__ is Listpack else b"quicklist"

    def copy(self) -> "List":
        """An independent copy."""
        twin = List()
        twin.form = self.form.copy()
        return twin

    # Adding

    def push_left(self, elements: Sequence[bytes], limits: Limits) -> int:
        """Add elements at the head, one after the other; returns the length."""
        form = self.form
        if form.__class__ is Listpack:
            form = self._growing(elements, limits)
        if len(elements) == 1:
            form.push_left(elements[0])
        else:
            form.extend_left(elements)
        return len(form)

    def push_right(self, elements: Sequence[bytes], limits: Limits) -> int:
        """Add elements at the tail; returns the length."""
        form = self.form
        if form.__class__ is Listpack:
            form = self._growing(elements, limits)
        if len(elements) == 1:
            form.push_right(elements[0])
        else:
            form.extend_right(elements)
        return len(form)

    def insert(self, pivot: bytes, element: bytes, limits: Limits, *, after: bool) -> bool:
        """Insert before or after the first element equal to `pivot`; False if there is none."""
        form = self._growing((element,), limits)
        index = next(self.positions(pivot), None)
        if index is None:
            return False
        if isinstance(form, Quicklist):
            form.insert(index, element, after=after)
        else:
            form.put(index + after, element)
        return True

    def replace(self, index: int, element: bytes, limits: Limits) -> None:
        """Let another element stand at `index`, negative ones from the end. IndexError when there is none."""
        form = self._growing((element,), limits)
        if index < 0:
            index += len(form)
        if not 0 <= index < len(form):
            raise IndexError(index)
        form.replace(index, element)
        self.try_conversion(limits)

    # Taking

    def pop_left(self) -> bytes:
        """Take the first element. Whoever takes elements calls `try_conversion` when done, unless the list is empty."""
        return self.form.pop_left()

    def pop_right(self) -> bytes:
        """Take the last element."""
        return self.form.pop_right()

    def trim(self, left: int, right: int) -> None:
        """Delete so many elements at the head and at the tail; together there are no more than all."""
        form = self.form
        if isinstance(form, Quicklist):
            form.trim(left, right)
        else:
            form.drop(0, left)
            form.drop(len(form) - right, len(form))

    def remove(self, element: bytes, most: int, *, from_right: bool) -> int:
        """Delete up to `most` elements that are equal, the first or the last ones; how many went."""
        return self.form.discard(element, most, from_right=from_right)

    def try_conversion(self, limits: Limits) -> None:
        """Become a listpack again if what is left is small enough."""
        if isinstance(self.form, Quicklist) and len(self.form.nodes) == 1:
            self._choose_form(limits.low_size, limits.low_entries)

    # Reading

    def at(self, index: int) -> bytes | None:
        """The element at `index`, negative ones from the end, or None."""
        length = len(self.form)
        if index < 0:
            index += length
        return self.form[index] if 0 <= index < length else None

    def slice(self, start: int, stop: int) -> list[bytes]:
        """The elements from `start` up to `stop`, both at least 0 and at most the length."""
        form = self.form
        if isinstance(form, Quicklist):
            return form.slice(start, stop) if start < stop else []
        return form[start:stop]

    def positions(self, element: bytes, *, from_right: bool = False, most: int = 0) -> Iterator[int]:
        """Where equal elements stand, from an end on, among the `most` elements next to it (0: all)."""
        form = self.form
        length = len(form)
        runs: Iterable[Listpack] = form.nodes if isinstance(form, Quicklist) else (form,)
        seen = 0
        for run in reversed(list(runs)) if from_right else runs:
            words = run[::-1] if from_right else run
            stop = min(len(words), most - seen) if most else len(words)
            at = -1
            for _ in range(words.count(element)):
                at = words.index(element, at + 1)
                if at >= stop:
                    return
                yield length - 1 - seen - at if from_right else seen + at
            seen += len(words)
            if most and seen >= most:
                return

    def memory_usage(self, samples: int) -> int:
        """Bytes that Redis would take, judged by the first `samples` runs (0: all)."""
        form = self.form
        if not isinstance(form, Quicklist):
            return allocated(form.size)
        sizes = [_NODE + _run_size(node) for node in islice(form.nodes, samples or None)]
        return _CHAIN + sum(sizes) * len(form.nodes) // max(len(sizes), 1)

    # Between the forms

    def _growing(self, elements: Sequence[bytes], limits: Limits) -> Listpack | Quicklist:
        """The form that takes these elements."""
        form = self.form
        if form.__class__ is Listpack:
            size = form.size + sum(map(len, elements))
            if size > limits.size or len(form) + len(elements) > limits.entries:
                self.form = Quicklist(limits, (form,))
                return self.form
        return form

    def _choose_form(self, size: int, count: int) -> None:
        form = self.form
        if isinstance(form, Quicklist) and len(form.nodes) == 1:
            node = form.nodes[0]
            if node.size <= size and len(node) <= count:
                self.form = node


_CHAIN = 48
_NODE = 32


def _run_size(node: Listpack) -> int:
    return allocated(len(node[0]) if node.size == LARGE else node.size)
