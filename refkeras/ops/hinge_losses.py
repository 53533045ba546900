"""Hinge losses, of targets −1 and 1 (or of classes) and scores, with their pullbacks.

As in `ops.losses`, `t` are the targets, which are constants, and `p` the scores; the
pullback takes the gradient of the samples' values, `d`, and returns that of `p`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.reducing import along, mean, sum_to_shape, through_maximum

__all__ = ["categorical_hinge", "hinge", "signed_labels", "squared_hinge"]

Array = Any
ValueAndPullback = tuple[Array, Callable[[Any], Array]]


def signed_labels(t: Array) -> Array:
    """2 t − 1 if every label in the array is 0 or 1, else t.

    Source: `convert_binary_labels_to_hinge`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> signed_labels(np.array([0.0, 1.0])).tolist(), signed_labels(np.array([0.0, -1.0])).tolist()
    ([-1.0, 1.0], [0.0, -1.0])
    """
    return 2.0 * t - 1.0 if np.all((t == 0) | (t == 1)) else t


def hinge(t: Array, p: Array, *, rule: str = "select") -> ValueAndPullback:
    """l = mean_j max(1 − t_j p_j, 0),  dl/dp_j = −t_j / n where t_j p_j < 1, by the `rule` where it is 1, else 0.

    Args:
        t: targets (..., n), −1 or 1, or a shape that broadcasts with that of `p`.
        p: scores (..., n).
        rule: as in `through_maximum`.

    Source: `keras.losses.hinge`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = hinge(np.array([1.0, -1.0]), np.array([3.0, 0.5]))
    >>> float(value), pullback(1.0).tolist()
    (0.75, [-0.0, 0.5])
    """
    margin = 1.0 - t * p
    value, n = mean(np.maximum(margin, 0.0), -1)

    def pullback(d: Any) -> Array:
        dm = np.ones_like(margin) * along(d, -1, 1.0 / n)
        return sum_to_shape(-t * through_maximum(dm, margin, rule=rule), p.shape)

    return value, pullback


def squared_hinge(t: Array, p: Array, *, rule: str = "select") -> ValueAndPullback:
    """l = mean_j m_j²,  m = max(1 − t p, 0),  dl/dp_j = −2 m_j t_j / n.

    Args:
        t: targets (..., n), −1 or 1, or a shape that broadcasts with that of `p`.
        p: scores (..., n).
        rule: as in `through_maximum`, which shows where the margin is NaN.

    Source: `keras.losses.squared_hinge`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = squared_hinge(np.array([1.0, -1.0]), np.array([3.0, 0.5]))
    >>> float(value), pullback(1.0).tolist()
    (1.125, [-0.0, 1.5])
    """
    margin = 1.0 - t * p
    m = np.maximum(margin, 0.0)
    value, n = mean(m * m, -1)

    def pullback(d: Any) -> Array:
        return sum_to_shape(-t * through_maximum(m * along(d, -1, 2.0 / n), margin, rule=rule), p.shape)

    return value, pullback


def categorical_hinge(t: Array, p: Array, *, rule: str = "select", zero_of_nan: bool = False) -> ValueAndPullback:
    """l = max(max_j (1 − t_j) p_j − Σ_j t_j p_j + 1, 0).

    Where l > 0 without the outer max, dl/dp_j = s_j (1 − t_j) − t_j, and where l = 0 by the `rule`; s_j is 1
    where the inner maximum stands, shared equally by those that tie, and 0 elsewhere.

    Args:
        t: targets (..., n), most often one-hot, or a shape that broadcasts with that of `p`.
        p: scores (..., n).
        rule: as in `through_maximum`.
        zero_of_nan: s_j is 0, rather than NaN, where the inner maximum is NaN.

    Source: `keras.losses.categorical_hinge`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = categorical_hinge(np.array([0.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.25]))
    >>> float(value), pullback(1.0).tolist()
    (1.25, [0.5, 0.5, -1.0])
    """
    others = (1.0 - t) * p
    largest = np.maximum.reduce(others, -1, keepdims=True)
    margin = largest - np.add.reduce(t * p, -1, keepdims=True) + 1.0
    value = np.maximum(margin, 0.0)[..., 0]

    def pullback(d: Any) -> Array:
        dm = through_maximum(np.ones_like(margin) * along(d, -1), margin, rule=rule)
        ties = np.where(others == largest, np.ones_like(others), np.zeros_like(others))
        count = np.add.reduce(ties, -1, keepdims=True)
        share = ties / (np.where(count == 0, np.ones_like(count), count) if zero_of_nan else count)
        return sum_to_shape(dm * share * (1.0 - t) - dm * t, p.shape)

    return value, pullback
