"""The other losses of `ops`: every pullback against finite differences and complex steps, in float64; corners."""

from __future__ import annotations

import numpy as np
import pytest

from refkeras.ops import hinge_losses, losses, regression_losses
from refkeras.ops.accuracy import in_top_k
from tests.ops.test_dispatch import assert_same
from tests.ops.test_losses import RNG, SHAPES, check, check_complex, rows, tupled

SMOOTH = {
    "mean_squared_logarithmic_error": regression_losses.mean_squared_logarithmic_error,
    "log_cosh": regression_losses.log_cosh,
    "cosine_similarity": regression_losses.cosine_similarity,
    "kl_divergence": losses.kl_divergence,
    "poisson": losses.poisson,
}
KINKED = {
    "mean_absolute_percentage_error": regression_losses.mean_absolute_percentage_error,
    "huber": lambda t, p: regression_losses.huber(t, p, delta=0.3),
    "hinge": hinge_losses.hinge,
    "squared_hinge": hinge_losses.squared_hinge,
    "categorical_hinge": hinge_losses.categorical_hinge,
}
OPS = {**SMOOTH, **KINKED}
PAIRS = [((4, 1), (4, 3)), ((4, 3), (4, 1)), ((3,), (4, 3)), ((2, 4, 3), (4, 3)), ((1, 3), (4, 1))]


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("shape", SHAPES)
def test_pullbacks(name, shape):
    t = rows(shape)
    check(lambda p: OPS[name](t, p), rows(shape))


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("pair", PAIRS)
def test_pullbacks_that_broadcast(name, pair):
    t = rows(pair[0])
    check(lambda p: OPS[name](t, p), rows(pair[1]))


@pytest.mark.parametrize("axis", [0, 1, 2, -3])
@pytest.mark.parametrize("options", [{}, {"squares": True, "epsilon": 1e-12}, {"epsilon": 10.0}])
def test_cosines_along_axes(axis, options):
    t = RNG.normal(size=(2, 3, 4))
    check(lambda p: regression_losses.cosine_similarity(t, p, axis=axis, **options), RNG.normal(size=(2, 3, 4)))


@pytest.mark.parametrize(("shape", "axis"), [((2, 3, 4), 1), ((2, 3, 4), -1), ((2, 2), 0), ((1, 3), 0), ((3,), -1)])
def test_cosines_of_arrays(shape, axis):
    """Along axis 0, norms are laid over the last axis, and shapes may grow."""
    t = RNG.normal(size=shape)
    check(lambda p: regression_losses.cosine_similarity_of_arrays(t, p, axis=axis), RNG.normal(size=shape))


def test_complex_steps():
    t, p = rows((3, 4)), rows((3, 4))
    epsilon = 1e-7
    formulas = {
        "mean_squared_logarithmic_error": lambda x: ((np.log(x + 1) - np.log(t + 1)) ** 2).mean(-1).sum(),
        "log_cosh": lambda x: np.log(np.cosh(x - t)).mean(-1).sum(),
        "cosine_similarity": lambda x: -np.sum((t * x).sum(-1) / np.sqrt((t * t).sum(-1)) / np.sqrt((x * x).sum(-1))),
        "kl_divergence": lambda x: np.sum(t * np.log(t / x)),
        "poisson": lambda x: (x - t * np.log(x + epsilon)).mean(-1).sum(),
    }
    for name, formula in formulas.items():
        check_complex(lambda x, name=name: SMOOTH[name](t, x), p, formula)


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept(name, dtype):
    value, pullback = OPS[name](rows((4, 3)).astype(dtype), rows((4, 3)).astype(dtype))
    assert value.dtype == pullback(0.3).dtype == pullback(np.ones(4, dtype)).dtype == dtype


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5)])
def test_arrays_with_numpy_protocols_only(name, shape):
    t, p, d = rows(shape), rows(shape), RNG.normal(size=shape[:-1])
    assert_same(lambda v: tupled(OPS[name](t, v)), [p], [d])
    assert_same(lambda u, v: tupled(OPS[name](u, v)), [t, p], [d])
    assert_same(lambda u: tupled(OPS[name](hinge_losses.signed_labels(u), u)), [np.eye(4, 3)], [RNG.normal(size=4)])


