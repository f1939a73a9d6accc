"""Vector sets: elements, each with a vector and perhaps attributes, found by how near their vectors are.

Redis searches a graph of neighbours (HNSW) and may miss some; here every vector is compared, so answers are exact,
what only tunes the graph (M, EF) is kept for INFO's sake, and an element's links are its nearest neighbours. Levels are
such as the graph would have, where a quarter of each level's elements is on the next one, too.

A filter judges the nearest elements first, and no more of them than Redis would come by (FILTER-EF). Its search begins
at one and takes so many steps, each from an element to those it is linked with: `links` * 2 at first, of which in later
steps about a quarter were not seen before.
"""

from array import array
from collections.abc import Callable
from itertools import count as counter
from random import Random

from pyredis.datatypes.dismantling import Parts, dismantle
from pyredis.datatypes.vector_rows import row_size
from pyredis.datatypes.vectors import Nearest, Vectors
from pyredis.errors import CommandError

DEFAULT_LINKS = 16
_HEADER_SIZE = 1700
_NODE_SIZE = 420
_LINK_SIZE = 18  # a link's share of the levels of Redis's graph, bytes
_WIDER = (8, 64)  # with a filter, so many times the elements wanted are judged before all are

_uids = counter()

Accept = Callable[[bytes | None], bool]


def _level(id: int) -> int:
    """The highest level of the element that came as the `id`th."""
    return ((id & -id).bit_length() - 1) // 2


