"""Vectors are calculated with numpy or without: a module that imports `arithmetic` has its tests run both ways."""

import sys

import pytest

ARITHMETICS = ("numpy", "plain")


def choose(name, monkeypatch):
    """Have sets that are made from now on calculate by numpy, or in plain Python."""
    if name == "numpy":
        pytest.importorskip("numpy")
    else:
        monkeypatch.setitem(sys.modules, "pyredis.datatypes.numpy_rows", None)


@pytest.fixture(params=ARITHMETICS, autouse=True)
def arithmetic(request, monkeypatch):
    choose(request.param, monkeypatch)
    return request.param
