"""What the losses compute that compare predictions with targets one by one: as in `passes`, no logits here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import config, semantics
from refkeras.errors import InvalidArgumentError
from refkeras.losses.arrays import as_array, check_broadcast, squeeze_or_expand_to_same_rank
from refkeras.losses.passes import Pass
from refkeras.ops import hinge_losses, losses, regression_losses
from refkeras.ops.normalizing import L2_EPSILON

Array = Any


def _elementwise(
    op: Callable[..., Any],
    y_true: Any,
    y_pred: Array,
    *,
    match: bool = True,
    axis: int = -1,
    sums: bool = False,
    **arguments: Any,
) -> Pass:
    """Run an op on arguments of matching ranks.

    `match` says whether Keras 3 makes them match, `sums` whether the op adds up, rather than taking a mean.
    """
    shape = y_pred.shape
    y_true = as_array(y_true, y_pred.dtype)
    if y_true.shape != shape:
        if match and semantics.current().loss_functions_match_ranks:
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        check_broadcast(y_true, y_pred)
    of_numbers = semantics.current().losses_of_numbers
    if not y_true.ndim and not y_pred.ndim and (of_numbers == "all" or (sums and of_numbers == "sums")):
        y_true, y_pred = y_true.reshape(1), y_pred.reshape(1)
    rank = max(y_true.ndim, y_pred.ndim)
    if not -rank <= axis < rank:
        raise InvalidArgumentError(
            f"Invalid reduction dimension: y_pred has rank {y_pred.ndim}, y_true {y_true.ndim}, and the axis is {axis}."
        )
    values, pullback = op(y_true, y_pred, **arguments)
    if y_pred.shape == shape:
        return values, pullback, False
    return values, lambda d: pullback(d).reshape(shape), False


def _error(op: Callable[..., Any], y_true: Any, y_pred: Array) -> Pass:
    """As `_elementwise`, and integers are compared as floats."""
    dtype = y_pred.dtype
    if dtype.kind in "iub":
        y_true = as_array(as_array(y_true, dtype), config.floatx())
        y_pred = as_array(y_pred, config.floatx())
    values, pullback, _ = _elementwise(op, y_true, y_pred)
    if dtype.kind in "iu" and semantics.current().integer_loss_values == "integer":
        values = values.astype(dtype)
    return values, pullback, False


def _check_floats(y_pred: Array, loss: str, error: type[Exception] = TypeError) -> None:
    if y_pred.dtype.kind in "iub":
        raise error(f"{loss}: y_pred has dtype {y_pred.dtype}. Expected floats.")


def mean_squared_error(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    return _error(losses.mean_squared_error, y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    rule = semantics.current().abs_gradient
    return _error(lambda t, p: losses.mean_absolute_error(t, p, rule=rule), y_true, y_pred)


def mean_absolute_percentage_error(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    epsilon, rules = config.epsilon(), semantics.current()
    if y_pred.dtype.kind in "iu" and rules.integer_loss_values == "float":
        # Keras 3 makes ε an integer too, which is 0, and TensorFlow divides integers in float64.
        y_true, y_pred, epsilon = as_array(as_array(y_true, y_pred.dtype), np.float64), y_pred.astype(np.float64), 0.0
    _check_floats(y_pred, "mean_absolute_percentage_error")
    op, rule = regression_losses.mean_absolute_percentage_error, rules.abs_gradient
    return _elementwise(op, y_true, y_pred, epsilon=epsilon, rule=rule)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    rules = semantics.current()
    if rules.integer_loss_values != "float":
        _check_floats(y_pred, "mean_squared_logarithmic_error")
    epsilon = config.epsilon()
    if rules.logarithmic_error_epsilon == "floatx":
        epsilon = float(np.dtype(config.floatx()).type(epsilon))
    op, rule = regression_losses.mean_squared_logarithmic_error, rules.maximum_gradient
    return _error(lambda t, p: op(t, p, epsilon=epsilon, rule=rule), y_true, y_pred)


def huber(y_true: Any, y_pred: Array, logits: Array | None = None, delta: float = 1.0) -> Pass:
    given = y_pred.dtype
    if semantics.current().huber_dtype == "floatx":
        y_true, y_pred = as_array(y_true, config.floatx()), as_array(y_pred, config.floatx())
    elif given.kind in "iu":
        return _huber_of_integers(as_array(y_true, given), y_pred, int(delta))
    _check_floats(y_pred, "huber", InvalidArgumentError)
    values, pullback, _ = _elementwise(regression_losses.huber, y_true, y_pred, delta=float(y_pred.dtype.type(delta)))
    return values, (lambda d: pullback(d).astype(given)) if given.kind == "f" else pullback, False


def _huber_of_integers(y_true: Array, y_pred: Array, delta: int) -> Pass:
    """What Keras 3 makes of integers, where a half is 0: mean(δ |e| where |e| > δ, else 0)."""

    def op(t: Array, p: Array) -> tuple[Array, Callable[[Any], Array]]:
        e = p - t
        size = np.abs(e)
        values = np.where(size <= delta, 0, delta * size).astype(config.floatx())
        n = values.dtype.type(values.shape[-1])
        return np.add.reduce(values, -1) / n, lambda d: np.zeros(p.shape, config.floatx())

    return _elementwise(op, y_true, y_pred)


def log_cosh(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    _check_floats(y_pred, "log_cosh")
    return _elementwise(regression_losses.log_cosh, y_true, y_pred)


def cosine_similarity(y_true: Any, y_pred: Array, logits: Array | None = None, axis: int = -1) -> Pass:
    rules = semantics.current()
    rule = rules.cosine_similarity
    _check_floats(y_pred, "cosine_similarity", TypeError if rule == "tf_keras" else InvalidArgumentError)
    if rule == "tf_keras":
        y_true = as_array(y_true)
        if y_true.dtype != y_pred.dtype:
            raise InvalidArgumentError(
                f"cosine_similarity: y_true has dtype {y_true.dtype}, y_pred has dtype {y_pred.dtype}. "
                "Expected one dtype."
            )
        if not y_true.ndim or not y_pred.ndim:
            raise InvalidArgumentError(
                f"cosine_similarity: y_true has rank {y_true.ndim}, y_pred has rank {y_pred.ndim}. Expected vectors."
            )
    given = y_pred.shape
    if rule in ("keras-3", "arrays"):
        # Keras 3 takes a number for a vector of one component.
        y_true, y_pred = squeeze_or_expand_to_same_rank(as_array(y_true, y_pred.dtype), y_pred)
        if rules.losses_of_numbers == "sums" and not (y_true.ndim and y_pred.ndim):
            raise InvalidArgumentError("cosine_similarity: y_true or y_pred has rank 0. Expected vectors.")
        y_true, y_pred = (x if x.ndim else x.reshape(1) for x in (y_true, y_pred))
    epsilon = {"keras-3": config.epsilon(), "tf_keras": L2_EPSILON}.get(rule, 0.0)

    def op(t: Array, p: Array) -> tuple[Array, Callable[[Any], Array]]:
        if rule == "arrays":
            return regression_losses.cosine_similarity_of_arrays(t, p, axis=axis)
        value, pullback = regression_losses.cosine_similarity(
            t,
            p,
            axis=axis,
            epsilon=epsilon,
            squares=rule != "keras-3",
            rule=rules.maximum_gradient,
            nan_at_0=rules.cosine_gradient_of_zero == "nan",
        )
        if rule != "keras-2.0":
            return value, pullback
        part = 1.0 / np.broadcast_shapes(t.shape, p.shape)[axis]
        return value * part, lambda d: pullback(d * part)

    values, pullback, _ = _elementwise(op, y_true, y_pred, axis=axis)
    return values, pullback if y_pred.shape == given else lambda d: pullback(d).reshape(given), False


def _labels(y_true: Any, y_pred: Array) -> Array:
    labels = as_array(y_true, y_pred.dtype)
    return hinge_losses.signed_labels(labels) if semantics.current().hinge_labels == "signed" else labels


def hinge(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    _check_floats(y_pred, "hinge")
    rule = semantics.current().maximum_gradient
    return _elementwise(hinge_losses.hinge, _labels(y_true, y_pred), y_pred, match=False, rule=rule)


def squared_hinge(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    _check_floats(y_pred, "squared_hinge")
    rule = semantics.current().maximum_gradient
    return _elementwise(hinge_losses.squared_hinge, _labels(y_true, y_pred), y_pred, match=False, rule=rule)


def categorical_hinge(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    _check_floats(y_pred, "categorical_hinge")
    if 0 in y_pred.shape and semantics.current().largest_of_nothing_fails:
        raise InvalidArgumentError(
            f"categorical_hinge: y_pred has shape {y_pred.shape}. Expected scores to take the largest of."
        )
    if not y_pred.shape[-1:] or y_pred.shape[-1]:
        rules = semantics.current()
        rule, zero = rules.maximum_gradient, rules.gradient_of_largest_nan == "zero"
        op = hinge_losses.categorical_hinge
        return _elementwise(op, y_true, y_pred, match=False, sums=True, rule=rule, zero_of_nan=zero)
    # The largest of no scores is −∞.
    return np.zeros_like(y_pred, shape=y_pred.shape[:-1]), lambda d: np.zeros_like(y_pred), False


def kl_divergence(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    _check_floats(y_pred, "kl_divergence")
    rule = semantics.current().clip_gradient
    epsilon = config.epsilon()
    return _elementwise(losses.kl_divergence, y_true, y_pred, match=False, sums=True, epsilon=epsilon, rule=rule)


def poisson(y_true: Any, y_pred: Array, logits: Array | None = None) -> Pass:
    _check_floats(y_pred, "poisson", InvalidArgumentError)
    return _elementwise(losses.poisson, y_true, y_pred, match=False, epsilon=config.epsilon())
