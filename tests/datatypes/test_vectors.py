"""Vectors: what each form keeps of them, and the nearest ones against a plain search."""

from array import array
from math import isnan, sqrt
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import approx, mark

from pyredis.datatypes.vector_rows import QUANTISATIONS, SLACK
from pyredis.datatypes.vectors import Vectors
from tests.datatypes.arithmetics import arithmetic  # noqa: F401


def random_vector(random, dimension):
    return array("f", [random.gauss(0, 1) for _ in range(dimension)])


def filled(quantisation, dimension, count, random):
    vectors = Vectors(dimension, quantisation)
    given_ = [random_vector(random, dimension) for _ in range(count)]
    for vector in given_:
        vectors.append(vector)
    return vectors, given_


def cosine_distance(one, other):
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return 1 - dot / sqrt(sum(a * a for a in one) * sum(b * b for b in other))


@mark.parametrize(("quantisation", "within"), [("f32", 1e-6), ("int8", 0.01)])
@mark.parametrize("dimension", [1, 3, 8, 17, 300])
def test_a_row_stands_for_its_vector(quantisation, within, dimension):
    vectors, given_ = filled(quantisation, dimension, 20, Random(dimension))
    for row, vector in enumerate(given_):
        longest = max(map(abs, vector))
        assert list(vectors.vector(row)) == approx(list(vector), abs=within * longest, rel=1e-6)


def test_bits_keep_the_signs():
    vectors = Vectors(70, "bin")
    vectors.append(array("f", [1, -1, 0, 5, *[-2] * 65, 3]))
    assert list(vectors.vector(0)) == [1, -1, -1, 1, *[-1] * 65, 1]
    assert vectors.raw(0) == (0b1001).to_bytes(8, "little") + (1 << 5).to_bytes(8, "little")


def test_halves_round_away_from_zero():
    vectors = Vectors(3, "int8")
    vectors.append(array("f", [127, 0.5, -0.5]))
    assert vectors.raw(0) == bytes([127, 1, 255])


@mark.parametrize(("quantisation", "within"), [("f32", 1e-6), ("int8", 0.02)])
@mark.parametrize("dimension", [2, 9, 100, 1500])
def test_distances_are_those_of_the_cosine(quantisation, within, dimension):
    random = Random(dimension)
    vectors, given_ = filled(quantisation, dimension, 50, random)
    query = random_vector(random, dimension)
    found = dict(vectors.nearest(query).first(50))
    for row, vector in enumerate(given_):
        assert found[row] == approx(cosine_distance(query, vector), abs=within)


@mark.parametrize("quantisation", QUANTISATIONS)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_first_are_the_nearest_of_all(quantisation, seed, dimension, count):
    random = Random(seed)
    vectors, given_ = filled(quantisation, dimension, 40, random)
    for row in random.sample(range(40), 10):
        vectors.replace(row, given_[0])
    nearest = vectors.nearest(random_vector(random, dimension))
    every = nearest.first(vectors.count)
    assert sorted(row for row, _ in every) == list(range(40))
    assert every == sorted(every, key=lambda pair: (pair[1], vectors.ids[pair[0]]))
    assert nearest.first(count) == every[:count]
    some = random.sample(range(40), 15)
    assert nearest.first(count, some) == [pair for pair in every if pair[0] in some][:count]
    assert nearest.first(count, []) == []


@mark.parametrize("quantisation", QUANTISATIONS)
def test_the_last_row_takes_the_place_of_a_removed_one(quantisation):
    vectors, _ = filled(quantisation, 5, 10, Random(1))
    last = vectors.vector(9)
    vectors.remove(3)
    assert vectors.count == 9 and vectors.vector(3) == last
    assert len(vectors.nearest(last).first(20)) == 9
    assert vectors.nearest_to_row(3).first(1)[0][0] == 3


def test_zeros_have_no_direction():
    for quantisation in ("f32", "int8"):
        vectors = Vectors(2, quantisation)
        vectors.append(array("f", [0, 0]))
        vectors.append(array("f", [3, 4]))
        assert list(vectors.vector(0)) == [0, 0]
        assert vectors.nearest(array("f", [0, 0])).first(2) == [(0, 1.0), (1, 1.0)]


@mark.parametrize("quantisation", QUANTISATIONS)
def test_what_is_no_number_does_no_harm(quantisation):
    vectors = Vectors(2, quantisation)
    for odd in (float("inf"), float("nan"), 1e38):
        vectors.append(array("f", [odd, 1]))
        vectors.nearest(array("f", [odd, 1])).first(1)
    assert quantisation == "bin" or isnan(vectors.vector(0)[0])


def test_projection_keeps_distances_about():
    random = Random(5)
    one, other = random_vector(random, 256), random_vector(random, 256)
    rows = Vectors(128, "f32").rows
    small, smaller = rows.projected(one), rows.projected(other)
    assert len(small) == 128 and rows.projected(one) == small
    assert cosine_distance(small, smaller) == approx(cosine_distance(one, other), abs=0.25)
    assert list(Vectors(2, "f32").rows.projected(array("f", [1, 2, 3, 4]))) == [5, -1]


def test_a_sum_in_another_order_is_off_by_less_than_the_slack():
    random = Random(1)
    vectors, given_ = filled("f32", 1500, 30, random)
    query = random_vector(random, 1500)
    for row, distance in vectors.nearest(query).first(30):
        assert abs(distance - cosine_distance(query, given_[row])) < SLACK / 10
