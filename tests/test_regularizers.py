"""Regularizers: values, gradients by finite difference, names, refusals."""

import numpy as np
import pytest

from refkeras import regularizers, semantics
from refkeras.variable import Variable

MADE = [regularizers.L1(0.3), regularizers.L2(0.7), regularizers.L1L2(0.2, 0.9), regularizers.L1L2(l2=0.5)]


def test_values():
    x = np.array([[1.0, -2.0], [3.0, 0.0]], np.float32)
    assert regularizers.L1(0.5)(x) == 3.0
    assert regularizers.L2(0.5)(x) == 7.0
    assert regularizers.L1L2(0.5, 0.25)(x) == 6.5
    assert regularizers.L1L2()(x) == 0.0
    for regularizer in MADE:
        for dtype in ("float32", "float64"):
            assert regularizer(x.astype(dtype)).dtype == dtype == regularizer.gradient(x.astype(dtype)).dtype
        assert regularizer(Variable(x)) == regularizer(x)


@pytest.mark.parametrize("regularizer", MADE)
def test_gradients(regularizer):
    x = np.random.default_rng(1).normal(size=(3, 4))
    step = 1e-6
    for place in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[place] += step
        below[place] -= step
        slope = (regularizer(above) - regularizer(below)) / (2 * step)
        assert abs(regularizer.gradient(x)[place] - slope) < 1e-8
    assert np.array_equal(regularizers.gradient(regularizer, Variable(x)), regularizer.gradient(x))


def test_the_slope_at_zero_is_zero():
    assert regularizers.L1(0.5).gradient(np.zeros(2, np.float32)).tolist() == [0, 0]


def test_a_regularizer_without_gradient_says_so():
    with pytest.raises(NotImplementedError, match="gradient"):
        regularizers.gradient(lambda x: np.sum(x), np.ones(2))


def test_configurations():
    assert regularizers.L1().get_config() == {"l1": float(np.float32(0.01))}
    assert regularizers.L2(None).get_config() == {"l2": 0.01}
    assert regularizers.L1L2(None, 2).get_config() == {"l1": 0.0, "l2": 2.0}
    for regularizer in MADE:
        again = regularizers.deserialize(regularizers.serialize(regularizer))
        assert type(again) is type(regularizer) and again.get_config() == regularizer.get_config()
    with pytest.raises(NotImplementedError, match="get_config"):
        regularizers.Regularizer().get_config()


def test_get():
    assert regularizers.get(None) is None and regularizers.get(MADE[0]) is MADE[0]
    assert isinstance(regularizers.get("l1"), regularizers.L1) and isinstance(regularizers.get("L2"), regularizers.L2)
    assert isinstance(regularizers.get(regularizers.L1), regularizers.L1)
    assert regularizers.get({"class_name": "L2", "config": {"l2": 0.3}}).l2 == 0.3
    assert regularizers.get("L1L2").get_config() == {"l1": 0.0, "l2": 0.0}


@pytest.mark.parametrize("identifier", ["l3", "l1_l2", 1, ["l1"]])
def test_get_refuses(identifier):
    with semantics.use("keras-3@tensorflow"), pytest.raises(ValueError, match="regularizer identifier"):
        regularizers.get(identifier)


@pytest.mark.parametrize("value", [-1, "x", np.inf, np.nan, np.float32(0.1)])
@pytest.mark.parametrize("name", ["l1", "l2"])
def test_factors_are_checked(name, value):
    with pytest.raises(ValueError, match=f"argument {name}.*{value}"):
        regularizers.L1L2(**{name: value})
