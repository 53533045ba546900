"""From the values of the samples to one number: sample weights, masks and reductions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.losses.arrays import as_array, check_broadcast, match_weights
from refkeras.naming import did_you_mean
from refkeras.ops.losses import sum_to_shape
from refkeras.tensor import number_of

__all__ = ["apply_mask", "reduce_weighted_values", "standardize_reduction"]

Array = Any
_MEANS = ("sum_over_batch_size", "mean", "auto")


class Reduction:
    """The names of tf_keras's reductions (`keras.losses.Reduction`)."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"


def standardize_reduction(reduction: str | None) -> str | None:
    """Return `reduction`, if the engine in force knows it.

    Raises:
        ValueError: it does not.
    """
    allowed = semantics.current().loss_reductions
    if reduction in allowed:
        return reduction
    raise ValueError(
        f"Invalid value for argument `reduction`: {reduction!r}. Expected one of {allowed}."
        + did_you_mean(reduction, [name for name in allowed if name])
    )


def reduce_weighted_values(
    values: Array, sample_weight: Any = None, mask: Array | None = None, reduction: str | None = "sum_over_batch_size"
) -> tuple[Array, Any]:
    """Return L = Σ l w / N (or what `reduction` asks for) and dL/dl.

    Args:
        values: l, the losses of the samples, any shape.
        sample_weight: w, broadcast to `values`; not normalized.
        mask: True where a value counts; like `sample_weight`, and N counts those only.
        reduction: `"sum_over_batch_size"` and `"mean"` divide by the number of values, `"sum"` does not,
            `"mean_with_sample_weight"` divides by Σ w, `"none"` and None leave l w as it is.

    Returns:
        L, and dL/dl: an array of l's shape, or one float for all of them. Where L is an
        array it is the gradient of its sum.

    Raises:
        InvalidArgumentError: the weights do not broadcast with the values.

    Source: `reduce_weighted_values`, Keras 3.15, `keras/src/losses/loss.py`;
    `compute_weighted_loss`, tf_keras 2.21, `tf_keras/src/utils/losses_utils.py`.

    >>> value, dvalues = reduce_weighted_values(np.array([1.0, 2.0]), sample_weight=[3.0, 1.0])
    >>> float(value), dvalues.tolist()
    (2.5, [1.5, 0.5])
    """
    if values.dtype.kind in "iu":
        value, gradient = reduce_weighted_values(values.astype(np.float32), sample_weight, mask, reduction)
        return value.astype(values.dtype), gradient
    matched, weights, counted = weigh(values, sample_weight, mask, reduction)
    weighted = values if weights is None else matched * weights
    divisor = divisor_of(weighted, weights, reduction, counted)
    scale: Any
    if divisor is None:
        value, scale = weighted, 1.0
    else:
        total = np.add.reduce(weighted, axis=None)
        number = number_of(total)
        if divisor == 0:
            value, scale = np.zeros_like(total), 0.0
        elif divisor != divisor:
            value, scale = total * np.nan, np.nan
        elif divisor == 1:
            value, scale = total, 1.0
        else:
            value, scale = total / number(divisor), 1.0 / divisor
            if number is not total.dtype.type:  # 1 / N rounds, once for all samples
                scale = np.broadcast_to(number(1.0) / divisor, weighted.shape)
    if weights is None:
        return value, scale
    spread = np.broadcast_to(weights * scale, weighted.shape)
    return value, sum_to_shape(spread, matched.shape).reshape(values.shape)


def weigh(
    values: Array, sample_weight: Any, mask: Array | None, reduction: str | None
) -> tuple[Array, Array | None, float]:
    """Return the values and their weights (or None) in shapes that broadcast, and what part of the values is counted.

    Raises:
        InvalidArgumentError: the weights do not broadcast with the values.
    """
    if sample_weight is None and mask is None:
        return values, None, 1.0
    counted = 1.0
    if sample_weight is not None:
        sample_weight = as_array(sample_weight, values.dtype)
        if semantics.current().weighted_mean_counts == "nonzero weights":
            counted = np.count_nonzero(sample_weight) / sample_weight.size
    weights = apply_mask(sample_weight, mask, values.dtype, reduction)
    matched, weights = match_weights(values, weights)
    check_broadcast(matched, weights, ("the loss values", "sample_weight"))
    return matched, weights, counted


def divisor_of(weighted: Array, weights: Array | None, reduction: str | None, counted: float) -> Any:
    """Return what the sum of the weighted values is divided by.

    1 for a sum, 0 where the loss is 0 without division, NaN where nothing counts; None where there is no reduction.
    A mean is taken over that part of the values which is `counted`.
    """
    if reduction is None or reduction == "none" or weighted.ndim == 0:
        return None
    if weighted.shape == (0,) and semantics.current().empty_batch_loss == "empty":
        return None
    if reduction == "sum":
        return 1.0
    count = math.prod(weighted.shape) * counted
    if reduction == "mean_with_sample_weight" and weights is not None:
        total = np.add.reduce(weights, axis=None)
        count = float(total) if isinstance(total, np.generic) else total
    return math.nan if counted == 0 else count


def apply_mask(sample_weight: Array | None, mask: Array | None, dtype: Any, reduction: str | None) -> Array | None:
    """Return the weights that stand for `sample_weight` and `mask` together.

    For a mean, a value that counts weighs (number of values) / (number that count), so
    that dividing by the number of all values gives the mean over those that count.
    """
    if mask is None:
        return sample_weight
    weights = as_array(mask, dtype)
    if reduction in _MEANS:
        valid = np.add.reduce(weights, axis=None)
        if valid or semantics.current().all_masked_loss == "nan":
            weights = weights * np.divide(weights.dtype.type(weights.size), valid)
    if sample_weight is None:
        return weights
    weights, sample_weight = match_weights(weights, sample_weight)
    check_broadcast(weights, sample_weight, ("the mask", "sample_weight"))
    # Keras multiplies the weights in place, where NumPy and PyTorch keep the shape.
    spread = np.broadcast_shapes(weights.shape, sample_weight.shape) != sample_weight.shape
    if spread and not semantics.current().mask_spreads_weights:
        raise ValueError(
            f"sample_weight has shape {sample_weight.shape}, the mask has shape {weights.shape}. "
            "Expected weights that the mask can be broadcast to."
        )
    return sample_weight * weights
