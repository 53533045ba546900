"""Constraints: what they project, names, refusals."""

import numpy as np
import pytest

from refkeras import constraints
from refkeras.variable import Variable

W = np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32) * 2


def norms(w, axis=0):
    return np.sqrt(np.sum(np.square(w, dtype=np.float64), axis=axis))


def test_max_norm():
    w = constraints.MaxNorm(1.5, axis=[0, 1])(W[..., :2] * np.float32([0.01, 1]))
    assert w.dtype == np.float32
    np.testing.assert_allclose(norms(w, (0, 1)), [norms(W[..., 0] * 0.01, (0, 1)), 1.5], rtol=1e-5)


def test_unit_norm():
    np.testing.assert_allclose(norms(constraints.UnitNorm(axis=1)(W), 1), np.ones((3, 5)), rtol=1e-6)


def test_non_neg():
    assert constraints.NonNeg()(Variable(W)).min() == 0


def test_min_max_norm():
    w = constraints.MinMaxNorm(2.0, 3.0, rate=0.5)(W)
    expected = (norms(W) + np.clip(norms(W), 2, 3)) / 2
    np.testing.assert_allclose(norms(w), expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["max_norm", "non_neg", "unit_norm", "min_max_norm", "MaxNorm", "constraint"])
def test_names_and_configurations(name):
    made = constraints.get(name)
    again = constraints.deserialize(constraints.serialize(made))
    assert type(again) is type(made) and again.get_config() == made.get_config()
    assert constraints.get(type(made)).get_config() == made.get_config() and constraints.get(made) is made


def test_no_constraint():
    assert constraints.get(None) is None
    assert np.array_equal(constraints.Constraint()(W), W)


@pytest.mark.parametrize("identifier", ["maxnorm", 3, ["non_neg"]])
def test_get_refuses(identifier):
    with pytest.raises(ValueError, match="constraint identifier"):
        constraints.get(identifier)
