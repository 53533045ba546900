"""Losses of `ops`: every pullback against finite differences and complex steps, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkeras.ops import losses as ops
from refkeras.ops.accuracy import argmax
from tests.ops.duck import dress
from tests.ops.test_dispatch import assert_same

STEP = 1e-6
RNG = np.random.default_rng(7)
FORMS = ["max(z, 0) - z t", "(1 - t) z", "two parts"]
SHAPES = [(5,), (4, 3), (2, 3, 5), (1, 1)]


def rows(shape):
    return RNG.uniform(0.05, 0.95, shape)


def directional(function, x, direction):
    """The derivative of the summed, weighted values along a direction, by central differences."""
    return (function(x + STEP * direction) - function(x - STEP * direction)) / (2 * STEP)


def check(op, p):
    """Compare the pullback of random numbers with the derivative along random directions."""
    value, pullback = op(p)
    d = RNG.normal(size=np.shape(value))
    gradient = pullback(d if np.ndim(value) else float(d))
    assert gradient.shape == p.shape
    for _ in range(3):
        direction = RNG.normal(size=p.shape)
        expected = directional(lambda x: float(np.sum(d * op(x)[0])), p, direction)
        # The error of a central difference: step² times the third derivative, and rounding / step.
        assert np.sum(gradient * direction) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def check_complex(op, z, derivative):
    """The same by a complex step, which does not subtract and is exact to rounding."""
    _, pullback = op(z)
    gradient = pullback(1.0)
    for index in np.ndindex(z.shape):
        step = np.zeros(z.shape, complex)
        step[index] = 1e-30j
        assert gradient[index] == pytest.approx(derivative(z + step).imag / 1e-30, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_errors(shape):
    t = RNG.normal(size=shape)
    check(lambda p: ops.mean_squared_error(t, p), RNG.normal(size=shape))
    check(lambda p: ops.mean_absolute_error(t, p), RNG.normal(size=shape))


@pytest.mark.parametrize(
    "pair", [((4, 1), (4, 3)), ((4, 3), (4, 1)), ((3,), (4, 3)), ((2, 4, 3), (4, 3)), ((1, 3), (4, 1))]
)
def test_errors_that_broadcast(pair):
    t = RNG.normal(size=pair[0])
    check(lambda p: ops.mean_squared_error(t, p), RNG.normal(size=pair[1]))
    check(lambda p: ops.mean_absolute_error(t, p), RNG.normal(size=pair[1]))
    check(lambda p: ops.binary_crossentropy(t, p), rows(pair[1]))
    check(lambda p: ops.sigmoid_crossentropy(t, p), RNG.normal(size=pair[1]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("inner", [0.0, 1e-3])
def test_binary_crossentropy(shape, inner):
    t = rows(shape)
    for axis in (-1, 0, None, tuple(range(len(shape)))):
        check(lambda p, axis=axis: ops.binary_crossentropy(t, p, inner_epsilon=inner, axis=axis), rows(shape))
        check(lambda z, axis=axis: ops.sigmoid_crossentropy(t, z, axis=axis), RNG.normal(size=shape) * 3)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (1, 2)])
def test_categorical_crossentropy(shape):
    for axis in range(-len(shape), len(shape)):
        t = rows(shape)
        check(lambda p, t=t, axis=axis: ops.categorical_crossentropy(t, p, axis=axis), rows(shape))
        # The gradient from logits is the derivative for targets whose sum is 1.
        t = t / t.sum(axis, keepdims=True)
        check(lambda z, t=t, axis=axis: ops.softmax_crossentropy(t, z, axis=axis), RNG.normal(size=shape) * 3)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (3,)])
def test_sparse_categorical_crossentropy(shape):
    k = RNG.integers(0, shape[-1], shape[:-1])
    check(lambda p: ops.sparse_categorical_crossentropy(k, p), rows(shape))
    check(lambda z: ops.sparse_softmax_crossentropy(k, z), RNG.normal(size=shape) * 3)


def test_complex_steps():
    t, z = rows((3, 4)), RNG.normal(size=(3, 4))
    unit = t / t.sum(-1, keepdims=True)
    check_complex(lambda p: ops.mean_squared_error(t, p), z, lambda p: ((p - t) ** 2).mean(-1).sum())
    check_complex(lambda x: ops.sigmoid_crossentropy(t, x), z, lambda x: (np.log(1 + np.exp(x)) - x * t).mean(-1).sum())
    check_complex(
        lambda x: ops.softmax_crossentropy(unit, x), z, lambda x: np.sum(np.log(np.exp(x).sum(-1)) - (unit * x).sum(-1))
    )
    p = rows((3, 4))
    check_complex(
        lambda x: ops.categorical_crossentropy(t, x), p, lambda x: -np.sum(t * np.log(x / x.sum(-1, keepdims=True)))
    )
    check_complex(
        lambda x: ops.binary_crossentropy(t, x), p, lambda x: -np.sum(t * np.log(x) + (1 - t) * np.log(1 - x)) / 4
    )


def test_a_wrong_pullback_is_noticed():
    def wrong(p):
        value, pullback = ops.mean_squared_error(np.zeros(3), p)
        return value, lambda d: 1.001 * pullback(d)

    with pytest.raises(AssertionError):
        check(wrong, RNG.normal(size=3))
    with pytest.raises(AssertionError):
        check_complex(wrong, RNG.normal(size=3), lambda p: (p**2).mean())


def test_softmax_crossentropy_of_targets_that_do_not_sum_to_one():
    t, z = np.array([[0.5, 1.5]]), np.array([[0.0, 0.0]])
    _, pullback = ops.softmax_crossentropy(t, z)
    assert pullback(1.0).tolist() == [[0.0, -1.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(st.floats(0, 1), st.floats(-100, 100))
def test_dtypes_are_kept(dtype, p, z):
    p, z, t, k = (
        np.array(x, kind) for x, kind in (([[p, 0.5]], dtype), ([[z, 1]], dtype), ([[0, 1]], dtype), ([1], int))
    )
    for value, pullback in (
        ops.mean_squared_error(t, p),
        ops.mean_absolute_error(t, p),
        ops.binary_crossentropy(t, p, inner_epsilon=1e-7),
        ops.categorical_crossentropy(t, p),
        ops.sparse_categorical_crossentropy(k, p),
        ops.sigmoid_crossentropy(t, z),
        ops.softmax_crossentropy(t, z),
        ops.sparse_softmax_crossentropy(k, z),
    ):
        assert value.dtype == pullback(0.3).dtype == pullback(np.ones(1, dtype)).dtype == dtype


@pytest.mark.parametrize("edge", [1e-7, 1 - 1e-7])
def test_the_clip_passes_gradients_at_its_bounds_only_inside(edge):
    inside, outside = np.array([[edge]]), np.array([[edge + np.sign(edge - 0.5) * 1e-9]])
    for op in (
        lambda p: ops.binary_crossentropy(np.array([[0.5]]), p),
        lambda p: ops.sparse_categorical_crossentropy(np.array([0]), np.concatenate([p, [[0.5]]], -1)),
    ):
        assert op(inside)[1](1.0)[0, 0] != 0
        assert op(outside)[1](1.0)[0, 0] == 0


def test_nothing_is_lost_far_from_zero():
    z = np.array([[800.0, -800.0]])
    assert ops.softmax_crossentropy(np.array([[0.0, 1.0]]), z)[0].tolist() == [1600.0]
    assert ops.sparse_softmax_crossentropy(np.array([1]), z)[0].tolist() == [1600.0]
    assert ops.sigmoid_crossentropy(np.array([[0.0, 1.0]]), z)[0].tolist() == [800.0]
    assert ops.sigmoid_crossentropy(np.array([[1.0, 0.0]]), z)[0].tolist() == [0.0]


def test_sum_to_shape():
    x = RNG.normal(size=(2, 3, 4))
    assert ops.sum_to_shape(x, (2, 3, 4)) is x
    assert np.allclose(ops.sum_to_shape(x, (3, 1)), x.sum((0, 2))[:, None])
    assert np.allclose(ops.sum_to_shape(x, (4,)), x.sum((0, 1)))
    assert np.allclose(ops.sum_to_shape(x, ()), x.sum())
    assert np.allclose(ops.sum_to_shape(x, (2, 1, 1)), x.sum((1, 2), keepdims=True))


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5)])
def test_arrays_with_numpy_protocols_only(shape):
    t, p, d = rows(shape), rows(shape), RNG.normal(size=shape[:-1])
    k = RNG.integers(0, shape[-1], shape[:-1])
    for op in (
        ops.mean_squared_error,
        ops.mean_absolute_error,
        lambda t, p: ops.binary_crossentropy(t, p, inner_epsilon=1e-7),
        ops.categorical_crossentropy,
        ops.sigmoid_crossentropy,
        ops.softmax_crossentropy,
    ):
        assert_same(lambda v, op=op: tupled(op(t, v)), [p], [d])
        assert_same(lambda u, v, op=op: tupled(op(u, v)), [t[..., :1] * np.ones(shape), p], [d])
    for op in (ops.sparse_categorical_crossentropy, ops.sparse_softmax_crossentropy):
        assert_same(lambda v, op=op: tupled(op(k, v)), [p], [d])
    for x in (p, p - 0.5, np.where(p > 0.5, np.nan, 0.0)):
        assert np.array_equal(argmax(dress(x)), argmax(x))


def tupled(pair):
    value, pullback = pair
    return value, lambda d: (pullback(d),)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_the_sigmoid_crossentropy(form):
    """One function in exact arithmetic: each form has its derivative, also where a logit is infinite."""
    for shape in SHAPES:
        t, z = rows(shape), RNG.normal(size=shape) * 3
        check(lambda z, t=t: ops.sigmoid_crossentropy(t, z, form=form), z)
    with np.errstate(invalid="ignore"):
        _, pullback = ops.sigmoid_crossentropy(np.array([[0.25, 0.25]]), np.array([[np.inf, -np.inf]]), form=form)
        assert pullback(1.0).tolist() == [[0.375, -0.125]]
