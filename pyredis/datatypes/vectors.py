"""Vectors as rows of one growing numpy matrix: how they are normalised, quantised and compared.

This is the one module that needs numpy (the extra `vectors`). A vector is kept as its direction, a unit vector, and
its length. The direction takes one of three forms, Redis's names of which are

* `f32`: 32 bit floats;
* `int8`: whole numbers from -127 to 127 in units of the vector's greatest component (its range) over 127;
* `bin`: one bit a component, set for what is positive, packed into 64 bit words; the length is not used.

Distances are Redis's, from 0 (the same direction) to 2 (opposite): 1 minus the cosine, for `bin` twice the share of
bits that differ. Sums of floats are made in Redis's order, so that what it answers comes out the same to the last
digit where its processor has no wider instructions to use; the order only of what is answered, since that is slower.

The search is exact: it looks at every row.
"""

from array import array
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

QUANTISATIONS = ("f32", "int8", "bin")
_STEPS = np.float32(127)
_EXACT_DIMENSION = (1 << 24) // 127**2  # up to here a 32 bit float holds any dot product of int8 rows
_CHUNK = 8192  # int8 rows made floats at a time
_SLACK = np.float32(1e-4)  # how far a distance summed in another order may be off
_FIRST_CAPACITY = 4
_DIVISIONS = 4  # ways to divide a large set when near rows are sought for links
_PIVOTS = 8  # rows to a block, by which it is divided


