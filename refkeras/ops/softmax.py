"""Activations over an axis, each with its pullback: softmax and its kin, and the gated linear unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.exponentials import exponentials
from refkeras.ops.reducing import Axis
from refkeras.ops.rows import by_rows, sum_along

__all__ = ["glu", "log_softmax", "softmax", "sparsemax"]

Pullback = Callable[[Any], Any]


def softmax(x: Any, axis: Axis = -1, by_quotient: bool = False) -> tuple[Any, Pullback]:
    """y = e / S with e = e^{x − max x} and S = Σ e, along `axis` (None: over all);  dx = y (dy − Σ y dy)

    Args:
        by_quotient: dx = e (dy / S − Σ (dy / S²) e), the derivatives of the steps one by one, as JAX has it. Where
            dy / S is rounded apart from the sum, nearly equal dy leave more of the roundings.

    A slice that holds a NaN, a +∞, or nothing but −∞ gives NaN.

    Example:

        >>> import numpy as np
        >>> y, pullback = softmax(np.log([[1.0, 3.0]]))
        >>> print(y, pullback(np.array([[1.0, 0.0]])))
        [[0.25 0.75]] [[ 0.1875 -0.1875]]
    """

    def shares(x: Any) -> Any:
        _, e, total = exponentials(x, axis)
        return e / total

    y = by_rows(shares, axis, x)

    def gradient(y: Any, dy: Any) -> Any:
        return y * (dy - sum_along(y * dy, axis, keepdims=True))

    def of_quotient(x: Any, dy: Any) -> Any:
        _, e, total = exponentials(x, axis)
        return e * (dy / total - sum_along(dy * (1 / (total * total)) * e, axis, keepdims=True))

    if by_quotient:
        return y, lambda dy: by_rows(of_quotient, axis, x, dy)
    return y, lambda dy: by_rows(gradient, axis, y, dy)


def log_softmax(x: Any, axis: Axis = -1) -> tuple[Any, Pullback]:
    """y = s − ln Σ e^s, with s = x − max x, along `axis` (None: over all);  dx = dy − e^y Σ dy

    Example:

        >>> import numpy as np
        >>> y, pullback = log_softmax(np.log([[1.0, 3.0]]))
        >>> print(np.exp(y), pullback(np.array([[1.0, 0.0]])))
        [[0.25 0.75]] [[ 0.75 -0.75]]
    """
    s, _, total = exponentials(x, axis)
    y = s - np.log(total)

    def pullback(dy: Any) -> Any:
        return dy - np.exp(y) * sum_along(dy, axis, keepdims=True)

    return y, pullback


def glu(x: Any, axis: int = -1) -> tuple[Any, Pullback]:
    """y = a · sigmoid(b), with a and b the halves of x along `axis`

    Raises:
        ValueError: the axis has an odd size.

    Source: Dauphin et al. 2017 (arXiv:1612.08083).

    Example:

        >>> import numpy as np
        >>> y, pullback = glu(np.array([[2.0, 0.0]]))
        >>> print(y, pullback(np.array([[1.0]])))
        [[1.]] [[0.5 0.5]]
    """
    if x.shape[axis] % 2:
        raise ValueError(f"axis size must be divisible by 2. Received: x.shape={x.shape} with axis={axis}")
    a, b = np.split(x, 2, axis=axis)
    with np.errstate(over="ignore"):
        s = 1 / (1 + np.exp(-b))

    def pullback(dy: Any) -> Any:
        return np.concatenate([dy * s, dy * a * s * (1 - s)], axis=axis)

    return a * s, pullback


def sparsemax(x: Any, axis: int = -1) -> tuple[Any, Pullback]:
    """y = max(x − τ, 0) along `axis`

    With x sorted downwards and summed up, S_j = x₍₁₎ + … + x₍ⱼ₎, the support are the
    j with x₍ⱼ₎ > (S_j − 1) / j, k of them. τ should be (S_k − 1) / k; Keras 3 computes
    (Σ_support S_j − 1) / k, which is the same where k = 1 only, and so does this.

    Source: Martins and Astudillo 2016 (arXiv:1602.02068); `sparsemax` of
    `keras/src/backend/tensorflow/nn.py`.

    Example:

        >>> import numpy as np
        >>> y, pullback = sparsemax(np.array([[3.0, 1.0, 0.2]]))
        >>> print(y, pullback(np.array([[1.0, 2.0, 4.0]])))
        [[1. 0. 0.]] [[0. 0. 0.]]
    """
    order = np.flip(np.argsort(x, axis=axis, kind="stable"), axis=axis)
    falling = np.take_along_axis(x, order, axis=axis)
    sums = np.cumsum(falling, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    rank = np.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape(shape)
    support = falling - (sums - 1) / rank > 0
    k = np.sum(support, axis=axis, keepdims=True, dtype=x.dtype)
    tau = (np.sum(np.where(support, sums, 0), axis=axis, keepdims=True) - 1) / k
    kept = x - tau >= 0

    def pullback(dy: Any) -> Any:
        dx = np.where(kept, dy, 0)
        d_sums = np.where(support, -np.sum(dx, axis=axis, keepdims=True) / k, 0)
        # S_j holds x₍₁₎ … x₍ⱼ₎, so the gradient of x₍ᵢ₎ is the sum over the S_j with j ≥ i.
        d_falling = np.flip(np.cumsum(np.flip(d_sums, axis=axis), axis=axis), axis=axis)
        d_tau = np.empty_like(d_falling)
        np.put_along_axis(d_tau, order, d_falling, axis=axis)
        return dx + d_tau

    return np.maximum(x - tau, 0), pullback
