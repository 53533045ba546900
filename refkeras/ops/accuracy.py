"""What accuracies are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["argmax", "in_top_k"]

Array = Any
_TINY = {np.dtype(name).itemsize: float(np.finfo(name).tiny) for name in ("float16", "float32", "float64")}


def argmax(x: Array, *, order_zeros: bool = True, nan_first: bool = False) -> Array:
    """Return where the largest number of the last axis stands: the first of equals, never a NaN unless all are.

    Subnormal numbers count as zeros of their sign, as in TensorFlow's kernels.

    Args:
        x: numbers (..., n).
        order_zeros: whether −0.0 is smaller than 0.0, as in Keras 3.
        nan_first: whether a NaN is larger than any number, as on Keras's other backends.

    Returns:
        Integers (...).

    Raises:
        ValueError: `x` has no axis.

    Source: `argmax`, Keras 3.15, `keras/src/backend/tensorflow/numpy.py`; `tf.argmax`, TensorFlow 2.21.

    >>> argmax(np.array([[1.0, 3.0, 3.0], [np.nan, -2.0, -1.0], [-0.0, 0.0, -1.0]])).tolist()
    [1, 2, 1]
    """
    if not x.ndim:
        raise ValueError("argmax: expected numbers along a last axis, received a single number.")
    if x.dtype.kind in "iub":
        return np.argmax(x, -1)
    # NumPy gives the place of a NaN where there is one, and the first zero of either sign. Neither
    # matters where the largest number of each row is positive, as probabilities and one-hot rows are.
    tiny = _TINY[x.dtype.itemsize]
    if 0 not in x.shape:
        largest = np.maximum.reduce(x, -1)
        if type(x) is np.ndarray:  # the same as below, in calls that cost a third
            if np.count_nonzero(largest >= tiny) == largest.size:
                return x.argmax(-1)
        elif np.minimum.reduce(largest, axis=None) >= tiny:
            return np.argmax(x, -1)
    if not nan_first:
        x = np.where(np.isnan(x), -np.inf, x)
    below = -tiny if order_zeros else 0.0
    return np.argmax(np.where(np.abs(x) < tiny, np.where(np.signbit(x), below, 0.0), x), -1)


def in_top_k(labels: Array, x: Array, k: int) -> Array:
    """Whether fewer than k numbers of a row exceed the one that its label names.

    Not so in a row with a NaN or an infinity, nor for a label outside 0 ≤ label < n.

    Args:
        labels: integers (B,).
        x: numbers (B, n).
        k: how many numbers count as largest, or more where they tie.

    Returns:
        Booleans (B,).

    Source: `tf.math.in_top_k`, TensorFlow 2.21, `tensorflow/core/kernels/in_topk_op.h`.

    >>> in_top_k(np.array([0, 1, 2]), np.array([[3.0, 1.0, 3.0], [3.0, 1.0, 2.0], [np.inf, 0.0, 1.0]]), 1).tolist()
    [True, False, False]
    """
    n = x.shape[-1]
    if not n:
        return np.zeros(labels.shape, bool)
    known = (labels >= 0) & (labels < n)
    own = np.take_along_axis(x, np.where(known, labels, 0)[:, None], -1)
    larger = np.count_nonzero(x > own, -1)
    return known & np.all(np.isfinite(x), -1) & (larger < k)
