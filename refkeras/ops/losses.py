"""Losses of each sample, with their pullbacks.

In every function `t` are the targets, which are constants; `p` predictions, `z`
logits. The value has one number per sample. The pullback takes the gradient of
those numbers, `d` (an array of their shape, or one float for all of them), and
returns the gradient of `p` or `z`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.exponentials import exponentials
from refkeras.ops.reducing import Axis, along, mean, mean_of, slope_of_abs, sum_to_shape, through_clip
from refkeras.ops.rows import by_rows, sum_along

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "kl_divergence",
    "mean_absolute_error",
    "mean_squared_error",
    "poisson",
    "sigmoid_crossentropy",
    "softmax_crossentropy",
    "sparse_categorical_crossentropy",
    "sparse_softmax_crossentropy",
    "sum_to_shape",
]

Array = Any
ValueAndPullback = tuple[Array, Callable[[Any], Array]]


def mean_squared_error(t: Array, p: Array) -> ValueAndPullback:
    """l = mean_j (p_j − t_j)²,  dl/dp_j = 2 (p_j − t_j) / n.

    Args:
        t: targets (..., n), or a shape that broadcasts with that of `p`.
        p: predictions (..., n).

    Source: `keras.losses.mean_squared_error`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = mean_squared_error(np.array([0.0, 1.0]), np.array([0.5, 3.0]))
    >>> float(value), pullback(1.0).tolist()
    (2.125, [0.5, 2.0])
    """

    def square(t: Array, p: Array) -> Array:
        e = p - t
        return e * e

    value, n = mean_of(square, -1, t, p)

    def pullback(d: Any) -> Array:
        return sum_to_shape(by_rows(lambda t, p, d: (p - t) * d, -1, t, p, along(d, -1, 2.0 / n)), p.shape)

    return value, pullback


def mean_absolute_error(t: Array, p: Array, *, rule: str = "sign") -> ValueAndPullback:
    """l = mean_j |t_j − p_j|,  dl/dp_j = −sign(t_j − p_j) / n, which is 0 where they are equal.

    Args:
        t: targets (..., n), or a shape that broadcasts with that of `p`.
        p: predictions (..., n).
        rule: the slope where they are equal, as in `slope_of_abs`.

    Source: `keras.losses.mean_absolute_error`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = mean_absolute_error(np.array([0.0, 1.0]), np.array([0.5, 1.0]))
    >>> float(value), pullback(1.0).tolist()
    (0.25, [0.5, -0.0])
    """
    value, n = mean_of(lambda t, p: np.abs(t - p), -1, t, p)

    def gradient(t: Array, p: Array, d: Any) -> Array:
        return -slope_of_abs(t - p, rule) * d

    def pullback(d: Any) -> Array:
        return sum_to_shape(by_rows(gradient, -1, t, p, along(d, -1, 1.0 / n)), p.shape)

    return value, pullback


def binary_crossentropy(
    t: Array, p: Array, *, epsilon: float = 1e-7, inner_epsilon: float = 0.0, axis: Axis = -1, rule: str = "select"
) -> ValueAndPullback:
    """l = −mean [t ln(q + ε') + (1 − t) ln(1 − q + ε')],  q = clip(p, ε, 1 − ε).

    The gradient passes where ε < p < 1 − ε, by the `rule` at the ends, and is 0 outside.

    Args:
        t: targets, of the shape of `p` or one that broadcasts with it.
        p: probabilities.
        epsilon: ε.
        inner_epsilon: ε', which tf_keras adds once more.
        axis: the axes that the mean is taken over; None for all of them.
        rule: as in `through_clip`.

    Source: `keras.losses.binary_crossentropy`, Keras 3.15, `keras/src/backend/tensorflow/nn.py`.

    >>> value, pullback = binary_crossentropy(np.array([1.0, 0.0]), np.array([0.5, 0.75]))
    >>> round(float(value), 6), pullback(1.0).tolist()
    (1.039721, [-1.0, 2.0])
    """
    q = np.minimum(np.maximum(p, epsilon), 1.0 - epsilon)
    a, b = q, 1.0 - q
    if inner_epsilon:
        a, b = a + inner_epsilon, b + inner_epsilon
    value, n = mean(t * np.log(a) + (1.0 - t) * np.log(b), axis)

    def pullback(d: Any) -> Array:
        dq = ((1.0 - t) * np.reciprocal(b) - t * np.reciprocal(a)) * along(d, axis, 1.0 / n)
        return sum_to_shape(through_clip(dq, p, epsilon, 1.0 - epsilon, rule), p.shape)

    return -value, pullback


def _log_of_sum(z: Array) -> Array:
    return np.log1p(np.exp(-np.abs(z)))


def _softplus(z: Array) -> Array:
    return np.maximum(z, 0.0) + _log_of_sum(z)


def _slope_of_softplus(z: Array) -> Array:
    """σ(z) from the value of softplus, e^(z − softplus(z)), as JAX derives it: its rounding comes in once more."""
    plus = _softplus(z)
    return np.exp(np.where(z == np.inf, 0.0, z) - np.where(plus == np.inf, 0.0, plus))


_SIGMOID_FORMS: dict[str, Callable[[Array, Array], Array]] = {
    "max(z, 0) - z t": lambda t, z: np.maximum(z, 0.0) - z * t + _log_of_sum(z),
    "(1 - t) z": lambda t, z: (1.0 - t) * z + _softplus(-z),
    "two parts": lambda t, z: t * _softplus(-z) + (1.0 - t) * _softplus(z),
}


def sigmoid_crossentropy(t: Array, z: Array, *, axis: Axis = -1, form: str = "max(z, 0) - z t") -> ValueAndPullback:
    """l = mean [max(z, 0) − z t + ln(1 + e^−|z|)],  dl/dz = (σ(z) − t) / n.

    This is the binary cross-entropy of p = σ(z), without loss of digits and without a clip. The same number is
    (1 − t) z − ln σ(z) and −t ln σ(z) − (1 − t) ln σ(−z). They differ where z is infinite, in ∞ − ∞ and 0 · ∞.

    Args:
        t: targets, of the shape of `z` or one that broadcasts with it.
        z: logits.
        axis: the axes that the mean is taken over; None for all of them.
        form: of these three, `"max(z, 0) - z t"`, `"(1 - t) z"` or `"two parts"`, whose derivative JAX takes from the
            logarithms that it has.

    Source: `tf.nn.sigmoid_cross_entropy_with_logits`, TensorFlow 2.21.

    >>> value, pullback = sigmoid_crossentropy(np.array([1.0]), np.array([-1000.0]))
    >>> float(value), pullback(1.0).tolist()
    (1000.0, [-1.0])
    """
    value, n = mean_of(_SIGMOID_FORMS[form], axis, t, z)

    def pullback(d: Any) -> Array:
        d = along(d, axis, 1.0 / n)
        if form == "two parts":
            return sum_to_shape(((1.0 - t) * _slope_of_softplus(z) - t * _slope_of_softplus(-z)) * d, z.shape)
        e = np.exp(-np.abs(z))
        if form == "max(z, 0) - z t":  # of max, of z t, and of the logarithm, as TensorFlow adds them
            of_log = d * np.reciprocal(1.0 + e) * e
            return sum_to_shape(np.where(z >= 0, (d - t * d) - of_log, of_log - t * d), z.shape)
        sigmoid = np.where(z >= 0, np.ones_like(e), e) / (1.0 + e)
        return sum_to_shape((sigmoid - t) * d, z.shape)

    return value, pullback


def categorical_crossentropy(
    t: Array,
    p: Array,
    *,
    epsilon: float = 1e-7,
    axis: int = -1,
    rule: str = "select",
    picks: bool = False,
    squares: bool = False,
) -> ValueAndPullback:
    """l = −Σ_j t_j ln q_j,  q = clip(r, ε, 1 − ε),  r = p / Σ_j p_j.

    The gradient passes the clip where ε < r < 1 − ε, by the `rule` at the ends; with g_j = −t_j / q_j there
    and 0 elsewhere, dl/dp_j = (g_j − Σ_k g_k r_k) / Σ_k p_k.

    Args:
        t: targets, of the shape of `p`.
        p: probabilities.
        epsilon: ε.
        axis: the axis of the classes.
        rule: as in `through_clip`.
        picks: whether terms whose t_j is 0 are left out, so that no NaN or infinity of theirs shows.
        squares: whether Σ_k g_k r_k / Σ_k p_k is computed as Σ_k g_k p_k / (Σ_k p_k)², as JAX derives a quotient.

    Source: `keras.losses.categorical_crossentropy`, Keras 3.15, `keras/src/backend/tensorflow/nn.py`.

    >>> value, pullback = categorical_crossentropy(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    >>> round(float(value), 6), pullback(1.0).tolist()
    (0.693147, [1.0, -1.0])
    """
    total = sum_along(p, axis, keepdims=True)
    r = p / total
    q = np.minimum(np.maximum(r, epsilon), 1.0 - epsilon)
    terms = t * np.log(q)
    value = -sum_along(np.where(t == 0, 0, terms) if picks else terms, axis)

    def pullback(d: Any) -> Array:
        g = through_clip(-t * np.reciprocal(q) * along(d, axis), r, epsilon, 1.0 - epsilon, rule)
        if squares:
            return g / total - sum_along(g * (1.0 / np.square(total)) * p, axis, keepdims=True)
        return (g - sum_along(g * r, axis, keepdims=True)) / total

    return value, pullback


def softmax_crossentropy(
    t: Array, z: Array, *, axis: int = -1, derivative: bool = False, by_logarithms: bool = False
) -> ValueAndPullback:
    """l = −Σ_j t_j ln softmax(z)_j,  dl/dz := softmax(z) − t.

    That gradient is the derivative where Σ_j t_j = 1. TensorFlow's kernel, and so Keras on
    TensorFlow, uses it for other targets too, where the derivative is softmax(z) Σ_j t_j − t.

    Args:
        t: targets, of the shape of `z`.
        z: logits.
        axis: the axis of the classes.
        derivative: whether the gradient is the derivative for any targets.
        by_logarithms: whether its softmax(z) is exp(ln softmax(z)), as in PyTorch.

    Source: `tf.nn.softmax_cross_entropy_with_logits`, TensorFlow 2.21.

    >>> value, pullback = softmax_crossentropy(np.array([0.0, 1.0]), np.array([1000.0, 0.0]))
    >>> float(value), pullback(1.0).tolist()
    (1000.0, [1.0, -1.0])
    """
    shifted, e, total = exponentials(z, axis)
    value = sum_along(t * (np.log(total) - shifted), axis)

    def pullback(d: Any) -> Array:
        softmax = _softmax_of(shifted, e, total, by_logarithms)
        if derivative:
            softmax = softmax * np.add.reduce(t, axis, keepdims=True)
        return (softmax - t) * along(d, axis)

    return value, pullback


def _softmax_of(shifted: Array, e: Array, total: Array, by_logarithms: bool) -> Array:
    return np.exp(shifted - np.log(total)) if by_logarithms else e / total


def sparse_softmax_crossentropy(k: Array, z: Array, *, by_logarithms: bool = False) -> ValueAndPullback:
    """l = −ln softmax(z)_k,  dl/dz_j = softmax(z)_j − [j = k].

    Args:
        k: integer classes (...), each within 0 ≤ k < n.
        z: logits (..., n).
        by_logarithms: whether softmax(z) in the gradient is exp(ln softmax(z)), as in PyTorch.

    Source: `tf.nn.sparse_softmax_cross_entropy_with_logits`, TensorFlow 2.21.

    >>> value, pullback = sparse_softmax_crossentropy(np.array([1]), np.array([[0.0, 0.0]]))
    >>> value.round(6).tolist(), pullback(1.0).tolist()
    ([0.693147], [[0.5, -0.5]])
    """
    shifted, e, total = exponentials(z, -1)
    one_hot = k[..., None] == np.arange(z.shape[-1])
    value = np.log(total)[..., 0] - sum_along(np.where(one_hot, shifted, 0), -1)

    def pullback(d: Any) -> Array:
        softmax = _softmax_of(shifted, e, total, by_logarithms)
        return (softmax - one_hot) * along(d, -1)

    return value, pullback


def sparse_categorical_crossentropy(k: Array, p: Array, *, epsilon: float = 1e-7) -> ValueAndPullback:
    """l = −ln (q_k / Σ_j q_j),  q = clip(p, ε, 1 − ε).

    Keras takes the softmax cross-entropy of ln q, so that the clipped probabilities are
    normalized, and those that are given are not. The gradient passes where ε ≤ p ≤ 1 − ε.

    Args:
        k: integer classes (...), each within 0 ≤ k < n.
        p: probabilities (..., n).
        epsilon: ε.

    Source: `keras.losses.sparse_categorical_crossentropy`, Keras 3.15, `keras/src/backend/tensorflow/nn.py`.

    >>> value, pullback = sparse_categorical_crossentropy(np.array([1]), np.array([[0.5, 0.25]]))
    >>> value.round(6).tolist(), pullback(1.0).round(6).tolist()
    ([1.098612], [[1.333333, -2.666667]])
    """
    q = np.minimum(np.maximum(p, epsilon), 1.0 - epsilon)
    value, dlog = sparse_softmax_crossentropy(k, np.log(q))

    def pullback(d: Any) -> Array:
        return through_clip(dlog(d) * np.reciprocal(q), p, epsilon, 1.0 - epsilon)

    return value, pullback


def kl_divergence(t: Array, p: Array, *, epsilon: float = 1e-7, rule: str = "select") -> ValueAndPullback:
    """l = Σ_j s_j ln r_j,  r = s / q,  s = clip(t, ε, 1),  q = clip(p, ε, 1),  dl/dp_j = −s_j / q_j where ε ≤ p_j ≤ 1.

    The gradient is computed by the chain rule, dl/dr_j = s_j / r_j and dr_j/dq_j = −r_j / q_j, as Keras's is.

    Args:
        t: probabilities (..., n), or a shape that broadcasts with that of `p`.
        p: predicted probabilities (..., n).
        epsilon: ε.
        rule: as in `through_clip`.

    Source: `keras.losses.kl_divergence`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = kl_divergence(np.array([0.5, 0.5]), np.array([0.25, 0.5]))
    >>> value.round(6).tolist(), pullback(1.0).tolist()
    (0.346574, [-2.0, -1.0])
    """
    s = np.minimum(np.maximum(t, epsilon), 1.0)
    q = np.minimum(np.maximum(p, epsilon), 1.0)
    r = s / q
    value = sum_along(s * np.log(r), -1)

    def pullback(d: Any) -> Array:
        dr = s * along(d, -1) * np.reciprocal(r)
        dq = dr * (-r / q)
        return sum_to_shape(through_clip(dq, p, epsilon, 1.0, rule), p.shape)

    return value, pullback


def poisson(t: Array, p: Array, *, epsilon: float = 1e-7) -> ValueAndPullback:
    """l = mean_j [p_j − t_j ln(p_j + ε)],  dl/dp_j = (1 − t_j / (p_j + ε)) / n.

    Args:
        t: counts (..., n), or a shape that broadcasts with that of `p`.
        p: predicted rates (..., n).
        epsilon: ε.

    Source: `keras.losses.poisson`, Keras 3.15, `keras/src/losses/losses.py`.

    >>> value, pullback = poisson(np.array([2.0, 0.0]), np.array([1.0, 3.0]))
    >>> value.round(6).tolist(), pullback(1.0).round(6).tolist()
    (2.0, [-0.5, 0.5])
    """
    q = p + epsilon
    value, n = mean(p - t * np.log(q), -1)

    def pullback(d: Any) -> Array:
        return sum_to_shape((1.0 - t * np.reciprocal(q)) * along(d, -1, 1.0 / n), p.shape)

    return value, pullback
