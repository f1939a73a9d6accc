"""How vectors are kept, and the arithmetic that a set of them needs.

A vector is kept as its direction, a unit vector, and its length. The direction is a row of bytes in one of three forms,
Redis's names of which are

* `f32`: 32 bit floats;
* `int8`: whole numbers from -127 to 127 in units of the vector's greatest component (its range) over 127;
* `bin`: one bit a component, set for what is positive, packed into 64 bit words; the length is not used.

Distances are Redis's, from 0 (the same direction) to 2 (opposite): 1 minus the cosine, for `bin` twice the share of
bits that differ. Sums of floats are made in Redis's order, so that what it answers comes out the same to the last
digit where its processor has no wider instructions to use; the order only of what is answered, since that is slower.

There are two implementations, `numpy_rows` and `plain_rows`, with the same answers: a component costs 3 to 12 ns of a
search with numpy, 35 to 55 without. Only the links of sets that are divided for them differ.
"""

from array import array
from typing import Protocol

QUANTISATIONS = ("f32", "int8", "bin")
STEPS = 127
SLACK = 1e-4
"""How far the distance of an f32 row may be off when it is summed in another order than Redis's."""


def row_size(dimension: int, quantisation: str) -> int:
    """The bytes of a row."""
    return {"f32": 4 * dimension, "int8": dimension, "bin": (dimension + 63) // 64 * 8}[quantisation]


class Distances(Protocol):
    """The distances of all rows from one vector."""

    def near(self, count: int, among: list[int] | None) -> list[tuple[float, int]]:
        """Distances with their rows, the `count` nearest (`among` some) and perhaps more, in any order."""


class Rows(Protocol):
    """The directions of vectors, by row, and the arithmetic with them."""

    def encode(self, vector: "array[float]") -> tuple[bytes, float, float]:
        """A vector's direction as a row, its range and its length."""

    def decode(self, row: bytes, span: float, length: float) -> "array[float]":
        """The vector that a row stands for, as near as its form allows."""

    def append(self, row: bytes) -> None:
        """Add a row as the last one."""

    def replace(self, at: int, row: bytes) -> None:
        """Put another row in a place."""

    def remove(self, at: int) -> None:
        """Take a row away; the last one takes its place."""

    def raw(self, at: int) -> bytes:
        """A row's bytes."""

    def size(self) -> int:
        """The bytes of memory that the rows take."""

    def distances(self, row: bytes, span: float, ranges: "array[float]") -> Distances:
        """Distances of all rows, which have such ranges, from one with its range."""

    def nearest_among(self, rows: list[int], count: int, ranges: "array[float]") -> list[list[tuple[float, int]]]:
        """Of some rows each one's `count` nearest among them, itself too, with distances, the nearest first."""

    def divisions(self, block: int, ranges: "array[float]") -> tuple[int, list[list[int]]]:
        """How to seek near rows where all are too many to compare: the size of blocks, orders to cut into them."""

    def projected(self, vector: "array[float]") -> "array[float]":
        """A vector brought to the rows' dimension, distances about kept; the same vector always the same way."""

    def projection(self, size: int) -> bytes:
        """The matrix by which vectors of so many components are projected, row by row: 32 bit floats."""