class Vectors:
    """The vectors of a set, by row. Rows are 0 to `count`-1; the last one takes the place of a removed one.

    `ids` number the vectors in the order they came, the order of equal distances.
    """

    __slots__ = ("count", "dimension", "ids", "last_id", "lengths", "quantisation", "ranges", "rows")

    def __init__(self, dimension: int, quantisation: str) -> None:
        self.count = 0
        self.last_id = 0
        self.dimension = dimension
        self.quantisation = quantisation
        self.rows = self._empty_rows(_FIRST_CAPACITY)
        self.lengths: Floats = np.ones(_FIRST_CAPACITY, np.float32)
        self.ranges: Floats = np.zeros(_FIRST_CAPACITY, np.float32)
        self.ids = np.zeros(_FIRST_CAPACITY, np.int64)

    def _empty_rows(self, capacity: int) -> NDArray[Any]:
        if self.quantisation == "bin":
            return np.zeros((capacity, (self.dimension + 63) // 64), np.uint64)
        return np.zeros((capacity, self.dimension), np.int8 if self.quantisation == "int8" else np.float32)

    # Changing

    def append(self, vector: "array[float]") -> None:
        """Add a vector as the last row."""
        if self.count == len(self.rows):
            self._grow()
        self.count += 1
        self.replace(self.count - 1, vector)

    def replace(self, row: int, vector: "array[float]") -> None:
        """Put another vector into a row; it counts as the newest."""
        self.last_id += 1
        self.ids[row] = self.last_id
        self.rows[row], self.ranges[row], self.lengths[row] = self._encode(vector)

    def append_raw(self, row: bytes, length: float, span: float, id: int) -> None:
        """Add a row that `raw` gave, with its vector's length, its range and its number."""
        if self.count == len(self.rows):
            self._grow()
        self.rows[self.count] = np.frombuffer(row, self.rows.dtype)
        self.lengths[self.count], self.ranges[self.count], self.ids[self.count] = length, span, id
        self.count += 1
        self.last_id = max(self.last_id, id)

    def remove(self, row: int) -> None:
        """Take a row away; the last one takes its place."""
        self.count -= 1
        for column in (self.rows, self.ranges, self.lengths, self.ids):
            column[row] = column[self.count]

    def _grow(self) -> None:
        more = self._empty_rows(len(self.rows))
        self.rows = np.concatenate((self.rows, more))
        self.lengths = np.concatenate((self.lengths, np.ones(len(more), np.float32)))
        self.ranges = np.concatenate((self.ranges, np.zeros(len(more), np.float32)))
        self.ids = np.concatenate((self.ids, np.zeros(len(more), np.int64)))

    # Looking

    def vector(self, row: int) -> "array[float]":
        """The vector that a row stands for, as near as its form allows."""
        with np.errstate(all="ignore"):
            if self.quantisation == "bin":
                bits = np.unpackbits(self.rows[row].view(np.uint8), bitorder="little")[: self.dimension]
                found = np.where(bits, np.float32(1), np.float32(-1))
            else:
                found = self.rows[row].astype(np.float32)
                if self.quantisation == "int8":
                    found = found * self.ranges[row] / _STEPS
                found = found * self.lengths[row]
        return array("f", found.astype(np.float32).tobytes())

    def raw(self, row: int) -> bytes:
        """A row's bytes."""
        return bytes(self.rows[row].data)

    def nearest_to_row(self, row: int) -> "Nearest":
        """The rows by distance from one of them."""
        return Nearest(self, self.rows[row], self.ranges[row])

    def nearest(self, vector: "array[float]") -> "Nearest":
        """The rows by distance from a vector."""
        row, span, _ = self._encode(vector)
        return Nearest(self, row, span)

    def linked(self, block: int, most: int) -> list[dict[int, float]]:
        """Each row's links, which go both ways, with their distances: at most `most`, of which about half are sought.

        A row is linked with the one before it, so that all hang together, and with the nearest ones in a block; a set
        of several blocks is divided in several ways, first by age, then by which of some rows is the nearest.
        """
        found: list[dict[int, float]] = [{} for _ in range(self.count)]
        for row in range(1, self.count):
            found[row][row - 1] = found[row - 1][row] = 2.0
        orders = [np.arange(self.count)]
        if self.count > block:
            orders += (self._by_nearest(turn, self.count * _PIVOTS // block) for turn in range(1, _DIVISIONS))
        for order in orders:
            for start in range(0, self.count, block):
                self._link(found, order[start : start + block], most, most // 2 // len(orders))
        return found

    def _link(self, found: list[dict[int, float]], rows: NDArray[np.int64], most: int, sought: int) -> None:
        """Link some rows, each with so many of the nearest among them."""
        directions = self._directions(rows)
        with np.errstate(all="ignore"):
            distances = np.clip(np.nan_to_num(np.float32(1) - directions @ directions.T, nan=2.0), 0, 2)
        kept = min(sought + 1, len(rows))
        nearest = np.argpartition(distances, kept - 1, axis=1)[:, :kept]
        for at, (row, others) in enumerate(zip(rows.tolist(), rows[nearest].tolist(), strict=True)):
            mine = found[row]
            for other, distance in zip(others, distances[at, nearest[at]].tolist(), strict=True):
                theirs = found[other]
                if other in mine or (other != row and len(mine) < most and len(theirs) < most):
                    mine[other] = theirs[row] = distance

    def _by_nearest(self, turn: int, count: int) -> NDArray[np.int64]:
        """The rows, those together that are nearest to the same one of `count` rows, others each turn."""
        step = self.count // count
        pivots = self._directions(np.arange(turn % step, self.count, step)).T
        starts = range(0, self.count, _CHUNK)
        with np.errstate(all="ignore"):
            chunks = [self._directions(np.arange(at, min(at + _CHUNK, self.count))) @ pivots for at in starts]
            groups = np.concatenate([chunk.argmax(axis=1) for chunk in chunks])
        return np.argsort(groups, kind="stable")

    def _directions(self, rows: NDArray[np.int64]) -> Floats:
        """The directions of rows as unit vectors."""
        directions: Floats
        if self.quantisation == "bin":
            bits = np.unpackbits(self.rows[rows].view(np.uint8), axis=1, bitorder="little")[:, : self.dimension]
            directions = (bits * np.float32(2) - 1) / np.float32(sqrt(self.dimension))
        elif self.quantisation == "int8":
            directions = self.rows[rows] * (self.ranges[rows] / _STEPS)[:, None]
        else:
            directions = self.rows[rows]
        return directions

    def _encode(self, vector: "array[float]") -> tuple[NDArray[Any], np.float32, np.float32]:
        """A vector's direction as a row, its range and its length."""
        with np.errstate(all="ignore"):
            direction, length = _normalised(np.frombuffer(vector, np.float32))
            if self.quantisation == "f32":
                return direction, np.float32(0), length
            if self.quantisation == "int8":
                return *_in_steps(direction), length
            bits = np.zeros(self.rows.shape[1] * 64, np.uint8)
            bits[: self.dimension] = direction > 0
            return np.packbits(bits, bitorder="little").view(np.uint64), np.float32(0), length


class Nearest:
    """The rows of `Vectors` by distance from one of them or from a query."""

    __slots__ = ("_distances", "_query", "_range", "_vectors")

    def __init__(self, vectors: Vectors, query: NDArray[Any], span: np.float32) -> None:
        self._vectors = vectors
        self._query = query
        self._range = span
        with np.errstate(all="ignore"):
            self._distances: Floats = self._measure()

    def first(self, count: int, among: list[int] | None = None) -> list[tuple[int, float]]:
        """The nearest rows with their distances, of all or `among` some; of equal ones the oldest first."""
        vectors = self._vectors
        rows = np.arange(vectors.count) if among is None else np.array(among, np.int64)
        with np.errstate(all="ignore"):
            found = self._distances[rows]
            if count < len(rows):
                near = ~(found > np.partition(found, count - 1)[count - 1] + _SLACK)
                rows, found = rows[near], found[near]
            if vectors.quantisation == "f32":
                found = np.float32(1) - _dots(vectors.rows[rows], self._query)
        order = np.lexsort((vectors.ids[rows], found))[:count]
        return [(int(rows[at]), float(found[at])) for at in order]

    def _measure(self) -> Any:
        """The distance of every row, but for the last digits of f32."""
        vectors = self._vectors
        rows = vectors.rows[: vectors.count]
        if vectors.quantisation == "f32":
            return np.float32(1) - np.dot(rows, self._query)
        if vectors.quantisation == "bin":
            differing = np.bitwise_count(rows ^ self._query).sum(axis=1)
            return (differing * 2).astype(np.float32) / np.float32(vectors.dimension)
        return self._measure_steps(rows, vectors.ranges[: vectors.count])

    def _measure_steps(self, rows: NDArray[Any], ranges: Floats) -> Floats:
        precise = np.float32 if self._vectors.dimension <= _EXACT_DIMENSION else np.float64
        query = self._query.astype(precise)
        chunks = [rows[at : at + _CHUNK].astype(precise).dot(query) for at in range(0, len(rows), _CHUNK)]
        scales = (ranges / _STEPS) * (self._range / _STEPS)
        distances = np.float32(1) - np.concatenate(chunks).astype(np.float32) * scales
        distances = np.clip(distances, np.float32(0), np.float32(2))
        return distances if self._range != 0 else np.ones_like(distances)


def _normalised(vector: Floats) -> tuple[Floats, np.float32]:
    """A vector's direction and its length; nothing but zeros stay as they are, and count as of length 1."""
    squares = vector * vector
    whole = len(vector) & ~3
    length = np.sqrt(_running(np.concatenate((_by_four(squares[:whole].reshape(-1, 4)), squares[whole:]))))
    if length == 0:
        return vector, np.float32(1)
    return vector / length, length


def _in_steps(direction: Floats) -> tuple[NDArray[np.int8], np.float32]:
    """Components in steps of a 127th of the greatest one, halves away from zero, and that one."""
    span = np.float32(np.fmax.reduce(np.abs(direction), initial=np.float32(0)))
    if span == 0:
        return np.zeros(len(direction), np.int8), span
    scaled = np.nan_to_num((direction * (_STEPS / span)).astype(np.float64))
    return np.copysign(np.floor(np.abs(scaled) + 0.5), scaled).astype(np.int8), span


def _dots(rows: Floats, query: Floats) -> Any:
    """Dot products, summed as Redis does it: eight components at a time, in two sums."""
    products = rows * query
    whole = products.shape[1] & ~7
    fours = _by_four(products[:, :whole].reshape(len(rows), whole // 8, 2, 4))
    return _running(np.concatenate((fours[:, :, 0], products[:, whole:]), axis=1)) + _running(fours[:, :, 1])


def _by_four(values: Floats) -> Any:
    return values[..., 0] + values[..., 1] + values[..., 2] + values[..., 3]


def _running(values: Floats) -> Any:
    """The sum along the last axis from left to right, in 32 bit floats."""
    if not values.shape[-1]:
        return np.zeros(values.shape[:-1], np.float32)
    return np.add.accumulate(values, axis=-1, dtype=np.float32)[..., -1]


@lru_cache(4)
def _projection(size: int, dimension: int) -> Floats:
    """The matrix that takes vectors of `size` components to `dimension`: signs by the parity of common index bits."""
    common = np.arange(dimension, dtype=np.uint32)[:, None] & np.arange(size, dtype=np.uint32)
    signs = 1 - 2 * (np.bitwise_count(common) & 1).astype(np.int8)
    matrix: Floats = signs * np.float32(1 / sqrt(size))
    return matrix


def projection(size: int, dimension: int) -> bytes:
    """The matrix of the projection from `size` components to `dimension`, row by row."""
    return _projection(size, dimension).tobytes()


def projected(vector: "array[float]", dimension: int) -> "array[float]":
    """A vector brought to another dimension, distances about kept; the same vector always the same way."""
    with np.errstate(all="ignore"):
        products = _projection(len(vector), dimension) * np.frombuffer(vector, np.float32)
        return array("f", _running(products).tobytes())
