"""Rows of vectors as one growing matrix of numpy's: see `vector_rows` for what they are."""

from array import array
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np
from numpy import bitwise_count  # of numpy 2: an older one counts as none
from numpy.typing import NDArray

from pyredis.datatypes.vector_rows import SLACK, STEPS, row_size

Floats = NDArray[np.float32]

_STEPS = np.float32(STEPS)
_SLACK = np.float32(SLACK)
_EXACT_DIMENSION = (1 << 24) // STEPS**2  # up to here a 32 bit float holds any dot product of int8 rows
_CHUNK = 8192  # rows that are made floats at a time
_FIRST_CAPACITY = 4
_DIVISIONS = 4  # ways to divide a large set when near rows are sought for links
_PIVOTS = 8  # rows to a block, by which it is divided


class NumpyRows:
    """Rows as those of a matrix, with room for more."""

    __slots__ = ("_count", "_dimension", "_form", "_rows")

    def __init__(self, dimension: int, form: str) -> None:
        self._count = 0
        self._dimension = dimension
        self._form = form
        self._rows = self._empty(_FIRST_CAPACITY)

    def _empty(self, capacity: int) -> NDArray[Any]:
        if self._form == "bin":
            return np.zeros((capacity, row_size(self._dimension, "bin") // 8), np.uint64)
        return np.zeros((capacity, self._dimension), np.int8 if self._form == "int8" else np.float32)

    # Forms

    def encode(self, vector: "array[float]") -> tuple[bytes, float, float]:
        """A vector's direction as a row, its range and its length."""
        with np.errstate(all="ignore"):
            direction, length = _normalised(np.frombuffer(vector, np.float32))
            if self._form == "f32":
                return direction.tobytes(), 0.0, length
            if self._form == "int8":
                return *_in_steps(direction), length
            bits = np.zeros(self._rows.shape[1] * 64, np.uint8)
            bits[: self._dimension] = direction > 0
            return np.packbits(bits, bitorder="little").tobytes(), 0.0, length

    def decode(self, row: bytes, span: float, length: float) -> "array[float]":
        """The vector that a row stands for, as near as its form allows."""
        with np.errstate(all="ignore"):
            if self._form == "bin":
                found = _directions_of_bits(np.frombuffer(row, np.uint8), self._dimension)
            else:
                found = np.frombuffer(row, self._rows.dtype).astype(np.float32)
                if self._form == "int8":
                    found = found * np.float32(span) / _STEPS
                found = found * np.float32(length)
        return array("f", found.tobytes())

    # Changing

    def append(self, row: bytes) -> None:
        """Add a row as the last one."""
        if self._count == len(self._rows):
            self._rows = np.concatenate((self._rows, self._empty(self._count)))
        self._count += 1
        self.replace(self._count - 1, row)

    def replace(self, at: int, row: bytes) -> None:
        """Put another row in a place."""
        self._rows[at] = np.frombuffer(row, self._rows.dtype)

    def remove(self, at: int) -> None:
        """Take a row away; the last one takes its place."""
        self._count -= 1
        self._rows[at] = self._rows[self._count]

    # Looking

    def raw(self, at: int) -> bytes:
        """A row's bytes."""
        return bytes(self._rows[at].data)

    def size(self) -> int:
        """The bytes of memory that the rows take."""
        return self._rows.nbytes

    def distances(self, row: bytes, span: float, ranges: "array[float]") -> "NumpyDistances":
        """Distances of all rows, which have such ranges, from one with its range."""
        rows = self._rows[: self._count]
        query = np.frombuffer(row, rows.dtype)
        with np.errstate(all="ignore"):
            if self._form == "f32":
                return NumpyDistances(np.float32(1) - np.dot(rows, query), rows, query)
            if self._form == "bin":
                differing = bitwise_count(rows ^ query).sum(axis=1)
                return NumpyDistances((differing * 2).astype(np.float32) / np.float32(self._dimension))
            precise = self._exact_type()
            precise_query = query.astype(precise)
            starts = range(0, len(rows), _CHUNK)
            dots = np.concatenate([rows[at : at + _CHUNK].astype(precise).dot(precise_query) for at in starts])
            return NumpyDistances(_distances_in_steps(dots, np.frombuffer(ranges, np.float32), np.float32(span)))

    def _exact_type(self) -> Any:
        """The type of float in which sums of products of int8 are exact."""
        return np.float32 if self._dimension <= _EXACT_DIMENSION else np.float64

    def nearest_among(self, rows: list[int], count: int, ranges: "array[float]") -> list[list[tuple[float, int]]]:
        """Of some rows each one's `count` nearest among them, itself too, with distances, the nearest first."""
        spans = np.frombuffer(ranges, np.float32)[rows]
        with np.errstate(all="ignore"):
            distances = np.clip(np.nan_to_num(self._measure(self._rows[rows], spans), nan=2.0), 0, 2)
        order = np.argsort(distances, axis=1, kind="stable")[:, :count]
        near = np.take_along_axis(distances, order, axis=1).tolist()
        others = np.array(rows)[order].tolist()
        return [list(zip(*pair, strict=True)) for pair in zip(near, others, strict=True)]

    def _measure(self, rows: NDArray[Any], spans: Floats) -> Floats:
        """The distances of rows from each other."""
        if self._form == "f32":
            precise = rows.astype(np.float64)
            return (1 - precise @ precise.T).astype(np.float32)
        if self._form == "bin":
            signs = _directions_of_bits(rows.view(np.uint8), self._dimension)
            return (self._dimension - signs @ signs.T) / np.float32(self._dimension)
        precise = rows.astype(self._exact_type())
        return _distances_in_steps(precise @ precise.T, spans, spans[:, None])

    def divisions(self, block: int, ranges: "array[float]") -> tuple[int, list[list[int]]]:
        """How to seek near rows where all are too many to compare: by age, then by which of some rows is nearest."""
        spans = np.frombuffer(ranges, np.float32)
        pivots = self._count * _PIVOTS // block
        orders = [np.arange(self._count), *(self._by_nearest(turn, pivots, spans) for turn in range(1, _DIVISIONS))]
        return block, [order.tolist() for order in orders]

    def _by_nearest(self, turn: int, count: int, spans: Floats) -> NDArray[np.int64]:
        """The rows, those together that are nearest to the same one of `count` rows, others each turn."""
        step = self._count // count
        pivots = self._directions(np.arange(turn % step, self._count, step), spans).T
        starts = range(0, self._count, _CHUNK)
        with np.errstate(all="ignore"):
            chunks = [self._directions(np.arange(at, min(at + _CHUNK, self._count)), spans) @ pivots for at in starts]
            groups = np.concatenate([chunk.argmax(axis=1) for chunk in chunks])
        return np.argsort(groups, kind="stable")

    def _directions(self, at: NDArray[np.int64], spans: Floats) -> Floats:
        """The directions of rows, about of length 1."""
        rows = self._rows[at]
        if self._form == "bin":
            return _directions_of_bits(rows.view(np.uint8), self._dimension) / np.float32(sqrt(self._dimension))
        directions: Floats = rows * (spans[at] / _STEPS)[:, None] if self._form == "int8" else rows
        return directions

    # Projection

    def projected(self, vector: "array[float]") -> "array[float]":
        """A vector brought to the rows' dimension, distances about kept; the same vector always the same way."""
        with np.errstate(all="ignore"):
            products = _projection(len(vector), self._dimension) * np.frombuffer(vector, np.float32)
            return array("f", _running(products).tobytes())

    def projection(self, size: int) -> bytes:
        """The matrix by which vectors of so many components are projected, row by row: 32 bit floats."""
        return _projection(size, self._dimension).tobytes()


class NumpyDistances:
    """The distances of all rows from a query; with rows, they are still off in the last digits."""

    __slots__ = ("_distances", "_query", "_rows")

    def __init__(self, distances: Floats, rows: Floats | None = None, query: Floats | None = None) -> None:
        self._distances = distances
        self._rows = rows
        self._query = query

    def near(self, count: int, among: list[int] | None) -> list[tuple[float, int]]:
        """Distances with their rows, the `count` nearest (`among` some) and perhaps more, in any order."""
        rows = np.arange(len(self._distances)) if among is None else np.array(among, np.int64)
        with np.errstate(all="ignore"):
            found = self._distances[rows]
            if count < len(rows):
                near = ~(found > np.partition(found, count - 1)[count - 1] + _SLACK)
                rows, found = rows[near], found[near]
            if self._rows is not None and self._query is not None:
                found = np.float32(1) - _dots(self._rows[rows], self._query)
        return list(zip(found.tolist(), rows.tolist(), strict=True))


def _distances_in_steps(dots: NDArray[Any], spans: Floats, span: Any) -> Floats:
    """Distances by the dot products of int8 rows; from one without a direction, all are 1."""
    distances = np.float32(1) - dots.astype(np.float32) * ((spans / _STEPS) * (span / _STEPS))
    return np.where(span == 0, np.float32(1), np.clip(distances, np.float32(0), np.float32(2)))


def _directions_of_bits(rows: NDArray[np.uint8], dimension: int) -> Floats:
    """1 for a bit that is set, -1 for others."""
    bits = np.unpackbits(rows, axis=-1, bitorder="little")[..., :dimension]
    return np.where(bits, np.float32(1), np.float32(-1))


def _normalised(vector: Floats) -> tuple[Floats, float]:
    """A vector's direction and its length; nothing but zeros stay as they are, and count as of length 1."""
    squares = vector * vector
    whole = len(vector) & ~3
    length = np.sqrt(_running(np.concatenate((_by_four(squares[:whole].reshape(-1, 4)), squares[whole:]))))
    if length == 0:
        return vector, 1.0
    return vector / length, float(length)


def _in_steps(direction: Floats) -> tuple[bytes, float]:
    """Components in steps of a 127th of the greatest one, halves away from zero, and that one."""
    span = np.float32(np.fmax.reduce(np.abs(direction), initial=np.float32(0)))
    if span == 0:
        return bytes(len(direction)), 0.0
    scaled = (direction * (_STEPS / span)).astype(np.float64)
    scaled[~(np.abs(scaled) <= STEPS + 0.5)] = 0
    return np.copysign(np.floor(np.abs(scaled) + 0.5), scaled).astype(np.int8).tobytes(), float(span)


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
    signs = 1 - 2 * (bitwise_count(common) & 1).astype(np.int8)
    matrix: Floats = signs * np.float32(1 / sqrt(size))
    return matrix
