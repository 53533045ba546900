"""Where Keras 3's own backends differ in losses and metrics: fields of `Semantics`, on the engines of this process.

As in `test_backends.py`, `make parity ENGINE=keras@torch` (or jax, numpy, tensorflow) shows the other sides of a field.
"""

from __future__ import annotations

import numpy as np
import pytest

from parity_tests.agreement import assert_agrees, assert_same
from parity_tests.engines import BACKEND, NATIVE_ERRORS, keras, numpy, tensor
from parity_tests.shows import shows
from refkeras import losses, metrics, semantics
from refkeras.precision import exact
from refkeras.tensor import wrap

ERRORS = (ValueError, IndexError, *NATIVE_ERRORS)


pytestmark = pytest.mark.usefixtures("each_keras")


def rule(name):
    return getattr(semantics.get(semantics.current().name), name)


def value_or_error(function):
    """What a function returns, as an array, or ValueError, which stands for what it raises."""
    try:
        return numpy(function())
    except ERRORS:
        return ValueError


def both(function):
    """Return the engine's answer to `function(module)`, once refkeras has given the same."""
    real, mine = (value_or_error(lambda m=module: function(m)) for module in (keras, metrics_module))
    if isinstance(real, type):
        assert mine is real
    else:
        assert_same(mine, real)
    return real


class metrics_module:  # noqa: N801
    """refkeras, as `keras` is used here."""

    metrics = metrics


# -- losses ---------------------------------------------------------------------------------------------


@shows("mask_spreads_weights")
def test_weights_that_are_smaller_than_the_mask():
    """(2, 1) weights under a (2, 3) mask: multiplied in place on NumPy and PyTorch, where an array keeps its shape."""
    y, p = np.zeros((2, 3, 1), "float32"), np.arange(6, dtype="float32").reshape(2, 3, 1)
    mask, weights = np.array([[True, False, True], [True, True, False]]), np.array([[1.0], [2.0]], "float32")
    loss = keras.losses.MeanSquaredError(reduction="sum")
    real = value_or_error(lambda: loss(tensor(y), tensor(p, mask), tensor(weights)))
    mine = value_or_error(lambda: losses.MeanSquaredError(reduction="sum")(y, wrap(p, mask), weights))
    spreads = BACKEND in ("tensorflow", "jax")
    assert spreads == rule("mask_spreads_weights")
    if spreads:
        assert_same(mine, real)  # sums of whole numbers
    else:
        assert mine is real is ValueError


@shows("losses_of_numbers")
def test_losses_of_two_numbers():
    """PyTorch takes means over the last axis of what has no axis, and NumPy sums."""
    t, p = np.float32(0.0), np.float32(2.0)
    real = value_or_error(lambda: keras.losses.mean_squared_error(tensor(t), tensor(p)))
    mine = value_or_error(lambda: losses.mean_squared_error(t, p))
    if BACKEND == "torch":
        assert mine == real == 4.0
    else:
        assert mine is real is ValueError
    rank = {}
    for name in ("mean_squared_error", "kl_divergence", "categorical_hinge", "cosine_similarity"):
        found = value_or_error(lambda name=name: getattr(keras.losses, name)(tensor(p), tensor(p)))
        own = value_or_error(lambda name=name: getattr(losses, name)(p, p))
        assert (found is ValueError) == (own is ValueError)
        rank[name] = found is not ValueError
    takes = {"none": (False, False), "sums": (False, True), "all": (True, True)}[rule("losses_of_numbers")]
    assert (rank["mean_squared_error"], rank["kl_divergence"]) == takes


@shows("probabilities_are_checked")
@pytest.mark.parametrize(
    ("target", "prediction"), [(1.0, np.nan), (np.nan, 0.25), (2.0, 0.25), (-0.25, 0.25), (-0.0, 1.5), (1.0, -0.5)]
)
def test_binary_crossentropy_of_what_is_no_probability(target, prediction):
    """Predictions are clipped before; NaN is not, and targets are not."""
    t, p = np.array([[0.0, target]], "float32"), np.array([[0.5, prediction]], "float32")
    real = value_or_error(lambda: keras.losses.binary_crossentropy(tensor(t), tensor(p)))
    mine = value_or_error(lambda: losses.binary_crossentropy(t, p))
    refused = rule("probabilities_are_checked") and (np.isnan(prediction) or not 0 <= target <= 1)
    assert (mine is ValueError) == (real is ValueError) == refused
    assert rule("probabilities_are_checked") == (BACKEND == "torch")
    if mine is not ValueError:
        assert_agrees(losses.binary_crossentropy(exact(t), exact(p)).array, real)


