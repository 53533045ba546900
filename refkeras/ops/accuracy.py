"""What accuracies are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.ops.rows import maximum_along

__all__ = ["argmax", "fewer_than_k_exceed", "in_top_k"]

Array = Any
_TINY = {np.dtype(name).itemsize: float(np.finfo(name).tiny) for name in ("float16", "float32", "float64")}


def argmax(x: Array, *, order_zeros: bool = True, nan_first: bool = False, flush: bool = True) -> Array:
    """Return where the largest number of the last axis stands: the first of equals, never a NaN unless all are.

    Args:
        x: numbers (..., n).
        order_zeros: whether −0.0 is smaller than 0.0, as in Keras 3, where it stands for the largest normal number
            below 0.
        nan_first: whether a NaN is larger than any number, as on Keras's other backends.
        flush: whether subnormal numbers count as zeros of their sign, as in TensorFlow's kernels.

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
        largest = maximum_along(x, -1)
        if type(x) is np.ndarray:  # the same as below, in calls that cost a third
            if np.count_nonzero(largest >= tiny) == largest.size:
                return x.argmax(-1)
        elif np.minimum.reduce(largest, axis=None) >= tiny:
            return np.argmax(x, -1)
    if not nan_first:
        x = np.where(np.isnan(x), -np.inf, x)
    below = -tiny if order_zeros else 0.0
    zeros = np.abs(x) < tiny if flush else x == 0
    return np.argmax(np.where(zeros, np.where(np.signbit(x), below, 0.0), x), -1)


def in_top_k(labels: Array, x: Array, k: int) -> Array:
    """Whether fewer than k numbers of a row exceed the one that its label names: as on TensorFlow.

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


def fewer_than_k_exceed(labels: Array, x: Array, k: int, *, nan_is_largest: bool = False) -> Array:
    """Whether fewer than k numbers of a row exceed the one that its label names.

    Args:
        labels: integers (B,), or one for all rows; −n to −1 count from the end of the row.
        x: numbers (B, n), or one row for all labels.
        k: how many numbers count as largest, or more where they tie.
        nan_is_largest: a NaN exceeds every number, and is never among the k itself, as on NumPy and PyTorch; k is at
            most n there, and if negative stands for n + k. Otherwise, as on JAX, it is −∞, which a label outside
            −n ≤ label < n names, too.

    Returns:
        Booleans (B,).

    Raises:
        IndexError: (`nan_is_largest`) a label is outside −n ≤ label < n.

    Source: `in_top_k`, Keras 3.15, `keras/src/backend/numpy/math.py` and `keras/src/backend/jax/math.py`.

    >>> x = np.array([[np.nan, 1.0], [np.inf, 2.0], [0.0, 3.0], [np.nan, 1.0]])
    >>> fewer_than_k_exceed(np.array([0, 1, -1, 1]), x, 1).tolist()
    [False, False, True, True]
    >>> fewer_than_k_exceed(np.array([0, 1, -1, 1]), x, 1, nan_is_largest=True).tolist()
    [False, False, True, False]
    """
    n = x.shape[-1]
    if nan_is_largest:
        own = np.take_along_axis(x, labels[:, None], -1)
        exceeding = np.count_nonzero((x > own) | np.isnan(x), -1)
        return ~np.isnan(own)[..., 0] & (exceeding < (min(k, n) if k >= 0 else n + k))
    known = ((labels >= -n) & (labels < n))[:, None]
    own = np.take_along_axis(x, np.where(known, labels[:, None], 0), -1)
    return np.count_nonzero(x > np.where(known & ~np.isnan(own), own, -np.inf), -1) < k
