"""The arithmetic of vectors in plain Python against numpy's: the same to the bit."""

from array import array
from random import Random

from pytest import importorskip, mark

from pyredis.datatypes.plain_rows import PlainRows
from pyredis.datatypes.vector_rows import QUANTISATIONS
from pyredis.datatypes.vectors import Vectors
from tests.datatypes.arithmetics import ARITHMETICS, choose


def random_vector(random, dimension):
    return array("f", [random.gauss(0, 1) for _ in range(dimension)])


ODD = [0.0, -0.0, 1e-40, 1e-20, 1e30, 1e38, float("inf"), float("-inf"), float("nan")]


def same_sets(monkeypatch, quantisation, dimension, count, odd):
    """The same vectors with numpy and without."""
    importorskip("numpy")
    for name in ARITHMETICS:
        with monkeypatch.context() as patched:
            choose(name, patched)
            random = Random(f"{quantisation} {dimension}")
            vectors = Vectors(dimension, quantisation)
            for _ in range(count):
                vectors.append(random_vector(random, dimension))
            for number in odd:
                vectors.append(array("f", [number if random.random() < 0.5 else 1 for _ in range(dimension)]))
            vectors.remove(count // 2)
            vectors.replace(1, random_vector(random, dimension))
            yield vectors


@mark.parametrize("quantisation", QUANTISATIONS)
@mark.parametrize("dimension", [1, 2, 7, 16, 65, 300, 1100])
def test_with_numpy_and_without_it_is_the_same_to_the_bit(monkeypatch, quantisation, dimension):
    with_numpy, plain = same_sets(monkeypatch, quantisation, dimension, 40, ODD)
    assert type(with_numpy.rows) is not type(plain.rows) is PlainRows
    for row in range(plain.count):
        assert with_numpy.raw(row) == plain.raw(row)
        assert repr(with_numpy.vector(row)) == repr(plain.vector(row))
        nearest, same = with_numpy.nearest_to_row(row), plain.nearest_to_row(row)
        for count in (1, 5, plain.count):
            assert repr(nearest.first(count)) == repr(same.first(count))
        assert repr(nearest.first(3, [4, 9, 20, 30])) == repr(same.first(3, [4, 9, 20, 30]))
    assert (with_numpy.lengths.tobytes(), with_numpy.ranges.tobytes()) == (
        plain.lengths.tobytes(),
        plain.ranges.tobytes(),
    )


@mark.parametrize("quantisation", QUANTISATIONS)
@mark.parametrize("dimension", [2, 16, 70])
def test_links_are_the_same(monkeypatch, quantisation, dimension):
    with_numpy, plain = same_sets(monkeypatch, quantisation, dimension, 60, ())
    assert with_numpy.linked(512, 10) == plain.linked(512, 10)


@mark.parametrize(("size", "dimension"), [(1, 1), (3, 5), (5, 3), (64, 64), (300, 100)])
def test_projections_are_the_same(monkeypatch, size, dimension):
    with_numpy, plain = same_sets(monkeypatch, "f32", dimension, 5, ())
    assert with_numpy.rows.projection(size) == plain.rows.projection(size)
    vector = random_vector(Random(size), size)
    assert with_numpy.rows.projected(vector).tobytes() == plain.rows.projected(vector).tobytes()
