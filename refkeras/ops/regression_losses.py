"""More errors of predicted numbers, with their pullbacks.

As in `ops.losses`, `t` are the targets, which are constants, and `p` the predictions; the
pullback takes the gradient of the samples' values, `d`, and returns that of `p`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.activations import softplus
from refkeras.ops.normalizing import unit_vectors
from refkeras.ops.reducing import along, mean, slope_of_abs, sum_to_shape, through_maximum

__all__ = [
    "cosine_similarity",
    "cosine_similarity_of_arrays",
    "huber",
    "log_cosh",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
]

Array = Any
ValueAndPullback = tuple[Array, Callable[[Any], Array]]
# Keras rounds ln 2 to float32 in float64 too, so that log_cosh of two equal numbers is -1.9e-9 there.
LN_2 = 0.693147182464599609375


def mean_absolute_percentage_error(
    t: Array, p: Array, *, epsilon: float = 1e-7, rule: str = "sign"
) -> ValueAndPullback:
    """l = 100 mean_j |(t_j − p_j) / m_j|,  m = max(|t|, ε),  dl/dp_j = −100 sign(t_j − p_j) / (n m_j).

    Args:
        t: targets (..., n), or a shape that broadcasts with that of `p`.
        p: predictions (..., n).
        epsilon: ε.
        rule: the slope where they are equal, as in `slope_of_abs`.

    Source: `keras.losses.mean_absolute_percentage_error`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = mean_absolute_percentage_error(np.array([2.0, 4.0]), np.array([3.0, 4.0]))
    >>> float(value), pullback(1.0).tolist()
    (25.0, [25.0, -0.0])
    """
    m = np.maximum(np.abs(t), epsilon)
    e = (t - p) / m
    value, n = mean(np.abs(e), -1)

    def pullback(d: Any) -> Array:
        return sum_to_shape(-slope_of_abs(e, rule) * along(d, -1, 100.0 / n) / m, p.shape)

    return 100.0 * value, pullback


def mean_squared_logarithmic_error(
    t: Array, p: Array, *, epsilon: float = 1e-7, rule: str = "select"
) -> ValueAndPullback:
    """l = mean_j e_j²,  e = ln(q + 1) − ln(max(t, ε) + 1),  q = max(p, ε).

    The gradient, dl/dp_j = 2 e_j / (n (q_j + 1)), passes where p > ε, by the `rule` where p = ε, and is 0 elsewhere.

    Args:
        t: targets (..., n), or a shape that broadcasts with that of `p`.
        p: predictions (..., n).
        epsilon: ε.
        rule: as in `through_maximum`.

    Source: `keras.losses.mean_squared_logarithmic_error`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = mean_squared_logarithmic_error(np.array([0.0, 1.0]), np.array([-3.0, 3.0]))
    >>> value.round(6).tolist(), pullback(1.0).round(6).tolist()
    (0.240227, [0.0, 0.173287])
    """
    q = np.maximum(p, epsilon) + 1.0
    e = np.log(q) - np.log(np.maximum(t, epsilon) + 1.0)
    value, n = mean(e * e, -1)

    def pullback(d: Any) -> Array:
        dq = e * along(d, -1, 2.0 / n) * np.reciprocal(q)
        return sum_to_shape(through_maximum(dq, p, epsilon, rule), p.shape)

    return value, pullback


def huber(t: Array, p: Array, *, delta: float = 1.0) -> ValueAndPullback:
    """l = mean_j [e_j² / 2 if |e_j| ≤ δ, else δ |e_j| − δ² / 2],  e = p − t,  dl/de_j = e_j or δ sign(e_j), over n.

    Args:
        t: targets (..., n), or a shape that broadcasts with that of `p`.
        p: predictions (..., n).
        delta: δ, where the parabola ends and its tangents begin.

    Source: `keras.losses.huber`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = huber(np.array([0.0, 0.0]), np.array([0.5, -3.0]))
    >>> float(value), pullback(1.0).tolist()
    (1.3125, [0.25, -0.5])
    """
    e = p - t
    size = np.abs(e)
    within = size <= delta
    value, n = mean(np.where(within, 0.5 * (e * e), delta * size - 0.5 * delta**2), -1)

    def pullback(d: Any) -> Array:
        # Each branch gets its part of d, and the other one zeros: so an infinite error has no gradient (0 · ∞).
        de = np.ones_like(e) * along(d, -1, 1.0 / n)
        none = np.zeros_like(de)
        return sum_to_shape(np.where(within, de, none) * e + np.where(within, none, de) * delta * np.sign(e), p.shape)

    return value, pullback


def log_cosh(t: Array, p: Array) -> ValueAndPullback:
    """l = mean_j ln cosh e_j = mean_j [e_j + softplus(−2 e_j) − ln 2],  e = p − t,  dl/de_j = (1 − 2 σ(−2 e_j)) / n.

    That is tanh(e_j) / n. It is computed as Keras computes it, which costs digits near 0,
    and gives NaN for −∞.

    Args:
        t: targets (..., n), or a shape that broadcasts with that of `p`.
        p: predictions (..., n).

    Source: `keras.losses.log_cosh`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = log_cosh(np.array([0.0, 0.0]), np.array([0.0, 100.0]))
    >>> value.round(6).tolist(), pullback(1.0).tolist()
    (49.653426, [0.0, 0.5])
    """
    e = p - t
    s, ds = softplus(e * -2.0)
    value, n = mean(e + s - LN_2, -1)

    def pullback(d: Any) -> Array:
        de = np.ones_like(e) * along(d, -1, 1.0 / n)
        return sum_to_shape(de - 2.0 * ds(de), p.shape)

    return value, pullback


def cosine_similarity(
    t: Array,
    p: Array,
    *,
    axis: int = -1,
    epsilon: float = 1e-7,
    squares: bool = False,
    rule: str = "select",
    nan_at_0: bool = False,
) -> ValueAndPullback:
    """l = −Σ_j t̂_j p̂_j,  x̂ = x / |x|,  dl/dp_j = −(t̂_j − p̂_j Σ_k t̂_k p̂_k) / |p|.

    1 / |x| is at most 1 / ε (or, with `squares`, |x|² at least ε). Where that bound acts,
    |p| is a constant: dl/dp_j = −ε̂ t̂_j, with the bound ε̂ for 1 / |p|.

    Args:
        t: targets, of the shape of `p` or one that broadcasts with it.
        p: predictions.
        axis: the axis of the components.
        epsilon, squares, rule, nan_at_0: as in `normalizing.unit_vectors`.

    Source: `keras.losses.cosine_similarity`, Keras 3.15, `keras/src/losses/losses.py`;
    `tf.linalg.l2_normalize`, TensorFlow 2.21.

    >>> value, pullback = cosine_similarity(np.array([0.0, 2.0]), np.array([3.0, 4.0]))
    >>> value.round(6).tolist(), pullback(1.0).round(6).tolist()
    (-0.8, [0.096, -0.072])
    """
    t_unit, _ = unit_vectors(t, axis=axis, epsilon=epsilon, squares=squares)
    unit, pull = unit_vectors(p, axis=axis, epsilon=epsilon, squares=squares, rule=rule, nan_at_0=nan_at_0)

    def pullback(d: Any) -> Array:
        return pull(sum_to_shape(np.ones_like(unit) * (-t_unit * along(d, axis)), p.shape))

    return -np.add.reduce(t_unit * unit, axis), pullback


def cosine_similarity_of_arrays(t: Array, p: Array, *, axis: int = -1) -> ValueAndPullback:
    """`cosine_similarity` with x̂ = x / |x| as `keras.utils.normalize` divides NumPy arrays; |x| = 1 for 0.

    It lays the norms along the last axis where `axis` is 0, and takes a vector's norm for a vector: so x̂ has the
    shape of x broadcast with that of the norms, and l is a similarity in no other case.

    Args:
        t: targets, of the shape of `p` or one that broadcasts with it.
        p: predictions, at least one axis.
        axis: the axis of the components.

    Raises:
        ValueError: (`axis=0`) shapes that such a division cannot broadcast.

    Source: `keras.utils.normalize`, Keras 3.15, `keras/src/utils/numerical_utils.py`.

    >>> value, pullback = cosine_similarity_of_arrays(np.array([[0.0, 2.0]]), np.array([[3.0, 4.0]]))
    >>> value.round(6).tolist(), pullback(1.0).round(6).tolist()
    ([-0.8], [[0.096, -0.072]])
    >>> cosine_similarity_of_arrays(np.array([[1.0], [1.0]]), np.array([[1.0], [1.0]]), axis=0)[0].round(6).tolist()
    [-1.0]
    """
    total = np.add.reduce(p * p, axis)
    free = total > 0
    inverse = np.where(free, 1.0 / np.sqrt(np.where(free, total, 1.0)), 1.0)
    t_total = np.add.reduce(t * t, axis)
    t_inverse = 1.0 / np.sqrt(np.where(t_total > 0, t_total, 1.0))
    laid = _laid_as_normalize(axis)
    t_unit, unit = t * laid(t_inverse), p * laid(inverse)
    product = t_unit * unit

    def pullback(d: Any) -> Array:
        du = sum_to_shape(np.ones_like(product) * (-t_unit * along(d, axis)), unit.shape)
        dp = sum_to_shape(du * laid(inverse), p.shape)
        # |p|² has a part in all that its inverse root was laid over: d|p|⁻¹ = −|p|⁻³ p dp.
        dinverse = sum_to_shape(du * p, laid(inverse).shape).reshape(inverse.shape)
        through = np.where(free, dinverse * inverse * inverse * inverse, np.zeros_like(inverse))
        return dp - p * np.expand_dims(through, axis)

    return -np.add.reduce(product, axis), pullback


def _laid_as_normalize(axis: int) -> Callable[[Array], Array]:
    return lambda norms: np.expand_dims(norms if norms.ndim else norms.reshape(1), axis or -1)