def gradient(op, t, p):
    with np.errstate(all="ignore"):
        return op(np.array(t), np.array(p))[1](1.0).tolist()


def test_corners():
    """Exactly on a threshold: on which side TensorFlow's gradients stand."""
    assert gradient(hinge_losses.hinge, [1.0, -1.0], [1.0, -1.0]) == [-0.5, 0.5]
    assert gradient(hinge_losses.hinge, [1.0, -1.0], [1.5, np.nan]) == [0.0, 0.0]
    assert gradient(hinge_losses.categorical_hinge, [0.0, 0.0, 1.0], [1.0, 1.0, 2.0]) == [0.5, 0.5, -1.0]
    assert gradient(hinge_losses.categorical_hinge, [0.0, 0.0, 1.0], [1.0, 1.0, 2.5]) == [0.0, 0.0, 0.0]
    assert gradient(regression_losses.huber, [0.0, 0.0], [1.0, -1.5]) == [0.5, -0.5]
    assert np.isnan(gradient(regression_losses.huber, [0.0], [np.inf])).all()
    assert gradient(regression_losses.mean_absolute_percentage_error, [2.0, 0.0], [2.0, 0.0]) == [0.0, 0.0]
    for epsilon in (1e-7, 0.25):
        low = [epsilon, np.nextafter(epsilon, 0)]
        inside = gradient(lambda t, p, e=epsilon: losses.kl_divergence(t, p, epsilon=e), [0.5, 0.5], low)
        assert inside == [-0.5 / epsilon, 0.0]
        error = gradient(
            lambda t, p, e=epsilon: regression_losses.mean_squared_logarithmic_error(t, p, epsilon=e), [0.5, 0.5], low
        )
        assert error[0] != 0 == error[1]
    assert gradient(losses.kl_divergence, [0.5, 0.5], [1.0, np.nextafter(1, 2)]) == [-0.5, 0.0]


def test_short_vectors_have_bounded_inverse_norms():
    t = np.array([[3.0, 4.0]])
    for options, bound in (({"epsilon": 0.125}, 8.0), ({"epsilon": 0.25, "squares": True}, 2.0)):
        value, pullback = regression_losses.cosine_similarity(t, np.zeros((1, 2)), **options)
        assert value.tolist() == [0.0]
        np.testing.assert_allclose(pullback(1.0), [[-0.6 * bound, -0.8 * bound]], rtol=4e-16)


def test_labels_are_signed_only_if_all_are_0_or_1():
    for labels in ([0.0, 1.0, 1.0], [0.0], [1.0]):
        assert np.array_equal(hinge_losses.signed_labels(np.array(labels)), 2 * np.array(labels) - 1)
    for labels in ([0.0, 1.0, 0.5], [-1.0, 1.0], [np.nan, 1.0]):
        assert np.array_equal(hinge_losses.signed_labels(np.array(labels)), labels, equal_nan=True)


@pytest.mark.parametrize("k", [0, 1, 2, 5, 9])
def test_in_top_k(k):
    x = RNG.choice([-1.0, 0.0, 0.5, 2.0, np.nan, np.inf], (200, 5), p=[0.3, 0.3, 0.2, 0.16, 0.02, 0.02])
    labels = RNG.integers(-1, 6, 200)
    expected = [
        bool(0 <= label < 5 and np.isfinite(row).all() and sum(value > row[label] for value in row) < k)
        for label, row in zip(labels, x, strict=True)
    ]
    assert in_top_k(labels, x, k).tolist() == expected
    assert in_top_k(np.array([0]), np.zeros((1, 0)), 1).tolist() == [False]
