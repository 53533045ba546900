"""Where a derivative has no right answer: |x| at 0, max(x, 0) and clip at their bounds, 1 / |x| of zero vectors."""

from __future__ import annotations

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees, exactly
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, keras, numpy, tensor, value_and_gradients
from parity_tests.shows import shows
from refkeras import activations, losses, semantics
from refkeras.precision import exact

pytestmark = pytest.mark.skipif(BACKEND == "numpy", reason="Keras's NumPy backend computes no gradients")


def gradients(engine, function, t, p, factor=1.0):
    """The gradient of a loss function, times a factor, by `p`, of refkeras with error bars and of the engine."""
    t, p = np.asarray(t, "float32"), np.asarray(p, "float32")
    d = np.full(len(p), factor, "float32")
    with semantics.use(engine), np.errstate(all="ignore"):
        _, pullback = getattr(losses, function).forward(exact(t), exact(p))
        ours = pullback(exact(d))
    derived = value_and_gradients(lambda p: getattr(ENGINES[engine].losses, function)(tensor(t), p), [p], (), [d])
    assert_agrees(ours, derived.gradients[0], what=f"gradient of {function}")
    return derived.gradients[0]


@shows("abs_gradient")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("function", ["mean_absolute_error", "mean_absolute_percentage_error"])
def test_errors_that_are_0_or_nan(engine, function):
    """On JAX a prediction that is exactly right is pushed up."""
    t, p = [[1.0], [1.0], [2.0], [1.0]], [[1.0], [0.5], [3.0], [np.nan]]
    at_0, above, below, of_nan = gradients(engine, function, t, p)[:, 0]
    rule = semantics.get(engine).abs_gradient
    assert above < 0 < below
    assert at_0 == (above if rule == "select" else 0) and (at_0 != 0) == (BACKEND == "jax")
    expected = {"sign": np.nan, "sign or 0": 0.0, "select": -above}[rule]
    np.testing.assert_array_equal(of_nan, np.float32(expected))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("regularizer", "arguments"), [("L1", [0.25]), ("L1L2", [0.25, 0.5])])
def test_penalties_of_weights_that_are_0(engine, regularizer, arguments):
    """On JAX a bias that starts at zero has a slope."""
    w = np.array([-2.0, -0.0, 0.0, 3.0], "float32")
    with semantics.use(engine):
        ours = getattr(refkeras.regularizers, regularizer)(*arguments).gradient(exact(w))
    real = value_and_gradients(getattr(ENGINES[engine].regularizers, regularizer)(*arguments), [w]).gradients[0]
    assert_agrees(ours, real)
    assert (real[1:3] == 0.25).all() == (semantics.get(engine).abs_gradient == "select") == (BACKEND == "jax")


@shows("maximum_gradient")
@pytest.mark.parametrize("engine", ENGINES)
def test_margins_that_are_just_kept(engine):
    """A hinge of exactly 0 pulls with all of its slope, or half; one below, with 0, or 0 times what comes in."""
    rule = semantics.get(engine).maximum_gradient
    whole, half = -1.0, -0.5
    expected = [whole, half if rule != "select" else whole, 0.0]
    assert gradients(engine, "hinge", [[1.0]] * 3, [[0.5], [1.0], [2.0]])[:, 0].tolist() == expected
    below = gradients(engine, "hinge", [[1.0]] * 3, [[0.5], [1.0], [2.0]], np.inf)[2, 0]
    assert np.isnan(below) == (rule == "half product")
    gradients(engine, "squared_hinge", [[1.0]] * 3, [[0.5], [1.0], [2.0]])
    gradients(engine, "categorical_hinge", [[0.0, 1.0]] * 3, [[0.0, 0.5], [0.0, 1.0], [0.0, 2.0]])
    gradients(engine, "mean_squared_logarithmic_error", [[1.0]] * 3, [[2.0], [1e-7], [-1.0]])
    assert (rule == "select") == (BACKEND == "tensorflow") and (rule == "half product") == (BACKEND == "jax")


@shows("gradient_of_largest_nan")
@pytest.mark.parametrize("engine", ENGINES)
def test_the_largest_score_is_nan(engine):
    (got,) = gradients(engine, "categorical_hinge", [[0.0, 0.0, 1.0]], [[np.nan, 1.0, 2.0]])
    assert np.isnan(got[0]) == (semantics.get(engine).gradient_of_largest_nan == "nan") == (BACKEND != "jax")


