"""Activations: pullbacks against differences and complex steps, special values, dtypes."""

import inspect
import warnings

import numpy as np
import pytest

from refkeras.ops import activations, piecewise, rectifiers, softmax
from tests.ops.gradients import REACH, assert_pullback

# name: (function, kinks, extra arguments)
ELEMENTWISE = {
    **{name: (getattr(activations, name), (), {}) for name in activations.__all__},
    "gelu(approximate)": (activations.gelu, (), {"approximate": True}),
    "squareplus(b)": (activations.squareplus, (), {"b": 0.7}),
    "relu": (rectifiers.relu, (0.0,), {}),
    "relu(slope)": (rectifiers.relu, (0.0,), {"negative_slope": 0.3}),
    "relu(max)": (rectifiers.relu, (0.0, 1.3), {"max_value": 1.3}),
    "relu(max 6)": (rectifiers.relu, (0.0, 6.0), {"max_value": 6}),
    "relu(threshold)": (rectifiers.relu, (0.7,), {"threshold": 0.7}),
    "relu(product)": (rectifiers.relu, (0.7,), {"threshold": 0.7, "select": False}),
    "relu(all)": (
        rectifiers.relu,
        (0.5, 2.0),
        {"negative_slope": 0.3, "max_value": 2.0, "threshold": 0.5},
    ),
    "relu(max 6, slope)": (rectifiers.relu, (0.0, 6.0), {"negative_slope": 0.3, "max_value": 6}),
    "relu6": (rectifiers.relu6, (0.0, 6.0), {}),
    "leaky_relu": (rectifiers.leaky_relu, (0.0,), {"negative_slope": 0.3}),
    "elu": (rectifiers.elu, (0.0,), {}),
    "elu(alpha)": (rectifiers.elu, (0.0,), {"alpha": 0.6}),
    "selu": (rectifiers.selu, (0.0,), {}),
    "celu": (rectifiers.celu, (0.0,), {"alpha": 0.6}),
    "hard_sigmoid": (piecewise.hard_sigmoid, (-3.0, 3.0), {}),
    "hard_sigmoid_clipped": (piecewise.hard_sigmoid_clipped, (-2.5, 2.5), {}),
    "hard_silu": (piecewise.hard_silu, (-3.0, 3.0), {}),
    "hard_tanh": (piecewise.hard_tanh, (-1.0, 1.0), {}),
    "hard_shrink": (piecewise.hard_shrink, (-0.4, 0.4), {"threshold": 0.4}),
    "soft_shrink": (piecewise.soft_shrink, (-0.4, 0.4), {"threshold": 0.4}),
    "sparse_plus": (piecewise.sparse_plus, (-1.0, 1.0), {}),
    "sparse_sigmoid": (piecewise.sparse_sigmoid, (-1.0, 1.0), {}),
    "threshold": (piecewise.threshold, (0.4,), {"threshold": 0.4, "default_value": -2.0}),
}
OVER_AXIS = {
    "softmax": (softmax.softmax, {}),
    "softmax(axis)": (softmax.softmax, {"axis": 1}),
    "softmax(axes)": (softmax.softmax, {"axis": (0, 2)}),
    "softmax(all)": (softmax.softmax, {"axis": None}),
    "softmax(by quotient)": (softmax.softmax, {"axis": 1, "by_quotient": True}),
    "softmax(all, by quotient)": (softmax.softmax, {"axis": None, "by_quotient": True}),
    "log_softmax": (softmax.log_softmax, {"axis": 0}),
    "glu": (softmax.glu, {"axis": 2}),
    "glu(axis)": (softmax.glu, {"axis": 0}),
    "sparsemax": (softmax.sparsemax, {}),
    "sparsemax(axis)": (softmax.sparsemax, {"axis": 1}),
}


