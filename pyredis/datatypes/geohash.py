"""Positions on the globe as scores of a sorted set: geohashes of 52 bits, and the search for what is near.

A geohash interleaves the bits of longitude (the higher of each pair) and latitude, both scaled to their range; Redis
takes the latitudes of the Web Mercator projection. Points with a common prefix lie in a common cell, and a prefix is
a range of scores: what lies within a shape is found in the shape's own cell and the eight around it, at a `step`
(bits of each coordinate) where cells are about as large as the shape.

Longitudes and latitudes are degrees, distances metres. Every formula computes as Redis does, in the same order, so
that the digits agree.
"""

from math import asin, cos, isinf, nan, pi, sin, sqrt
from typing import NamedTuple

MAX_STEP = 26
LONGITUDE_LIMIT = 180.0
LATITUDE_LIMIT = 85.05112878
_POLE = 90.0
_EARTH_RADIUS = 6372797.560856
_HALF_EQUATOR = 20037726.37  # in the projection
_DEGREE = pi / 180.0
_ALPHABET = b"0123456789bcdefghjkmnpqrstuvwxyz"
_TEXT_DIGITS = 10  # what 52 bits fill; an eleventh is always 0
_AROUND = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""The cells of a search in their order, as steps east and north."""


class Position(NamedTuple):
    """Degrees."""

    longitude: float
    latitude: float

    @property
    def is_valid(self) -> bool:
        """Whether it can be stored."""
        return abs(self.longitude) <= LONGITUDE_LIMIT and abs(self.latitude) <= LATITUDE_LIMIT


class Cell(NamedTuple):
    """A square of the grid of `2**step` columns and rows."""

    column: int
    row: int
    step: int

    def moved(self, east: int, north: int) -> "Cell":
        """A neighbour; the grid is a torus."""
        mask = (1 << self.step) - 1
        column = (self.column + east) & mask if east else self.column
        return Cell(column, (self.row + north) & mask if north else self.row, self.step)

    @property
    def bits(self) -> int:
        """Its geohash of `2 * step` bits."""
        return _spread(self.column) << 1 | _spread(self.row)

    def scores(self) -> tuple[int, int]:
        """The scores of what lies in it: from the first to before the second."""
        shift = 2 * (MAX_STEP - self.step)
        return self.bits << shift, (self.bits + 1) << shift

    def west_east(self) -> tuple[float, float]:
        """Its longitudes."""
        return _bounds(self.column, self.step, LONGITUDE_LIMIT)

    def south_north(self) -> tuple[float, float]:
        """Its latitudes."""
        return _bounds(self.row, self.step, LATITUDE_LIMIT)


def cell_of(position: Position, step: int, latitude_limit: float = LATITUDE_LIMIT) -> Cell:
    """The cell a position lies in."""
    longitude, latitude = position
    row = (latitude + latitude_limit) / (latitude_limit + latitude_limit) * (1 << step)
    column = (longitude + LONGITUDE_LIMIT) / (LONGITUDE_LIMIT + LONGITUDE_LIMIT) * (1 << step)
    return Cell(int(column), int(row), step)


def encode(position: Position) -> int:
    """The score of a position."""
    return cell_of(position, MAX_STEP).bits


def decode(score: float) -> Position:
    """The middle of the cell that a score means; any number means one."""
    digits = f"{_as_uint64(score):064b}"
    west, east = _bounds(int(digits[0::2], 2), MAX_STEP, LONGITUDE_LIMIT)
    south, north = _bounds(int(digits[1::2], 2), MAX_STEP, LATITUDE_LIMIT)
    longitude, latitude = (west + east) / 2, (south + north) / 2
    return Position(
        max(min(longitude, LONGITUDE_LIMIT), -LONGITUDE_LIMIT), max(min(latitude, LATITUDE_LIMIT), -LATITUDE_LIMIT)
    )


def text(score: float) -> bytes:
    """The usual geohash of 11 characters, which reckons latitudes up to the poles."""
    bits = cell_of(decode(score), MAX_STEP, _POLE).bits
    shifts = range(2 * MAX_STEP - 5, 2 * MAX_STEP - 5 * _TEXT_DIGITS - 1, -5)
    return bytes(_ALPHABET[bits >> shift & 31] for shift in shifts) + b"0"


def distance(one: Position, other: Position) -> float:
    """Along the great circle (haversine)."""
    half = sin((other.longitude * _DEGREE - one.longitude * _DEGREE) / 2)
    if half == 0.0:
        return _north_south(one.latitude, other.latitude)
    first, second = one.latitude * _DEGREE, other.latitude * _DEGREE
    rise = sin((second - first) / 2)
    chord = rise * rise + cos(first) * cos(second) * half * half
    return 2.0 * _EARTH_RADIUS * asin(sqrt(min(chord, 1.0)))


def format_distance(length: float) -> bytes:
    """Four digits after the point."""
    return b"%d.%04d" % divmod(round(length * 10000.0), 10000)


class Circle(NamedTuple):
    """Around `center`; metres."""

    center: Position
    radius: float

    @property
    def half_sides(self) -> tuple[float, float]:
        """Of the box around it: half the width and half the height."""
        return self.radius, self.radius

    @property
    def reach(self) -> float:
        """How far its farthest point is from the center."""
        return self.radius

    def distance_within(self, position: Position) -> float | None:
        """The distance from the center, or None for a position outside."""
        length = distance(self.center, position)
        return None if length > self.radius else length


class Box(NamedTuple):
    """Sides along parallels and meridians, around `center`; metres. `reach` is half its diagonal."""

    center: Position
    width: float
    height: float
    reach: float

    @property
    def half_sides(self) -> tuple[float, float]:
        """Half the width and half the height."""
        return self.width / 2, self.height / 2

    def distance_within(self, position: Position) -> float | None:
        """The distance from the center, or None for a position outside."""
        if _north_south(position.latitude, self.center.latitude) > self.height / 2:
            return None
        if distance(position, Position(self.center.longitude, position.latitude)) > self.width / 2:
            return None
        return distance(self.center, position)


Shape = Circle | Box


def search_cells(shape: Shape) -> list[Cell]:
    """The cells that together cover a shape, each once, in Redis's order."""
    west, south, east, north = _bounding_box(shape)
    step = _step_for(shape.reach, shape.center.latitude)
    home = cell_of(shape.center, step)
    if step > 1 and not _neighbours_cover(home, west, south, east, north):
        step -= 1
        home = cell_of(shape.center, step)
    useless = _useless_directions(home, west, south, east, north) if step >= 2 else frozenset()
    cells: list[Cell] = []
    for steps in _AROUND:
        if (steps[0], 0) in useless or (0, steps[1]) in useless:
            continue
        cell = home.moved(*steps)
        # On a coarse grid neighbours coincide. Redis compares each with the one before, but for the first two.
        if len(cells) < 2 or cell != cells[-1]:
            cells.append(cell)
    return cells


