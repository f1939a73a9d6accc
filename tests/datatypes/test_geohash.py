"""Geohashes: known places, and that no search misses a point."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pyredis.datatypes import geohash
from pyredis.datatypes.geohash import Box, Circle, Position

PALERMO, CATANIA = Position(13.361389, 38.115556), Position(15.087269, 37.502669)
anywhere = st.builds(Position, st.floats(-180, 180), st.floats(-85.05112878, 85.05112878))


def test_known_places():
    assert geohash.encode(PALERMO) == 3479099956230698
    assert geohash.text(geohash.encode(PALERMO)) == b"sqc8b49rny0"
    assert geohash.decode(3479099956230698.0) == (13.361389338970184, 38.1155563954963)
    there = geohash.decode(float(geohash.encode(CATANIA)))
    here = geohash.decode(float(geohash.encode(PALERMO)))
    assert geohash.format_distance(geohash.distance(here, there)) == b"166274.1516"


def test_format_distance():
    assert geohash.format_distance(0.0) == b"0.0000"
    assert geohash.format_distance(0.00125) == b"0.0012"
    assert geohash.format_distance(12.5) == b"12.5000"


@given(anywhere)
def test_decoding_comes_close(position):
    found = geohash.decode(float(geohash.encode(position)))
    assert abs(found.longitude - position.longitude) < 1e-5
    assert abs(found.latitude - position.latitude) < 1e-5


@pytest.mark.parametrize("score", [-1.0, 1e300, -1e300, float("inf"), float("-inf"), 2.0**63, 0.5])
def test_any_score_means_some_position(score):
    assert geohash.decode(score).is_valid


@given(anywhere, anywhere, st.floats(0, 1_000_000))
@settings(deadline=None)
def test_cells_cover_the_shape(center, point, size):
    """Far from the poles and the date line, where Redis itself leaves points out."""
    assume(abs(center.latitude) < 60 and abs(center.longitude) < 150)
    score = geohash.encode(point)
    for shape in (Circle(center, size), Box(center, size, size / 2, (size**2 + (size / 2) ** 2) ** 0.5 / 2)):
        cells = [cell.scores() for cell in geohash.search_cells(shape)]
        if shape.distance_within(geohash.decode(float(score))) is not None:
            assert any(low <= score < high for low, high in cells)


def test_searched_points_lie_close():
    """The cover is tight: a point much farther away than the shape is large is in no cell."""
    cells = [cell.scores() for cell in geohash.search_cells(Circle(PALERMO, 1000.0))]
    score = geohash.encode(CATANIA)
    assert not any(low <= score < high for low, high in cells)