def samples(kinks, size=60):
    x = np.random.default_rng(1).uniform(-8, 8, size)
    for kink in kinks:
        x = x[np.abs(x - kink) > 2 * REACH]
    return x


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_pullback_is_the_derivative(name):
    function, kinks, arguments = ELEMENTWISE[name]
    x = samples(kinks)
    if name == "gelu(approximate)":
        x = x[x > -3]  # further out, 1 + tanh is all rounding
    dy = np.random.default_rng(2).normal(size=x.shape)
    y, pullback = function(x, **arguments)
    assert y.shape == x.shape
    # |x| < 8 amplifies roundings of x inside exp; the tanh of gelu's x³ bends most.
    curvature = 1e7 if "gelu" in name or name in ("mish", "exponential") else 1e4
    for k in range(len(x)):  # one by one, so that no large value hides a small one's error
        one = slice(k, k + 1)
        assert_pullback(
            lambda v: [function(v, **arguments)[0]],
            [x[one]],
            [dy[one]],
            [pullback(dy)[one]],
            roundings=50,
            curvature=curvature / max(abs(y[k]), 1e-2),
        )


@pytest.mark.parametrize("name", OVER_AXIS)
def test_pullback_over_axes_is_the_derivative(name):
    function, arguments = OVER_AXIS[name]
    # For sparsemax, draws whose support does not change within reach.
    seed = {"sparsemax": 51, "sparsemax(axis)": 213}.get(name, 3)
    x = np.random.default_rng(seed).normal(size=(4, 3, 6))
    y, pullback = function(x, **arguments)
    dy = np.random.default_rng(4).normal(size=y.shape)
    assert_pullback(lambda v: [function(v, **arguments)[0]], [x], [dy], [pullback(dy)], roundings=60, curvature=1e5)


@pytest.mark.parametrize(
    "name", ["sigmoid", "tanh", "tanh_shrink", "exponential", "silu", "squareplus", "gelu(approximate)", "linear"]
)
def test_pullback_is_the_complex_step(name):
    function, _, arguments = ELEMENTWISE[name]
    x = np.random.default_rng(5).uniform(-4, 4, 50)
    _, pullback = function(x, **arguments)
    step = 1e-30
    expected = function(x + 1j * step, **arguments)[0].imag / step
    np.testing.assert_allclose(pullback(np.ones_like(x)), expected, rtol=40 * 2.0**-52, atol=40 * 2.0**-52)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OVER_AXIS])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept(name, dtype):
    function, *_, arguments = ELEMENTWISE[name] if name in ELEMENTWISE else OVER_AXIS[name]
    y, pullback = function(np.linspace(-2, 2, 24, dtype=dtype).reshape(2, 3, 4), **arguments)
    assert y.dtype == dtype
    assert pullback(np.ones_like(y)).dtype == dtype


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "log_sigmoid", "silu", "elu", "selu", "softmax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_values_do_not_warn(name, dtype):
    function = ELEMENTWISE[name][0] if name in ELEMENTWISE else OVER_AXIS[name][0]
    x = np.array([[-1e30, -1000.0, -88.0, 0.0, 88.0, 1000.0, 1e30]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, pullback = function(x)
        assert np.isfinite(y).all()
        assert np.isfinite(pullback(np.ones_like(y))).all()


def test_sigmoid_is_accurate_in_its_tail():
    x = np.linspace(-87, 17, 2001).astype("float32")
    exact = 1 / (1 + np.exp(-x.astype("float64")))
    # e^{-x}, + 1 and the quotient are rounded once each; NumPy's e^x is within 3 units.
    assert np.max(np.abs(activations.sigmoid(x)[0] / exact - 1)) <= 5 * 2.0**-24


@pytest.mark.parametrize("dtype, unit, bound", [("float64", 2.0**-53, 14), ("float32", 2.0**-24, 7)])
def test_erfc_against_the_standard_library(dtype, unit, bound):
    import math

    from refkeras.ops.special import erfc

    x = np.linspace(-6, 1, 400).astype(dtype)
    exact = np.array([math.erfc(float(v)) for v in x])
    assert np.max(np.abs(erfc(x) / exact - 1)) <= bound * unit
    x = np.linspace(1, 9, 400).astype(dtype)
    exact = np.array([math.erfc(float(v)) for v in x])
    assert np.max(np.abs(erfc(x) / exact - 1) / (x.astype("float64") ** 2 + bound)) <= unit


def test_every_function_is_covered():
    names = {name.partition("(")[0] for name in (*ELEMENTWISE, *OVER_AXIS)}
    for module in (activations, rectifiers, piecewise, softmax):
        assert set(module.__all__) <= names
        assert all(inspect.getdoc(getattr(module, name)) for name in module.__all__)