@shows("cosine_similarity")
@pytest.mark.parametrize("shape", [(2, 2), (1, 3), (3, 1), (2, 3), (2,), (2, 2, 3)])
@pytest.mark.parametrize("axis", [0, -1])
def test_cosine_similarity_over_the_first_axis(shape, axis):
    """`keras.utils.normalize` takes axis=0 of an array, and Keras's NumPy backend knows nothing else, for the last."""
    rng = np.random.default_rng(0)
    t, p = (rng.normal(size=shape).astype("float32") for _ in range(2))
    t[..., 0] = 0  # and a norm of 0 here and there
    real = value_or_error(lambda: keras.losses.cosine_similarity(tensor(t), tensor(p), axis=axis))
    mine = value_or_error(lambda: losses.cosine_similarity(t, p, axis=axis))
    if real is ValueError:
        assert mine is real
        assert BACKEND == "numpy"
    else:
        assert_agrees(losses.cosine_similarity(exact(t), exact(p), axis=axis).array, real)
    if rule("cosine_similarity") != "arrays":
        assert_agrees(-np.sum(_unit(exact(t), axis) * _unit(exact(p), axis), axis), real)


def _unit(x, axis):
    norm = np.sqrt(np.sum(x * x, axis, keepdims=True))
    return x / np.where(norm > 0, norm, 1)


# -- accuracies -------------------------------------------------------------------------------------------


@shows("argmax_flushes")
def test_the_largest_of_subnormal_numbers():
    for row, flushed, kept in (([0.0, 1e-40], 0, 1), ([1e-40, 2e-40], 0, 1), ([-1e-40, -0.0], 0, None)):
        scores, labels = np.array([row], "float32"), np.array([0])
        at_0 = both(lambda k, y=labels, p=scores: k.metrics.sparse_categorical_accuracy(y, p))
        found = 1 - int(at_0[0])
        if kept is not None:
            assert found == (flushed if rule("argmax_flushes") else kept)
    assert rule("argmax_flushes") == (BACKEND in ("tensorflow", "jax"))


@shows("argmax_of_numbers")
def test_accuracies_of_a_single_number():
    one = np.float32(2.0)
    for y, p in ((one, one), (one, np.ones((2, 3), "float32")), (np.ones((2, 3), "float32"), one)):
        found = both(lambda k, y=y, p=p: k.metrics.categorical_accuracy(tensor(y) if k is keras else y, p))
        assert (not isinstance(found, type)) == rule("argmax_of_numbers") == (BACKEND in ("torch", "numpy"))
    assert both(lambda k: k.metrics.sparse_categorical_accuracy(one, one)) is ValueError


@shows("categorical_accuracy_squeezes")
def test_classes_with_an_axis_too_many():
    """Targets (2, 3) beside predictions (3,): two classes, and one prediction."""
    y, p = np.eye(3, dtype="float32")[:2], np.array([0.1, 0.7, 0.2], "float32")
    found = both(lambda k: k.metrics.categorical_accuracy(y, p))
    if rule("categorical_accuracy_squeezes"):
        assert found is ValueError
    else:
        assert found.tolist() == [0.0, 1.0]
    assert rule("categorical_accuracy_squeezes") == (BACKEND != "torch")


ROWS = {
    "a NaN": [np.nan, 1.0, 2.0, 0.0],
    "an infinity": [np.inf, 1.0, 2.0, 0.0],
    "two infinities": [-np.inf, -np.inf, 2.0, 0.0],
    "ties": [1.0, 1.0, 1.0, 0.0],
    "NaN alone": [np.nan] * 4,
    "zeros": [-0.0, 0.0, -1.0, -2.0],
}


@shows("in_top_k")
@pytest.mark.parametrize("k", [1, 2, 3, 5, 0, -1])
@pytest.mark.parametrize("row", ROWS)
def test_the_k_best(row, k):
    """Of rows that hold NaN and infinities, and of labels that are no class."""
    p = np.array([ROWS[row]], "float32")
    for label in (0, 1, 2, 3, -1, -4, -5, 4, 6):
        y = np.array([label])
        both(lambda k_, y=y: k_.metrics.sparse_top_k_categorical_accuracy(y, p, k))


@shows("in_top_k")
def test_the_k_best_of_other_dtypes_and_of_one_row():
    kinds = set()
    for dtype in ("float16", "int32"):
        p = np.array([[1, 2, 3]]).astype(dtype)
        found = both(lambda k, p=p: k.metrics.sparse_top_k_categorical_accuracy(np.array([1]), p, 2))
        kinds.add(found is not ValueError)
    p, y = np.array([[0.1, 0.3, 0.2]], "float32"), np.array([1, 0])
    found = both(lambda k: k.metrics.sparse_top_k_categorical_accuracy(y, p, 1))
    kinds.add(not isinstance(found, type))
    assert kinds == {rule("in_top_k") != "finite rows"} == {BACKEND != "tensorflow"}
    label_4_of_4 = both(lambda k: k.metrics.sparse_top_k_categorical_accuracy([4], [[3.0, 2.0, 1.0, 0.0]], 1))
    expected = {"tensorflow": [0.0], "jax": [0.0], "torch": [1.0], "numpy": ValueError}[BACKEND]
    assert (label_4_of_4 if isinstance(label_4_of_4, type) else label_4_of_4.tolist()) == expected