def _bounding_box(shape: Shape) -> tuple[float, float, float, float]:
    """West, south, east, north: where the half that faces the pole decides how wide it is."""
    longitude, latitude = shape.center
    half_width, half_height = shape.half_sides
    rise = half_height / _EARTH_RADIUS / _DEGREE
    edge = latitude - rise if latitude < 0 else latitude + rise
    turn = half_width / _EARTH_RADIUS / (nan if isinf(edge) else cos(edge * _DEGREE)) / _DEGREE
    return longitude - turn, latitude - rise, longitude + turn, latitude + rise


def _step_for(reach: float, latitude: float) -> int:
    """The step at which nine cells cover a circle; coarser near the poles, where cells get narrow."""
    if reach == 0:
        return MAX_STEP
    step = 1
    while reach < _HALF_EQUATOR:
        reach *= 2
        step += 1
    step -= 2 + (abs(latitude) > 66) + (abs(latitude) > 80)
    return max(1, min(step, MAX_STEP))


def _neighbours_cover(home: Cell, west: float, south: float, east: float, north: float) -> bool:
    """Whether the box ends within the cells next to `home`."""
    return not (
        home.moved(0, 1).south_north()[1] < north
        or home.moved(0, -1).south_north()[0] > south
        or home.moved(1, 0).west_east()[1] < east
        or home.moved(-1, 0).west_east()[0] > west
    )


def _useless_directions(home: Cell, west: float, south: float, east: float, north: float) -> frozenset[tuple[int, int]]:
    """Where `home` itself reaches beyond the box, as steps east or north."""
    (left, right), (bottom, top) = home.west_east(), home.south_north()
    beyond = {(0, -1): bottom < south, (0, 1): top > north, (-1, 0): left < west, (1, 0): right > east}
    return frozenset(direction for direction, reaches in beyond.items() if reaches)


def _bounds(index: int, step: int, limit: float) -> tuple[float, float]:
    scale = limit + limit
    return -limit + index / (1 << step) * scale, -limit + (index + 1) / (1 << step) * scale


def _spread(number: int) -> int:
    """The bits of a number at the even places: its binary digits read as a number to the base 4."""
    return int(f"{number:b}", 4)


def _north_south(first: float, second: float) -> float:
    """The distance of two parallels."""
    return _EARTH_RADIUS * abs(second * _DEGREE - first * _DEGREE)


def _as_uint64(score: float) -> int:
    """A score as x86 converts it, also one that no geohash has."""
    if score >= 9223372036854775808.0:
        score -= 9223372036854775808.0
        return (int(score) if score < 9223372036854775808.0 else 1 << 63) ^ 1 << 63
    return int(score) & (1 << 64) - 1 if score >= -9223372036854775808.0 else 1 << 63