class VectorSet:
    """Elements and their vectors.

    `links` is M of Redis's graph, `input_dimension` the size of vectors before projection (0: they are not projected).
    """

    __slots__ = ("attributes", "input_dimension", "links", "names", "places", "uid", "vectors")

    def __init__(self, dimension: int, quantisation: str, links: int = DEFAULT_LINKS, input_dimension: int = 0) -> None:
        self.links = links
        self.input_dimension = input_dimension
        self.names: list[bytes] = []  # by row
        self.places: dict[bytes, int] = {}  # rows by name
        self.attributes: dict[bytes, bytes] = {}
        self.vectors = Vectors(dimension, quantisation)
        self.uid = next(_uids)

    def __del__(self, dismantle: Callable[[Parts], None] = dismantle) -> None:
        dismantle(self.names)
        dismantle(self.places)
        dismantle(self.attributes)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, element: bytes) -> bool:
        return element in self.places

    @property
    def dimension(self) -> int:
        """Components of the vectors kept."""
        return self.vectors.dimension

    def project(self, vector: "array[float]") -> "array[float]":
        """A vector of the size given by clients in the size kept."""
        return self.vectors.rows.projected(vector)

    def projection(self) -> bytes:
        """The projection's matrix: 32 bit floats."""
        return self.vectors.rows.projection(self.input_dimension)

    # Changing

    def add_raw(self, element: bytes, row: bytes, length: float, span: float, id: int) -> None:
        """Add an element that was saved, with its row in `vectors`."""
        self.places[element] = len(self.names)
        self.names.append(element)
        self.vectors.append_raw(row, length, span, id)

    def add(self, element: bytes, vector: "array[float]", attributes: bytes | None) -> bool:
        """Add an element or give it another vector; whether it is new. Attributes: None keeps what there is.

        As in Redis, empty attributes take those of a known element away, and a new one has empty ones.
        """
        row = self.places.get(element)
        if row is not None:
            self.vectors.replace(row, vector)
            if attributes is not None:
                self.set_attributes(element, attributes)
            return False
        self.places[element] = len(self.names)
        self.names.append(element)
        self.vectors.append(vector)
        if attributes is not None:
            self.attributes[element] = attributes
        return True

    def remove(self, element: bytes) -> bool:
        """Remove an element; False when there was none."""
        row = self.places.pop(element, None)
        if row is None:
            return False
        self.vectors.remove(row)
        last = self.names.pop()
        if last != element:
            self.names[row] = last
            self.places[last] = row
        self.attributes.pop(element, None)
        return True

    def set_attributes(self, element: bytes, attributes: bytes) -> bool:
        """Set an element's attributes, or take them away by an empty string; False when there is no such element."""
        if element not in self.places:
            return False
        if attributes:
            self.attributes[element] = attributes
        else:
            self.attributes.pop(element, None)
        return True

    # Looking

    def vector(self, element: bytes) -> "array[float] | None":
        """An element's vector as near as it was kept, or None."""
        row = self.places.get(element)
        return None if row is None else self.vectors.vector(row)

    def similar(
        self,
        vector: "array[float]",
        count: int,
        farthest: float,
        accept: Accept | None = None,
        effort: int | None = None,
    ) -> list[tuple[bytes, float]]:
        """At most `count` elements, the nearest first, with their distances from `vector` (0 to 2).

        Halves of distances are at most `farthest`. `accept` judges an element by its attributes, of as many as so many
        steps of Redis's search come by (`effort`; None: of all).
        """
        nearest = self.vectors.nearest(vector)
        found = self._named(nearest, count) if accept is None else self._accepted(nearest, count, accept, effort)
        return [pair for pair in found if not pair[1] / 2 > farthest]

    def _accepted(self, nearest: Nearest, count: int, accept: Accept, effort: int | None) -> list[tuple[bytes, float]]:
        """The nearest elements that pass; more of them are judged only when too few of the nearest do."""
        most = len(self) if effort is None else min(len(self), self._come_by(effort))
        for judged in (count * times for times in _WIDER):
            found = self._passing(nearest, min(judged, most), accept)
            if len(found) >= count or judged >= most:
                return found[:count]
        if most < len(self):
            return self._passing(nearest, most, accept)[:count]
        places = [self.places[element] for element, attributes in self.attributes.items() if accept(attributes)]
        return self._named(nearest, count, places)

    def _come_by(self, steps: int) -> int:
        """About how many elements Redis's search has seen after so many steps."""
        return 1 if steps <= 1 else 1 + 2 * self.links + (steps - 2) * self.links // 2

    def _passing(self, nearest: Nearest, judged: int, accept: Accept) -> list[tuple[bytes, float]]:
        return [pair for pair in self._named(nearest, judged) if accept(self.attributes.get(pair[0]))]

    def neighbours(self, element: bytes) -> list[list[tuple[bytes, float]]] | None:
        """The nearest other elements with their distances, by levels from the highest down; None for no element.

        On each there are as many as Redis would link a new element with.
        """
        row = self.places.get(element)
        if row is None:
            return None
        nearest, ids = self.vectors.nearest_to_row(row), self.vectors.ids
        levels = range(_level(ids[row]), -1, -1)
        peers = ([other for other, id in enumerate(ids) if other != row and _level(id) >= level] for level in levels)
        return [self._named(nearest, self.links, rows) for rows in peers]

    def highest_level(self) -> int:
        """The highest level on which there is an element."""
        return max(map(_level, self.vectors.ids))

    def _named(self, nearest: Nearest, count: int, among: list[int] | None = None) -> list[tuple[bytes, float]]:
        names = self.names
        return [(names[row], distance) for row, distance in nearest.first(count, among)]

    def sample(self, count: int, random: Random) -> list[bytes]:
        """Random elements: different ones, or with a negative count each one of all."""
        if count < 0:
            return random.choices(self.names, k=-count)
        return random.sample(self.names, min(count, len(self)))

    # For the keyspace

    def copy(self) -> "VectorSet":
        """Redis's module has no copies: always raises its error."""
        raise CommandError(b"not supported for this module key")

    def memory_usage(self, samples: int) -> int:
        """About the bytes Redis would take."""
        size = _NODE_SIZE + _LINK_SIZE * self.links + row_size(self.dimension, self.vectors.quantisation)
        texts = sum(map(len, self.names)) + sum(map(len, self.attributes.values()))
        return _HEADER_SIZE + size * len(self) + texts
