"""The vectors of a set: which are nearest to one, in what order, and what they are linked with.

The numbers are made by `Rows` (see `vector_rows`), of which there are two: `numpy_rows` where numpy is installed and
`plain_rows` where it is not. The search is exact: it looks at every row.
"""

from array import array

from pyredis.datatypes.vector_rows import Rows


def _rows(dimension: int, quantisation: str) -> Rows:
    try:
        from pyredis.datatypes.numpy_rows import NumpyRows
    except ImportError:
        from pyredis.datatypes.plain_rows import PlainRows

        return PlainRows(dimension, quantisation)
    return NumpyRows(dimension, quantisation)


class Vectors:
    """The vectors of a set, by row. Rows are 0 to `count`-1; the last one takes the place of a removed one.

    `ids` number the vectors in the order they came, the order of equal distances.
    """

    __slots__ = ("dimension", "ids", "last_id", "lengths", "quantisation", "ranges", "rows")

    def __init__(self, dimension: int, quantisation: str) -> None:
        self.last_id = 0
        self.dimension = dimension
        self.quantisation = quantisation
        self.rows = _rows(dimension, quantisation)
        self.lengths = array("f")
        self.ranges = array("f")
        self.ids = array("q")

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.ids)

    # Changing

    def append(self, vector: "array[float]") -> None:
        """Add a vector as the last row."""
        row, span, length = self.rows.encode(vector)
        self.append_raw(row, length, span, self.last_id + 1)

    def append_raw(self, row: bytes, length: float, span: float, id: int) -> None:
        """Add a row that `raw` gave, with its vector's length, its range and its number."""
        self.rows.append(row)
        self.lengths.append(length)
        self.ranges.append(span)
        self.ids.append(id)
        self.last_id = max(self.last_id, id)

    def replace(self, row: int, vector: "array[float]") -> None:
        """Put another vector into a row; it counts as the newest."""
        self.last_id += 1
        self.ids[row] = self.last_id
        direction, self.ranges[row], self.lengths[row] = self.rows.encode(vector)
        self.rows.replace(row, direction)

    def remove(self, row: int) -> None:
        """Take a row away; the last one takes its place."""
        self.rows.remove(row)
        self.ids[row] = self.ids[-1]
        self.ranges[row], self.lengths[row] = self.ranges[-1], self.lengths[-1]
        del self.ids[-1], self.ranges[-1], self.lengths[-1]

    # Looking

    def vector(self, row: int) -> "array[float]":
        """The vector that a row stands for, as near as its form allows."""
        return self.rows.decode(self.rows.raw(row), self.ranges[row], self.lengths[row])

    def raw(self, row: int) -> bytes:
        """A row's bytes."""
        return self.rows.raw(row)

    def nearest_to_row(self, row: int) -> "Nearest":
        """The rows by distance from one of them."""
        return Nearest(self, self.rows.raw(row), self.ranges[row])

    def nearest(self, vector: "array[float]") -> "Nearest":
        """The rows by distance from a vector."""
        row, span, _ = self.rows.encode(vector)
        return Nearest(self, row, span)

    def linked(self, block: int, most: int) -> list[dict[int, float]]:
        """Each row's links, which go both ways, with their distances: at most `most`, of which about half are sought.

        A row is linked with the one before it, so that all hang together, and with the nearest ones in a block of about
        so many; a set of several blocks is divided in several ways.
        """
        found: list[dict[int, float]] = [{} for _ in range(self.count)]
        for row in range(1, self.count):
            found[row][row - 1] = found[row - 1][row] = 2.0
        orders = [list(range(self.count))]
        if self.count > block:
            block, orders = self.rows.divisions(block, self.ranges)
        sought = most // 2 // len(orders) + 1
        for order in orders:
            for start in range(0, self.count, block):
                rows = order[start : start + block]
                for row, near in zip(rows, self.rows.nearest_among(rows, sought, self.ranges), strict=True):
                    _link(found, row, near, most)
        return found


def _link(found: list[dict[int, float]], row: int, near: list[tuple[float, int]], most: int) -> None:
    """Link a row with near ones, where neither has too many links."""
    mine = found[row]
    for distance, other in near:
        theirs = found[other]
        if other in mine or (other != row and len(mine) < most and len(theirs) < most):
            mine[other] = theirs[row] = distance


class Nearest:
    """The rows of `Vectors` by distance from one of them or from a query."""

    __slots__ = ("_distances", "_vectors")

    def __init__(self, vectors: Vectors, query: bytes, span: float) -> None:
        self._vectors = vectors
        self._distances = vectors.rows.distances(query, span, vectors.ranges)

    def first(self, count: int, among: list[int] | None = None) -> list[tuple[int, float]]:
        """The nearest rows with their distances, of all or `among` some; of equal ones the oldest first."""
        ids = self._vectors.ids
        near = self._distances.near(count, among)
        near.sort(key=lambda pair: (pair[0] != pair[0], pair[0], ids[pair[1]]))  # what is no number comes last
        return [(row, distance) for distance, row in near[:count]]
