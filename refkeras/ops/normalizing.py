"""Vectors of length 1, with their pullback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["L2_EPSILON", "unit_vectors"]

#: What bounds the sum of squares in TensorFlow's `l2_normalize`.
L2_EPSILON = 1e-12

Array = Any


def unit_vectors(
    x: Array,
    *,
    axis: int = -1,
    epsilon: float = 1e-7,
    squares: bool = False,
    rule: str = "select",
    nan_at_0: bool = False,
) -> tuple[Array, Callable[[Array], Array]]:
    """x̂ = x / |x|,  dx = (dx̂ − x̂ Σ_k dx̂_k x̂_k) / |x|.

    1 / |x| is at most 1 / ε; or, with `squares`, |x|² at least ε; or, if ε is 0, |x| is 1 where x is 0.
    Where that bound acts, |x| is a constant: dx = ε̂ dx̂, with the bound ε̂ for 1 / |x|.

    Args:
        x: any shape.
        axis: the axis of the components.
        epsilon: ε.
        squares: whether ε bounds the sum of squares rather than the norm.
        rule: how the gradient passes where 1 / |x| is just 1 / ε: as in `reducing.through_maximum`.
        nan_at_0: where Σ x² is 0 the gradient is NaN: the derivative of 1 / |x|, which is infinite, times 0.

    Source: `keras.ops.normalize`, Keras 3.15, `keras/src/ops/nn.py`; `tf.linalg.l2_normalize`, TensorFlow 2.21;
    `keras.utils.normalize`, which is what normalizes on the NumPy backend.

    >>> unit, pullback = unit_vectors(np.array([3.0, 4.0]))
    >>> unit.round(6).tolist(), pullback(np.array([1.0, 0.0])).round(6).tolist()
    ([0.6, 0.8], [0.128, -0.096])
    """
    total = np.add.reduce(x * x, axis, keepdims=True)
    inverse, free, at_end = _inverse_root(total, epsilon, squares)
    unit = x * inverse

    def pullback(d: Array) -> Array:
        along_x = unit * np.add.reduce(d * unit, axis, keepdims=True)
        kept = np.where(free, along_x, np.zeros_like(along_x))
        if rule != "select":
            kept = np.where(at_end, 0.5 * along_x, kept)
        if nan_at_0:
            kept = np.where(total == 0, np.nan * np.ones_like(kept), kept)
        return inverse * (d - kept)

    return unit, pullback


def _inverse_root(total: Array, epsilon: float, squares: bool) -> tuple[Array, Array, Array]:
    """Return 1 / √total, bounded; where the bound does not act; and where it is just met."""
    if squares:
        return 1.0 / np.sqrt(np.maximum(total, epsilon)), total >= epsilon, total == epsilon
    if not epsilon:
        free = total > 0
        return 1.0 / np.sqrt(np.where(free, total, np.ones_like(total))), free, np.zeros(total.shape, bool)
    with np.errstate(divide="ignore"):
        inverse = 1.0 / np.sqrt(total)
    return np.minimum(inverse, 1.0 / epsilon), inverse <= 1.0 / epsilon, inverse == 1.0 / epsilon