@shows("clip_gradient")
@pytest.mark.parametrize("engine", ENGINES)
def test_probabilities_at_the_ends_of_their_clip(engine):
    """At an end the gradient passes, or half of it; of a NaN it is 0, or NaN."""
    rule = semantics.get(engine).clip_gradient
    p = np.array([[0.5], [1e-7], [1e-9]], "float32")
    inside, at_end, outside = gradients(engine, "binary_crossentropy", np.ones((3, 1)), p)[:, 0]
    assert at_end < inside < 0 == outside
    if engine == KERAS_3:  # tf_keras adds epsilon once more, which halves the slope, too
        assert (at_end < -7e6) == (rule == "select")
    gradients(engine, "kl_divergence", np.ones((3, 1)), [[1.0], [1e-7], [2.0]])
    assert (rule == "half product") == (BACKEND == "jax")


def relu(engine, x, **arguments):
    """Value and gradient of relu with options; compared."""
    x = np.asarray(x, "float32")
    with semantics.use(engine):
        y, pullback = activations.forward_of(activations.relu)(exact(x), **arguments)
        dx = pullback(exact(np.ones_like(x)))
    derived = value_and_gradients(lambda x: keras.activations.relu(x, **arguments), [x])
    assert_agrees(y, derived.values[0], what=f"relu({arguments})")
    assert_agrees(dx, derived.gradients[0], what=f"gradient of relu({arguments})")
    return derived.values[0], derived.gradients[0]


X = [-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 6.0, 7.0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize("threshold", [-2.0, 0.0, 1.0])
@pytest.mark.parametrize("limit", [None, 0.0, 0.5, 2.0, 6.0])
def test_relu_at_its_ends(slope, threshold, limit, engine):
    """Also between a negative threshold and 0, where the clip holds."""
    relu(engine, X, negative_slope=slope, threshold=threshold, max_value=limit)


@shows("relu_max_below_0")
@pytest.mark.parametrize("engine", ENGINES)
def test_relu_with_a_negative_limit(engine):
    y, _ = relu(engine, X, max_value=-1.0)
    expected = {"zero": 0.0, "max_value": -1.0}[semantics.get(engine).relu_max_below_0]
    assert y.tolist() == [expected] * len(X)
    assert (expected == 0) == (BACKEND == "tensorflow")


@shows("sparse_sigmoid_slope_at_1")
def test_slope_of_sparse_sigmoid_at_its_ends():
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0], "float32")
    _, pullback = activations.forward_of(activations.sparse_sigmoid)(exact(x))
    real = value_and_gradients(keras.activations.sparse_sigmoid, [x]).gradients[0]
    assert_agrees(pullback(exact(np.ones_like(x))), real)
    rule = semantics.get(KERAS_3).sparse_sigmoid_slope_at_1
    assert real.tolist() == [0.0, rule, 0.5, rule, 0.0] and (rule > 0) == (BACKEND == "jax")


@shows("cosine_gradient_of_zero", "cosine_similarity")
@pytest.mark.parametrize("engine", ENGINES)
def test_directions_of_short_vectors(engine):
    """Below 1 / epsilon the inverse norm is free, at it by the rule of maxima, beyond it bounded; of zero infinite."""
    t = np.array([[1.0, 2.0]] * 4)
    got = gradients(engine, "cosine_similarity", t, [[3.0, 4.0], [1e-7, 0.0], [1e-9, 0.0], [0.0, 0.0]])
    assert np.isfinite(got[:3]).all()
    assert np.isnan(got[3]).all() == (semantics.get(engine).cosine_gradient_of_zero == "nan")
    if engine == KERAS_3:
        assert np.isnan(got[3]).all() == (BACKEND != "tensorflow")


@shows("binary_crossentropy_of_logits")
@pytest.mark.parametrize("engine", ENGINES)
def test_binary_crossentropy_of_infinite_logits(engine):
    t, z = np.array([[0.0], [0.25], [1.0]] * 2, "float32"), np.array([[np.inf]] * 3 + [[-np.inf]] * 3, "float32")
    with semantics.use(engine), np.errstate(all="ignore"):
        ours = losses.binary_crossentropy(*exactly((t, z)), from_logits=True)
    real = numpy(ENGINES[engine].losses.binary_crossentropy(tensor(t), tensor(z), from_logits=True))
    assert_agrees(ours, real)
    rule = semantics.get(engine).binary_crossentropy_of_logits
    assert np.isinf(real[:2]).all() == (rule in ("(1 - t) z", "two parts"))
    assert np.isinf(real[4:]).all() == (rule != "(1 - t) z")
