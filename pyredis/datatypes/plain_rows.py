"""Rows of vectors without numpy: floats of 32 bits are what an `array` makes of Python's.

Sums, products, quotients and roots of 32 bit floats come out right when they are made in 64 bits and rounded once. So
columns are calculated by `map` into arrays, and only sums that run from left to right are rounded number by number.
"""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from heapq import nsmallest
from itertools import repeat
from math import copysign, inf, sqrt
from operator import add, mul, truediv
from sys import getsizeof
from typing import Any

from pyredis.datatypes.vector_rows import SLACK, STEPS, row_size

_SMALL_BLOCK = 64
_INVERSION = bytes((1, 0, *range(2, 256)))


class PlainRows:
    """Rows as arrays of floats or of small integers, those of bits as one number each."""

    __slots__ = ("_dimension", "_form", "_rows")

    def __init__(self, dimension: int, form: str) -> None:
        self._dimension = dimension
        self._form = form
        self._rows: list[Any] = []

    # Forms

    def encode(self, vector: "array[float]") -> tuple[bytes, float, float]:
        """A vector's direction as a row, its range and its length."""
        direction, length = _normalised(vector)
        if self._form == "f32":
            return direction.tobytes(), 0.0, length
        if self._form == "int8":
            return *_in_steps(direction), length
        bits = "".join("1" if number > 0 else "0" for number in reversed(direction))
        return int(bits, 2).to_bytes(row_size(self._dimension, "bin"), "little"), 0.0, length

    def decode(self, row: bytes, span: float, length: float) -> "array[float]":
        """The vector that a row stands for, as near as its form allows."""
        kept = self._made(row)
        if self._form == "bin":
            return array("f", (1.0 if kept >> at & 1 else -1.0 for at in range(self._dimension)))
        if self._form == "int8":
            kept = _each(truediv, _each(mul, kept, span), STEPS)
        return _each(mul, kept, length)

    def _made(self, row: bytes) -> Any:
        if self._form == "bin":
            return int.from_bytes(row, "little")
        return array("b" if self._form == "int8" else "f", row)

    # Changing

    def append(self, row: bytes) -> None:
        """Add a row as the last one."""
        self._rows.append(self._made(row))

    def replace(self, at: int, row: bytes) -> None:
        """Put another row in a place."""
        self._rows[at] = self._made(row)

    def remove(self, at: int) -> None:
        """Take a row away; the last one takes its place."""
        last = self._rows.pop()
        if at < len(self._rows):
            self._rows[at] = last

    # Looking

    def raw(self, at: int) -> bytes:
        """A row's bytes."""
        row = self._rows[at]
        if self._form == "bin":
            return int.to_bytes(row, row_size(self._dimension, "bin"), "little")
        return bytes(row.tobytes())

    def size(self) -> int:
        """The bytes of memory that the rows take."""
        return getsizeof(self._rows) + len(self._rows) * sum(map(getsizeof, self._rows[-1:]))

    def distances(self, row: bytes, span: float, ranges: "array[float]") -> "PlainDistances":
        """Distances of all rows, which have such ranges, from one with its range."""
        query = self._made(row)
        return PlainDistances(self._rows, self._measure(query, span, self._rows, ranges), query, self._form == "f32")

    def _measure(self, query: Any, span: float, rows: Sequence[Any], ranges: "array[float]") -> "array[float]":
        """The distance of each row, but for the last digits of f32."""
        if self._form == "bin":
            return array("f", [(row ^ query).bit_count() * 2 / self._dimension for row in rows])
        if self._form == "f32":
            numbers = list(query)
            return array("f", [1 - _product(row, numbers) for row in rows])
        if not span:
            return array("f", repeat(1.0, len(rows)))
        scales = _each(mul, _each(truediv, ranges, STEPS), _rounded(span / STEPS))
        numbers = list(query)
        dots = array("f", [_product(row, numbers) for row in rows])
        return array("f", [min(max(1 - dot, 0.0), 2.0) for dot in map(_rounded, map(mul, dots, scales))])

    def nearest_among(self, rows: list[int], count: int, ranges: "array[float]") -> list[list[tuple[float, int]]]:
        """Of some rows each one's `count` nearest among them, itself too, with distances, the nearest first."""
        block = [self._rows[row] for row in rows]
        spans = array("f", [ranges[row] for row in rows])
        found = []
        for row, span in zip(block, spans, strict=True):
            measured = self._measure(row, span, block, spans)
            distances = [min(max(one, 0.0), 2.0) if one == one else 2.0 for one in measured]
            nearest = nsmallest(count, zip(distances, range(len(rows)), strict=True))
            found.append([(distance, rows[at]) for distance, at in nearest])
        return found

    def divisions(self, block: int, ranges: "array[float]") -> tuple[int, list[list[int]]]:
        """How to seek near rows where all are too many to compare: by age only, in small blocks."""
        return min(block, _SMALL_BLOCK), [list(range(len(self._rows)))]

    # Projection

    def projected(self, vector: "array[float]") -> "array[float]":
        """A vector brought to the rows' dimension, distances about kept; the same vector always the same way."""
        scale = _rounded(1 / sqrt(len(vector)))
        sums = array("f", bytes(4 * self._dimension))
        for number, signs in zip(_each(mul, vector, scale), _signs(len(vector), self._dimension), strict=True):
            sums = array("f", map(add, sums, map((number, -number).__getitem__, signs)))
        return sums

    def projection(self, size: int) -> bytes:
        """The matrix by which vectors of so many components are projected, row by row: 32 bit floats."""
        scale = _rounded(1 / sqrt(size))
        rows = (_parities(index, size) for index in range(self._dimension))
        return b"".join(array("f", map((scale, -scale).__getitem__, row)).tobytes() for row in rows)


class PlainDistances:
    """The distances of all rows from a query; `rough` ones are off in the last digits."""

    __slots__ = ("_distances", "_query", "_rough", "_rows")

    def __init__(self, rows: list[Any], distances: "array[float]", query: Any, rough: bool) -> None:
        self._rows = rows
        self._distances = distances
        self._query = query
        self._rough = rough

    def near(self, count: int, among: list[int] | None) -> list[tuple[float, int]]:
        """Distances with their rows, the `count` nearest (`among` some) and perhaps more, in any order."""
        distances = self._distances
        rows: Iterable[int] = range(len(distances)) if among is None else among
        if count < (len(distances) if among is None else len(among)):
            known = [distance if distance == distance else inf for distance in map(distances.__getitem__, rows)]
            farthest = nsmallest(count, known)[-1] + SLACK
            rows = [row for row, distance in zip(rows, known, strict=True) if distance <= farthest]
        if not self._rough:
            return [(distances[row], row) for row in rows]
        return [(_rounded(1 - _dot(self._rows[row], self._query)), row) for row in rows]


def _sum_of_products(row: Iterable[float], numbers: Iterable[float]) -> float:
    return float(sum(map(mul, row, numbers)))


_product: Callable[[Any, list[float]], float] = getattr(math, "sumprod", _sum_of_products)
"""Of 64 bits, in whatever order is quick; Python 3.12 brings one in C."""

_cell = array("f", (0.0,))


def _rounded(number: float) -> float:
    """A number in 32 bits."""
    _cell[0] = number
    return _cell[0]


def _each(function: Callable[[Any, Any], float], values: "array[Any]", by: float) -> "array[float]":
    return array("f", map(function, values, repeat(by)))


def _pairwise(function: Callable[[Any, Any], float], *columns: "array[float]") -> "array[float]":
    """Columns of 32 bit floats combined from the first to the last."""
    found = columns[0]
    for column in columns[1:]:
        found = array("f", map(function, found, column))
    return found


def _running(values: "array[float]") -> float:
    """The sum from left to right."""
    cell = array("f", (0.0,))
    for value in values:
        cell[0] += value
    return cell[0]


def _normalised(vector: "array[float]") -> tuple["array[float]", float]:
    """A vector's direction and its length; nothing but zeros stay as they are, and count as of length 1."""
    squares = _pairwise(mul, vector, vector)
    whole = len(vector) & ~3
    fours = _pairwise(add, *(squares[at:whole:4] for at in range(4)))
    length = _rounded(sqrt(_running(fours + squares[whole:])))
    return (_each(truediv, vector, length), length) if length else (vector, 1.0)


def _in_steps(direction: "array[float]") -> tuple[bytes, float]:
    """Components in steps of a 127th of the greatest one, halves away from zero, and that one."""
    span = max((abs(number) for number in direction if number == number), default=0.0)
    if not span:
        return bytes(len(direction)), 0.0
    scaled = _each(mul, direction, _rounded(STEPS / span))
    return array(
        "b", [int(one + copysign(0.5, one)) if abs(one) <= STEPS + 0.5 else 0 for one in scaled]
    ).tobytes(), span


def _dot(row: "array[float]", query: "array[float]") -> float:
    """The dot product, summed as Redis does it: eight components at a time, in two sums."""
    products = _pairwise(mul, row, query)
    whole = len(products) & ~7
    one = _pairwise(add, *(products[at:whole:8] for at in range(4)))
    other = _pairwise(add, *(products[at:whole:8] for at in range(4, 8)))
    return _rounded(_running(one + products[whole:]) + _running(other))


@lru_cache(4)
def _signs(size: int, dimension: int) -> list[bytes]:
    """For each of `size` components a byte an output: 1 where it is subtracted, by the parity of common index bits."""
    return [_parities(index, dimension) for index in range(size)]


def _parities(index: int, count: int) -> bytes:
    """The parities of the bits that `index` has in common with the numbers up to `count`."""
    found = b"\0"
    while len(found) < count:
        bit = len(found)
        found += found.translate(_INVERSION) if index & bit else found
    return found[:count]
